"""For how long a lead swings to and fro without a beat standing out.

Ventricular flutter and fibrillation look so: a wave of 2 to 7 Hz that is nearly its own
mirror image half a period later, and no steep complex in it. The mirror is the filter of Kuo
& Dillman 1978 (Computers in Cardiology, 347-349): the signal is added to itself half a mean
period before, and what is left of it, its leakage, is 0.2 to 0.5 for such a wave, and above
0.6 for beats and for the noise of muscles and of moving electrodes.

Where we differ: two seconds at a time instead of four or eight, on means over 20 ms and above
1 Hz; a limit of 0.55 [P] where they have 0.406 or 0.625, by height; and no beat may stand out
of its window (a trembling hand swings a lead as well, but the beats remain visible while the
swing is small).

It names no rhythm: a hard tremor, teeth being brushed or a chest that is pressed look alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import lfilter

from healthslm.records import Chunk, Vital
from healthslm.signals.quality import BLOCK_S
from healthslm.signals.runs import runs
from healthslm.stage import FloatArray

WINDOW_S = 2.0
"""Judged at a time: four swings at least."""

_CELL_S = 0.02  # samples are averaged over so long: a cycle of 50 Hz hum
_HIGH_PASS_HZ = 1.0
_LAG_S, _ENERGY_S = 0.04, 0.1  # of the slope energy, as in `slopes`
_TOLD = 6  # blocks told after the last that swings, and after a gap


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the next chunk needs to know of the ones before."""

    epoch_s: float = 0.0
    fs: float = 0.0
    due: int = -1  # index of the next sample; -1 before the first
    raw: FloatArray = field(default_factory=lambda: np.empty(0))  # mV: less than a cell
    slow_mv: float = np.nan  # state of the high-pass filter; NaN where a run begins
    cells: FloatArray = field(default_factory=lambda: np.empty(0))  # mV, of the window under way
    swing_s: float = 0.0  # in the block under way
    seen_s: float = 0.0  # time of the block under way that was judged
    quiet: int = 0  # blocks since the last that swings, or since a gap


