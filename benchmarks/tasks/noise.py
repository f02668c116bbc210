"""Beats in electrode motion: how many are found, and how much of the time is called analysable.

Analysable is what detectors take as evidence: the intervals between two good beats. Se and +P
are told of all time and of that time alone (`gated_`); so nothing hides behind a quality, and
nothing is believed that was not vouched for.

The noise of the snippets is that of two minutes of the noise stress test which are louder than
its mean: by the test's own rule, applied to these two minutes, their "6 dB" is -1 dB. The
noise that is added to MIT-BIH Arrhythmia has the ratio that is said.
"""

from __future__ import annotations

import numpy as np

from benchmarks import electrode_motion
from benchmarks.data import Data
from benchmarks.peers import Peers
from benchmarks.trusted import Tally, beats
from healthslm import recordings
from healthslm.bench import Goal, Result
from healthslm.stage import FloatArray
from healthslm.validate.figures import pct
from healthslm.validate.matching import LEARNING_S, Span, compare, fibrillation

RATIOS_DB = (24.0, 12.0, 6.0, 0.0)
PEERS = ("sleepecg_qrs", "neurokit_qrs")
ALL_PEERS = (*PEERS, "xqrs", "gqrs")  # too slow for hours
GATED: dict[str, Goal] = {"gated_se_6db": (">=", 95.0), "gated_ppv_6db": (">=", 95.0)}
ENOUGH: dict[str, Goal] = {"coverage_6db": (">=", 60.0)}
CLEAN: dict[str, Goal] = {"coverage_clean": (">=", 98.0)}


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Measure on the snippets, and on every recording with the snippets' noise added."""
    return [_snippets(data, peers), _recordings(data, peers)]


def _snippets(data: Data, peers: Peers | None) -> Result:
    found = electrode_motion.snippets(data)
    metrics: dict[str, float] = {}
    for snr, snippet in found.items():
        tally = Tally.empty()
        end_s = len(snippet.values) / electrode_motion.FS
        tally.add(snippet.beats_s, beats(snippet.values, electrode_motion.FS), end_s)
        metrics |= tally.metrics(snr)
    beside: dict[str, dict[str, float]] = {}
    if peers:
        given = [(snippet.values, electrode_motion.FS) for snippet in found.values()]
        for name in ALL_PEERS:
            beside[name] = {}
            for (snr, snippet), (times, _) in zip(
                found.items(), peers.run(name, given), strict=True
            ):
                tp, fp, fn, _ = compare(snippet.beats_s, np.sort(times).tolist(), begin_s=0.0)
                beside[name] |= {f"se_{snr}": pct(tp, tp + fn), f"ppv_{snr}": pct(tp, tp + fp)}
    return Result("noise", "nstdb_snippets", data.split, metrics, GATED | ENOUGH, beside)


def _recordings(data: Data, peers: Peers | None) -> Result:
    noise = electrode_motion.noise(data)
    tallies = {"clean": Tally.empty()} | {f"{db:.0f}db": Tally.empty() for db in RATIOS_DB}
    given: list[tuple[FloatArray, float]] = []
    truths: list[tuple[list[float], list[Span]]] = []
    for path in data.mitdb():
        recording = recordings.load(path)
        track = recording.tracks[0]
        values, marks = track.values, recording.beats[track.lane]
        reference_s = (marks.samples / track.fs).tolist()
        spans = fibrillation(recording.notes[track.lane], track.fs)
        versions: dict[str, FloatArray] = {"clean": values} | {
            f"{db:.0f}db": electrode_motion.mixed(values, marks.samples, noise, db)
            for db in RATIOS_DB
        }
        for name, version in versions.items():
            found = beats(version, track.fs)
            end_s = len(values) / track.fs
            tallies[name].add(reference_s, found, end_s, begin_s=LEARNING_S, fibrillation_s=spans)
        if peers:
            given.append((versions["6db"].astype(np.float32), track.fs))
            truths.append((reference_s, spans))
    metrics: dict[str, float] = {}
    for name, tally in tallies.items():
        metrics |= tally.metrics(name)
    beside = {name: _beside(peers, name, given, truths) for name in PEERS if peers}
    goals = GATED | ENOUGH | CLEAN
    return Result("noise", "mitdb with electrode motion", data.split, metrics, goals, beside)


def _beside(
    peers: Peers,
    name: str,
    given: list[tuple[FloatArray, float]],
    truths: list[tuple[list[float], list[Span]]],
) -> dict[str, float]:
    """Return a peer's figures at 6 dB."""
    tp = fp = fn = 0
    for (reference_s, spans), (times, _) in zip(truths, peers.run(name, given), strict=True):
        counts = compare(reference_s, np.sort(times).tolist(), fibrillation_s=spans)
        tp, fp, fn = tp + counts[0], fp + counts[1], fn + counts[2]
    return {"se_6db": pct(tp, tp + fn), "ppv_6db": pct(tp, tp + fp)}
