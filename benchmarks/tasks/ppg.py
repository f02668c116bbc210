"""Pulses of a finger PPG against the beats of the ECG beside it: BIDMC, intensive care.

doi:10.1109/TBME.2016.2613124. The reference is a detector too: the beats of our own ECG stage in
blocks of 10 s of good quality and, where peers are installed, of those only in which gqrs
finds the same beats. A beat without a pulse (an early one that opens no valve) is counted as
missed by everybody.

A pulse follows its R peak by a time of its own in each recording (here the monitor adds some
0.2 s): the lag, up to 1 s, under which most match best; then the median over the matched. A
pulse belongs to a beat if it lies within 150 ms of that. Charlton et al. 2022,
doi:10.1088/1361-6579/ac826d, have the same tolerance.

Analysable is the time between two good pulses in a row, as a share of the time that has a
reference: what the rate and the rhythm are made of. `_blocks` is of blocks of 10 s whose
`ppg_quality` is good instead. Peers are judged by the same beats in the same time. Heart rate
is the mean over 32 s of the rates told, against all beats of the ECG, and against the monitor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data import Data, Missing
from benchmarks.peers import Peers
from healthslm.bench import Goal, Result
from healthslm.records import Beat, Chunk, Vital
from healthslm.signals import ecg, ppg, rate
from healthslm.signals.quality import BLOCK_S, GOOD
from healthslm.stage import FloatArray

FS = 125.0  # Hz
WITHIN_S = 0.15
LAGS_S = (0.0, 1.0)
RATE_S = 32
LEADS = ("II", "I", "V", "MCL", "AVR")  # the first that there is
PEERS = ("neurokit_ppg", "heartpy_ppg")

GOALS: dict[str, Goal] = {"f1": (">=", 99.2), "analysable": (">=", 90.0)}

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Recording:
    """Eight minutes of one patient, and what our stages and the peers find in them."""

    ppg: FloatArray
    ecg: FloatArray
    monitor_bpm: FloatArray  # each second

    def heard(self, kind: str) -> list[Beat | Vital]:
        """Return what our stage tells; a gap at the end makes it tell all."""
        stage, values = (ecg.SIGNAL, self.ecg) if kind == "ecg" else (ppg.SIGNAL, self.ppg)
        state, told = stage.start(), []
        for start, part in ((0, values), (len(values) + 1000, values[:1])):
            state, new = stage.step(state, Chunk(f"x/{kind}", kind, 0.0, FS, start, part))
            told += new
        return told


@dataclass(frozen=True, slots=True)
class Truth:
    """The reference beats, and which blocks have one."""

    beats_s: FloatArray
    blocks: Flags

    def covers(self, t_s: FloatArray) -> Flags:
        """Tell which moments lie in a block with a reference."""
        block = np.floor(t_s / BLOCK_S).astype(int)
        inside = (block >= 0) & (block < len(self.blocks))
        covered: Flags = inside & self.blocks[np.where(inside, block, 0)]
        return covered


@dataclass(frozen=True, slots=True)
class Count:
    """Beats and pulses that match, or do not, and the time that they were judged in."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    judged_s: float = 0.0
    reference_s: float = 0.0

    def figures(self, name: str = "") -> dict[str, float]:
        """Return rates in percent."""
        tp, fp, fn = self.tp, self.fp, self.fn
        return {
            f"se{name}": 100 * tp / max(tp + fn, 1),
            f"ppv{name}": 100 * tp / max(tp + fp, 1),
            f"f1{name}": 200 * tp / max(2 * tp + fp + fn, 1),
            f"analysable{name}": 100 * self.judged_s / max(self.reference_s, 1.0),
        }


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Judge our pulses, and the peers' in the same time."""
    recordings = _recordings(data.folder("bidmc"))
    truths = _truths(recordings, peers)
    found = [r.heard("ppg") for r in recordings]
    ours = [np.array([x.t_s for x in out if isinstance(x, Beat)]) for out in found]
    lags = [_lag(t.beats_s, p) for t, p in zip(truths, ours, strict=True)]
    judged = {"": [_good_spans(out) for out in found], "_blocks": [_good_blocks(o) for o in found]}
    metrics: dict[str, float] = {}
    for name, times in judged.items():
        counts = [
            _count(t, p, lag, lag, time)
            for t, p, lag, time in zip(truths, ours, lags, times, strict=True)
        ]
        metrics |= _summed(counts).figures(name)
        if not name:
            metrics["worst_f1"] = min(c.figures()["f1"] for c in counts)
    metrics["reference"] = 100 * float(np.mean(np.concatenate([t.blocks for t in truths])))
    told = [_told_rates(out) for out in found]
    metrics |= _rate_errors(recordings, truths, told)
    theirs: dict[str, dict[str, float]] = {}
    if peers is not None:
        for peer in PEERS:
            answers = [t_s for t_s, _ in peers.run(peer, [(r.ppg, FS) for r in recordings])]
            counts = [
                _count(t, p, _lag(t.beats_s, p), lag, time)
                for t, p, lag, time in zip(truths, answers, lags, judged[""], strict=True)
            ]
            windows = [_of_beats(p, lag) for p, lag in zip(answers, lags, strict=True)]
            theirs[peer] = _summed(counts).figures() | _rate_errors(recordings, truths, windows)
    return [Result("ppg", "bidmc", data.split, metrics, GOALS, theirs)]


