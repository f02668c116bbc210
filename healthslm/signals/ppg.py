"""Pulses from a photoplethysmogram, and how far the signal can be trusted.

A pulse is where the signal rises most steeply: slope is what the slope sum function of Zong
et al. 2003 (doi:10.1109/CIC.2003.1291140) detects with, it ignores offset and drift, and
its peak is sharp, so that time between samples can be read from it.

Where we differ from the paper:

- the slope is a smooth one (a derivative of a Hann window of 0.24 s), not a sum of rises;
- the height a pulse must have is taken from the highest within a second to both sides; the
  pulses before only tell what is too faint to end a pause, and are forgotten in 5 s;
- a rise soon after a pulse, and much less steep, is its second (dicrotic) wave;
- t_s is the steepest rise itself; the foot of the pulse lies about 0.1 s before it.

Blocks are counted from sample index 0, so nothing shows how the stream was cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.signal import lfilter

from healthslm.records import Beat, Chunk, Vital
from healthslm.signals.quality import BLOCK_S
from healthslm.signals.runs import finite_runs
from healthslm.stage import FloatArray

_WINDOW_S = 0.24  # of the smooth slope: passes 0.5 to 8 Hz well, as Elgendi 2013 filters
_AROUND_S = 1.0  # a pulse is compared with what lies so far to both sides
_SHAPE_S = (-0.25, 0.4)  # around its rise lies the shape of a pulse; its neighbours do not
_SHAPE_POINTS = 14
_MEMORY = 8  # pulses that a new one is compared with
_FLAT_S = 0.25  # unchanged for longer: unplugged, or clipped


def _empty() -> FloatArray:
    return np.empty(0)


@dataclass(frozen=True, slots=True)
class Block:
    """What is known of 10 s that are not over yet; positions in samples from index 0."""

    index: int
    readable: int = 0  # samples that were read and move
    likeness: float = 0.0  # sum over the pulses that could be compared
    compared: int = 0
    newest: float = 0.0  # the last pulse, or the beginning of the block
    hole: float = 0.0  # longest stretch without a pulse


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the next chunk needs to know of the ones before; positions as in `Block`."""

    stream: str = ""
    epoch_s: float = 0.0
    fs: float = 0.0
    due: int = -1  # index of the next sample; -1 before the first
    value: float = np.nan  # the newest sample
    changed: int = 0  # since when it has this value
    delays: FloatArray = field(default_factory=_empty)  # of the slope filter; empty: begin anew
    slope: FloatArray = field(default_factory=_empty)  # up to the newest
    decided: int = 0  # everything before this position is
    pulse: float | None = None  # the newest one; None: nothing to measure an interval from
    heights: tuple[float, ...] = ()  # slopes of the newest pulses
    shape: FloatArray = field(default_factory=_empty)  # their mean
    blocks: tuple[Block, ...] = ()  # oldest first


