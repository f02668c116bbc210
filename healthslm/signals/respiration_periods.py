"""How often something comes back in half a minute of a slow signal: the rate of breathing.

A signal that breathing modulates has a peak in its spectrum; how much of the power lies
at that peak says how far to believe it (Pimentel et al. 2017,
doi:10.1109/TBME.2016.2613124, judge so by the poles of a model). Several such signals are
averaged as shares of power, so what they have in common stands out (Bailón et al. 2006,
doi:10.1109/TBME.2006.871888). Where breathing seems slow, the waves of at least one of
them are counted too, as Schäfer & Kratky 2008 (doi:10.1007/s10439-007-9428-1) do: a step
and drift have a peak in their spectrum at 4 to 8/min, and no waves.

Everything here is a pure function of one window of fixed size.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np

from healthslm.stage import FloatArray

WINDOW_S = 32.0
"""As in most published comparisons; eight breaths at 15/min, and more than two at 5/min."""

STEP_S = 20.0
"""A rate is told so often, at whole multiples of UTC."""

POINTS_HZ = 4.0
POINTS = round(WINDOW_S * POINTS_HZ)
SLOWEST_PER_MIN, FASTEST_PER_MIN = 4.0, 45.0
SLOW_PER_MIN = 12.0
"""Slower is no longer usual (NEWS2), and drift lies there too: it takes better evidence [P]."""

_LINES = 1024  # of the padded spectrum: 0.23/min apart
_NEAR_PER_MIN = 2.0  # half the width of a steady line seen for 32 s through a Hann window
_DRIFT_PER_MIN = 10.0  # [P] vasomotor waves lie at 6/min: below this, first order high-pass
_WAVE_SD = 1.0  # a wave rises and falls by at least so many standard deviations
_STILL = 1e-7  # of the size of the values: less than this is their last bits


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of breathing, and how far to believe it."""

    per_min: float
    share: float  # 0 to 1: of the power from 4/min on, what lies within 2/min


def rate(series: FloatArray, fastest_per_min: float = FASTEST_PER_MIN) -> Rate | None:
    """Return the rate that several slow signals have in common; None where there is none.

    Each counts by the square of how clear its own peak is. Power grows with falling
    frequency in all that drifts, so it is weighed by f²/(f² + (10/min)²) first.

    Parameters
    ----------
    series
        Shape (m, POINTS), any units: one window of m >= 1 signals, finite.
    fastest_per_min
        No rate above this is looked for.
    """
    level = _level(series)
    lively = np.sqrt(np.mean(level**2, axis=1)) > _STILL * np.max(np.abs(series), axis=1)
    level = level[lively]
    if not len(level):
        return None
    power = _power(level)
    shares = [_shares(row, fastest_per_min) for row in power]
    peaks = [_peak(row) for row in shares]
    weights = [_near(row, at) ** 2 for row, at in zip(shares, peaks, strict=True)]
    total = sum(weights)
    if total == 0.0:
        return None
    common = np.zeros(len(shares[0]))
    for row, weight in zip(shares, weights, strict=True):
        common += weight / total * row
    at = _peak(common)
    if at is None:
        return None
    per_min = _refined(common, at)
    if per_min < SLOW_PER_MIN and not any(_counts(row, per_min) for row in level):
        return None
    return Rate(per_min, _near(common, at))


def _counts(level: FloatArray, per_min: float) -> bool:
    """Tell whether the waves of a signal come at this rate."""
    waves = counted(level)
    return waves is not None and abs(waves - per_min) <= _NEAR_PER_MIN


def breathing(points: FloatArray) -> tuple[float, float, float]:
    """Return rate, steadiness and share of one signal that shows every breath.

    The rate (/min) is that of the waves, 0 if there are not two; steadiness, 0 to 1, falls
    by how much their intervals vary; the share of power at this rate is that of `Rate`.

    Parameters
    ----------
    points
        Shape (POINTS,), any unit, finite.
    """
    level = _level(points[None])[0]
    per_min = counted(level)
    still = float(np.sqrt(np.mean(level**2))) <= _STILL * float(np.max(np.abs(points)))
    if per_min is None or still:
        return 0.0, 0.0, 0.0
    shares = _shares(_power(level[None])[0], FASTEST_PER_MIN)
    at = round(per_min * _LINES / (60 * POINTS_HZ))
    return per_min, steadiness(turns(level)), _near(shares, at)


