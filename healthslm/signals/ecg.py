"""Heart beats from one lead of ECG, and how far the signal can be trusted.

A peak of slope energy (`slopes`) is a beat where it stands out of the level of the
seconds around it: Pan & Tompkins 1985, doi:10.1109/TBME.1985.325532. Where we differ:

- the level is the median of the strongest energies of eleven seconds (eight past, two to
  come) and no running estimate: one artefact moves it little, a restart learns within
  seconds, and no decision hangs on the one before;
- it never falls below a sixteenth of the last half minute's, so that a long pause is not
  filled with beats made of noise;
- a beat is told at the R peak of the raw signal, between samples, and not at the peak of
  the energy.

Every decision is local: it reads candidates at most `_BACK_S` before and `_AHEAD_S` after
its own, and seconds are counted from sample index 0. So it cannot show how the stream
was cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from healthslm.records import Beat, Chunk, Vital
from healthslm.signals.quality import BLOCK_S, FLAT_MV2, GOOD, ecg_quality, quantile
from healthslm.signals.slopes import Grid, slopes
from healthslm.stage import FloatArray

_PAST, _NEXT = 8, 2  # seconds whose strongest energies make the level
_MEMORY = 30  # seconds whose level still counts a sixteenth
_BACK_S, _AHEAD_S = 1.5, 1.75  # no decision reads a candidate further away
_LEAD = _MEMORY + 2  # seconds before a block that its decisions read
_SETTLE = 4  # seconds after a block until all in it is decided
_BLOCK = round(BLOCK_S)
_UNREAD_MV = 1000.0  # no electrode gives a volt: such a sample, like NaN, was not read


def _empty(*shape: int) -> FloatArray:
    return np.empty(shape)


def _unknown(n: int) -> FloatArray:
    return np.full(n, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the next chunk needs to know of the ones before. Positions: samples from index 0."""

    epoch_s: float = 0.0
    fs: float = 0.0
    due: int = -1  # index of the next sample; -1 before the first
    block: int = 0  # the oldest block not yet told
    raw: FloatArray = field(default_factory=lambda: _empty(0))  # mV, the samples up to `due`
    # strongest energy of each second from `_LEAD` seconds before the block on, mV²
    seconds: FloatArray = field(default_factory=lambda: _unknown(_LEAD))
    whole: int = 0  # the seconds before this one are complete
    found: FloatArray = field(default_factory=lambda: _empty(3, 0))  # see `Slopes`
    rest: FloatArray = field(default_factory=lambda: _empty(2, 0))
    beats: FloatArray = field(default_factory=lambda: _empty(4, 0))  # found and rr_s, not yet told
    strong: FloatArray = field(default_factory=lambda: _unknown(9))  # newest beats over the level
    strong_energy: float = np.nan  # of the newest of them
    beat: float = np.nan  # the newest of all

    @property
    def size(self) -> float:
        """Samples in a block."""
        return _BLOCK * self.fs


