"""Readers: whoever holds a private key that data keys are wrapped to.

The owner, a printed recovery sheet and clinicians differ in what is wrapped to them, and when.
`docs/store-format.md`, "Keys", is the specification.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import struct
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from healthslm.errors import IntegrityError, LockedError, PassphraseError
from healthslm.vault.keys import (
    KEY_BYTES,
    Class,
    DataKey,
    Device,
    grant,
    granted,
    place,
    verify,
)
from healthslm.vault.seal import WrongKey, seal, unseal

_MLKEM_PUBLIC, _MLKEM_SEED = 1184, 64  # FIPS 203
PUBLIC_BYTES = _MLKEM_PUBLIC + 32
_COST = struct.Struct(">III")
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True, slots=True)
class Profile:
    """Cost of turning a passphrase into a key (Argon2id, RFC 9106)."""

    memory_kib: int
    passes: int
    lanes: int

    def packed(self) -> bytes:
        """Return the parameters as the format stores them."""
        return _COST.pack(self.memory_kib, self.passes, self.lanes)

    def acceptable(self) -> bool:
        """Say whether a record may ask for this: whoever wrote it must not exhaust the board."""
        return (
            8 * self.lanes <= self.memory_kib <= 1 << 20
            and 1 <= self.passes <= 16
            and 1 <= self.lanes <= 16
        )


PROFILES = {
    "standard": Profile(memory_kib=65_536, passes=3, lanes=4),  # RFC 9106 section 4, second choice
    "cheapest": Profile(memory_kib=32, passes=1, lanes=1),  # for tests only
}


class Reader:
    """Someone with a private key: the owner, the recovery sheet, a clinician."""

    def __init__(self, private: bytes) -> None:
        self.private = private
        mlkem = MLKEM768PrivateKey.from_seed_bytes(private[:_MLKEM_SEED])
        x25519 = X25519PrivateKey.from_private_bytes(private[_MLKEM_SEED:])
        self._key = hpke.MLKEM768X25519PrivateKey(mlkem, x25519)
        self.public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        self.id = reader_id(self.public)

    @classmethod
    def new(cls) -> Reader:
        """Return a reader with a fresh key."""
        return cls(os.urandom(_MLKEM_SEED + KEY_BYTES))

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Undo HPKE; raises InvalidTag."""
        return _SUITE.decrypt(sealed, self._key, info)


Role = Literal["owner", "recovery", "clinician"]


class Grantee(msgspec.Struct, array_like=True, frozen=True):
    """A reader as the sealed head knows it: new data keys are wrapped to it."""

    id: int
    role: Role
    classes: int  # bit 1 << class for each that it may read
    name: str = ""
    since_s: int = 0  # UTC: no data key of an earlier epoch is wrapped to it
    until_s: int | None = None  # UTC: from then on none is; no bound where None

    def may(self, cls: Class, now_s: float, epoch_s: float = math.inf) -> bool:
        """Say whether this reader may be given a data key of a class and an epoch now."""
        stands = self.until_s is None or now_s < self.until_s
        return self.covers(cls, epoch_s) and stands

    def covers(self, cls: Class, epoch_s: float) -> bool:
        """Say whether a data key of a class and an epoch is among those that it was granted."""
        return bool(self.classes & 1 << cls) and epoch_s >= self.since_s


class Unlocked(NamedTuple):
    """A reader whose private key is here, and whether it must find every data key wrapped to it."""

    reader: Reader
    whole: bool


def reader_id(public: bytes) -> int:
    """Return the id by which wraps name the holder of `public`."""
    return int.from_bytes(hashlib.sha256(public).digest()[:8], "big") & (1 << 63) - 1


def reader_record(device: Device, public: bytes) -> bytes:
    """Return the record by which the store knows the holder of `public`."""
    return (
        b"HSP2" + device.sign(_reader_place(device.store_id, reader_id(public)) + public) + public
    )


def read_reader(store_id: bytes, device_public: bytes, reader: int, record: bytes) -> bytes:
    """Return the public key in the record of `reader`, which the device signed."""
    what, public = f"reader {reader}", record[68:]
    if record[:4] != b"HSP2" or len(public) != PUBLIC_BYTES:
        raise IntegrityError(f"{what}: bad marker: not a reader record")
    verify(device_public, record[4:68], _reader_place(store_id, reader) + public, what)
    if reader_id(public) != reader:
        raise IntegrityError(f"{what}: wrong label: the record of another reader")
    return public


def _reader_place(store_id: bytes, reader: int) -> bytes:
    return b"healthslm/reader/2" + store_id + struct.pack(">Q", reader)


def wrap(device: Device, public: bytes, key: DataKey) -> bytes:
    """Return `key` for the holder of `public`, signed by the device."""
    where = place(device.store_id, key.id, reader_id(public))
    mlkem = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC])
    x25519 = X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:])
    recipient = hpke.MLKEM768X25519PublicKey(mlkem, x25519)
    sealed = _SUITE.encrypt(grant(key), recipient, b"healthslm/wrap/1" + where)
    return b"HSW1" + device.sign(b"healthslm/wrap-signature/1" + where + sealed) + sealed


