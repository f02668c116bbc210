"""How fast a body part moves to and fro: the spectrum of its acceleration.

Steps and swings of an arm shake the blood under a pulse sensor at their own frequency
and its multiples. Every second second this stage tells where these lie, for whoever reads
a pulse beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from healthslm.records import Chunk, Spectrum
from healthslm.signals.spectra import Grid, State, advance, levels, power

AXES = 3
BINS_PER_HZ = 8.0
"""Bins of the spectrum from 0.5 to 4 Hz: a window of 8 s tells no more apart."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """The spectrum (0.5 to 4 Hz) of 8 s of acceleration, all axes together, every 2 s.

    Power is g², without gravity. Up to `rest_g` squared the bins are left out:
    there is the sensor's own noise. A gap ends the evidence: the next spectrum comes 8 s later.
    """

    reads: ClassVar[tuple[str, ...]] = ("acceleration",)
    chunks: ClassVar[bool] = True
    latency_s: ClassVar[float] = 2.0

    window_s: float = 8.0  # as Zhang et al. 2015, doi:10.1109/TBME.2014.2359372
    cells_hz: float = 16.0
    rest_g: float = 0.01  # rms; the noise of worn sensors is a third of it
    most_g: float = 100.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk, /) -> tuple[State, tuple[Spectrum, ...]]:
        """Take numbers, x, y and z in turn; return the spectra of the windows they complete."""
        grid = _grid(chunk.fs / AXES, self.cells_hz, self.window_s)
        state, windows = advance(state, chunk, grid, axes=AXES, most=self.most_g)
        if not grid.reaches:
            return state, ()
        return state, tuple(self._told(chunk.stream, t_s, power(w, grid)) for t_s, w in windows)

    def _told(self, stream: str, t_s: float, bins: np.ndarray) -> Spectrum:
        total = float(np.sum(bins))
        moves = total > self.rest_g**2
        return Spectrum("motion_spectrum", stream, t_s, total, levels(bins) if moves else b"")


@lru_cache(maxsize=64)
def _grid(fs: float, cells_hz: float, window_s: float) -> Grid:
    return Grid.at(fs, cells_hz, window_s, BINS_PER_HZ)


SIGNAL = Cadence()
