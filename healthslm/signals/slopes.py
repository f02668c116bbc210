"""Where an ECG is steep: the candidates for a heart beat.

Samples are averaged in cells of about 11 ms. The second difference of the cells over
33 ms (it passes the 5 to 25 Hz of a QRS complex, and neither offset nor polarity) is
squared and averaged over 100 ms: the slope energy of Pan & Tompkins 1985,
doi:10.1109/TBME.1985.325532. Its peaks are the candidates.

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

TIME, ENERGY, CUT = range(3)
"""Rows of `Slopes.found`."""

ROWS = 3
"""How many these are; what a `Measure` adds comes after them."""


class Measure(Protocol):
    """Measures the shape of candidates while the signal around them is at hand."""

    rows: int
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
    found: FloatArray  # shape (ROWS + more, n): candidates' time, energy, 1 if the peak is cut off
    rest: FloatArray  # shape (2, n): time and energy, every `stride` cells
    first: int  # the second that strongest[0] belongs to
    strongest: FloatArray  # shape (n,): highest energy of each second seen, so far
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
        piece = values[i : i + _PIECE]
        raw = np.concatenate((tail, piece))
        parts.append(_piece(grid, raw, due + i + len(piece) - len(raw), floor, measure))
        tail = parts[-1].tail
    first = parts[0].first
    strongest = np.full(grid.second(max(parts[-1].seen - 1, 0)) + 1 - first, -np.inf)
    for part in parts:
        there = strongest[part.first - first :][: len(part.strongest)]
        np.maximum(there, part.strongest, out=there)
    found = np.concatenate([p.found for p in parts], axis=1)
    rest = np.concatenate([p.rest for p in parts], axis=1)
    return Slopes(tail.copy(), found, rest, first, strongest, parts[-1].seen)


def _piece(
    grid: Grid, raw: FloatArray, start: int, floor: float, measure: Measure | None
) -> Slopes:
    """Examine the cells of `raw`, whose first sample has index `start`."""
    cell, lag, half, near = grid.cell, grid.lag, grid.half, grid.near
    begin = -(-start // cell)  # the first whole cell
    n = (start + len(raw)) // cell - begin
    new = n - 2 * grid.reach  # cells whose whole surroundings are here
    if new <= 0:
        nothing = np.empty(0)
        seen = begin + grid.reach
        rows = ROWS + (measure.rows if measure else 0)
        return Slopes(raw, np.empty((rows, 0)), np.empty((2, 0)), grid.second(seen), nothing, seen)
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
    first, strongest = _by_second(grid, middle, seen)
    return Slopes(
        raw[new * cell :],
        _peaks(grid, raw, bend, at + grid.reach, middle[at], begin * cell, measure),
        np.stack((kept_s, kept)),
        first,
        strongest,
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


def _by_second(grid: Grid, energy: FloatArray, begin: int) -> tuple[int, FloatArray]:
    """Return the first second that `energy`, from cell `begin`, touches, and each one's highest."""
    first, last = grid.second(begin), grid.second(begin + len(energy) - 1)
    starts = np.ceil(np.arange(first, last + 1) * grid.fs / grid.cell).astype(np.intp) - begin
    starts[0] = 0
    return first, np.maximum.reduceat(energy, starts)


def _peaks(
    grid: Grid,
    raw: FloatArray,
    bend: FloatArray,
    at: IntArray,
    energy: FloatArray,
    start: int,
    measure: Measure | None,
) -> FloatArray:
    """Return the rows of the R peak at each cell of `at`, shape (ROWS + more, n).

    The peak lies where the signal bends most; its place between samples is the top of the
    parabola through the highest sample and those 8 ms away. It is cut off where 20 ms
    (and three samples) in a row are as high.
    """
    cell, around = grid.cell, np.arange(-grid.half, grid.half + 1)
    near = bend[(at - grid.lag)[:, None] + around]  # shape (n, 2 half + 1)
    row = np.arange(len(at))
    best = np.abs(near).argmax(axis=1)
    upright = np.sign(near[row, best])
    left = (at + around[best] - 1) * cell  # first sample of the cell before
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
    rows = np.stack((peak / grid.fs, energy, cut.astype(np.float64)))
    if measure is None:
        return rows
    return np.concatenate((rows, measure(raw, place, grid.fs)))
