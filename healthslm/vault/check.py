"""`store check`: what of a store is whole, and everything that is not.

It reads what the keys at hand open and counts the rest; it changes nothing, and goes on behind an
error. What it tells names rows and keys by id, never a content or a time.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from healthslm.errors import IntegrityError, LockedError
from healthslm.vault import audit, chapters
from healthslm.vault.chapters import Chapter, Entry
from healthslm.vault.database import DATABASE, DEVICE_KEY, SCHEMA, connect, read_meta, storage
from healthslm.vault.index import RING_ROWS, Head
from healthslm.vault.keys import DEVICE_READER, Class, Device, unwrap_for_device
from healthslm.vault.readers import check_wrap, read_reader
from healthslm.vault.rows import Rows, Unlock

_HOW = {"rolled back": "rolled back", "wrong label": "moved", "planted": "planted", "lost": "lost"}


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it was written."""

    what: str  # "row 2050", "wrap of key 17", "state", "mark" ...
    how: str  # lost, altered, moved, rolled back, planted
    cls: str = ""  # RAW, DERIVED, STATE, AUDIT, where it has one
    rows: int = 0  # that cannot be read because of it
    why: str = ""


@dataclass(slots=True)
class Checked:
    """What a check found."""

    damage: list[Damage] = field(default_factory=list)
    read: Counter[str] = field(default_factory=Counter)  # rows, by class, that are whole
    counted: Counter[str] = field(default_factory=Counter)  # rows that no key at hand opens
    wraps: int = 0  # whose signature holds

    @property
    def whole(self) -> bool:
        """Nothing is damaged, as far as the keys at hand can tell."""
        return not self.damage

    def note(self, what: str, error: IntegrityError, cls: str = "", rows: int = 0) -> None:
        """Add what an error says."""
        words = str(error)
        how = next((name for word, name in _HOW.items() if word in words), "altered")
        self.damage.append(Damage(what, how, cls, rows, words))


def check(folder: Path, unlock: Unlock | None) -> Checked:
    """Return the state of a store, read with the device key and with what `unlock` opens.

    Raises
    ------
    ConfigError
        There is no store in `folder`.
    LockedError
        The secret is not of this store, or the device key is not here and nothing else was given.
    """
    path, found = folder / DEVICE_KEY, Checked()
    device = Device.read(path) if unlock is None or path.exists() else None
    try:
        rows = Rows(folder, device, unlock)
    except IntegrityError as error:
        found.note("header", error)
        return found
    except LockedError:
        if device is None or not _altered(folder, device):
            raise
        found.damage.append(Damage("header", "altered"))
        return found
    with closing(rows):
        _attempt(found, "state", rows.check_age)
        try:
            with storage():
                rows.db.execute("BEGIN")  # one moment of the store, though it may grow meanwhile
            _Inspection(rows, device, found).all()
        except IntegrityError as error:
            found.note("database", error)
    return found


def _altered(folder: Path, device: Device) -> bool:
    """Say whether the header names another device, and its second copy this one."""
    query = "SELECT value FROM {} WHERE name IN ('device', 'store') ORDER BY name"
    due, named = [(device.public,), (device.store_id,)], []
    with suppress(IntegrityError), closing(connect(folder / DATABASE)) as db, storage():
        named = [db.execute(query.format(name)).fetchall() for name in ("meta", "meta_spare")]
    return bool(named) and named[0] != due and named[1] == due


def _attempt(found: Checked, what: str, act: Callable[[], object]) -> bool:
    """Do something, note what is wrong with it, and say whether it went well."""
    try:
        act()
    except IntegrityError as error:
        told = {damage.why for damage in found.damage}
        if str(error) not in told:
            found.note(what, error)
        return False
    return True


