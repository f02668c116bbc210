"""Detectors are held to reference annotations as EC57 and bxb do it."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm import validate
from healthslm.errors import RecordingError
from healthslm.recordings import Marks, Recording, Track
from healthslm.recordings.atr import BEATS
from healthslm.validate import compare, match, spans
from healthslm.validate.figures import shares
from healthslm.validate.matching import Matched
from healthslm.validate.matrix import CLASSES, Matrix


def counts(*args, **kwargs):
    return compare(*args, **kwargs)[:3]


def test_the_case_that_the_rule_of_2002_was_made_for():
    """Two close beats found late: the rule before paired neither (clinical vectors, 8.8)."""
    tp, fp, fn, offsets = match([96, 160], [128, 185], 37)
    assert (tp, fp, fn) == (2, 0, 0)
    assert offsets.tolist() == [32, 25]


@pytest.mark.parametrize(
    ("reference", "test", "expected"),
    [
        ([1.0], [1.15], (1, 0, 0)),  # exactly 150 ms apart
        ([1.0], [1.151], (0, 1, 1)),
        ([1.0], [0.85], (1, 0, 0)),
        ([1.0], [0.849], (0, 1, 1)),
        ([1.0], [0.9, 1.05], (1, 1, 0)),  # the nearer one
        ([1.0, 1.2], [1.11], (1, 0, 1)),
        ([1.0, 2.0], [], (0, 0, 2)),
        ([], [1.0, 2.0], (0, 2, 0)),
        ([], [], (0, 0, 0)),
    ],
)
def test_a_pair_is_the_nearest_two_within_150_ms(reference, test, expected):
    assert match(reference, test)[:3] == expected


def test_the_nearer_of_two_test_beats_is_taken():
    assert match([1.0], [0.9, 1.05])[3].tolist() == pytest.approx([0.05])
    assert match([1.0, 1.2], [1.11])[3].tolist() == pytest.approx([-0.09])


beats = st.lists(st.integers(0, 20_000), max_size=60, unique=True).map(sorted)


@given(beats, beats)
def test_no_beat_is_in_two_pairs_and_every_beat_is_counted(reference, test):
    tp, fp, fn, offsets = match(reference, test, 150)
    assert tp + fn == len(reference)
    assert tp + fp == len(test)
    assert len(offsets) == tp
    assert all(abs(offsets) <= 150)


@given(beats, st.integers(-10, 10))
def test_a_detector_that_is_merely_late_is_perfect(reference, late):
    reference = reference[::2]
    apart = [b for a, b in zip([-100, *reference], reference, strict=False) if b - a > 50]
    tp, fp, fn, offsets = match(apart, [t + late for t in apart], 150)
    assert (tp, fp, fn) == (len(apart), 0, 0)
    assert set(offsets) <= {late}


def test_the_learning_period_does_not_count():
    assert counts([10, 299.9, 301], [20, 30, 301], begin_s=300) == (1, 0, 0)


def test_a_beat_found_just_before_the_test_period_may_pair_with_the_first_in_it():
    assert counts([300.05, 301], [299.95, 301], begin_s=300) == (2, 0, 0)
    assert counts([300.05, 301], [299.8, 301], begin_s=300) == (1, 0, 1)
    assert counts([300.05, 301], [299.95, 300.04, 301], begin_s=300) == (2, 0, 0)


def test_a_beat_found_at_the_start_that_belongs_to_the_one_before_is_no_error():
    assert counts([299.98, 301], [300.02, 301], begin_s=300) == (1, 0, 0)
    assert counts([299.98, 301], [300.2, 301], begin_s=300) == (1, 1, 0)


def test_beats_found_in_fibrillation_do_not_count():
    spans = [(310.0, 320.0)]
    test = [305.0, 310.0, 312.0, 320.0, 320.2, 330.0]
    assert counts([305.0, 330.0], test, fibrillation_s=spans) == (2, 1, 0)
    assert counts([305.0, 330.0], test) == (2, 4, 0)


def test_a_beat_in_fibrillation_may_still_pair_with_one_at_its_rim():
    assert counts([305.0, 309.95], [305.0, 310.05], fibrillation_s=[(310.0, 320.0)]) == (2, 0, 0)


def test_reference_beats_marked_within_fibrillation_do_not_count():
    assert counts([305.0, 312.0], [305.0], fibrillation_s=[(310.0, 320.0)]) == (1, 0, 0)


def test_gross_figures_count_every_beat_alike():
    import pandas as pd

    frame = pd.DataFrame(
        {"tp": [1000, 10], "fp": [0, 10], "fn": [0, 30], "jitter_ms": [3.0, 30.0]},
    )
    told = validate.gross(frame)
    assert (told["tp"], told["fp"], told["fn"]) == (1010, 10, 30)
    assert told["se"] == pytest.approx(100 * 1010 / 1040)
    assert told["ppv"] == pytest.approx(100 * 1010 / 1020)
    assert told["f1"] == pytest.approx(100 * 2020 / 2060)
    assert told["jitter_ms"] == pytest.approx(math.sqrt((9 * 1000 + 900 * 10) / 1010))


def test_a_share_of_nothing_is_not_a_number():
    import pandas as pd

    told = validate.gross(pd.DataFrame({"tp": [0], "fp": [0], "fn": [0], "jitter_ms": [math.nan]}))
    assert all(math.isnan(told[k]) for k in ("se", "ppv", "f1", "jitter_ms"))


BXB = {"Nn": 1000, "Nv": 4, "No": 6, "Vn": 5, "Vv": 90, "Vo": 5, "Fv": 3, "Fn": 7, "Qv": 1}
BXB |= {"Qn": 2, "On": 8, "Ov": 2}


def test_bxb_s_own_matrix_of_counts_gives_its_figures():
    """Clinical vectors, 8.8: fusion and unknown beats called ventricular count neither way."""
    matrix = Matrix(BXB)
    found = shares(*matrix.qrs())
    assert (round(found["se"], 2), round(found["ppv"], 2)) == (99.02, 99.11)
    tp, fp, fn, tn = matrix.ectopic("V")
    assert (tp, fp, fn) == (90, 6, 10)
    told = shares(tp, fp, fn)
    assert (round(told["se"], 2), round(told["ppv"], 2)) == (90.00, 93.75)
    assert round(100 * fp / (fp + tn), 3) == 0.587


def test_classes_are_mapped_as_bxb_maps_them():
    found = Matched(((0, 0), (1, 1), (2, 2), (3, 3)), (4,), (4,))
    matrix = Matrix.of(found, "NeE/F", ["N", "S", "V", "", "V"])
    assert matrix.counts == {"Nn": 1, "Ss": 1, "Vv": 1, "Qq": 1, "Fo": 1, "Ov": 1}
    assert Matrix.total([matrix, matrix]).counts["Ov"] == 2


def test_a_fusion_beat_called_supraventricular_is_wrong_and_an_unknown_one_is_not():
    assert Matrix({"Fs": 2, "Qs": 3, "Ns": 4, "Ss": 5, "Sv": 1}).ectopic("S")[:3] == (5, 6, 1)


def test_every_beat_mnemonic_has_a_class():
    assert set(CLASSES) == set(BEATS)


# ---- episodes ------------------------------------------------------------------------------


def marked(*changes, fs=10.0):
    samples = np.array([round(t * fs) for t, _ in changes], np.int64)
    return Marks(samples, ("+",) * len(changes), tuple(aux for _, aux in changes))


def test_a_rhythm_lasts_until_another_one_begins_or_the_recording_ends():
    marks = marked((0, "(N"), (10, "(AFIB"), (20, "(AFL"), (30, "(AFIB"), (35, "(AFIB\0"))
    assert spans.rhythm(marks, 10.0, ("(AFIB",), 50.0) == [(10, 20), (30, 50)]
    assert spans.rhythm(marks, 10.0, ("(AFL",), 50.0) == [(20, 30)]


def test_any_overlap_finds_an_episode_and_touching_is_none():
    assert spans.hit([(0, 10), (20, 30)], [(9.9, 20)]) == 1
    assert spans.hit([(0, 10)], [(10, 20)]) == 0
    assert spans.overlap_s([(0, 10), (20, 30)], [(5, 25)]) == 10


def test_what_touches_is_one_span():
    assert spans.joined([(5, 9), (0, 3), (3, 4), (6, 7)]) == [(0, 4), (5, 9)]


def recording(samples, marks=None, kind="ecg", **more):
    track = Track("wfdb", kind, 0, 0, 0.0, 250.0, "mV", 0.005, 0.0, np.array(samples, np.int16))
    return Recording("made", (track,), notes=marks or {}, beats=marks or {}, **more)


def test_a_recording_without_an_ecg_or_its_annotations_is_refused(monkeypatch):
    for made in (recording([0] * 500, kind="ppg"), recording([0] * 500)):
        monkeypatch.setattr(validate.recordings, "load", lambda path, channel, made=made: made)
        with pytest.raises(RecordingError, match="made"):
            validate.qrs(["made"])


def test_beats_to_the_end_of_a_recording_are_found_and_counted_once(monkeypatch):
    """A complex every 200 samples for seven minutes: 420 s, of which 120 s count."""
    values = np.zeros(420 * 250)
    places = np.arange(150, len(values) - 100, 200)
    for offset, height in ((-3, 40), (-2, 90), (-1, 160), (0, 200), (1, 160), (2, 90), (3, 40)):
        values[places + offset] = height
    values += np.random.default_rng(0).integers(-2, 3, len(values))
    marks = Marks(places.astype(np.int64), ("N",) * len(places), ("",) * len(places))
    made = recording(values, {"wfdb/ecg": marks})
    monkeypatch.setattr(validate.recordings, "load", lambda path, channel: made)
    frame = validate.qrs(["made"])
    (row,) = frame.to_dict("records")
    due = int(np.sum(places >= 300 * 250))
    assert (row["record"], row["tp"], row["fp"], row["fn"]) == ("made", due, 0, 0)
    assert row["f1"] == 100.0
    assert row["jitter_ms"] < 1.0


def irregular(seconds=600, fs=250):
    """Return an ECG without a pattern from 320 s to 500 s, annotated so."""
    rng = np.random.default_rng(4)
    at, places = 0.5, []
    while at < seconds - 1:
        places.append(round(at * fs))
        at += rng.uniform(0.4, 1.3) if 320 <= at < 500 else 0.8 + 0.02 * rng.standard_normal()
    values = rng.integers(-2, 3, seconds * fs)
    for offset, height in ((-3, 40), (-2, 90), (-1, 160), (0, 200), (1, 160), (2, 90), (3, 40)):
        values[np.array(places) + offset] += height
    beats = Marks(np.array(places), ("N",) * len(places), ("",) * len(places))
    notes = marked((0, "(N"), (320, "(AFIB"), (500, "(N"), fs=fs)
    return recording(values, {"wfdb/ecg": beats}), notes


def test_an_irregular_stretch_annotated_as_fibrillation_is_found(monkeypatch):
    made, notes = irregular()
    made = replace(made, notes={"wfdb/ecg": notes})
    monkeypatch.setattr(validate.recordings, "load", lambda path, channel: made)
    (row,) = validate.af(["made"]).to_dict("records")
    assert (row["tp"], row["fp"], row["fn"]) == (1, 0, 0)
    assert row["duration_se"] > 80 and row["duration_ppv"] > 80
    assert row["beat_sp"] > 90
    assert row["beat_tp"] + row["beat_fn"] == pytest.approx(180 / 0.85, rel=0.1)


def test_paced_recordings_are_left_out_of_ventricular_figures_by_name(monkeypatch):
    made, _ = irregular()
    paced = replace(made.beats["wfdb/ecg"], symbols=("/",) * len(made.beats["wfdb/ecg"]))
    paced = replace(made, name="paced", beats={"wfdb/ecg": paced})
    monkeypatch.setattr(
        validate.recordings, "load", lambda path, channel: made if path == "made" else paced
    )
    frame = validate.ventricular(["made", "paced"])
    assert frame["record"].tolist() == ["made"]
    assert frame.attrs["left_out"] == ["paced"]
    assert frame["tn"].sum() > 300


def test_importing_this_loads_no_pandas():
    code = "import sys, healthslm.validate; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_work_shared_by_processes_gives_the_same_figures(data_dir: Path):
    paths = sorted((data_dir / "mitdb" / "dev").glob("10*.hea"))
    steps = []
    alone = validate.qrs(paths, done=lambda n, of: steps.append((n, of)))
    assert alone.equals(validate.qrs(paths, jobs=2))
    assert steps == [(n, len(paths)) for n in range(1, len(paths) + 1)]


def test_the_average_passes_over_what_has_no_share():
    import pandas as pd

    frame = pd.DataFrame({"record": ["a", "b"], "se": [50.0, math.nan], "ref_s": [1.0, 2.0]})
    assert validate.average(frame) == {"se": 50.0}


def test_qrs_complexes_are_found_on_real_recordings(data_dir: Path):
    """MIT-BIH Arrhythmia Database, development half, with its paced records."""
    paths = sorted((data_dir / "mitdb" / "dev").glob("*.hea"))
    frame = validate.qrs(paths)
    told = validate.gross(frame)
    assert len(frame) == len(paths) >= 20
    assert told["tp"] + told["fn"] > 40_000
    assert told["f1"] >= 99.7
    assert frame["f1"].min() >= 98.0
    assert told["jitter_ms"] <= 15.0


def test_the_reference_counts_are_those_of_bxb(data_dir: Path):
    """Beats after five minutes of records 101, 207 (with flutter) and 208."""
    paths = [data_dir / "mitdb" / "dev" / f"{name}.hea" for name in ("101", "207", "208")]
    frame = validate.qrs(paths)
    assert (frame["tp"] + frame["fn"]).tolist() == [1523, 1592, 2437]
