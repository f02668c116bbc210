"""What a store keeps no longer: by class, by its size, and by what the disk has left.

Pure. Days are counted as days on which something was recorded: a clock that jumps ten years ahead
costs one day, not everything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from healthslm.vault.chapters import DAY_S, Chapter, for_device
from healthslm.vault.keys import Class

ROW_DISK_BYTES = 1024  # a row, and its share of the page
_KEPT = (Class.RAW, Class.DERIVED, Class.AUDIT)
WRAPS_DISK_BYTES = 4096  # the wraps of one data key to three readers, and their index


@dataclass(frozen=True, slots=True)
class Policy:
    """How much is kept."""

    raw_days: int = 14
    derived_days: int = 365
    audit_days: int = 1095
    quota_bytes: float = math.inf  # of the store on disk, audit trail and all
    reserve_bytes: int = 0  # that the store leaves free on its disk

    def days(self, cls: Class) -> int:
        """Return how many days of a class are kept."""
        return {
            Class.RAW: self.raw_days,
            Class.DERIVED: self.derived_days,
            Class.AUDIT: self.audit_days,
        }[cls]


def due(
    chapters: Sequence[Chapter], policy: Policy, *, rows: int, free_bytes: float
) -> list[Chapter]:
    """Return the chapters that are kept no longer, those that go first first.

    rows        in the store.
    free_bytes  on its disk.

    For room go the oldest waveforms, but for the newest day; then the oldest derived days that
    the device cannot open any more; never the audit trail, and never the newest chapter of a class.
    """
    newest = {c.cls: c for c in chapters}
    first = {cls: _first_day(chapters, cls, policy.days(cls)) for cls in _KEPT}
    old = [c for c in chapters if c.epoch // DAY_S < first[Class(c.cls)] and c is not newest[c.cls]]
    old.sort(key=lambda c: (c.cls != Class.RAW, c.epoch))
    used = (rows - sum(c.rows for c in old)) * ROW_DISK_BYTES
    used += (len(chapters) - len(old)) * WRAPS_DISK_BYTES
    room = min(policy.quota_bytes, used + free_bytes - policy.reserve_bytes)
    young = {c.key for c in for_device(chapters)} | {c.key for c in newest_day(chapters)}
    spare = [
        c
        for cls in (Class.RAW, Class.DERIVED)
        for c in sorted(chapters, key=lambda c: c.epoch)
        if c.cls == cls and c.key not in young and c is not newest[cls] and c not in old
    ]
    for chapter in spare:
        if used <= room:
            break
        used -= chapter.rows * ROW_DISK_BYTES + WRAPS_DISK_BYTES
        old.append(chapter)
    return old


def newest_day(chapters: Sequence[Chapter]) -> list[Chapter]:
    """Return the chapters with waveforms of the newest day: they go for nobody's room."""
    raw = [c for c in chapters if c.cls == Class.RAW]
    end_s = max((c.epoch for c in raw), default=0)
    return [c for c in raw if c.epoch > end_s - DAY_S]


def _first_day(chapters: Sequence[Chapter], cls: Class, days: int) -> int:
    """Return the oldest of the newest `days` days on which something of a class was recorded."""
    seen = sorted({c.epoch // DAY_S for c in chapters if c.cls == cls}, reverse=True)
    return min(seen[:days], default=0)