class _Inspection:
    """One look at everything in an open store."""

    def __init__(self, rows: Rows, device: Device | None, found: Checked) -> None:
        self._rows, self._device, self._found = rows, device, found
        self._trail: list[tuple[int, int, bytes]] = []  # commit, row, content

    def all(self) -> None:
        """Look at structure, head, contents, letters, trail and wraps."""
        _attempt(self._found, "structure", self._structure)
        _attempt(self._found, "spare copies", self._spares)
        try:
            head = self._rows.head()
        except IntegrityError as error:
            if not self._found.damage:
                self._found.note("state", error)
            return
        known = list(head.chapters)
        keys = {key_id for key_id, _ in self._rows.keys.wraps()}  # where no catalogue tells more
        if _attempt(self._found, "catalogue", lambda: self._rows.chapters(head)):
            known = self._rows.chapters(head)
            _attempt(self._found, "rows", lambda: self._count(head))
            keys = {chapter.key for chapter in known}
        for chapter in known:
            self._chapter(chapter)
        self._letters(head, keys)
        if self._opens(Class.AUDIT, known):
            trail = [content for *_, content in sorted(self._trail)]
            _attempt(self._found, "audit trail", lambda: list(audit.chain(trail, head.audit)))
        self._readers(head)
        self._wraps(head, known)

    def _structure(self) -> None:
        """Let SQLite look at its pages, and compare the tables with ours."""
        with storage():
            told = self._rows.db.execute("PRAGMA integrity_check(1)").fetchone()[0]
            here = self._rows.db.execute(_TABLES).fetchall()
        if told != "ok":
            raise IntegrityError("vault.db: its pages are altered; rows may be there all the same")
        with closing(sqlite3.connect(":memory:")) as made:
            made.executescript(SCHEMA)
            if made.execute(_TABLES).fetchall() != here:
                raise IntegrityError("vault.db: its tables are altered")

    def _spares(self) -> None:
        """Compare the header and the wraps with their second copies."""
        for table in ("meta", "wrap"):
            either = f"SELECT * FROM {table} EXCEPT SELECT * FROM {table}_spare"  # noqa: S608 - ours
            other = f"SELECT * FROM {table}_spare EXCEPT SELECT * FROM {table}"  # noqa: S608 - ours
            with storage():
                if any(self._rows.db.execute(q).fetchone() for q in (either, other)):
                    raise IntegrityError(f"{table}: altered: its two copies differ")

    def _count(self, head: Head) -> None:
        with storage():
            there = int(self._rows.db.execute("SELECT count(*) FROM row").fetchone()[0])
        due = self._rows.row_count(head)
        if there != due:
            raise IntegrityError(f"{abs(due - there)} rows {'lost' if there < due else 'planted'}")

    def _chapter(self, chapter: Chapter) -> None:
        """Read everything in a chapter that can be read."""
        name, before = Class(chapter.cls).name, len(self._found.damage)
        try:
            self._rows.keys.get(chapter.key)
        except LockedError:
            self._closed(chapter, name)
            return
        except IntegrityError as error:
            self._found.note(f"key {chapter.key}", error, name, chapter.rows)
            return
        read = sum(
            self._entry(chapter, entry, level)
            for level in reversed(range(len(chapter.levels)))
            for entry in chapter.levels[level]
        )
        self._found.read[name] += read
        told = sum(damage.rows for damage in self._found.damage[before:])
        if read + told != chapter.rows:
            rest = IntegrityError(f"chapter of key {chapter.key}: lost: the index to some rows")
            self._found.note(f"key {chapter.key}", rest, name, max(0, chapter.rows - read - told))

    def _entry(self, chapter: Chapter, entry: Entry, level: int) -> int:
        """Return how many rows an entry leads to that are whole; note those that are not."""
        try:
            content = self._rows.fetch(chapter, entry)
            below = chapters.thaw_node(content, f"row {entry.row}") if level else []
        except IntegrityError as error:
            name = Class(chapter.cls).name
            self._found.note(f"row {entry.row}", error, name, entry.parts)
            return 0
        if not level and chapter.cls == Class.AUDIT:
            self._trail.append((entry.number, entry.row, content))
        return entry.parts + sum(self._entry(chapter, child, level - 1) for child in below)

    def _closed(self, chapter: Chapter, name: str) -> None:
        """Count the rows of a chapter that no key at hand opens."""
        query = "SELECT count(*) FROM row WHERE key_id = ? AND id BETWEEN ? AND ?"
        with storage():
            span = chapter.key, chapter.first, chapter.end - 1
            there = int(self._rows.db.execute(query, span).fetchone()[0])
        self._found.counted[name] += there
        if there != chapter.rows:
            lost = IntegrityError(f"key {chapter.key}: {chapter.rows - there} rows lost")
            self._found.note(f"key {chapter.key}", lost, name, abs(chapter.rows - there))

    def _letters(self, head: Head, keys: set[int]) -> None:
        """Read the ring of letters, or count it."""
        for k in range(max(0, head.letters - len(RING_ROWS)), head.letters):
            try:
                self._rows.ring_row(k, keys)
                self._found.read["RAW"] += 1
            except LockedError:
                self._found.counted["RAW"] += 1
            except IntegrityError as error:
                self._found.note(f"row {RING_ROWS[k % len(RING_ROWS)]}", error, "RAW", 1)

    def _opens(self, cls: Class, known: Iterable[Chapter]) -> bool:
        """Say whether every chapter of a class was read whole."""
        if any(damage.cls == cls.name for damage in self._found.damage):
            return False
        return all(self._rows.keys.at_hand(c.key) for c in known if c.cls == cls and c.rows)

    def _readers(self, head: Head) -> None:
        """Verify the record of each reader."""
        with storage():
            meta = read_meta(self._rows.db)
        for reader in head.readers:
            record = meta.get(f"reader/{reader.id}")
            if record is None:
                self._found.damage.append(Damage(f"reader {reader.id}", "lost"))
            else:
                verify = partial(read_reader, self._rows.id, self._rows.device_public)
                _attempt(self._found, f"reader {reader.id}", partial(verify, reader.id, record))

    def _wraps(self, head: Head, known: list[Chapter]) -> None:
        """Verify the wraps, and look for those that are missing."""
        there = set[tuple[int, int]]()
        for key_id, reader, blob in self._all_wraps():
            there.add((key_id, reader))
            try:
                if reader != DEVICE_READER:
                    check_wrap(self._rows.id, self._rows.device_public, reader, key_id, blob)
                elif self._device is not None:
                    unwrap_for_device(self._device, key_id, blob)
                self._found.wraps += 1
            except IntegrityError as error:
                self._found.note(f"wrap of key {key_id} to reader {reader}", error)
        due = {(c.key, r.id) for c in known for r in head.readers if r.role != "clinician"}
        due |= {(c.key, DEVICE_READER) for c in chapters.for_device(known)}
        for key_id, reader in sorted(due - there):
            self._found.damage.append(Damage(f"wrap of key {key_id} to reader {reader}", "lost"))

    def _all_wraps(self) -> Iterator[tuple[int, int, bytes]]:
        with storage():
            for key_id, reader, blob in self._rows.db.execute("SELECT * FROM wrap").fetchall():
                yield key_id, reader, blob if isinstance(blob, bytes) else b""


_TABLES = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"
