"""Data keys, and the device's key that signs and wraps them.

No function here keeps or logs a key. `docs/store-format.md`, "Keys", is the specification.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from healthslm.durable import write_new
from healthslm.errors import DeviceKeyError, IntegrityError
from healthslm.vault.seal import seal, unseal

KEY_BYTES = 32
_GRANT = struct.Struct(">Bq")  # class, epoch; then the key
DEVICE_READER = 0  # the reader id of the device's own, symmetric wraps
DEVICE_DAYS = 8  # of DERIVED that the device key opens: a week and today


class Class(IntEnum):
    """What a data key is for; each class has its own readers and lifetime."""

    RAW = 1
    DERIVED = 2
    STATE = 3
    AUDIT = 4


ALL_CLASSES = sum(1 << c for c in Class)


def epoch(cls: Class, now_s: float) -> int:
    """Return the start of the hour, day or month that a data key of `cls` serves, UTC s."""
    if cls is Class.STATE:
        return 0
    if cls is Class.AUDIT:
        day = datetime.fromtimestamp(now_s, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp())
    span_s = 3600 if cls is Class.RAW else 86_400
    return int(now_s // span_s) * span_s


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key that rows are sealed under."""

    id: int
    cls: Class
    epoch_s: int
    secret: bytes = field(repr=False)


class Device:
    """What the device key file holds: it wraps for the device and signs wraps for others."""

    def __init__(self, store_id: bytes, secret: bytes) -> None:
        self.store_id = store_id
        self._secret = secret
        self.wrap_key = _expand(secret, b"healthslm/device/wrap/1")
        self._signer = Ed25519PrivateKey.from_private_bytes(
            _expand(secret, b"healthslm/device/sign/1")
        )
        self.public = self._signer.public_key().public_bytes_raw()

    @classmethod
    def read(cls, path: Path, *, forbidden: int = 0o077) -> Device:
        """Return the device key in `path`, whose mode may have none of the bits `forbidden`.

        Raises
        ------
        DeviceKeyError
            There is none, or others may read it.
        IntegrityError
            The file is not a device key.
        """
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read(53)
        except FileNotFoundError:
            raise DeviceKeyError(
                "missing",
                f"{path.name}: there is no device key here. Put it back; where it is lost, "
                "`healthslm key rotate --device` makes another",
            ) from None
        except PermissionError:
            raise DeviceKeyError(
                "of another user",
                f"{path.name}: belongs to another user. Work as the user that the daemon runs as",
            ) from None
        if mode & forbidden:
            raise DeviceKeyError(
                "open to others",
                f"{path.name}: others may read it. `chmod 600` it; if somebody did read it, "
                "`healthslm key rotate --device` then makes another",
            )
        if len(data) != 52 or data[:4] != b"HSD1":
            raise IntegrityError(f"{path.name}: bad marker: not a device key")
        return cls(data[4:20], data[20:])

    def write(self, path: Path) -> None:
        """Write the key to a new file that only this user may read, durably."""
        write_new(path, b"HSD1" + self.store_id + self._secret)

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature, 64 bytes."""
        return self._signer.sign(message)


def verify(device_public: bytes, signature: bytes, message: bytes, what: str) -> None:
    """Check a signature of the device.

    Raises
    ------
    IntegrityError
        The device did not sign this.
    """
    try:
        Ed25519PublicKey.from_public_bytes(device_public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise IntegrityError(f"{what}: bad signature: the device did not write this") from None


def wrap_for_device(device: Device, key: DataKey) -> bytes:
    """Return `key` sealed for the device itself."""
    return seal(device.wrap_key, _device_label(device.store_id, key.id), grant(key))


def unwrap_for_device(device: Device, key_id: int, blob: bytes) -> DataKey:
    """Return the data key in the device's own wrap; raises IntegrityError as `unseal` does."""
    label = _device_label(device.store_id, key_id)
    return granted(key_id, unseal(device.wrap_key, label, blob, f"wrap of key {key_id}"))


def _device_label(store_id: bytes, key_id: int) -> bytes:
    return b"healthslm/device-wrap/1" + place(store_id, key_id, DEVICE_READER)


def place(store_id: bytes, key_id: int, reader: int) -> bytes:
    """Return where a wrap belongs: it opens nowhere else."""
    return store_id + struct.pack(">QQ", key_id, reader)


def grant(key: DataKey) -> bytes:
    """Return what a wrap holds."""
    return _GRANT.pack(key.cls, key.epoch_s) + key.secret


def granted(key_id: int, packed: bytes) -> DataKey:
    """Undo `grant`; raises IntegrityError."""
    if len(packed) != _GRANT.size + KEY_BYTES or packed[0] not in list(Class):
        raise IntegrityError(f"wrap of key {key_id}: holds something of another shape")
    cls, epoch_s = _GRANT.unpack_from(packed)
    return DataKey(key_id, Class(cls), epoch_s, packed[_GRANT.size :])


def _expand(secret: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, None, info).derive(secret)
