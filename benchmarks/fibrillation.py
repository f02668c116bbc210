"""Where a recording fibrillates, by published measures that no stage of ours uses.

An 8 s window does where all three say so, with the constants of their authors:

- threshold crossing sample count (Arafat et al. 2011, doi:10.1007/s11760-009-0136-1): more
  than 48 % of the samples are above a fifth of the highest, in 3 s at a time;
- phase space (Amann et al. 2007, doi:10.1109/TBME.2006.880909): the curve of the signal
  against itself 0.5 s before fills 15 % of a 40 x 40 grid;
- spectrum (Barro et al. 1989, "A2"): 45 % of the amplitudes lie between 0.7 and 1.4 times the
  frequency of the largest.

Filters before them as in Amann et al. 2005 (doi:10.1186/1475-925X-4-60). The first two alone
call muscle noise fibrillation, the third alone a slow rhythm with broad complexes.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, filtfilt, sosfiltfilt

from healthslm.stage import FloatArray
from healthslm.validate.matching import Span

WINDOW_S = 8.0
SAMPLES_PCT, ABOVE, PIECE_S, EDGE_S = 48.0, 0.2, 3.0, 0.25
FILLED, GRID, DELAY_S = 0.15, 40, 0.5
CONCENTRATED = 0.45


def windows(values: FloatArray, fs: float) -> list[Span]:
    """Return the 8 s windows, a second apart, that fibrillate; none holds an unread sample.

    Parameters
    ----------
    values
        mV; NaN where nothing was read.
    """
    unread = np.isnan(values)
    if unread.all():
        return []
    at = np.arange(len(values))
    filtered = _filtered(np.interp(at, at[~unread], values[~unread]), fs)
    found = []
    for begin_s in range(int(len(values) / fs - WINDOW_S) + 1):
        part = slice(round(begin_s * fs), round((begin_s + WINDOW_S) * fs))
        if not unread[part].any() and _fibrillates(filtered[part], fs):
            found.append((float(begin_s), begin_s + WINDOW_S))
    return found


def _filtered(values: FloatArray, fs: float) -> FloatArray:
    width = max(1, round(fs / 50))
    smooth = filtfilt(np.full(width, 1 / width), [1.0], values - values.mean())
    high = sosfiltfilt(butter(2, 1.0, "high", fs=fs, output="sos"), smooth)
    low: FloatArray = sosfiltfilt(butter(2, 30.0, "low", fs=fs, output="sos"), high)
    return low


def _fibrillates(x: FloatArray, fs: float) -> bool:
    return (
        _samples_above(x, fs) >= SAMPLES_PCT
        and _filled(x, fs) >= FILLED
        and _concentrated(x, fs) >= CONCENTRATED
    )


def _samples_above(x: FloatArray, fs: float) -> float:
    n, edge = round(PIECE_S * fs), round(EDGE_S * fs)
    window = np.ones(n)
    window[:edge] = (1 - np.cos(np.pi * np.arange(edge) / edge)) / 2
    window[-edge:] = window[:edge][::-1]
    shares = []
    for begin in range(0, len(x) - n + 1, round(fs)):
        height = np.abs(x[begin : begin + n] * window)
        shares.append(np.mean(height > ABOVE * height.max()))
    return 100 * float(np.mean(shares))


def _filled(x: FloatArray, fs: float) -> float:
    span = np.ptp(x)
    if span == 0:
        return 0.0
    place = np.minimum((x - x.min()) / span * GRID, GRID - 1).astype(np.intp)
    delay = round(DELAY_S * fs)
    return len(np.unique(place[delay:] * GRID + place[:-delay])) / GRID**2


def _concentrated(x: FloatArray, fs: float) -> float:
    spectrum = np.fft.rfft(x * np.hamming(len(x)))
    size = np.abs(spectrum.real) + np.abs(spectrum.imag)
    hz = np.fft.rfftfreq(len(x), 1 / fs)
    band = np.flatnonzero((hz >= 0.5) & (hz <= 9.0))
    largest = band[size[band].argmax()]
    size[size < 0.05 * size[largest]] = 0.0
    peak = hz[largest]
    whole = size[(hz >= 0.5) & (hz <= min(20 * peak, 100.0))].sum()
    return float(size[(hz >= 0.7 * peak) & (hz <= 1.4 * peak)].sum() / whole) if whole else 0.0
