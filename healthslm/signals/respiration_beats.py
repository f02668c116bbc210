"""Breathing in the beats of an ECG and in the pulses of a PPG."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import floor
from typing import ClassVar

import numpy as np

from healthslm.records import Chunk, Vital
from healthslm.signals.respiration_periods import (
    FASTEST_PER_MIN,
    POINTS,
    POINTS_HZ,
    STEP_S,
    WINDOW_S,
    Rate,
    rate,
)
from healthslm.signals.respiration_traits import Grid, celled, traits
from healthslm.signals.runs import finite_runs
from healthslm.stage import FloatArray

_AROUND_S = 1.5  # a beat is compared with what lies so far to both sides
_EDGE_S = 2.0  # before a window and after it: beats that its own are compared with


def _empty(*shape: int) -> FloatArray:
    return np.empty(shape)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the next chunk needs to know of the ones before."""

    epoch_s: float = 0.0
    fs: float = 0.0
    due: int = -1  # index of the next sample
    loose: FloatArray = field(default_factory=lambda: _empty(0))  # newest samples, less than a cell
    cells: FloatArray = field(default_factory=lambda: _empty(0))  # newest ones
    found: FloatArray = field(default_factory=lambda: _empty(4, 0))  # see `traits`
    window: int = 0  # number of the next window: it ends at so many steps UTC


@dataclass(frozen=True, slots=True)
class BeatBreathing:
    """The rate at which beats rise and fall with breathing, in 32 s, every 20 s; one lane's view.

    Told as "breaths_ecg" or "breaths_ppg" with a quality from 0 to 1 ("..._quality"): the
    share of power at that rate. It is not yet a respiratory rate: `respiration_fused` asks
    whether two sensors agree. From an ECG: height and level of the QRS complex and its
    slope; from a PPG: the level at the pulse and around it.

    Intervals between beats are not used. In healthy young people they follow breathing; in
    patients they mostly follow the pressure's own waves at 6/min (within 3/min of the truth
    in a third of windows of BIDMC, where the traits used here are in 70 to 80 %).

    What comes once a beat cannot show more than half the heart rate: no rate above
    `most_of_heart` of it is looked for, so that a bigeminy is not taken for breathing. Beats
    whose interval is more than `most_change` from the usual are left out, and if these are more
    than `most_dropped`, nothing is told. A gap, an unread sample or 3 s without a beat ends
    the evidence.
    """

    reads: ClassVar[tuple[str, ...]] = ("ecg", "ppg")
    chunks: ClassVar[bool] = True
    latency_s: ClassVar[float] = 4.0

    least_fs_hz: float = 20.0
    share: float = 0.2  # of the strongest around it: less is no beat
    most_change: float = 0.25
    most_dropped: float = 0.3
    most_of_heart: float = 0.45
    hole_s: float = 3.0

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
        grid, at = Grid.at(chunk.kind, chunk.fs), chunk.start
        for values in finite_runs(chunk.values):
            at += len(values)
            if np.isfinite(values[0]):
                state = self._told(_scanned(state, grid, values), grid, chunk.stream, told)
            else:
                state = _anew(*clock, at)
        return state, tuple(told)

    def _told(self, state: State, grid: Grid, stream: str, told: list[Vital]) -> State:
        """Tell the windows that are complete."""
        seen = (state.due - len(state.loose)) // grid.cell - grid.reach  # cells
        seen_s = seen * grid.cell / grid.fs
        while (end_s := state.window * STEP_S - state.epoch_s) + _EDGE_S <= seen_s:
            found = self._rate(grid.kind, state.found, end_s)
            if found is not None:
                kind, t_s = f"breaths_{grid.kind}", state.window * STEP_S
                told.append(Vital(kind, stream, t_s, found.per_min))
                told.append(Vital(f"{kind}_quality", stream, t_s, found.share))
            keep = state.found[0] >= end_s + STEP_S - WINDOW_S - _EDGE_S
            state = replace(state, found=state.found[:, keep], window=state.window + 1)
        return state

    def _rate(self, kind: str, found: FloatArray, end_s: float) -> Rate | None:
        """Return the rate in the window that ends at `end_s`, from its candidates for a beat."""
        lower = np.searchsorted(found[0], end_s - WINDOW_S - _EDGE_S)
        upper = np.searchsorted(found[0], end_s + _EDGE_S)
        beats = _strong(found[:, lower:upper], self.share)
        t_s = beats[0]
        inside = t_s[(t_s >= end_s - WINDOW_S) & (t_s <= end_s)]
        edged = np.concatenate(([end_s - WINDOW_S], inside, [end_s]))
        if len(t_s) < 3 or np.max(np.diff(edged)) > self.hole_s:
            return None
        rr_s = np.diff(t_s)
        usual_s = float(np.sort(rr_s)[len(rr_s) // 2])
        odd = np.abs(rr_s - usual_s) > self.most_change * usual_s
        odd = np.concatenate(([False], odd))
        if np.sum(odd) > self.most_dropped * len(odd):
            return None
        beats = beats[:, ~odd]
        rows = [beats[2], beats[3], beats[1]] if kind == "ecg" else [beats[2], beats[3]]
        points_s = end_s - WINDOW_S + np.arange(POINTS) / POINTS_HZ
        series = np.stack([np.interp(points_s, beats[0], row) for row in rows])
        return rate(series, min(FASTEST_PER_MIN, self.most_of_heart * 60 / usual_s))


def _strong(found: FloatArray, share: float) -> FloatArray:
    """Return the candidates that reach a share of the strongest around them, and of the usual."""
    t_s, strength = found[:2]
    apart = np.abs(t_s[:, None] - t_s)
    around = np.where(apart <= _AROUND_S, strength, 0.0)
    kept = found[:, strength >= share * np.max(around, axis=1, initial=0.0)]
    usual = np.sort(kept[1])[kept.shape[1] // 2 :]
    return kept[:, kept[1] >= share * usual[0]] if len(usual) else kept


def _anew(epoch_s: float, fs: float, at: int) -> State:
    """Return the state of a run that begins at sample `at`."""
    window = floor((epoch_s + at / fs + WINDOW_S) / STEP_S) + 1
    return State(epoch_s, fs, at, window=window)


def _scanned(state: State, grid: Grid, values: FloatArray) -> State:
    """Return the state with the candidates of `values`, which follow at once."""
    raw = np.concatenate((state.loose, values))
    start = state.due - len(state.loose)
    if not len(state.cells):
        skip = min(-start % grid.cell, len(raw))  # to the first whole cell of the run
        raw, start = raw[skip:], start + skip
    new = celled(raw, grid.cell)
    cells = np.concatenate((state.cells, new))
    used = len(new) * grid.cell
    first = start // grid.cell - len(state.cells)
    found = traits(grid, cells, first)
    return replace(
        state,
        due=state.due + len(values),
        loose=raw[used:].copy(),
        cells=cells[max(len(cells) - 2 * grid.reach, 0) :].copy(),
        found=np.concatenate((state.found, found), axis=1),
    )


SIGNAL = BeatBreathing()