@dataclass(frozen=True, slots=True)
class Swing:
    """Seconds of each 10 s block in which an ECG lead swings without beats (`ecg_swing`).

    Told while it swings, for a minute after, and in the first minute after a gap. A window
    with a gap or an unread sample in it is not judged; a block with no window is not told.
    """

    reads: ClassVar[tuple[str, ...]] = ("ecg",)
    chunks: ClassVar[bool] = True
    latency_s: ClassVar[float] = BLOCK_S + 1.0
    """Outputs lag the input by less."""

    least_hz: float = 2.0  # ventricular flutter may be as slow
    most_hz: float = 7.0  # fibrillation of a human heart has its most power at 3 to 7 Hz
    most_leakage: float = 0.55
    beat_db: float = 10.0  # steepest tenth of a second over the median: above, it is a beat
    least_mv: float = 0.2  # from peak to peak; IEC 60601-2-27 lets 0.15 mV go unseen

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk, /) -> tuple[State, tuple[Vital, ...]]:
        """Take samples; return the blocks they end."""
        told: list[Vital] = []
        if (chunk.epoch_s, chunk.fs) != (state.epoch_s, state.fs) or chunk.start < state.due:
            state = State(chunk.epoch_s, chunk.fs, chunk.start)
        elif chunk.start != state.due:
            state = self._passed(state, chunk.start, chunk.stream, told)
            state = replace(state, quiet=0)
        for values, readable in runs(chunk.values):
            if readable:
                state = self._read(state, values, chunk.stream, told)
            else:
                state = self._passed(state, state.due + len(values), chunk.stream, told)
        return state, tuple(told)

    def _passed(self, state: State, due: int, stream: str, told: list[Vital]) -> State:
        """Return the state after nothing was read up to sample `due`."""
        if _second(state.due, state.fs) // BLOCK_S != _second(due, state.fs) // BLOCK_S:
            state = self._ended(state, _second(state.due, state.fs) // BLOCK_S, stream, told)
        return State(
            state.epoch_s,
            state.fs,
            due,
            swing_s=state.swing_s,
            seen_s=state.seen_s,
            quiet=state.quiet,
        )

    def _read(self, state: State, values: FloatArray, stream: str, told: list[Vital]) -> State:
        """Return the state after samples without a hole."""
        width = _width(state.fs)
        begin = state.due - len(state.raw)
        raw = np.concatenate((state.raw, values))
        raw = raw[-begin % width if not len(state.raw) else 0 :]  # from a whole cell on
        first = (state.due + len(values) - len(raw)) // width
        n = len(raw) // width
        state = replace(state, due=state.due + len(values), raw=raw[n * width :].copy())
        if not n:
            return state
        means = raw[: n * width : width].copy()
        for i in range(1, width):
            means += raw[i : n * width : width]
        cells, slow_mv = _above(means / width, state.slow_mv, state.fs / width)
        cells = np.concatenate((state.cells, cells))
        at = first - len(state.cells)  # cell that cells[0] is
        state = replace(state, slow_mv=slow_mv)
        return self._windows(state, cells, at, stream, told)

    def _windows(
        self, state: State, cells: FloatArray, at: int, stream: str, told: list[Vital]
    ) -> State:
        """Judge the windows that `cells`, the first of them `at`, hold whole."""
        rate = state.fs / _width(state.fs)
        window = int(at / rate // WINDOW_S)
        if at > _first(window, rate):
            window += 1  # its beginning was not seen
        while (end := _first(window + 1, rate)) <= at + len(cells):
            begin = _first(window, rate)
            swings = self.swings(cells[begin - at : end - at], rate)
            state = replace(
                state,
                swing_s=state.swing_s + WINDOW_S * swings,
                seen_s=state.seen_s + WINDOW_S,
            )
            window += 1
            if window * WINDOW_S % BLOCK_S == 0:
                state = self._ended(state, window * WINDOW_S // BLOCK_S - 1, stream, told)
        keep = max(_first(window, rate) - at, 0)
        return replace(state, cells=cells[keep:].copy())

    def swings(self, cells: FloatArray, rate: float) -> bool:
        """Tell whether a window is a swing, and nothing but.

        Parameters
        ----------
        cells
            Shape (n,), mV, without what is slower than 1 Hz.
        rate
            Cells a second.
        """
        v = cells - cells.mean()
        moved = np.sum(np.abs(np.diff(v)))
        if np.ptp(v) < self.least_mv or moved == 0:
            return False
        half = np.pi * np.sum(np.abs(v)) / moved  # of the mean period, in cells: Kuo & Dillman
        if not self.least_hz <= rate / (2 * half) <= self.most_hz:
            return False
        h = max(1, round(half))
        now, before = v[h:], v[:-h]
        leakage = np.sum(np.abs(now + before)) / np.sum(np.abs(now) + np.abs(before))
        if leakage > self.most_leakage:
            return False
        lag, width = max(1, round(_LAG_S * rate)), max(1, round(_ENERGY_S * rate))
        bend = 2 * v[lag:-lag] - v[2 * lag :] - v[: -2 * lag]
        energy = sliding_window_view(bend * bend, width).sum(axis=1)
        return bool(energy.max() <= 10 ** (self.beat_db / 10) * np.median(energy))

    def _ended(self, state: State, block: float, stream: str, told: list[Vital]) -> State:
        """Tell a block, if anything of it was judged; return the state at the next."""
        if state.seen_s:
            quiet = 0 if state.swing_s else state.quiet + 1
            if quiet <= _TOLD:
                t_s = state.epoch_s + (block + 1) * BLOCK_S
                told.append(Vital("ecg_swing", stream, t_s, state.swing_s))
            state = replace(state, quiet=min(quiet, _TOLD))
        return replace(state, swing_s=0.0, seen_s=0.0)


def _width(fs: float) -> int:
    """Return the samples of a cell."""
    return max(1, round(fs * _CELL_S))


def _second(index: int, fs: float) -> float:
    """Return the time of a sample, seconds from index 0."""
    return index / fs


def _first(window: int, rate: float) -> int:
    """Return the first cell of a window, counted from index 0."""
    return int(np.ceil(window * WINDOW_S * rate))


def _above(cells: FloatArray, slow_mv: float, rate: float) -> tuple[FloatArray, float]:
    """Return the cells without what is slower than 1 Hz (first order), and the filter's state."""
    warp = np.tan(np.pi * _HIGH_PASS_HZ / rate)
    b, a = 1 / (1 + warp), (1 - warp) / (1 + warp)
    if slow_mv != slow_mv:
        slow_mv = -b * float(cells[0])  # as if it had always been so
    out, end = lfilter([b, -b], [1.0, -a], cells, zi=np.array([slow_mv]))
    return np.asarray(out, np.float64), float(end[0])


SIGNAL = Swing()
