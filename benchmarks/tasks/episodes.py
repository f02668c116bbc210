"""Fast and slow stretches and pauses, from our own beats against the reference beats.

One definition (`detect.extremes`) is asked of both lists of beats; any overlap is a hit
(EC57, as in epicmp). The first five minutes do not count, nor does ventricular flutter.
Beats of poor signal end an episode of ours and never one of the reference: what is not
looked at is missed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.beats import derived, of_times
from benchmarks.data import Data
from benchmarks.peers import Peers
from healthslm import recordings
from healthslm.bench import Result
from healthslm.detect.extremes import (
    BRADYCARDIA,
    EXTREME_BRADYCARDIA,
    EXTREME_TACHYCARDIA,
    PAUSE,
    TACHYCARDIA,
    Span,
    episodes,
)
from healthslm.records import Beat
from healthslm.validate import LEARNING_S
from healthslm.validate.figures import pct
from healthslm.validate.matching import fibrillation, within
from healthslm.validate.spans import hit

RULES = {
    "tachycardia": TACHYCARDIA,
    "bradycardia": BRADYCARDIA,
    "pause": PAUSE,
    "extreme_tachycardia": EXTREME_TACHYCARDIA,
    "extreme_bradycardia": EXTREME_BRADYCARDIA,
}


GROSS = ("tachycardia", "bradycardia", "pause")  # the others are parts of these


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Return sensitivity and predictive value by episodes, gross and by type."""
    counts = {name: np.zeros(4, np.int64) for name in RULES}
    for header in data.mitdb():
        recording = recordings.load(header)
        track = next(track for track in recording.tracks if track.kind == "ecg")
        flutter = fibrillation(recording.notes[track.lane], track.fs)
        reference = of_times(recording.beats[track.lane].samples / track.fs)
        ours = [x for x in derived(recording) if isinstance(x, Beat)]
        lists = [_counting(beats, flutter) for beats in (reference, ours)]
        for name, rule in RULES.items():
            truth, found = (episodes(beats, rule) for beats in lists)
            counts[name] += _overlaps(truth, found)
    metrics: dict[str, float] = {}
    gross = sum((counts[name] for name in GROSS), start=np.zeros(4, np.int64))
    for name, row in {"": gross, **counts}.items():
        found_truth, all_truth, right, all_found = (int(n) for n in row)
        suffix = f"_{name}" if name else ""
        metrics[f"se{suffix}"] = pct(found_truth, all_truth)
        metrics[f"ppv{suffix}"] = pct(right, all_found)
        metrics[f"episodes{suffix}"] = float(all_truth)
    goals = {"se": (">=", 95.0), "ppv": (">=", 95.0)}
    return [Result("episodes", "mitdb", data.split, metrics, goals)]


def _counting(beats: Sequence[Beat], flutter: Sequence[Span]) -> list[Beat]:
    """Return the beats of the test period, none of them in flutter, no interval across it."""
    kept: list[Beat] = []
    for x in beats:
        if x.t_s < LEARNING_S or within(x.t_s, flutter):
            continue
        before_s = x.t_s - (x.rr_s or 0.0)
        across = before_s < LEARNING_S or any(before_s < b and x.t_s > a for a, b in flutter)
        rr_s = None if across else x.rr_s
        kept.append(Beat(x.kind, x.stream, x.t_s, rr_s, x.good, x.label))
    return kept


def _overlaps(truth: Sequence[Span], found: Sequence[Span]) -> tuple[int, int, int, int]:
    """Return hits among the truth, its number, hits among the found, and their number."""
    return hit(truth, found), len(truth), hit(found, truth), len(found)