def unwrap(
    store_id: bytes, device_public: bytes, reader: Reader, key_id: int, blob: bytes
) -> DataKey:
    """Return the data key in a reader's wrap.

    Raises
    ------
    IntegrityError
        Bad marker, bad signature (not written by this device, or moved) or bad tag.
    """
    check_wrap(store_id, device_public, reader.id, key_id, blob)
    where = place(store_id, key_id, reader.id)
    try:
        return granted(key_id, reader.open(blob[68:], b"healthslm/wrap/1" + where))
    except InvalidTag:
        raise IntegrityError(f"wrap of key {key_id}: bad tag: made for another reader") from None


def check_wrap(
    store_id: bytes, device_public: bytes, reader: int, key_id: int, blob: bytes
) -> None:
    """Check that the device wrapped this key to this reader.

    Raises
    ------
    IntegrityError
        Bad marker, or bad signature: not written by this device, or moved.
    """
    what, where = f"wrap of key {key_id}", place(store_id, key_id, reader)
    if blob[:4] != b"HSW1":
        raise IntegrityError(f"{what}: bad marker: not a wrap")
    message = b"healthslm/wrap-signature/1" + where + blob[68:]
    verify(device_public, blob[4:68], message, what)


def seal_identity(device: Device, reader: Reader, passphrase: str, profile: Profile) -> bytes:
    """Return a reader's private key under a passphrase, with the device it trusts."""
    salt = os.urandom(16)
    where = _identity_place(device.store_id, reader.id, profile, salt)
    kek = _kek(passphrase, salt, profile)
    body = seal(kek, b"healthslm/identity/1" + where, reader.private + device.public)
    signature = device.sign(b"healthslm/identity-signature/1" + where + body)
    return b"HSI1" + signature + profile.packed() + salt + body


def identity_digest(record: bytes) -> bytes:
    """Return the 16 bytes by which the sealed head knows the owner's identity from an older one."""
    return hashlib.sha256(record).digest()[:16]


def open_identity(
    store_id: bytes, device_public: bytes, reader: int, record: bytes, passphrase: str
) -> Reader:
    """Return the reader whose private key `record` holds.

    Raises
    ------
    LockedError
        Wrong passphrase.
    IntegrityError
        The record, or the device's public key beside it, was altered.
    """
    profile, salt, body = check_identity(store_id, device_public, reader, record)
    where = _identity_place(store_id, reader, profile, salt)
    if not profile.acceptable():
        raise IntegrityError("identity: asks for more than 1 GiB, 16 passes or 16 lanes")
    kek = _kek(passphrase, salt, profile)
    try:
        secret = unseal(kek, b"healthslm/identity/1" + where, body, "identity")
    except WrongKey:
        raise PassphraseError("wrong passphrase") from None
    if secret[96:] != device_public:
        raise IntegrityError("meta device: not the device that this owner trusts")
    return Reader(secret[:96])


def check_identity(
    store_id: bytes, device_public: bytes, reader: int, record: bytes
) -> tuple[Profile, bytes, bytes]:
    """Return cost, salt and seal of an identity that the device signed; raises IntegrityError."""
    if record[:4] != b"HSI1" or len(record) < 96:
        raise IntegrityError("identity: bad marker: not an identity")
    profile, salt, body = Profile(*_COST.unpack_from(record, 68)), record[80:96], record[96:]
    where = _identity_place(store_id, reader, profile, salt)
    message = b"healthslm/identity-signature/1" + where + body
    verify(device_public, record[4:68], message, "identity")
    return profile, salt, body


def unlock(meta: Mapping[str, bytes], passphrase: str) -> Unlocked:
    """Return the owner whose identity, one of those in the header, a passphrase opens.

    Raises
    ------
    LockedError
        Wrong passphrase.
    IntegrityError
        The identity was altered, or is lost.
    """
    identities = {name: meta[name] for name in meta if re.fullmatch(r"identity/\d{1,19}", name)}
    if not identities:
        raise IntegrityError("identity: lost: no passphrase can open this store")
    for name, record in identities.items():
        reader = int(name.removeprefix("identity/"))
        with suppress(LockedError):  # not this one's passphrase
            found = open_identity(meta["store"], meta["device"], reader, record, passphrase)
            return Unlocked(found, whole=True)
    raise PassphraseError("wrong passphrase")


def _identity_place(store_id: bytes, reader: int, profile: Profile, salt: bytes) -> bytes:
    return store_id + struct.pack(">Q", reader) + profile.packed() + salt


def _kek(passphrase: str, salt: bytes, profile: Profile) -> bytes:
    return Argon2id(
        salt=salt,
        length=KEY_BYTES,
        iterations=profile.passes,
        lanes=profile.lanes,
        memory_cost=profile.memory_kib,
    ).derive(unicodedata.normalize("NFC", passphrase).encode())
