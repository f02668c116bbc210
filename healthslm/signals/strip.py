"""The rhythm of one short single-lead ECG: normal, atrial fibrillation, other, unreadable.

For a spot check: thirty seconds from a patch or a handheld, taken as one piece. The classes are
those of the PhysioNet/CinC Challenge 2017 (Clifford et al. 2017, doi:10.22489/CinC.2017.065-469).
What the intervals, the shapes and the noise of the strip say (`strip_intervals`, `strip_shape`,
`strip_noise`) goes to trees that were learnt there (`models/rhythm`).

It is no stage: a strip has a beginning and an end, and is judged whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfiltfilt

from healthslm.learnt import trees
from healthslm.records import Beat, Chunk, Vital
from healthslm.signals import ecg, strip_intervals, strip_noise, strip_shape
from healthslm.signals.runs import UNREAD_MV
from healthslm.signals.strip_shape import FS
from healthslm.stage import FloatArray

Rhythm = Literal["N", "A", "O", "~"]
CLASSES: tuple[Rhythm, ...] = ("N", "A", "O", "~")

SHORTEST_S = 8.0
LEAST_READ = 0.5  # of the samples
LEAST_BEATS = 4
MOST_LOST_S = 0.2  # unread within an interval that still counts: no beat hides in less

BEATS = (
    "per_s",
    "good",
    "quality",
    "quality_least",
    "ventricular",
    "supraventricular",
    "unclear",
    "wide",
    "width",
    "width_spread",
    "unknown",
    "silence",
)
"""Of the beats as `EcgBeats` tells them."""

FEATURES = (
    *(f"rr_{n}" for n in strip_intervals.NAMES),
    *(f"own_{n}" for n in strip_intervals.NAMES),  # without the beats unlike all others
    *(f"beat_{n}" for n in BEATS),
    *strip_shape.NAMES,
    *(f"noise_{n}" for n in strip_noise.NAMES),
)
"""What is known of a strip, in the order of the columns the trees read."""

UNKNOWN = -9.0
"""Stands for what could not be measured."""


@dataclass(frozen=True, slots=True)
class StripRhythm:
    """The rhythm of a strip, and how sure that is: probabilities of `CLASSES`."""

    rhythm: Rhythm
    chances: tuple[float, ...]


def judge(strip: Chunk) -> StripRhythm:
    """Return the rhythm of one strip of ECG; "~" where it cannot be read."""
    row = features(strip)
    if row is None:
        return StripRhythm("~", (0.0, 0.0, 0.0, 1.0))
    return told(trees("rhythm").sums(row[None])[0])


def told(sums: FloatArray) -> StripRhythm:
    """Return the rhythm that sums of trees, shape (4,), stand for: shares of the leaves."""
    chances = sums / max(float(sums.sum()), 1e-9)
    return StripRhythm(CLASSES[int(chances.argmax())], tuple(chances.tolist()))


def features(strip: Chunk) -> FloatArray | None:
    """Return `FEATURES` of a strip; None where there is too little to read."""
    read = np.abs(strip.values) < UNREAD_MV  # False with a NaN
    if len(read) < SHORTEST_S * strip.fs or read.mean() < LEAST_READ:
        return None
    n = np.arange(len(read))
    filled = replace(strip, values=np.interp(n, n[read], strip.values[read]))
    beats, quality = _beats(filled)
    if len(beats) < LEAST_BEATS or not any(b.good for b in beats):
        return None
    raw = _resampled(filled.values, strip.fs)
    clean: FloatArray = sosfiltfilt(_band(), raw)
    t_s = np.array([b.t_s for b in beats])
    place = np.rint(t_s * FS).astype(np.intp)
    found = strip_shape.shapes(clean, place)
    lost_s = np.interp(t_s, n / strip.fs, np.cumsum(~read) / strip.fs)
    whole = np.diff(lost_s) < MOST_LOST_S
    rr_s = np.diff(t_s)
    early = 1 + np.flatnonzero((strip_intervals.local(rr_s) < strip_intervals.EARLY) & whole)
    row = np.concatenate(
        (
            strip_intervals.measured(rr_s[whole]),
            strip_intervals.measured(rr_s[whole & _own(len(t_s), found)]),
            _of_beats(beats, quality, len(raw) / FS),
            strip_shape.measured(clean, found, early),
            strip_noise.measured(raw, clean),
        )
    )
    return np.nan_to_num(row, nan=UNKNOWN, posinf=UNKNOWN, neginf=UNKNOWN)


def _beats(strip: Chunk) -> tuple[list[Beat], list[float]]:
    """Return the beats of a strip, seconds from its beginning, and its qualities."""
    whole = replace(strip, epoch_s=0.0, start=0)
    state, heard = ecg.SIGNAL.step(ecg.SIGNAL.start(), whole)
    end = replace(whole, epoch_s=1.0, values=np.array([np.nan]))
    heard += ecg.SIGNAL.step(state, end)[1]
    quality = [x.value for x in heard if isinstance(x, Vital) and x.kind == "ecg_quality"]
    return [x for x in heard if isinstance(x, Beat)], quality


def _resampled(values: FloatArray, fs: float) -> FloatArray:
    """Return the values at `FS`."""
    ratio = Fraction(FS / fs).limit_denominator(1000)
    if ratio == 1:
        return values
    level = float(np.median(values))
    out: FloatArray = resample_poly(values - level, ratio.numerator, ratio.denominator) + level
    return out


@lru_cache(maxsize=1)
def _band() -> FloatArray:
    sos: FloatArray = butter(2, (0.7, 40.0), "bandpass", fs=FS, output="sos")
    return sos


def _own(count: int, found: strip_shape.Shapes | None) -> NDArray[np.bool_]:
    """Tell which of the intervals between `count` beats have usual complexes at both ends."""
    own = np.zeros(count, np.bool_)
    if found is not None:
        own[found.number[found.like() > strip_shape.LIKE]] = True
    return own[1:] & own[:-1]


def _of_beats(beats: list[Beat], quality: list[float], length_s: float) -> FloatArray:
    """Return `BEATS` of a strip."""
    labels = np.array([b.label for b in beats])
    width = np.array([b.qrs_s if b.qrs_s is not None else np.nan for b in beats])
    known = width[~np.isnan(width)]
    known = known if len(known) else np.array([np.nan])
    edges = np.array([0.0, *(b.t_s for b in beats), length_s])
    gaps = np.diff(edges)
    return np.array(
        (
            len(beats) / length_s,
            float(np.mean([b.good for b in beats])),
            float(np.nanmean(quality)) if np.isfinite(quality).any() else 0.0,
            float(np.nanmin(quality)) if np.isfinite(quality).any() else 0.0,
            float(np.mean(labels == "V")),
            float(np.mean(labels == "S")),
            float(np.mean(labels == "Q")),
            float(np.mean(known > 0.12)),
            float(np.median(known)),
            float(np.std(known)),
            float(np.mean([b.rr_s is None for b in beats])),
            float(gaps.max()) / max(float(np.median(gaps)), 1e-3),
        )
    )
