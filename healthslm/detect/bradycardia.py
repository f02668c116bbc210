"""A heart that beats slowly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from healthslm.detect.lasting import Level, Run, advance, findings
from healthslm.records import Finding, Severity, Vital


@dataclass(frozen=True, slots=True)
class State:
    """The run under way, and when the person last moved."""

    run: Run = field(default_factory=Run)
    moved_s: float | None = None


@dataclass(frozen=True, slots=True)
class Bradycardia:
    """A finding for each run of slow heart rates.

    Limits: a sinus rate below 50/min is the cue for a work-up (2018 ACC/AHA/HRS guideline,
    doi:10.1161/CIR.0000000000000628), below 40/min for some beats is extreme (PhysioNet
    Challenge 2015). Awake: amber below 50/min for 10 min, red below 40/min for 5 min.
    Asleep, or not known to be awake: amber below 40/min for 10 min. All [P].

    A person is taken to be awake for `awake_s` after a movement (`moved_g` or more) [P].
    Lying still awake therefore counts as sleep: fewer findings, never a louder one. The
    own first percentile, which the rule for sleep also asks for, needs a baseline over
    weeks that is not kept here.
    """

    reads: ClassVar[tuple[str, ...]] = ("heart_rate",)
    context: ClassVar[tuple[str, ...]] = ("activity",)

    amber_bpm: float = 50.0
    amber_hold_s: float = 600.0
    red_bpm: float = 40.0
    red_hold_s: float = 300.0
    asleep_bpm: float = 40.0
    asleep_hold_s: float = 600.0
    moved_g: float = 0.05
    awake_s: float = 600.0
    margin_bpm: float = 5.0
    margin_share: float = 0.05

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one heart rate or activity."""
        if x.kind == "activity":
            return (State(state.run, x.t_s), ()) if x.value >= self.moved_g else (state, ())
        awake = state.moved_s is not None and x.t_s - state.moved_s <= self.awake_s
        levels = (
            (
                self._level("amber", self.amber_bpm, self.amber_hold_s),
                awake and x.value < self.amber_bpm,
            ),
            (self._level("red", self.red_bpm, self.red_hold_s), awake and x.value < self.red_bpm),
            (
                self._level("amber", self.asleep_bpm, self.asleep_hold_s),
                x.value < self.asleep_bpm,
            ),
        )
        run, news = advance(state.run, x.t_s, x.value, levels, sign=-1)
        told = findings(news, "bradycardia", x.stream, "bpm", sign=-1)
        return State(run, state.moved_s), told

    def _level(self, severity: Severity, limit: float, hold_s: float) -> Level:
        margin = max(self.margin_bpm, self.margin_share * limit)
        return Level(severity, limit, hold_s, margin)


DETECTOR = Bradycardia()
