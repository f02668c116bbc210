"""How far a stretch of signal can be trusted: 0 (not at all) to 1.

All are pure functions of one or more whole blocks. A value below `GOOD` means: we do
not know what the heart did here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from healthslm.records import FloatArray

    IndexArray: TypeAlias = NDArray[np.intp]

BLOCK_S = 10.0
"""Signal quality is told for blocks of this length, counted from sample index 0."""

GOOD = 0.5
"""From this quality on a block's beats are evidence."""

EPSILON_S = 1e-9  # what lies on a limit is within, whatever rounding did

FLAT_MV2 = 1e-7
"""Slope energy of a lead that gives nothing: below the last bit of any converter."""

LOST_DB, CLEAN_DB = 1.5, 9.5
"""Energy of a beat over the mean between beats, in a steady rhythm: no trust, and all of it."""

UNREST_DB = 8.0
"""How much further beats must stand out where each interval is e times the one before, or an eth.

Sinus rhythm changes by 0.05, fibrillating atria by a quarter, every second beat early by a
half; beats made of noise by a half and more.
"""

ODD_DB = 5.0
"""Likewise a beat beside an interval that is e times the block's usual one, or an eth."""

FAST_S, FAST_DB_S = 0.5, 20.0
"""Likewise a beat beside a shorter interval, for each second shorter: at 200/min 4 dB."""

QRS_S, QRS_SHARE = 0.15, 0.3
"""What lies nearer to a beat, or nearer than this share of the interval, is the beat's own."""

ECG_SIMILARITY, PPG_SIMILARITY = 0.66, 0.86
"""Orphanidou 2015: least mean correlation of a block's beats with their average."""


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
    steady = longest <= 2.2 * shortest + EPSILON_S
    steady &= (mean >= 60 / 180 - EPSILON_S) & (mean <= 60 / 40 + EPSILON_S)
    told: NDArray[np.bool_] = (count >= 2) & (gaps.max(axis=1) <= 3.0 + EPSILON_S) & steady
    return told


def similarity(shapes: FloatArray) -> float:
    """Return the mean correlation of beats with their average; NaN without two beats that vary.

    Parameters
    ----------
    shapes
        Shape (beats, samples), any unit: the signal around each beat, the beat always at the
        same sample.
    """
    if len(shapes) < 2:
        return float("nan")
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    template = centred.mean(axis=0)
    sizes = np.sqrt(np.sum(centred**2, axis=1) * np.sum(template**2))
    if not np.all(sizes > 0):
        return float("nan")
    return float(np.mean(np.sum(centred * template, axis=1) / sizes))


def orphanidou(
    beats_s: FloatArray, alike: float, least: float = ECG_SIMILARITY, span_s: float = BLOCK_S
) -> bool:
    """Return whether a block is acceptable by the rules of Orphanidou et al. 2015, to the letter.

    Rate, gaps and intervals as in `plausible`, then the template:
    doi:10.1109/JBHI.2014.2338351. Our stages do not judge by it (see `ecg_quality`).

    Parameters
    ----------
    beats_s
        Shape (n,): seconds from the block's start, rising.
    alike
        What `similarity` says of the beats; NaN is not acceptable.
    least
        `ECG_SIMILARITY` or `PPG_SIMILARITY`.
    span_s
        Length of the block.

    Examples
    --------
    >>> orphanidou(np.arange(0.5, 10, 1.0), 0.66), orphanidou(np.arange(0.5, 10, 1.0), 0.659)
    (True, False)
    """
    return bool(plausible(np.asarray(beats_s, np.float64)[None], span_s)[0] and alike >= least)


