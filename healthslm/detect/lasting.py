"""What every finding that lasts has in common: persistence, hysteresis, and silence.

NORMAL -> PENDING -> ACTIVE -> RESOLVING -> NORMAL, one reading at a time, as proposed for
alarms in the manner of IEC 60601-1-8 [P]:

- a level is reached when every good reading meets it for `hold_s`, and at least three do;
- a hole in the readings freezes the time that counts, and one longer than a minute (or
  than two steps of a slow stream) ends all evidence: it never raises, and never clears;
- it is over when every reading is clear of the limit by a margin for twice as long.

[P]: a proposal of this project, not a standard; here as in every detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from healthslm.records import Finding, Severity

_GRAVITY: tuple[Severity, ...] = ("info", "amber", "red")
LEAST_READINGS = 3  # [P] one or two values may be a slip of the sensor
CLEAR_FACTOR = 2.0  # [P] what took so long to be certain takes twice as long to be over
PAUSE_S = 60.0  # [P] a hole of up to a minute freezes, a longer one resets
FIRST_PACE_S = 30.0
FASTEST_PACE_S, SLOWEST_PACE_S = 1.0, 900.0
PACE_GROWTH = 1.25  # so that one silence is never taken for the pace of the stream
EPSILON_S = 1e-6  # seconds UTC in a float are exact to 0.24 µs


@dataclass(frozen=True, slots=True)
class Level:
    """A limit, and how long it has to be met for a finding of this severity."""

    severity: Severity
    limit: float
    hold_s: float
    margin: float  # a reading is clear when it is at least this far from the limit


@dataclass(frozen=True, slots=True)
class Hold:
    """Readings that all met one level, up to now."""

    since_s: float
    held_s: float
    count: int
    total: float
    worst: float


@dataclass(frozen=True, slots=True)
class Told:
    """A finding that is under way."""

    severity: Severity
    limit: float  # of the gravest level that was reached
    ease: Level  # the mildest that was reached: being clear of it ends the finding
    since_s: float
    newest_s: float  # last reading that was not clear
    count: int
    total: float
    worst: float
    clear_s: float | None = None  # time that every reading has been clear

    @property
    def mean(self) -> float:
        """Mean of the readings that were not clear."""
        return self.total / self.count


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of one lane: the state of a detector of lasting things."""

    pace_s: float = FIRST_PACE_S  # time between readings that is usual for this stream
    newest_s: float | None = None
    holds: tuple[Hold | None, ...] = ()
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


def findings(
    news: Sequence[News], kind: str, stream: str, unit: str, *, sign: int
) -> tuple[Finding, ...]:
    """Return news as records: the worst reading, the limit and the mean, in `unit` ("bpm")."""
    worst = "highest" if sign > 0 else "lowest"
    return tuple(
        n.finding(
            kind,
            stream,
            (
                (f"{worst}_{unit}", n.told.worst),
                (f"limit_{unit}", n.told.limit),
                (f"mean_{unit}", n.told.mean),
            ),
        )
        for n in news
    )


def skipped(run: Run, t_s: float) -> Run:
    """Return the run after a reading that may neither raise nor clear (the person moves)."""
    return run if run.told is None else replace(run, newest_s=t_s, holds=())


def advance(
    run: Run,
    t_s: float,
    value: float,
    levels: Sequence[tuple[Level, bool]],
    *,
    sign: int,
) -> tuple[Run, tuple[News, ...]]:
    """Return the run after one good reading, and what is to be told.

    Parameters
    ----------
    value
        In the unit of the limits.
    levels
        Every level, and whether this reading meets it. Always as many, in one order.
    sign
        +1 where larger is worse, -1 where smaller is.
    """
    step_s = run.pace_s if run.newest_s is None else t_s - run.newest_s
    pace_s = min(max(step_s, FASTEST_PACE_S), run.pace_s * PACE_GROWTH, SLOWEST_PACE_S)
    ended: tuple[News, ...] = ()
    if step_s < 0 or step_s > max(PAUSE_S, 2 * run.pace_s) + EPSILON_S:
        ended = () if run.told is None else (News(run.told, ongoing=False),)
        run, step_s = Run(), 0.0
    counted_s = min(step_s, run.pace_s)  # a hole counts as one usual step
    before = run.holds or (None,) * len(levels)
    holds = tuple(
        _held(hold, t_s, value, counted_s, sign) if meets else None
        for hold, (_, meets) in zip(before, levels, strict=True)
    )
    reached = [
        (level, hold)
        for hold, (level, _) in zip(holds, levels, strict=True)
        if hold and hold.count >= LEAST_READINGS and hold.held_s >= level.hold_s - EPSILON_S
    ]
    told = run.told and _went_on(run.told, t_s, value, counted_s, sign)
    told, news = _tell(told, t_s, reached, sign)
    if told and (told.clear_s or 0.0) >= CLEAR_FACTOR * told.ease.hold_s - EPSILON_S:
        news, told = (*news, News(told, ongoing=False)), None
    return Run(pace_s, t_s, holds, told), ended + news


def _held(hold: Hold | None, t_s: float, value: float, counted_s: float, sign: int) -> Hold:
    if hold is None:
        return Hold(t_s, 0.0, 1, value, value)
    worst = sign * max(sign * hold.worst, sign * value)
    return Hold(hold.since_s, hold.held_s + counted_s, hold.count + 1, hold.total + value, worst)


def _went_on(told: Told, t_s: float, value: float, counted_s: float, sign: int) -> Told:
    """Take one more reading into a finding that is under way."""
    if sign * value <= sign * told.ease.limit - told.ease.margin:
        clear_s = 0.0 if told.clear_s is None else told.clear_s + counted_s
        return replace(told, clear_s=clear_s)
    return replace(
        told,
        newest_s=t_s,
        count=told.count + 1,
        total=told.total + value,
        worst=sign * max(sign * told.worst, sign * value),
        clear_s=None,
    )


def _tell(
    told: Told | None, t_s: float, reached: list[tuple[Level, Hold]], sign: int
) -> tuple[Told | None, tuple[News, ...]]:
    """Begin a finding, or make it graver; a milder level that is reached later only eases it."""
    if not reached:
        return told, ()
    gravest, _ = max(reached, key=lambda r: (_GRAVITY.index(r[0].severity), sign * r[0].limit))
    ease = min((level for level, _ in reached), key=lambda level: sign * level.limit)
    if told is None:
        hold = min((h for _, h in reached), key=lambda h: h.since_s)
        told = Told(
            gravest.severity,
            gravest.limit,
            ease,
            hold.since_s,
            t_s,
            hold.count,
            hold.total,
            hold.worst,
        )
        return told, (News(told, ongoing=True),)
    if sign * ease.limit < sign * told.ease.limit:
        told = replace(told, ease=ease)
    if _GRAVITY.index(gravest.severity) <= _GRAVITY.index(told.severity):
        return told, ()
    told = replace(told, severity=gravest.severity, limit=gravest.limit)
    return told, (News(told, ongoing=True),)
