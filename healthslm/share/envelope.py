"""A report's envelope: padded, signed by the device, sealed to one reader; and opened again.

Pure but for the randomness of HPKE. `docs/report-format.md`, "File" and "Opening", is the
specification.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from healthslm.errors import ReportError
from healthslm.records import Derived
from healthslm.share import digest, schema

if TYPE_CHECKING:
    from healthslm.vault.release import Release

MARKER = b"HSR1"
SIZES = (4096, 16_384, 65_536)
SUFFIX = ".hsr"

_LABEL = b"healthslm/report/1"
_HPKE = 1136  # what sealing adds: ML-KEM-768 ciphertext 1088, X25519 public 32, tag 16
_SIGNATURE = 64
_HEAD = struct.Struct(">16s32sQQQ32sIIII")
_MLKEM_PUBLIC = 1184  # FIPS 203
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
ROOM = SIZES[-1] - len(MARKER) - _HPKE - _SIGNATURE - _HEAD.size  # for the body

Open = Callable[[bytes, bytes], bytes]
"""Undo HPKE with the reader's key: (sealed, info) -> plaintext; raises InvalidTag."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a report says of itself."""

    store_id: bytes
    device_public: bytes
    reader_id: int
    counter: int
    audit: tuple[int, bytes]
    created: int  # minutes since 1970
    period: digest.Period


@dataclass(frozen=True, slots=True)
class Opened:
    """A report that its reader's key opened; `verified` says whether to believe it."""

    store_id: bytes
    device_public: bytes
    reader_id: int
    counter: int
    signature: bytes
    signed: bytes

    @property
    def digest(self) -> bytes:
        """The bytes by which this very report is known again, 16."""
        return hashlib.sha256(self.signed).digest()[:16]


def write(
    records: Iterable[Derived], period: digest.Period, release: Release, created_s: float
) -> bytes:
    """Return a report, sealed."""
    text = plaintext(digest.body(records, period, ROOM), period, release, created_s)
    return seal(text, release.public, release.reader_id)


def plaintext(body: bytes, period: digest.Period, release: Release, created_s: float) -> bytes:
    """Return what is sealed: the same bytes whenever the same is released."""
    head = _HEAD.pack(
        release.store_id,
        release.device_public,
        release.reader_id,
        release.counter,
        *release.audit,
        int(created_s // digest.MINUTE_S),
        period.begin,
        period.end,
        len(body),
    )
    needed = len(MARKER) + _HPKE + _SIGNATURE + len(head) + len(body)
    size = next(size for size in SIZES if size >= needed)
    signed = head + body + bytes(size - needed)
    return release.sign(_LABEL + signed) + signed


def seal(text: bytes, public: bytes, reader_id: int) -> bytes:
    """Return a plaintext sealed for the holder of `public`."""
    mlkem = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC])
    x25519 = X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:])
    recipient = hpke.MLKEM768X25519PublicKey(mlkem, x25519)
    return MARKER + _SUITE.encrypt(text, recipient, _info(reader_id))


def unseal(data: bytes, reader_id: int, undo: Open) -> Opened:
    """Return what the reader's key opens.

    Raises
    ------
    ReportError
        Bad marker, bad tag or wrong reader.
    """
    if data[:4] != MARKER or len(data) not in SIZES:
        raise ReportError(
            "bad marker", "not a report of this version, or not whole. Ask for it again"
        )
    try:
        text = undo(data[4:], _info(reader_id))
    except (InvalidTag, ValueError):
        raise ReportError(
            "bad tag", "altered on its way, or made for another reader. Ask for a new report"
        ) from None
    signature, signed = text[:_SIGNATURE], text[_SIGNATURE:]
    store_id, device_public, reader, counter, *_ = _HEAD.unpack_from(signed)
    if reader != reader_id:
        raise ReportError(
            "wrong reader",
            "it was made for another reader, who passed it on. Ask its owner for your own",
        )
    return Opened(store_id, device_public, reader, counter, signature, signed)


def verified(opened: Opened, device_public: bytes) -> tuple[Head, schema.Body]:
    """Return what a device that the reader trusts has signed.

    Raises
    ------
    ReportError
        Bad signature or bad body.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(device_public)
        key.verify(opened.signature, _LABEL + opened.signed)
    except (InvalidSignature, ValueError):
        raise ReportError(
            "bad signature", "the device did not write this. Do not rely on it"
        ) from None
    store, device, reader, counter, size, newest, created, begin, end, length = _HEAD.unpack_from(
        opened.signed
    )
    body, padding = opened.signed[_HEAD.size :][:length], opened.signed[_HEAD.size + length :]
    if len(body) != length or any(padding):
        raise ReportError("bad body", "its length is wrong. Ask for a new report")
    try:
        period = digest.Period(begin, end)
    except ValueError:
        raise ReportError("bad body", "its period is wrong. Ask for a new report") from None
    head = Head(store, device, reader, counter, (size, newest), created, period)
    return head, schema.decode(body, period.minutes)


def _info(reader_id: int) -> bytes:
    return _LABEL + struct.pack(">Q", reader_id)
