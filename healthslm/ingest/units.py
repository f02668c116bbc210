"""Which units each kind of signal may come in, and the way to its canonical one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthslm.records import MISSING, Chunk, Frame

if TYPE_CHECKING:
    from collections.abc import Mapping

_G = 9.80665  # m/s2, standard gravity: CGPM 1901
_KPA = 7.500617  # mm[Hg]: 101.325 kPa are 760 mm[Hg]
_MMOL = 18.0182  # mg/dL of glucose: 180.182 g/mol

UNITS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "ecg": {"mV": (1.0, 0.0), "uV": (1e-3, 0.0), "V": (1e3, 0.0)},
    "ppg": {"1": (1.0, 0.0)},
    "respiration": {"1": (1.0, 0.0)},
    "spo2": {"%": (1.0, 0.0), "1": (100.0, 0.0)},
    "temperature": {"Cel": (1.0, 0.0), "[degF]": (5 / 9, -160 / 9), "K": (1.0, -273.15)},
    "heart_rate": {"/min": (1.0, 0.0), "Hz": (60.0, 0.0)},
    "respiratory_rate": {"/min": (1.0, 0.0), "Hz": (60.0, 0.0)},
    "activity": {"g": (1.0, 0.0), "[g]": (1.0, 0.0), "m/s2": (1 / _G, 0.0)},
    "acceleration": {"g": (1.0, 0.0), "[g]": (1.0, 0.0), "m/s2": (1 / _G, 0.0)},
    "systolic": {"mm[Hg]": (1.0, 0.0), "kPa": (_KPA, 0.0)},
    "diastolic": {"mm[Hg]": (1.0, 0.0), "kPa": (_KPA, 0.0)},
    "glucose": {"mg/dL": (1.0, 0.0), "mmol/L": (_MMOL, 0.0)},
}
"""By kind and UCUM unit: canonical = value * factor + term. The first of a kind is canonical."""


def physical(frame: Frame, epoch_s: float, start: int | None = None) -> Chunk:
    """Return the samples of `frame` in the canonical unit of its kind.

    Parameters
    ----------
    frame
        As sent; its samples may be integers or little-endian bytes.
    epoch_s
        UTC seconds of sample index 0.
    start
        Index of the first sample on that scale; the frame's own if None.
    """
    import numpy as np  # here, so that commands which only look up a unit start at once

    factor, term = UNITS[frame.kind][frame.unit]
    samples = frame.samples
    raw = np.frombuffer(samples, "<i2") if isinstance(samples, bytes) else np.asarray(samples)
    values = (raw * frame.gain + frame.offset) * factor + term
    values[raw == MISSING] = np.nan
    first = frame.start if start is None else start
    return Chunk(frame.name, frame.kind, epoch_s, frame.fs, first, values)
