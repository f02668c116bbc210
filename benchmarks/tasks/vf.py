"""Ventricular fibrillation and flutter: never an all-clear, and someone asks within 20 s.

The recordings of CUDB are not annotated here; each holds sustained ventricular tachycardia,
flutter or fibrillation. When it begins is told by three published measures that our stages do
not use (`benchmarks.fibrillation`): the beginning of the first 8 s that fibrillate by all of
them. Everything runs as at home, a second at a time through the whole pipeline, and a finding
counts from the second in which it is told.

- `alarm_within_20s`: recordings in which a technical finding, amber or red, was told no later
  than 20 s after that, and had not ended before it began;
- `all_clear`: recordings in which more than half of the time that fibrillates is called
  analysable, or nothing amber or red is told within a minute;
- `red_within_30s`, `analysable_in_vf` (share of that time) and `without_onset` (recordings that
  the measures say nothing of; they take no part) for information.

False alarms are counted as well: technical findings an hour, amber and red, on the recordings
of MIT-BIH Arrhythmia away from their annotated flutter, clean and with electrode motion at 0 dB;
and the noisy strips of CinC 2017 in which a lead is said to swing.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from scipy.io import loadmat

from benchmarks import electrode_motion, fibrillation
from benchmarks.data import Data, Missing
from benchmarks.peers import Peers
from benchmarks.trusted import analysable
from healthslm import recordings
from healthslm.bench import Goal, Result
from healthslm.pipeline import Pipeline
from healthslm.records import TECHNICAL, Beat, Chunk, Finding
from healthslm.stage import FloatArray
from healthslm.validate import matching
from healthslm.validate.figures import pct
from healthslm.validate.matching import Span
from healthslm.validate.spans import joined, length_s, overlap_s

CUDB_HZ, CUDB_PER_MV, UNREAD = 250.0, 400.0, -32768
CINC_HZ, CINC_PER_MV = 300.0, 1000.0
SOON_S, RED_SOON_S, MINUTE_S = 20.0, 30.0, 60.0
MARGIN_S = 30.0  # around annotated flutter: there an alarm is no false one
Key = tuple[str, str, float]
GOALS: dict[str, Goal] = {"alarm_within_20s": (">=", 95.0), "all_clear": ("<=", 0.0)}


@dataclass(frozen=True, slots=True)
class Alarm:
    """A finding, amber or red: from when on, when it was told, and when its end was."""

    kind: str
    severity: str
    t0_s: float
    told_s: float
    over_s: float


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Measure on CUDB, and false alarms on MIT-BIH Arrhythmia; no peer has such an alarm."""
    del peers
    soon = red = clear = silent = 0
    good_s = vf_s = 0.0
    judged = 0
    for _, values in _strips(data, "cudb"):
        mv = np.where(values == UNREAD, np.nan, values / CUDB_PER_MV)
        windows = fibrillation.windows(mv, CUDB_HZ)
        if not windows:
            silent += 1
            continue
        judged += 1
        alarms, beats = _run(mv, CUDB_HZ)
        onset_s, spans = windows[0][0], joined(windows)
        good = overlap_s(analysable(beats), spans)
        technical = [a for a in alarms if a.kind in TECHNICAL]
        soon += _active(technical, onset_s, SOON_S)
        red += _active([a for a in technical if a.severity == "red"], onset_s, RED_SOON_S)
        clear += good > length_s(spans) / 2 or not _active(alarms, onset_s, MINUTE_S)
        good_s, vf_s = good_s + good, vf_s + length_s(spans)
    metrics = {
        "alarm_within_20s": pct(soon, judged),
        "all_clear": pct(clear, judged),
        "red_within_30s": pct(red, judged),
        "analysable_in_vf": pct(good_s, vf_s),
        "without_onset": float(silent),
    }
    return [Result("vf", "cudb", data.split, metrics | _false_alarms(data), GOALS)]


