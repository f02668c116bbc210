"""Where the device key comes from, and what is said of it."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from healthslm.vault import source
from healthslm.vault.keys import Device


@pytest.fixture
def given(tmp_path):
    """Return the environment of a service that was handed a device key."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    Device(bytes(16), bytes(32)).write(folder / "device.key")
    return {"CREDENTIALS_DIRECTORY": str(folder)}


def sealed(tmp_path, head):
    """Return a credential as it lies on the disk; base64, as systemd-creds writes it."""
    path = tmp_path / "sealed"
    path.write_bytes(base64.b64encode(bytes.fromhex(head) + bytes(200)))
    return path


def test_without_a_credential_it_is_the_file_beside_the_store(tmp_path, given):
    (Path(given["CREDENTIALS_DIRECTORY"]) / "device.key").unlink()
    for environ in ({}, {"CREDENTIALS_DIRECTORY": ""}, given):
        found = source.find(tmp_path, environ)
        assert (found.path, found.level) == (tmp_path / "device.key", "file")
        assert found.forbidden == 0o077
    assert "0600 key file on the same disk" in found.protects


def test_a_credential_wins_over_a_file(tmp_path, given):
    (tmp_path / "device.key").write_bytes(b"another")
    found = source.find(tmp_path, given, tmp_path / "nothing")
    assert Device.read(found.path).store_id == bytes(16)


@pytest.mark.parametrize(
    "head, level, words",
    [
        ("0c7cc07b117645919c4b0bea08bc20fe", "tpm", "takes the disk alone opens nothing"),
        ("faf7eb9341e3412ca1a436f95a29362f", "tpm", "takes the disk alone opens nothing"),
        ("93a894094874449090caf2fc93cab553", "host and tpm", "TPM and a key on the disk"),
        ("af4950a849134eb1a73846304ff30c05", "host and tpm", "TPM and a key on the disk"),
        ("5a1c6a86df9d4096b1d5a65e0862f19a", "host", "by a key on the same disk"),
        ("058469daf6f54324800549da0f8ea2fb", "none", "sealed by no key"),
        ("00" * 16, "credential", "cannot be seen from here"),
    ],
)
def test_by_what_it_is_sealed_is_read_from_its_first_bytes(tmp_path, given, head, level, words):
    found = source.find(tmp_path, given, sealed(tmp_path, head))
    assert found.level == level
    assert words in found.protects


@pytest.mark.parametrize("content", [b"", b"no base64!", b"\xff" * 30, b"QUJD"])
def test_what_cannot_be_read_is_not_guessed(tmp_path, given, content):
    (tmp_path / "sealed").write_bytes(content)
    assert source.find(tmp_path, given, tmp_path / "sealed").level == "credential"
    assert source.find(tmp_path, given, tmp_path / "nothing").level == "credential"
    assert source.find(tmp_path, given, tmp_path).level == "credential"


def test_every_sentence_says_who_could_still_read_what():
    for words in source.PROTECTS.values():
        assert "no raw samples" in words
        assert "last 8 days" in words


@pytest.mark.skipif(not shutil.which("systemd-creds"), reason="systemd-creds is not installed")
def test_systemds_own_seal_is_told_by_its_id(tmp_path, given):
    """By no key: that needs neither a TPM nor the host's key, which a test must not make."""
    plain = Path(given["CREDENTIALS_DIRECTORY"]) / "device.key"
    made = subprocess.run(
        ["systemd-creds", "encrypt", "--with-key=tpm2-absent", "--name=device.key", plain,
         tmp_path / "blob"],
        capture_output=True, text=True,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("this systemd-creds cannot seal without a key")
    assert source.find(tmp_path, given, tmp_path / "blob").level == "none"
