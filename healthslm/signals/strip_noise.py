"""How far one short ECG strip can be read: its bands, its peaks, its worst seconds."""

from __future__ import annotations

import numpy as np
from scipy.signal import welch

from healthslm.signals.strip_shape import FS
from healthslm.stage import FloatArray

BANDS_HZ = ((0.0, 0.7), (0.7, 5.0), (5.0, 15.0), (15.0, 40.0), (40.0, 100.0))
SPAN = 500  # samples: two seconds
FLAT_MV = 1e-4  # from one sample to the next: how calm the lead is where nothing happens

NAMES = (
    "length_s",
    "below",
    "low",
    "complexes",
    "high",
    "muscle",
    "kurtosis",
    "skew",
    "flat",
    "worst",
    "worst_rough",
    "calmest",
    "uneven",
    "crossings",
    "entropy",
)
"""Of the signal as it came, in the order of the columns."""


def measured(raw: FloatArray, clean: FloatArray) -> FloatArray:
    """Return `NAMES` of a strip at `FS`, mV: as it came, and without wander and hum."""
    hz, power = welch(raw - raw.mean(), FS, nperseg=min(1024, len(raw)))
    total = max(float(power[hz < 100].sum()), 1e-20)
    bands = [float(power[(hz >= low) & (hz < high)].sum()) / total for low, high in BANDS_HZ]
    spread = max(float(np.std(clean)), 1e-9)
    x = (clean - clean.mean()) / spread
    spans = [clean[i : i + SPAN] for i in range(0, max(len(clean) - SPAN, 0) + 1, SPAN)]
    energy = np.array([np.var(s) for s in spans]) / spread**2
    rough = np.array([np.mean(np.diff(s) ** 2) for s in spans]) / spread**2
    share = power / max(float(power.sum()), 1e-20)
    return np.array(
        (
            len(raw) / FS,
            bands[0],
            *[b / max(1 - bands[0], 1e-6) for b in bands[1:]],
            float(np.mean(x**4)),
            abs(float(np.mean(x**3))),
            float(np.mean(np.abs(np.diff(raw)) < FLAT_MV)),
            float(energy.max()),
            float(rough.max()),
            float(energy.min()),
            float(np.std(energy)),
            float(np.mean(x[1:] * x[:-1] < 0)),
            float(-np.sum(share * np.log(share + 1e-12))),
        )
    )
