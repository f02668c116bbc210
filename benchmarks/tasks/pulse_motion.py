"""Heart rate in exercise from a wrist PPG and its accelerometer: TROIKA recordings.

doi:10.1109/TBME.2014.2359372. Twelve runs on a treadmill and exercises of the arm; the true
rate is of the ECG in windows of 8 s, 2 s apart. The two PPG channels are averaged as a device
does that sends one stream; each channel alone is told too, for what a poorer sensor gives.

Goals are of every window (the estimate, trusted or not); `_told` is of what a patient's
record would hold, where `coverage` is the share of windows. Nothing is learnt, but constants
were looked at on this data: `_loo` is the estimate of each recording under the constants that
are best on the others (drift and evidence, each as it is and 30 % less and more; from a choice
of two thirds to one and a half, the worst recording of the development split is at 4.5).
`sensitivity` is the largest change of the mean error that 30 % more or less of one constant
makes, of all constants of the three stages; those that only decide what is told are judged by
the error of what is told. Not varied: the step of 2 s, the band, the range of rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

import numpy as np
from scipy.io import loadmat

from benchmarks.data import Data, Missing
from benchmarks.peers import Peers
from healthslm.bench import Goal, Result
from healthslm.records import Chunk, Spectrum
from healthslm.signals import cadence, pulse_rate, pulse_spectrum
from healthslm.signals.cadence import Cadence
from healthslm.signals.pulse_rate import PulseRate
from healthslm.signals.pulse_spectrum import PulseSpectrum
from healthslm.stage import FloatArray

FS = 125.0  # Hz
WINDOW_S, STEP_S = 8.0, 2.0  # of the true rates
LOST_PER_MIN = 10.0

GOALS: dict[str, Goal] = {
    "mae": ("<=", 2.3),
    "worst_mae": ("<=", 4.0),
    "mae_loo": ("<=", 2.3),
    "worst_mae_loo": ("<=", 4.0),
    "lost_s": ("<=", 20.0),
    "sensitivity": ("<=", 1.0),
}
ONLY_TOLD = ("trust", "trust_half_s", "near_per_min", "beside_per_min")
"""Constants that do not change the estimate."""
KEPT = ("every_s", "moving_g")
"""How often, and whether at rest, is asked here in a way of its own."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One person's exercise. Values by PPG channel: "both" is their mean."""

    ppg: Mapping[str, FloatArray]
    acceleration: FloatArray  # g; x, y, z in turn
    true_per_min: FloatArray  # of each window