def counted(level: FloatArray) -> float | None:
    """Return the rate of the waves in one window, /min; None if there are not two.

    The mean time from crest to crest, and from trough to trough. A wave is what rises and
    falls by one standard deviation.

    Differs from Schäfer & Kratky 2008, who take a fifth of the upper quartile of the crests.

    Parameters
    ----------
    level
        Shape (POINTS,), any unit, without trend.

    Examples
    --------
    >>> t_s = np.arange(POINTS) / POINTS_HZ
    >>> round(counted(np.sin(2 * np.pi * t_s * 15 / 60)), 1)
    15.0
    """
    rates = [
        60 * POINTS_HZ * (len(side) - 1) / (side[-1] - side[0])
        for side in turns(level)
        if len(side) > 1
    ]
    return sum(rates) / len(rates) if rates else None


def turns(level: FloatArray) -> tuple[list[float], list[float]]:
    """Return the places of the crests and of the troughs, between points."""
    height = _WAVE_SD * float(np.sqrt(np.mean(level**2)))
    values = level.tolist()
    found: tuple[list[float], list[float]] = ([], [])
    high = low = 0
    way = 0  # 1 on the way up, -1 on the way down, 0 not known yet
    for i, value in enumerate(values):
        if value > values[high]:
            high = i
        if value < values[low]:
            low = i
        if way >= 0 and values[high] - value >= height > 0:
            if way:
                found[0].append(high + _between(values, high))
            way, low, high = -1, i, i
        elif way <= 0 and value - values[low] >= height > 0:
            if way:
                found[1].append(low + _between(values, low))
            way, low, high = 1, i, i
    return found


def steadiness(places: tuple[list[float], list[float]]) -> float:
    """Return how even the waves of a window are: 1 less the variation of their intervals.

    0 at least; and 0 where more than two usual intervals at either end hold no wave: whoever
    stopped breathing there has no rate.
    """
    steps = [b - a for side in places for a, b in pairwise(side)]
    if not steps:
        return 0.0
    mean = sum(steps) / len(steps)
    every = [at for side in places for at in side]
    if max(min(every), POINTS - 1 - max(every)) > 2 * mean:
        return 0.0
    spread = sqrt(sum((x - mean) ** 2 for x in steps) / len(steps))
    return max(1.0 - spread / mean, 0.0)


def _between(values: list[float], i: int) -> float:
    """Return how far the top of the parabola through three points lies from the middle one."""
    if not 0 < i < len(values) - 1:
        return 0.0
    before, here, after = values[i - 1 : i + 2]
    bend = before - 2 * here + after
    return min(max((before - after) / bend / 2, -0.5), 0.5) if bend else 0.0


def _level(series: FloatArray) -> FloatArray:
    """Return the rows without their mean and their trend."""
    level: FloatArray = series - np.mean(series, axis=1, keepdims=True)
    t = np.arange(series.shape[1]) - (series.shape[1] - 1) / 2
    level -= t * (np.sum(level * t, axis=1, keepdims=True) / np.sum(t * t))
    return level


def _power(level: FloatArray) -> FloatArray:
    """Return the weighed power of each row at every line."""
    n = level.shape[1]
    window = np.sin(np.pi * (np.arange(n) + 1) / (n + 1)) ** 2
    per_min = _lines()
    weight = per_min**2 / (per_min**2 + _DRIFT_PER_MIN**2)
    power: FloatArray = np.abs(np.fft.rfft(level * window, _LINES, axis=1)) ** 2 * weight
    return power


def _lines() -> FloatArray:
    return np.arange(_LINES // 2 + 1, dtype=np.float64) * (60 * POINTS_HZ / _LINES)


def _shares(power: FloatArray, fastest_per_min: float) -> FloatArray:
    """Return the share of each line of the band in the power of all from its lower edge on.

    What is strong above the band, as a pulse that alternates, leaks into it; but not much.
    """
    per_min = _lines()
    total = float(np.sum(power[per_min >= SLOWEST_PER_MIN]))
    inside = (per_min >= SLOWEST_PER_MIN) & (per_min <= fastest_per_min)
    return np.where(inside, power / total, 0.0) if total > 0 else np.zeros(len(power))


def _peak(shares: FloatArray) -> int | None:
    """Return the line of the highest peak within the band; its edges are none."""
    middle = shares[1:-1]
    top = (middle > shares[:-2]) & (middle >= shares[2:])
    top &= (shares[:-2] > 0) & (shares[2:] > 0)
    height = np.where(top, middle, 0.0)
    at = int(np.argmax(height))
    return at + 1 if height[at] > 0 else None


def _near(shares: FloatArray, at: int | None) -> float:
    """Return the share of power around one line."""
    if at is None:
        return 0.0
    reach = round(_NEAR_PER_MIN * _LINES / (60 * POINTS_HZ))
    return float(np.sum(shares[max(at - reach, 0) : at + reach + 1]))


def _refined(shares: FloatArray, at: int) -> float:
    return (at + _between(shares.tolist(), at)) * (60 * POINTS_HZ / _LINES)
