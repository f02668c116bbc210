"""Slow breathing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from healthslm.detect.lasting import Level, advance, findings, skipped
from healthslm.detect.rest import State, moves
from healthslm.records import Finding, Vital


@dataclass(frozen=True, slots=True)
class Bradypnoea:
    """A finding for each run of slow breathing.

    Limit: 8/min and less scores 3 in NEWS2 (RCP 2017): red after 5 min of good readings [P].
    A rate of 9 to 11/min scores 1, and is common in sleep: it is not told. A single breath
    held for long is not this finding either.

    Movement makes a reading doubtful, and no one who moves breathes so slowly for long: while
    the person is known to move (0.05 g, as for tachycardia [P]) readings neither raise nor
    clear. Rest need not be proven, for exercise makes no breathing slow.
    """

    reads: ClassVar[tuple[str, ...]] = ("respiratory_rate",)
    context: ClassVar[tuple[str, ...]] = ("activity",)

    red_per_min: float = 8.0
    red_hold_s: float = 300.0
    rest_g: float = 0.05
    activity_age_s: float = 600.0  # what is known of activity holds for so long
    margin_per_min: float = 2.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one respiratory rate or activity."""
        if x.kind == "activity":
            return replace(state, activity=x), ()
        if moves(state.activity, x.t_s, age_s=self.activity_age_s, rest_g=self.rest_g):
            return replace(state, run=skipped(state.run, x.t_s)), ()
        level = Level("red", self.red_per_min, self.red_hold_s, self.margin_per_min)
        levels = ((level, x.value <= self.red_per_min),)
        run, news = advance(state.run, x.t_s, x.value, levels, sign=-1)
        told = findings(news, "bradypnoea", x.stream, "per_min", sign=-1)
        return replace(state, run=run), told


DETECTOR = Bradypnoea()
