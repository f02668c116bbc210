"""How far a stretch of signal can be trusted: 0 (not at all) to 1.

All are pure functions of one or more whole blocks. A value below `GOOD` means: we do
not know what the heart did here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from healthslm.records import FloatArray

BLOCK_S = 10.0
"""Signal quality is told for blocks of this length, counted from sample index 0."""

GOOD = 0.5
"""From this quality on a block's beats are evidence."""

FLAT_MV2 = 1e-7
"""Slope energy of a lead that gives nothing: below the last bit of any converter."""

CLEAN_RATIO, LOST_RATIO = 0.04, 0.4
"""Energy between the beats to that of the weakest beat: 14 dB apart is clean, 4 dB is lost."""

QRS_S = 0.1
"""What lies nearer to a beat is its own; a normal QRS complex ends well within."""


def plausible(beats_s: FloatArray, span_s: float = BLOCK_S) -> NDArray[np.bool_]:
    """Tell for each block whether its beats come as a heart's usually do.

    The rules of Orphanidou et al. 2015, doi:10.1109/JBHI.2014.2338351: mean rate 40 to
    180/min, no gap above 3 s (the block's ends included), longest interval at most 2.2
    times the shortest. Slow, fast and irregular hearts break them too, so they are a
    reason to look more closely and never a verdict.

    Parameters
    ----------
    beats_s
        Shape (blocks, n): seconds from the block's start, rising, padded with NaN.
    span_s
        Length of a block.
    """
    count = np.sum(~np.isnan(beats_s), axis=1)
    filled = np.where(np.isnan(beats_s), span_s, beats_s)
    gaps = np.diff(filled, axis=1, prepend=0.0, append=span_s)
    rr = np.diff(beats_s, axis=1)
    longest = np.max(rr, axis=1, initial=0.0, where=~np.isnan(rr))
    shortest = np.min(rr, axis=1, initial=span_s, where=~np.isnan(rr))
    mean = np.sum(rr, axis=1, where=~np.isnan(rr)) / np.maximum(count - 1, 1)
    steady = (longest <= 2.2 * shortest) & (mean >= 60 / 180) & (mean <= 60 / 40)
    told: NDArray[np.bool_] = (count >= 2) & (gaps.max(axis=1) <= 3.0) & steady
    return told


def ecg_quality(
    beats: FloatArray, rest: FloatArray, first: int, n: int, expected: float
) -> FloatArray:
    """Return the quality of `n` blocks of an ECG from block `first` on, shape (n,).

    The measure is how far a block's weakest beat stands out of what lies between its
    beats: noise that was taken for a beat is such a weakest beat. Where the rhythm is not
    `plausible` it is squared, so that an odd rhythm is believed on a clean signal only.
    The shares that are flat, unread and clipped are taken away.

    Differs from Orphanidou 2015: an implausible rhythm alone does not fail the block (it
    may be what a monitor looks for), and the ratio replaces the template correlation,
    which fails ectopic beats.

    Parameters
    ----------
    beats
        Shape (3, m): time in seconds from sample index 0 (rising), slope energy in mV²,
        1 where the peak is clipped; all in these blocks.
    rest
        Shape (2, k): time and slope energy at regular moments, likewise.
    first, n
        The blocks, counted from sample index 0.
    expected
        Moments that a block has where every sample was read.
    """
    t_s, energy = rest
    between = _apart(t_s, beats[0]) > QRS_S
    noise = quantile(_rows(energy[between], t_s[between], first, n), 0.8)
    beats_s, height, clipped = (_rows(row, beats[0], first, n) for row in beats)
    weakest = np.min(height, axis=1, initial=np.inf, where=~np.isnan(height))
    ratio = np.where(np.isfinite(weakest), np.maximum(noise, FLAT_MV2) / weakest, np.inf)
    clean = np.log(LOST_RATIO / np.clip(ratio, CLEAN_RATIO, LOST_RATIO))
    clean = np.nan_to_num(clean) / np.log(LOST_RATIO / CLEAN_RATIO)
    beats_s -= BLOCK_S * np.arange(first, first + n)[:, None]
    clean = np.where(plausible(beats_s), clean, clean * clean)
    live = np.nansum(_rows(energy > FLAT_MV2, t_s, first, n), axis=1)
    read = np.minimum(live / max(int(expected), 1), 1.0)
    count = np.sum(~np.isnan(height), axis=1)
    whole = 1.0 - np.nansum(clipped, axis=1) / np.maximum(count, 1)
    quality: FloatArray = clean * read * read * whole
    return quality


def _apart(t_s: FloatArray, beats_s: FloatArray) -> FloatArray:
    """Return the distance of each time to the next beat in its own block, inf without one."""
    edged = np.concatenate(([-1e12], beats_s, [1e12]))  # no block is there
    after = np.searchsorted(edged, t_s)
    near = edged[[after - 1, after]]  # shape (2, n)
    own = near // BLOCK_S == t_s // BLOCK_S
    apart: FloatArray = np.where(own, np.abs(near - t_s), np.inf).min(axis=0)
    return apart


def _rows(values: NDArray[Any], t_s: FloatArray, first: int, n: int) -> FloatArray:
    """Return `values` at `t_s` (rising), a row for each of `n` blocks, padded with NaN."""
    row = (t_s // BLOCK_S).astype(np.intp) - first
    column = np.arange(len(row)) - np.searchsorted(row, row)
    table = np.full((n, int(column.max(initial=0)) + 1), np.nan)
    table[row, column] = values
    return table


def quantile(rows: FloatArray, share: float) -> FloatArray:
    """Return the value below which `share` of each row lies; NaN in a row counts as absent.

    Parameters
    ----------
    rows
        Shape (n, k), any unit.
    share
        0.5 is the median (the upper one of an even number).

    Examples
    --------
    >>> quantile(np.array([[3.0, 1.0, np.nan, 2.0]]), 0.5)
    array([2.])
    """
    ranked = np.sort(rows, axis=1)  # NaN goes to the end
    count = rows.shape[1] - np.sum(np.isnan(ranked), axis=1)
    at = np.minimum((count * share).astype(np.intp), np.maximum(count - 1, 0))
    picked: FloatArray = ranked[np.arange(len(ranked)), at]
    return picked
