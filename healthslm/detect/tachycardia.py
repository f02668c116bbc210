"""A heart that beats fast while the body rests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from healthslm.detect.lasting import Level, advance, findings, skipped
from healthslm.detect.rest import State, moves
from healthslm.records import Finding, Severity, Vital


@dataclass(frozen=True, slots=True)
class Tachycardia:
    """A finding for each run of fast heart rates at rest.

    Limits: adult tachycardia is above 100/min (PhysioNet Challenge 2017 summary); 131/min
    and more scores 3 in NEWS2 (RCP 2017). The defaults here, and that 10 min of rest are
    asked for as consumer watches do (FDA DEN180042), are proposals [P].

    Rest is low activity, from whatever sensor tells it: 0.05 g lies between sitting and
    slow walking (0.091 g is 3 MET at the hip, doi:10.1371/journal.pone.0134813) [P]. A heart
    rate while moving neither raises nor clears. Where no sensor tells activity, rest is not
    proven: only amber, and only after `unproven_factor` times as long.
    """

    reads: ClassVar[tuple[str, ...]] = ("heart_rate",)
    context: ClassVar[tuple[str, ...]] = ("activity",)

    amber_bpm: float = 120.0
    amber_hold_s: float = 600.0
    red_bpm: float = 150.0
    red_hold_s: float = 300.0
    unproven_factor: float = 3.0
    rest_g: float = 0.05
    activity_age_s: float = 600.0  # what is known of activity holds for so long
    margin_bpm: float = 5.0
    margin_share: float = 0.05

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one heart rate or activity."""
        if x.kind == "activity":
            return replace(state, activity=x), ()
        moving = moves(state.activity, x.t_s, age_s=self.activity_age_s, rest_g=self.rest_g)
        if moving:
            return replace(state, run=skipped(state.run, x.t_s)), ()
        known = moving is not None
        amber, red = x.value >= self.amber_bpm, x.value >= self.red_bpm
        factor = self.unproven_factor
        levels = (
            (self._level("amber", self.amber_bpm, self.amber_hold_s), amber and known),
            (self._level("red", self.red_bpm, self.red_hold_s), red and known),
            (self._level("amber", self.amber_bpm, self.amber_hold_s * factor), amber),
            (self._level("amber", self.red_bpm, self.red_hold_s * factor), red),
        )
        run, news = advance(state.run, x.t_s, x.value, levels, sign=1)
        told = findings(news, "tachycardia", x.stream, "bpm", sign=1)
        return replace(state, run=run), told

    def _level(self, severity: Severity, limit: float, hold_s: float) -> Level:
        margin = max(self.margin_bpm, self.margin_share * limit)
        return Level(severity, limit, hold_s, margin)


DETECTOR = Tachycardia()
