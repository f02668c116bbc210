"""A signed point of the trail is read as it was written, and refused with the reason."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from healthslm.errors import IntegrityError
from healthslm.vault import note
from healthslm.vault.keys import Device
from healthslm.vault.note import Point

STORE = bytes(range(0x40, 0x50))
DEVICE = Device(STORE, bytes(range(32)))
POINT = Point(STORE, 17, bytes(range(32)), ("erased the waveforms of 2026-03-01",))


def test_a_note_is_what_the_page_says():
    """Taken apart by hand, from the page and the standard's own definitions."""
    text = note.write(DEVICE, POINT)
    body, _, last = text.partition("\n\n")
    assert body.split("\n") == [
        "healthslm audit/1 404142434445464748494a4b4c4d4e4f",
        "17",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "erased the waveforms of 2026-03-01",
    ]
    dash, name, signed = last.removesuffix("\n").split(" ")
    data = base64.b64decode(signed)
    assert (dash, name) == ("\u2014", f"healthslm/{STORE.hex()}")
    assert data[:4] == hashlib.sha256(name.encode() + b"\n\1" + DEVICE.public).digest()[:4]
    key = Ed25519PublicKey.from_public_bytes(DEVICE.public)
    key.verify(data[4:], f"{body}\n".encode())


@pytest.mark.parametrize("said", [(), ("one",), ("one", "zwei ñ — drei")])
def test_a_note_reads_back(said):
    point = Point(STORE, 0, bytes(32), said)
    assert note.read(note.write(DEVICE, point), STORE, DEVICE.public) == point


def test_no_bit_of_a_note_can_change_unseen():
    data = note.write(DEVICE, POINT).encode()
    for at in range(len(data) * 8):
        altered = bytearray(data)
        altered[at // 8] ^= 1 << at % 8
        with pytest.raises(IntegrityError, match="record"):
            note.read(altered.decode("utf-8", "replace"), STORE, DEVICE.public)


@pytest.mark.parametrize(
    ("store", "secret", "says"),
    [
        (bytes(16), bytes(range(32)), "wrong label: it is of another store"),
        (STORE, bytes(32), "wrong key: signed by another device key"),
    ],
)
def test_a_note_of_another_store_or_device_is_told_apart(store, secret, says):
    text = note.write(Device(store, secret), Point(store, 1, bytes(32)))
    with pytest.raises(IntegrityError, match=says):
        note.read(text, STORE, DEVICE.public)


def test_a_line_that_would_end_the_note_early_is_never_written():
    for said in ("", "two\nlines"):
        with pytest.raises(ValueError, match="one line"):
            note.write(DEVICE, Point(STORE, 1, bytes(32), (said,)))
