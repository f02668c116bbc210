"""A report as `healthslm report open` writes it: for a clinician, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from statistics import median_low
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from healthslm.cli import console
from healthslm.review import timeline
from healthslm.review.timeline import SEVERITIES, lasting, when, words
from healthslm.share.terms import EVIDENCE, FINDINGS, MEASURES, STREAMS, Term

if TYPE_CHECKING:
    from healthslm.records import Severity
    from healthslm.share.schema import Body, Measure, Slot, Told
    from healthslm.witness import Read

MINUTE_S = 60.0
BLOCKS = 6  # of a period, in a measure's table
UNITS = {"Cel": "°C", "mm[Hg]": "mmHg", "deg": "°"}  # UCUM as people write it


def zone(name: str) -> str:
    """Return an IANA zone's name; raises click.BadParameter where there is none."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(
            "no such zone; want one like Europe/Madrid", param_hint="--timezone"
        ) from None
    return name


def show(read: Read, zone: str) -> None:
    """Write a report: what it is, the findings, then each measure."""
    head, body = read.head, read.body
    begin_s = head.period.begin * MINUTE_S
    console.out(console.bold(f"Report {head.counter}") + ("  (opened before)" * read.again))
    console.pairs(
        [
            ("from", _clock(begin_s, zone)),
            ("to", _clock(head.period.end * MINUTE_S, zone)),
            ("made", _clock(head.created * MINUTE_S, zone)),
            ("device", _fingerprint(head.device_public)),
        ]
    )
    if read.missing:
        console.note(f"{console.count(read.missing, 'report')} before it never came here")
    console.out()
    _findings(body, begin_s, zone)
    for measure in body.measures:
        _measure(measure, body, read, zone)
    _coverage(read)


def _findings(body: Body, begin_s: float, zone: str) -> None:
    if not body.findings:
        console.out("Nothing was found in what was measured; that is not an all-clear.")
        return
    rows = []
    for told in body.findings:
        name = words(FINDINGS[told.kind]) + (f" × {told.count}" if told.count > 1 else "")
        length = lasting((told.end - told.start) * MINUTE_S)
        rows.append(
            (
                console.graded(_severity(told)),
                _clock(begin_s + told.start * MINUTE_S, zone),
                f"≥ {length}" if told.ongoing else f"≤ {length}",
                name,
                ", ".join(_quantity(EVIDENCE[n], q) for n, q in told.evidence),
            )
        )
    console.table(("", "began", "lasted", "finding", "numbers"), rows, right="lasted")


def _measure(measure: Measure, body: Body, read: Read, zone: str) -> None:
    term = MEASURES[measure.kind]
    unit = UNITS.get(term.unit, term.unit)
    console.out()
    console.out(console.bold(f"{words(term.name)} {unit}".rstrip()))
    begin = read.head.period.begin
    rows = [
        (
            _clock((begin + first) * MINUTE_S, zone),
            lasting(sum(s.minutes for s in slots) * MINUTE_S),
            number(term, min(s.least for s in slots)),
            number(term, median_low([s.median for s in slots])),
            number(term, max(s.greatest for s in slots)),
        )
        for first, slots in _blocks(measure, body.slot, read.head.period.minutes)
    ]
    console.table(
        ("from", "read in", "least", "median", "greatest"),
        rows,
        right=("read in", "least", "median", "greatest"),
    )


def _blocks(measure: Measure, slot: int, minutes: int) -> Iterator[tuple[int, list[Slot]]]:
    """Yield the slots of a sixth of the period at a time, with its first minute."""
    per_block = max(ceil(minutes / slot / BLOCKS), 1)
    for block in sorted({s.at // per_block for s in measure.slots}):
        yield (
            block * per_block * slot,
            [s for s in measure.slots if s.at // per_block == block],
        )


def _coverage(read: Read) -> None:
    console.out()
    rows = [
        (
            words(STREAMS[c.stream]),
            lasting(c.measured * MINUTE_S),
            lasting(c.gaps * MINUTE_S) if c.gaps else "-",
        )
        for c in read.body.coverage
    ]
    head = ("sensor", "read in", "with gaps")
    console.table(head, rows, right=("read in", "with gaps"))
    whole = lasting(read.head.period.minutes * MINUTE_S)
    slot = lasting(read.body.slot * MINUTE_S)
    console.out(f"Minutes with a reading, of {whole}; medians are of slots of {slot}.")


def document(read: Read, zone: str) -> dict[str, Any]:
    """Return everything that a report tells, as plain data; values in their units."""
    head, body = read.head, read.body

    def at(minute: int) -> str:
        return timeline.iso((head.period.begin + minute) * MINUTE_S, zone)

    return {
        "counter": head.counter,
        "missing": read.missing,
        "again": read.again,
        "device": _fingerprint(head.device_public),
        "store": head.store_id.hex(),
        "audit": {"size": head.audit[0], "hash": head.audit[1].hex()},
        "made": timeline.iso(head.created * MINUTE_S, zone),
        "timezone": zone,
        "start": at(0),
        "end": at(head.period.minutes),
        "slot_minutes": body.slot,
        "findings": [
            {
                "kind": FINDINGS[f.kind],
                "severity": _severity(f),
                "start": at(f.start),
                "end": at(f.end),
                "ongoing": f.ongoing,
                "count": f.count,
                "evidence": {EVIDENCE[n].name: value(EVIDENCE[n], q) for n, q in f.evidence},
            }
            for f in body.findings
        ],
        "measures": [_plain(m, body.slot, at) for m in body.measures],
        "coverage": [
            {"kind": STREAMS[c.stream], "measured_minutes": c.measured, "gap_minutes": c.gaps}
            for c in body.coverage
        ],
    }


def _plain(measure: Measure, slot: int, at: Any) -> dict[str, Any]:
    term = MEASURES[measure.kind]
    rows = [
        {"start": at(s.at * slot), "minutes": s.minutes, "least": value(term, s.least)}
        | {"median": value(term, s.median), "greatest": value(term, s.greatest)}
        for s in measure.slots
    ]
    return {"kind": term.name, "unit": term.unit, "quantum": term.quantum, "slots": rows}


def _decimals(term: Term) -> int:
    return 0 if term.quantum >= 1 else 1 if term.quantum == 0.1 else 2


def value(term: Term, steps: int) -> float:
    """Return a number of steps in the term's unit.

    >>> value(Term("temperature", 0.1, "Cel"), 367)
    36.7
    """
    return round(steps * term.quantum, _decimals(term))


def number(term: Term, steps: int) -> str:
    """Return a number of steps to the digits that were told."""
    return f"{value(term, steps):.{_decimals(term)}f}"


def _quantity(term: Term, steps: int) -> str:
    name = timeline.quantity(term.name, 0.0)[0]
    unit = UNITS.get(term.unit, term.unit)
    return f"{name} {number(term, steps)} {unit}".rstrip()


def _severity(told: Told) -> Severity:
    return SEVERITIES[len(SEVERITIES) - 1 - told.severity]


def _clock(t_s: float, zone: str) -> str:
    text = when(t_s, zone)
    return f"{text[:16]}{text[19:]}"  # whole minutes: the seconds are always 0


def _fingerprint(public: bytes) -> str:
    from healthslm.vault.identity import fingerprint

    return fingerprint(public)
