"""Detectors against reference annotations, by the rules of ANSI/AAMI EC57.

The beat-by-beat comparison is that of `bxb` (WFDB Applications Guide, with the rule for
ties of 2002): pairs within 150 ms, each beat in one pair at most; the first five minutes
are for learning and do not count; beats a detector finds within reference-marked
ventricular flutter or fibrillation do not count either. Paced records take part, as they
do in EC57 for the detection of QRS complexes. Beats of poor signal are counted like any
other: nothing hides behind a low quality.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from healthslm import recordings
from healthslm.errors import RecordingError
from healthslm.records import Beat, Chunk
from healthslm.signals.ecg import SIGNAL
from healthslm.stage import FloatArray

if TYPE_CHECKING:
    import pandas as pd

WINDOW_S = 0.15
LEARNING_S = 300.0

Span = tuple[float, float]


def match(
    reference_s: Sequence[float], test_s: Sequence[float], window_s: float = WINDOW_S
) -> tuple[int, int, int, FloatArray]:
    """Return true positives, false positives, false negatives, and test minus reference.

    Parameters
    ----------
    reference_s, test_s
        Rising times, seconds.
    window_s
        The greatest distance of a pair; one sample's rounding is forgiven.

    Returns
    -------
    tp, fp, fn
        Counts.
    offsets
        Shape (tp,), seconds.

    Examples
    --------
    The case of James Pardey, in samples; the rule before 2002 paired neither:

    >>> match([96, 160], [128, 185], 37)[:3]
    (2, 0, 0)
    """
    pairs = _pairs(reference_s, test_s, window_s)
    offsets = np.array([test_s[j] - reference_s[i] for i, j in pairs], np.float64)
    return len(pairs), len(test_s) - len(pairs), len(reference_s) - len(pairs), offsets


def _pairs(
    reference: Sequence[float], test: Sequence[float], window: float
) -> list[tuple[int, int]]:
    """Return the indices of the beats that belong together."""
    window += 1e-9
    far = float("inf")
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(reference) and j < len(test):
        want, have = reference[i], test[j]
        want_next = reference[i + 1] if i + 1 < len(reference) else far
        have_next = test[j + 1] if j + 1 < len(test) else far
        earlier = have < want
        rival = abs(want - have_next) if earlier else abs(have - want_next)
        both_next = abs(want_next - have_next) if want_next < far and have_next < far else far
        apart = abs(want - have)
        if apart <= window and (apart < rival or both_next < rival):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif earlier:
            j += 1
        else:
            i += 1
    return pairs


def compare(
    reference_s: Sequence[float],
    test_s: Sequence[float],
    *,
    begin_s: float = LEARNING_S,
    fibrillation_s: Sequence[Span] = (),
    window_s: float = WINDOW_S,
) -> tuple[int, int, int, FloatArray]:
    """Return what `match` does, for the test period alone.

    Parameters
    ----------
    begin_s
        Where the test period begins. The last test beat before it may still pair with the
        first reference beat in it; a first test beat in it that belongs to a reference beat
        before it is not counted.
    fibrillation_s
        Spans in which beats that pair with none are not counted, and no reference beat is.
    """
    reference = [t for t in reference_s if t >= begin_s and not _within(t, fibrillation_s)]
    test = _test_period(reference, list(test_s), begin_s, window_s)
    pairs = _pairs(reference, test, window_s)
    paired = {j for _, j in pairs}
    extra = [t for j, t in enumerate(test) if j not in paired and not _within(t, fibrillation_s)]
    offsets = np.array([test[j] - reference[i] for i, j in pairs], np.float64)
    return len(pairs), len(extra), len(reference) - len(pairs), offsets


def _within(t_s: float, spans: Sequence[Span]) -> bool:
    return any(a <= t_s <= b for a, b in spans)


def _test_period(
    reference: Sequence[float], test: list[float], begin: float, window: float
) -> list[float]:
    """Return the test beats that take part, by bxb's rules for the edge of the learning period."""
    after = [t for t in test if t >= begin]
    before = [t for t in test if t < begin][-1:]
    if not reference or not after:
        return after
    first = reference[0]
    if before and first - before[0] <= window + 1e-9 and first - before[0] < abs(first - after[0]):
        return before + after
    late = after[0] - begin <= window and len(after) > 1
    if late and abs(first - after[1]) < abs(first - after[0]):
        return after[1:]
    return after


