"""The closed form of a report's body, and the check that it is nothing else.

Pure. `docs/report-format.md`, "Body", is the specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated

import msgspec

from healthslm.errors import ReportError
from healthslm.share.terms import EVIDENCE, FINDINGS, LIMIT, MEASURES, STREAMS

SLOTS = (15, 30, 60, 120, 240, 480, 1440)  # minutes
DAY = 1440
MAX_MINUTES = 8 * DAY + 60  # what the device itself can read, one day of it with 25 hours
FAR = 31 * DAY  # minutes from the beginning, beyond which a finding's times are cut

Value = Annotated[int, msgspec.Meta(ge=-LIMIT, le=LIMIT)]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=MAX_MINUTES)]
Offset = Annotated[int, msgspec.Meta(ge=-FAR, le=FAR)]


class Slot(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One measure in one slot, in steps of its quantum."""

    at: Annotated[int, msgspec.Meta(ge=0, le=MAX_MINUTES // SLOTS[0])]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=DAY)]  # of the slot that have a reading
    least: Value
    median: Value
    greatest: Value


class Measure(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One vital over the period."""

    kind: Annotated[int, msgspec.Meta(ge=0, lt=len(MEASURES))]
    slots: tuple[Slot, ...]


class Told(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One finding, or several alike that stand together."""

    kind: Annotated[int, msgspec.Meta(ge=0, lt=len(FINDINGS))]
    severity: Annotated[int, msgspec.Meta(ge=0, le=2)]
    start: Offset  # minutes from the beginning of the period
    end: Offset
    ongoing: bool
    count: Annotated[int, msgspec.Meta(ge=1, le=LIMIT)]
    evidence: tuple[tuple[Annotated[int, msgspec.Meta(ge=0, lt=len(EVIDENCE))], Value], ...]


class Coverage(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Of how many minutes a kind of stream tells."""

    stream: Annotated[int, msgspec.Meta(ge=0, lt=len(STREAMS))]
    measured: Minutes
    gaps: Minutes


class Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Everything that a report tells."""

    slot: int  # minutes
    measures: tuple[Measure, ...]
    findings: tuple[Told, ...]
    coverage: tuple[Coverage, ...]


def encode(body: Body) -> bytes:
    """Return a body's one form as bytes."""
    return msgspec.msgpack.encode(body)


def decode(data: bytes, minutes: int) -> Body:
    """Return the body of a report on so many minutes.

    Raises
    ------
    ReportError
        Bad body: it is not exactly of this form.
    """
    try:
        body = msgspec.msgpack.decode(data, type=Body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _bad("not of this form, or of a newer program") from None
    if encode(body) != data:
        raise _bad("not written in the shortest way")
    if body.slot not in SLOTS:
        raise _bad("slots of another length")
    _check_measures(body, minutes)
    _check_findings(body.findings)
    if not _ascend(c.stream for c in body.coverage):
        raise _bad("coverage out of order")
    if any(max(c.measured, c.gaps) > minutes for c in body.coverage):
        raise _bad("coverage of more than the period")
    return body


def order(told: Told) -> tuple[object, ...]:
    """Return what findings are sorted by: the gravest first, then the earliest."""
    return (-told.severity, told.start, told.kind, told.end, *msgspec.structs.astuple(told)[4:])


def _check_measures(body: Body, minutes: int) -> None:
    if not _ascend(m.kind for m in body.measures):
        raise _bad("measures out of order")
    for measure in body.measures:
        if not measure.slots or not _ascend(s.at for s in measure.slots):
            raise _bad("slots out of order")
        for slot in measure.slots:
            if slot.minutes > min(body.slot, minutes - slot.at * body.slot):
                raise _bad("a slot of more than its minutes")
            if not slot.least <= slot.median <= slot.greatest:
                raise _bad("a slot out of order")


def _check_findings(findings: Sequence[Told]) -> None:
    if any(order(a) > order(b) for a, b in pairwise(findings)):
        raise _bad("findings out of order")
    for told in findings:
        if told.end < told.start or not _ascend(name for name, _ in told.evidence):
            raise _bad("a finding out of order")


def _ascend(numbers: Iterable[int]) -> bool:
    return all(a < b for a, b in pairwise(numbers))


def _bad(why: str) -> ReportError:
    return ReportError("bad body", f"{why}. Update the program, or ask for a new report")
