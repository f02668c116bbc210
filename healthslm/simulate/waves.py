"""The waveforms that a rhythm makes: ECG and PPG, with what disturbs them."""

from __future__ import annotations

import numpy as np

from healthslm.recordings.tracks import FloatArray
from healthslm.simulate.body import Person, plateau
from healthslm.simulate.plan import Happening
from healthslm.simulate.rhythm import Rhythm

ECG_HZ = 250.0
PPG_HZ = 64.0

# Waves as Gaussians, in the manner of McSharry et al. 2003 (doi:10.1109/TBME.2003.808805),
# but in time instead of phase, so that a long RR does not widen the QRS: (centre s, width s,
# height as a part of R). The T wave has a slow rise and a fast fall.
_P = (-0.160, 0.022, 0.12)
_NARROW = ((-0.032, 0.009, -0.10), (0.0, 0.011, 1.0), (0.030, 0.010, -0.20))
_T = ((0.250, 0.050, 0.20), (0.290, 0.028, 0.12))
_WIDE = ((0.0, 0.030, 1.25), (0.090, 0.035, -0.45), (0.320, 0.070, -0.40))
_PULSE = ((0.125, 0.055, 1.0), (0.330, 0.090, 0.38))  # from the foot: systolic, dicrotic


def ecg(
    rng: np.random.Generator,
    person: Person,
    rhythm: Rhythm,
    span_s: float,
    noise: tuple[Happening, ...],
) -> FloatArray:
    """Return a chest lead in mV at `ECG_HZ`, shape (span_s * ECG_HZ,); R peaks at beat times."""
    t_s = np.arange(int(span_s * ECG_HZ)) / ECG_HZ
    beats, rr_s = rhythm.times_s, np.clip(rhythm.rr_s, 0.4, 1.2)
    height_mv = person.r_mv * (1 + 0.06 * np.sin(rhythm.breath))
    normal, stretch = ~rhythm.ectopic, np.sqrt(rr_s)  # QT follows the root of RR (Bazett 1920)
    ecg_mv = np.zeros(len(t_s))
    for centre, width, part in _NARROW:
        ecg_mv += _bumps(t_s, ECG_HZ, beats + centre, width, part * height_mv * normal)
    has_p = normal & ~rhythm.fibrillating
    ecg_mv += _bumps(t_s, ECG_HZ, beats + _P[0] * stretch, _P[1], _P[2] * height_mv * has_p)
    for centre, width, part in _T:
        ecg_mv += _bumps(t_s, ECG_HZ, beats + centre * stretch, width, part * height_mv * normal)
    for centre, width, part in _WIDE:
        ecg_mv += _bumps(t_s, ECG_HZ, beats + centre, width, part * height_mv * rhythm.ectopic)
    ecg_mv += 0.06 * np.sin(np.interp(t_s, beats, rhythm.breath))  # the chest moves
    ecg_mv += 0.03 * band_noise(rng, len(t_s), ECG_HZ, 0.05, 0.5)
    ecg_mv += 0.008 * rng.standard_normal(len(t_s))
    fibrillating = np.interp(t_s, beats, rhythm.fibrillating.astype(np.float64))
    ecg_mv += 0.035 * fibrillating * band_noise(rng, len(t_s), ECG_HZ, 4.5, 8)  # f waves
    for h in noise:  # electrodes slide, muscles fire
        weight = plateau(t_s, h, 1.0)
        ecg_mv += 1.2 * person.r_mv * weight * band_noise(rng, len(t_s), ECG_HZ, 0.7, 14)
        ecg_mv += 0.3 * person.r_mv * weight * rng.standard_normal(len(t_s))
    return np.clip(ecg_mv, -5, 5)  # the range of the amplifier


def ppg(
    rng: np.random.Generator,
    person: Person,
    rhythm: Rhythm,
    span_s: float,
    noise: tuple[Happening, ...],
) -> FloatArray:
    """Return a wrist PPG at `PPG_HZ`, a usual pulse being 1 high; shape (span_s * PPG_HZ,).

    The pulse comes a transit time after its beat, lower after a short filling time.
    """
    t_s = np.arange(int(span_s * PPG_HZ)) / PPG_HZ
    filling = rhythm.rr_s / np.median(rhythm.rr_s)
    feet = rhythm.times_s + person.transit_s + 0.006 * np.sin(rhythm.breath)
    stretch = np.sqrt(np.clip(rhythm.rr_s, 0.4, 1.2))
    height = np.clip(0.25 + 0.75 * filling, 0.25, 1.15) * (1 + 0.05 * np.sin(rhythm.breath))
    wave = np.zeros(len(t_s))
    for centre, width, part in _PULSE:
        wave += _bumps(t_s, PPG_HZ, feet + centre * stretch, width, part * height)
    wave += 0.08 * np.sin(np.interp(t_s, rhythm.times_s, rhythm.breath))
    wave += 0.05 * band_noise(rng, len(t_s), PPG_HZ, 0.02, 0.3)
    wave += 0.01 * rng.standard_normal(len(t_s))
    for h in noise:
        wave += 1.5 * plateau(t_s, h, 1.0) * band_noise(rng, len(t_s), PPG_HZ, 0.4, 6)
    return wave


def band_noise(
    rng: np.random.Generator, n: int, fs: float, low_hz: float, high_hz: float
) -> FloatArray:
    """Return Gaussian noise of unit variance between two frequencies, shape (n,)."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / fs)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    noise: FloatArray = np.fft.irfft(spectrum, n)
    noise /= noise.std()
    return noise


def _bumps(
    t_s: FloatArray, fs: float, centres_s: FloatArray, width_s: float, heights: FloatArray
) -> FloatArray:
    """Return the sum of a Gaussian at each centre, shape of `t_s`."""
    reach = int(4.5 * width_s * fs) + 1
    index = np.rint(centres_s * fs).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    far = (index / fs - centres_s[:, None]) / width_s
    values = heights[:, None] * np.exp(-0.5 * far * far)
    inside = (index >= 0) & (index < len(t_s))
    weights = values[inside].astype(np.float64)
    return np.bincount(index[inside], weights, minlength=len(t_s)).astype(np.float64)
