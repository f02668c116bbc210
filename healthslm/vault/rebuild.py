"""A whole store out of what is left of a damaged one.

Rows stay as they were sealed, byte for byte: what is made anew is the index over them and the head
that counts them. Nothing is believed that does not open, and nothing comes back that was forgotten:
where a head is left, only its chapters count.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, product

from healthslm.errors import IntegrityError, LockedError
from healthslm.vault import audit, chapters, seal
from healthslm.vault.chapters import AUDIT, NODE, Chapter, Entry
from healthslm.vault.contents import Content, counted, joined
from healthslm.vault.database import REPLACE_ROW
from healthslm.vault.index import (
    FIRST_ROW,
    RING_ROWS,
    Draft,
    Head,
    Row,
    open_row,
    open_rows,
)
from healthslm.vault.keyring import Keyring
from healthslm.vault.keys import Class, DataKey
from healthslm.vault.salvage import Salvage

_VERSIONS = 64  # of a content's rows that are tried: two of one row are rare, of many no accident


@dataclass(slots=True)
class Findings:
    """What a repair found, and what it could not bring back."""

    head: str = "newest"  # or "older", "lost"
    commits_back: int = 0  # from the newest that the mark knows
    catalogue_lost: bool = False
    kept: Counter[str] = field(default_factory=Counter)  # rows, by class
    lost: Counter[str] = field(default_factory=Counter)
    locked: Counter[str] = field(default_factory=Counter)  # rows whose key has no wrap left
    indexed_anew: int = 0  # chapters
    audit_lost: list[int] = field(default_factory=list)  # numbers of entries
    letters_lost: int = 0
    readers_lost: int = 0
    wraps_missing: int = 0
    wraps_made: int = 0

    @property
    def told(self) -> str:
        """What the audit trail says: counts, no content."""
        lost = f"{self.lost.total() + self.locked.total()} rows lost"
        return "; ".join(filter(None, [lost, audit.mended(self.audit_lost)]))


class Sealing:
    """The keys that a repair seals with: new ones where the device can sign them, else old ones."""

    def __init__(
        self, ring: Keyring, head: Head, state: DataKey, now_s: float, *, mint: bool
    ) -> None:
        self._ring, self._head, self._state = ring, head, state
        self._now_s, self._mint = now_s, mint

    def current(self, cls: Class) -> DataKey:
        """Return the key that new rows of a class are sealed under."""
        if cls is Class.STATE:
            return self._state
        if self._mint:
            return self._ring.current(cls, self._head, self._now_s)
        for chapter in reversed(self._head.chapters):
            if chapter.cls == cls and (key := self._ring.at_hand(chapter.key)):
                return key
        raise LockedError("device.key is needed to repair this store: a new key has to be signed")

    def at_hand(self, key_id: int) -> DataKey | None:
        """Return a data key if it can be opened."""
        return self._ring.at_hand(key_id)


class Rebuild:
    """Contents and index of a store, chapter by chapter, into a new database."""

    def __init__(
        self, salvage: Salvage, db: sqlite3.Connection, ring: Keyring, store_id: bytes
    ) -> None:
        self._salvage, self._db, self._ring, self._id = salvage, db, ring, store_id
        self.findings = Findings()
        self.links: list[audit.Link] = []
        self.newest = 0  # number of a commit

    def catalogue(self, head: Head, state: DataKey) -> list[Chapter]:
        """Return the chapters that are done, none where that is lost."""
        if head.catalogue is None:
            return []
        found = self._whole(state, head.catalogue)
        if found is not None:
            return chapters.thaw_catalogue(found.data)
        self.findings.catalogue_lost = True
        return []

    def strangers(self, known: Iterable[Chapter]) -> Iterator[Chapter]:
        """Yield an empty chapter for each key that has rows and stands in no chapter."""
        familiar = {chapter.key for chapter in known}
        found = [self._ring.at_hand(k) for k in self._salvage.row_keys() if k not in familiar]
        for key in sorted((k for k in found if k), key=lambda k: (k.epoch_s, k.id)):
            if key.cls is not Class.STATE:
                yield Chapter(key.id, int(key.cls), key.epoch_s, levels=[])

    def goes_on(self, next_row: int) -> bool:
        """Say whether there are true rows of commits that a head does not know."""
        return any(
            key is not None and self._opened(key, row_id)
            for row_id, key_id in self._salvage.rows_from(next_row)
            for key in [self._ring.at_hand(key_id)]
        )

    def chapter(self, draft: Draft, old: Chapter, since: int) -> Chapter | None:
        """Bring a chapter into the new database, and return it; None where nothing is left of it.

        since  contents of later commits are not counted by the head yet.
        """
        name, key = Class(old.cls).name, self._ring.at_hand(old.key)
        if key is None:
            self.findings.locked[name] += old.rows
            return None
        walk = _Walk(old, lambda entry: self._whole(key, entry))
        found = list(self._carved(key, walk.ids))
        left = len(walk.ids) + sum(len(c.rows) for c in found)
        self.findings.lost[name] += max(0, old.rows - left)
        found = [c for c in found if c.data[:1] != NODE]
        self._remember([*walk.contents, *found])
        if not walk.damaged and not found:
            self._keep(name, [*walk.contents, *walk.nodes])
            draft.head.rows += old.rows
            return old
        self.findings.indexed_anew += 1
        return self._anew(draft, key, old, walk, found, since)

    def _anew(
        self,
        draft: Draft,
        key: DataKey,
        old: Chapter,
        walk: _Walk,
        found: list[Content],
        since: int,
    ) -> Chapter | None:
        """Index the contents of a chapter that are left, in order of their rows."""
        new, name = Chapter(old.key, old.cls, old.epoch, levels=[]), Class(old.cls).name
        carved = dict(_entries(found, walk.entries))
        for entry in sorted([*walk.entries, *carved.values()], key=lambda e: e.row):
            draft.keep(key, new, entry)
        self._keep(name, walk.contents)
        for content in found:
            if content.first in carved:
                self._keep(name, [content])
                for kind, n in counted(content.data).items() if content.number > since else ():
                    draft.head.count(kind, n)
        return new if new.rows else None

    def _remember(self, contents: Iterable[Content]) -> None:
        """Note the links of the audit trail, and the newest commit."""
        contents = list(contents)
        self.newest = max([self.newest, *(c.number for c in contents)])
        self.links += [audit.thaw(c.data, "audit") for c in contents if c.data[:1] == AUDIT]

    def _carved(self, key: DataKey, reached: set[int]) -> Iterator[Content]:
        """Yield the contents that rows of a key hold and no index leads to."""
        ids = (i for i in self._salvage.ids_under(key.id) if i >= FIRST_ROW and i not in reached)
        return joined(pair for pair in (self._opened(key, i) for i in ids) if pair)

    def _opened(self, key: DataKey, row_id: int) -> tuple[Row, seal.Part] | None:
        for row, _ in self._salvage.rows(row_id, settled=True):
            with suppress(IntegrityError):
                return row, open_row(key, self._id, row)
        return None

    def _whole(self, key: DataKey, entry: Entry) -> Content | None:
        """Return the content that an entry vouches for, if all its rows are left."""
        ids = range(entry.row, entry.row + entry.parts)
        versions = [[r for r, _ in self._salvage.rows(i) if r.key_id == key.id] for i in ids]
        for rows in islice(product(*versions), _VERSIONS):
            if seal.digest(key.id, [row.blob for row in rows]) == entry.digest:
                return Content(rows, entry.number, open_rows(key, self._id, rows, "row"))
        return None

    def _keep(self, name: str, contents: Iterable[Content]) -> None:
        rows = [row for content in contents for row in content.rows]
        self._db.executemany(REPLACE_ROW, rows)
        self.findings.kept[name] += len(rows)

    def letters(self, draft: Draft) -> set[int]:
        """Bring over the ring of letters, and return its keys; a blank stands where one is lost."""
        best = {row_id: found for row_id in RING_ROWS if (found := self._letter(row_id))}
        head, size, used = draft.head, len(RING_ROWS), set[int]()
        head.letters = max([head.letters, *(k + 1 for k, _ in best.values())])
        for k in range(max(0, head.letters - size), head.letters):
            row_id = RING_ROWS[k % size]
            newest, row = best.get(row_id, (-1, None))
            if row is None or newest != k:
                draft.blot_out(row_id)
                self.findings.letters_lost += 1
            else:
                self._db.execute(REPLACE_ROW, row)
                used.add(row.key_id)
        return used

    def _letter(self, row_id: int) -> tuple[int, Row] | None:
        """Return the newest version of a row of the ring, with its place in the order of all."""
        found = list[tuple[int, Row]]()
        for row, _ in self._salvage.rows(row_id, settled=True):
            key = self._ring.at_hand(row.key_id)
            with suppress(IntegrityError):
                if key is not None and key.cls is Class.RAW:
                    part = open_row(key, self._id, row)
                    found.append((part.number + part.part, row))
        return max(found, default=None)


class _Walk:
    """What the index of a chapter still leads to."""

    def __init__(self, chapter: Chapter, whole: Callable[[Entry], Content | None]) -> None:
        self.entries: list[Entry] = []
        self.contents: list[Content] = []
        self.nodes: list[Content] = []
        self.damaged = False
        self._whole = whole
        for level in reversed(range(len(chapter.levels))):
            self._descend(chapter.levels[level], level)
        self.ids = {row.id for c in [*self.contents, *self.nodes] for row in c.rows}

    def _descend(self, entries: Iterable[Entry], level: int) -> None:
        for entry in entries:
            content = self._whole(entry)
            if content is None:
                self.damaged = True
            elif level:
                self.nodes.append(content)
                self._descend(chapters.thaw_node(content.data, f"row {entry.row}"), level - 1)
            else:
                self.entries.append(entry)
                self.contents.append(content)


def _entries(found: list[Content], known: list[Entry]) -> Iterator[tuple[int, Entry]]:
    """Yield, by row, entries for contents whose own entries are lost.

    A content that was sealed anew keeps the number of the commit that it first came with, and only
    its entry told that; it is not above that of the next one known.
    """
    limits = sorted((entry.row, entry.number) for entry in known)
    for content in found:
        after = next((number for row, number in limits if row > content.first), content.number)
        with suppress(IntegrityError):
            yield content.first, content.entry(min(content.number, after))
