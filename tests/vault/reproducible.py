"""Bytes that anyone can make again, for what is published as a vector."""

import struct
from hashlib import sha256

from healthslm.vault.keys import Device
from healthslm.vault.readers import Reader
from healthslm.vault.recovery import reader
from healthslm.vault.seal import row_label, seal


def bytes_of(name, n):
    """Return n bytes that follow from a name."""
    return b"".join(sha256(f"{name} {i}".encode()).digest() for i in range(-(-n // 32)))[:n]


STORE, OTHER = bytes_of("store", 16), bytes_of("another store", 16)
KEY, SALT = bytes_of("key", 32), bytes_of("salt", 24)
LABEL = row_label(STORE, 5, 2048)

SECRET = bytes_of("secret", 32)
DEVICE, THIEF = Device(STORE, SECRET), Device(STORE, bytes_of("planter", 32))
OWNER, STRANGER = Reader(bytes_of("private", 96)), Reader(bytes_of("other", 96))
SHEET = bytes_of("sheet", 32)
SECOND = reader(SHEET)
PASSPHRASE = "ein Löffel Zucker"  # noqa: S105 - of the tests


def flipped(blob, at):
    return blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]


def stored(data):
    """Return raw deflate that compresses nothing, so that every zlib gives the same bytes.

    One last stored block, RFC 1951 section 3.2.4.
    """
    return b"\1" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data


def sealed(key, label, plaintext):
    """Return a seal whose salt follows from what is sealed: as new as that, and no random one."""
    return seal(key, label, plaintext, salt=sha256(key + label + plaintext).digest()[:24])
