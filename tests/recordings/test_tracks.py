"""How a recording is cut into frames."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import RecordingError
from healthslm.ingest import decode, encode, topic
from healthslm.recordings import Event, Marks, Recording, Track, checked, frames
from healthslm.recordings.tracks import quantised
from healthslm.records import MISSING


def track(stream="ecg", fs=250.0, n=5000, start=0, boot=1, epoch_s=1000.0, **more):
    unit = {"ecg": "mV", "spo2": "%", "temperature": "Cel", "ppg": "1"}[stream]
    samples = (np.arange(n) % 1000).astype(np.int16)
    return Track("chest", stream, boot, start, epoch_s, fs, unit, 0.005, 0.0, samples, **more)


def recording(*tracks):
    return Recording("test", tracks)


def ends(sent):
    return [f.t_s + f.count / f.fs for f in sent]


MIXED = recording(
    track(n=5000),
    track(n=1000, start=9000),
    track("temperature", 1 / 60, 10),
    track("spo2", 0.1, 25),
    track("ppg", 64.0, 999),
)


@given(seed=st.integers(0, 10_000))
def test_however_it_is_cut_the_frames_hold_every_sample_once_and_in_order(seed):
    for cuts in (None, Random(seed)):
        for t in {t.lane for t in MIXED.tracks}:
            parts = [x for x in MIXED.tracks if x.lane == t]
            sent = [f for f in frames(MIXED, cuts=cuts) if f.name == t]
            assert b"".join(f.samples for f in sent) == b"".join(x.samples.tobytes() for x in parts)
            assert [f.seq for f in sent] == list(range(len(sent)))
            at = [i for x in parts for i in range(x.start, x.start + len(x.samples))]
            assert [i for f in sent for i in range(f.start, f.start + f.count)] == at


@given(seed=st.integers(0, 10_000))
def test_frames_come_in_order_of_their_ends_and_none_is_too_long(seed):
    for cuts in (None, Random(seed)):
        sent = list(frames(MIXED, cuts=cuts))
        assert ends(sent) == sorted(ends(sent))
        for f in sent:
            span_s = f.count / f.fs
            assert span_s <= (120 if cuts else 60 if f.fs < 1 else 5) + 1e-9
            assert f.t_s == 1000.0 + f.start / f.fs


def test_every_frame_is_one_that_a_daemon_takes():
    for f in frames(MIXED):
        where = topic("me", f.device, f.stream)
        assert decode(where, encode(f)) == ("me", f)


def test_random_cuts_stay_below_64_kib_at_any_rate():
    fast = recording(track(fs=2000.0, n=200_000))
    assert max(len(f.samples) for f in frames(fast, cuts=Random(1))) <= 60_000


def test_random_cuts_reach_from_one_sample_to_a_minute():
    counts = [f.count for f in frames(recording(track(n=900_000)), cuts=Random(5))]
    assert min(counts) == 1
    assert max(counts) > 15_000


def test_an_off_period_keeps_counting_and_lost_samples_skip_a_number():
    off = recording(track(n=1250), track(n=1250, start=5000))
    assert [f.seq for f in frames(off)] == [0, 1]
    lost = recording(track(n=1250), track(n=1250, start=5000, continuous=False))
    assert [f.seq for f in frames(lost)] == [0, 2]


def test_a_new_boot_counts_from_zero():
    sent = list(frames(recording(track(n=2500), track(n=1250, boot=2, epoch_s=2000.0))))
    assert [(f.boot, f.seq, f.start) for f in sent] == [(1, 0, 0), (1, 1, 1250), (2, 0, 0)]


def test_tracks_of_one_stream_must_not_overlap():
    with pytest.raises(RecordingError, match="overlap"):
        list(frames(recording(track(n=100), track(n=100, start=99))))


def test_a_recording_can_be_moved_to_another_time():
    whole = Recording("x", (track(start=250),), (Event("pause", 1002.0, 1005.0),), dated=False)
    moved = whole.moved(50_000.0)
    assert (moved.t0_s, moved.t1_s, moved.dated) == (50_000.0, 50_020.0, True)
    assert moved.events == (Event("pause", 50_001.0, 50_004.0),)
    assert next(frames(whole, base_s=50_000.0)).t_s == 50_000.0


@given(st.lists(st.floats(-200, 200) | st.just(float("nan")), min_size=1, max_size=50))
def test_quantised_values_come_back_within_half_a_step_and_nan_as_missing(values):
    samples = quantised(np.array(values), 0.01, 36.0)
    back = Track("d", "temperature", 0, 0, 0.0, 1.0, "Cel", 0.01, 36.0, samples).values
    assert np.array_equal(np.isnan(back), np.isnan(values))
    assert np.nanmax(np.abs(back - values), initial=0) <= 0.005 + 1e-9
    assert np.array_equal(samples == MISSING, np.isnan(values))


def test_values_beyond_the_converter_are_clipped_and_never_taken_for_missing():
    assert quantised(np.array([-1e9, 1e9]), 0.1).tolist() == [-32767, 32767]


def test_marks_can_be_picked_by_symbol():
    marks = Marks(np.array([3, 5, 9]), ("N", "+", "V"), ("", "(AFIB", ""))
    picked = marks.only("NV")
    assert (picked.samples.tolist(), picked.symbols, picked.aux) == ([3, 9], ("N", "V"), ("", ""))
    assert len(marks) == 3


BAD = {
    "unknown unit": {"unit": "furlong"},
    "unknown kind": {"stream": "aura"},
    "name with a level": {"device": "a/b"},
    "name with a wildcard": {"device": "#"},
    "too fast": {"fs": 2001.0},
    "too slow": {"stream": "spo2", "unit": "%", "fs": 1 / 121},
    "too slow for a beat": {"fs": 9.9},
    "not a rate": {"fs": float("nan")},
    "no gain": {"gain": 0.0},
    "no finite gain": {"gain": float("inf")},
    "before 1970": {"epoch_s": -1.0},
    "no finite time": {"epoch_s": float("nan")},
    "before the boot": {"start": -1},
    "negative boot": {"boot": -1},
    "empty": {"samples": np.array([], np.int16)},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_what_no_sensor_could_have_sent_is_refused(change):
    from dataclasses import replace

    with pytest.raises(RecordingError):
        checked(recording(replace(track(), **change)))


def test_a_recording_without_tracks_is_refused():
    with pytest.raises(RecordingError):
        checked(recording())
