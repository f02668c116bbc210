"""Oxygen saturation that stays low."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import floor
from statistics import median
from typing import ClassVar

from healthslm.detect.lasting import Level, Run, advance, findings
from healthslm.records import Finding, Vital

DAY_S = 86_400.0
FLOOR_PCT = 70  # below, a reading counts as this much in what is usual
BINS = 101 - FLOOR_PCT


@dataclass(frozen=True, slots=True)
class State:
    """The run under way, and what is usual for this person."""

    run: Run = field(default_factory=Run)
    day: int | None = None  # since 1970
    today: tuple[int, ...] = ()  # how many readings of 70, 71 ... 100 %
    days_pct: tuple[int, ...] = ()  # medians of earlier days


@dataclass(frozen=True, slots=True)
class Desaturation:
    """A finding for each run of low SpO2.

    Limits: NHS England, pulse oximetry at home: 93 to 94 % seek help, 92 % and less is an
    emergency; NEWS2 scale 1 scores from 95 % down (RCP 2017). Amber too is a fall of 3 points
    below what is usual for the person: the median of the daily medians of `usual_days` earlier
    days, at least `least_days`, days with `least_readings` and more. Each takes three good
    readings over two minutes: "after repeat" [P].

    People who live with low oxygen need limits of their own: with `scale = 2` (NEWS2 scale
    2, as a clinician decided) red is below 88 %, and amber only the fall below the usual.

    A dip of a few seconds, as in sleep, is not this finding.
    """

    reads: ClassVar[tuple[str, ...]] = ("spo2",)

    amber_pct: float = 94.0
    red_pct: float = 92.0
    fall_pct: float = 3.0
    hold_s: float = 120.0
    margin_pct: float = 2.0
    scale: int = 1
    scale2_red_pct: float = 88.0
    usual_days: int = 28
    least_days: int = 7
    least_readings: int = 60

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one saturation."""
        state = self._learnt(state, x)
        low, fallen = x.value <= self.amber_pct, self._usual(state) - self.fall_pct
        if self.scale == 1:
            red_pct, red = self.red_pct, x.value <= self.red_pct
        else:
            red_pct, red, low = self.scale2_red_pct, x.value < self.scale2_red_pct, False
        levels = (
            (Level("amber", self.amber_pct, self.hold_s, self.margin_pct), low),
            (Level("red", red_pct, self.hold_s, self.margin_pct), red),
            (Level("amber", fallen, self.hold_s, self.margin_pct), x.value <= fallen),
        )
        run, news = advance(state.run, x.t_s, x.value, levels, sign=-1)
        told = findings(news, "desaturation", x.stream, "pct", sign=-1)
        return replace(state, run=run), told

    def _learnt(self, state: State, x: Vital) -> State:
        """Return the state with one more reading of today; midnight (UTC) makes it a day."""
        day = floor(x.t_s / DAY_S)
        today, days_pct = state.today or (0,) * BINS, state.days_pct
        if day != state.day:
            if sum(today) >= self.least_readings:
                days_pct = (*days_pct, _middle(today))[-self.usual_days :]
            today = (0,) * BINS
        at = min(max(floor(x.value + 0.5) - FLOOR_PCT, 0), BINS - 1)
        return replace(
            state,
            day=day,
            today=(*today[:at], today[at] + 1, *today[at + 1 :]),
            days_pct=days_pct,
        )

    def _usual(self, state: State) -> float:
        """Return what is usual, %; nothing is below it while it is not known."""
        known = len(state.days_pct) >= self.least_days
        return float(median(state.days_pct)) if known else 0.0


def _middle(counts: tuple[int, ...]) -> int:
    """Return the median of readings, % (the lower one of two)."""
    half = (sum(counts) + 1) // 2
    return next(pct for pct, n in enumerate(accumulate(counts), FLOOR_PCT) if n >= half)


DETECTOR = Desaturation()
