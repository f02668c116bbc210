"""Irregular rhythm, beat by beat: intervals alone, and beats of our own ECG stage.

A beat is called irregular where a finding covers it. afdb_rr: reference intervals and
labels. mitdb: findings of the whole ECG stage, counted over the reference beats after the
first five minutes; beats in flutter are neither right nor wrong (EC57). nsrdb: intervals of
healthy people, in which every irregular minute is false.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from benchmarks.beats import annotated, derived, final, of_times, within
from benchmarks.data import Data
from benchmarks.peers import Peers
from healthslm import recordings
from healthslm.bench import Result
from healthslm.detect.irregular_rhythm import DETECTOR
from healthslm.recordings.tracks import Marks
from healthslm.records import Beat
from healthslm.validate import LEARNING_S
from healthslm.validate.figures import pct

KIND = "irregular_rhythm"
Times = NDArray[np.float64]


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Return the figures on intervals of patients, on ECGs with ectopy, and of healthy people."""
    return [_afdb(data), _mitdb(data), _nsrdb(data)]


def spans(beats: list[Beat]) -> list[tuple[float, float]]:
    """Return the irregular spans that the detector finds in beats alone."""
    state, found = DETECTOR.start(), []
    end = Beat("beat", beats[-1].stream, beats[-1].t_s + 600.0, None, good=False)
    for beat in [*beats, end]:
        state, new = DETECTOR.step(state, beat)
        found += new
    return [(f.t0_s, f.t1_s) for f in final(found, KIND)]


def _figures(counts: NDArray[np.int64]) -> dict[str, float]:
    """Return rates from rows of (tp, fp, fn, tn), gross and the least record's specificity."""
    tp, fp, fn, tn = (int(n) for n in counts.sum(axis=0))
    least = min((pct(r[3], r[1] + r[3]) for r in counts if r[1] + r[3]), default=float("nan"))
    figures = {"se": pct(tp, tp + fn), "sp": pct(tn, tn + fp), "ppv": pct(tp, tp + fp)}
    return {**figures, "sp_least": least, "beats_af": tp + fn, "beats_other": fp + tn}


def _counted(called: NDArray[np.bool_], truly: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    pairs = ((called & truly), (called & ~truly), (~called & truly), (~called & ~truly))
    tp, fp, fn, tn = (int(x.sum()) for x in pairs)
    return tp, fp, fn, tn


def _afdb(data: Data) -> Result:
    rows = []
    for path in sorted(data.folder("afdb_rr").glob("*.mat")):
        held: Mapping[str, NDArray[np.float64]] = loadmat(path)
        times = np.ravel(held["qrs"]) / float(np.ravel(held["Fs"])[0])
        truly = np.ravel(held["targetsQRS"]) == 1
        rows.append(_counted(within(times, spans(of_times(times))), truly))
    goals = {"se": (">=", 95.0), "sp": (">=", 98.5)}
    return Result("af", "afdb_rr", data.split, _figures(np.array(rows)), goals)


def rhythms(notes: Marks, fs: float, times: Times) -> NDArray[np.str_]:
    """Return the rhythm at each time: what the last rhythm mark before it says ("" before)."""
    marked = [
        (sample / fs, aux)
        for sample, symbol, aux in zip(notes.samples, notes.symbols, notes.aux, strict=True)
        if symbol == "+" and aux.startswith("(")
    ]
    names = np.array(["", *(aux for _, aux in marked)])
    return names[np.searchsorted([t for t, _ in marked], times, side="right")]


def _mitdb(data: Data) -> Result:
    rows = []
    for header in data.mitdb():
        recording = recordings.load(header)
        track = next(track for track in recording.tracks if track.kind == "ecg")
        times = recording.beats[track.lane].samples / track.fs
        rhythm = rhythms(recording.notes[track.lane], track.fs, times)
        found = final(derived(recording, (KIND,)), KIND)
        called = within(times + track.epoch_s, [(f.t0_s, f.t1_s) for f in found])
        counts = (times >= LEARNING_S) & (rhythm != "(AFL")
        rows.append(_counted(called[counts], rhythm[counts] == "(AFIB"))
    goals = {"sp": (">=", 96.0), "ppv": (">=", 70.0)}
    return Result("af", "mitdb", data.split, _figures(np.array(rows)), goals)


def _nsrdb(data: Data) -> Result:
    false_s = seconds = 0.0
    for header in sorted(data.folder("nsrdb").glob("*.hea")):
        times, _ = annotated(header)
        steps = np.minimum(np.diff(times, prepend=times[0]), 10.0)
        false_s += float(steps[within(times, spans(of_times(times)))].sum())
        seconds += float(steps.sum())
    metrics = {"false_af_h_per_24h": 24 * false_s / seconds, "hours": seconds / 3600}
    goals = {"false_af_h_per_24h": ("<=", 0.02)}
    return Result("af", "nsrdb", data.split, metrics, goals)
