"""A lead that swings without beats is told from beats, and from every noise."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.records import Chunk
from healthslm.signals.swing import SIGNAL, WINDOW_S
from healthslm.stage import freeze, thaw

FS = 125.0


def wave(fs, seconds, hz=4.5, mv=0.8, seed=0):
    """Return a wave that waxes, wanes and wanders by a fifth in frequency."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(fs * seconds)) / fs
    wander = np.sin(2 * np.pi * 0.31 * t + seed) + np.sin(2 * np.pi * 0.17 * t)
    size = 1 + 0.3 * np.sin(2 * np.pi * 0.23 * t + 1)
    noise = 0.02 * rng.standard_normal(len(t))
    return mv / 2 * size * np.sin(2 * np.pi * np.cumsum(hz * (1 + 0.1 * wander)) / fs) + noise


def beats(fs, seconds, bpm=75, mv=1.0, seed=0):
    """Return an ECG: Q, R, S and T."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(fs * seconds)) / fs
    x = 0.01 * rng.standard_normal(len(t))
    for peak in np.arange(0.4, seconds, 60 / bpm):
        for at, size, width in ((0, 1, 0.012), (0.03, -0.25, 0.012), (0.25, 0.25, 0.05)):
            x += mv * size * np.exp(-0.5 * ((t - peak - at) / width) ** 2)
    return x


def chunk(values, start=0, fs=FS, epoch_s=0.0):
    return Chunk("chest/ecg", "ecg", epoch_s, fs, start, np.asarray(values, float))


def run(chunks, state=None):
    state, out = SIGNAL.start() if state is None else state, []
    for c in chunks:
        state, new = SIGNAL.step(state, c)
        out += new
    return state, out


def told(values, fs=FS, start=0):
    return [v.value for v in run([chunk(values, start, fs)])[1]]


@pytest.mark.parametrize("fs", [100.0, 125.0, 128.0, 250.0, 256.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("hz", [2.8, 4.5, 5.5])
def test_a_wave_without_beats_swings_all_the_time(fs, hz):
    assert told(wave(fs, 30.5, hz), fs) == [10.0, 10.0, 10.0]


@pytest.mark.parametrize("fs", [100.0, 250.0, 360.0, 1000.0])
@pytest.mark.parametrize("bpm", [40, 75, 120, 200])
def test_beats_do_not_swing(fs, bpm):
    assert told(beats(fs, 30.5, bpm), fs) == [0.0, 0.0, 0.0]


def test_it_is_told_for_how_long_the_block_swings():
    x = np.concatenate((beats(FS, 14), wave(FS, 12), beats(FS, 14.5)))
    assert told(x) == [0.0, 6.0, 6.0, 0.0]


def test_a_window_is_two_seconds_and_judged_as_a_whole():
    """A swing of 5.9 s from 13 s on holds two whole windows; the others begin or end in beats."""
    assert WINDOW_S == 2.0
    x = beats(FS, 20.5)
    x[round(13 * FS) : round(18.9 * FS)] = wave(FS, 5.9)[: round(18.9 * FS) - round(13 * FS)]
    assert told(x)[1] in (4.0, 6.0)  # the last window holds less than a tenth of a second of beats


@pytest.mark.parametrize("gain", [0.3, 1.0, -1.0, 10.0])
def test_neither_size_nor_polarity_matters(gain):
    x = np.concatenate((beats(FS, 10), wave(FS, 20.5)))
    assert told(gain * x) == [0.0, 10.0, 10.0]


def test_neither_offset_nor_drift_nor_hum_matters():
    x, t = wave(FS, 20.5), np.arange(round(20.5 * FS)) / FS
    assert told(x + 200.0) == [10.0, 10.0]
    assert told(x + 2 * np.sin(2 * np.pi * 0.1 * t) + 0.1 * t) == [10.0, 10.0]
    hummed = wave(500.0, 20.5) + 0.3 * np.sin(2 * np.pi * 50 * np.arange(10250) / 500)
    assert told(hummed, 500.0) == [10.0, 10.0]


@pytest.mark.parametrize("hz", [50.0, 60.0])
@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0])
def test_hum_alone_is_no_swing(hz, fs):
    t = np.arange(round(20.5 * fs)) / fs
    assert told(0.5 * np.sin(2 * np.pi * hz * t), fs) == [0.0, 0.0]


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_no_swing(seed):
    rng = np.random.default_rng(seed)
    white = rng.standard_normal(round(60.5 * FS))
    motion = np.convolve(white, np.hanning(round(0.1 * FS)), "same")
    assert told(white) == [0.0] * 6
    assert max(told(motion)) < 8.0  # nothing but luck makes it look like a wave
    assert sum(told(motion)) < 20.0
    assert sum(told(0.1 * np.cumsum(white))) == 0.0


@pytest.mark.parametrize(("mv", "swings"), [(0.25, 10.0), (0.12, 0.0)])
def test_what_is_smaller_than_a_fifth_of_a_millivolt_is_not_told(mv, swings):
    t = np.arange(round(20.5 * FS)) / FS
    assert told(mv / 2 * np.sin(2 * np.pi * 4 * t))[1] == swings


@pytest.mark.parametrize(("hz", "swings"), [(1.7, 0.0), (2.2, 10.0), (6.5, 10.0), (8.0, 0.0)])
def test_only_what_is_as_fast_as_flutter_and_fibrillation_is_told(hz, swings):
    t = np.arange(round(20.5 * 250)) / 250
    assert told(0.5 * np.sin(2 * np.pi * hz * t), 250.0)[1] == swings


@pytest.mark.parametrize("size", [0.1, 0.2])
def test_a_tremor_leaves_the_beats_visible(size):
    t = np.arange(round(30.5 * 250)) / 250
    x = beats(250.0, 30.5) + size * np.sin(2 * np.pi * 5 * t)
    assert told(x, 250.0) == [0.0, 0.0, 0.0]
    blind = replace(SIGNAL, beat_db=100.0, most_leakage=0.9)
    assert sum(v.value for v in blind.step(blind.start(), chunk(x, fs=250.0))[1]) > 0


@pytest.mark.parametrize("values", [0.0, 5.0, np.nan, np.inf, -1e300, 2000.0])
def test_a_flat_or_unread_lead_does_not_swing(values):
    x = np.full(round(30.5 * FS), values)
    assert sum(told(x)) == 0.0


def test_a_lead_that_was_never_read_is_not_told_at_all():
    assert told(np.full(round(30.5 * FS), np.nan)) == []


def test_it_is_told_for_a_minute_after_and_then_no_more():
    x = np.concatenate((wave(FS, 10), beats(FS, 100.5)))
    out = run([chunk(x)])[1]
    assert [v.value for v in out] == [10.0] + [0.0] * 6
    assert [v.t_s for v in out] == [10.0 * i for i in range(1, 8)]


def test_a_swing_after_hours_of_beats_is_told_again():
    x = np.concatenate((beats(FS, 100), wave(FS, 20.5)))
    out = run([chunk(x)])[1]
    assert [(v.t_s, v.value) for v in out][-2:] == [(110.0, 10.0), (120.0, 10.0)]
    assert len(out) == 8


def test_the_first_minute_after_a_gap_is_told_again():
    x = beats(FS, 100.5)
    out = run([chunk(x), chunk(x, round(300 * FS))])[1]
    assert [v.t_s for v in out] == [*range(10, 70, 10), *range(310, 370, 10)]


@pytest.mark.parametrize("start", range(7))
def test_samples_are_averaged_in_cells_counted_from_index_0(start):
    state, _ = run([chunk(wave(250.0, 1.0), start, 250.0)])
    assert (state.due - len(state.raw)) % 5 == 0  # 20 ms
    assert len(state.raw) < 5


def test_the_blocks_are_those_of_the_clock():
    out = run([chunk(wave(FS, 34), start=round(3 * FS), epoch_s=1.7e9)])[1]
    assert [(v.t_s - 1.7e9, v.value) for v in out] == [(10.0, 6.0), (20.0, 10.0), (30.0, 10.0)]
    assert all((v.kind, v.stream) == ("ecg_swing", "chest/ecg") for v in out)


def test_a_gap_breaks_the_window_it_is_in():
    x = wave(FS, 40.5)
    cut, back = round(13 * FS), round(24.5 * FS)
    out = run([chunk(x[:cut]), chunk(x[back:], back)])[1]
    assert [(v.t_s, v.value) for v in out] == [(10.0, 10.0), (20.0, 2.0), (30.0, 4.0), (40.0, 10.0)]


def test_an_unread_sample_breaks_the_window_it_is_in():
    x = wave(FS, 20.5)
    x[round(5 * FS)] = np.nan
    assert told(x) == [8.0, 10.0]


def test_no_window_reaches_over_a_gap():
    """Two halves of a window, hours apart, are no window."""
    x = wave(FS, 1.0)
    out = run([chunk(x), chunk(x, round(3601 * FS)), chunk(beats(FS, 20), round(7200 * FS))])[1]
    assert sum(v.value for v in out) == 0.0


def test_another_clock_or_rate_begins_anew():
    a, b = wave(FS, 15), wave(250.0, 10.5)
    out = run([chunk(a), chunk(b, fs=250.0, epoch_s=500.0)])[1]
    assert [(v.t_s, v.value) for v in out] == [(10.0, 10.0), (510.0, 10.0)]


def stream():
    """Return beats, a swing, an unread sample, a gap, noise and another swing, in two chunks."""
    rng = np.random.default_rng(1)
    x = np.concatenate((beats(FS, 13), wave(FS, 15), rng.standard_normal(1000), wave(FS, 31)))
    x[round(21.3 * FS)] = np.nan
    cut, back = round(24.7 * FS), round(31.1 * FS)
    return [chunk(x[:cut], 37), chunk(x[back:], 37 + back)]


def pieces(cuts):
    out = []
    for c in stream():
        edges = [0, *sorted({n for n in cuts if 0 < n < len(c.values)}), len(c.values)]
        out += [chunk(c.values[a:b], c.start + a) for a, b in pairwise(edges)]
    return out


def same(a, b):
    return freeze(a[0]) == freeze(b[0]) and a[1] == b[1]


def test_the_stream_is_worth_comparing():
    values = [v.value for v in run(stream())[1]]
    assert 0.0 in values and 10.0 in values and len(set(values)) >= 4


@given(cuts=st.lists(st.integers(1, 8000), max_size=30))
def test_how_the_stream_is_cut_does_not_show(cuts):
    assert same(run(pieces(cuts)), run(stream()))


@pytest.mark.parametrize("length", [1, 2, 3, 125, 1249, 1251])
def test_chunks_of_any_one_length_give_the_same(length):
    assert same(run(pieces(range(0, 9000, length))), run(stream()))


@given(cuts=st.lists(st.integers(1, 8000), min_size=1, max_size=12), at=st.integers(0, 40))
def test_a_restart_does_not_show(cuts, at):
    chunks = pieces(cuts)
    at %= len(chunks)
    state, before = run(chunks[:at])
    end, after = run(chunks[at:], thaw(SIGNAL, freeze(state)))
    assert same((end, before + after), run(stream()))


@pytest.mark.parametrize("fs", [100.0, 360.0, 1000.0])
def test_the_state_is_small(fs):
    state = SIGNAL.start()
    for i in range(45):
        part = chunk(np.random.default_rng(i).standard_normal(round(fs)), round(i * fs), fs)
        state, _ = SIGNAL.step(state, part)
        assert len(freeze(state)) < 1200


def test_fibrillation_of_real_hearts_swings_and_their_beats_do_not(data_dir):
    """Record 207 of MIT-BIH Arrhythmia: 98 s of flutter, and left bundle branch block before."""
    from healthslm import recordings

    path = data_dir / "mitdb" / "dev" / "207.hea"
    if not path.exists():
        pytest.skip("no record 207 here")
    track = recordings.load(path).tracks[0]
    x, fs = track.values, track.fs
    flutter = told(x[round(1550 * fs) : round(1630.5 * fs)], fs)
    beating = told(x[round(600 * fs) : round(900.5 * fs)], fs)
    assert np.mean(flutter) > 5.0
    assert sum(beating) == 0.0
