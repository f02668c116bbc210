"""Where an ECG is steep: the candidates for a heart beat.

Samples are averaged in cells of about 11 ms. The second difference of the cells over
33 ms (it passes the 5 to 25 Hz of a QRS complex, and neither offset nor polarity) is
squared and averaged over 100 ms: the slope energy of Pan & Tompkins 1985,
doi:10.1109/TBME.1985.325532. Its peaks are the candidates. Where we differ: a candidate's
time is that of the R peak in the raw signal, between samples, and not the energy's.

Cells are counted from sample index 0 and every value is the same few additions of the
same samples in the same order, so how the samples came in pieces leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from healthslm.stage import FloatArray

IntArray = NDArray[np.intp]

_PIECE = 1 << 16  # samples worked on at a time: they stay in the processor's cache
_TOP_S = 0.008  # half the part of an R peak that is taken for a parabola
_FAR_S = 0.07  # from the energy's peak to the R peak at most: half a wide complex
_NEAR_S = 0.15  # to both sides: the mean of these is what a deflection is measured from

TIME, ENERGY, CUT, STEEP = range(4)
"""Rows of `Slopes.found`."""

ROWS = 4
"""How many these are; what a `Measure` adds comes after them."""

STRONG, CALM, HIGH, LOW, HELD_HIGH, HELD_LOW = range(6)
"""Rows of `Slopes.seconds`: the even ones are greatest, the odd ones least."""

PER_SECOND = 6
"""How many these are."""


class Measure(Protocol):
    """Measures the shape of candidates while the signal around them is at hand."""

    @property
    def rows(self) -> int:
        """How many rows it gives."""

    def __call__(self, raw: FloatArray, places: IntArray, fs: float, /) -> FloatArray:
        """Return what it measures, shape (rows, n).

        Parameters
        ----------
        raw
            Shape (m,), mV.
        places
            Shape (n,): indices in `raw` of the highest (or lowest) sample of each candidate;
            0.2 s to both sides are there.
        fs
            Sampling rate, Hz.
        """


@dataclass(frozen=True, slots=True)
class Grid:
    """Lengths at one sampling rate: `cell` in samples, the others in cells."""

    fs: float  # Hz
    cell: int  # samples averaged into one
    lag: int  # of the difference
    half: int  # of the energy's window, its middle left out
    near: int  # a candidate is the highest this far to both sides

    @classmethod
    def at(cls, fs: float, lag_s: float, window_s: float, near_s: float) -> Grid:
        """Return the grid of about 90 cells a second."""
        cell = max(1, round(fs / 90))
        rate = fs / cell
        half = max(1, round(window_s * rate / 2))
        return cls(fs, cell, max(1, round(lag_s * rate)), half, max(1, round(near_s * rate)))

    @property
    def reach(self) -> int:
        """Cells on both sides that a candidate depends on."""
        return self.lag + self.half + self.near

    @property
    def stride(self) -> int:
        """Cells between the energies kept for quality: no beat keeps time with it."""
        return 4 * self.half + 1

    def second(self, cells: int) -> int:
        """Return how many whole seconds the first `cells` cells hold."""
        return int(cells * self.cell / self.fs)


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """What a run of samples holds. Times in seconds from sample index 0, energies in mV²."""

    tail: FloatArray  # shape (n,), mV: the newest samples, which later candidates need
    found: FloatArray  # shape (ROWS + more, n): candidates, see `_peaks`
    rest: FloatArray  # shape (2, n): time and energy, every `stride` cells
    first: int  # the second that seconds[:, 0] belongs to
    seconds: FloatArray  # shape (PER_SECOND, n): of each second, so far, see `_by_second`
    seen: int  # cells examined, from index 0


def slopes(
    grid: Grid,
    tail: FloatArray,
    due: int,
    values: FloatArray,
    floor: float,
    measure: Measure | None = None,
) -> Slopes:
    """Find the candidates in `values`, which follow `tail` without a gap.

    Parameters
    ----------
    tail
        Shape (m,), mV: the `Slopes.tail` of the samples before; empty where a run begins.
    due
        Index of values[0].
    values
        Shape (n,), n >= 1, mV, finite.
    floor
        Energy up to which nothing is a candidate, mV².
    measure
        What else to measure of each candidate.
    """
    parts = []
    for i in range(0, len(values), _PIECE):
        begin, end = i - len(tail), i + _PIECE
        raw = values[begin:end] if begin >= 0 else np.concatenate((tail, values[i:end]))
        parts.append(_piece(grid, raw, due + begin, floor, measure))
        tail = parts[-1].tail
    first = parts[0].first
    n = grid.second(max(parts[-1].seen - 1, 0)) + 1 - first
    seconds = np.tile([[-np.inf], [np.inf]], (PER_SECOND // 2, n))
    for part in parts:
        merge(seconds[:, part.first - first :], part.seconds)
    found = np.concatenate([p.found for p in parts], axis=1)
    rest = np.concatenate([p.rest for p in parts], axis=1)
    return Slopes(tail.copy(), found, rest, first, seconds, parts[-1].seen)


def _piece(
    grid: Grid, raw: FloatArray, start: int, floor: float, measure: Measure | None
) -> Slopes:
    """Examine the cells of `raw`, whose first sample has index `start`."""
    cell, lag, half, near = grid.cell, grid.lag, grid.half, grid.near
    begin = -(-start // cell)  # the first whole cell
    n = (start + len(raw)) // cell - begin
    new = n - 2 * grid.reach  # cells whose whole surroundings are here
    if new <= 0:
        seen = begin + grid.reach
        rows = ROWS + (measure.rows if measure else 0)
        none = np.empty((PER_SECOND, 0))
        return Slopes(raw, np.empty((rows, 0)), np.empty((2, 0)), grid.second(seen), none, seen)
    raw = raw[begin * cell - start :]
    cells = raw[: n * cell : cell].copy()
    for i in range(1, cell):
        cells += raw[i : n * cell : cell]
    cells *= 1 / cell
    bend = 2 * cells[lag:-lag]
    bend -= cells[2 * lag :]
    bend -= cells[: -2 * lag]
    energy = _mean(bend * bend, 2 * half + 1)
    high = _highest(energy, near)  # high[i]: the highest from i to i + near - 1
    middle = energy[near:-near]
    peak = (middle > high[:new]) & (middle >= high[near + 1 :]) & (middle > floor)
    at = np.flatnonzero(peak)
    seen = begin + grid.reach  # the first cell examined here
    keep = -(seen % -grid.stride)
    kept = middle[keep :: grid.stride]
    kept_s = (seen + keep + grid.stride * np.arange(len(kept))) * cell / grid.fs
    first, seconds = _by_second(grid, middle, high[:new], cells[grid.reach :], seen)
    return Slopes(
        raw[new * cell :],
        _peaks(grid, raw, cells, at + grid.reach, middle[at], begin * cell, measure),
        np.stack((kept_s, kept)),
        first,
        seconds,
        seen + new,
    )


def _mean(values: FloatArray, width: int) -> FloatArray:
    """Return the mean of every `width` neighbours, shape (n - width + 1,)."""
    n = len(values) - width + 1
    total = values[:n].copy()
    for i in range(1, width):
        total += values[i : i + n]
    total *= 1 / width
    return total


def _highest(values: FloatArray, width: int) -> FloatArray:
    """Return the maximum of every `width` neighbours, shape (n - width + 1,)."""
    span = 1
    while 2 * span <= width:
        values, span = np.maximum(values[:-span], values[span:]), 2 * span
    rest = width - span
    return np.maximum(values[:-rest], values[rest:]) if rest else values


def merge(seconds: FloatArray, more: FloatArray) -> None:
    """Take more cells of the first seconds of `seconds` into account; NaN is nothing yet."""
    n = more.shape[1]
    np.fmax(seconds[::2, :n], more[::2], out=seconds[::2, :n])
    np.fmin(seconds[1::2, :n], more[1::2], out=seconds[1::2, :n])


def _by_second(
    grid: Grid, energy: FloatArray, high: FloatArray, cells: FloatArray, begin: int
) -> tuple[int, FloatArray]:
    """Return the first second that the cells from `begin` touch, and `Slopes.seconds` from there.

    The calmest energy of a second is the least of `high`, the highest within 0.2 s: the T-P
    interval where the signal is clean, and noise where it is not. Of the signal, mV: how high
    and how low it comes, and the same for 0.2 s on end, which no complex lasts.
    """
    n, near = len(energy), grid.near
    first, last = grid.second(begin), grid.second(begin + n - 1)
    starts = np.ceil(np.arange(first, last + 1) * grid.fs / grid.cell).astype(np.intp) - begin
    starts[0] = 0
    held_high, held_low = (
        -_highest(-cells[: n + near - 1], near),
        _highest(cells[: n + near - 1], near),
    )
    most, least = (energy, cells[:n], held_high), (high, cells[:n], held_low)
    rows = np.empty((PER_SECOND, len(starts)))
    for i in range(PER_SECOND // 2):
        np.maximum.reduceat(most[i], starts, out=rows[2 * i])
        np.minimum.reduceat(least[i], starts, out=rows[2 * i + 1])
    return first, rows


def _peaks(
    grid: Grid,
    raw: FloatArray,
    around: FloatArray,
    at: IntArray,
    energy: FloatArray,
    start: int,
    measure: Measure | None,
) -> FloatArray:
    """Return the rows of the R peak at each cell of `at`, shape (ROWS + more, n).

    The peak is the sample farthest from the mean of the third of a second around, upwards or
    downwards; its place between samples is the top of the parabola through it and those 8 ms
    away. It is cut off where 20 ms (and three samples) in a row are as high. Steepness is the
    greatest difference of neighbouring cells near it, mV.
    """
    cell, rate = grid.cell, grid.fs / grid.cell
    near, far = max(1, round(_NEAR_S * rate)), max(1, round(_FAR_S * rate))
    cells = around[at[:, None] + np.arange(-near, near + 1)]  # shape (n, 2 near + 1)
    level = cells.mean(axis=1)
    cells = cells[:, near - far : near + far + 1]
    steep = np.abs(cells[:, 1:] - cells[:, :-1]).max(axis=1)
    cells = cells - level[:, None]
    row = np.arange(len(at))
    best = np.abs(cells).argmax(axis=1)
    upright = np.sign(cells[row, best])
    left = (at + best - (far + 1)) * cell  # first sample of the cell before
    window = raw[left[:, None] + np.arange(3 * cell)] * upright[:, None]  # shape (n, 3 cell)
    top = window.argmax(axis=1)
    height = window[row, top]
    place = left + top
    step = max(1, round(_TOP_S * grid.fs))
    before, after = raw[place - step] * upright, raw[place + step] * upright
    curve = before - 2 * height + after
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = np.where(curve < 0, (before - after) / curve * (step / 2), 0.0)
    cut = np.sum(window == height[:, None], axis=1) >= max(3, round(0.02 * grid.fs))
    peak = (place + start) + np.clip(shift, -step, step)  # exact until the last addition
    rows = np.stack((peak / grid.fs, energy, cut.astype(np.float64), steep))
    if measure is None:
        return rows
    return np.concatenate((rows, measure(raw, place, grid.fs)))
