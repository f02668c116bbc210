"""Electrode motion, taken out of the MIT-BIH Noise Stress Test and added to other recordings.

A snippet of record 118e06 is record 118, sample for sample, with an offset, and noise from
540 s on: what is left when 118 is taken away is the noise alone. It is checked that nothing
is left before.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data import Data, Missing
from healthslm import recordings
from healthslm.stage import FloatArray

FS = 360.0
SNIPPET_S, NOISE_S = 500.0, 540.0  # in record 118: where the snippet and its noise begin
SNIPPETS = {"24db": "118e24", "12db": "118e12", "6db": "118e06", "0db": "118e00"}
MEASURED = 300  # beats, and seconds, that an amplitude is measured on: nst(1)
TRIMMED = 0.05  # of them left out at both ends


@dataclass(frozen=True, slots=True, eq=False)
class Snippet:
    """Two minutes of record 118 with noise of one strength."""

    values: FloatArray  # mV
    beats_s: list[float]


def snippets(data: Data) -> dict[str, Snippet]:
    """Return the snippets by their signal-to-noise ratio; raises Missing.

    There is one set of them: on a split without, the development split's serves.
    """
    folder = _folder(data)
    found = {}
    for snr, name in SNIPPETS.items():
        path = folder / f"{name}.csv.xz"
        if path.exists():
            samples = np.loadtxt(folder / f"{name}_ann.csv", ndmin=1)
            found[snr] = Snippet(_column(path), (samples / FS).tolist())
    return found


def noise(data: Data) -> FloatArray:
    """Return the noise, mV at the strength it has in 118e06; raises Missing."""
    clean = data.root / "mitdb" / "dev" / "118.hea"
    mixed = _folder(data) / "118e06.csv.xz"
    for path in (clean, mixed):
        if not path.exists():
            raise Missing(f"no {path.relative_to(data.root)} in HEALTHSLM_DATA")
    values = _column(mixed)
    begin, quiet = round(SNIPPET_S * FS), round((NOISE_S - SNIPPET_S) * FS)
    record = recordings.load(clean, "MLII").tracks[0].values
    rest = values - record[begin : begin + len(values)]
    rest -= rest[:quiet].mean()
    if np.abs(rest[:quiet]).max() > 0.01:  # two units of the converter
        raise Missing("a 118e06.csv.xz that is record 118 and noise in HEALTHSLM_DATA")
    return rest[quiet:]


def mixed(values: FloatArray, beats: FloatArray, noise_mv: FloatArray, snr_db: float) -> FloatArray:
    """Return a recording with noise at a ratio as nst(1) has it, the noise again and again.

    The signal's power is an eighth of the square of the QRS complexes' height, from peak to
    peak; the noise's is the square of its deviation in one second: trimmed means of both.

    Parameters
    ----------
    values, noise_mv
        mV at 360 Hz.
    beats
        Sample indices of the reference beats.
    """
    near = round(0.05 * FS)
    inside = beats[(beats >= near) & (beats < len(values) - near)][:MEASURED]
    height = _trimmed(np.array([np.ptp(values[i - near : i + near + 1]) for i in inside]))
    seconds = noise_mv[: len(noise_mv) // round(FS) * round(FS)].reshape(-1, round(FS))
    power = _trimmed(seconds[:MEASURED].std(axis=1)) ** 2
    gain = np.sqrt(height**2 / 8 / power / 10 ** (snr_db / 10))
    added: FloatArray = values + gain * np.resize(noise_mv, len(values))
    return added


def _trimmed(values: FloatArray) -> float:
    ranked = np.sort(values)
    cut = int(TRIMMED * len(ranked))
    return float(ranked[cut : len(ranked) - cut].mean())


def _folder(data: Data) -> Path:
    own = data.root / "nstdb_snippets" / data.split
    return own if own.exists() else Data(data.root, "dev").folder("nstdb_snippets")


def _column(path: Path) -> FloatArray:
    with lzma.open(path, "rt") as file:
        return np.loadtxt(file)
