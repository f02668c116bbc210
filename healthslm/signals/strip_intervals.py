"""What the intervals between the beats of one short ECG strip say of its rhythm.

Published measures of irregularity side by side, of which trees choose: successive
differences (Task Force 1996, doi:10.1161/01.CIR.93.5.1043), the Poincaré plot's axes (Brennan
et al. 2001, doi:10.1109/10.959330), evidence of fibrillation in the plane of differences
(Sarkar et al. 2008, doi:10.1109/TBME.2007.903707, here with cells that are shares of the mean
interval), sample entropy (Richman & Moorman 2000, doi:10.1152/ajpheart.2000.278.6.H2039) and
how often an interval is early, late, or early and made good by the next.

Every number but the rates is a ratio of intervals, so that a fast heart and a slow one with
the same pattern look the same.
"""

from __future__ import annotations

import numpy as np

from healthslm.stage import FloatArray

EARLY, LATE = 0.88, 1.12  # of the median of the intervals around
AROUND = 4  # intervals to either side that make this median
WINDOW = 8  # intervals of which the calmest and the wildest stretch are looked for
CELL = 0.05  # of the mean interval: a cell in the plane of differences
SAME = 0.1  # of the mean interval: intervals alike, for the sample entropy
LEAST = 4  # intervals; with fewer nothing is told

NAMES = (
    "rate",
    "rate_top",
    "rate_low",
    "cv",
    "mad",
    "rmssd",
    "change_median",
    "share_3",
    "share_6",
    "share_12",
    "shortest",
    "p10",
    "p90",
    "longest",
    "skew",
    "sd1",
    "sd2",
    "sd_ratio",
    "lag1",
    "lag2",
    "entropy",
    "cells",
    "evidence",
    "turning",
    "early",
    "late",
    "made_good",
    "early_alone",
    "pairs",
    "earliest",
    "rest",
    "second",
    "latest",
    "jump",
    "smooth",
    "calmest",
    "wildest",
    "usual",
    "steady_run",
    "middle",
    "foretold",
)
"""Of the intervals, in the order of the columns."""


def measured(rr_s: FloatArray) -> FloatArray:
    """Return `NAMES` of the intervals of one strip, seconds; NaN where there are too few."""
    out = np.full(len(NAMES), np.nan)
    if len(rr_s) < LEAST:
        return out
    mean, median = float(np.mean(rr_s)), float(np.median(rr_s))
    x = rr_s / mean
    change = np.diff(x)
    few = np.convolve(rr_s, np.full(LEAST, 1 / LEAST), "valid")
    sd1 = float(np.std(change)) / np.sqrt(2)
    sd2 = float(np.sqrt(max(2 * float(np.var(x)) - sd1**2, 0.0)))
    size = np.abs(change)
    low, high = np.quantile(rr_s / median, (0.1, 0.9))
    quarter = np.quantile(x, (0.25, 0.75))
    out[:] = (
        60 / median,
        60 / float(few.min()),
        60 / float(few.max()),
        float(np.std(x)),
        float(np.median(np.abs(rr_s - median))) / median,
        float(np.sqrt(np.mean(change * change))),
        float(np.median(size)),
        float(np.mean(size > 0.03)),
        float(np.mean(size > 0.06)),
        float(np.mean(size > 0.12)),
        float(rr_s.min()) / median,
        low,
        high,
        float(rr_s.max()) / median,
        _skew(x),
        sd1,
        sd2,
        sd1 / max(sd2, 1e-3),
        _alike(x, 1),
        _alike(x, 2),
        _entropy(x),
        *_plane(change),
        _turning(x),
        *_ectopic(rr_s),
        *_stretches(x),
        (quarter[1] - quarter[0]) / 1.349,
        _foretold(x),
    )
    return out


def local(rr_s: FloatArray) -> FloatArray:
    """Return each interval as a share of the median of those around it, itself left out."""
    ratio = np.empty(len(rr_s))
    for i in range(len(rr_s)):
        near = np.concatenate((rr_s[max(i - AROUND, 0) : i], rr_s[i + 1 : i + 1 + AROUND]))
        ratio[i] = rr_s[i] / np.median(near)
    return ratio


