"""The sealed head of a store, and the rows that one commit adds, replaces and takes away.

Pure but for the random salts. `docs/store-format.md`, "State" and "Commit", is the
specification.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import msgspec

from healthslm.vault import seal
from healthslm.vault.chapters import (
    LETTER,
    STATE,
    Chapter,
    Entry,
    enter,
    fold,
    freeze_catalogue,
    thawed,
)
from healthslm.vault.codec import deflate, encode_letter
from healthslm.vault.keys import Class, DataKey
from healthslm.vault.padding import Padding
from healthslm.vault.readers import Grantee

STATE_ROWS = range(1, 64)
RING_ROWS = range(64, 64 + 1024)  # 1 MB of letters
FIRST_ROW = 2048

# Rows lie in the file in order of id. A class has a stretch of ids to itself, so that what goes
# together leaves whole pages behind; raw rows, by far the most, are at the end, where SQLite fills
# pages best.
STRETCH = {Class.STATE: 0, Class.AUDIT: 1 << 40, Class.DERIVED: 2 << 40, Class.RAW: 3 << 40}
COUNTER = (1 << 40) - 1  # the part of an id that counts
OPEN_CHAPTERS = 12  # in the head, about 100 bytes each; those that are done go to the catalogue
ERASED = "erased"  # the reason on a letter that stands where another was


class Head(msgspec.Struct, array_like=True):
    """What is known of the whole store, sealed anew by each commit."""

    commit: int = 0
    next_row: int = FIRST_ROW
    rows: int = 0  # how many there are from FIRST_ROW on
    chapters: list[Chapter] = []  # those that may still grow, and some that are done
    catalogue: Entry | None = None  # of all the others
    readers: list[Grantee] = []  # whom new keys are wrapped to
    audit: tuple[int, bytes] = (0, bytes(32))  # entries, hash of the newest
    letters: int = 0  # rows ever written to the ring
    counts: dict[str, int] = {}
    pipeline: bytes | None = None
    reports: int = 0  # handed out, ever
    job: str = ""  # what was begun and is not done: an erasure, a change of keys
    mark: bytes = b""  # the key of the mark beside the database, for good
    top: int = 0  # the highest id from FIRST_ROW on
    hour: int = 0  # of the newest commit of records, since 1970: a new one brings the upkeep
    joined: int = 0  # the commit up to which derived contents are joined, an hour to one
    padding: Padding = msgspec.field(default_factory=Padding)
    identity: bytes = b""  # digest of the owner's record; empty in a head from before it was

    def count(self, name: str, n: int) -> None:
        """Add to a count."""
        self.counts[name] = self.counts.get(name, 0) + n


class Row(NamedTuple):
    """One row of the table."""

    id: int
    key_id: int
    blob: bytes


def open_rows(key: DataKey, store_id: bytes, rows: Sequence[Row], what: str) -> bytes:
    """Return the content (kind and body) that `rows` hold.

    Raises
    ------
    IntegrityError
        A row is altered, moved, missing, or of another commit than the rest.
    """
    return seal.join([open_row(key, store_id, row) for row in rows], what)


def open_row(key: DataKey, store_id: bytes, row: Row) -> seal.Part:
    """Return the part that one row holds; raises IntegrityError as `open_rows` does."""
    what = f"row {row.id}"
    label = seal.row_label(store_id, row.key_id, row.id)
    return seal.unsplit(seal.unseal(key.secret, label, row.blob, what), what)


def thaw_head(content: bytes) -> Head:
    """Return the head in the content of the state rows; raises IntegrityError."""
    return thawed(content, STATE, Head, "state")


class Keys(Protocol):
    """Where a draft finds the keys that it seals with."""

    def current(self, cls: Class) -> DataKey:
        """Return the key that new rows of a class are sealed under, minting it where due."""

    def at_hand(self, key_id: int) -> DataKey | None:
        """Return a data key if whoever writes can open it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Rows that a commit takes away: those of one key among some ids."""

    first: int
    end: int
    key: int | None  # None: whatever lies there


class Draft:
    """One commit in the making: a head that counts what `rows` hold.

    catalogue  returns the chapters that are not in the head; read where it is needed.
    """

    def __init__(
        self, head: Head, store_id: bytes, keys: Keys, catalogue: Callable[[], list[Chapter]]
    ) -> None:
        self.head = head
        self.rows: list[Row] = []
        self.gone: list[Gone] = []
        self.keys = keys
        self._store_id = store_id
        self._read, self._catalogue = catalogue, list[Chapter]()
        self._is_read = self._changed = False
        head.commit += 1

    @property
    def changed(self) -> bool:
        """Whether the catalogue is another than it was."""
        return self._changed

    def renew_catalogue(self) -> None:
        """Have the catalogue written anew, as under a new key of the state."""
        self.catalogue()
        self._changed = True

    def catalogue(self) -> list[Chapter]:
        """Return the chapters that are done, oldest first."""
        if not self._is_read:
            self._catalogue, self._is_read = self._read(), True
        return self._catalogue

    def chapters(self) -> list[Chapter]:
        """Return every chapter."""
        return [*self.catalogue(), *self.head.chapters]

    def add(self, cls: Class, content: bytes, t0_s: float, t1_s: float, *, rows: int = 1) -> None:
        """Append a content to the chapter of its class, in at least so many rows."""
        key = self.keys.current(cls)
        chapter = next(c for c in self.head.chapters if c.key == key.id)
        span = math.floor(t0_s), math.ceil(t1_s)
        self.add_to(key, chapter, content, span, self.head.commit, rows=rows)

    def add_to(
        self,
        key: DataKey,
        chapter: Chapter,
        content: bytes,
        span: tuple[int, int],
        number: int,
        *,
        rows: int = 1,
    ) -> None:
        """Append a content to a chapter, in the order that `number` gives."""
        append = partial(self._append, key, chapter)
        enter(chapter, append(content, *span, number, rows), append)

    def keep(self, key: DataKey, chapter: Chapter, entry: Entry) -> None:
        """Enter a content that lies on disk already."""
        chapter.first = min(chapter.first or entry.row, entry.row)
        chapter.end = max(chapter.end, entry.row + entry.parts)
        chapter.rows += entry.parts
        self.head.rows += entry.parts
        enter(chapter, entry, partial(self._append, key, chapter))

    def put_away(self, done: list[Chapter]) -> None:
        """Take these as the chapters that are done, and write the catalogue anew."""
        self._catalogue, self._is_read, self._changed = done, True, True

    def begin(self, key: DataKey, *, done: bool) -> Chapter:
        """Return a new chapter of `key`; one that is done goes to the catalogue."""
        chapter = Chapter(key.id, int(key.cls), key.epoch_s, levels=[])
        if done:
            self.catalogue().append(chapter)
            self._changed = True
        else:
            self.head.chapters.append(chapter)
        return chapter

    def end(self, key: DataKey, chapter: Chapter) -> None:
        """Make the record of a chapter small: nothing more comes to it."""
        fold(chapter, partial(self._append, key, chapter))

    def drop(self, chapter: Chapter) -> None:
        """Take a chapter away with all its rows; its wraps are for the keyring to destroy."""
        if chapter in self.head.chapters:
            self.head.chapters.remove(chapter)
        else:
            self.catalogue().remove(chapter)
            self._changed = True
        if chapter.rows:
            self.gone.append(Gone(chapter.first, chapter.end, chapter.key))
        self.head.rows -= chapter.rows

    def set_aside(self, content: bytes) -> None:
        """Append a letter to the ring; the oldest make room."""
        key, ring = self.keys.current(Class.RAW), len(RING_ROWS)
        parts = seal.split(content, self.head.letters)
        for number, part in enumerate(parts, self.head.letters):
            self._seal(key, RING_ROWS[number % ring], part)
        self.head.letters += len(parts)

    def blot_out(self, ring_row: int) -> None:
        """Put an empty letter in the place of a row of the ring."""
        key, ring = self.keys.current(Class.RAW), len(RING_ROWS)
        place = RING_ROWS.index(ring_row)
        number = self.head.letters - 1 - (self.head.letters - 1 - place) % ring
        (part,) = seal.split(LETTER + encode_letter(ERASED, b""), number)
        self._seal(key, ring_row, part)

    def hand_over(self, row: Row, old: DataKey, new: DataKey) -> None:
        """Seal a row of the ring under another key, in its place."""
        label = seal.row_label(self._store_id, old.id, row.id)
        self._seal(new, row.id, seal.unseal(old.secret, label, row.blob, f"row {row.id}"))

    def finish(self) -> None:
        """Seal the head over the one before it.

        Raises
        ------
        ValueError
            The state does not fit its 63 rows (56 KB).
        """
        if len(self.head.chapters) > OPEN_CHAPTERS:
            self._put_away()
        if self._changed:
            self._write_catalogue()
        self.head.top = self._top()
        content, before = self._state(), self.head.padding.state
        rows = self.head.padding.state_rows(seal.needed(content))
        if self.head.padding.state != before:
            content = self._state()  # with what that learnt
        key = self.keys.current(Class.STATE)
        parts = seal.split(content, self.head.commit, rows)
        if len(parts) > len(STATE_ROWS):
            raise ValueError(f"a state of {len(content)} bytes does not fit its rows")
        for row_id, part in zip(STATE_ROWS, parts, strict=False):
            self._seal(key, row_id, part)

    def _top(self) -> int:
        """Return the highest id that there will be; 0 where there is none from FIRST_ROW on."""
        top = max([self.head.top, *(row.id for row in self.rows if row.id >= FIRST_ROW)])
        if not any(gone.first <= top < gone.end for gone in self.gone):
            return top
        ends = [c.end - 1 for c in self.chapters() if c.rows]
        if self.head.catalogue is not None:
            ends.append(self.head.catalogue.row + self.head.catalogue.parts - 1)
        return max(ends, default=0)

    def _state(self) -> bytes:
        return STATE + deflate(msgspec.msgpack.encode(self.head))

    def _put_away(self) -> None:
        """Move all chapters but the newest of each class from the head to the catalogue.

        Of DERIVED the one before stays too: its last hour is joined when the next day has begun.
        """
        stay: list[Chapter] = []
        for cls, count in ((Class.RAW, 1), (Class.DERIVED, 2), (Class.AUDIT, 1)):
            stay += [c for c in self.head.chapters if c.cls == cls][-count:]
        for chapter in [c for c in self.head.chapters if c not in stay]:
            self.head.chapters.remove(chapter)
            if (key := self.keys.at_hand(chapter.key)) is not None:
                self.end(key, chapter)
            self.catalogue().append(chapter)
            self._changed = True

    def _write_catalogue(self) -> None:
        """Seal the catalogue anew; the one before it goes."""
        key, before = self.keys.current(Class.STATE), self.head.catalogue
        if before is not None:
            self.gone.append(Gone(before.row, before.row + before.parts, None))
            self.head.rows -= before.parts
            self.head.catalogue = None
        if self.catalogue():
            self.head.catalogue = self._sealed(
                key, freeze_catalogue(self.catalogue()), 0, 0, self.head.commit, 1
            )

    def _append(
        self,
        key: DataKey,
        chapter: Chapter,
        content: bytes,
        t0: int,
        t1: int,
        number: int,
        rows: int = 1,
    ) -> Entry:
        entry = self._sealed(key, content, t0, t1, number, rows)
        chapter.first = chapter.first or entry.row
        chapter.end, chapter.rows = entry.row + entry.parts, chapter.rows + entry.parts
        return entry

    def _sealed(
        self, key: DataKey, content: bytes, t0: int, t1: int, number: int, rows: int
    ) -> Entry:
        first = STRETCH[key.cls] + self.head.next_row
        parts = seal.split(content, self.head.commit, rows)
        blobs = [self._seal(key, first + i, part) for i, part in enumerate(parts)]
        self.head.next_row += len(parts)
        self.head.rows += len(parts)
        return Entry(first, len(parts), t0, t1, seal.digest(key.id, blobs), number)

    def _seal(self, key: DataKey, row_id: int, part: bytes) -> bytes:
        blob = seal.seal(key.secret, seal.row_label(self._store_id, key.id, row_id), part)
        self.rows.append(Row(row_id, key.id, blob))
        return blob