@dataclass(frozen=True, slots=True)
class PpgPulses:
    """Pulses, and the quality of every 10 s of one PPG; 25 to 250 Hz, 30 to 220/min.

    A gap, an unread sample (NaN) or a change of clock ends the evidence: the pulses of the
    second before are not told, and the first one after has no interval and is not yet good.

    A pulse is good when its shape and height are like those of the pulses before it: a
    correlation of 0.86 at least (Orphanidou et al. 2015, doi:10.1109/JBHI.2014.2338351). The
    quality of a block is 1 where its pulses are all alike, 0.5 where their mean likeness is
    at that limit, less by its unreadable share, and 0 where no pulse is seen for 3 s.

    Where we differ from Orphanidou: a rate of 30 to 39 or 181 to 220/min, and intervals
    that vary more than 2.2-fold, do not fail a block, for they may be the finding; a block
    is not failed but scored; the template is a running mean.
    """

    reads: ClassVar[tuple[str, ...]] = ("ppg",)
    chunks: ClassVar[bool] = True
    latency_s: ClassVar[float] = 2.0
    """Outputs lag the samples by less; what lies before a gap is told when the gap ends."""

    share: float = 0.2  # of the steepest rise around it: less is no pulse
    dicrotic: float = 0.35  # of the pulse before: a second wave is less steep ...
    dicrotic_s: float = 0.45  # ... and follows so soon
    faint: float = 0.2  # of the usual pulse: less is noise in a pause ...
    forget_s: float = 5.0  # ... up to so long after the last pulse
    refractory_s: float = 0.2  # no two pulses closer than this
    likeness: float = 0.86  # correlation with the pulses before, for a good one
    height_factor: float = 2.5  # and so many times higher or lower at most
    rival: float = 0.5  # another rise of so much of its height ...
    rival_s: float = 0.25  # ... closer than this is no heart's: 220/min are 0.273 s apart
    hole_s: float = 3.0  # without a pulse

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk, /) -> tuple[State, tuple[Beat | Vital, ...]]:
        """Take samples; return the pulses and block qualities they settle."""
        told: list[Beat | Vital] = []
        clock = (chunk.stream, chunk.epoch_s, chunk.fs)
        if clock != (state.stream, state.epoch_s, state.fs) or chunk.start < state.due:
            state = State(*clock, due=chunk.start, decided=chunk.start)
        elif chunk.start != state.due:
            state = _anew(self._pass(state, chunk.start, told), chunk.start)
        at = chunk.start
        for values in finite_runs(chunk.values):
            at += len(values)
            if np.isfinite(values[0]):
                state, moving = _moving(state, values)
                state = self._decide(_slope(_counted(state, moving), values), told)
            else:
                state = _anew(_counted(state, np.isfinite(values)), at)
            state = self._pass(state, state.decided - 1, told)
        return state, tuple(told)

    def _decide(self, state: State, told: list[Beat | Vital]) -> State:
        """Find the pulses up to a second before the newest slope."""
        fs, slope = state.fs, state.slope
        around, near = round(_AROUND_S * fs), int(self.refractory_s * fs)
        first = state.due - _half(fs) - len(slope)  # position of slope[0]
        end = state.due - _half(fs) - around
        if end <= state.decided:
            return state
        peak = slope >= self.share * _highest(slope, around)
        peak &= (slope > 0) & (slope == _highest(slope, near))
        peak[1:] &= slope[1:] > slope[:-1]
        peak[:-1] &= slope[:-1] >= slope[1:]
        peak[0] = False
        for i in np.flatnonzero(peak[state.decided - first : end - first]).tolist():
            at = i + state.decided - first
            state = self._pulse(state, first, at, told)
        keep = max(end - around - 1 - first, 0)
        return replace(state, decided=end, slope=slope[keep:].copy())

    def _pulse(self, state: State, first: int, at: int, told: list[Beat | Vital]) -> State:
        """Take the pulse that rises most steeply at slope[at], the sample `first + at`."""
        before, height, after = state.slope[at - 1 : at + 2].tolist()
        offset = (before - after) / (before - 2 * height + after) / 2  # parabola
        pulse = first + at + offset
        if state.pulse is not None:
            since_s = (pulse - state.pulse) / state.fs
            faint = height < self.faint * median(state.heights)
            notch = since_s < self.dicrotic_s and height < self.dicrotic * state.heights[-1]
            if since_s < self.refractory_s or notch or (faint and since_s < self.forget_s):
                return state
            if since_s >= self.forget_s:
                state = replace(state, heights=())
        state = self._pass(state, pulse, told)
        shape = _shape(state.slope, at, offset, state.fs)
        likeness = None if not state.heights else self._likeness(state, at, shape)
        good = likeness is not None and likeness >= self.likeness
        rr_s = None if state.pulse is None else (pulse - state.pulse) / state.fs
        at_s = state.epoch_s + pulse / state.fs
        told.append(Beat("pulse", state.stream, at_s, rr_s, good))
        n = len(state.heights) + 1
        return replace(
            state,
            pulse=pulse,
            heights=(*state.heights, height)[1 - _MEMORY :],
            shape=shape if n == 1 else state.shape + (shape - state.shape) / n,
            blocks=(_seen(state.blocks[0], pulse, likeness), *state.blocks[1:]),
        )

    def _likeness(self, state: State, at: int, shape: FloatArray) -> float:
        """Return how like the pulses before it a pulse is, 0 to 1."""
        height, usual = float(state.slope[at]), median(state.heights)
        if not usual / self.height_factor <= height <= usual * self.height_factor:
            return 0.0
        near = int(self.rival_s * state.fs)
        if any(
            self._rivals(rises, height)
            for rises in (
                state.slope[max(at - near, 0) : at][::-1],
                state.slope[at : at + near + 1],
            )
        ):
            return 0.0  # a tremor: faster than any heart
        return max(float(np.sum(shape * state.shape)) / float(np.sqrt(np.sum(state.shape**2))), 0.0)

    def _rivals(self, rises: FloatArray, height: float) -> bool:
        """Tell whether, going away from a pulse, the signal falls and then rises as steeply."""
        falls = np.flatnonzero(rises <= 0)
        beyond = rises[falls[0] :] if len(falls) else falls
        top = int(np.argmax(beyond)) if len(beyond) else 0
        return top + 1 < len(beyond) and float(beyond[top]) >= self.rival * height

    def _pass(self, state: State, position: float, told: list[Beat | Vital]) -> State:
        """Tell the quality of the blocks that end at `position` or before."""
        size = _size(state.fs)
        while state.blocks and (state.blocks[0].index + 1) * size <= position:
            block, end = state.blocks[0], (state.blocks[0].index + 1) * size
            unlike = 1.0 - block.likeness / max(block.compared, 1)
            trust = max(1.0 - 0.5 * unlike / (1.0 - self.likeness), 0.0)  # half at the limit
            hole_s = max(block.hole, end - block.newest) / state.fs
            quality = 0.0 if hole_s > self.hole_s else trust * block.readable / size
            end_s = state.epoch_s + end / state.fs
            told.append(Vital("ppg_quality", state.stream, end_s, quality))
            state = replace(state, blocks=state.blocks[1:])
        return state