def ecg_quality(
    beats: FloatArray, rest: FloatArray, first: int, n: int, expected: float
) -> tuple[FloatArray, FloatArray]:
    """Return the quality of `n` blocks of an ECG from block `first` on, and of each beat.

    A beat is trusted by how far its slope energy stands out of the mean between the block's
    beats: 5.5 dB is `GOOD`, and more is asked of a beat that comes fast, early or late, and of
    all where the intervals are restless, so that an odd rhythm is believed on a clean signal
    only (`needed_db`). A peak that is cut off is not trusted; in a
    block of which a part is flat or unread, every beat is trusted less. A block is as good as
    its beats are on average, and without any it is not known.

    On electrode motion the mean tells a beat from noise better than a high quantile, and a
    beat of its own energy better than the block's weakest: one artefact taken for a beat
    then does not cost ten seconds.

    Differs from Orphanidou 2015: an implausible rhythm alone does not fail the block (it
    may be what a monitor looks for), and the energies replace the template correlation,
    which fails ectopic beats; on electrode motion it tells nothing that they do not.

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

    Returns
    -------
    blocks, beats
        Shapes (n,) and (m,).
    """
    t_s, energy, clipped = beats
    block, at = _blocks(t_s, first, n), _blocks(rest[0], first, n)
    between = _between(rest[0], at, t_s, block)
    total = np.bincount(at[between], rest[1, between], n)
    count = np.bincount(at[between], minlength=n)
    mean = np.where(count > 0, np.maximum(total / np.maximum(count, 1), FLAT_MV2), np.inf)
    live = np.bincount(at[rest[1] > FLAT_MV2], minlength=n)
    read = np.minimum(live / max(int(expected), 1), 1.0)
    over_db = -10 * np.log10(mean[block] / np.maximum(energy, FLAT_MV2))
    rows = _rows(t_s, block, n)
    over_db -= needed_db(rows)[~np.isnan(rows)]  # row by row as the beats are
    trust = np.clip(over_db / (CLEAN_DB - LOST_DB), 0.0, 1.0) * (read * read)[block]
    trust[clipped > 0] = 0.0
    held = np.bincount(block, minlength=n)
    quality: FloatArray = np.bincount(block, trust, n) / np.maximum(held, 1)
    return quality, trust


def needed_db(beats_s: FloatArray) -> FloatArray:
    """Return by how much each beat must stand out before it is trusted at all, shape (blocks, n).

    It is `LOST_DB` for a beat of a steady rhythm below 120/min. Intervals of the block alone
    are looked at.

    Parameters
    ----------
    beats_s
        Shape (blocks, n), n >= 1: seconds, rising, padded with NaN.
    """
    rr = np.diff(beats_s, axis=1, append=np.nan)  # after each beat
    log = np.log(rr)
    change = np.abs(np.diff(log, axis=1))
    known = ~np.isnan(change)
    unrest = np.sum(change, axis=1, where=known) / np.maximum(known.sum(axis=1), 1)
    odd = _worst_beside(np.abs(log - np.log(quantile(rr, 0.5))[:, None]))
    fast = _worst_beside(np.maximum(FAST_S - rr, 0.0))
    restless = UNREST_DB * np.minimum(unrest, 1.0)[:, None]
    needed: FloatArray = LOST_DB + restless + ODD_DB * np.minimum(odd, 1.0) + FAST_DB_S * fast
    return needed


def _worst_beside(after: FloatArray) -> FloatArray:
    """Return the larger of what is after and before each beat; 0 where neither is known."""
    before = np.concatenate((np.full((len(after), 1), np.nan), after[:, :-1]), axis=1)
    worst: FloatArray = np.nan_to_num(np.fmax(after, before))
    return worst


def _between(
    t_s: FloatArray, at: IndexArray, beats_s: FloatArray, block: IndexArray
) -> NDArray[np.bool_]:
    """Tell which moments, in the blocks `at`, belong to no beat of their own block."""
    beats_s = np.concatenate(([-np.inf], beats_s, [np.inf]))
    block = np.concatenate(([-1], block, [-1]))
    after = np.searchsorted(beats_s, t_s)
    since = np.where(block[after - 1] == at, t_s - beats_s[after - 1], np.inf)
    until = np.where(block[after] == at, beats_s[after] - t_s, np.inf)
    far: NDArray[np.bool_] = np.minimum(since, until) > np.minimum(
        QRS_S, QRS_SHARE * (since + until)
    )
    return far


def _blocks(t_s: FloatArray, first: int, n: int) -> IndexArray:
    """Return in which of `n` blocks, counted from `first`, each time (rising) is."""
    ends = np.searchsorted(t_s, BLOCK_S * np.arange(first + 1, first + n))
    return np.repeat(np.arange(n), np.diff(ends, prepend=0, append=len(t_s)))


def _rows(values: NDArray[Any], row: IndexArray, n: int) -> FloatArray:
    """Return the values of each of `n` rows (rising), padded with NaN."""
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
