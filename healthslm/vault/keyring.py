"""Which data keys are at hand, and the minting of new ones.

The only module that reads and writes the table of wraps. A device and a reader hold the
same keyring; what differs is which wraps they can open.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from healthslm.errors import DeviceKeyError, IntegrityError, LockedError
from healthslm.vault.chapters import Chapter, for_device
from healthslm.vault.database import INSERT_WRAP, blob_of, storage
from healthslm.vault.index import Head
from healthslm.vault.keys import (
    DEVICE_READER,
    KEY_BYTES,
    Class,
    DataKey,
    Device,
    epoch,
    unwrap_for_device,
    wrap_for_device,
)
from healthslm.vault.readers import Grantee, Unlocked, read_reader, unwrap, wrap


class Keyring:
    """The data keys that a device key, a reader's private key, or both, open."""

    def __init__(
        self,
        db: sqlite3.Connection,
        store_id: bytes,
        device_public: bytes,
        *,
        device: Device | None,
        unlocked: Unlocked | None,
    ) -> None:
        self._db, self._store_id, self._device_public = db, store_id, device_public
        self._device = device
        self._unlocked = unlocked
        self.destroyed = False  # wraps, which the write-ahead log may have a copy of
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
        writing = next((k for k in self._writing.values() if k.id == key_id), None)
        if writing is not None:
            return writing
        if key_id not in self._opened:
            self._opened[key_id] = self._unwrap(key_id)
        return self._opened[key_id]

    def _unwrap(self, key_id: int) -> DataKey:
        held = self._unlocked
        if held is not None:
            blob = self._wrap_for(key_id, held.reader.id)
            if blob is not None:
                return unwrap(self._store_id, self._device_public, held.reader, key_id, blob)
            if held.whole:
                raise IntegrityError(f"wrap of key {key_id}: lost")
        blob = self._wrap_for(key_id, DEVICE_READER)
        if blob is None or self._device is None:
            raise LockedError(f"key {key_id}: it is not wrapped to whoever asks")
        key = unwrap_for_device(self._device, key_id, blob)
        if held is not None and key.cls is not Class.STATE:  # asks for itself, not for the device
            raise LockedError(f"key {key_id}: no consent stands that would open it")
        return key

    def _wrap_for(self, key_id: int, reader: int) -> bytes | None:
        with storage():
            found = self._db.execute(
                "SELECT blob FROM wrap WHERE key_id = ? AND reader = ?", (key_id, reader)
            ).fetchone()
        return None if found is None else blob_of(found[0], f"wrap of key {key_id}")

    def writing(self, head: Head, now_s: float) -> Writing:
        """Return what gives the keys to seal new rows under, minting where due.

        Must be used within the transaction that writes the rows.
        """
        return Writing(self, head, now_s)

    def forget_writing(self) -> None:
        """Drop the keys in use for writing: the transaction that minted them failed."""
        self._writing.clear()
        self._opened.clear()

    def forget_state(self) -> None:
        """Look again, next time, which key the state is under: another process may change it."""
        self._writing.pop(Class.STATE, None)

    def current(self, cls: Class, head: Head, now_s: float) -> DataKey:
        """Return the key that new rows of a class are sealed under."""
        if cls is Class.STATE:
            return self._writing.get(cls) or self._state(head)
        start_s, growing = epoch(cls, now_s), {c.key for c in head.chapters}
        key = self._writing.get(cls)
        if key is None or key.epoch_s != start_s or key.id not in growing:
            key = self._writing[cls] = self._due(cls, head, start_s, now_s)
        return key

    def _state(self, head: Head) -> DataKey:
        found = self._db.execute("SELECT key_id FROM row WHERE id = 1").fetchone()
        return self.get(found[0]) if found else self.mint(Class.STATE, head, 0, 0.0)

    def _due(self, cls: Class, head: Head, start_s: int, now_s: float) -> DataKey:
        if cls is Class.DERIVED:  # the only class whose key outlives a restart of the device
            for chapter in reversed(head.chapters):
                if (chapter.cls, chapter.epoch) == (cls, start_s):
                    return self.get(chapter.key)
        key = self.mint(cls, head, start_s, now_s)
        head.chapters.append(Chapter(key.id, int(cls), start_s, levels=[]))
        return key

    def mint(self, cls: Class, head: Head, start_s: int, now_s: float) -> DataKey:
        """Return a new data key, wrapped to whoever may read its class now.

        Raises
        ------
        LockedError
            The device key is not here.
        IntegrityError
            A reader's record was altered or is lost.
        """
        key_id = 1 + secrets.randbelow((1 << 63) - 1)
        key = DataKey(key_id, cls, start_s, secrets.token_bytes(KEY_BYTES))
        self.wrap_to(key, [r for r in head.readers if r.may(cls, now_s, start_s)])
        if cls in (Class.STATE, Class.DERIVED):
            self.wrap_to_device(key)
        if cls is not Class.RAW or self._unlocked is not None:
            self._opened[key.id] = key  # of RAW the device remembers what it writes with alone
        return key

    def adopt(self, key: DataKey) -> None:
        """Seal new rows of its class under `key` from here on."""
        self._writing[key.cls] = key

    def wrap_to(self, key: DataKey, readers: Iterable[Grantee]) -> None:
        """Wrap a data key to readers; a wrap that is there already is replaced."""
        wraps = [(key.id, r.id, wrap(self.device, self.public_of(r.id), key)) for r in readers]
        self._db.executemany(f"{INSERT_WRAP} ON CONFLICT DO UPDATE SET blob = excluded.blob", wraps)

    def wrap_to_device(self, key: DataKey) -> None:
        """Wrap a data key to the device itself."""
        self._db.execute(INSERT_WRAP, (key.id, DEVICE_READER, wrap_for_device(self.device, key)))

    @property
    def device(self) -> Device:
        """The device's own key; raises LockedError where it is not here."""
        if self._device is None:
            raise DeviceKeyError(
                "missing",
                "device.key is needed to write: new keys are signed with it. Put it back; where it "
                "is lost, `healthslm key rotate --device` makes another, or, with the recovery "
                "sheet alone, `healthslm key recover --device-lost`",
            )
        return self._device

    def public_of(self, reader: int) -> bytes:
        """Return the public key of a reader: the sealed head names it, the device signed it."""
        found = self._db.execute(
            "SELECT value FROM meta WHERE name = ?", (f"reader/{reader}",)
        ).fetchone()
        if found is None:
            raise IntegrityError(f"reader {reader}: lost")
        record = blob_of(found[0], "reader")
        return read_reader(self._store_id, self._device_public, reader, record)

    def at_hand(self, key_id: int) -> DataKey | None:
        """Return a data key if it can be opened; a damaged wrap is no key either."""
        try:
            return self.get(key_id)
        except (LockedError, IntegrityError):
            return None

    def renew(self, device: Device) -> None:
        """Go on as the keyring of a new device key: all data keys must have been opened before."""
        self._device, self._device_public = device, device.public
        self.destroyed = True

    def destroy(self, key_ids: Sequence[int]) -> None:
        """Destroy every wrap of these keys: nobody opens what they seal any more."""
        self._db.executemany("DELETE FROM wrap WHERE key_id = ?", [(k,) for k in key_ids])
        for key_id in key_ids:
            self._opened.pop(key_id, None)
        self.destroyed = True

    def unwrap_from(self, reader: int) -> None:
        """Destroy every wrap to a reader."""
        self._db.execute("DELETE FROM wrap WHERE reader = ?", (reader,))
        self.destroyed = True

    def age_for_device(self, chapters: Iterable[Chapter]) -> None:
        """Destroy the device's wraps of derived keys that are older than it may open."""
        young = {c.key for c in for_device(chapters)}
        own = self._db.execute("SELECT key_id FROM wrap WHERE reader = ?", (DEVICE_READER,))
        old = [k for (k,) in own.fetchall() if k not in young and k != self._state_id()]
        self._db.executemany(
            "DELETE FROM wrap WHERE reader = ? AND key_id = ?", [(DEVICE_READER, k) for k in old]
        )
        self.destroyed |= bool(old)

    def _state_id(self) -> int:
        key = self._writing.get(Class.STATE)
        return (
            key.id if key else int(next(self._db.execute("SELECT key_id FROM row WHERE id = 1"))[0])
        )

    def wraps(self) -> Iterator[tuple[int, int]]:
        """Yield (key id, reader) of every wrap."""
        with storage():
            yield from self._db.execute("SELECT key_id, reader FROM wrap").fetchall()


class Writing:
    """The keys of one transaction."""

    def __init__(self, ring: Keyring, head: Head, now_s: float) -> None:
        self.ring, self._head, self._now_s = ring, head, now_s

    def current(self, cls: Class) -> DataKey:
        """Return the key that new rows of a class are sealed under."""
        return self.ring.current(cls, self._head, self._now_s)

    def at_hand(self, key_id: int) -> DataKey | None:
        """Return a data key if it can be opened."""
        return self.ring.at_hand(key_id)
