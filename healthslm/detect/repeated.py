"""What findings of single measurements have in common: a first one asks, a repeat confirms.

A cuff is read minutes, hours or days apart, so nothing is "held" between its readings. A
reading over a limit counts as repeated when one at least `APART_S` before it was over too
and none between them was not (home readings are taken again after 5 min). Readings more than
`WITHIN_S` apart have nothing to do with each other. It is over after `CLEAR_READINGS` in a
row that are clear of the limit by a margin. All [P].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from healthslm.records import Finding, Severity

APART_S = 300.0
WITHIN_S = 43_200.0
CLEAR_READINGS = 2
EPSILON_S = 1e-6  # seconds UTC in a float are exact to 0.24 µs
_GRAVITY: tuple[Severity | None, ...] = (None, "info", "amber", "red")


@dataclass(frozen=True, slots=True)
class Judged:
    """One reading against one limit."""

    first: Severity | None  # what one reading over it is; None: not told
    repeated: Severity  # what a repeat is
    over: bool
    clear: bool  # by the margin


@dataclass(frozen=True, slots=True)
class Told:
    """A finding that is under way."""

    severity: Severity
    limit: int  # which of the limits gave the severity
    ease: int  # the mildest limit that was reached: being clear of it ends the finding
    since_s: float
    newest_s: float  # last reading that was not clear
    readings: int  # that were over some limit
    worst: tuple[float | None, ...]
    clear: int = 0  # readings in a row


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of one cuff."""

    newest_s: float | None = None
    since_s: tuple[float | None, ...] = ()  # by limit: first of the readings in a row over it
    before_s: tuple[float | None, ...] = ()  # the same, without the newest reading
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What a reading led to."""

    told: Told
    ongoing: bool

    def finding(self, kind: str, stream: str, evidence: tuple[tuple[str, float], ...]) -> Finding:
        """Return it as a record."""
        told = self.told
        return Finding(
            kind, stream, told.since_s, told.newest_s, told.severity, evidence, self.ongoing
        )


def advance(
    run: Run,
    t_s: float,
    values: tuple[float | None, ...],
    judged: Sequence[Judged],
    *,
    sign: int,
) -> tuple[Run, tuple[News, ...]]:
    """Return the run after one reading, and what is to be told.

    Parameters
    ----------
    t_s
        A second half of the newest reading comes again under its time.
    values
        What was read, for the worst of each; None where it was not.
    judged
        By limit, the gravest first. Always as many, in one order.
    sign
        +1 where larger is worse, -1 where smaller is.
    """
    ended: tuple[News, ...] = ()
    if run.newest_s is not None and not 0 <= t_s - run.newest_s <= WITHIN_S:
        ended = () if run.told is None else (News(run.told, ongoing=False),)
        run = Run()
    again = t_s == run.newest_s
    before = (run.before_s if again else run.since_s) or (None,) * len(judged)
    since_s = tuple(
        (t_s if first_s is None else first_s) if j.over else None
        for first_s, j in zip(before, judged, strict=True)
    )
    told = run.told and _went_on(run.told, t_s, values, judged, again=again, sign=sign)
    told, news = _tell(told, t_s, values, judged, since_s)
    if told and told.clear >= CLEAR_READINGS:
        news, told = (*news, News(told, ongoing=False)), None
    return Run(t_s, since_s, before, told), ended + news


def _went_on(
    told: Told,
    t_s: float,
    values: tuple[float | None, ...],
    judged: Sequence[Judged],
    *,
    again: bool,
    sign: int,
) -> Told:
    """Take one more reading, or its second half, into a finding that is under way."""
    if judged[told.ease].clear:
        return told if again else replace(told, clear=told.clear + 1)
    more = any(j.over for j in judged) and told.newest_s != t_s
    worst = tuple(_worse(a, b, sign) for a, b in zip(told.worst, values, strict=True))
    return replace(
        told, newest_s=t_s, readings=told.readings + (1 if more else 0), worst=worst, clear=0
    )


def _worse(a: float | None, b: float | None, sign: int) -> float | None:
    if a is None or b is None:
        return b if a is None else a
    return sign * max(sign * a, sign * b)


def _tell(
    told: Told | None,
    t_s: float,
    values: tuple[float | None, ...],
    judged: Sequence[Judged],
    since_s: tuple[float | None, ...],
) -> tuple[Told | None, tuple[News, ...]]:
    """Begin a finding, or make it graver; a milder limit that is reached later only eases it."""
    reached: list[tuple[Severity, int]] = []
    for i, (j, first_s) in enumerate(zip(judged, since_s, strict=True)):
        if first_s is not None:
            confirmed = t_s - first_s >= APART_S - EPSILON_S
            severity = j.repeated if confirmed else j.first
            if severity is not None:
                reached.append((severity, i))
    if not reached:
        return told, ()
    severity, limit = max(reached, key=lambda r: (_GRAVITY.index(r[0]), -r[1]))
    ease = max(i for _, i in reached)
    if told is None:
        begin_s = min(s for s in since_s if s is not None)
        count = 1 if begin_s == t_s else 2
        told = Told(severity, limit, ease, begin_s, t_s, count, values)
        return told, (News(told, ongoing=True),)
    told = replace(told, ease=max(ease, told.ease))
    if _GRAVITY.index(severity) <= _GRAVITY.index(told.severity):
        return told, ()
    told = replace(told, severity=severity, limit=limit)
    return told, (News(told, ongoing=True),)