@dataclass(frozen=True, slots=True)
class EcgBeats:
    """Beats of one ECG lead, and the quality of every 10 s of it.

    A gap, an unread sample (NaN) or a change of clock ends the evidence: no beat is found
    across it, and the first one after it has no interval.
    """

    reads: ClassVar[tuple[str, ...]] = ("ecg",)
    latency_s: ClassVar[float] = BLOCK_S + _SETTLE + 1.0
    """Outputs lag the input by less."""

    lag_s: float = 1 / 30
    window_s: float = 0.1
    refractory_s: float = 0.2  # Pan & Tompkins 1985: the heart cannot beat again sooner
    t_wave_s: float = 0.36  # as there: until then, less than half the slope is a T wave
    threshold: float = 0.16  # of the level: 0.4 of its slope
    missed: float = 1.66  # as there: so many usual intervals without a beat: look again,
    missed_threshold: float = 0.04  # for half the slope
    floor_mv2: float = 1e-3  # a complex of 0.05 mV; IEC 60601-2-27 lets 0.15 mV go unseen

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk, /) -> tuple[State, tuple[Beat | Vital, ...]]:
        """Take samples; return the beats and qualities of the blocks they settle."""
        told: list[Beat | Vital] = []
        if (chunk.epoch_s, chunk.fs) != (state.epoch_s, state.fs) or chunk.start < state.due:
            self._tell(self._closed(state), None, chunk.stream, told)
            state = State(chunk.epoch_s, chunk.fs)
        if chunk.start != state.due:
            state = self._tell(self._closed(state), chunk.start, chunk.stream, told)
        for values, readable in _runs(chunk.values):
            if readable:
                state = self._scanned(state, values)
                end = (state.whole - _SETTLE) // _BLOCK
            else:
                state = self._closed(state)
                state = replace(state, due=state.due + len(values))
                end = int(state.due // state.size)
            if end > state.block:
                state = self._settled(state, end, chunk.stream, told)
        return state, tuple(told)

    def _tell(
        self, state: State, start: int | None, stream: str, told: list[Beat | Vital]
    ) -> State:
        """Tell the blocks that a jump to sample `start` (None: to another clock) leaves behind."""
        if state.due >= 0:
            touched = int(-(-state.due // state.size))
            end = touched if start is None else min(touched, int(start // state.size))
            if end > state.block:
                state = self._settled(state, end, stream, told)
        if start is None:
            return state
        block = int(start // state.size)
        return replace(state, due=start, block=block)

    def _scanned(self, state: State, values: FloatArray) -> State:
        """Return the state with the candidates of `values`, which follow at once."""
        grid = _grid(self, state.fs)
        new = slopes(grid, state.raw, state.due, values, self.floor_mv2)
        first = _BLOCK * state.block - _LEAD
        seconds = state.seconds
        if len(new.strongest):
            have = new.first + len(new.strongest) - first
            seconds = np.concatenate((seconds, _unknown(max(0, have - len(seconds)))))
            there = seconds[new.first - first : have]
            np.fmax(there, new.strongest, out=there)
        return replace(
            state,
            due=state.due + len(values),
            raw=new.tail,
            seconds=seconds,
            whole=grid.second(new.seen),
            found=np.concatenate((state.found, new.found), axis=1),
            rest=np.concatenate((state.rest, new.rest), axis=1),
        )

    def _closed(self, state: State) -> State:
        """Return the state after the run of samples has ended: what is open is decided now."""
        state = self._decided(state, np.inf)
        return replace(
            State(state.epoch_s, state.fs, state.due, state.block),
            rest=state.rest,
            beats=state.beats,
        )

    def _settled(self, state: State, end: int, stream: str, told: list[Beat | Vital]) -> State:
        """Tell the blocks before `end`; return the state without them."""
        limit = end * state.size
        state = self._decided(state, limit)
        now, later = _split(state.beats, limit)
        rest, rest_later = _split(state.rest, limit)
        quality = self._quality(state, now, rest, end)
        beats = (now[0] // state.size).astype(np.intp) - state.block
        good = (quality >= GOOD)[beats].tolist()
        times = (state.epoch_s + now[0] / state.fs).tolist()
        upto = np.searchsorted(beats, np.arange(end - state.block), side="right").tolist()
        rr, at = now[3].tolist(), 0
        for block, (value, stop) in enumerate(
            zip(quality.tolist(), upto, strict=True), state.block
        ):
            told += [
                Beat("beat", stream, times[i], None if rr[i] != rr[i] else rr[i], good[i])
                for i in range(at, stop)
            ]
            told.append(Vital("ecg_quality", stream, state.epoch_s + (block + 1) * BLOCK_S, value))
            at = stop
        gone = _BLOCK * (end - state.block)
        seconds = np.concatenate(
            (state.seconds, _unknown(max(0, gone + _LEAD - len(state.seconds))))
        )
        return replace(state, block=end, seconds=seconds[gone:], beats=later, rest=rest_later)

    def _quality(self, state: State, beats: FloatArray, rest: FloatArray, end: int) -> FloatArray:
        """Return the quality of the blocks from `state.block` to `end`, shape (blocks,)."""
        grid = _grid(self, state.fs)
        blocks = np.arange(state.block, end)
        start = blocks * state.size
        expected = state.size / (grid.stride * grid.cell)
        row = (beats[0] // state.size).astype(np.intp) - state.block
        at = (beats[0] - start[row]) / state.fs
        return ecg_quality(
            _rows(rest[1], (rest[0] // state.size).astype(np.intp) - state.block, len(blocks)),
            expected,
            _rows(at, row, len(blocks)),
            _rows(beats[1], row, len(blocks)),
            _rows(beats[2], row, len(blocks)),
        )

    def _decided(self, state: State, end: float) -> State:
        """Return the state with all beats before sample `end` found; inf: where the run ends."""
        if not len(state.found[0]):
            return state
        closing = _unknown(_NEXT if np.isinf(end) else 0)
        level = _levels(np.concatenate((state.seconds, closing)))
        at, energy, _ = state.found
        second = (at // state.fs).astype(np.intp) - (_BLOCK * state.block - _LEAD + _MEMORY)
        known = (second >= 0) & (second < len(level))
        over = np.where(known, energy / level[np.where(known, second, 0)], 0.0)
        strong = np.flatnonzero(over > self.threshold)
        strong = strong[self._separate(at[strong] / state.fs, energy[strong])]
        begin = state.block * state.size
        strong = strong[at[strong] >= begin]
        weak = np.flatnonzero((over > self.missed_threshold) & (over <= self.threshold))
        places = np.concatenate((state.strong, at[strong]))
        energies = np.concatenate(([state.strong_energy], energy[strong]))
        weak = weak[
            self._overlooked(places / state.fs, energies, at[weak] / state.fs, energy[weak])
        ]
        all_ = np.sort(np.concatenate((strong, weak)))
        now = all_[(at[all_] >= begin) & (at[all_] < end)]
        rr = np.diff(at[now], prepend=state.beat) / state.fs
        rr[self._flat_before(state, at[now])] = np.nan
        fixed = np.count_nonzero(at[strong] < end)
        return replace(
            state,
            found=state.found[:, at >= end - _BACK_S * state.fs],
            beats=np.concatenate((state.beats, np.vstack((state.found[:, now], rr))), axis=1),
            strong=places[fixed : fixed + 9],
            strong_energy=float(energies[fixed]),
            beat=float(at[now[-1]]) if len(now) else state.beat,
        )

    def _flat_before(self, state: State, at: FloatArray) -> NDArray[np.bool_]:
        """Tell which of the beats have a second without any signal between them and the last."""
        flat = np.flatnonzero(state.seconds <= FLAT_MV2) + (_BLOCK * state.block - _LEAD)
        return (
            np.diff(
                np.searchsorted(flat * state.fs, at),
                prepend=np.searchsorted(flat * state.fs, state.beat),
            )
            > 0
        )

    def _separate(self, t_s: FloatArray, energy: FloatArray) -> NDArray[np.bool_]:
        """Tell which of the peaks are no T wave, and not too close to a stronger one."""
        keep = np.ones(len(t_s), np.bool_)
        for apart in (1, 2):
            gap = t_s[apart:] - t_s[:-apart]
            before, after = energy[:-apart], energy[apart:]
            close = gap < self.refractory_s
            keep[apart:] &= ~(close & (after <= before))
            keep[apart:] &= ~((gap < self.t_wave_s) & (after < before / 4))
            keep[:-apart] &= ~(close & (before < after))
        return keep

    def _overlooked(
        self, beats_s: FloatArray, energies: FloatArray, t_s: FloatArray, energy: FloatArray
    ) -> NDArray[np.bool_]:
        """Tell which of the weak peaks at `t_s` are beats, between the strong ones.

        beats_s holds eight strong beats before the one that energies[0] belongs to.
        """
        usual = quantile(sliding_window_view(np.diff(beats_s), 8), 0.5)
        strong = np.nan_to_num(beats_s[8:], nan=-np.inf)
        gap = np.searchsorted(strong, t_s) - 1
        since = t_s - strong[gap]
        until = np.minimum(np.append(strong, np.inf)[gap + 1] - t_s, _AHEAD_S)
        keep = (gap >= 0) & (since + until > self.missed * usual[gap])
        keep &= (since > self.refractory_s) & (until > self.refractory_s)
        keep &= ~((since < self.t_wave_s) & (energy < energies[gap] / 4))
        left = np.flatnonzero(keep)
        apart = np.minimum(usual[gap[left]] / 2, 1.0)
        for n in range(1, len(left)):
            a, b = left[:-n], left[n:]
            rivals = (gap[a] == gap[b]) & (t_s[b] - t_s[a] < apart[n:])
            if not rivals.any():
                break
            keep[b] &= ~(rivals & (energy[b] <= energy[a]))
            keep[a] &= ~(rivals & (energy[a] < energy[b]))
        return keep


@lru_cache(maxsize=64)
def _grid(of: EcgBeats, fs: float) -> Grid:
    return Grid.at(fs, of.lag_s, of.window_s, of.refractory_s)


def _levels(seconds: FloatArray) -> FloatArray:
    """Return the level of every second from the `_MEMORY`-th to the last that has `_NEXT` after it.

    Seconds without a sample are NaN and do not count.
    """
    n = len(seconds) - _MEMORY - _NEXT
    if n <= 0:
        return _empty(0)
    around = sliding_window_view(seconds[_MEMORY - _PAST :], _PAST + 1 + _NEXT)[:n]
    before = sliding_window_view(seconds, _MEMORY + 1)[:n]
    return np.fmax(quantile(around, 0.5), quantile(before, 0.5) / 16)


def _split(rows: FloatArray, at: float) -> tuple[FloatArray, FloatArray]:
    """Return the columns whose position (row 0, rising) is before `at`, and the others."""
    n = int(np.searchsorted(rows[0], at))
    return rows[:, :n], rows[:, n:].copy()


def _rows(values: FloatArray, row: NDArray[np.intp], n: int) -> FloatArray:
    """Return `values` in `n` rows as `row` (rising) says, padded with NaN to the longest."""
    column = np.arange(len(row)) - np.searchsorted(row, row)
    table = np.full((n, int(column.max(initial=-1)) + 1), np.nan)
    table[row, column] = values
    return table


def _runs(values: FloatArray) -> Iterator[tuple[FloatArray, bool]]:
    """Yield the stretches of `values` that were read and that were not, in order."""
    readable = np.abs(values) < _UNREAD_MV  # False for NaN
    edges = np.flatnonzero(np.diff(readable)) + 1
    for part in np.split(values, edges) if len(edges) else [values]:
        yield part, bool(abs(part[0]) < _UNREAD_MV)


SIGNAL = EcgBeats()