def _size(fs: float) -> int:
    """Return the length of a block in samples."""
    return round(BLOCK_S * fs)


def _half(fs: float) -> int:
    """Return the delay of the slope filter in samples: half its length."""
    return max(round(_WINDOW_S / 2 * fs), 1)


def _highest(slope: FloatArray, near: int) -> FloatArray:
    """Return for each slope the highest that lies so many samples away at most."""
    highest: FloatArray = maximum_filter1d(slope, 2 * near + 1, mode="constant", cval=-np.inf)
    return highest


def _anew(state: State, at: int) -> State:
    """Return the state that begins at sample `at`: it still knows the open blocks, no more."""
    clock = (state.stream, state.epoch_s, state.fs)
    return State(*clock, due=at, decided=at, blocks=state.blocks)


def _moving(state: State, values: FloatArray) -> tuple[State, NDArray[np.bool_]]:
    """Tell of each sample whether it, or one shortly before, differs from the one before it."""
    positions = np.arange(state.due, state.due + len(values))
    same = np.diff(values, prepend=state.value) == 0
    changed = np.maximum.accumulate(np.where(same, state.changed, positions))
    state = replace(state, value=float(values[-1]), changed=int(changed[-1]))
    return state, positions - changed < max(_FLAT_S * state.fs, 1)


def _counted(state: State, readable: NDArray[np.bool_]) -> State:
    """Count the readable samples, block by block."""
    n, size, start, blocks = len(readable), _size(state.fs), state.due, state.blocks
    for index in range(start // size, (start + n - 1) // size + 1):
        part = readable[max(index * size - start, 0) : (index + 1) * size - start]
        if not blocks or blocks[-1].index < index:
            blocks = (*blocks, Block(index, newest=float(index * size)))
        last = replace(blocks[-1], readable=blocks[-1].readable + int(np.sum(part)))
        blocks = (*blocks[:-1], last)
    return replace(state, blocks=blocks)


def _slope(state: State, values: FloatArray) -> State:
    """Filter one run of samples; the slope lies half a filter before them."""
    half = _half(state.fs)
    taps = np.sin(np.pi * np.arange(2 * half + 1) / half)
    delays = state.delays
    begins = len(delays) == 0
    if begins:  # as if the first sample had always been there
        delays = values[0] * np.cumsum(taps[:0:-1])[::-1]
    slope, delays = lfilter(taps, [1.0, 0.0], values, zi=delays)
    slope = np.concatenate((state.slope, slope))
    return replace(state, due=state.due + len(values), delays=delays, slope=slope)


def _shape(slope: FloatArray, at: int, offset: float, fs: float) -> FloatArray:
    """Return the shape of the pulse at slope[at + offset]: the slope around it, without size."""
    low, high = max(at - round(_AROUND_S * fs), 0), at + round(_AROUND_S * fs)
    where = offset + np.linspace(*_SHAPE_S, _SHAPE_POINTS) * fs
    shape: FloatArray = np.interp(where, np.arange(low - at, high - at), slope[low:high])
    spread: FloatArray = shape - np.mean(shape)
    shape = spread / np.sqrt(np.sum(spread**2))
    return shape


def _seen(block: Block, pulse: float, likeness: float | None) -> Block:
    """Count a pulse into its block."""
    return replace(
        block,
        likeness=block.likeness + (likeness or 0.0),
        compared=block.compared + (likeness is not None),
        newest=pulse,
        hole=max(block.hole, pulse - block.newest),
    )


SIGNAL = PpgPulses()
