"""Heart rate variability by frequency: for clinicians' trends and for validation, no finding.

Both functions give the power (ms2) of the bands of the Task Force 1996
(doi:10.1161/01.CIR.93.5.1043). LF/HF measures no "balance" of anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lombscargle, welch

FloatArray = NDArray[np.float64]

LF_HZ = (0.04, 0.15)
HF_HZ = (0.15, 0.40)
MS = 1000.0


@dataclass(frozen=True, slots=True)
class Powers:
    """Power of the low and the high band, ms2."""

    lf_ms2: float
    hf_ms2: float

    @property
    def ratio(self) -> float:
        """LF/HF; NaN where there is no power in the high band."""
        return self.lf_ms2 / self.hf_ms2 if self.hf_ms2 > 0 else float("nan")

    @property
    def lf_nu(self) -> float:
        """LF in normalised units, % of both bands; NaN without power."""
        return self._share(self.lf_ms2)

    @property
    def hf_nu(self) -> float:
        """HF in normalised units, % of both bands; NaN without power."""
        return self._share(self.hf_ms2)

    def _share(self, power_ms2: float) -> float:
        both = self.lf_ms2 + self.hf_ms2
        return 100 * power_ms2 / both if both > 0 else float("nan")


def of_tachogram(nn_ms: FloatArray, fs: float) -> Powers:
    """Return the powers of a tachogram that was sampled evenly.

    Welch 1967 (doi:10.1109/TAU.1967.1161901) with one Hann window over all of it, its mean
    taken off.

    Parameters
    ----------
    nn_ms
        Shape (n,), n >= 2, ms: the interval at each time.
    fs
        Hz; 4 is usual.
    """
    hz, density = welch(nn_ms, fs, window="hann", nperseg=len(nn_ms), detrend="constant")
    return _powers(hz, density, fs / len(nn_ms))


def of_intervals(rr_s: Sequence[float]) -> Powers:
    """Return the powers of intervals as they are, one after the other.

    Lomb's periodogram, which needs no even sampling (PhysioNet Cardiovascular Signal
    Toolbox, doi:10.1088/1361-6579/aae021). Where we differ: in steps of one over the
    length of the series, so that the bands hold all of the variance that lies in them.

    Parameters
    ----------
    rr_s
        At least three normal intervals in a row, s; five minutes of them are usual.

    Raises
    ------
    ValueError
        There are fewer, or one is not positive.
    """
    rr = np.asarray(rr_s, np.float64)
    if len(rr) < 3 or not (rr > 0).all():
        raise ValueError("want at least three intervals, all positive")
    t_s = np.cumsum(rr)
    span_s = float(rr.sum())
    step_hz = 1 / span_s
    hz = np.asarray(np.arange(1, int(HF_HZ[1] / step_hz) + 2) * step_hz, np.float64)
    nn_ms = MS * (rr - rr.mean())
    if rr.min() == rr.max():  # its mean may differ from it by a rounding
        return Powers(0.0, 0.0)
    power = lombscargle(t_s, nn_ms, 2 * np.pi * hz)
    density = np.asarray(power * 2 * span_s / len(rr), np.float64)
    return _powers(hz, density, step_hz)


def _powers(hz: FloatArray, density: FloatArray, step_hz: float) -> Powers:
    """Sum a density (ms2/Hz) over each band, the upper edge left out."""

    def within(band_hz: tuple[float, float]) -> float:
        low, high = band_hz
        return float(density[(hz >= low) & (hz < high)].sum()) * step_hz

    return Powers(within(LF_HZ), within(HF_HZ))
