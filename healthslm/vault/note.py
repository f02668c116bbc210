"""A point of the audit trail, signed by the device, for somebody to keep outside the store.

Pure. `docs/store-format.md`, "Audit", is the specification: a signed note (C2SP, signed-note)
with the lines of a checkpoint (C2SP, tlog-checkpoint), but over a chain of hashes and no tree.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from healthslm.errors import IntegrityError
from healthslm.vault.keys import Device, verify

_ORIGIN = "healthslm audit/1 "
_NOTE = re.compile(
    r"(healthslm audit/1 [0-9a-f]{32}\n\d{1,18}\n[A-Za-z0-9+/]{43}=\n(?:.+\n)*)"
    r"\n\u2014 healthslm/([0-9a-f]{32}) ([A-Za-z0-9+/=]{92})\n"
)
_ED25519 = b"\1"  # signature type of C2SP signed-note


@dataclass(frozen=True, slots=True)
class Point:
    """How far a store's trail had come, and what was to be said of it."""

    store_id: bytes
    size: int
    hash: bytes
    said: tuple[str, ...] = ()


def write(device: Device, point: Point) -> str:
    """Return a point as a text that the device has signed."""
    if not all(line and "\n" not in line for line in point.said):
        raise ValueError("what is said must be one line each")
    lines = (
        f"{_ORIGIN}{point.store_id.hex()}",
        str(point.size),
        base64.b64encode(point.hash).decode(),
        *point.said,
    )
    text = "".join(f"{line}\n" for line in lines)
    name = _name(point.store_id)
    signed = _key_id(name, device.public) + device.sign(text.encode())
    return f"{text}\n\u2014 {name} {base64.b64encode(signed).decode()}\n"


def read(text: str, store_id: bytes, device_public: bytes) -> Point:
    """Return the point in a text that the device of this store has signed.

    Raises
    ------
    IntegrityError
        It is no such text, of another store, or was altered.
    """
    found = _NOTE.fullmatch(text)
    if found is None:
        raise IntegrityError("record: bad marker: no signed point of an audit trail, or cut off")
    body, named, signature = found.groups()
    origin, size, digest, *said = body.split("\n")[:-1]
    if origin != f"{_ORIGIN}{store_id.hex()}" or named != store_id.hex():
        raise IntegrityError("record: wrong label: it is of another store")
    signed = _bytes(signature)
    if base64.b64encode(signed).decode() != signature:  # the same bytes, another text
        raise IntegrityError("record: altered in its last line")
    if signed[:4] != _key_id(_name(store_id), device_public):
        raise IntegrityError(
            "record: wrong key: signed by another device key. One that was made before "
            "`key rotate --device` cannot be checked any more"
        )
    verify(device_public, signed[4:], body.encode(), "record")
    return Point(store_id, int(size), _bytes(digest), tuple(said))


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise IntegrityError("record: bad marker: no signed point of an audit trail") from None


def _name(store_id: bytes) -> str:
    return f"healthslm/{store_id.hex()}"


def _key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes by which a signature names its key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]
