"""Nights in which the heart rate swings in cycles, as it does with pauses of the breath."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import floor, log
from typing import ClassVar

import numpy as np

from healthslm.detect.cycles import FS, MINUTE, WINDOW, features
from healthslm.learnt import logistic
from healthslm.records import Beat, Finding, Severity, Vital
from healthslm.stage import FloatArray

MODEL = "apnoea"
DAY_S, HOUR_S, MINUTE_S, BLOCK_S = 86_400.0, 3600.0, 60.0, 300.0
NOON_S = 43_200.0
NEAR, AROUND = 2, 7  # minutes on either side whose numbers take part, as they were learnt
PENDING = 11  # beats that say which interval is out of line
HOURS = 12  # newest 5 min in which someone was awake: an hour of them
EPSILON = 1e-6

Row = tuple[int, FloatArray | None]
"""A minute, and its `features`; None where it cannot be analysed."""


@dataclass(frozen=True, slots=True)
class Tachogram:
    """Intervals of the newest five minutes and of the one under way, on an even grid."""

    times_s: tuple[float, ...] = ()  # newest PENDING beats
    intervals_s: tuple[float, ...] = ()
    taken_s: tuple[float, float] | None = None  # newest that was in line: time, interval
    minute: int | None = None  # the one under way, floor(UTC seconds / 60)
    grid: FloatArray = field(  # the last MINUTE samples are of the minute after
        default_factory=lambda: np.full(WINDOW + MINUTE, np.nan)
    )
    beats: tuple[int, ...] = (0,) * 6  # of each minute in the grid
    refused: tuple[int, ...] = (0,) * 6  # of these, poor or out of line


@dataclass(frozen=True, slots=True)
class Night:
    """What was analysed of one night."""

    t0_s: float = 0.0
    t1_s: float = 0.0
    analysed: int = 0  # minutes
    cyclical: int = 0

    @property
    def per_h(self) -> float:
        """Minutes with the pattern in an analysed hour; NaN of none."""
        return 60 * self.cyclical / self.analysed if self.analysed else float("nan")


@dataclass(frozen=True, slots=True)
class State:
    """The tachogram, the minutes that wait for those after them, and the night under way."""

    tachogram: Tachogram = field(default_factory=Tachogram)
    parts: FloatArray = field(default_factory=lambda: unknown())  # of the newest minutes
    awake: tuple[int, ...] = ()  # floor(UTC seconds / BLOCK_S)
    night: int | None = None  # floor(days since 1970, counted from noon)
    seen: Night = field(default_factory=Night)
    hours: int = 0  # whole analysed hours at which it was told, or not
    told: bool = False


@dataclass(frozen=True, slots=True)
class ApnoeaNight:
    """How many minutes of a night show the pattern of apnoea in the heart rate alone.

    A minute is judged by a learnt sum (`models/apnoea`, see its card) of `cycles.features` of
    the five minutes around it, of the same numbers of the minutes next to it (2 on either
    side) and of those about it (7). The denominator is what could be analysed, less any
    5 min of which another sensor says that the person was awake ("asleep", 0).

    An interval counts where it lies within 20 % of the median of eleven around it: ectopic
    and missed beats fall out. A minute of which more than a fifth of the beats is poor or out of
    line, as in fibrillation, is not analysed, nor one of which less than 45 s is known [P].

    Told after each analysed hour from the first on, 9 min late, and at the night's end (noon
    UTC plus `zone_offset_s`) with the next beat: info from 5 minutes with the pattern in an
    hour, amber from 15 of at least 4 h [P]. These are the borders of the events an hour for
    which sleep laboratories have words; minutes are not events, and it names no illness. The
    finding begins with the night's first analysed minute and replaces what was told before.
    """

    reads: ClassVar[tuple[str, ...]] = ("beat",)
    context: ClassVar[tuple[str, ...]] = ("asleep",)

    info_per_h: float = 5.0
    amber_per_h: float = 15.0
    least_h: float = 1.0
    amber_least_h: float = 4.0
    odds: float = 1.0  # of the pattern, from which a minute shows it
    least_known_s: float = 45.0
    refused_share: float = 0.2
    max_off_share: float = 0.2
    rr_limits_s: tuple[float, float] = (0.3, 2.5)
    max_gap_s: float = 10.0
    zone_offset_s: float = 0.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Beat | Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one beat, or whether somebody was asleep."""
        if isinstance(x, Vital):
            if x.value >= 0.5:
                return state, ()
            block = floor((x.t_s - BLOCK_S) / BLOCK_S + EPSILON)
            return replace(state, awake=(*state.awake, block)[-HOURS:]), ()
        newest_s = state.tachogram.times_s[-1:]
        if newest_s and x.t_s < newest_s[0]:  # the clock was set back
            state = replace(state, tachogram=Tachogram(), parts=unknown())
        tachogram, rows = self._heard(state.tachogram, x)
        state, told = replace(state, tachogram=tachogram), list[Finding]()
        for minute, row in rows:
            parts, odds_log = judged(state.parts, row)
            state, new = self._counted(replace(state, parts=parts), minute - AROUND, odds_log, x)
            told += new
        return state, tuple(told)

    def rows(self, beats: Iterable[Beat]) -> Iterator[Row]:
        """Yield every minute of a recording with its features, in order of time."""
        tachogram = Tachogram()
        for x in beats:
            tachogram, rows = self._heard(tachogram, x)
            yield from rows
        if tachogram.minute is not None:
            yield from self._moved(tachogram, tachogram.minute + 3)[1]

    def _heard(self, held: Tachogram, x: Beat) -> tuple[Tachogram, list[Row]]:
        """Return the tachogram with one more beat, and the minutes that are complete by it."""
        if x.rr_s is None:
            return held, []
        if not x.good:
            at = None if held.minute is None else floor(x.t_s / MINUTE_S) - held.minute
            return (held if at is None else _noted(held, at, refused=True)), []
        times_s = (*held.times_s, x.t_s)[-PENDING:]
        intervals_s = (*held.intervals_s, x.rr_s)[-PENDING:]
        held = replace(held, times_s=times_s, intervals_s=intervals_s)
        if len(times_s) < PENDING:
            return held, []
        t_s, rr_s = times_s[PENDING // 2], intervals_s[PENDING // 2]
        usual_s = sorted(intervals_s)[PENDING // 2]
        low_s, high_s = self.rr_limits_s
        off = abs(rr_s - usual_s) >= self.max_off_share * usual_s
        refused = off or not low_s < rr_s < high_s
        minute = floor(t_s / MINUTE_S)
        held = held if held.minute is not None else replace(held, minute=minute)
        if not refused:
            held = self._drawn(held, t_s, rr_s)
        held, rows = self._moved(held, minute)
        return _noted(held, 0, refused=refused), rows

    def _drawn(self, held: Tachogram, t_s: float, rr_s: float) -> Tachogram:
        """Return the tachogram with a line from the interval before to this one."""
        before, held = held.taken_s, replace(held, taken_s=(t_s, rr_s))
        if before is None or held.minute is None or not 0 < t_s - before[0] <= self.max_gap_s:
            return held
        first = floor(before[0] * FS) + 1
        at = np.arange(first, floor(t_s * FS) + 1)
        offset = (held.minute - 4) * MINUTE
        grid = held.grid.copy()
        share = (at / FS - before[0]) / (t_s - before[0])
        inside = (at >= offset) & (at < offset + len(grid))
        grid[at[inside] - offset] = (before[1] + share * (rr_s - before[1]))[inside]
        return replace(held, grid=grid)

    def _moved(self, held: Tachogram, to: int) -> tuple[Tachogram, list[Row]]:
        """Return the tachogram with another minute under way, and those complete by then."""
        rows: list[Row] = []
        first = to if held.minute is None else held.minute
        # After so many empty minutes nothing of what was before is left.
        for minute in range(first, min(to, first + 2 * AROUND + 8)):
            rows.append((minute - 2, self._row(held)))
            held = replace(
                held,
                grid=np.concatenate((held.grid[MINUTE:], np.full(MINUTE, np.nan))),
                beats=(*held.beats[1:], 0),
                refused=(*held.refused[1:], 0),
            )
        return replace(held, minute=max(to, first)), rows

    def _row(self, held: Tachogram) -> FloatArray | None:
        """Return the features of the minute in the middle; None if it cannot be analysed."""
        window = held.grid[:WINDOW]
        known = np.isfinite(window)
        fine = [
            n / FS >= self.least_known_s and refused <= self.refused_share * beats
            for n, beats, refused in zip(
                known.reshape(5, MINUTE).sum(axis=1).tolist(),
                held.beats[:5],
                held.refused[:5],
                strict=True,
            )
        ]
        if not fine[2] or sum(fine) < 3:
            return None
        at = np.arange(WINDOW)
        return features(np.interp(at, at[known], window[known]))

    def _counted(
        self, state: State, minute: int, odds_log: float | None, x: Beat
    ) -> tuple[State, tuple[Finding, ...]]:
        """Return the state with one more minute judged, and what there is to tell."""
        t0_s, ended = minute * MINUTE_S, tuple[Finding, ...]()
        night = floor((t0_s + self.zone_offset_s - NOON_S) / DAY_S)
        if night != state.night:
            ended = self._told(state, x.stream, ongoing=False) if self._worth(state) else ()
            state = replace(state, night=night, seen=Night(), hours=0, told=False)
        if odds_log is None or floor(t0_s / BLOCK_S + EPSILON) in state.awake:
            return state, ended
        seen = state.seen
        seen = Night(
            seen.t0_s if seen.analysed else t0_s,
            t0_s + MINUTE_S,
            seen.analysed + 1,
            seen.cyclical + (odds_log > log(self.odds)),
        )
        hours = seen.analysed // 60
        new = hours > state.hours
        state = replace(state, seen=seen, hours=hours)
        if not new or not self._worth(state):
            return state, ended
        return replace(state, told=True), (*ended, *self._told(state, x.stream, ongoing=True))

    def _worth(self, state: State) -> bool:
        """Tell whether a night is to be told."""
        enough = state.seen.analysed >= 60 * self.least_h - EPSILON
        return state.told or (enough and state.seen.per_h >= self.info_per_h)

    def _told(self, state: State, stream: str, *, ongoing: bool) -> tuple[Finding, ...]:
        seen = state.seen
        much = seen.per_h >= self.amber_per_h
        enough = seen.analysed >= 60 * self.amber_least_h - EPSILON
        severity: Severity = "amber" if much and enough else "info"
        evidence = (
            ("pattern_per_h", seen.per_h),
            ("pattern_minutes", float(seen.cyclical)),
            ("analysed_h", seen.analysed / 60),
        )
        return (Finding("apnoea_night", stream, seen.t0_s, seen.t1_s, severity, evidence, ongoing),)


def _noted(held: Tachogram, at: int, *, refused: bool) -> Tachogram:
    """Return the tachogram with a beat more in a minute: 0 is the one under way."""
    if at not in (0, 1):
        return held
    beats, refusals = list(held.beats), list(held.refused)
    beats[4 + at] += 1
    refusals[4 + at] += refused
    return replace(held, beats=tuple(beats), refused=tuple(refusals))


def judged(parts: FloatArray, row: FloatArray | None) -> tuple[FloatArray, float | None]:
    """Return the parts with those of one more minute, and the log odds of the middle one.

    Parameters
    ----------
    parts
        Shape (2 AROUND + 1, 3): what each minute gives to itself, to those near it and to
        those around it; NaN where it could not be analysed.
    row
        Features of the newest minute.
    """
    model = logistic(MODEL)
    new = np.full(3, np.nan) if row is None else model.parts(row)
    parts = np.concatenate((parts[1:], new[None]))
    own = float(parts[AROUND, 0])
    if np.isnan(own):
        return parts, None
    near = _mean(parts[AROUND - NEAR : AROUND + NEAR + 1, 1])
    return parts, own + near + _mean(parts[:, 2]) + model.bias


def unknown() -> FloatArray:
    """Return the parts of minutes of which nothing is known."""
    return np.full((2 * AROUND + 1, 3), np.nan)


def _mean(x: FloatArray) -> float:
    return float(x[np.isfinite(x)].mean())


DETECTOR = ApnoeaNight()
