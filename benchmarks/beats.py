"""Beats of recordings as detectors are given them: of reference marks, or of our ECG stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from healthslm import detect, recordings, signals
from healthslm.pipeline import Pipeline
from healthslm.recordings.atr import BEATS, read_marks
from healthslm.records import Beat, Chunk, Derived, Finding

CHUNK_S = 60.0
SILENCE_S = 600.0  # after a recording: whatever is under way ends
STREAM = "wfdb/ecg"


def of_times(times_s: Iterable[float], stream: str = STREAM) -> list[Beat]:
    """Return good beats without a class at these times, as from intervals alone."""
    beats: list[Beat] = []
    for t_s in times_s:
        rr_s = t_s - beats[-1].t_s if beats else None
        beats.append(Beat("beat", stream, float(t_s), rr_s, good=True))
    return beats


def annotated(header: Path) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return times (s) and symbols of the beats in the `.atr` beside a header."""
    fs = float(header.read_text("latin-1").split()[2].partition("/")[0])
    marks = read_marks(header.with_suffix(".atr"), fs).only(BEATS)
    return marks.samples / fs, marks.symbols


def derived(
    recording: recordings.Recording, detectors: Sequence[str] = (), *, line: Pipeline | None = None
) -> list[Derived]:
    """Return what the pipeline makes of the ECG of a recording, and of a silence after it."""
    every = detect.detectors()
    line = line or Pipeline(signals.signals(), {name: every[name] for name in detectors})
    (track,) = [track for track in recording.tracks if track.kind == "ecg"][:1]
    whole = Chunk(track.lane, "ecg", track.epoch_s, track.fs, track.start, track.values)
    size, out = int(CHUNK_S * track.fs), []
    for at in range(0, len(whole.values), size):
        values = whole.values[at : at + size]
        out += line.feed(replace(whole, start=whole.start + at, values=values))
    gap = whole.start + len(whole.values) + int(track.fs)
    out += line.feed(replace(whole, start=gap, values=np.array([np.nan])))
    out += line.feed(Beat("beat", whole.stream, whole.end_s + SILENCE_S, None, good=False))
    return out


def final(found: Iterable[Derived], kind: str) -> list[Finding]:
    """Return the findings of a kind as they were told last."""
    newest = {f.key: f for f in found if isinstance(f, Finding) and f.kind == kind}
    return list(newest.values())


def within(times_s: NDArray[np.float64], spans: Iterable[tuple[float, float]]) -> NDArray[np.bool_]:
    """Tell which times lie within any of the spans, ends included."""
    inside = np.zeros(len(times_s), np.bool_)
    for begin, end in spans:
        inside |= (times_s >= begin) & (times_s <= end)
    return inside
