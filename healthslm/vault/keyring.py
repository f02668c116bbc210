"""Which data keys are at hand, and the minting of new ones.

The only module that reads and writes the table of wraps. A device and an owner hold the
same keyring; what differs is which wraps they can open.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator

from healthslm.errors import IntegrityError, LockedError
from healthslm.vault.database import blob_of, storage
from healthslm.vault.index import Head
from healthslm.vault.keys import (
    DEVICE_DAYS,
    DEVICE_READER,
    KEY_BYTES,
    Class,
    DataKey,
    Device,
    epoch,
    unwrap_for_device,
    wrap_for_device,
)
from healthslm.vault.readers import Reader, read_reader, unwrap, wrap

DAY_S = 86_400


class Keyring:
    """The data keys that a device key, a reader's private key, or both, open."""

    def __init__(
        self,
        db: sqlite3.Connection,
        store_id: bytes,
        device_public: bytes,
        *,
        device: Device | None,
        owner: Reader | None,
    ) -> None:
        self._db, self._store_id, self._device_public = db, store_id, device_public
        self._device, self._owner = device, owner
        self._opened: dict[int, DataKey] = {}
        self._writing: dict[Class, DataKey] = {}  # minted by this process, or today's DERIVED

    def get(self, key_id: int) -> DataKey:
        """Return a data key.

        Raises
        ------
        LockedError
            It is not wrapped to whoever holds this keyring.
        IntegrityError
            Its wrap was altered, moved, or planted; or the owner's wrap is missing.
        """
        if key_id not in self._opened:
            self._opened[key_id] = self._unwrap(key_id)
        return self._opened[key_id]

    def _unwrap(self, key_id: int) -> DataKey:
        if self._owner is not None:
            blob = self._wrap_for(key_id, self._owner.id)
            if blob is None:
                raise IntegrityError(f"wrap of key {key_id}: lost")
            return unwrap(self._store_id, self._device_public, self._owner, key_id, blob)
        blob = self._wrap_for(key_id, DEVICE_READER)
        if blob is None or self._device is None:
            raise LockedError(f"key {key_id}: only the owner's passphrase opens this")
        return unwrap_for_device(self._device, key_id, blob)

    def _wrap_for(self, key_id: int, reader: int) -> bytes | None:
        with storage():
            found = self._db.execute(
                "SELECT blob FROM wrap WHERE key_id = ? AND reader = ?", (key_id, reader)
            ).fetchone()
        return None if found is None else blob_of(found[0], f"wrap of key {key_id}")

    def writing(self, head: Head, now_s: float) -> Callable[[Class], DataKey]:
        """Return what gives the key to seal new rows of a class under, minting where due.

        Must be called within the transaction that writes the rows.
        """

        def key_for(cls: Class) -> DataKey:
            key = self._writing.get(cls)
            if key is None or key.epoch_s != epoch(cls, now_s):
                key = self._current(cls, head, now_s)
                self._writing[cls] = key
            return key

        return key_for

    def forget_writing(self) -> None:
        """Drop the keys in use for writing: the transaction that minted them failed."""
        self._writing.clear()
        self._opened.clear()

    def _current(self, cls: Class, head: Head, now_s: float) -> DataKey:
        if cls is Class.STATE:
            found = self._db.execute("SELECT key_id FROM row WHERE id = 1").fetchone()
            return self.get(found[0]) if found else self._mint(cls, head, 0)
        start_s = epoch(cls, now_s)
        if cls is not Class.DERIVED:  # the device cannot open what it wrote before a restart
            return self._mint(cls, head, start_s)
        for key_id, key_start_s in head.device_keys:
            if key_start_s == start_s:
                return self.get(key_id)
        key = self._mint(cls, head, start_s)
        oldest_s = start_s - (DEVICE_DAYS - 1) * DAY_S
        for key_id, key_start_s in head.device_keys:
            if key_start_s < oldest_s:
                self._db.execute(
                    "DELETE FROM wrap WHERE key_id = ? AND reader = ?", (key_id, DEVICE_READER)
                )
        kept = [known for known in head.device_keys if known[1] >= oldest_s]
        head.device_keys = [*kept, (key.id, start_s)]
        return key

    def _mint(self, cls: Class, head: Head, start_s: int) -> DataKey:
        if self._device is None:
            raise LockedError("device.key is needed to write: new keys are signed with it")
        key_id = 1 + secrets.randbelow((1 << 63) - 1)
        key = DataKey(key_id, cls, start_s, secrets.token_bytes(KEY_BYTES))
        wraps = [
            (key.id, reader, wrap(self._device, public, key))
            for reader, (classes, public) in self._readers(head)
            if classes & 1 << cls
        ]
        if cls in (Class.STATE, Class.DERIVED):
            wraps.append((key.id, DEVICE_READER, wrap_for_device(self._device, key)))
        self._db.executemany("INSERT INTO wrap (key_id, reader, blob) VALUES (?, ?, ?)", wraps)
        self._opened[key.id] = key
        return key

    def _readers(self, head: Head) -> Iterator[tuple[int, tuple[int, bytes]]]:
        """Yield every reader that the sealed head names: none is added or lost unseen."""
        for reader in head.readers:
            found = self._db.execute(
                "SELECT value FROM meta WHERE name = ?", (f"reader/{reader}",)
            ).fetchone()
            if found is None:
                raise IntegrityError(f"reader {reader}: lost")
            yield (
                reader,
                read_reader(
                    self._store_id, self._device_public, reader, blob_of(found[0], "reader")
                ),
            )
