"""What a content tells of itself: used where the index that knew it is lost.

Pure. A content found by its rows has to be entered anew: with the time that it covers, in its
place in the order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from healthslm.errors import IntegrityError
from healthslm.records import Derived, Frame
from healthslm.vault import audit, codec, seal
from healthslm.vault.chapters import AUDIT, FRAMES, RECORDS, Entry
from healthslm.vault.index import Row
from healthslm.vault.store import hull


@dataclass(frozen=True, slots=True)
class Content:
    """A content that was found: its rows, and what they hold together."""

    rows: tuple[Row, ...]
    number: int  # of the commit that sealed it
    data: bytes

    @property
    def first(self) -> int:
        """Id of its first row."""
        return self.rows[0].id

    def entry(self, number: int) -> Entry:
        """Return the entry by which an index knows it; raises IntegrityError."""
        t0, t1 = span(self.data, f"row {self.first}")
        digest = seal.digest(self.rows[0].key_id, [row.blob for row in self.rows])
        return Entry(self.first, len(self.rows), t0, t1, digest, number)


def joined(parts: Iterable[tuple[Row, seal.Part]]) -> Iterator[Content]:
    """Yield the contents of which every row is there, from opened rows in order of id."""
    run: list[tuple[Row, seal.Part]] = []
    for row, part in parts:
        if run and (row.id, part.number, part.part, part.parts) != (
            run[-1][0].id + 1,
            run[0][1].number,
            len(run),
            run[0][1].parts,
        ):
            run = []
        if run or part.part == 0:
            run.append((row, part))
        if run and len(run) == part.parts:
            data = b"".join(p.data for _, p in run)
            yield Content(tuple(r for r, _ in run), part.number, data)
            run = []


def records(content: bytes) -> list[Frame] | list[Derived]:
    """Return the frames or derived records in a content; raises IntegrityError."""
    if content[:1] == FRAMES:
        return list(codec.decode_frames(content[1:]))
    return list(codec.decode_derived(content[1:]))


def span(content: bytes, what: str) -> tuple[int, int]:
    """Return the time that a content covers, whole seconds outwards; raises IntegrityError."""
    if content[:1] in (FRAMES, RECORDS):
        t0_s, t1_s = hull(records(content))
    elif content[:1] == AUDIT:
        t0_s = t1_s = audit.thaw(content, what).event.t_s
    else:
        raise IntegrityError(f"{what}: holds another kind of content")
    return math.floor(t0_s), math.ceil(t1_s)


def counted(content: bytes) -> Counter[str]:
    """Return how many there are of each kind, by the names under which a head counts them."""
    if content[:1] not in (FRAMES, RECORDS):
        return Counter()
    names = (type(record).__name__.lower() for record in records(content))
    return Counter("frames" if name == "frame" else name for name in names)