def _skew(x: FloatArray) -> float:
    spread = float(np.std(x))
    return float(np.mean((x - 1) ** 3)) / max(spread, 1e-3) ** 3


def _alike(x: FloatArray, lag: int) -> float:
    """Return the autocorrelation of a series of mean 1."""
    y = x - 1
    return float(np.sum(y[lag:] * y[:-lag])) / max(float(np.sum(y * y)), 1e-6)


def _entropy(x: FloatArray) -> float:
    """Return the sample entropy of order 1: how rarely intervals alike are followed alike."""
    near = np.abs(x[:, None] - x) < SAME
    np.fill_diagonal(near, False)
    one = int(near[:-1, :-1].sum())
    two = int((near[:-1, :-1] & near[1:, 1:]).sum())
    return float(np.log((one + 1) / (two + 1)))


def _plane(change: FloatArray) -> tuple[float, float]:
    """Return the cells taken in the plane of successive differences, and Sarkar's evidence.

    Both per point. The evidence is cells taken less points at the origin and points that lie
    as after one early beat: up, down twice as far, up.
    """
    cell = np.rint(change / CELL).astype(int)
    points = np.stack((cell[:-1], cell[1:]), axis=1)
    taken = len(np.unique(points, axis=0))
    n = max(len(points), 1)
    still = int(np.sum(np.all(np.abs(points) <= 1, axis=1)))
    early = int(np.sum((points[:, 0] < -1) & (points[:, 1] > 1)))
    return taken / n, (taken - still - 2 * early) / n


def _turning(x: FloatArray) -> float:
    """Return how often an interval is longer, or shorter, than both neighbours."""
    change = np.diff(x)
    return float(np.mean(change[:-1] * change[1:] < 0)) if len(change) > 1 else 0.0


def _ectopic(rr_s: FloatArray) -> tuple[float, ...]:
    """Return shares of intervals (early, late, made good, alone, in pairs) and `_extremes`."""
    ratio = local(rr_s)
    early, late = ratio < EARLY, ratio > LATE
    whole = rr_s[:-1] + rr_s[1:]
    usual = rr_s / ratio
    good = early[:-1] & late[1:] & (np.abs(whole / (2 * usual[:-1]) - 1) < 0.12)
    alone = early[1:-1] & ~early[:-2] & ~early[2:] if len(rr_s) > 2 else early
    n = len(rr_s)
    return (
        float(early.mean()),
        float(late.mean()),
        float(good.sum()) / n,
        float(alone.sum()) / n,
        float((early[:-1] & late[1:]).sum()) / n,
        *_extremes(ratio),
    )


def _extremes(ratio: FloatArray) -> tuple[float, ...]:
    """Return the earliest, what follows it, the second earliest and the latest interval.

    And the greatest change in usual ones, and how far changes go on the same way: breathing
    moves the intervals smoothly, an ectopic beat does not.
    """
    first = int(ratio.argmin())
    ranked = np.sort(ratio)
    change = np.diff(ratio)
    size = np.abs(change)
    return (
        float(ranked[0]),
        float(ratio[first + 1]) if first + 1 < len(ratio) else 1.0,
        float(ranked[1]),
        float(ranked[-1]),
        float(size.max()) / max(float(np.median(size)), 0.005),
        float(np.sum(change[1:] * change[:-1])) / max(float(np.sum(change * change)), 1e-6),
    )


def _stretches(x: FloatArray) -> tuple[float, ...]:
    """Return the change within the calmest, the wildest and the usual stretch, and a steady run.

    The run is the longest in which every change is below 6 %, as a share of all.
    """
    change = np.abs(np.diff(x))
    width = min(WINDOW, len(change))
    means = np.convolve(change, np.full(width, 1 / width), "valid")
    run = longest = 0
    for small in (change < 0.06).tolist():
        run = run + 1 if small else 0
        longest = max(longest, run)
    middle = float(np.median(means))
    return float(means.min()), float(means.max()), middle, longest / len(change)


def _foretold(x: FloatArray) -> float:
    """Return the share of intervals that one of the last three foretells within 5 %."""
    if len(x) <= 3:
        return 0.0
    near = [np.abs(x[3:] - x[3 - lag : len(x) - lag]) < 0.05 for lag in (1, 2, 3)]
    return float(np.mean(near[0] | near[1] | near[2]))
