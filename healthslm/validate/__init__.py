"""Detectors against reference annotations, by the rules of ANSI/AAMI EC57.

Beats are matched as `bxb` matches them (`matching`), classes of beats are counted as it
counts them (`matrix`), episodes as `epicmp` does (`spans`). Beats of poor signal are
counted like any other: nothing hides behind a low quality.

Each task takes recordings and returns a row for each, a DataFrame; `gross` and `average`
sum it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from healthslm import recordings, replay
from healthslm.errors import RecordingError
from healthslm.records import Beat, Chunk, Finding
from healthslm.signals.ecg import SIGNAL
from healthslm.validate import spans
from healthslm.validate.figures import NAN, average, by_time_and_beat, gross, pct, shares
from healthslm.validate.matching import (
    LEARNING_S,
    Span,
    compare,
    fibrillation,
    match,
    matched,
    within,
)
from healthslm.validate.matrix import PACED, Matrix

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "TASKS",
    "af",
    "average",
    "compare",
    "detect",
    "gross",
    "headers",
    "match",
    "matched",
    "qrs",
    "ventricular",
]

Channel = str | int | None
Row = dict[str, Any]
Done = Callable[[int, int], None]


def qrs(
    paths: Iterable[str | Path], channel: Channel = None, jobs: int = 1, done: Done | None = None
) -> pd.DataFrame:
    """Return how well QRS complexes are found in annotated recordings, a row for each.

    Parameters
    ----------
    paths
        Recordings whose ECG has beat annotations.
    channel
        The lead, see `recordings.load`.
    jobs
        Processes that share the work.
    done
        Called with the number of recordings done, and of all.

    Returns
    -------
    Columns record, tp, fp, fn, se, ppv, f1 (in %), offset_ms (median of test minus
    reference) and jitter_ms (root mean square of what is left without it).

    Raises
    ------
    RecordingError
        A recording cannot be read, or its ECG has no annotations.
    """
    return _frame(_qrs, paths, channel, jobs, done)


def ventricular(
    paths: Iterable[str | Path], channel: Channel = None, jobs: int = 1, done: Done | None = None
) -> pd.DataFrame:
    """Return how well ventricular beats are told from others; parameters as of `qrs`.

    Returns
    -------
    Columns record, tp, fp, fn, se, ppv, f1 (in %) and fpr of ventricular ectopic beats; s_tp
    ... s_ppv of supraventricular ones; matrix, the counts they come from. Recordings with
    paced beats are left out, as EC57 has it; their names are in `attrs["left_out"]`.
    """
    return _frame(_ventricular, paths, channel, jobs, done)


def af(
    paths: Iterable[str | Path], channel: Channel = None, jobs: int = 1, done: Done | None = None
) -> pd.DataFrame:
    """Return how well atrial fibrillation is told by irregular rhythm; parameters as of `qrs`.

    The test is every `irregular_rhythm` finding of the whole pipeline, the reference the
    time annotated as "(AFIB"; time of atrial flutter counts neither way.

    Returns
    -------
    Columns record; tp and fn (reference episodes found and not), fp (told episodes that
    overlap none), se, ppv and f1 by episodes; ref_s, test_s, both_s and duration_se,
    duration_ppv by time; beat_tp ... beat_tn and beat_se, beat_sp, beat_ppv by reference
    beat. All shares in %.
    """
    return _frame(_af, paths, channel, jobs, done)


TASKS: Mapping[str, Callable[..., pd.DataFrame]] = {
    "qrs": qrs,
    "ventricular": ventricular,
    "af": af,
}


def headers(paths: Iterable[Path]) -> list[Path]:
    """Return the recordings that `paths` name; of a folder, every WFDB header in it.

    Raises
    ------
    RecordingError
        A folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.hea")) if path.is_dir() else [path]
        if not inside:
            raise RecordingError(f"{path.name}: no WFDB header (*.hea) in this folder")
        found += inside
    return found


def detect(recording: recordings.Recording) -> list[Beat]:
    """Return the beats the ECG stage finds; times in seconds from sample index 0."""
    state, told = SIGNAL.start(), []
    for track in _ecg(recording):
        chunk = Chunk(track.lane, "ecg", 0.0, track.fs, track.start, track.values)
        after = track.start + len(chunk.values) + int(track.fs)  # a gap: nothing stays open
        end = Chunk(track.lane, "ecg", 1.0, track.fs, after, np.array([np.nan]))
        for x in (chunk, end):
            state, new = SIGNAL.step(state, x)
            told += [beat for beat in new if isinstance(beat, Beat)]
    return told


# ---- one recording ----------------------------------------------------------------------


