"""Ventricular beats in a row, fast: ventricular tachycardia as far as one lead can tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from healthslm.records import Beat, Finding, Severity

EPSILON_S = 1e-6  # seconds UTC in a float are exact to 0.24 µs


@dataclass(frozen=True, slots=True)
class State:
    """The ventricular beats in a row up to now."""

    beats: int = 0
    t0_s: float = 0.0
    t1_s: float = 0.0
    total_s: float = 0.0  # sum of the intervals between them
    shortest_s: float = 0.0
    told: Severity | None = None


@dataclass(frozen=True, slots=True)
class VentricularRun:
    """A finding for each run of three and more ventricular beats at more than 100/min.

    Three consecutive complexes with a cycle below 600 ms are a non-sustained ventricular
    tachycardia, more than 30 s a sustained one (2017 AHA/ACC/HRS guideline,
    doi:10.1161/CIR.0000000000000549); the alarm of the PhysioNet Challenge 2015 asks for five.
    Here 3 and 4 beats are info, 5 and more amber, more than 30 s red [P].

    A run begins with an interval below the limit, and goes on while its mean is below. A poor
    beat, one whose class cannot be told, or a gap ends it.
    """

    reads: ClassVar[tuple[str, ...]] = ("beat",)

    least_beats: int = 3
    amber_beats: int = 5
    red_s: float = 30.0  # longer than this
    cycle_s: float = 0.6  # shorter than this: more than 100/min

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Beat, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one beat."""
        if not x.good or x.label != "V":
            return State(), _ended(state, x.stream)
        alone = State(1, x.t_s, x.t_s)
        if not state.beats or x.rr_s is None:
            return alone, _ended(state, x.stream)
        total_s = state.total_s + x.rr_s
        limit_s = self.cycle_s - EPSILON_S
        if total_s / state.beats >= limit_s or (state.told is None and x.rr_s >= limit_s):
            return alone, _ended(state, x.stream)
        shortest_s = min(state.shortest_s, x.rr_s) if state.beats > 1 else x.rr_s
        run = State(state.beats + 1, state.t0_s, x.t_s, total_s, shortest_s, state.told)
        severity = self._severity(run)
        if severity == run.told:
            return run, ()
        run = replace(run, told=severity)
        return run, (_finding(run, x.stream, ongoing=True),)

    def _severity(self, run: State) -> Severity | None:
        if run.t1_s - run.t0_s > self.red_s + EPSILON_S:
            return "red"
        if run.beats >= self.amber_beats:
            return "amber"
        return "info" if run.beats >= self.least_beats else None


def _ended(run: State, stream: str) -> tuple[Finding, ...]:
    return (_finding(run, stream, ongoing=False),) if run.told else ()


def _finding(run: State, stream: str, *, ongoing: bool) -> Finding:
    evidence = (
        ("beats", float(run.beats)),
        ("mean_bpm", 60 * (run.beats - 1) / run.total_s),
        ("fastest_bpm", 60 / run.shortest_s),
        ("length_s", run.t1_s - run.t0_s),
    )
    severity = run.told or "info"
    return Finding("ventricular_run", stream, run.t0_s, run.t1_s, severity, evidence, ongoing)


DETECTOR = VentricularRun()