@dataclass(frozen=True, slots=True)
class Method:
    """The three stages."""

    pulse: PulseSpectrum = pulse_spectrum.SIGNAL
    motion: Cadence = cadence.SIGNAL
    rate: PulseRate = pulse_rate.SIGNAL

    def every_window(self) -> Method:
        """Return the method that tells each estimate, trusted or not."""
        return replace(
            self, rate=replace(self.rate, every_s=STEP_S, moving_g=0.0, trust=float("-inf"))
        )

    def trusted(self) -> Method:
        """Return the method that tells each estimate it trusts, at rest too."""
        return replace(self, rate=replace(self.rate, every_s=STEP_S, moving_g=0.0))

    def spectra(self, of: Recording, channel: str) -> list[Spectrum]:
        """Return what the first two stages tell, in order."""
        chunks = (
            (self.pulse, Chunk("wrist/ppg", "ppg", 0.0, FS, 0, of.ppg[channel])),
            (
                self.motion,
                Chunk("wrist/acceleration", "acceleration", 0.0, 3 * FS, 0, of.acceleration),
            ),
        )
        told = [x for stage, chunk in chunks for x in stage.step(stage.start(), chunk)[1]]
        return sorted(told, key=lambda x: (x.t_s, x.kind))

    def errors(self, of: Recording, spectra: Sequence[Spectrum]) -> FloatArray:
        """Return the error of each window's rate, 1/min; NaN where none is told."""
        error = np.full(len(of.true_per_min), np.nan)
        state = self.rate.start()
        for x in spectra:
            state, told = self.rate.step(state, x)
            for v in told:
                at = round((v.t_s - WINDOW_S) / STEP_S)
                if 0 <= at < len(error):
                    error[at] = v.value - of.true_per_min[at]
        return error


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Follow every recording, under the constants as they are and as they might be."""
    recordings = _recordings(data)
    method = Method()
    metrics: dict[str, float] = {}
    for channel, name in (("both", ""), ("first", "_first_channel"), ("second", "_second_channel")):
        spectra = [method.spectra(r, channel) for r in recordings]
        every = _errors(method.every_window(), recordings, spectra)
        told = _errors(method.trusted(), recordings, spectra)
        metrics |= _figures(every, name)
        metrics |= _figures(told, f"_told{name}")
        metrics[f"coverage{name}"] = 100 * float(np.mean(~np.isnan(np.concatenate(told))))
        if channel == "both":
            metrics |= _left_out(method, recordings, spectra)
            moves = _moves(method, recordings)
            metrics["sensitivity"] = max(moves.values())
            metrics |= {f"moves_{k}": v for k, v in sorted(moves.items())}
    theirs = {} if peers is None else _theirs(peers, recordings)
    return [Result("pulse_motion", "troika", data.split, metrics, GOALS, theirs)]


def _recordings(data: Data) -> list[Recording]:
    found = []
    for path in sorted(data.folder("troika").glob("DATA_*.mat")):
        signals = loadmat(path)["sig"].astype(float)
        true = loadmat(path.with_name(path.name.replace("DATA", "REF", 1)))["BPM0"]
        first, second = signals[1], signals[2]
        ppg = {"both": (first + second) / 2, "first": first, "second": second}
        found.append(Recording(ppg, signals[3:6].T.ravel(), true.ravel().astype(float)))
    if not found:
        raise Missing("no DATA_*.mat in troika")
    return found


def _errors(
    method: Method, recordings: Sequence[Recording], spectra: Sequence[Sequence[Spectrum]]
) -> list[FloatArray]:
    return [method.errors(r, s) for r, s in zip(recordings, spectra, strict=True)]


def _figures(errors: Sequence[FloatArray], name: str) -> dict[str, float]:
    each = [_mae(e) for e in errors]
    return {
        f"mae{name}": float(np.nanmean(each)),
        f"worst_mae{name}": float(np.nanmax(each)),
        f"lost_s{name}": max(_lost_s(e) for e in errors),
    }


def _mae(errors: FloatArray) -> float:
    known = np.abs(errors[~np.isnan(errors)])
    return float(np.mean(known)) if len(known) else np.nan


def _lost_s(errors: FloatArray) -> float:
    """Return the longest time in which every rate that was told is far off."""
    longest = lost = 0
    for error in errors.tolist():
        if error == error:
            lost = lost + 1 if abs(error) > LOST_PER_MIN else 0
        elif lost:
            lost += 1
        longest = max(longest, lost)
    return STEP_S * longest


def _left_out(
    method: Method, recordings: Sequence[Recording], spectra: Sequence[Sequence[Spectrum]]
) -> dict[str, float]:
    """Return the figures of each recording under the constants best on the others."""
    table = []
    drifts, evidences = method.rate.drift_per_min, method.rate.evidence
    for drift, evidence in product((drifts, *_around(drifts)), (evidences, *_around(evidences))):
        rate = replace(method.rate, drift_per_min=drift, evidence=evidence)
        tried = replace(method, rate=rate).every_window()
        table.append([_mae(e) for e in _errors(tried, recordings, spectra)])
    errors = np.array(table)  # shape (constants, recordings)
    chosen = []
    for i in range(len(recordings)):
        others = np.delete(errors, i, axis=1) if len(recordings) > 1 else errors
        chosen.append(errors[np.argmin(np.mean(others, axis=1)), i])
    return {"mae_loo": float(np.mean(chosen)), "worst_mae_loo": float(np.max(chosen))}


def _moves(method: Method, recordings: Sequence[Recording]) -> dict[str, float]:
    """Return by how much 30 % of each constant moves the mean error, 1/min."""

    def error(tried: Method, told: bool) -> float:
        tried = tried.trusted() if told else tried.every_window()
        spectra = [tried.spectra(r, "both") for r in recordings]
        return float(np.nanmean([_mae(e) for e in _errors(tried, recordings, spectra)]))

    before = {told: error(method, told) for told in (False, True)}
    moves = {}
    for part in fields(method):
        stage = getattr(method, part.name)
        for constant in fields(stage):
            value = getattr(stage, constant.name)
            if constant.name in KEPT:
                continue
            told = constant.name in ONLY_TOLD
            moves[f"{part.name}_{constant.name}"] = max(
                abs(error(_changed(method, part.name, constant.name, new), told) - before[told])
                for new in _around(value)
            )
    return moves


def _around(value: float | tuple[float, ...]) -> list[Any]:
    """Return a constant with 30 % less and more; of several, one at a time."""
    if not isinstance(value, tuple):
        return [0.7 * value, 1.3 * value]
    return [
        (*value[:i], new, *value[i + 1 :])
        for i, v in enumerate(value)
        for new in (0.7 * v, 1.3 * v)
    ]


def _changed(method: Method, part: str, constant: str, value: Any) -> Method:
    stage = replace(getattr(method, part), **{constant: value})
    return replace(method, **{part: stage})


def _theirs(peers: Peers, recordings: Sequence[Recording]) -> dict[str, dict[str, float]]:
    """Return the figures of peers that have no use for an accelerometer."""
    figures = {}
    for name in ("neurokit_ppg", "heartpy_ppg"):
        answers = peers.run(name, [(r.ppg["both"], FS) for r in recordings])
        errors = [_of_peaks(t_s, r) for (t_s, _), r in zip(answers, recordings, strict=True)]
        figures[name] = _figures(errors, "") | {
            "coverage": 100 * float(np.mean(~np.isnan(np.concatenate(errors))))
        }
    return figures


def _of_peaks(t_s: FloatArray, of: Recording) -> FloatArray:
    """Return the error of the median interval of each window's peaks."""
    errors = []
    for i, true in enumerate(of.true_per_min.tolist()):
        inside = t_s[(t_s >= STEP_S * i) & (t_s < STEP_S * i + WINDOW_S)]
        errors.append(60 / np.median(np.diff(inside)) - true if len(inside) > 2 else np.nan)
    return np.array(errors)
