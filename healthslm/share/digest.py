"""Derived records -> the body of a report: rounded first, then counted, so nothing finer is in it.

Pure. `docs/report-format.md`, "Body", is the specification.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite
from statistics import median_low

from healthslm.records import Beat, Derived, Gap, Vital
from healthslm.review.timeline import SEVERITIES, Event, events
from healthslm.share.schema import (
    FAR,
    MAX_MINUTES,
    SLOTS,
    Body,
    Coverage,
    Measure,
    Slot,
    Told,
    encode,
    order,
)
from healthslm.share.terms import (
    EVIDENCE,
    EVIDENCE_OF,
    FINDING_OF,
    LIMIT,
    MEASURE_OF,
    MEASURES,
    NOT_TOLD,
    OTHER,
    STREAM_OF,
)

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Period:
    """What a report speaks of, in whole minutes since 1970: begin <= minute < end."""

    begin: int
    end: int

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= MAX_MINUTES:
            raise ValueError(f"a report is on 1 to {MAX_MINUTES} minutes")

    @property
    def minutes(self) -> int:
        """Its length."""
        return self.end - self.begin

    def offset(self, t_s: float) -> float:
        """Return a time as minutes from the beginning."""
        return t_s / MINUTE_S - self.begin

    def minute(self, t_s: float) -> int | None:
        """Return the minute that a reading at a time speaks of: the one before it."""
        at = ceil(self.offset(t_s)) - 1
        return at if 0 <= at < self.minutes else None


def body(records: Iterable[Derived], period: Period, room: int) -> bytes:
    """Return the finest body of at most `room` bytes.

    Slots grow and findings are joined until it fits; nothing is cut off.

    Raises
    ------
    ValueError
        Not even the coarsest fits, which a room of 64 000 bytes excludes.
    """
    known = list(records)
    readings, measured = _readings(known, period)
    findings = [x for x in events(known) if _touches(x, period)]
    coverage = _coverage(measured, known, period)
    told = [_told(event, period) for event in findings if event.kind not in NOT_TOLD]
    for slot in SLOTS:
        measures = _measures(readings, slot)
        for listed in (told, _joined(told, slot)):
            made = encode(Body(slot, measures, tuple(sorted(listed, key=order)), coverage))
            if len(made) <= room:
                return made
    raise ValueError("the coarsest body does not fit")


def _readings(
    records: Sequence[Derived], period: Period
) -> tuple[dict[int, list[tuple[int, int]]], dict[int, set[int]]]:
    """Return (minute, steps) by measure, and the measured minutes by kind of stream."""
    readings: dict[int, list[tuple[int, int]]] = defaultdict(list)
    measured: dict[int, set[int]] = defaultdict(set)
    for x in records:
        minute = period.minute(x.t_s) if isinstance(x, Vital | Beat) else None
        if minute is None or not isinstance(x, Vital | Beat):
            continue
        measured[_stream(x.stream)].add(minute)
        if isinstance(x, Vital) and x.kind in MEASURE_OF and isfinite(x.value):
            kind = MEASURE_OF[x.kind]
            readings[kind].append((minute, MEASURES[kind].rounded(x.value)))
    return readings, measured


def _measures(readings: dict[int, list[tuple[int, int]]], slot: int) -> tuple[Measure, ...]:
    made = []
    for kind, values in sorted(readings.items()):
        slots: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for minute, steps in values:
            slots[minute // slot].append((minute, steps))
        made.append(Measure(kind, tuple(_slot(at, slots[at]) for at in sorted(slots))))
    return tuple(made)


def _slot(at: int, values: Sequence[tuple[int, int]]) -> Slot:
    steps = [q for _, q in values]
    minutes = len({minute for minute, _ in values})
    return Slot(at, minutes, min(steps), median_low(steps), max(steps))


def _stream(lane: str) -> int:
    """Return the kind of a stream, "chest/ecg-v5"; who wears it where is not told."""
    return STREAM_OF.get(lane.partition("/")[2].partition("-")[0], OTHER)


def _coverage(
    measured: dict[int, set[int]], records: Sequence[Derived], period: Period
) -> tuple[Coverage, ...]:
    missing: dict[int, set[int]] = defaultdict(set)
    for x in records:
        if isinstance(x, Gap):
            first = max(floor(period.offset(x.t0_s)), 0)
            end = min(ceil(period.offset(x.t1_s)), period.minutes)
            missing[_stream(x.stream)].update(range(first, end))
    kinds = sorted(kind for kind in {*measured, *missing} if measured[kind] or missing[kind])
    return tuple(Coverage(kind, len(measured[kind]), len(missing[kind])) for kind in kinds)


def _touches(event: Event, period: Period) -> bool:
    return period.offset(event.t1_s) >= 0 and period.offset(event.t0_s) < period.minutes


def _told(event: Event, period: Period) -> Told:
    kind = FINDING_OF.get(event.kind, OTHER)
    shown = event.findings[0].evidence if kind != OTHER else ()
    known = {
        EVIDENCE_OF[name]: EVIDENCE[EVIDENCE_OF[name]].rounded(value)
        for name, value in shown
        if name in EVIDENCE_OF and isfinite(value)
    }
    start, end = floor(period.offset(event.t0_s)), ceil(period.offset(event.t1_s))
    return Told(
        kind,
        len(SEVERITIES) - 1 - SEVERITIES.index(event.severity),
        max(-FAR, min(start, FAR)),
        max(-FAR, min(end, FAR)),
        event.ongoing,
        1,
        tuple(sorted(known.items())),
    )


def _joined(told: Sequence[Told], slot: int) -> list[Told]:
    """Return findings with those alike that begin in one slot as one."""
    groups: dict[tuple[int, int, int], list[Told]] = defaultdict(list)
    for x in told:
        groups[x.kind, x.severity, max(x.start, 0) // slot].append(x)
    return [
        group[0]
        if len(group) == 1
        else Told(
            kind,
            severity,
            min(x.start for x in group),
            max(x.end for x in group),
            any(x.ongoing for x in group),
            min(sum(x.count for x in group), LIMIT),
            (),
        )
        for (kind, severity, _), group in groups.items()
    ]
