"""Power spectra of a few seconds, at moments that all streams of a person share.

A spectrum is of the 8 s before a whole even second UTC, under a Hann window: what a pulse
and a step of the same seconds look like can then be laid upon each other. Samples are
averaged in cells counted from index 0, so how they came in pieces leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil, floor

import numpy as np

from healthslm.records import Chunk
from healthslm.stage import FloatArray

STEP_S = 2.0
BAND_HZ = (0.5, 4.0)  # 30 to 240 a minute
_DB_MOST = 255


def _empty(*shape: int) -> FloatArray:
    return np.empty(shape)


@dataclass(frozen=True, slots=True)
class Grid:
    """Lengths at one sampling rate."""

    cell: int  # samples averaged into one
    rate: float  # cells per second
    window: int  # cells in a spectrum
    spacing: int  # cells of which a spectrum has just the bins that are told ...
    padded: int  # ... and a multiple of it that holds the window, with zeros behind
    low: int  # the first bin
    high: int  # the last

    @classmethod
    def at(cls, fs: float, cells_hz: float, window_s: float, bins_per_hz: float) -> Grid:
        """Return the grid of about `cells_hz`."""
        cell = max(1, round(fs / cells_hz))
        rate = fs / cell
        low, high = (round(hz * bins_per_hz) for hz in BAND_HZ)
        window = max(1, round(window_s * rate))
        spacing = max(1, round(bins_per_hz * rate))
        return cls(cell, rate, window, spacing, -(-window // spacing) * spacing, low, high)

    @property
    def reaches(self) -> bool:
        """The whole band lies below half the rate."""
        return 2 * self.high < self.spacing


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The seconds before; of `axes` signals that take turns in one stream."""

    epoch_s: float = 0.0
    fs: float = 0.0
    due: int = -1  # index of the next number; -1 before the first
    rest: FloatArray = field(default_factory=lambda: _empty(0))  # since the newest whole cell
    first: int = 0  # which cell cells[0] is, from index 0
    cells: FloatArray = field(default_factory=lambda: _empty(0, 1))  # shape (n, axes)


def advance(
    state: State, chunk: Chunk, grid: Grid, *, axes: int, most: float
) -> tuple[State, list[tuple[float, FloatArray]]]:
    """Take numbers; return the moments, and the cells of the window before each, they complete.

    A window that holds a gap, or a number that is not within `most`, is left out.

    Parameters
    ----------
    axes
        Signals that take turns; the first has the indices that `axes` divides.
    most
        What no sensor gives, in the unit of the stream: such a number was not read.
    """
    size = grid.cell * axes
    clock = (chunk.epoch_s, chunk.fs)
    if clock != (state.epoch_s, state.fs) or chunk.start != state.due:
        first = chunk.start // size
        before = np.full(chunk.start - first * size, np.nan)  # of a cell that is not whole
        state = State(*clock, chunk.start, before, first, _empty(0, axes))
    values = np.where(np.abs(chunk.values) < most, chunk.values, np.nan)
    numbers = np.concatenate((state.rest, values))
    n = len(numbers) // size
    turns = numbers[: n * size].reshape(n, grid.cell, axes)
    new = turns[:, 0].copy()
    for i in range(1, grid.cell):
        new += turns[:, i]
    new *= 1 / grid.cell
    cells = np.concatenate((state.cells, new))
    seen = state.first + len(state.cells)
    windows = []
    for t_s, end in _moments(chunk.epoch_s, grid.rate, seen, seen + n):
        window = cells[max(end - state.first - grid.window, 0) : end - state.first]
        if len(window) == grid.window and not np.isnan(window).any():
            windows.append((t_s, window))
    kept = cells[-grid.window :].copy()
    due = chunk.start + len(chunk.values)
    rest = numbers[n * size :].copy()
    return State(*clock, due, rest, seen + n - len(kept), kept), windows


def _moments(epoch_s: float, rate: float, after: int, last: int) -> Iterator[tuple[float, int]]:
    """Yield each shared moment that comes with one of the cells (after, last], and that cell."""
    k = floor((epoch_s + after / rate) / STEP_S)
    while (end := ceil((k * STEP_S - epoch_s) * rate)) <= last:
        if end > after:
            yield k * STEP_S, end
        k += 1


def power(window: FloatArray, grid: Grid) -> FloatArray:
    """Return the power of each bin, summed over the axes, shape (bins,).

    The bins of the band add up to its mean square: that of a sine of amplitude a is a²/2.

    Parameters
    ----------
    window
        Shape (n, axes), any unit.
    """
    signals = np.ascontiguousarray(window.T)
    signals = (signals - np.mean(signals, axis=1, keepdims=True)) * _hann(grid.window)
    every = grid.padded // grid.spacing
    bins = np.fft.rfft(signals, grid.padded)[:, ::every][:, grid.low : grid.high + 1]
    squares: FloatArray = np.sum(bins.real**2 + bins.imag**2, axis=0)
    return squares * (2 / (grid.spacing * float(np.sum(_hann(grid.window) ** 2))))


def levels(bins: FloatArray) -> bytes:
    """Return each bin in whole dB below the strongest, one byte each.

    >>> list(levels(np.array([1.0, 10.0, 0.1])))
    [10, 0, 20]
    """
    with np.errstate(divide="ignore"):
        db = -10 * np.log10(bins / np.max(bins))
    return bytes(np.minimum(np.rint(db), _DB_MOST).astype(np.uint8))


def heights(written: bytes) -> FloatArray:
    """Return the bins that `levels` wrote, shape (bins,), with mean 1."""
    bins: FloatArray = _heights()[np.frombuffer(written, np.uint8)]
    return bins / np.mean(bins)


def per_min(bins_per_hz: float) -> FloatArray:
    """Return the frequency of each bin of the band, a minute."""
    low, high = (round(hz * bins_per_hz) for hz in BAND_HZ)
    frequencies: FloatArray = np.arange(float(low), high + 1) * (60 / bins_per_hz)
    return frequencies


@lru_cache(maxsize=1)
def _heights() -> FloatArray:
    bins: FloatArray = np.power(10.0, -np.arange(_DB_MOST + 1.0) / 10)
    return bins


@lru_cache(maxsize=64)
def _hann(n: int) -> FloatArray:
    window: FloatArray = np.sin(np.pi * np.arange(1, n + 1) / (n + 1)) ** 2
    return window
