"""What the shapes in one short ECG strip say: its usual beat, and how far each beat is like it.

The median of the aligned beats is the person's own usual beat. The P wave is looked for in it
and, by correlation with it, before each single beat: in fibrillation there is none that stays.
What is left of the strip once the usual beat is taken away is atrial activity and noise.

Heights are shares of the height of the usual complex, and a lead that reads it downwards is
turned over; so the size of the signal and the side it was worn on say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import welch

from healthslm.signals.slopes import IntArray
from healthslm.stage import FloatArray

FS = 250.0  # Hz: what every strip is brought to
BEFORE, AFTER = 80, 125  # samples: 0.32 s before the peak to 0.5 s after
LEAST = 4  # whole beats; with fewer nothing is told
REACH = 10  # samples by which a beat may be moved to fit the usual one: 40 ms
ROUNDS = 2
LIKE = 0.8  # correlation of complexes of one kind

NAMES = (
    "qrs_like",
    "qrs_like_p10",
    "qrs_like_least",
    "beat_like",
    "beat_like_p10",
    "p_like",
    "p_like_p25",
    "pr_like",
    "t_like",
    "other_kind",
    "other_kind_early",
    "height_cv",
    "height_least",
    "p_height",
    "p_place",
    "p_energy",
    "p_over_noise",
    "p_before",
    "pr_slope",
    "q_depth",
    "s_depth",
    "st",
    "t_height",
    "t_place",
    "t_energy",
    "qrs_width",
    "qrs_area",
    "qrs_spread",
    "pr",
    "qrs_half",
    "qrs_peaks",
    "left_energy",
    "left_qrs",
    "left_slow",
    "left_atrial",
    "left_muscle",
    "left_peak",
    "left_peak_hz",
    "left_entropy",
    "tq_energy",
    "tq_muscle",
    "p_shift",
    "early_like",
    "early_p_like",
)
"""Of the shapes, in the order of the columns."""


def _at(begin_s: float, end_s: float) -> slice:
    """Return the samples of a beat that lie between two times from its peak."""
    return slice(BEFORE + round(begin_s * FS), BEFORE + round(end_s * FS))


_QRS, _P, _BASE = _at(-0.06, 0.08), _at(-0.26, -0.05), _at(-0.3, -0.06)
_PR, _ST, _T = _at(-0.3, -0.04), _at(0.08, 0.12), _at(0.12, 0.44)


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """The whole beats of a strip, aligned, upright and in heights of the usual complex."""

    place: IntArray  # shape (n,): the sample each peak is moved to
    number: IntArray  # shape (n,): which beat of the strip
    beats: FloatArray  # shape (n, BEFORE + AFTER)
    usual: FloatArray  # shape (BEFORE + AFTER,)
    unit: float  # mV, height of the usual complex; negative where the lead reads it downwards

    def like(self) -> FloatArray:
        """Return how far each complex is like the usual one, shape (n,): a correlation."""
        return _like(self.beats[:, _QRS], self.usual[_QRS])


def shapes(values: FloatArray, place: IntArray) -> Shapes | None:
    """Return the beats of a strip; None where there are too few.

    Parameters
    ----------
    values
        mV at `FS`, without wander and hum.
    place
        Samples of the peaks, rising.
    """
    first, last = BEFORE + ROUNDS * REACH, len(values) - AFTER - ROUNDS * REACH
    number = np.flatnonzero((place >= first) & (place <= last))
    place = place[number]
    if len(place) < LEAST:
        return None
    usual = np.median(_cut(values, place), axis=0)
    for _ in range(ROUNDS):
        place = _moved(values, place, usual)
        usual = np.median(_cut(values, place), axis=0)
    peak = usual[_QRS] - np.median(usual[_BASE])
    height = float(np.ptp(peak))
    if height < 0.02:
        return None
    unit = height if peak.max() >= 0.8 * -peak.min() else -height
    cut = _cut(values, place)
    return Shapes(place, number, cut / unit, np.median(cut, axis=0) / unit, unit)


def _cut(values: FloatArray, place: IntArray) -> FloatArray:
    """Return the beats, each less what it reads before its complex."""
    rows: FloatArray = values[place[:, None] + np.arange(-BEFORE, AFTER)]
    return rows - np.median(rows[:, _BASE], axis=1)[:, None]


def _moved(values: FloatArray, place: IntArray, usual: FloatArray) -> IntArray:
    """Return where each complex fits the usual one best."""
    moves = np.arange(-REACH, REACH + 1)
    like = np.stack([_like(_cut(values, place + m)[:, _QRS], usual[_QRS]) for m in moves])
    moved: IntArray = place + moves[like.argmax(axis=0)]
    return moved


def _like(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the correlation of the last axis of `a` with `b`."""
    a = a - a.mean(axis=-1, keepdims=True)
    b = b - b.mean(axis=-1, keepdims=True)
    energy = np.sum(a * a, axis=-1) * np.sum(b * b, axis=-1)
    like: FloatArray = np.sum(a * b, axis=-1) / np.sqrt(np.maximum(energy, 1e-20))
    return like


