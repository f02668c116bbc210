"""A lead that swings to and fro without beats, which asks whether the person is all right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from healthslm.records import Finding, Severity, Vital


@dataclass(frozen=True, slots=True)
class Told:
    """The finding under way."""

    severity: Severity
    t0_s: float
    t1_s: float  # end of the last block that swings
    swing_s: float  # in all


@dataclass(frozen=True, slots=True)
class State:
    """What was read of late."""

    newest_s: float | None = None
    before_s: float = 0.0  # swing in the block before
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class SwingingSignal:
    """A technical finding for each stretch in which an ECG lead swings without beats.

    Ventricular fibrillation looks so, and so do a hard tremor and teeth being brushed: it is
    no finding about the heart, but someone should ask at once "are you all right?". Amber from
    4 s on (fibrillation is an oscillation of 4 s and more: PhysioNet/CinC Challenge 2015), red
    from 8 s [P]. No finding about rhythm is made of such a signal: none of its beats is good.

    It is over when 30 s [P] of readings show no swing. A silence of a minute ends it too, and
    joins nothing.
    """

    reads: ClassVar[tuple[str, ...]] = ("ecg_swing",)

    amber_s: float = 4.0  # in one block
    red_s: float = 8.0  # in one block; or the amber limit in two in a row
    clear_s: float = 30.0
    block_s: float = 10.0  # what one reading speaks of
    max_gap_s: float = 60.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take the swing of one block."""
        ended: tuple[Finding, ...] = ()
        if state.newest_s is not None and not 0 <= x.t_s - state.newest_s <= self.max_gap_s:
            ended = _finding(state.told, x.stream, ongoing=False)
            state = State()
        joined = state.newest_s is not None and x.t_s - state.newest_s <= 1.5 * self.block_s
        severity = self._severity(x.value, state.before_s if joined else 0.0)
        told, state = state.told, State(x.t_s, x.value, state.told)
        if severity is None:
            if told and x.t_s - told.t1_s >= self.clear_s:
                return replace(state, told=None), _finding(told, x.stream, ongoing=False)
            if told and x.value > 0:
                told = replace(told, t1_s=x.t_s, swing_s=told.swing_s + x.value)
            return replace(state, told=told), ended
        if told is None:
            told = Told(severity, x.t_s - self.block_s, x.t_s, x.value)
            return replace(state, told=told), ended + _finding(told, x.stream, ongoing=True)
        graver = severity == "red" and told.severity == "amber"
        told = Told("red" if graver else told.severity, told.t0_s, x.t_s, told.swing_s + x.value)
        news = _finding(told, x.stream, ongoing=True) if graver else ()
        return replace(state, told=told), ended + news

    def _severity(self, swing_s: float, before_s: float) -> Severity | None:
        """Return how grave one block is after another; None where it is not."""
        if swing_s >= self.red_s or min(swing_s, before_s) >= self.amber_s:
            return "red"
        return "amber" if swing_s >= self.amber_s else None


def _finding(told: Told | None, stream: str, *, ongoing: bool) -> tuple[Finding, ...]:
    if told is None:
        return ()
    evidence = (("swing_s", told.swing_s),)
    return (
        Finding("swinging_signal", stream, told.t0_s, told.t1_s, told.severity, evidence, ongoing),
    )


DETECTOR = SwingingSignal()
