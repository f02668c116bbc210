"""What breathing changes in each beat of an ECG and each pulse of a PPG.

Breathing turns the heart's axis and moves electrodes, and it fills and empties the veins
(Bailón et al. 2006, doi:10.1109/TBME.2006.871888; Karlen et al. 2013,
doi:10.1109/TBME.2013.2246160): so beats differ in height, and stand on a level that
moves. Here both are read with the least that can go wrong: a beat is the highest strength
around, and its traits are means and an extreme near it.

Cells are counted from sample index 0 and every sum is made in one order, so how the samples
came in pieces leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from healthslm.stage import FloatArray

_ECG_HZ, _PPG_HZ = 125.0, 50.0  # about this many cells a second
_APART_S = 0.28  # 214/min at most
_LAG_S = 1 / 30  # as `slopes`: passes 5 to 25 Hz, a QRS complex
_ENERGY_S = 0.1
_QRS_S = 0.08  # the extreme of a complex lies so near
_RISE_S = 0.12  # as `ppg`: half a smooth slope
_AROUND_S = 0.25


@dataclass(frozen=True, slots=True)
class Grid:
    """Lengths at one sampling rate: `cell` in samples, the others in cells."""

    kind: str
    fs: float
    cell: int

    @classmethod
    def at(cls, kind: str, fs: float) -> Grid:
        """Return the grid for a kind of chunk."""
        return cls(kind, fs, max(1, round(fs / (_PPG_HZ if kind == "ppg" else _ECG_HZ))))

    def cells(self, seconds: float) -> int:
        """Return a length in cells, one at least."""
        return max(1, round(seconds * self.fs / self.cell))

    @property
    def slope_reach(self) -> int:
        """Cells to both sides that the strength at one depends on."""
        if self.kind == "ppg":
            return self.cells(_RISE_S)
        return self.cells(_LAG_S) + self.cells(_ENERGY_S / 2)

    @property
    def near(self) -> int:
        """Cells to both sides that a candidate is the strongest of; a QRS is strong in more."""
        wide_s = 0.0 if self.kind == "ppg" else _LAG_S + _ENERGY_S / 2
        return self.cells(_APART_S - wide_s)

    @property
    def reach(self) -> int:
        """Cells to both sides that a candidate and its traits depend on."""
        return max(self.slope_reach + self.near, self.cells(_AROUND_S)) + 1


def celled(values: FloatArray, cell: int) -> FloatArray:
    """Return the means of every `cell` samples; what is left over is not used."""
    n = len(values) // cell
    cells = values[: n * cell : cell].copy()
    for i in range(1, cell):
        cells += values[i : n * cell : cell]
    cells /= cell
    return cells


def traits(grid: Grid, cells: FloatArray, first: int) -> FloatArray:
    """Return the candidates for a beat, shape (4, n): time, strength and two traits.

    Time is in seconds from sample index 0. Of an ECG the traits are the height of the QRS
    complex over the mean around it, and that mean; strength is its slope, in mV. Of a PPG
    they are the level at the steepest rise, near and around; strength is the slope.

    Parameters
    ----------
    grid
        Of the stream.
    cells
        Shape (k,). Those with `grid.reach` others on both sides are examined.
    first
        Number of the first cell, from index 0.
    """
    reach, n = grid.reach, len(cells) - 2 * grid.reach
    if n <= 0:
        return np.empty((4, 0))
    strength = _strength(grid, cells)
    highest = maximum_filter1d(strength, 2 * grid.near + 1, mode="nearest")
    skip = reach - grid.slope_reach
    before, here, after = (strength[skip + i : skip + i + n] for i in (-1, 0, 1))
    at = np.flatnonzero((here == highest[skip : skip + n]) & (here > before) & (here >= after))
    before, here, after = before[at], here[at], after[at]
    shift = (before - after) / (before - 2 * here + after) / 2  # of the parabola's top
    at += reach
    level = _mean(cells, at, shift, grid.cells(_AROUND_S))
    if grid.kind == "ppg":
        own = _mean(cells, at, shift, grid.cells(_RISE_S))
    else:
        here = np.sqrt(here)
        own = _height(cells, at, grid.cells(_QRS_S), level)
    return np.stack(((at + first + shift) * grid.cell / grid.fs, here, own, level))


def _strength(grid: Grid, cells: FloatArray) -> FloatArray:
    """Return how much of a beat each cell looks, shorter than `cells` by `slope_reach` a side."""
    if grid.kind == "ppg":
        half = grid.cells(_RISE_S)
        return _weighed(cells, np.sin(np.pi * np.arange(-half, half + 1) / half))
    lag = grid.cells(_LAG_S)
    bend = 2 * cells[lag:-lag] - cells[2 * lag :] - cells[: -2 * lag]
    width = 2 * grid.cells(_ENERGY_S / 2) + 1
    return _weighed(bend * bend, np.full(width, 1 / width))


def _weighed(values: FloatArray, taps: FloatArray) -> FloatArray:
    """Return the sums of neighbours times `taps`, shape (n - len(taps) + 1,)."""
    n = len(values) - len(taps) + 1
    total = np.zeros(n)
    for i, tap in enumerate(taps.tolist()):
        total += tap * values[i : i + n]
    return total


def _mean(cells: FloatArray, at: np.ndarray, shift: FloatArray, half: int) -> FloatArray:
    """Return the mean up to `half` cells away from `at + shift`, added one after the other.

    The shift is less than a cell. Without it, where cells fall on a beat differs from one to
    the next, and in a heart that is paced comes back as slowly as breathing does.
    """
    around = cells[at + np.arange(-half - 1, half + 2)[:, None]]
    total = np.cumsum(around[1:-1], axis=0)[-1]
    moved = np.where(shift > 0, around[-1] - around[1], around[-2] - around[0])
    mean: FloatArray = (total + shift * moved) / (2 * half + 1)
    return mean


def _height(cells: FloatArray, at: np.ndarray, half: int, level: FloatArray) -> FloatArray:
    """Return the extreme within `half` cells, over or under the level: a parabola's top."""
    over = cells[at + np.arange(-half, half + 1)[:, None]] - level
    at = at + np.abs(over).argmax(axis=0) - half
    before, here, after = cells[at - 1] - level, cells[at] - level, cells[at + 1] - level
    bend = before - 2 * here + after
    with np.errstate(invalid="ignore", divide="ignore"):
        more = np.where(bend * here < 0, -((after - before) ** 2) / bend / 8, 0.0)
    height: FloatArray = here + np.clip(more, -0.5 * np.abs(here), 0.5 * np.abs(here))
    return height
