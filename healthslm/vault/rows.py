"""The rows, the sealed head that counts them, and one transaction for both.

What `Store` is made of: it knows classes and contents, not what they mean.
"""

from __future__ import annotations

import logging
import math
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from healthslm.errors import IntegrityError, LockedError
from healthslm.vault.database import (
    DATABASE,
    DEVICE_KEY,
    MARK,
    blob_of,
    connect,
    read_meta,
    storage,
    why,
)
from healthslm.vault.index import (
    FIRST_ROW,
    RING_ROWS,
    Draft,
    Entry,
    Head,
    Row,
    find,
    open_row,
    open_rows,
    thaw_head,
)
from healthslm.vault.keyring import Keyring
from healthslm.vault.keys import Class, DataKey, Device
from healthslm.vault.mark import read_mark, reset_mark, write_mark
from healthslm.vault.readers import Reader, open_identity
from healthslm.vault.seal import Part, digest

log = logging.getLogger(__name__)


class Rows:
    """An open database with the keys at hand.

    Raises
    ------
    ConfigError
        There is no store in `folder`.
    LockedError
        Wrong passphrase; or the device key is of another store.
    IntegrityError
        The header is damaged.
    """

    def __init__(self, folder: Path, device: Device | None, passphrase: str | None) -> None:
        # Read before the state is: a commit in between leaves the mark the older of the two.
        self._mark = _read(folder / MARK)
        self._path = folder / MARK
        self._db = connect(folder / DATABASE)
        try:
            meta = read_meta(self._db)
            self._id = meta["store"]
            if device and (device.store_id, device.public) != (self._id, meta["device"]):
                raise LockedError(f"{DEVICE_KEY}: belongs to another store")
            self.owner = None if passphrase is None else _unlock(meta, passphrase)
            self.keys = Keyring(self._db, self._id, meta["device"], device=device, owner=self.owner)
        except BaseException:
            self._db.close()
            raise
        self._failed = False

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()

    def head(self) -> Head:
        """Return the head of the newest commit, afresh from disk.

        Raises
        ------
        IntegrityError
            A row of the state is lost, altered, or older than the rest.
        """
        return thaw_head(self._state()[1])

    def _state(self) -> tuple[DataKey, bytes]:
        self._usable()
        with storage():
            rows = self._rows("id < ?", RING_ROWS[0])
        if not rows or any(row.key_id != rows[0].key_id for row in rows):
            raise IntegrityError("state: lost: its rows are not all there")
        try:
            key = self.keys.get(rows[0].key_id)
        except LockedError:
            raise IntegrityError("state: the wrap of its key is lost") from None
        return key, open_rows(key, self._id, rows, "state")

    def check_age(self) -> None:
        """Check that the store has all it ever acknowledged.

        Raises
        ------
        IntegrityError
            It is older than its mark, or its newest rows are not those that its head counts.
        """
        with storage(), self._snapshot():
            key, content = self._state()
            newest = self._db.execute("SELECT max(id) FROM row").fetchone()[0]
        head = thaw_head(content)
        seen = read_mark(self._mark, key.secret, self._id)
        if head.commit < seen:
            raise IntegrityError(
                f"state: rolled back: the newest {seen - head.commit} commits are lost "
                "(was vault.db-wal deleted, or an old copy put back?); the owner may accept that"
            )
        if newest != head.next_row - 1:
            raise IntegrityError(f"row {head.next_row - 1}: not the newest: rows lost or planted")

    def accept_age(self) -> None:
        """Go on from what is there: whatever the mark said, it now says this."""
        key, content = self._state()
        reset_mark(self._path, key.secret, self._id, thaw_head(content).commit)

    def contents(self, cls: Class, t0_s: float | None, t1_s: float | None) -> Iterator[bytes]:
        """Yield the contents of a class that may touch a time range, in order of commit.

        Raises
        ------
        IntegrityError
            A row is lost, altered, moved or rolled back: says which.
        """
        head = self.head()
        known = {key_id for key_id, _ in head.device_keys}
        start, end = -math.inf if t0_s is None else t0_s, math.inf if t1_s is None else t1_s
        yield from find(head.levels(cls), start, end, lambda entry: self._fetch(entry, known))

    def _fetch(self, entry: Entry, known: set[int]) -> bytes | None:
        """Return a content, or None where its key has aged out of what the device opens."""
        what = f"row {entry.row}"
        with storage():
            rows = self._rows("id BETWEEN ? AND ?", entry.row, entry.row + entry.parts - 1)
        if len(rows) != entry.parts:
            raise IntegrityError(f"{what}: lost: {entry.parts - len(rows)} of its rows")
        key_id = rows[0].key_id
        if digest(key_id, [row.blob for row in rows]) != entry.digest:
            self._blame(rows)
        try:
            return open_rows(self.keys.get(key_id), self._id, rows, what)
        except LockedError:
            if key_id in known:
                raise IntegrityError(f"{what}: the wrap of its key is lost") from None
            return None

    def _blame(self, rows: list[Row]) -> None:
        """Say what is wrong with rows that are not those which were committed."""
        for row in rows:
            try:
                open_row(self.keys.get(row.key_id), self._id, row)
            except LockedError:
                raise IntegrityError(f"row {row.id}: altered or replaced") from None
        raise IntegrityError(f"row {rows[0].id}: rolled back: not the row that was committed")

    def ring_row(self, k: int) -> Part:
        """Return what the k-th row written to the ring holds."""
        row_id = RING_ROWS[k % len(RING_ROWS)]
        with storage():
            rows = self._rows("id = ?", row_id)
        if not rows:
            raise IntegrityError(f"row {row_id}: lost")
        part = open_row(self.keys.get(rows[0].key_id), self._id, rows[0])
        if part.number + part.part != k:
            raise IntegrityError(f"row {row_id}: rolled back")
        return part

    def row_count(self, head: Head) -> int:
        """Return how many rows there must be, without looking at each."""
        with storage():
            state = self._count("id < ?", RING_ROWS[0])
        return state + min(head.letters, len(RING_ROWS)) + head.next_row - FIRST_ROW

    def check_rows(self) -> None:
        """Count every row.

        Raises
        ------
        IntegrityError
            There are fewer, or more, than the sealed head says.
        """
        with storage(), self._snapshot():
            lost = self.row_count(self.head()) - self._count("id > ?", 0)
        if lost:
            raise IntegrityError(f"{lost} rows are lost" if lost > 0 else f"{-lost} rows planted")

    @contextmanager
    def transaction(self, now_s: float) -> Iterator[Draft]:
        """Give a draft; what is added to it is on disk when the block ends.

        Raises
        ------
        IntegrityError
            Nothing was written: the database is damaged, full or busy, or a sync failed.
        """
        self._usable()
        with storage():
            self._db.execute("BEGIN IMMEDIATE")
        try:
            with storage():
                key, content = self._state()
                head = thaw_head(content)
                draft = Draft(head, self._id, self.keys.writing(head, now_s))
                yield draft
                draft.finish()
                self._write(draft.rows)
        except BaseException:
            self.keys.forget_writing()
            self._db.rollback()
            raise
        self._sync()
        try:
            write_mark(self._path, key.secret, self._id, head.commit)
        except OSError as error:  # committed all the same; a mark that lags is no lie
            log.warning("vault.mark: not written (errno %s)", error.errno)

    def _write(self, rows: list[Row]) -> None:
        table = "row (id, key_id, blob) VALUES (?, ?, ?)"
        added = [row for row in rows if row.id >= FIRST_ROW]
        replaced = [row for row in rows if row.id < FIRST_ROW]
        self._db.executemany(f"INSERT INTO {table}", added)
        self._db.executemany(f"REPLACE INTO {table}", replaced)
        last = max(row.id for row in replaced if row.id < RING_ROWS[0])  # the state may shrink
        self._db.execute("DELETE FROM row WHERE id > ? AND id < ?", (last, RING_ROWS[0]))

    def _sync(self) -> None:
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self.keys.forget_writing()
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
                self._db.rollback()
            else:  # after a failed sync nobody knows what the disk holds: only a new look tells
                self._failed = True
            raise IntegrityError(f"{DATABASE}: {why(error)}: not committed") from None

    def _usable(self) -> None:
        if self._failed:
            raise IntegrityError(f"{DATABASE}: a commit failed; close the store and open it again")

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.rollback()

    def _rows(self, where: str, *values: int) -> list[Row]:
        query = f"SELECT id, key_id, blob FROM row WHERE {where} ORDER BY id"  # noqa: S608 - ours
        rows = [Row(*row) for row in self._db.execute(query, values)]
        for row in rows:
            blob_of(row.blob, f"row {row.id}")
            if not (isinstance(row.key_id, int) and row.key_id > 0):
                raise IntegrityError(f"row {row.id}: wrong key: no key has such an id")
        return rows

    def _count(self, where: str, *values: int) -> int:
        query = f"SELECT count(*) FROM row WHERE {where}"  # noqa: S608 - ours
        return int(self._db.execute(query, values).fetchone()[0])


def _unlock(meta: dict[str, bytes], passphrase: str) -> Reader:
    identities = {name: meta[name] for name in meta if re.fullmatch(r"identity/\d{1,19}", name)}
    if not identities:
        raise IntegrityError("identity: lost: no passphrase can open this store")
    for name, record in identities.items():
        reader = int(name.removeprefix("identity/"))
        with suppress(LockedError):  # not this one's passphrase
            return open_identity(meta["store"], meta["device"], reader, record, passphrase)
    raise LockedError("wrong passphrase")


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
