"""QRS complexes of one lead: which of the peaks of slope energy (`slopes`) are beats.

A peak is a beat where it stands out of the level of the seconds around it, and is no wave
of a steeper neighbour: Pan & Tompkins 1985, doi:10.1109/TBME.1985.325532. Where we differ:

- the level is the fourth highest of the strongest energies of eleven seconds (eight past,
  two to come) and no running estimate: an artefact moves it little, a restart learns
  within seconds, and no decision hangs on the one before;
- it never falls below a sixteenth of the last half minute's, so that a long pause is not
  filled with beats made of noise;
- noise is what the calmest 0.2 s of each of these seconds hold, and not the peaks between
  beats: the T-P interval stays calm however tall the T wave, muscle noise does not;
- the T wave's limit (half the slope, for 360 ms) and the refractory period have no edges:
  the less steep, and the weaker, a neighbour is, the further it has to be from a beat. And
  they look back as well as forward: a P wave is no beat either.

No constant is decisive: thirty percent more or less of any of them moves the gross F1 on
the development half of MIT-BIH Arrhythmia by less than 0.1 % (`benchmarks/tasks/qrs.py`).

Every decision is local: it reads candidates at most `_BACK_S` before and `_AHEAD_S` after
its own, and seconds are counted from sample index 0. So it cannot show how the stream
was cut. Of a longer interval the state keeps whether it may hide a beat (`gaps`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from healthslm.signals.gaps import inside, lost
from healthslm.signals.levels import MEMORY, NEXT, levels
from healthslm.signals.quality import BLOCK_S, EPSILON_S, FLAT_MV2, quantile
from healthslm.signals.slopes import (
    ENERGY,
    PER_SECOND,
    ROWS,
    STEEP,
    STRONG,
    TIME,
    Grid,
    Measure,
    merge,
    slopes,
)
from healthslm.stage import FloatArray

_BACK_S, _AHEAD_S = 1.5, 1.75  # no decision reads a candidate further away
_LEAD = MEMORY + 2  # seconds before a block that its decisions read
_PEEK_S = 1.5  # after a block: the next beat is told with the next, but its time is known now
_BLOCK = round(BLOCK_S)

SETTLE_S = 4
"""Seconds after a block until every beat in it is decided."""

RR = -1
"""The last row of `Complexes.beats`: seconds from the beat before; NaN where none is known."""


def _empty(*shape: int) -> FloatArray:
    return np.empty(shape)


def _unknown(n: int) -> FloatArray:
    return np.full((PER_SECOND, n), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the next samples need to know of the ones before. Times: seconds from index 0."""

    fs: float = 0.0
    due: int = -1  # index of the next sample; -1 before the first
    block: int = 0  # the oldest block not yet told
    raw: FloatArray = field(default_factory=lambda: _empty(0))  # mV, the newest samples
    # see `Slopes`; from `_LEAD` seconds before the block on
    seconds: FloatArray = field(default_factory=lambda: _unknown(_LEAD))
    whole: int = 0  # the seconds before this one are complete
    found: FloatArray = field(default_factory=lambda: _empty(ROWS, 0))  # see `Slopes`
    rest: FloatArray = field(default_factory=lambda: _empty(2, 0))  # the same
    beats: FloatArray = field(default_factory=lambda: _empty(ROWS + 1, 0))  # not yet told
    strong_s: FloatArray = field(default_factory=lambda: np.full(9, np.nan))  # newest strong beats
    strong_mv: float = np.nan  # steepness of the newest of them
    beat_s: float = np.nan  # the newest of all
    beat_mv: float = np.nan  # its steepness
    doubt: bool = False  # one since then may be hidden
    lost_s: FloatArray = field(default_factory=lambda: _empty(1, 0))  # see `Complexes`

    @property
    def settled(self) -> int:
        """The first block in which something is still to be decided."""
        return (self.whole - SETTLE_S) // _BLOCK

    def block_at(self, index: int) -> int:
        """Return the block that the sample `index` is in."""
        return int(index / self.fs // BLOCK_S)


@dataclass(frozen=True, slots=True, eq=False)
class Complexes:
    """What some whole blocks hold."""

    beats: FloatArray  # shape (ROWS + more + 1, n): the rows of `Slopes.found`, then `RR`
    rest: FloatArray  # shape (2, k): see `Slopes`
    expected: float  # moments in `rest` of a block where every sample was read
    lost_s: FloatArray  # shape (1, k): the seconds that hold no beat since the lead stepped
    next_s: float  # from the last beat to the next; NaN where that is far, or not known


@dataclass(frozen=True, slots=True)
class QrsFinder:
    """Finds the beats of runs of samples, and hands them over by whole blocks."""

    lag_s: float = 1 / 30
    window_s: float = 0.1
    refractory_s: float = 0.2  # Pan & Tompkins 1985: the heart cannot beat again sooner
    relative_s: float = 0.3  # 200/min: until then a beat is nearly as strong as its neighbour
    wave_s: float = 0.5  # so near to a beat, before or after, a wave less steep is its P or T:
    wave_steep: float = 0.7  # share at `refractory_s`, half at 0.3 s as there, none at `wave_s`
    threshold: float = 0.1  # of the level: a third of its slope
    over_noise: float = 4.0  # and so many times what the calm of a second holds,
    noisy_threshold: float = 0.3  # but no more of the level than this
    missed: float = 1.66  # as there: so many usual intervals without a beat: look again,
    missed_threshold: float = 0.25  # of the threshold: for half the slope
    doubted: float = 1.5  # so many usual intervals, or so long, and an interval is told only
    doubted_s: float = 1.5  # where no such peak is in it (40/min): see `gaps`,
    stepped: float = 1.0  # and the lead moved by less than so many of its usual spans
    floor_mv2: float = 1e-3  # a complex of 0.05 mV; IEC 60601-2-27 lets 0.15 mV go unseen

    measure: Measure | None = None
    """What else is measured of each candidate: more rows for `Complexes.beats`."""

    def begun(self, fs: float, start: int) -> State:
        """Return the state before sample `start` of a stream at `fs`."""
        rows = ROWS + (self.measure.rows if self.measure else 0)
        state = State(fs, start, found=_empty(rows, 0), beats=_empty(rows + 1, 0))
        return replace(state, block=state.block_at(start))

    def scanned(self, state: State, values: FloatArray) -> State:
        """Return the state with the candidates of `values`, which follow at once."""
        grid = _grid(self, state.fs)
        new = slopes(grid, state.raw, state.due, values, self.floor_mv2, self.measure)
        at = new.first - (_BLOCK * state.block - _LEAD)
        seconds = _grown(state.seconds, at + new.seconds.shape[1])
        merge(seconds[:, at:], new.seconds)
        return replace(
            state,
            due=state.due + len(values),
            raw=new.tail,
            seconds=seconds,
            whole=grid.second(new.seen),
            found=np.concatenate((state.found, new.found), axis=1),
            rest=np.concatenate((state.rest, new.rest), axis=1),
        )

    def closed(self, state: State, due: int) -> State:
        """Return the state after the run of samples has ended: what is open is decided now.

        The next run begins at `due` or later.
        """
        done = self._decided(state, np.inf)
        none = done.found[:, :0].copy()
        begun = State(state.fs, due, state.block, found=none)
        return replace(begun, rest=done.rest, beats=done.beats, lost_s=done.lost_s)

    def handed(self, state: State, end: int) -> tuple[State, Complexes]:
        """Return the state without the blocks before `end`, and what these hold."""
        state = self._decided(state, end * BLOCK_S)
        beats, later = _split(state.beats, end * BLOCK_S)
        rest, rest_later = _split(state.rest, end * BLOCK_S)
        lost_s, lost_later = _split(state.lost_s, end * BLOCK_S)
        n, grid = end - state.block, _grid(self, state.fs)
        seconds = _grown(state.seconds, _BLOCK * n + _LEAD)[:, _BLOCK * n :].copy()
        after = replace(state, block=end, seconds=seconds, beats=later, rest=rest_later)
        after = replace(after, lost_s=lost_later)
        if not later.shape[1]:
            later = self._decided(after, end * BLOCK_S + _PEEK_S).beats
        next_s = float(later[RR, 0]) if later.shape[1] else np.nan
        expected = BLOCK_S * state.fs / (grid.stride * grid.cell)
        return after, Complexes(beats, rest, expected, lost_s, next_s)

    def _decided(self, state: State, end_s: float) -> State:
        """Return the state with all beats before `end_s` found; inf: where the run ends."""
        if not (state.whole or np.isinf(end_s)):  # nothing came since a run ended
            return state
        t_s, energy, steep = state.found[TIME], state.found[ENERGY], state.found[STEEP]
        begin_s = state.block * BLOCK_S
        limit = self._limit(state, np.isinf(end_s))
        strong = np.flatnonzero(energy > limit)
        strong = strong[self._separate(t_s[strong], energy[strong], steep[strong])]
        strong = strong[t_s[strong] >= begin_s]
        weak = np.flatnonzero((energy > self.missed_threshold * limit) & (energy <= limit))
        strong_s = np.concatenate((state.strong_s, t_s[strong]))
        strong_mv = np.concatenate(([state.strong_mv], steep[strong]))
        more = weak[self._overlooked(strong_s, strong_mv, t_s[weak], energy[weak], steep[weak])]
        both = np.sort(np.concatenate((strong, more)))
        now = both[(t_s[both] >= begin_s) & (t_s[both] < end_s)]
        beats_s, beats_mv = np.append(state.beat_s, t_s[now]), np.append(state.beat_mv, steep[now])
        rr_s = np.diff(beats_s)
        long = rr_s > self.doubted * _usual(strong_s, beats_s[:-1])
        long |= rr_s >= self.doubted_s - EPSILON_S
        others = np.setdiff1d(np.flatnonzero(energy > self.missed_threshold * limit), both)
        hidden, lost_s = self._stepped(state, beats_s, long, end_s)
        hidden |= self._suspects(beats_s, beats_mv, t_s[others], steep[others], end_s)
        hidden[0] |= state.doubt
        rr_s[(long & hidden[:-1]) | _flat(state, beats_s)] = np.nan
        fixed = np.count_nonzero(t_s[strong] < end_s)
        return replace(
            state,
            found=state.found[:, t_s >= end_s - _BACK_S],
            beats=np.concatenate((state.beats, np.vstack((state.found[:, now], rr_s))), axis=1),
            strong_s=strong_s[fixed : fixed + 9],
            strong_mv=float(strong_mv[fixed]),
            beat_s=float(beats_s[-1]),
            beat_mv=float(beats_mv[-1]),
            doubt=bool(hidden[-1]),
            lost_s=np.concatenate((state.lost_s, lost_s[None]), axis=1),
        )

    def _stepped(
        self, state: State, beats_s: FloatArray, long: NDArray[np.bool_], end_s: float
    ) -> tuple[NDArray[np.bool_], FloatArray]:
        """Tell after which beats the lead stepped, and the seconds before `end_s` lost by it."""
        begin = _BLOCK * state.block
        end = int(min(end_s, begin - _LEAD + state.seconds.shape[1]))
        return lost(state.seconds, begin - _LEAD, begin, end, beats_s, long, self.stepped)

    def _suspects(
        self,
        beats_s: FloatArray,
        beats_mv: FloatArray,
        t_s: FloatArray,
        steep: FloatArray,
        end_s: float,
    ) -> NDArray[np.bool_]:
        """Tell after which beats one of the peaks at `t_s`, which are none, may yet be one.

        After the last beat those count that will not be at hand when the next is known.
        """
        before, since, until = inside(t_s, beats_s)
        may = (before >= 0) & (np.isfinite(until) | (t_s < end_s - _BACK_S))
        may &= (since > self.refractory_s) & (until > self.refractory_s)
        may &= ~(steep < self._wave(since) * beats_mv[before])
        may &= ~(steep < self._wave(until) * np.append(beats_mv, 0.0)[before + 1])
        held = np.zeros(len(beats_s), np.bool_)
        held[before[may]] = True
        return held

    def _limit(self, state: State, closing: bool) -> FloatArray:
        """Return the energy above which each candidate is a beat; inf where it is not known yet."""
        first = _BLOCK * state.block - _LEAD
        seconds = np.concatenate((state.seconds, _unknown(NEXT)), axis=1)
        level, noise = levels(seconds if closing else seconds[:, : state.whole - first])
        limit = np.fmin(self.over_noise * noise, self.noisy_threshold * level)
        limit = np.append(np.fmax(limit, self.threshold * level), np.inf)
        second = state.found[TIME].astype(np.intp) - (first + MEMORY)
        known = (second >= 0) & (second < len(level))
        picked: FloatArray = limit[np.where(known, second, -1)]
        return picked

    def _wave(self, gap_s: FloatArray) -> FloatArray:
        """Return how steep a wave may be so far from a beat, as a share of the beat's steepness."""
        left = (self.wave_s - gap_s) / (self.wave_s - self.refractory_s)
        return self.wave_steep * np.clip(left, 0.0, 1.0)

    def _weak(self, gap_s: FloatArray) -> FloatArray:
        """Return below what share of a beat's energy another so close to it is noise."""
        left = (self.relative_s - gap_s) / (self.relative_s - self.refractory_s)
        return np.clip(left, 0.0, 1.0)

    def _separate(
        self, t_s: FloatArray, energy: FloatArray, steep: FloatArray
    ) -> NDArray[np.bool_]:
        """Tell which of the peaks are no P or T wave, and not too close to a stronger one."""
        keep = np.ones(len(t_s), np.bool_)
        for apart in (1, 2):
            gap = t_s[apart:] - t_s[:-apart]
            before, after, share = energy[:-apart], energy[apart:], self._weak(gap)
            keep[apart:] &= ~((after < share * before) | ((share == 1.0) & (after == before)))
            keep[:-apart] &= ~(before < share * after)
            before, after, share = steep[:-apart], steep[apart:], self._wave(gap)
            keep[apart:] &= ~(after < share * before)
            keep[:-apart] &= ~(before < share * after)
        return keep

    def _overlooked(
        self,
        beats_s: FloatArray,
        beats_mv: FloatArray,
        t_s: FloatArray,
        energy: FloatArray,
        steep: FloatArray,
    ) -> NDArray[np.bool_]:
        """Tell which of the weak peaks at `t_s` are beats, between the strong ones.

        beats_s holds eight strong beats before the one that beats_mv[0] is of.
        """
        strong = np.nan_to_num(beats_s[8:], nan=-np.inf)
        usual = quantile(sliding_window_view(np.diff(beats_s), 8), 0.5)
        gap = np.searchsorted(strong, t_s) - 1
        since = t_s - strong[gap]
        until = np.minimum(np.append(strong, np.inf)[gap + 1] - t_s, _AHEAD_S)
        keep = (gap >= 0) & (since + until > self.missed * usual[gap])
        keep &= (since > self.refractory_s) & (until > self.refractory_s)
        keep &= ~(steep < self._wave(since) * beats_mv[gap])
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
def _grid(of: QrsFinder, fs: float) -> Grid:
    return Grid.at(fs, of.lag_s, of.window_s, of.refractory_s)


def _flat(state: State, beats_s: FloatArray) -> NDArray[np.bool_]:
    """Tell which intervals hold a second of a lead that gives nothing."""
    flat = np.flatnonzero(state.seconds[STRONG] <= FLAT_MV2) + (_BLOCK * state.block - _LEAD)
    held: NDArray[np.bool_] = np.diff(np.searchsorted(flat, beats_s)) > 0
    return held


def _usual(strong_s: FloatArray, t_s: FloatArray) -> FloatArray:
    """Return the median of the eight intervals before each of `t_s`; NaN where not known.

    strong_s holds eight strong beats before the first that counts.
    """
    usual = quantile(sliding_window_view(np.diff(strong_s), 8), 0.5)
    at = np.searchsorted(np.nan_to_num(strong_s[8:], nan=-np.inf), t_s, side="right") - 1
    return np.where(at >= 0, usual[at], np.nan)


def _split(rows: FloatArray, at_s: float) -> tuple[FloatArray, FloatArray]:
    """Return the columns whose time (row 0, rising) is before `at_s`, and the others."""
    n = int(np.searchsorted(rows[0], at_s))
    return rows[:, :n], rows[:, n:].copy()


def _grown(seconds: FloatArray, n: int) -> FloatArray:
    """Return a copy of `seconds` with at least `n` columns; the new ones are unknown."""
    return np.concatenate((seconds, _unknown(max(0, n - seconds.shape[1]))), axis=1)
