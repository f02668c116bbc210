"""The rows, the sealed head that counts them, and one transaction for both.

What `Store` is made of: it knows classes and contents, not what they mean.
"""

from __future__ import annotations

import logging
import math
import shutil
import sqlite3
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from healthslm.errors import DeviceKeyError, IntegrityError, LockedError
from healthslm.vault import chapters, wreckage
from healthslm.vault.chapters import Chapter, Entry
from healthslm.vault.database import (
    BUSY_S,
    DATABASE,
    DEVICE_KEY,
    INSERT_ROW,
    MARK,
    REPLACE_ROW,
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
    Gone,
    Head,
    Row,
    open_row,
    open_rows,
    thaw_head,
)
from healthslm.vault.keyring import Keyring
from healthslm.vault.keys import Class, DataKey, Device
from healthslm.vault.mark import read_mark, reset_mark, write_mark
from healthslm.vault.readers import Unlocked, read_reader
from healthslm.vault.seal import Part, digest

log = logging.getLogger(__name__)

PAGE_BYTES = 4096

Unlock = Callable[[Mapping[str, bytes]], Unlocked]
"""Returns the reader that a secret opens, from the clear header of the store."""


class Rows:
    """An open database with the keys at hand.

    Parameters
    ----------
    folder
        Of the store.
    device, unlock
        Whoever opens it.
    database
        Another file than the store's own: a backup, or what is about to become the store.

    Raises
    ------
    ConfigError
        There is no store in `folder`.
    LockedError
        Wrong passphrase; or the device key is of another store.
    IntegrityError
        The header is damaged.
    """

    def __init__(
        self,
        folder: Path,
        device: Device | None,
        unlock: Unlock | None,
        *,
        database: Path | None = None,
    ) -> None:
        if database is None:
            wreckage.settle(folder)
            wreckage.hold(folder)
        # Read before the state is: a commit in between leaves the mark the older of the two.
        self._mark = _read(folder / MARK)
        self.folder, self._path = folder, folder / MARK
        self._database = database or folder / DATABASE
        self.db = connect(self._database)
        try:
            meta = read_meta(self.db)
            self.id, self.device_public = meta["store"], meta["device"]
            if device:
                _check_device(device, meta)
            self.unlocked = None if unlock is None else unlock(meta)
            self.header = meta
            self.keys = Keyring(
                self.db, self.id, self.device_public, device=device, unlocked=self.unlocked
            )
        except BaseException:
            self.db.close()
            raise
        self._failed = False

    def close(self) -> None:
        """Let go of the files."""
        self.db.close()

    def head(self, view: sqlite3.Connection | None = None) -> Head:
        """Return what the newest commit says of the store; or what one in `view` says.

        Raises
        ------
        IntegrityError
            A row of the state is lost, altered, or older than the rest.
        """
        self._usable()
        with storage():
            rows = self._rows("id < ?", RING_ROWS[0], view=view)
        if not rows or any(row.key_id != rows[0].key_id for row in rows):
            raise IntegrityError("state: lost: its rows are not all there")
        try:
            key = self.keys.get(rows[0].key_id)
        except LockedError:
            raise IntegrityError("state: the wrap of its key is lost") from None
        return thaw_head(open_rows(key, self.id, rows, "state"))

    def check_age(self) -> None:
        """Check that the store has all it ever acknowledged.

        Raises
        ------
        IntegrityError
            It is older than its mark, or its newest rows are not those that its head counts.
        """
        with storage(), self.snapshot():
            head = self.head()
            query = "SELECT max(id) FROM row WHERE id >= ?"
            newest = self.db.execute(query, (FIRST_ROW,)).fetchone()[0] or 0
        seen = read_mark(self._mark, head.mark, self.id)
        if head.commit < seen:
            raise IntegrityError(
                f"state: rolled back: the newest {seen - head.commit} commits are lost "
                "(was vault.db-wal deleted, or an old copy put back?); `healthslm store repair` "
                "brings back what is left of them"
            )
        if newest != head.top:
            raise IntegrityError(f"row {head.top}: not the newest: rows lost or planted")
        wreckage.release(self.folder)

    def keep_log(self) -> None:
        """Set the log of a store that lost commits apart, before anything is written to it."""
        if (self.folder / wreckage.HELD).exists():
            wreckage.set_apart(self.folder, [wreckage.HELD], written=True)
            wreckage.release(self.folder)

    def accept_age(self) -> None:
        """Go on from what is there: whatever the mark said, it now says this."""
        head = self.head()
        reset_mark(self._path, head.mark, self.id, head.commit)

    def chapters(self, head: Head, view: sqlite3.Connection | None = None) -> list[Chapter]:
        """Return every chapter, those that are done first.

        Raises
        ------
        IntegrityError
            The catalogue is lost, altered, or an older one.
        """
        return [*self._catalogue(head, view), *head.chapters]

    def _catalogue(self, head: Head, view: sqlite3.Connection | None = None) -> list[Chapter]:
        if head.catalogue is None:
            return []
        return chapters.thaw_catalogue(self._verified(head.catalogue, "catalogue", view))

    def contents(self, cls: Class, t0_s: float | None, t1_s: float | None) -> Iterator[bytes]:
        """Yield the contents of a class that may touch a time range, in order of commit.

        What the keys at hand should open and do not is an error; what they need not open is
        left out.

        Raises
        ------
        IntegrityError
            A row is lost, altered, moved or rolled back: says which.
        """
        start, end = -math.inf if t0_s is None else t0_s, math.inf if t1_s is None else t1_s
        with storage(), closing(connect(self._database)) as view:
            view.execute("BEGIN")  # one commit is seen to the end, whatever others join or erase
            known = self.chapters(self.head(view), view)
            fetch = partial(self.fetch, view=view)
            for chapter, entry in chapters.find([*self.opened(known, cls)], start, end, fetch):
                yield fetch(chapter, entry)

    def opened(self, known: list[Chapter], cls: Class) -> Iterator[Chapter]:
        """Yield the chapters of a class that the keys at hand open."""
        due = {c.key for c in chapters.for_device(known)} if self.unlocked is None else set[int]()
        for chapter in known:
            if chapter.cls != cls or not chapter.rows:
                continue
            try:
                self.keys.get(chapter.key)
            except LockedError:
                if chapter.key in due:
                    what = f"row {chapter.first}: the wrap of its key is lost"
                    raise IntegrityError(what) from None
                continue
            yield chapter

    def fetch(
        self, chapter: Chapter, entry: Entry, view: sqlite3.Connection | None = None
    ) -> bytes:
        """Return a content of a chapter; raises IntegrityError, and LockedError without its key."""
        what = f"row {entry.row}"
        rows = self._checked(entry, what, view)
        if rows[0].key_id != chapter.key:
            raise IntegrityError(f"{what}: wrong key: it stands in another chapter")
        return open_rows(self.keys.get(chapter.key), self.id, rows, what)

    def _verified(self, entry: Entry, what: str, view: sqlite3.Connection | None) -> bytes:
        rows = self._checked(entry, what, view)
        return open_rows(self.keys.get(rows[0].key_id), self.id, rows, what)

    def _checked(self, entry: Entry, what: str, view: sqlite3.Connection | None) -> list[Row]:
        """Return the rows of a content, those that were committed."""
        with storage():
            last = entry.row + entry.parts - 1
            rows = self._rows("id BETWEEN ? AND ?", entry.row, last, view=view)
        if len(rows) != entry.parts:
            raise IntegrityError(f"{what}: lost: {entry.parts - len(rows)} of its rows")
        if digest(rows[0].key_id, [row.blob for row in rows]) != entry.digest:
            self._blame(rows)
        return rows

    def _blame(self, rows: list[Row]) -> None:
        """Say what is wrong with rows that are not those which were committed."""
        for row in rows:
            try:
                open_row(self.keys.get(row.key_id), self.id, row)
            except LockedError:
                raise IntegrityError(f"row {row.id}: altered or replaced") from None
        raise IntegrityError(f"row {rows[0].id}: rolled back: not the row that was committed")

    def ring(self) -> list[Part]:
        """Return what each row of the ring holds, oldest first."""
        with storage(), self.snapshot():
            head = self.head()
            known = {chapter.key for chapter in self.chapters(head)}
            ks = range(max(0, head.letters - len(RING_ROWS)), head.letters)
            return [self.ring_row(k, known) for k in ks]

    def ring_row(self, k: int, known: Container[int]) -> Part:
        """Return what the k-th row written to the ring holds; known  the keys that have chapters.

        A key without one was destroyed: nobody can have sealed under it what stands there now.
        """
        row_id = RING_ROWS[k % len(RING_ROWS)]
        with storage():
            rows = self._rows("id = ?", row_id)
        if not rows:
            raise IntegrityError(f"row {row_id}: lost")
        if rows[0].key_id not in known:
            raise IntegrityError(f"row {row_id}: wrong key: that key was destroyed")
        part = open_row(self.keys.get(rows[0].key_id), self.id, rows[0])
        if part.number + part.part != k:
            raise IntegrityError(f"row {row_id}: rolled back")
        return part

    def row_count(self, head: Head) -> int:
        """Return how many rows there must be, without looking at each."""
        with storage():
            state = self._count("id < ?", RING_ROWS[0])
        return state + min(head.letters, len(RING_ROWS)) + head.rows

    def check_rows(self) -> None:
        """Count every row.

        Raises
        ------
        IntegrityError
            There are fewer, or more, than the sealed head says.
        """
        with storage(), self.snapshot():
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
            self.db.execute("BEGIN IMMEDIATE")
        try:
            with storage():
                head = self.head()
                writing = self.keys.writing(head, now_s)
                draft = Draft(head, self.id, writing, lambda: self._catalogue(head))
                grown = len(head.chapters)
                yield draft
                if draft.changed or len(head.chapters) > grown:  # a new day, perhaps
                    self.keys.age_for_device(draft.chapters())
                draft.finish()
                self._write(draft)
        except BaseException:
            self.keys.forget_writing()
            self.db.rollback()
            raise
        self._sync()
        self.keys.forget_state()
        try:
            write_mark(self._path, head.mark, self.id, head.commit)
        except OSError as error:  # committed all the same; a mark that lags is no lie
            log.warning("vault.mark: not written (errno %s)", error.errno)
        if self.keys.destroyed:
            self.settle()
            self.keys.destroyed = False

    def forget(self, draft: Draft, chapter: Chapter, heir: DataKey | None = None) -> None:
        """Destroy a chapter: its rows and its key, and what it has in the ring of letters.

        heir  the key under which its letters go on.
        """
        draft.drop(chapter)
        for row in self.letters_of(chapter):
            if heir is None:
                draft.blot_out(row.id)
            else:
                draft.hand_over(row, self.keys.get(chapter.key), heir)
        self.keys.destroy([chapter.key])

    def letters_of(self, chapter: Chapter) -> list[Row]:
        """Return the rows of the ring that lie under the key of a chapter."""
        if chapter.cls != Class.RAW:
            return []
        where = "id BETWEEN ? AND ? AND key_id = ?"
        return self._rows(where, RING_ROWS[0], RING_ROWS[-1], chapter.key)

    def renew_state_key(self, draft: Draft, now_s: float) -> None:
        """Seal the state and the catalogue under a new key, and destroy the old."""
        draft.renew_catalogue()
        old = self.keys.current(Class.STATE, draft.head, now_s)
        self.keys.adopt(self.keys.mint(Class.STATE, draft.head, 0, now_s))
        self.keys.destroy([old.id])

    def settle(self) -> None:
        """Move what was committed into the database, and empty the write-ahead log."""
        with suppress(sqlite3.Error):
            self.db.execute("PRAGMA busy_timeout = 0")  # another reads: the next time will do
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.db.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")

    def compact(self) -> bool:
        """Write the database anew without the room of what was deleted; say whether it was done.

        It is not where the disk has no room for a second copy, or another process is at work.
        """
        if shutil.disk_usage(self.folder).free < 2 * self._database.stat().st_size:
            return False
        try:
            self.db.execute("VACUUM")
        except sqlite3.Error:
            return False
        self.settle()
        return True

    def disk_bytes(self) -> int:
        """Return the size of the disk that the store lies on."""
        return shutil.disk_usage(self.folder).total

    def free_bytes(self) -> float:
        """Return how much the store could grow: on its disk, and in its own free pages."""
        pages = self.db.execute("PRAGMA freelist_count").fetchone()[0]
        return float(shutil.disk_usage(self.folder).free + pages * PAGE_BYTES)

    def _write(self, draft: Draft) -> None:
        for gone in draft.gone:
            self._delete(gone)
        added = [row for row in draft.rows if row.id >= FIRST_ROW]
        replaced = [row for row in draft.rows if row.id < FIRST_ROW]
        self.db.executemany(INSERT_ROW, added)
        self.db.executemany(REPLACE_ROW, replaced)
        last = max(row.id for row in replaced if row.id < RING_ROWS[0])  # the state may shrink
        self.db.execute("DELETE FROM row WHERE id > ? AND id < ?", (last, RING_ROWS[0]))

    def _delete(self, gone: Gone) -> None:
        where = "id >= ? AND id < ?" + ("" if gone.key is None else " AND key_id = ?")
        values = (gone.first, gone.end) + (() if gone.key is None else (gone.key,))
        self.db.execute(f"DELETE FROM row WHERE {where}", values)  # noqa: S608 - ours

    def _sync(self) -> None:
        try:
            self.db.execute("COMMIT")
        except sqlite3.Error as error:
            self.keys.forget_writing()
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
                self.db.rollback()
            else:  # after a failed sync nobody knows what the disk holds: only a new look tells
                self._failed = True
            raise IntegrityError(f"{DATABASE}: {why(error)}: not committed") from None

    def _usable(self) -> None:
        if self._failed:
            raise IntegrityError(f"{DATABASE}: a commit failed; close the store and open it again")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one commit, whatever comes meanwhile, while the block lasts."""
        self.db.execute("BEGIN")
        try:
            yield
        finally:
            self.db.rollback()

    def _rows(self, where: str, *values: int, view: sqlite3.Connection | None = None) -> list[Row]:
        query = f"SELECT id, key_id, blob FROM row WHERE {where} ORDER BY id"  # noqa: S608 - ours
        rows = [Row(*row) for row in (view or self.db).execute(query, values)]
        for row in rows:
            blob_of(row.blob, f"row {row.id}")
            if not (isinstance(row.key_id, int) and row.key_id > 0):
                raise IntegrityError(f"row {row.id}: wrong key: no key has such an id")
        return rows

    def _count(self, where: str, *values: int) -> int:
        query = f"SELECT count(*) FROM row WHERE {where}"  # noqa: S608 - ours
        return int(self.db.execute(query, values).fetchone()[0])


def _check_device(device: Device, meta: Mapping[str, bytes]) -> None:
    """Check that a device key is this store's; its signatures tell it from an altered header."""
    if (device.store_id, device.public) == (meta["store"], meta["device"]):
        return
    if any(_signed(device, name, record) for name, record in meta.items()):
        raise IntegrityError("meta: altered: not the store and the device that signed the rest")
    raise DeviceKeyError(
        "of another store",
        f"{DEVICE_KEY}: belongs to another store, or to this one before its key was changed. Put "
        "the right one back; where it is lost, move this one away, and "
        "`healthslm key rotate --device` makes another",
    )


def _signed(device: Device, name: str, record: bytes) -> bool:
    kind, _, number = name.partition("/")
    if kind != "reader" or not number.isdecimal():
        return False
    try:
        read_reader(device.store_id, device.public, int(number), record)
    except IntegrityError:
        return False
    return True


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
