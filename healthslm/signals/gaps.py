"""Long intervals between beats: measured ones, and those that may hide a beat.

"No beat was found" is not "there was no beat". A long interval is known only where what
lies in it is calm. It is not where

- a peak stands out that is too weak for a beat here, would be one in a longer gap, and is
  neither the T wave of the beat before nor the P wave of the next;
- the lead stepped by more than a second of it usually spans: its amplifier is driven out of
  its range, and while it recovers the complexes are small or absent.

So it is a pause or a slow beat in neither: we do not know. P waves alone, in a complete
block, are less than what is looked at again, and breathing is within what a second spans.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from healthslm.signals.quality import quantile
from healthslm.signals.slopes import HELD_HIGH, HELD_LOW, HIGH, LOW
from healthslm.stage import FloatArray

REACH = 20
"""Seconds after a beat that are looked at: blocks without any beat are not trusted at all."""

USUAL = 8
"""Seconds before a beat, of which the usual span is taken."""

_RANK = 0.7  # the third highest of these: below 30/min most seconds hold no beat


def inside(t_s: FloatArray, beats_s: FloatArray) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Return the beat before each moment, the time since it, and until the next beat.

    Parameters
    ----------
    t_s
        Shape (n,): seconds.
    beats_s
        Shape (m,), m >= 1: seconds, rising; the first may be NaN, not known.

    Returns
    -------
    before, since, until
        Shape (n,). The beat is -1 where none is known; nothing follows the last beat: inf.
    """
    beats_s = np.where(np.isnan(beats_s), -np.inf, beats_s)
    before = np.searchsorted(beats_s, t_s) - 1
    until = np.append(beats_s, np.inf)[before + 1] - t_s
    since = t_s - beats_s[before]
    return np.where(np.isinf(since), -1, before), since, until


def lost(
    seconds: FloatArray,
    first: int,
    begin: int,
    end: int,
    beats_s: FloatArray,
    long: NDArray[np.bool_],
    factor: float,
) -> tuple[NDArray[np.bool_], FloatArray]:
    """Tell after which beats the lead stepped, and the seconds without a beat after that.

    What comes with the next beat hides nothing: its second does not count.

    Parameters
    ----------
    seconds
        Shape (rows, n): see `Slopes.seconds`; the first is second `first`, at most
        `begin - REACH - USUAL`.
    begin, end
        The seconds to tell: from `begin` on, before `end`. The ones before are told.
    beats_s
        Shape (m,), m >= 1: seconds, rising; the first may be NaN, not known, or before `begin`.
    long
        Shape (m - 1,): the intervals for which it matters.
    factor
        How much further than a second usually spans the lead has to move.

    Returns
    -------
    hidden, lost_s
        Shapes (m,) and (k,); hidden of what came from `begin` on alone.
    """
    hidden, told = np.zeros(len(beats_s), np.bool_), [np.empty(0)]
    edges = np.floor(np.append(np.where(np.isnan(beats_s), -np.inf, beats_s), end))
    asked = (np.append(long, True) & (np.diff(edges) > 0)) | (np.diff(edges) > 1)
    for i in np.flatnonzero(asked & (edges[:-1] >= begin - REACH)):
        a, z = int(edges[i]), int(min(edges[i + 1], edges[i] + REACH))
        over = _stepped(seconds[:, : z - first], a - first, factor)[max(0, begin - a) :]
        hidden[i] = over.any()
        since = np.flatnonzero(over) + max(a, begin)
        told.append(since[since > a].astype(np.float64))
    return hidden, np.concatenate(told)


def _stepped(seconds: FloatArray, first: int, factor: float) -> NDArray[np.bool_]:
    """Tell for each column from `first` on whether the lead has stepped since then."""
    before = seconds[:, max(0, first - USUAL) : first]
    usual = quantile((before[HIGH] - before[LOW])[None], _RANK)[0] if before.size else np.nan
    high = np.fmax.accumulate(seconds[HELD_HIGH, first:])
    low = np.fmin.accumulate(seconds[HELD_LOW, first:])
    told: NDArray[np.bool_] = high - low > factor * usual
    return told