def measured(values: FloatArray, found: Shapes | None, early: IntArray) -> FloatArray:
    """Return `NAMES` of a strip; NaN where it has too few beats.

    Parameters
    ----------
    values
        As `shapes` took them.
    early
        Numbers of the beats that came early.
    """
    if found is None:
        return np.full(len(NAMES), np.nan)
    beats, usual = found.beats, found.usual
    qrs, p = _like(beats[:, _QRS], usual[_QRS]), _like(beats[:, _P], usual[_P])
    whole = _like(beats, usual)
    own = qrs > LIKE
    noise = np.median(np.mean((beats[:, _P] - usual[_P]) ** 2, axis=1))
    soon = np.isin(found.number, early)
    heights = np.ptp(beats[:, _QRS], axis=1)
    return np.array(
        (
            float(np.median(qrs)),
            float(np.quantile(qrs, 0.1)),
            float(qrs.min()),
            float(np.median(whole)),
            float(np.quantile(whole, 0.1)),
            float(np.median(p)),
            float(np.quantile(p, 0.25)),
            float(np.median(_like(beats[:, _PR], usual[_PR]))),
            float(np.median(_like(beats[:, _T], usual[_T]))),
            float(np.mean(~own)),
            float(np.mean(~own & soon)),
            float(np.std(heights)) / max(float(heights.mean()), 1e-6),
            float(heights.min()) / max(float(np.median(heights)), 1e-6),
            *_waves(usual, float(noise)),
            *_left(values, found),
            _shift(beats, usual),
            float(qrs[soon].mean()) if soon.any() else 1.0,
            float(p[soon].mean()) if soon.any() else 1.0,
        )
    )


def _waves(usual: FloatArray, noise: float) -> tuple[float, ...]:
    """Return what is read off the usual beat, from the P wave to its end."""
    p, t, qrs = usual[_P], usual[_T], usual[_QRS]
    line = np.linspace(p[0], p[-1], len(p))
    over = p - line
    at = int(np.abs(over).argmax())
    energy = float(np.mean((p - p.mean()) ** 2))
    before = usual[_at(-0.32, -0.22)]
    t = t - np.median(usual[_BASE])
    peak = int(np.abs(t).argmax())
    slope = np.abs(np.diff(usual[_at(-0.12, 0.16)]))
    steep = np.flatnonzero(slope > 0.08 * slope.max())
    tall = np.abs(qrs) > 0.5 * np.abs(qrs).max()
    turns = np.diff(np.sign(np.diff(qrs)))
    big = np.abs(qrs[1:-1]) > 0.1
    return (
        float(over[at]),
        at / FS,
        energy,
        float(np.log((energy + 1e-7) / (noise + 1e-7))),
        float(np.ptp(before)),
        float(usual[_at(-0.06, -0.04)].mean() - usual[_at(-0.26, -0.22)].mean()),
        float(usual[_at(-0.06, 0.0)].min()),
        float(usual[_at(0.0, 0.1)].min()),
        float(usual[_ST].mean()),
        float(t[peak]),
        peak / FS,
        float(np.mean(t * t)),
        (steep[-1] - steep[0]) / FS,
        float(np.mean(np.abs(qrs))),
        _spread(usual[_at(-0.12, 0.16)]),
        (_at(-0.12, 0).start + int(steep[0]) - _P.start - at) / FS,
        float(tall.sum()) / FS,
        float(np.sum((turns != 0) & big)),
    )


def _spread(qrs: FloatArray) -> float:
    """Return how widely the slope energy of a complex is spread, s."""
    energy = np.diff(qrs) ** 2
    energy = energy / max(float(energy.sum()), 1e-20)
    t_s = np.arange(len(energy)) / FS
    mean = float(np.sum(energy * t_s))
    return float(np.sqrt(np.sum(energy * (t_s - mean) ** 2)))


def _left(values: FloatArray, found: Shapes) -> tuple[float, ...]:
    """Return what is left once the usual beat is taken away: of all, and of the T-Q stretches."""
    left = values[found.place[0] - BEFORE : found.place[-1] + AFTER] / found.unit
    begin = found.place - found.place[0]
    quiet = np.ones(len(left), np.bool_)
    gap = np.diff(found.place, append=found.place[-1] + AFTER)
    for at, row, space in zip(begin, found.beats, gap, strict=True):
        n = int(min(space, len(found.usual)))
        level = float(np.median(row - found.usual))
        left[at : at + n] -= found.usual[:n] + level
        quiet[at + BEFORE - 15 : at + BEFORE + 75] = False
    hz, power = welch(left - left.mean(), FS, nperseg=min(512, len(left)))
    share = power / max(float(power.sum()), 1e-20)
    band = (hz >= 3.5) & (hz <= 10)
    peak = int(np.argmax(np.where(band, power, 0.0)))
    complexes = np.mean((found.beats[:, _QRS] - found.usual[_QRS]) ** 2)
    step = hz[1] - hz[0]
    stretch = left[quiet]
    rest = float(np.var(stretch)) if quiet.sum() > 50 else float(np.var(left))
    rough = float(np.mean(np.diff(stretch) ** 2)) if quiet.sum() > 50 else 0.0
    within = share[band] / max(float(share[band].sum()), 1e-20)
    return (
        float(np.log(power.sum() * step + 1e-7)),
        float(np.log(complexes + 1e-7)),
        float(share[hz < 3.5].sum()),
        float(share[band].sum()),
        float(share[hz > 15].sum()),
        float(share[peak] / max(float(share[band].sum()), 1e-20)),
        float(hz[peak]),
        float(-np.sum(within * np.log(within + 1e-12))),
        float(np.log(rest + 1e-7)),
        float(np.log(rough + 1e-7)),
    )


def _shift(beats: FloatArray, usual: FloatArray) -> float:
    """Return how much the place varies, s, where the P wave fits each beat best."""
    width = _P.stop - _P.start
    wave = usual[_P]
    moves = range(-_P.start, 8)
    like = np.stack([_like(beats[:, _P.start + m : _P.start + m + width], wave) for m in moves])
    place = like.argmax(axis=0)
    return float(np.mean(np.abs(place - np.median(place)))) / FS
