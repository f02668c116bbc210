"""What five minutes of intervals between beats show of cycles, as in apnoea: numbers to learn from.

An apnoea slows the heart and its end hurries it, every 20 to 90 s: cyclical variation of
heart rate (Guilleminault 1984, doi:10.1016/S0140-6736(84)90062-X). How large the swing is
differs between people more than between minutes; so most of the numbers tell of its shape.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from healthslm.stage import FloatArray

FS = 2.0  # Hz, of a tachogram: intervals in s on an even grid of time
MINUTE = 120  # samples
WINDOW = 5 * MINUTE
EDGES_HZ = (0.005, 0.01, 0.017, 0.025, 0.035, 0.05, 0.08, 0.15, 0.4)
CYCLE_HZ = (0.012, 0.06)
BREATH_HZ = (0.15, 0.5)
LAGS = slice(40, 180)  # 20 to 90 s
TINY = 1e-9

_N = 2048  # points of every spectrum
_HZ = np.fft.rfftfreq(_N, 1 / FS)
_AT = np.searchsorted(_HZ, EDGES_HZ)
_CYCLES = slice(*np.searchsorted(_HZ, CYCLE_HZ).tolist())
_BREATHS = slice(*np.searchsorted(_HZ, BREATH_HZ).tolist())

_SPECTRAL = (
    *(f"log_power_{hz}" for hz in EDGES_HZ[:-1]),
    *(f"share_{hz}" for hz in EDGES_HZ[:-1]),
    *("cycle_hz", "cycle_share", "echo", "echo_s", "antiecho", "skew", "slope_skew"),
    *("log_sd", "log_slow_to_fast"),
)
FEATURES = (
    *(f"{name}_3min" for name in _SPECTRAL),
    *(f"{name}_5min" for name in _SPECTRAL),
    *("rr_1min_s", "rr_5min_s", "log_sd_1min"),
    *("breath_hz", "breath_share", "breath_swing", "breath_echo", "breath_skew", "breath_to_rr"),
    *("dips", "dip_depth", "dip_slope", "dip_to_range", "dip_unevenness", "dip_likeness"),
    *("dips_in_a_row", "dip_asymmetry"),
)
"""Names of what `features` returns. All are ratios to the mean interval, Hz, s or counts."""


class Dip(NamedTuple):
    """One valley of the slow part of a tachogram: the heart hurried, and calmed down."""

    at: int  # sample
    depth_ms: float
    width_s: float
    from_ms: float  # above the lowest point
    to_ms: float


def features(tachogram: FloatArray) -> FloatArray:
    """Return the numbers of the middle minute, shape (len(FEATURES),).

    Parameters
    ----------
    tachogram
        Shape (WINDOW,): intervals in s at `FS`, without ectopic beats or holes.
    """
    middle, minute = tachogram[MINUTE:-MINUTE], tachogram[2 * MINUTE : -2 * MINUTE]
    mean_s = minute.mean()
    return np.array(
        [
            *_spectral(middle),
            *_spectral(tachogram),
            *(mean_s, tachogram.mean(), np.log(minute.std() / mean_s + 1e-3)),
            *_breathing(tachogram),
            *_cyclical(tachogram),
        ],
        np.float64,
    )


def smoothed(x: FloatArray, n: int) -> FloatArray:
    """Return means of `n` samples, an odd number, around each; the ends are held."""
    held = np.concatenate((np.full(n // 2, x[0]), x, np.full(n // 2, x[-1])))
    total = np.concatenate(([0.0], np.cumsum(held)))
    return (total[n:] - total[:-n]) / n


def detrended(x: FloatArray) -> FloatArray:
    """Return the ratio to the mean less its parabola of least squares."""
    t = np.linspace(-1, 1, len(x))
    square = t * t - (t * t).mean()
    y = x / x.mean() - 1
    y = y - t * ((y * t).sum() / (t * t).sum())
    y = y - square * ((y * square).sum() / (square * square).sum())
    return np.asarray(y - y.mean())


def dips(tachogram: FloatArray) -> list[Dip]:
    """Return the valleys, as Hayano 2011 has them (doi:10.1161/CIRCEP.110.958009).

    10 to 120 s wide and at least 0.7 ms deep for each second of width; of two within 15 s
    the deeper one. Where we differ: smoothed by two means of 4.5 s rather than a parabola,
    a valley reaches from one shoulder, the highest point before it gets lower still, to the
    other, 50 s away at most, and is as deep as its lower shoulder is high.
    """
    x = 1000 * smoothed(smoothed(tachogram, 9), 9)
    found: list[Dip] = []
    for i in (np.flatnonzero((x[1:-1] < x[:-2]) & (x[1:-1] <= x[2:])) + 1).tolist():
        dip = _dip(x, i)
        if dip is None:
            continue
        if found and dip.at - found[-1].at < 15 * FS:
            if dip.depth_ms > found[-1].depth_ms:
                found[-1] = dip
        else:
            found.append(dip)
    return found


def _dip(x: FloatArray, i: int) -> Dip | None:
    """Return the valley whose lowest point is `i`; None if it is none."""
    reach = int(50 * FS)
    left, right = x[max(0, i - reach) : i], x[i + 1 : i + 1 + reach]
    lower = np.flatnonzero(left < x[i])
    left = left[lower[-1] + 1 :] if len(lower) else left
    lower = np.flatnonzero(right < x[i])
    right = right[: lower[0]] if len(lower) else right
    if min(len(left), len(right)) < 2 * FS:
        return None
    from_ms, to_ms = float(left.max() - x[i]), float(right.max() - x[i])
    width_s = (len(left) - int(left.argmax()) + int(right.argmax()) + 1) / FS
    depth_ms = min(from_ms, to_ms)
    if not (10 <= width_s <= 120 and depth_ms / width_s > 0.7):
        return None
    return Dip(i, depth_ms, width_s, from_ms, to_ms)


def _spectral(x: FloatArray) -> list[float]:
    """Return `_SPECTRAL` of some minutes."""
    y = detrended(x)
    power = _power(y)
    total = np.concatenate(([0.0], np.cumsum(power)))
    bands = np.diff(total[_AT])
    all_bands = bands.sum() + 1e-12
    peak_hz = _HZ[_CYCLES][power[_CYCLES].argmax()]
    near = power[np.abs(_HZ - peak_hz) < 0.006].sum()
    echo = _echo(y)
    lag = int(echo[LAGS].argmax()) + LAGS.start
    slow = smoothed(smoothed(y, 7), 7)
    return [
        *np.log(bands * 3 * MINUTE / len(x) + 1e-7).tolist(),
        *(bands / all_bands).tolist(),
        *(peak_hz, near / all_bands, echo[lag], lag / FS, echo[: LAGS.stop].min()),
        *(_skew(slow), _skew(np.diff(slow)), np.log(y.std() + 1e-3)),
        np.log(slow.std() + 1e-3) - np.log((y - slow).std() + 1e-3),
    ]


def _breathing(x: FloatArray) -> list[float]:
    """Return how steady the swing of the heart with the breath is."""
    fast, slow = x - smoothed(x, 9), smoothed(smoothed(x, 9), 9)
    power = _power(fast)[_BREATHS]
    peak = int(power.argmax())
    near = power[max(0, peak - 12) : peak + 13].sum()
    swing = np.sqrt(np.maximum(smoothed(fast * fast, 17), 0))
    moved = swing - swing.mean()
    return [
        *(_HZ[_BREATHS][peak], near / (power.sum() + 1e-12)),
        *(swing.std() / (swing.mean() + 1e-4), _echo(moved)[LAGS].max(), _skew(swing)),
        _likeness(detrended(slow), moved),
    ]


def _cyclical(x: FloatArray) -> list[float]:
    """Return what the dips have in common."""
    found = dips(x)
    if len(found) < 2:
        depth = found[0].depth_ms / 1000 / x.mean() if found else 0.0
        return [float(len(found)), depth, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    mean_ms, slow = 1000 * x.mean(), 1000 * smoothed(smoothed(x, 9), 9)
    high, low = np.percentile(slow, (95, 5))
    depth_ms = float(np.median([dip.depth_ms for dip in found]))
    slope = float(np.median([dip.depth_ms / dip.width_s for dip in found]))
    steps_s = np.diff([dip.at for dip in found]) / FS
    shapes = [slow[d.at - 20 : d.at + 21] for d in found if 20 <= d.at < len(x) - 20]
    alike = [_likeness(a, b) for a, b in pairwise(shapes)]
    skewed = [np.log((dip.from_ms + 1) / (dip.to_ms + 1)) for dip in found]
    return [
        *(float(len(found)), depth_ms / mean_ms, slope / mean_ms, depth_ms / (high - low + 1)),
        steps_s.std() / steps_s.mean() if len(steps_s) > 1 else 1.0,
        float(np.mean(alike)) if alike else 0.0,
        *(float(_in_a_row(steps_s.tolist())), float(np.mean(skewed))),
    ]


def _in_a_row(steps_s: list[float]) -> int:
    """Return the most steps in a row, each 20 to 120 s, that differ by less than two thirds."""
    most = now = 0
    for a, b in pairwise(steps_s):
        low, high = min(a, b), max(a, b)
        alike = 20 <= low <= high <= 120 and high / low < 5 / 3
        now = now + 1 if alike else 0
        most = max(most, now)
    return most


def _power(x: FloatArray) -> FloatArray:
    return np.asarray(np.abs(np.fft.rfft(x * np.hanning(len(x)), _N)) ** 2)


def _echo(x: FloatArray) -> FloatArray:
    """Return the autocorrelation, shape (len(x),); 1 at lag 0."""
    products = np.fft.irfft(np.abs(np.fft.rfft(x, _N)) ** 2)[: len(x)]
    return np.asarray(products / (products[0] + 1e-12))


def _skew(x: FloatArray) -> float:
    y = x - x.mean()
    return float((y * y * y).mean() / (y.std() + TINY) ** 3)


def _likeness(a: FloatArray, b: FloatArray) -> float:
    """Return the correlation of two; about 0 where one does not move."""
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).mean() / (a.std() * b.std() + TINY))
