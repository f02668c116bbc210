"""Erasing what its owner no longer wants kept: a time, a class, a stream, everything.

A chapter that goes whole goes with its key: its wraps and its rows are destroyed. Of one that goes
in part, what stays is sealed anew under a new key, and the old key is destroyed. What was erased
cannot be opened by anyone who did not copy its wraps and rows before; a flash card may keep pages
with both for a while.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from healthslm.records import Alert, Derived, Frame, Summary
from healthslm.vault import audit, codec
from healthslm.vault.chapters import FRAMES, RECORDS, Chapter, body_of, entries
from healthslm.vault.keys import Class
from healthslm.vault.rekey import rewrite
from healthslm.vault.store import Store, span, touches

JOB = "erasure"
HOUR_S = 3600
ERASABLE = frozenset({Class.RAW, Class.DERIVED})


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to go: what touches t0_s <= t < t1_s, of some classes, of one stream or of all."""

    t0_s: float = -math.inf
    t1_s: float = math.inf
    classes: frozenset[Class] = ERASABLE
    stream: str | None = None  # "chest/ecg"

    @property
    def whole(self) -> bool:
        """Whether all of a class goes."""
        return (self.t0_s, self.t1_s, self.stream) == (-math.inf, math.inf, None)

    def takes(self, record: Frame | Derived, texts: tuple[float, float]) -> bool:
        """Say whether a record goes. A text goes with the stream that it may speak of.

        texts  the time in which the stream was recorded.
        """
        if not touches(record, self.t0_s, self.t1_s):
            return False
        if self.stream is None:
            return True
        if isinstance(record, Summary | Alert):
            first_s, last_s = span(record)
            return first_s <= texts[1] and last_s >= texts[0]
        return (record.name if isinstance(record, Frame) else record.stream) == self.stream


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure took."""

    frames: int
    records: int
    chapters: int  # whose keys were destroyed


def erase(
    store: Store,
    scope: Scope,
    *,
    now_s: float,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Erased:
    """Erase, and say so in the audit trail before and after.

    Interrupted, it has erased a part; the same again erases the rest. `told` is called with how
    many chapters were looked at, and of how many. With RAW go all letters under the same keys:
    payloads that could not be read, so nobody can say what they held.

    Raises
    ------
    LockedError
        The store was not opened by its owner, or the device key is not here.
    IntegrityError
        Something to be looked through is damaged; the rest up to there is erased.
    """
    store.owners_only("erasing")
    rows, what = store.rows, _told(scope)
    with rows.transaction(now_s) as draft:
        draft.head.job = JOB
        audit.record(draft, "erasure begun", store.who, now_s, what)
        if scope.whole and scope.classes == ERASABLE:
            draft.head.pipeline = None
    known = reach(store, scope)
    texts = _hull(store, known, scope)
    frames = records = chapters = 0
    for done, chapter in enumerate(known):
        told(done, len(known))
        gone, of = _count(store, chapter, scope, texts)
        if not (gone if of else _letters(chapter, scope)):
            continue
        if gone == of:
            with rows.transaction(now_s) as draft:
                rows.forget(draft, next(c for c in draft.chapters() if c.key == chapter.key))
        else:
            rewrite(store, chapter.key, lambda c: _kept(c, scope, texts), now_s=now_s)
        chapters += 1
        frames += gone if chapter.cls == Class.RAW else 0
        records += gone if chapter.cls == Class.DERIVED else 0
    with rows.transaction(now_s) as draft:
        draft.head.job = ""
        audit.record(draft, "erased", store.who, now_s, f"{what}: {chapters} keys destroyed")
    told(len(known), len(known))
    rows.settle()
    return Erased(frames, records, chapters)


def reach(store: Store, scope: Scope) -> list[Chapter]:
    """Return the chapters that an erasure looks through."""
    return [c for c in store.rows.chapters(store.rows.head()) if c.cls in scope.classes]


def _hull(store: Store, known: Iterable[Chapter], scope: Scope) -> tuple[float, float]:
    """Return the time in which the stream was recorded, within the scope."""
    first_s, last_s = math.inf, -math.inf
    if scope.stream is not None:
        for chapter in known:
            for entry in entries(chapter, store.rows.fetch):
                for record in _records(store.rows.fetch(chapter, entry)):
                    if not isinstance(record, Summary | Alert) and scope.takes(record, (0.0, 0.0)):
                        t0_s, t1_s = span(record)
                        first_s, last_s = min(first_s, t0_s), max(last_s, t1_s)
    return first_s, last_s


def _count(
    store: Store, chapter: Chapter, scope: Scope, texts: tuple[float, float]
) -> tuple[int, int]:
    """Return how many records of a chapter go, and how many it has."""
    gone = of = 0
    for entry in entries(chapter, store.rows.fetch):
        if entry.t1 < scope.t0_s or entry.t0 >= scope.t1_s:
            of += 1  # whatever it holds, it stays
            continue
        for record in _records(store.rows.fetch(chapter, entry)):
            of += 1
            gone += scope.takes(record, texts)
    return gone, of


def _letters(chapter: Chapter, scope: Scope) -> bool:
    """Say whether a chapter without contents, which may have letters, goes."""
    within = chapter.epoch < scope.t1_s and chapter.epoch + HOUR_S > scope.t0_s
    return within and scope.stream is None and chapter.cls == Class.RAW


def _kept(content: bytes, scope: Scope, texts: tuple[float, float]) -> bytes | None:
    """Return what remains of a content."""
    records = list(_records(content))
    stay = [r for r in records if not scope.takes(r, texts)]
    if len(stay) == len(records):
        return content
    if not stay:
        return None
    frames = [r for r in stay if isinstance(r, Frame)]
    if frames:
        return FRAMES + codec.encode_frames(frames)
    return RECORDS + codec.encode_derived([r for r in stay if not isinstance(r, Frame)])


def _records(content: bytes) -> Iterable[Frame | Derived]:
    if content[:1] == FRAMES:
        return codec.decode_frames(body_of(content, FRAMES, "frames"))
    return codec.decode_derived(body_of(content, RECORDS, "records"))


def _told(scope: Scope) -> str:
    """Return what an erasure was of, for the sealed audit trail."""
    classes = " and ".join(sorted(cls.name.lower() for cls in scope.classes))
    when = "" if math.isinf(scope.t0_s) else f" of {scope.t0_s:.0f} to {scope.t1_s:.0f}"
    return f"{classes}{when}{'' if scope.stream is None else ' of ' + scope.stream}"
