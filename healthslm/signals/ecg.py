"""Heart beats from one lead of ECG, and how far the signal can be trusted.

A peak of slope energy (`slopes`) is a beat where it stands out of the level of the
seconds around it: Pan & Tompkins 1985, doi:10.1109/TBME.1985.325532. Where we differ:

- the level is the fourth highest of the strongest energies of eleven seconds (eight past,
  two to come) and no running estimate: an artefact moves it little, a restart learns
  within seconds, and no decision hangs on the one before;
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
_RANK = 0.7  # the fourth highest of these: below 30/min most seconds hold no beat
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
    """What the next chunk needs to know of the ones before. Times: seconds from index 0."""

    epoch_s: float = 0.0
    fs: float = 0.0
    due: int = -1  # index of the next sample; -1 before the first
    block: int = 0  # the oldest block not yet told
    raw: FloatArray = field(default_factory=lambda: _empty(0))  # mV, the newest samples
    # strongest energy of each second from `_LEAD` seconds before the block on, mV²
    seconds: FloatArray = field(default_factory=lambda: _unknown(_LEAD))
    whole: int = 0  # the seconds before this one are complete
    found: FloatArray = field(default_factory=lambda: _empty(3, 0))  # see `Slopes`
    rest: FloatArray = field(default_factory=lambda: _empty(2, 0))  # the same
    beats: FloatArray = field(default_factory=lambda: _empty(4, 0))  # found and rr_s, not yet told
    strong_s: FloatArray = field(default_factory=lambda: _unknown(9))  # newest beats over the level
    strong_mv2: float = np.nan  # energy of the newest of them
    beat_s: float = np.nan  # the newest of all

    def block_at(self, index: int) -> int:
        """Return the block that the sample `index` is in."""
        return int(index / self.fs // BLOCK_S)


@dataclass(frozen=True, slots=True)
class EcgBeats:
    """Beats of one ECG lead, and the quality of every 10 s of it.

    A gap, an unread sample (NaN) or a change of clock ends the evidence: no beat is found
    across it, and the first one after it has no interval. Nor has one after a flat second.
    """

    reads: ClassVar[tuple[str, ...]] = ("ecg",)
    chunks: ClassVar[bool] = True
    latency_s: ClassVar[float] = BLOCK_S + _SETTLE + 1.0
    """Outputs lag the input by less."""

    lag_s: float = 1 / 30
    window_s: float = 0.1
    refractory_s: float = 0.2  # Pan & Tompkins 1985: the heart cannot beat again sooner
    t_wave_s: float = 0.36  # as there: until then, less than half the slope is a T wave
    threshold: float = 0.1  # of the level: a third of its slope
    missed: float = 1.66  # as there: so many usual intervals without a beat: look again,
    missed_threshold: float = 0.025  # for half that slope
    floor_mv2: float = 1e-3  # a complex of 0.05 mV; IEC 60601-2-27 lets 0.15 mV go unseen

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk, /) -> tuple[State, tuple[Beat | Vital, ...]]:
        """Take samples; return the beats and qualities of the blocks they settle."""
        told: list[Beat | Vital] = []
        if (chunk.epoch_s, chunk.fs) != (state.epoch_s, state.fs) or chunk.start < state.due:
            self._left(state, None, chunk.stream, told)
            state = State(chunk.epoch_s, chunk.fs)
        if chunk.start != state.due:
            state = self._left(state, chunk.start, chunk.stream, told)
        for values, readable in _runs(chunk.values):
            if readable:
                state = self._scanned(state, values)
                end = (state.whole - _SETTLE) // _BLOCK
            else:
                state = replace(self._closed(state), due=state.due + len(values))
                end = state.block_at(state.due)
            if end > state.block:
                state = self._settled(state, end, chunk.stream, told)
        return state, tuple(told)

    def _left(
        self, state: State, start: int | None, stream: str, told: list[Beat | Vital]
    ) -> State:
        """Tell what a jump to sample `start` (None: to another clock) leaves behind."""
        state = self._closed(state)
        if state.due > 0:
            end = state.block_at(state.due - 1) + 1
            if start is not None:
                end = min(end, state.block_at(start))
            if end > state.block:
                state = self._settled(state, end, stream, told)
        if start is None:
            return state
        return replace(state, due=start, block=state.block_at(start))

    def _scanned(self, state: State, values: FloatArray) -> State:
        """Return the state with the candidates of `values`, which follow at once."""
        grid = _grid(self, state.fs)
        new = slopes(grid, state.raw, state.due, values, self.floor_mv2)
        at = new.first - (_BLOCK * state.block - _LEAD)
        seconds = _grown(state.seconds, at + len(new.strongest))
        there = seconds[at : at + len(new.strongest)]
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
        done = self._decided(state, np.inf)
        return State(
            state.epoch_s, state.fs, state.due, state.block, rest=done.rest, beats=done.beats
        )

    def _settled(self, state: State, end: int, stream: str, told: list[Beat | Vital]) -> State:
        """Tell the blocks before `end`; return the state without them."""
        first, n = state.block, end - state.block
        state = self._decided(state, end * BLOCK_S)
        beats, later = _split(state.beats, end * BLOCK_S)
        rest, rest_later = _split(state.rest, end * BLOCK_S)
        grid = _grid(self, state.fs)
        expected = BLOCK_S * state.fs / (grid.stride * grid.cell)
        quality = ecg_quality(beats[:3], rest, first, n, expected)
        block = (beats[0] // BLOCK_S).astype(np.intp) - first
        stops = np.searchsorted(block, np.arange(n), side="right").tolist()
        times, rr = (state.epoch_s + beats[0]).tolist(), beats[3].tolist()
        at = 0
        for i, (value, stop) in enumerate(zip(quality.tolist(), stops, strict=True), 1):
            good = value >= GOOD
            for t_s, rr_s in zip(times[at:stop], rr[at:stop], strict=True):
                told.append(Beat("beat", stream, t_s, rr_s if rr_s == rr_s else None, good))
            at, end_s = stop, (first + i) * BLOCK_S
            told.append(Vital("ecg_quality", stream, state.epoch_s + end_s, value))
        seconds = _grown(state.seconds, _BLOCK * n + _LEAD)[_BLOCK * n :]
        return replace(state, block=end, seconds=seconds, beats=later, rest=rest_later)

    def _decided(self, state: State, end_s: float) -> State:
        """Return the state with all beats before `end_s` found; inf: where the run ends."""
        t_s, energy, _ = state.found
        if not len(t_s):
            return state
        begin_s = state.block * BLOCK_S
        over = energy / self._level(state, np.isinf(end_s))
        strong = np.flatnonzero(over > self.threshold)
        strong = strong[self._separate(t_s[strong], energy[strong])]
        strong = strong[t_s[strong] >= begin_s]
        weak = np.flatnonzero((over > self.missed_threshold) & (over <= self.threshold))
        strong_s = np.concatenate((state.strong_s, t_s[strong]))
        strong_mv2 = np.concatenate(([state.strong_mv2], energy[strong]))
        weak = weak[self._overlooked(strong_s, strong_mv2, t_s[weak], energy[weak])]
        both = np.sort(np.concatenate((strong, weak)))
        now = both[(t_s[both] >= begin_s) & (t_s[both] < end_s)]
        rr_s = np.diff(t_s[now], prepend=state.beat_s)
        flat = np.flatnonzero(state.seconds <= FLAT_MV2) + (_BLOCK * state.block - _LEAD)
        before = np.searchsorted(flat, np.append(state.beat_s, t_s[now]))
        rr_s[np.diff(before) > 0] = np.nan
        fixed = np.count_nonzero(t_s[strong] < end_s)
        return replace(
            state,
            found=state.found[:, t_s >= end_s - _BACK_S],
            beats=np.concatenate((state.beats, np.vstack((state.found[:, now], rr_s))), axis=1),
            strong_s=strong_s[fixed : fixed + 9],
            strong_mv2=float(strong_mv2[fixed]),
            beat_s=float(t_s[now[-1]]) if len(now) else state.beat_s,
        )

    def _level(self, state: State, closing: bool) -> FloatArray:
        """Return the level at each candidate, mV²; inf where it cannot be known yet."""
        first = _BLOCK * state.block - _LEAD
        seconds = np.concatenate((state.seconds, _unknown(_NEXT)))
        level = _levels(seconds if closing else seconds[: state.whole - first])
        second = state.found[0].astype(np.intp) - (first + _MEMORY)
        known = (second >= 0) & (second < len(level))
        return np.where(known, level[np.where(known, second, 0)], np.inf)

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
    around = sliding_window_view(seconds[_MEMORY - _PAST :], _PAST + 1 + _NEXT)[:n]
    before = sliding_window_view(seconds, _MEMORY + 1)[:n]
    return np.fmax(quantile(around, _RANK), quantile(before, 0.5) / 16)


def _split(rows: FloatArray, at_s: float) -> tuple[FloatArray, FloatArray]:
    """Return the columns whose time (row 0, rising) is before `at_s`, and the others."""
    n = int(np.searchsorted(rows[0], at_s))
    return rows[:, :n], rows[:, n:].copy()


def _grown(seconds: FloatArray, n: int) -> FloatArray:
    """Return a copy of `seconds` with at least `n` entries; the new ones are unknown."""
    return np.concatenate((seconds, _unknown(max(0, n - len(seconds)))))


def _runs(values: FloatArray) -> Iterator[tuple[FloatArray, bool]]:
    """Yield the stretches of `values` that were read and that were not, in order."""
    if values.min() > -_UNREAD_MV and values.max() < _UNREAD_MV:  # False with a NaN
        yield values, True
        return
    readable = np.abs(values) < _UNREAD_MV
    edges = np.flatnonzero(readable[1:] != readable[:-1]) + 1
    for part in np.split(values, edges):
        yield part, bool(abs(part[0]) < _UNREAD_MV)


SIGNAL = EcgBeats()
