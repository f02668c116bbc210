"""What breathing changes in each beat of an ECG and each pulse of a PPG.

Breathing turns the heart's axis and moves electrodes, and it fills and empties the veins
(Bailón et al. 2006, doi:10.1109/TBME.2006.871888; Meredith et al. 2012,
doi:10.3109/03091902.2011.638965): so beats differ in height, and stand on a level that
moves. Here both are read with the least that can go wrong: a beat is the highest strength
within 0.28 s to both sides, and its traits are means and an extreme around it.

Cells are counted from sample index 0 and every sum is made in one order, so how the samples
came in pieces leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from healthslm.stage import FloatArray

_ECG_HZ, _PPG_HZ = 125.0, 50.0  # about this many cells a second
_NEAR_S = 0.28  # 214/min at most
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
    def reach(self) -> int:
        """Cells to both sides that a candidate and its traits depend on."""
        return self.slope_reach + max(self.cells(_NEAR_S), self.cells(_AROUND_S))


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
    near, skip = grid.cells(_NEAR_S), reach - grid.slope_reach
    highest = maximum_filter1d(strength, 2 * near + 1, mode="nearest")
    here = slice(skip, skip + n)
    peak = (strength[here] == highest[here]) & (strength[here] > 0)
    peak &= strength[here] > strength[skip - 1 : skip + n - 1]
    at = np.flatnonzero(peak)
    tall = strength[here][at]
    at += reach
    level = _mean(cells, at, grid.cells(_AROUND_S))
    if grid.kind == "ppg":
        own = _mean(cells, at, grid.cells(_RISE_S))
    else:
        tall = np.sqrt(tall)
        own = _height(cells, at, grid.cells(_QRS_S), level)
    return np.stack(((at + first) * grid.cell / grid.fs, tall, own, level))


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


def _mean(cells: FloatArray, at: np.ndarray, half: int) -> FloatArray:
    """Return the mean of the cells up to `half` away, added one after the other."""
    around = cells[at + np.arange(-half, half + 1)[:, None]]
    mean: FloatArray = np.cumsum(around, axis=0)[-1] / (2 * half + 1)
    return mean


def _height(cells: FloatArray, at: np.ndarray, half: int, level: FloatArray) -> FloatArray:
    """Return the extreme within `half` cells, over or under the level."""
    over = cells[at + np.arange(-half, half + 1)[:, None]] - level
    height: FloatArray = over[np.abs(over).argmax(axis=0), np.arange(len(at))]
    return height