def _qrs(path: str | Path, channel: Channel) -> Row:
    recording = recordings.load(path, channel)
    reference_s, _, fibrillation_s = _truth(recording)
    test_s = [beat.t_s for beat in detect(recording)]
    tp, fp, fn, offsets = compare(reference_s, test_s, fibrillation_s=fibrillation_s)
    offset = float(np.median(offsets)) if tp else NAN
    jitter = float(np.sqrt(np.mean((offsets - offset) ** 2))) if tp else NAN
    return _row(recording, tp, fp, fn) | {"offset_ms": 1000 * offset, "jitter_ms": 1000 * jitter}


def _ventricular(path: str | Path, channel: Channel) -> Row:
    recording = recordings.load(path, channel)
    reference_s, symbols, fibrillation_s = _truth(recording)
    if PACED & set(symbols):
        return {"record": recording.name, "left_out": True}
    beats = detect(recording)
    found = matched(reference_s, [beat.t_s for beat in beats], fibrillation_s=fibrillation_s)
    matrix = Matrix.of(found, symbols, [beat.label for beat in beats])
    tp, fp, fn, tn = matrix.ectopic("V")
    s_tp, s_fp, s_fn, _ = matrix.ectopic("S")
    of_s = {"tp": s_tp, "fp": s_fp, "fn": s_fn, **shares(s_tp, s_fp, s_fn)}
    return (
        _row(recording, tp, fp, fn)
        | {"tn": tn, "fpr": pct(fp, fp + tn)}
        | {f"s_{name}": value for name, value in of_s.items()}
        | {"matrix": dict(matrix.counts)}
    )


def _af(path: str | Path, channel: Channel) -> Row:
    recording = recordings.load(path, channel)
    reference_s, _, _ = _truth(recording)
    lead = _ecg(recording)
    alone = recordings.Recording(recording.name, tuple(lead))
    told = {x.key: x for x in replay.played(alone) if isinstance(x, Finding)}
    zero_s, end_s = lead[0].epoch_s, lead[-1].t1_s - lead[0].epoch_s
    notes, fs = recording.notes[lead[0].lane], lead[0].fs
    outside = [(-1.0, LEARNING_S), *spans.rhythm(notes, fs, ("(AFL",), end_s)]
    ref = spans.without(spans.rhythm(notes, fs, ("(AFIB",), end_s), outside)
    irregular = [f for f in told.values() if f.kind == "irregular_rhythm"]
    found = spans.joined([(f.t0_s - zero_s, f.t1_s - zero_s) for f in irregular])
    test = spans.without(found, outside)
    tp, right = spans.hit(ref, test), spans.hit(test, ref)
    counted = [t for t in reference_s if not within(t, outside)]
    truly = [within(t, ref) for t in counted]
    said = [within(t, test) for t in counted]
    pairs = list(zip(truly, said, strict=True))
    counts = {
        "ref_s": spans.length_s(ref),
        "test_s": spans.length_s(test),
        "both_s": spans.overlap_s(ref, test),
        "beat_tp": pairs.count((True, True)),
        "beat_fp": pairs.count((False, True)),
        "beat_fn": pairs.count((True, False)),
        "beat_tn": pairs.count((False, False)),
        "test_tp": right,
    }
    row = _row(recording, tp, len(test) - right, len(ref) - tp) | counts
    return row | by_time_and_beat(row)


def _row(recording: recordings.Recording, tp: int, fp: int, fn: int) -> Row:
    return {"record": recording.name, "tp": tp, "fp": fp, "fn": fn, **shares(tp, fp, fn)}


def _ecg(recording: recordings.Recording) -> list[recordings.Track]:
    tracks = [track for track in recording.tracks if track.kind == "ecg"]
    if not tracks:
        raise RecordingError(f"{recording.name}: no ECG")
    return [track for track in tracks if track.lane == tracks[0].lane]


def _truth(recording: recordings.Recording) -> tuple[list[float], tuple[str, ...], list[Span]]:
    """Return reference beats (seconds from index 0), their mnemonics, spans of fibrillation."""
    track = _ecg(recording)[0]
    if track.lane not in recording.beats:
        raise RecordingError(f"{recording.name}: no annotations of its ECG")
    beats = recording.beats[track.lane]
    notes = recording.notes[track.lane]
    spans_s = fibrillation(notes, track.fs)
    return (beats.samples / track.fs).tolist(), beats.symbols, spans_s


# ---- all of them ------------------------------------------------------------------------


def _frame(
    one: Callable[..., Row],
    paths: Iterable[str | Path],
    channel: Channel,
    jobs: int,
    done: Done | None,
) -> pd.DataFrame:
    import pandas as pd

    listed, rows = list(paths), []
    for n, row in enumerate(_each(partial(one, channel=channel), listed, jobs), 1):
        rows.append(row)
        if done is not None:
            done(n, len(listed))
    frame = pd.DataFrame([row for row in rows if "left_out" not in row])
    frame.attrs["left_out"] = [row["record"] for row in rows if "left_out" in row]
    return frame


def _each(one: Callable[[Any], Row], paths: list[Any], jobs: int) -> Iterator[Row]:
    if jobs == 1:
        yield from map(one, paths)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(one, paths)
