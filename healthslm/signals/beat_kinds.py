"""Which beats of one person look alike, and which of these shapes is the normal one.

Beats gather in kinds by their shape, each a running mean, as in the open-source analysis
of P. Hamilton (EP Limited, 2002). The kind that most beats in time belong to is the
person's own normal: every beat is then judged against it, and not against a population.

Where we differ: beats that come early count less for what is normal, so that in bigeminy
the ectopic half never is; a beat's kind brings its history along: how early beats of this
kind usually come.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from healthslm.signals.morphology import POINTS, QRS, Figures, figures, unlike
from healthslm.signals.slopes import IntArray
from healthslm.stage import FloatArray

KINDS = 8
INTERVALS = 24

COUNT, WEIGHT, VOTES, EARLY = range(4)  # of a kind, then its `Figures`
WIDTH, _, AREA, AFTER, SPIKE = range(4, 9)
_COLUMNS = 9
_LEAST_S, _LEAST_MV = 0.008, 0.01  # nothing is measured finer
_MANY = 50.0  # beats; of a kind with more, more is no news
_FASTEST, _SLOWEST = 0.3, 1.6  # what one interval may say of a kind, in mean intervals

FEATURES = (
    "before",  # interval before, in mean intervals of the last beats; 1 where not known
    "after",  # interval after, likewise
    "rest",  # interval after, in intervals before
    "before_last",  # interval of the beat before, in mean ones
    "uneven",  # usual change from one interval to the next, in mean intervals
    "quality",  # of the 10 s
    "width_s",
    "width_ratio",  # to the normal kind
    "unlike",
    "correlation",
    "unlike_all",  # with what lies before and after the complex
    "t_wave",  # how differently what follows the complex lies, in areas of the normal
    "area",  # logarithm of the ratio
    "unlike_own",  # to the kind it was taken for: large in noise
    "own_count",
    "own_before",  # interval before, mean of the kind
    "own_unlike",  # the kind, to the normal one
    "own_width_ratio",
    "own_width_s",
    "paced",  # 1 where a pacemaker's spike is seen, else the share of the kind that has one
)
"""What is known of each beat, in the order of the columns that `Gatherer.told` gives."""

_RHYTHM, _QUALITY, _SHAPE = slice(0, 4), 5, slice(6, len(FEATURES))


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """The kinds of beat seen so far; none before the first."""

    shapes: FloatArray = field(default_factory=lambda: np.zeros((KINDS, POINTS)))  # mV
    table: FloatArray = field(default_factory=lambda: np.zeros((KINDS, _COLUMNS)))
    rr_s: FloatArray = field(default_factory=lambda: np.full(INTERVALS, np.nan))  # the newest
    newest_s: float = np.nan  # time of the newest beat


@dataclass(frozen=True, slots=True)
class Gatherer:
    """How beats gather in kinds."""

    apart: float = 0.2  # a beat that is more unlike every kind begins a new one
    half_life: float = 200.0  # beats after which a kind counts half
    slowest: float = 1 / 32  # share of the newest beat in a kind's mean, at least
    early: float = 0.88  # an interval so short, in mean ones,
    early_vote: float = 0.3  # says less of what is normal

    def told(
        self, kinds: Kinds, shapes: FloatArray, rr_s: FloatArray, after_s: float, quality: float
    ) -> tuple[Kinds, FloatArray]:
        """Take the beats of one block; return the kinds, and `FEATURES` of each beat.

        Parameters
        ----------
        shapes
            Shape (n, POINTS), mV.
        rr_s
            Shape (n,): seconds from the beat before; NaN where not known.
        after_s
            Seconds from the last of them to the next beat; NaN where not known.
        quality
            Of the block, 0 to 1.
        """
        known = np.concatenate((kinds.rr_s, rr_s[~np.isnan(rr_s)]))[-INTERVALS:]
        held = known[~np.isnan(known)]
        mean_s = float(np.mean(held)) if len(held) else np.nan
        uneven = float(np.median(np.abs(np.diff(held)))) if len(held) > 2 else np.nan
        before = rr_s / mean_s
        after = np.append(rr_s[1:], after_s)[: len(rr_s)] / mean_s
        last = np.append(kinds.rr_s[-1] / mean_s, before)[: len(rr_s)]
        measured = figures(shapes)
        kinds, own = self._gathered(replace(kinds, rr_s=known), shapes, measured, before, quality)
        rhythm = np.stack((before, after, after / before, last), axis=1)
        rows = np.empty((len(shapes), len(FEATURES)))
        rows[:, _RHYTHM] = np.nan_to_num(rhythm, nan=1.0)
        rows[:, _RHYTHM.stop] = np.nan_to_num(uneven / mean_s)
        rows[:, _SHAPE] = _compared(kinds, own, shapes, measured)
        rows[:, _QUALITY] = quality
        return kinds, rows

    def _gathered(
        self,
        kinds: Kinds,
        shapes: FloatArray,
        measured: Figures,
        before: FloatArray,
        quality: float,
    ) -> tuple[Kinds, IntArray]:
        """Return the kinds with the beats, and the number of each beat's own."""
        means, table = kinds.shapes.copy(), kinds.table.copy()
        keep = 0.5 ** (1 / self.half_life)
        stacked = measured.stacked()
        own = np.zeros(len(shapes), np.intp)
        for i, share in enumerate(np.nan_to_num(before, nan=1.0).tolist()):
            table[:, WEIGHT : VOTES + 1] *= keep
            apart = np.where(table[:, COUNT] > 0, unlike(means[:, QRS], shapes[i, QRS]), np.inf)
            k = int(apart.argmin())
            if apart[k] > self.apart:
                k = int(table[:, WEIGHT].argmin())
                means[k], table[k] = 0.0, 0.0
            own[i] = k
            table[k, COUNT] += 1
            gain = max(1 / table[k, COUNT], self.slowest)
            means[k] += gain * (shapes[i] - means[k])
            said = min(max(share, _FASTEST), _SLOWEST)
            table[k, EARLY] += gain * (said - table[k, EARLY])
            table[k, WIDTH:] += gain * (stacked[i] - table[k, WIDTH:])
            table[k, WEIGHT] += 1
            table[k, VOTES] += (1.0 if share > self.early else self.early_vote) * (0.2 + quality)
        return replace(kinds, shapes=means, table=table), own


