"""No movement for longer than this person is ever still at this time of day."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import floor, log2
from typing import ClassVar

import numpy as np

from healthslm.records import Finding, Severity, Vital
from healthslm.stage import FloatArray

_HOURS, _BINS = 24, 20  # of the day (UTC); lengths from 1 min on, each 1.41 times the last
_MOST_RUNS = 2000.0  # of one hour; then older ones weigh half


def _none() -> FloatArray:
    return np.zeros((_HOURS, _BINS))


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The stillness under way, and how long those of the past were."""

    newest_s: float | None = None
    since_s: float | None = None  # begin of the stillness; None: the person moves
    heart_s: float | None = None  # when a heart rate was last heard of
    told: Severity | None = None
    limit_s: float = 0.0  # that was exceeded
    runs: FloatArray = field(default_factory=_none)  # how many, by hour of beginning and length


@dataclass(frozen=True, slots=True)
class Inactivity:
    """A finding where a stillness lasts more than twice the longest that is usual.

    Usual is the 99th percentile of the person's own stillnesses that began in the same hour of
    the day, from 100 of them on; before that, `default_s`. No standard exists: all of it is
    a proposal [P]. Hours are UTC: after a change of clock an hour is judged by its neighbour.

    Movement is an activity of 0.02 g and more: turning over in bed reaches it now and then,
    breathing never does. Amber only if a heart rate shows that someone wears a sensor; without
    one it is told as info, because a sensor left on a table is as still.
    """

    reads: ClassVar[tuple[str, ...]] = ("activity",)
    context: ClassVar[tuple[str, ...]] = ("heart_rate",)

    moved_g: float = 0.02
    factor: float = 2.0
    percentile: float = 0.99
    least_runs: float = 100.0
    default_s: float = 36_000.0
    least_s: float = 7200.0
    most_s: float = 43_200.0
    worn_s: float = 900.0
    max_gap_s: float = 900.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one activity or heart rate."""
        if x.kind == "heart_rate":
            return replace(state, heart_s=x.t_s), ()
        ended: tuple[Finding, ...] = ()
        if state.newest_s is not None and not 0 <= x.t_s - state.newest_s <= self.max_gap_s:
            ended = _ended(state, x.stream)
            state = replace(state, since_s=None, told=None)
        if x.value >= self.moved_g:
            ended += _ended(state, x.stream)
            runs = self._learnt(state)
            return replace(state, newest_s=x.t_s, since_s=None, told=None, runs=runs), ended
        since_s = x.t_s if state.since_s is None else state.since_s
        state = replace(state, newest_s=x.t_s, since_s=since_s)
        limit_s = self._limit_s(state.runs[_hour(since_s)])
        if state.told or x.t_s - since_s <= limit_s:
            return state, ended
        told: Severity = "amber" if self._worn(state) else "info"
        state = replace(state, told=told, limit_s=limit_s)
        return state, (*ended, _finding(state, told, x.stream, ongoing=True))

    def _worn(self, state: State) -> bool:
        """Return whether a heart was heard of lately."""
        if state.newest_s is None or state.heart_s is None:
            return False
        return state.newest_s - state.heart_s <= self.worn_s

    def _limit_s(self, runs: FloatArray) -> float:
        """Return how long is too long, by the stillnesses that began in one hour of the day."""
        count = float(runs.sum())
        if count < self.least_runs:
            return self.default_s
        usual = int(np.searchsorted(np.cumsum(runs), self.percentile * count))
        longest_s = 60.0 * 2 ** ((usual + 1) / 2)
        return min(max(self.factor * longest_s, self.least_s), self.most_s)

    def _learnt(self, state: State) -> FloatArray:
        """Return the runs with the one that ends; not where nobody wore the sensor."""
        if state.since_s is None or state.newest_s is None:
            return state.runs
        if state.heart_s is not None and not self._worn(state):
            return state.runs
        minutes = (state.newest_s - state.since_s) / 60
        if minutes < 1:
            return state.runs
        runs, hour = state.runs.copy(), _hour(state.since_s)
        if runs[hour].sum() >= _MOST_RUNS:
            runs[hour] = np.floor(runs[hour] / 2)
        runs[hour, min(floor(2 * log2(minutes)), _BINS - 1)] += 1
        return runs


def _hour(t_s: float) -> int:
    return int(t_s // 3600) % _HOURS


def _ended(state: State, stream: str) -> tuple[Finding, ...]:
    return (_finding(state, state.told, stream, ongoing=False),) if state.told else ()


def _finding(state: State, severity: Severity, stream: str, *, ongoing: bool) -> Finding:
    t0_s, t1_s = state.since_s or 0.0, state.newest_s or 0.0
    evidence = (("still_h", (t1_s - t0_s) / 3600), ("limit_h", state.limit_s / 3600))
    return Finding("inactivity", stream, t0_s, t1_s, severity, evidence, ongoing)


DETECTOR = Inactivity()
