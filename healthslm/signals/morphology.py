"""The shape of a heart beat in one lead: kept small while its signal is at hand, measured later.

Around each candidate 0.38 s of signal are taken every 8 ms, less what the lead reads
before the complex, and kept in bytes: 127 steps to either side of the largest value. That
is a step of 10 µV in a complex of 1.3 mV, below the noise of a worn electrode.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from healthslm.signals.slopes import IntArray
from healthslm.stage import FloatArray

STEP_S = 0.008
SIDE = 24  # steps to either side of the R peak: 0.192 s
POINTS = 2 * SIDE + 1
QRS = slice(SIDE - 13, SIDE + 14)
"""The part of a shape that a QRS complex lies in, a wide one too: 0.104 s to either side."""

_SIDE_S = 0.2  # what `Measure` promises to either side
_BEFORE = 11  # steps, 0.19 to 0.11 s before the peak: what the lead reads before the complex
_STEEP = slice(3, -3)  # differences looked at for the width, 0.17 s to either side
_TAIL = 0.03  # of the slope energy, left out at either end of the width
_EDGE = 0.1  # of the greatest slope: where the complex begins and ends
_CALM = 5  # steps below it in a row, 40 ms: what comes after is another wave
_SPIKE = 4  # steps, 32 ms: no heart's complex is over so soon; a pacemaker's spike is ...
_REST = 0.3  # ... and is followed, a calm later, by a wave of this share of its height
_LATER = slice(SIDE + 6, SIDE + 21)  # 0.05 to 0.16 s after the peak
_STEPS = 127
_ROWS = 7  # 49 bytes of shape, 3 unused, 4 of scale: seven float64

LEAST_HZ = 100.0
"""Below this rate a shape cannot be told."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Takes the shape of each candidate; a `Measure` of the QRS finder."""

    rows: int = _ROWS

    def __call__(self, raw: FloatArray, places: IntArray, fs: float, /) -> FloatArray:
        """Return the packed shapes at `places`, shape (rows, n): bytes that look like numbers."""
        first, weights = _taps(fs)
        at = places[:, None] + first
        shapes = raw[at] * weights[0]
        for n, weight in enumerate(weights[1:], 1):
            shapes += raw[at + n] * weight
        shapes -= np.median(shapes[:, :_BEFORE], axis=1)[:, None]
        scale = np.abs(shapes).max(axis=1, initial=0.0)[:, None].astype("<f4")
        steps = np.rint(shapes * (_STEPS / np.maximum(scale, 1e-30)))
        packed = np.zeros((len(places), 8 * _ROWS), np.uint8)
        packed[:, :POINTS] = np.clip(steps, -_STEPS, _STEPS).astype(np.int8).view(np.uint8)
        packed[:, -4:] = scale.view(np.uint8)
        return packed.view("<f8").T.copy()


def unpacked(rows: FloatArray) -> FloatArray:
    """Return the shapes that `Snapshots` packed, mV, shape (n, POINTS)."""
    packed = np.ascontiguousarray(rows.T).view(np.uint8)
    scale = np.ascontiguousarray(packed[:, -4:]).view("<f4").astype(np.float64)
    steps = np.ascontiguousarray(packed[:, :POINTS]).view(np.int8)
    shapes: FloatArray = steps * (scale / _STEPS)
    return shapes


@lru_cache(maxsize=64)
def _taps(fs: float) -> tuple[NDArray[np.intp], FloatArray]:
    """Return where each point's first sample lies from the peak, and the samples' weights.

    Each point is the mean of 8 ms, between samples on the straight line through two means.
    """
    half = max(1, round(STEP_S * fs)) // 2
    place = np.arange(-SIDE, SIDE + 1) * (STEP_S * fs)
    whole = np.floor(place)
    part = place - whole
    side = int(_SIDE_S * fs)
    first = np.clip(whole.astype(np.intp) - half, -side, max(side - 2 * half - 1, -side))
    taps = np.arange(2 * half + 2)[:, None]
    weights = (taps <= 2 * half) * (1 - part) + (taps >= 1) * part
    return first, weights / (2 * half + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What is measured of shapes; each has shape (n,)."""

    width_s: FloatArray  # of the part that holds 94 % of the slope energy
    qrs_s: FloatArray  # around the steepest slope, until all is less than a tenth of it
    area: FloatArray  # mean distance from the line before the complex, mV
    after: FloatArray  # what follows the complex: mean 0.12 to 0.19 s after the peak, mV
    spike: FloatArray  # 1 where the steep part is a pacemaker's, and the complex comes after it

    def stacked(self) -> FloatArray:
        """Return them as one array, shape (n, 5)."""
        return np.stack((self.width_s, self.qrs_s, self.area, self.after, self.spike), axis=1)


def figures(shapes: FloatArray) -> Figures:
    """Measure `shapes`, mV, shape (n, POINTS).

    The width is that of the slope energy, which a slow wave beside the complex moves little.
    It is shorter than the QRS duration read from paper: about 0.05 s in a narrow complex.
    """
    slope = np.abs(np.diff(shapes, axis=1)[:, _STEEP])
    energy = slope * slope
    share = np.cumsum(energy, axis=1)
    share /= np.maximum(share[:, -1:], 1e-30)
    width = _crossing(share, 1 - _TAIL) - _crossing(share, _TAIL)
    steepest = slope.argmax(axis=1)
    quiet = slope <= _EDGE * slope.max(axis=1, initial=0.0)[:, None]
    span = _until(quiet, steepest) + _until(quiet[:, ::-1], slope.shape[1] - 1 - steepest) - 1
    area: FloatArray = np.abs(shapes[:, QRS]).mean(axis=1)
    after: FloatArray = shapes[:, SIDE + 15 :].mean(axis=1)
    later = np.abs(shapes[:, _LATER]).max(axis=1, initial=0.0)
    spike = (span <= _SPIKE) & (later >= _REST * np.abs(shapes).max(axis=1, initial=0.0))
    of = spike & (later > 0)
    qrs_s = span.astype(np.float64) * STEP_S
    return Figures(width * STEP_S, qrs_s, area, after, of.astype(np.float64))


def _until(quiet: NDArray[np.bool_], begin: IntArray) -> IntArray:
    """Return how many steps, from `begin` in each row, lie before `_CALM` quiet ones in a row."""
    n, m = quiet.shape
    padded = np.concatenate((quiet, np.ones((n, _CALM), np.bool_)), axis=1)
    calm = padded[:, : m + 1].copy()
    for i in range(1, _CALM):
        calm &= padded[:, i : i + m + 1]
    calm &= np.arange(calm.shape[1]) >= begin[:, None]
    until: IntArray = calm.argmax(axis=1) - begin
    return until


def _crossing(share: FloatArray, level: float) -> FloatArray:
    """Return where each rising row of `share` passes `level`, in steps, between them linearly."""
    n = np.arange(len(share))
    at = np.minimum(np.sum(share < level, axis=1), share.shape[1] - 1)
    before = np.where(at > 0, share[n, np.maximum(at - 1, 0)], 0.0)
    place: FloatArray = at + (level - before) / np.maximum(share[n, at] - before, 1e-30)
    return place


def unlike(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return how far two shapes (the last axis) are apart: 0 the same, 1 unrelated, 2 opposite.

    The energy of the difference over the sum of both energies: size counts, as in a
    correlation it would not.
    """
    energy = np.sum(a * a, axis=-1) + np.sum(b * b, axis=-1)
    difference = a - b
    apart: FloatArray = np.sum(difference * difference, axis=-1) / np.maximum(energy, 1e-30)
    return apart