def _compared(kinds: Kinds, own: IntArray, shapes: FloatArray, measured: Figures) -> FloatArray:
    """Return the features of shape, shape (n, len(FEATURES) - 6)."""
    normal = int(kinds.table[:, VOTES].argmax())
    usual, mean = kinds.table[normal], kinds.shapes[normal]
    of, means = kinds.table[own], kinds.shapes[own]
    width, area = max(float(usual[WIDTH]), _LEAST_S), max(float(usual[AREA]), _LEAST_MV)
    complexes = shapes[:, QRS]
    return np.stack(
        (
            measured.width_s,
            measured.width_s / width,
            unlike(complexes, mean[QRS]),
            _correlation(complexes, mean[QRS]),
            unlike(shapes, mean),
            np.abs(measured.after - usual[AFTER]) / area,
            np.log(np.maximum(measured.area, _LEAST_MV) / area),
            unlike(complexes, means[:, QRS]),
            np.minimum(of[:, COUNT], _MANY),
            of[:, EARLY],
            unlike(means[:, QRS], mean[QRS]),
            of[:, WIDTH] / width,
            of[:, WIDTH],
            np.maximum(measured.spike, of[:, SPIKE]),
        ),
        axis=1,
    )


def _correlation(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the correlation of each row of `a` with `b`."""
    a = a - a.mean(axis=1)[:, None]
    b = b - b.mean()
    energy = np.sum(a * a, axis=1) * np.sum(b * b)
    together: FloatArray = np.sum(a * b, axis=1) / np.sqrt(np.maximum(energy, 1e-30))
    return together
