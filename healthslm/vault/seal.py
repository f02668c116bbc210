"""The one way anything is sealed, and how long content becomes rows of one size.

Pure: bytes in, bytes out. `docs/store-format.md`, "Seal" and "Rows", is the specification.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from healthslm.errors import IntegrityError

MARKER = b"HSS1"
SALT_BYTES = 24
OVERHEAD = 76  # marker 4, salt 24, key check 16, label check 16, tag 16
ROW_BYTES = 992  # four rows fill a page of 4096 bytes, with SQLite's own 30 bytes for each
SCHEMA = 1

_PART = struct.Struct(">QHHH")  # number, part, parts, used
PART_BYTES = ROW_BYTES - OVERHEAD - _PART.size
MAX_PARTS = 0xFFFF


class WrongKey(IntegrityError):
    """Sealed under another key, or damaged before the key check."""


class Damaged(IntegrityError):
    """Not what was sealed: bad marker, wrong label or bad tag."""


def seal(key: bytes, label: bytes, plaintext: bytes, *, salt: bytes | None = None) -> bytes:
    """Return `plaintext` sealed under `key` for the place that `label` names.

    key  32 bytes; salt  24 bytes, given only to remake a published vector.
    """
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    row_key, nonce, checks = _derive(key, label, salt)
    body = ChaCha20Poly1305(row_key).encrypt(nonce, plaintext, label)
    return MARKER + salt + checks + body


def unseal(key: bytes, label: bytes, blob: bytes, what: str) -> bytes:
    """Return what was sealed; `what` names the place in errors ("row 12").

    Raises
    ------
    WrongKey
        `blob` was sealed under another key (or its first 44 bytes were altered).
    Damaged
        Bad marker, wrong label (moved from another place) or bad tag (altered).
    """
    if blob[:4] != MARKER or len(blob) < OVERHEAD:
        raise Damaged(f"{what}: bad marker: not a sealed row of this format")
    row_key, nonce, checks = _derive(key, label, blob[4:28])
    if not hmac.compare_digest(blob[28:44], checks[:16]):
        raise WrongKey(f"{what}: wrong key: sealed under another key, or altered")
    if not hmac.compare_digest(blob[44:60], checks[16:]):
        raise Damaged(f"{what}: wrong label: sealed for another place")
    try:
        return ChaCha20Poly1305(row_key).decrypt(nonce, blob[60:], label)
    except InvalidTag:
        raise Damaged(f"{what}: bad tag: altered since it was sealed") from None


def _derive(key: bytes, label: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """Return key (32), nonce (12) and the checks that commit to key and label (16 | 16)."""
    prk = HKDF.extract(SHA256(), salt, key)
    okm = HKDFExpand(SHA256(), 60, b"healthslm/seal/1").derive(prk)
    label_check = HKDFExpand(SHA256(), 16, b"healthslm/label/1" + label).derive(prk)
    return okm[:32], okm[32:44], okm[44:] + label_check


def row_label(store_id: bytes, key_id: int, row_id: int) -> bytes:
    """Return where a row belongs: it opens nowhere else."""
    return b"healthslm/row/1" + store_id + struct.pack(">QQH", key_id, row_id, SCHEMA)


class Part(NamedTuple):
    """What one opened row holds."""

    number: int  # commit (or ring) number, the same in all parts of one content
    part: int
    parts: int
    data: bytes


def needed(content: bytes) -> int:
    """Return the least number of rows that hold `content`."""
    return -(-max(len(content), 1) // PART_BYTES)


def split(content: bytes, number: int, rows: int = 1) -> list[bytes]:
    """Return the plaintexts of the rows that hold `content`, at least `rows` of them.

    Raises
    ------
    ValueError
        The content needs more than 65 535 rows (56 MB).
    """
    parts = max(needed(content), rows)
    if parts > MAX_PARTS:
        raise ValueError(f"content of {len(content)} bytes does not fit {MAX_PARTS} rows")
    cuts = [content[i * PART_BYTES : (i + 1) * PART_BYTES] for i in range(parts)]
    return [
        _PART.pack(number, i, parts, len(data)) + data.ljust(PART_BYTES, b"\0")
        for i, data in enumerate(cuts)
    ]


def unsplit(plaintext: bytes, what: str) -> Part:
    """Return what one row holds.

    Raises
    ------
    Damaged
        The row is not of the constant size.
    """
    if len(plaintext) != _PART.size + PART_BYTES:
        raise Damaged(f"{what}: bad size")
    number, part, parts, used = _PART.unpack_from(plaintext)
    return Part(number, part, parts, plaintext[_PART.size : _PART.size + used])


def join(rows: Sequence[Part], what: str) -> bytes:
    """Return the content that `rows`, in order of id, hold together.

    Raises
    ------
    IntegrityError
        A part is missing ("lost") or is of another commit ("rolled back").
    """
    if not rows or len(rows) != rows[0].parts:
        raise IntegrityError(f"{what}: lost: not all of its rows are there")
    for i, row in enumerate(rows):
        if row.number != rows[0].number:
            raise IntegrityError(f"{what}: rolled back: its rows are of different commits")
        if row.part != i or row.parts != len(rows):
            raise IntegrityError(f"{what}: lost: its rows are not in order")
    return b"".join(row.data for row in rows)


def digest(key_id: int, blobs: Sequence[bytes]) -> bytes:
    """Return the 16 bytes by which an index knows the sealed rows of one content."""
    return hashlib.sha256(struct.pack(">Q", key_id) + b"".join(blobs)).digest()[:16]