def _recordings(folder: Path) -> list[Recording]:
    found = []
    for path in sorted(folder.glob("*_Signals.csv.xz")):
        signals = _columns(path)
        numerics = _columns(path.with_name(path.name.replace("_Signals", "_Numerics")))
        lead = next((x for x in LEADS if x in signals), None)
        if lead and "PLETH" in signals:
            found.append(Recording(signals["PLETH"], signals[lead], numerics["HR"]))
    if not found:
        raise Missing("no recording with a PPG and an ECG in bidmc")
    return found


def _columns(path: Path) -> dict[str, FloatArray]:
    table = pd.read_csv(path)
    return {name.strip(): table[name].to_numpy(float) for name in table}


def _truths(recordings: Sequence[Recording], peers: Peers | None) -> list[Truth]:
    others = peers.run("gqrs", [(r.ecg, FS) for r in recordings]) if peers else None
    truths = []
    for i, recording in enumerate(recordings):
        out = recording.heard("ecg")
        beats_s = np.array([x.t_s for x in out if isinstance(x, Beat)])
        whole = int(len(recording.ecg) / FS // BLOCK_S)
        quality = [x.value for x in out if isinstance(x, Vital) and x.kind == "ecg_quality"]
        blocks = np.array(quality[:whole]) >= GOOD
        if others:
            lone = np.concatenate(_unmatched(beats_s, others[i][0]))
            at = (lone // BLOCK_S).astype(int)
            blocks[at[(at >= 0) & (at < len(blocks))]] = False
        truths.append(Truth(beats_s, blocks))
    return truths


def _pairs(a_s: FloatArray, b_s: FloatArray) -> list[tuple[int, int]]:
    """Return which of two series of moments belong together, each at most once."""
    i = k = 0
    pairs = []
    a, b = a_s.tolist(), b_s.tolist()
    while i < len(a) and k < len(b):
        apart = abs(a[i] - b[k])
        if apart > WITHIN_S:
            i, k = (i + 1, k) if a[i] < b[k] else (i, k + 1)
        elif k + 1 < len(b) and abs(a[i] - b[k + 1]) < apart:
            k += 1
        elif i + 1 < len(a) and abs(a[i + 1] - b[k]) < apart:
            i += 1
        else:
            pairs.append((i, k))
            i, k = i + 1, k + 1
    return pairs


def _unmatched(a_s: FloatArray, b_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    pairs = np.array(_pairs(a_s, b_s), int).reshape(-1, 2)
    return np.delete(a_s, pairs[:, 0]), np.delete(b_s, pairs[:, 1])


def _lag(beats_s: FloatArray, pulses_s: FloatArray) -> float:
    """Return the median time from an R peak to its pulse."""
    if not len(pulses_s):
        return 0.0
    edged = np.concatenate(([-1e9], pulses_s, [1e9]))

    def match(lag_s: float) -> float:
        after = np.searchsorted(edged, beats_s + lag_s)
        apart = np.abs(edged[[after - 1, after]] - (beats_s + lag_s)).min(axis=0)
        return float(np.sum(np.maximum(1 - apart / WITHIN_S, 0)))

    best = max(np.arange(*LAGS_S, 0.02).tolist(), key=match)
    lags = [pulses_s[k] - beats_s[i] for i, k in _pairs(beats_s + best, pulses_s)]
    return float(np.median(lags)) if lags else best


def _good_spans(out: Sequence[Beat | Vital]) -> FloatArray:
    """Return begin and end of the time between good pulses in a row, shape (n, 2)."""
    pulses = [x for x in out if isinstance(x, Beat)]
    spans: list[list[float]] = []
    for before, pulse in pairwise(pulses):
        if before.good and pulse.good and pulse.rr_s is not None:
            if spans and spans[-1][1] == before.t_s:
                spans[-1][1] = pulse.t_s
            else:
                spans.append([before.t_s, pulse.t_s])
    return np.array(spans).reshape(-1, 2)


def _good_blocks(out: Sequence[Beat | Vital]) -> FloatArray:
    """Return begin and end of each block of good quality, shape (n, 2)."""
    ends = [x.t_s for x in out if isinstance(x, Vital) and x.value >= GOOD]
    return np.array([[end - BLOCK_S, end] for end in ends]).reshape(-1, 2)


def _count(
    truth: Truth, pulses_s: FloatArray, lag_s: float, ours_s: float, time: FloatArray
) -> Count:
    """Count the beats and pulses of the time that is judged.

    Parameters
    ----------
    lag_s
        Of these pulses.
    ours_s
        Of the pulses that the time was made of: a peer's lie elsewhere on the same wave.
    time
        Begin and end, shape (n, 2).
    """
    expected_s, at_s = truth.beats_s + ours_s, pulses_s - lag_s + ours_s
    pairs = np.array(_pairs(expected_s, at_s), int).reshape(-1, 2)

    def judged(t_s: FloatArray) -> Flags:
        inside = np.searchsorted(time[:, 0], t_s, side="right") > np.searchsorted(
            time[:, 1], t_s, side="left"
        )
        begun = t_s >= ours_s + WITHIN_S  # a pulse before may be of a beat before all
        flags: Flags = inside & truth.covers(t_s - ours_s) & begun
        return flags

    hit, met = np.zeros(len(expected_s), bool), np.zeros(len(at_s), bool)
    hit[pairs[:, 0]], met[pairs[:, 1]] = True, True
    beats, pulses = judged(expected_s), judged(at_s)
    moments = np.arange(0.0, BLOCK_S * len(truth.blocks), 0.05)
    known = truth.covers(moments)
    return Count(
        int(np.sum(beats & hit)),
        int(np.sum(pulses & ~met)),
        int(np.sum(beats & ~hit)),
        0.05 * float(np.sum(judged(moments + ours_s))),
        0.05 * float(np.sum(known)),
    )


def _summed(counts: Sequence[Count]) -> Count:
    return Count(
        sum(c.tp for c in counts),
        sum(c.fp for c in counts),
        sum(c.fn for c in counts),
        sum(c.judged_s for c in counts),
        sum(c.reference_s for c in counts),
    )


def _told_rates(out: Sequence[Beat | Vital]) -> dict[int, float]:
    """Return the mean of the rates told in each window of 32 s."""
    state, rates = rate.SIGNAL.start(), []
    for x in out:
        if isinstance(x, Beat):
            state, told = rate.SIGNAL.step(state, x)
            rates += told
    by_window: dict[int, list[float]] = {}
    for v in rates:
        by_window.setdefault(int((v.t_s - BLOCK_S / 2) // RATE_S), []).append(v.value)
    return {window: float(np.mean(values)) for window, values in by_window.items()}


def _of_beats(t_s: FloatArray, lag_s: float) -> dict[int, float]:
    """Return the mean rate of all beats in each window of 32 s."""
    windows = ((t_s - lag_s) // RATE_S).astype(int)
    inside = {w: t_s[windows == w] for w in set(windows.tolist())}
    return {w: 60 * (len(t) - 1) / float(t[-1] - t[0]) for w, t in inside.items() if len(t) > 2}


def _rate_errors(
    recordings: Sequence[Recording], truths: Sequence[Truth], found: Sequence[Mapping[int, float]]
) -> dict[str, float]:
    """Return the mean errors of the rates in windows that have a reference throughout, 1/min."""
    errors, monitor, asked = [], [], 0
    for recording, truth, rates in zip(recordings, truths, found, strict=True):
        for window, true in _of_beats(truth.beats_s, 0.0).items():
            begin = window * RATE_S
            if not truth.covers(np.arange(float(begin), begin + RATE_S)).all():
                continue
            asked += 1
            if window in rates:
                errors.append(abs(rates[window] - true))
                shown = recording.monitor_bpm[begin : begin + RATE_S]
                shown = shown[~np.isnan(shown)]
                monitor += [abs(rates[window] - np.mean(shown))] if len(shown) else []
    return {
        "hr_mae": float(np.mean(errors)) if errors else np.nan,
        "hr_mae_monitor": float(np.mean(monitor)) if monitor else np.nan,
        "hr_answered": 100 * len(errors) / max(asked, 1),
    }
