"""QRS complexes against the annotations of MIT-BIH Arrhythmia, and how much hangs on a constant.

Counted as EC57 and bxb do: pairs within 150 ms, the first five minutes and ventricular
flutter left out, paced records included. Once with the lead chosen by name (MLII first), once
with the first channel of the recording whatever it is. `jitter_ms` is the root mean square
distance in time after each record's median; `worst_f1` that of the worst record.

`moved_by_30pct` is the most that gross F1 loses when one constant of the finder is 0.7 or
1.3 times itself, for each of them in turn: what is tuned to these records loses much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data import Data
from benchmarks.peers import Peers
from healthslm import recordings
from healthslm.bench import Result
from healthslm.signals.ecg import SIGNAL
from healthslm.signals.qrs import QrsFinder
from healthslm.signals.quality import BLOCK_S
from healthslm.signals.slopes import TIME
from healthslm.validate import compare, gross
from healthslm.validate.matching import fibrillation

PEERS = ("sleepecg_qrs", "xqrs", "gqrs", "neurokit_qrs")
GOALS = {
    "f1": (">=", 99.80),
    "worst_f1": (">=", 98.0),
    "jitter_ms": ("<=", 8.0),
    "moved_by_30pct": ("<=", 0.1),
}

Times = NDArray[np.float64]
Find = Callable[[Times, float], Times]


@dataclass(frozen=True, slots=True)
class Lead:
    """One recording's signal (mV) and what is true of it."""

    name: str
    values: Times
    fs: float
    beats_s: list[float]
    fibrillation_s: list[tuple[float, float]]


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Return the figures by name of the lead and for the first channel."""
    results = []
    for channel, dataset in ((None, "mitdb"), (0, "mitdb, channel 0")):
        leads = [lead(path, channel) for path in data.mitdb()]
        before = process_time()
        found = [finding(SIGNAL.finder)(x.values, x.fs) for x in leads]
        cpu_s = process_time() - before
        metrics = scored(leads, found) | {"cpu_s": cpu_s}
        metrics["moved_by_30pct"] = metrics["f1"] - least_f1(leads)
        theirs = {}
        if peers and channel is None:
            theirs = {name: of_peer(peers, name, leads) for name in PEERS}
        results.append(Result("qrs", dataset, data.split, metrics, GOALS, theirs))
    return results


def lead(path: Path, channel: int | None) -> Lead:
    """Return one recording's lead; its annotations are those of the recording's first ECG."""
    recording = recordings.load(path, channel)
    (track,) = (t for t in recording.tracks if t.kind == "ecg")
    notes = recording.notes[track.lane]
    return Lead(
        recording.name,
        np.ascontiguousarray(track.values),
        track.fs,
        (recording.beats[track.lane].samples / track.fs).tolist(),
        fibrillation(notes, track.fs),
    )


def finding(finder: QrsFinder) -> Find:
    """Return a function that finds the beats of a whole recording: times in seconds."""
    finder = replace(finder, measure=None)  # the job is to find them

    def find(values: Times, fs: float) -> Times:
        state = finder.closed(finder.scanned(finder.begun(fs, 0), values), len(values))
        _, held = finder.handed(state, int(len(values) / fs // BLOCK_S) + 1)
        return held.beats[TIME]

    return find


def scored(leads: Sequence[Lead], found: Sequence[Times]) -> dict[str, float]:
    """Return the gross figures, and the F1 of the worst record."""
    rows = []
    for x, times in zip(leads, found, strict=True):
        tp, fp, fn, offsets = compare(x.beats_s, times.tolist(), fibrillation_s=x.fibrillation_s)
        jitter_s = np.sqrt(np.mean((offsets - np.median(offsets)) ** 2)) if tp else 0.0
        rows.append((tp, fp, fn, 1000 * float(jitter_s)))
    frame = pd.DataFrame(rows, columns=["tp", "fp", "fn", "jitter_ms"])
    told = gross(frame)
    each = 200 * frame["tp"] / (2 * frame["tp"] + frame["fp"] + frame["fn"])
    kept = {name: told[name] for name in ("se", "ppv", "f1", "fp", "fn", "jitter_ms")}
    return {"records": len(frame), **kept, "worst_f1": float(each.min())}


def least_f1(leads: Sequence[Lead]) -> float:
    """Return the least gross F1 with one constant 0.7 or 1.3 times what it is."""
    least = 100.0
    for name in (f.name for f in fields(QrsFinder) if f.name != "measure"):
        for factor in (0.7, 1.3):
            changed = {name: factor * getattr(SIGNAL.finder, name)}
            find = finding(replace(SIGNAL.finder, **changed))
            f1 = scored(leads, [find(x.values, x.fs) for x in leads])["f1"]
            least = min(least, f1)
    return least


def of_peer(peers: Peers, name: str, leads: Sequence[Lead]) -> dict[str, float]:
    """Return a peer's figures on the same leads."""
    answers = peers.run(name, [(x.values, x.fs) for x in leads])
    told = scored(leads, [times for times, _ in answers])
    return told | {"cpu_s": sum(seconds for _, seconds in answers)}
