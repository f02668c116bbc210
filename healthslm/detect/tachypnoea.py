"""Fast breathing while the body rests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import floor
from statistics import median
from typing import ClassVar

import numpy as np

from healthslm.detect.lasting import Level, Run, advance, findings, skipped
from healthslm.detect.rest import moves
from healthslm.records import Finding, Severity, Vital
from healthslm.stage import FloatArray

HOUR_S = 3600.0
_KEPT_H = 72  # hours at rest that make the own baseline: three days or more


def _unknown() -> FloatArray:
    return np.full(_KEPT_H, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The run under way, the newest activity, and the own baseline."""

    run: Run = field(default_factory=Run)
    activity: Vital | None = None
    hour: int | None = None  # floor(UTC seconds / HOUR_S)
    count: int = 0  # readings at rest in this hour
    total_per_min: float = 0.0
    hours_per_min: FloatArray = field(default_factory=_unknown)  # means, newest last


@dataclass(frozen=True, slots=True)
class Tachypnoea:
    """A finding for each run of fast breathing at rest.

    Limits: NEWS2 (RCP 2017) scores 2 from 21/min and 3 from 25/min. Amber from 21/min that
    lasts 30 min at rest, or as long 4/min above the own baseline; red from 25/min. How long
    red takes, the margin, and what the baseline is are proposals [P]: the median of the last
    72 hours of rest, known after 24 of them, each hour the mean of three readings or more.
    What beats show of breathing is uncertain by 5/min (Charlton 2016,
    doi:10.1088/0967-3334/37/4/610), so no single reading says anything.

    Rest is low activity, as for tachycardia: breathing while moving neither raises nor
    clears nor counts for the baseline. Where no sensor tells activity, rest is not proven:
    only amber, and only after `unproven_factor` times as long.
    """

    reads: ClassVar[tuple[str, ...]] = ("respiratory_rate",)
    context: ClassVar[tuple[str, ...]] = ("activity",)

    amber_per_min: float = 21.0
    amber_hold_s: float = 1800.0
    above_per_min: float = 4.0
    red_per_min: float = 25.0
    red_hold_s: float = 300.0
    unproven_factor: float = 3.0
    least_hours: int = 24
    rest_g: float = 0.05
    activity_age_s: float = 600.0  # what is known of activity holds for so long
    margin_per_min: float = 2.0
    margin_share: float = 0.05

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one respiratory rate or activity."""
        if x.kind == "activity":
            return replace(state, activity=x), ()
        moving = moves(state.activity, x.t_s, age_s=self.activity_age_s, rest_g=self.rest_g)
        if moving:
            return replace(state, run=skipped(state.run, x.t_s)), ()
        known = moving is not None
        usual = self._baseline(state)
        run, news = advance(state.run, x.t_s, x.value, self._levels(x.value, usual, known), sign=1)
        told = findings(news, "tachypnoea", x.stream, "per_min", sign=1)
        state = replace(state, run=run)
        return (_counted(state, x) if known else state), told

    def _levels(
        self, value: float, usual: float | None, rest: bool
    ) -> tuple[tuple[Level, bool], ...]:
        """Return every level, and whether a reading meets it."""
        amber, red = value >= self.amber_per_min, value >= self.red_per_min
        own = self.amber_per_min if usual is None else usual + self.above_per_min
        above = usual is not None and value >= own
        hold_s, factor = self.amber_hold_s, self.unproven_factor
        return (
            (self._level("amber", self.amber_per_min, hold_s), amber and rest),
            (self._level("amber", own, hold_s), above and rest),
            (self._level("red", self.red_per_min, self.red_hold_s), red and rest),
            (self._level("amber", self.amber_per_min, hold_s * factor), amber),
            (self._level("amber", self.red_per_min, self.red_hold_s * factor), red),
        )

    def _level(self, severity: Severity, limit: float, hold_s: float) -> Level:
        return Level(severity, limit, hold_s, max(self.margin_per_min, self.margin_share * limit))

    def _baseline(self, state: State) -> float | None:
        """Return the own usual rate at rest, None before it is known."""
        known = state.hours_per_min[np.isfinite(state.hours_per_min)]
        return float(median(known.tolist())) if len(known) >= self.least_hours else None


def _counted(state: State, x: Vital) -> State:
    """Count a reading at rest into its hour."""
    hour = floor(x.t_s / HOUR_S)
    hours, count, total = state.hours_per_min, state.count, state.total_per_min
    if hour != state.hour:
        if count >= 3:
            hours = np.append(hours[1:], total / count)
        count, total = 0, 0.0
    return replace(
        state, hour=hour, count=count + 1, total_per_min=total + x.value, hours_per_min=hours
    )


DETECTOR = Tachypnoea()
