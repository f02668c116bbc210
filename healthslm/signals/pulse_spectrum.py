"""The spectrum of a photoplethysmogram: where a pulse may hide when single ones cannot be seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from healthslm.records import Chunk, Spectrum
from healthslm.signals.spectra import Grid, State, advance, levels, power

BINS_PER_HZ = 16.0
"""Twice as close as 8 s tell apart, so that a top between two bins is seen."""


@dataclass(frozen=True, slots=True)
class PulseSpectrum:
    """The spectrum (0.5 to 4 Hz) of 8 s of PPG, every 2 s, on the same moments as `cadence`.

    Nothing is told of a flat signal, nor of 8 s that hold a gap or an unread sample.
    """

    reads: ClassVar[tuple[str, ...]] = ("ppg",)
    chunks: ClassVar[bool] = True
    latency_s: ClassVar[float] = 2.0

    window_s: float = 8.0  # as Zhang et al. 2015, doi:10.1109/TBME.2014.2359372
    cells_hz: float = 25.0
    flat_share: float = 1e-12  # of the largest square: below is rounding, not light
    most: float = 1e12

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk, /) -> tuple[State, tuple[Spectrum, ...]]:
        """Take samples; return the spectra of the windows they complete."""
        grid = _grid(chunk.fs, self.cells_hz, self.window_s)
        state, windows = advance(state, chunk, grid, axes=1, most=self.most)
        told = []
        for t_s, window in windows if grid.reaches else ():
            bins = power(window, grid)
            total = float(np.sum(bins))
            if total > self.flat_share * float(np.max(np.abs(window))) ** 2:
                told.append(Spectrum("pulse_spectrum", chunk.stream, t_s, total, levels(bins)))
        return state, tuple(told)


@lru_cache(maxsize=64)
def _grid(fs: float, cells_hz: float, window_s: float) -> Grid:
    return Grid.at(fs, cells_hz, window_s, BINS_PER_HZ)


SIGNAL = PulseSpectrum()
