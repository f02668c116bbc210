"""A reader's key opens with its passphrase alone, and its public half survives the mail."""

import stat
import struct
import textwrap
import unicodedata
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import ConfigError, IntegrityError, LockedError
from healthslm.vault import identity
from healthslm.vault.readers import Reader

from .given import CHEAPEST, PASSPHRASE

READER = Reader(bytes(range(96)))
SEALED = identity.seal_key(READER, PASSPHRASE, CHEAPEST)
LINE = identity.public_line(READER.public)


def checked(body):
    """Return a key file with a right check, as who altered it would write it."""
    return body + sha256(body).digest()[:16]


def test_a_key_comes_back_from_its_files(tmp_path) -> None:
    key, public = identity.write(tmp_path / "new" / "dr.lee", READER, PASSPHRASE, CHEAPEST)
    assert (key.name, public.name) == ("dr.lee.key", "dr.lee.pub")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert identity.read(key, PASSPHRASE).private == READER.private
    assert identity.read_public(public) == READER.public
    assert len(key.read_bytes()) == 220 and len(public.read_text().splitlines()) == 1


@pytest.mark.parametrize("suffix", [".key", ".pub"])
def test_neither_file_is_ever_written_over(tmp_path, suffix) -> None:
    there = tmp_path / f"dr{suffix}"
    there.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        identity.write(tmp_path / "dr", READER, PASSPHRASE, CHEAPEST)
    assert there.read_text() == "mine" and list(tmp_path.iterdir()) == [there]


def test_a_wrong_passphrase_is_said_to_be_one() -> None:
    with pytest.raises(LockedError, match="wrong passphrase"):
        identity.open_key(SEALED, "another")


def test_a_passphrase_may_be_typed_in_either_form_of_unicode() -> None:
    assert (
        identity.open_key(SEALED, unicodedata.normalize("NFD", PASSPHRASE)).private
        == READER.private
    )


def test_no_flipped_byte_opens_and_none_is_taken_for_a_wrong_passphrase() -> None:
    for at in range(len(SEALED)):
        altered = SEALED[:at] + bytes([SEALED[at] ^ 1 << at % 8]) + SEALED[at + 1 :]
        with pytest.raises(IntegrityError):
            identity.open_key(altered, PASSPHRASE)


@pytest.mark.parametrize("length", [0, 3, 4, 219, 221])
def test_a_key_of_another_length_is_refused(length) -> None:
    with pytest.raises(IntegrityError, match="bad marker"):
        identity.open_key((SEALED + b"\0")[:length], PASSPHRASE)


@pytest.mark.parametrize(
    "cost", [(1 << 20 | 1, 1, 1), (32, 17, 1), (1024, 1, 17), (32, 0, 1), (32, 1, 0), (7, 1, 1)]
)
def test_a_key_that_asks_for_too_much_is_refused_before_it_costs_anything(cost) -> None:
    body = SEALED[:4] + struct.pack(">III", *cost) + SEALED[16:-16]
    with pytest.raises(IntegrityError, match="asks for more"):
        identity.open_key(checked(body), PASSPHRASE)


def test_what_was_altered_on_purpose_does_not_open_either() -> None:
    """With the check made anew, every byte is still under the seal."""
    for at in range(4, len(SEALED) - 16):
        if 4 <= at < 16:  # a cost: too dear to try, and bound to the seal all the same
            continue
        altered = SEALED[:at] + bytes([SEALED[at] ^ 1]) + SEALED[at + 1 : -16]
        with pytest.raises((IntegrityError, LockedError)):
            identity.open_key(checked(altered), PASSPHRASE)


def test_the_cost_is_bound_to_the_seal() -> None:
    body = SEALED[:4] + struct.pack(">III", 64, 1, 1) + SEALED[16:-16]
    with pytest.raises(LockedError):
        identity.open_key(checked(body), PASSPHRASE)


def test_a_key_that_others_may_read_is_refused(tmp_path) -> None:
    key, _ = identity.write(tmp_path / "dr", READER, PASSPHRASE, CHEAPEST)
    key.chmod(0o640)
    with pytest.raises(LockedError, match="chmod 600"):
        identity.read(key, PASSPHRASE)


def test_missing_files_are_said_to_be_missing(tmp_path) -> None:
    for read in (lambda p: identity.read(p, ""), identity.read_public):
        with pytest.raises(ConfigError, match="key init"):
            read(tmp_path / "none")


def test_a_public_key_survives_being_wrapped_on_the_way() -> None:
    wrapped = "\r\n".join(textwrap.wrap(LINE, 72))
    assert identity.public_of(f"  {wrapped}\n\n") == READER.public


def test_a_public_key_with_a_changed_letter_is_refused() -> None:
    for at in range(0, len(LINE) - 1, 13):
        other = "B" if LINE[at] != "B" else "C"
        with pytest.raises(IntegrityError):
            identity.public_of(LINE[:at] + other + LINE[at + 1 :])


@given(st.text(max_size=80))
def test_any_text_is_a_public_key_or_refused(text) -> None:
    with pytest.raises(IntegrityError):
        identity.public_of("healthslm-reader-1:" + text)
    with pytest.raises(IntegrityError):
        identity.public_of(text)


def test_a_fingerprint_is_compared_whole_however_it_is_spaced() -> None:
    shown = identity.fingerprint(READER.public)
    for told in (shown, shown.replace(" ", ""), shown.replace(" ", "-"), f" {shown}\n"):
        assert identity.same_fingerprint(READER.public, told)
    for told in ("", shown[:-1], shown[6:], shown + "1", shown.replace(shown[0], "x", 1)):
        assert not identity.same_fingerprint(READER.public, told)


def test_no_two_keys_are_sealed_alike() -> None:
    assert identity.seal_key(READER, PASSPHRASE, CHEAPEST) != SEALED