def qrs(paths: Iterable[str | Path], channel: str | int | None = None) -> pd.DataFrame:
    """Return how well QRS complexes are found in annotated recordings, a row for each.

    Parameters
    ----------
    paths
        Recordings whose ECG has beat annotations.
    channel
        The lead, see `recordings.load`.

    Returns
    -------
    Columns record, tp, fp, fn, se, ppv, f1 (in %) and jitter_ms, the root mean square of
    the distances in time. A share of nothing is NaN.

    Raises
    ------
    RecordingError
        A recording cannot be read, or its ECG has no annotations.
    """
    import pandas as pd

    rows = []
    for path in paths:
        recording = recordings.load(path, channel)
        reference_s, fibrillation_s = _truth(recording)
        tp, fp, fn, offsets = compare(reference_s, detect(recording), fibrillation_s=fibrillation_s)
        jitter_ms = 1000 * float(np.sqrt(np.mean(offsets**2))) if tp else float("nan")
        rows.append((recording.name, tp, fp, fn, *_shares(tp, fp, fn), jitter_ms))
    return pd.DataFrame(rows, columns=["record", "tp", "fp", "fn", "se", "ppv", "f1", "jitter_ms"])


def gross(frame: pd.DataFrame) -> dict[str, float]:
    """Return tp, fp, fn, se, ppv, f1 (in %) and jitter_ms over all beats of `frame`."""
    tp, fp, fn = (int(frame[name].sum()) for name in ("tp", "fp", "fn"))
    se, ppv, f1 = _shares(tp, fp, fn)
    square = float((frame["jitter_ms"] ** 2 * frame["tp"]).sum())
    jitter_ms = (square / tp) ** 0.5 if tp else float("nan")
    return {"tp": tp, "fp": fp, "fn": fn, "se": se, "ppv": ppv, "f1": f1, "jitter_ms": jitter_ms}


def detect(recording: recordings.Recording) -> list[float]:
    """Return the times, seconds from index 0, of the beats the ECG stage finds."""
    state, told = SIGNAL.start(), []
    for track in _ecg(recording):
        chunk = Chunk(track.lane, "ecg", 0.0, track.fs, track.start, track.values)
        after = track.start + len(chunk.values) + int(track.fs)  # a gap: nothing stays open
        end = Chunk(track.lane, "ecg", 1.0, track.fs, after, np.array([np.nan]))
        for x in (chunk, end):
            state, new = SIGNAL.step(state, x)
            told += [beat.t_s for beat in new if isinstance(beat, Beat)]
    return told


def _ecg(recording: recordings.Recording) -> list[recordings.Track]:
    tracks = [track for track in recording.tracks if track.kind == "ecg"]
    if not tracks:
        raise RecordingError(f"{recording.name}: no ECG")
    return [track for track in tracks if track.lane == tracks[0].lane]


def _truth(recording: recordings.Recording) -> tuple[list[float], list[Span]]:
    """Return the reference beats and the spans of fibrillation, seconds from index 0."""
    track = _ecg(recording)[0]
    if track.lane not in recording.beats:
        raise RecordingError(f"{recording.name}: no annotations of its ECG")
    beats = recording.beats[track.lane].samples / track.fs
    notes = recording.notes[track.lane]
    on = (notes.only("[").samples / track.fs).tolist()
    off = (notes.only("]").samples / track.fs).tolist()
    return beats.tolist(), list(zip(on, [*off, float("inf")], strict=False))


def _shares(tp: int, fp: int, fn: int) -> tuple[float, float, float]:
    """Return sensitivity, positive predictive value and F1, in %."""
    nan = float("nan")
    return (
        100 * tp / (tp + fn) if tp + fn else nan,
        100 * tp / (tp + fp) if tp + fp else nan,
        200 * tp / (2 * tp + fp + fn) if tp + fp + fn else nan,
    )
