"""Chapters: what lies under one data key, and how it is found.

Pure. A chapter is the unit of forgetting: without its key's wraps nobody opens it, and no other
chapter refers to it. `docs/store-format.md`, "Chapters", is the specification.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from operator import attrgetter
from typing import TypeVar

import msgspec

from healthslm.errors import IntegrityError
from healthslm.vault.codec import deflate, inflate
from healthslm.vault.keys import DEVICE_DAYS, Class

T = TypeVar("T")

FAN_OUT = 16
DAY_S = 86_400

FRAMES, RECORDS, NODE, STATE, AUDIT, LETTER, CATALOGUE = (
    b"\1",
    b"\2",
    b"\3",
    b"\4",
    b"\5",
    b"\6",
    b"\7",
)


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """Where one content lies and which time it covers."""

    row: int  # id of its first row
    parts: int
    t0: int  # UTC s, rounded down
    t1: int  # UTC s, rounded up
    digest: bytes
    number: int  # of the commit that it first came with: the order of all


class Chapter(msgspec.Struct, array_like=True):
    """All contents that one data key seals."""

    key: int
    cls: int
    epoch: int  # UTC s: start of the hour, day or month it serves
    first: int = 0  # id of its first row
    end: int = 0  # one more than the id of its last row
    rows: int = 0
    levels: list[list[Entry]] = []

    def overlaps(self, t0_s: float, t1_s: float) -> bool:
        """Say whether a content may hold something of t0_s <= t < t1_s."""
        return any(overlaps(entry, t0_s, t1_s) for level in self.levels for entry in level)


Append = Callable[[bytes, int, int, int], Entry]
"""Seals (content, t0, t1, number) into new rows of a chapter."""


def enter(chapter: Chapter, entry: Entry, append: Append) -> None:
    """Add an entry; a level that is full becomes a node, known by one entry above."""
    levels = chapter.levels
    for level in count():
        if level == len(levels):
            levels.append([])
        levels[level].append(entry)
        if len(levels[level]) < FAN_OUT:
            return
        entry = _node(levels, level, append)


def fold(chapter: Chapter, append: Append) -> None:
    """Leave one entry of all: nothing more comes to this chapter, and its record stays small."""
    levels = chapter.levels
    while sum(map(len, levels)) > 1:
        level = next(n for n, entries in enumerate(levels) if entries)
        if level + 1 == len(levels):
            levels.append([])
        levels[level + 1].append(_node(levels, level, append))


def _node(levels: list[list[Entry]], level: int, append: Append) -> Entry:
    """Empty a level into a node, and return the entry that stands for it."""
    full, levels[level] = levels[level], []
    content = NODE + deflate(msgspec.msgpack.encode(full))
    return append(content, min(e.t0 for e in full), max(e.t1 for e in full), full[0].number)


Fetch = Callable[[Chapter, Entry], bytes]
"""Returns the verified content of an entry."""


def find(
    chapters: Iterable[Chapter], t0_s: float, t1_s: float, fetch: Fetch
) -> Iterator[tuple[Chapter, Entry]]:
    """Yield where the contents that may hold something of a time range are, oldest commit first."""

    def walk(chapter: Chapter) -> Iterator[tuple[int, int, Chapter, Entry]]:
        for entry in entries(chapter, fetch, lambda e: overlaps(e, t0_s, t1_s)):
            yield entry.number, entry.row, chapter, entry

    walks = [walk(c) for c in chapters if c.overlaps(t0_s, t1_s)]
    for _, _, chapter, entry in heapq.merge(*walks, key=lambda found: found[:2]):
        yield chapter, entry


def entries(
    chapter: Chapter, fetch: Fetch, wanted: Callable[[Entry], bool] = lambda _: True
) -> Iterator[Entry]:
    """Yield the entries of a chapter's contents in order; nodes that are not wanted stay shut."""

    def descend(some: Iterable[Entry], level: int) -> Iterator[Entry]:
        for entry in filter(wanted, some):
            if level:
                node = thaw_node(fetch(chapter, entry), f"row {entry.row}")
                yield from descend(node, level - 1)
            else:
                yield entry

    for level in reversed(range(len(chapter.levels))):
        yield from descend(chapter.levels[level], level)


def overlaps(entry: Entry, t0_s: float, t1_s: float) -> bool:
    """Say whether the content may hold something of t0_s <= t < t1_s."""
    return entry.t0 < t1_s and entry.t1 >= t0_s


def for_device(chapters: Iterable[Chapter]) -> list[Chapter]:
    """Return the chapters of DERIVED that the device may open: the newest eight days."""
    derived = [c for c in chapters if c.cls == Class.DERIVED]
    newest_s = max(map(attrgetter("epoch"), derived), default=0)
    return [c for c in derived if c.epoch > newest_s - DEVICE_DAYS * DAY_S]


def thaw_node(content: bytes, what: str) -> list[Entry]:
    """Return the entries of a node; raises IntegrityError."""
    return thawed(content, NODE, list[Entry], what)


def freeze_catalogue(chapters: list[Chapter]) -> bytes:
    """Return the content that holds the chapters to which nothing more comes."""
    return CATALOGUE + deflate(msgspec.msgpack.encode(chapters))


def thaw_catalogue(content: bytes) -> list[Chapter]:
    """Undo `freeze_catalogue`; raises IntegrityError."""
    return thawed(content, CATALOGUE, list[Chapter], "catalogue")


def thawed(content: bytes, kind: bytes, type_: type[T], what: str) -> T:
    """Return the deflated msgpack in a content that must be of `kind`; raises IntegrityError."""
    try:
        return msgspec.msgpack.decode(inflate(body_of(content, kind, what)), type=type_)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise IntegrityError(f"{what}: holds something of another shape") from None


def body_of(content: bytes, kind: bytes, what: str) -> bytes:
    """Return the body of a content that must be of `kind`; raises IntegrityError."""
    if content[:1] != kind:
        raise IntegrityError(f"{what}: holds another kind of content")
    return content[1:]
