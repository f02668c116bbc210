"""Body temperature that stays low."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from healthslm.detect.lasting import Level, Run, advance, findings
from healthslm.records import Finding, Vital


@dataclass(frozen=True, slots=True)
class State:
    """The run under way, and when this thermometer last told a body's temperature."""

    run: Run = field(default_factory=Run)
    normal_s: float | None = None


@dataclass(frozen=True, slots=True)
class Hypothermia:
    """A finding for each run of temperatures of 35.0 Cel and less.

    35.0 Cel and less scores 3 in NEWS2 (RCP 2017). It is meant for a body thermometer, and
    most that reads low is none, or has been taken off. Therefore [P]: only a stream that told
    a usual temperature of the body (36.1 Cel and more: 0 in NEWS2) within a day is judged;
    values below 32 Cel, where people are seldom able to wear anything properly, are not
    looked at; and it takes 10 min, longer than a thermometer on a table needs from 35 to 32.
    A stream named "temperature-skin" is never judged.

    So a person who is cold when the thermometer is put on for the first time is missed.
    """

    reads: ClassVar[tuple[str, ...]] = ("temperature",)

    amber_c: float = 35.0
    hold_s: float = 600.0
    margin_c: float = 0.3
    worn_c: float = 32.0
    normal_c: float = 36.1
    normal_age_s: float = 86_400.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one temperature."""
        if x.stream.endswith("/temperature-skin") or x.value < self.worn_c:
            return state, ()
        if x.value >= self.normal_c:
            state = replace(state, normal_s=x.t_s)
        known = state.normal_s is not None and (0 <= x.t_s - state.normal_s <= self.normal_age_s)
        level = Level("amber", self.amber_c, self.hold_s, self.margin_c)
        low = known and x.value <= self.amber_c
        run, news = advance(state.run, x.t_s, x.value, ((level, low),), sign=-1)
        told = findings(news, "hypothermia", x.stream, "c", sign=-1)
        return replace(state, run=run), told


DETECTOR = Hypothermia()
