"""Breaths from a belt or from chest impedance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import ceil, floor
from typing import ClassVar

import numpy as np
from scipy.signal import butter, sosfilt, sosfilt_zi

from healthslm.records import Chunk, Vital
from healthslm.signals.respiration_periods import (
    POINTS,
    POINTS_HZ,
    SLOW_PER_MIN,
    STEP_S,
    WINDOW_S,
    breathing,
)
from healthslm.signals.runs import finite_runs
from healthslm.stage import FloatArray

_PASS_HZ = 1.0  # 60/min; the heart's own part in impedance lies above
_ORDER = 4


def _empty() -> FloatArray:
    return np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the next chunk needs to know of the ones before."""

    epoch_s: float = 0.0
    fs: float = 0.0
    due: int = -1  # index of the next sample
    value: float = np.nan  # the newest sample
    changed: int = 0  # since when it has this value
    delays: FloatArray = field(default_factory=lambda: np.empty((0, 2)))  # of the filter
    points: FloatArray = field(default_factory=_empty)  # the newest; NaN: the signal stood still
    window: int = 0  # number of the next window: it ends at so many steps UTC


@dataclass(frozen=True, slots=True)
class BreathsOfBelt:
    """The respiratory rate in the last 32 s, every 20 s, from a sensor that breathing moves.

    The mean time between breaths, crest to crest and trough to trough (see `counted`), told
    as "respiratory_rate" where its quality is `least_quality` or more. The quality, told
    as "respiration_quality", is 1 for perfectly even breaths and falls by the variation of
    their intervals; it is 0 where less than `least_share` of the power lies near the rate, for
    noise can be counted too, and drift makes slow waves: below 12/min it takes `slow_share`.

    A gap, an unread sample or `still_s` without any change ends the evidence.
    """

    reads: ClassVar[tuple[str, ...]] = ("respiration",)
    chunks: ClassVar[bool] = True
    latency_s: ClassVar[float] = 1.0

    least_quality: float = 0.5
    least_share: float = 0.4
    slow_share: float = 0.6  # [P] one in twenty windows of a random walk reach it
    still_s: float = 5.0  # unplugged, or stuck at its limit; a held breath still moves a little
    least_fs_hz: float = 4.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk, /) -> tuple[State, tuple[Vital, ...]]:
        """Take samples; return the rates of the windows they complete."""
        if chunk.fs < self.least_fs_hz:
            return state, ()
        told: list[Vital] = []
        clock = (chunk.epoch_s, chunk.fs)
        if clock != (state.epoch_s, state.fs) or chunk.start != state.due:
            state = _anew(*clock, chunk.start)
        at = chunk.start
        for values in finite_runs(chunk.values):
            at += len(values)
            if np.isfinite(values[0]):
                state = self._told(self._filtered(state, values), chunk.stream, told)
            else:
                state = _anew(*clock, at)
        return state, tuple(told)

    def _filtered(self, state: State, values: FloatArray) -> State:
        """Return the state with the points that lie in `values`, which follow at once."""
        sos = _low_pass(state.fs)
        delays = state.delays if len(state.delays) else sosfilt_zi(sos) * values[0]
        slow, delays = sosfilt(sos, values, zi=delays)
        positions = np.arange(state.due, state.due + len(values))
        same = np.diff(values, prepend=state.value) == 0
        changed = np.maximum.accumulate(np.where(same, state.changed, positions))
        slow[positions - changed >= self.still_s * state.fs] = np.nan
        end = state.due + len(values)
        places = range(_point(state.due, state.fs), _point(end, state.fs))
        at = [ceil(k * state.fs / POINTS_HZ) - state.due for k in places]
        return replace(
            state,
            due=end,
            value=float(values[-1]),
            changed=int(changed[-1]),
            delays=delays,
            points=np.concatenate((state.points, slow[at])),
        )

    def _told(self, state: State, stream: str, told: list[Vital]) -> State:
        """Tell the windows that are complete; forget what no later one needs."""
        ready = _point(state.due, state.fs)  # the number of the next point
        while (end_s := state.window * STEP_S - state.epoch_s) * state.fs <= state.due:
            stop = ceil(end_s * POINTS_HZ) - ready + len(state.points)
            self._tell(state.points[max(stop - POINTS, 0) : stop], state, stream, told)
            state = replace(state, window=state.window + 1)
        first = ceil((state.window * STEP_S - state.epoch_s) * POINTS_HZ) - POINTS
        keep = max(ready - first, 0)
        return replace(state, points=state.points[max(len(state.points) - keep, 0) :].copy())

    def _tell(self, points: FloatArray, state: State, stream: str, told: list[Vital]) -> None:
        if len(points) < POINTS or not np.isfinite(points).all():
            return
        per_min, steady, share = breathing(points)
        least = self.slow_share if per_min < SLOW_PER_MIN else self.least_share
        quality = steady if share >= least else 0.0
        t_s = state.window * STEP_S
        if quality >= self.least_quality:
            told.append(Vital("respiratory_rate", stream, t_s, per_min))
        told.append(Vital("respiration_quality", stream, t_s, quality))


def _point(index: int, fs: float) -> int:
    """Return the number of the first point at sample `index` or after it."""
    k = ceil(index * POINTS_HZ / fs)
    while ceil(k * fs / POINTS_HZ) < index:
        k += 1
    while k and ceil((k - 1) * fs / POINTS_HZ) >= index:
        k -= 1
    return k


@lru_cache(maxsize=64)
def _low_pass(fs: float) -> FloatArray:
    sos: FloatArray = butter(_ORDER, _PASS_HZ, fs=fs, output="sos")
    return sos


def _anew(epoch_s: float, fs: float, at: int) -> State:
    """Return the state of a run that begins at sample `at`."""
    window = floor((epoch_s + at / fs + WINDOW_S) / STEP_S) + 1
    return State(epoch_s, fs, at, changed=at, window=window)


SIGNAL = BreathsOfBelt()