def _false_alarms(data: Data) -> dict[str, float]:
    """Return false alarms an hour where there are recordings to count them on."""
    counted: dict[str, list[float]] = {}
    try:
        noise = electrode_motion.noise(data)
        paths = data.mitdb()
    except Missing:
        return {}
    for path in paths:
        recording = recordings.load(path)
        track = recording.tracks[0]
        notes, values = recording.notes[track.lane], track.values
        flutter = matching.fibrillation(notes, track.fs)
        noisy = electrode_motion.mixed(values, recording.beats[track.lane].samples, noise, 0.0)
        hours = (len(values) / track.fs - length_s(flutter)) / 3600
        for name, version in (("clean", values), ("noise_0db", noisy)):
            alarms, _ = _run(version, track.fs, step_s=MINUTE_S)
            false = [a for a in alarms if a.kind in TECHNICAL and not _near(a.t0_s, flutter)]
            for severity in ("amber", "red"):
                n = sum(a.severity == severity for a in false)
                _count(counted, f"false_{severity}_per_h_{name}", n, hours)
    return {name: n / hours for name, (n, hours) in counted.items()} | _strip_alarms(data)


def _strip_alarms(data: Data) -> dict[str, float]:
    """Return the noisy strips, in percent, in which a lead is said to swing, and red at that."""
    try:
        labels = (data.root / "cinc2017" / f"{data.split}_REFERENCE.csv").read_text().split()
        noisy = {row.split(",")[0] for row in labels if row.split(",")[1] == "~"}
        strips = [mv / CINC_PER_MV for name, mv in _strips(data, "cinc2017") if name in noisy]
    except (Missing, FileNotFoundError):
        return {}
    found = [[a for a in _run(mv, CINC_HZ)[0] if a.kind == "swinging_signal"] for mv in strips]
    red = [any(a.severity == "red" for a in alarms) for alarms in found]
    return {
        "noisy_strips_swinging": pct(sum(map(bool, found)), len(found)),
        "noisy_strips_red": pct(sum(red), len(found)),
    }


def _strips(data: Data, dataset: str) -> Iterator[tuple[str, FloatArray]]:
    """Yield name and raw samples of each recording in an archive."""
    with zipfile.ZipFile(data.archive(dataset)) as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".mat")):
            held = loadmat(io.BytesIO(archive.read(name)))
            yield PurePath(name).stem, held["val"][0].astype(np.float64)


def _run(values: FloatArray, fs: float, step_s: float = 1.0) -> tuple[list[Alarm], list[Beat]]:
    """Return what the pipeline alarms of, and its beats; a step of data at a time.

    A finding that grows from amber to red is two alarms.
    """
    pipeline, step = Pipeline(), round(step_s * fs)
    beats: list[Beat] = []
    told: dict[tuple[Key, str], float] = {}
    over: dict[Key, float] = {}
    for start in range(0, len(values), step):
        chunk = Chunk("chest/ecg", "ecg", 0.0, fs, start, values[start : start + step])
        for x in pipeline.feed(chunk):
            if isinstance(x, Beat) and x.kind == "beat":
                beats.append(x)
            elif isinstance(x, Finding) and x.severity != "info":
                told.setdefault((x.key, x.severity), chunk.end_s)
                if not x.ongoing:
                    over[x.key] = chunk.end_s
    alarms = [
        Alarm(key[0], severity, key[2], told_s, over.get(key, np.inf))
        for (key, severity), told_s in told.items()
    ]
    return alarms, beats


def _active(alarms: Iterable[Alarm], onset_s: float, within_s: float) -> bool:
    return any(a.told_s <= onset_s + within_s and a.over_s > onset_s for a in alarms)


def _near(t_s: float, spans: Sequence[Span]) -> bool:
    return any(a - MARGIN_S <= t_s <= b + MARGIN_S for a, b in spans)


def _count(counted: dict[str, list[float]], name: str, n: int, hours: float) -> None:
    total = counted.setdefault(name, [0.0, 0.0])
    total[0] += n
    total[1] += hours
