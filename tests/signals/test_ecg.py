"""Beats of an ECG: found where they are, whatever the lead, the rate and the cut."""

import sys
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.records import Beat, Chunk, Vital
from healthslm.signals import ecg
from healthslm.signals.ecg import SIGNAL, EcgBeats, State
from healthslm.signals.qrs import QrsFinder
from healthslm.signals.quality import GOOD
from healthslm.signals.slopes import ROWS
from healthslm.stage import freeze, thaw

# One beat: seconds after R (at 75/min), mV, width in seconds of the waves P Q R S T.
WAVES = ((-0.17, 0.12, 0.025), (-0.028, -0.1, 0.009), (0, 1, 0.011), (0.028, -0.2, 0.01))
T_WAVE = (0.25, 0.3, 0.045)


def drawn(peaks_s, fs, seconds, *, waves=(*WAVES, T_WAVE), sizes=None, noise=0.01, seed=0):
    """Draw an ECG in mV with R peaks at `peaks_s`."""
    t = np.arange(round(seconds * fs)) / fs
    x = noise * np.random.default_rng(seed).standard_normal(len(t))
    rr = np.diff(peaks_s, prepend=2 * peaks_s[0] - peaks_s[1])
    for n, (peak, interval) in enumerate(zip(peaks_s, rr, strict=True)):
        squeeze = min(1.0, interval / 0.8) ** 0.5
        for at, mv, width in waves:
            if abs(at) > 0.1:
                at, width = at * squeeze, width * squeeze
            near = slice(*np.searchsorted(t, (peak + at - 6 * width, peak + at + 6 * width)))
            size = 1.0 if sizes is None else sizes[n]
            x[near] += size * mv * np.exp(-0.5 * ((t[near] - peak - at) / width) ** 2)
    return x


def regular(bpm, seconds, seed=0):
    """Return R peaks at `bpm` with the 3 % of unrest that a healthy heart has."""
    rng = np.random.default_rng(seed)
    rr = 60 / bpm * (1 + 0.03 * rng.standard_normal(round(seconds * bpm / 60) + 5))
    peaks = 0.6 + np.cumsum(rr)
    return peaks[peaks < seconds - 0.6]


def chunk(values, start=0, fs=360.0, epoch_s=0.0):
    return Chunk("chest/ecg", "ecg", epoch_s, fs, start, np.asarray(values, float))


def run(chunks, state=None):
    """Return the state after `chunks` and all that was told."""
    state, told = SIGNAL.start() if state is None else state, []
    for c in chunks:
        state, new = SIGNAL.step(state, c)
        told += new
    return state, told


def told(values, fs=360.0, start=0):
    """Return beats and qualities of a recording, all of them: a last chunk leaves a gap."""
    after = start + len(values) + round(60 * fs)
    _, out = run([chunk(values, start, fs), chunk([np.nan], after, fs)])
    return [x for x in out if isinstance(x, Beat)], [x for x in out if isinstance(x, Vital)]


def times(beats):
    return np.array([beat.t_s for beat in beats])


def assert_same_beats(beats, peaks_s, within_s=0.003):
    assert len(beats) == len(peaks_s)
    assert np.max(np.abs(times(beats) - peaks_s)) < within_s


@pytest.mark.parametrize("fs", [100.0, 125.0, 128.0, 130.0, 250.0, 256.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("bpm", [25, 60, 120, 200])
def test_every_beat_is_found_at_its_r_peak_between_samples(fs, bpm):
    peaks = regular(bpm, 45)
    beats, qualities = told(drawn(peaks, fs, 45), fs)
    assert_same_beats(beats, peaks, within_s=0.0015)
    assert np.std(times(beats) - peaks) < 0.0005
    assert [beat.good for beat in beats] == [beat.t_s < 40 for beat in beats]
    assert all(q.value >= (0.9 if bpm < 200 else 0.8) for q in qualities[:4])
    assert qualities[4].value < 0.5  # half of that block never came


def test_intervals_are_those_between_the_beats_and_the_first_has_none():
    beats, _ = told(drawn(regular(70, 40), 360.0, 40))
    assert beats[0].rr_s is None
    np.testing.assert_allclose([b.rr_s for b in beats[1:]], np.diff(times(beats)), atol=1e-9)


@pytest.mark.parametrize("size", [0.1, 0.3, 3.0, 20.0])
def test_the_size_of_the_signal_does_not_matter(size):
    x = drawn(regular(80, 40), 360.0, 40)
    np.testing.assert_allclose(times(told(size * x)[0]), times(told(x)[0]), atol=1e-9)


def test_a_lead_upside_down_gives_the_same_beats():
    x = drawn(regular(80, 40), 360.0, 40)
    assert told(-x)[0] == told(x)[0]


def test_an_offset_of_the_electrodes_does_not_matter():
    x = drawn(regular(80, 40), 360.0, 40)
    np.testing.assert_allclose(times(told(x + 300.0)[0]), times(told(x)[0]), atol=1e-6)


def test_breathing_and_drift_of_the_baseline_do_not_matter():
    peaks, t = regular(80, 40), np.arange(40 * 360) / 360
    x = drawn(peaks, 360.0, 40) + np.sin(2 * np.pi * 0.3 * t) + 0.1 * t
    assert_same_beats(told(x)[0], peaks)


@pytest.mark.parametrize("hz", [50.0, 60.0])
@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0])
def test_mains_hum_makes_no_beats_and_hides_none(hz, fs):
    peaks, t = regular(80, 40), np.arange(round(40 * fs)) / fs
    x = drawn(peaks, fs, 40) + 0.15 * np.sin(2 * np.pi * hz * t)
    assert_same_beats(told(x, fs)[0], peaks, within_s=0.01)


@pytest.mark.parametrize("height", [0.3, 0.5])
def test_a_tall_p_wave_is_no_beat(height):
    peaks = regular(75, 40)
    tall = (-0.21, height, 0.02)
    beats, _ = told(drawn(peaks, 360.0, 40, waves=(*WAVES[1:], T_WAVE, tall)))
    assert_same_beats(beats, peaks)


@pytest.mark.parametrize("width", [0.03, 0.045])
def test_a_tall_t_wave_is_no_beat(width):
    """As tall as the R wave; the narrow one has a fifth of its slope energy."""
    peaks = regular(75, 40)
    x = drawn(peaks, 360.0, 40, waves=(*WAVES, (0.32, 0.9, width)))
    assert_same_beats(told(x)[0], peaks)


def test_wide_and_inverted_ectopic_beats_are_beats():
    peaks = regular(70, 60)
    x = drawn(np.delete(peaks, np.s_[5::6]), 360.0, 60)
    ectopic = peaks[5::6]
    x += drawn(ectopic, 360.0, 60, waves=((0, -1.4, 0.035), (0.3, 0.5, 0.06)), noise=0)
    assert_same_beats(told(x)[0], peaks, within_s=0.02)


def test_a_wide_beat_lies_at_its_peak_and_not_at_its_corner():
    """A notched plateau bends most where it falls off, 60 ms after its highest point."""
    peaks = regular(70, 60)
    x = drawn(np.delete(peaks, np.s_[5::6]), 360.0, 60)
    ectopic = peaks[5::6]
    x += drawn(ectopic, 360.0, 60, waves=((0, 1.3, 0.025), (0.055, 0.9, 0.018)), noise=0)
    assert_same_beats(told(x)[0], peaks, within_s=0.008)


@pytest.mark.parametrize("seed", range(3))
def test_muscle_noise_makes_no_beats_and_hides_none(seed):
    """A fifth of the R peak: eight or more of its peaks exceed a tenth of the beats' energy."""
    peaks = regular(70, 60, seed)
    x = drawn(peaks, 360.0, 60, noise=0.2, seed=seed)

    def early(stage):
        _, out = stage.step(stage.start(), chunk(x))
        return [b.t_s for b in out if isinstance(b, Beat) and b.t_s < 50]

    due = peaks[peaks < 50]
    assert len(due) <= len(early(SIGNAL)) <= len(due) + 1
    assert all(np.min(np.abs(np.array(early(SIGNAL)) - t)) < 0.03 for t in due)
    assert len(early(EcgBeats(QrsFinder(over_noise=0.0)))) >= len(due) + 8


@pytest.mark.parametrize(
    "trouble",
    [
        lambda t: 1.0 * np.sin(2 * np.pi * 0.25 * t),
        lambda t: 0.5 * np.sin(2 * np.pi * 0.7 * t),
        lambda t: 0.05 * np.sin(2 * np.pi * 50 * t),
        lambda t: 0.05 * np.sin(2 * np.pi * 60 * t),
    ],
    ids=["breath", "motion", "50 Hz", "60 Hz"],
)
@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0])
def test_wander_and_hum_move_no_beat(fs, trouble):
    """Metamorphic: the same beats, within 2 ms (root mean square) of where they were."""
    x, t = drawn(regular(80, 40), fs, 40), np.arange(round(40 * fs)) / fs
    clean, other = times(told(x, fs)[0]), times(told(x + trouble(t), fs)[0])
    assert len(clean) == len(other) > 40
    assert np.sqrt(np.mean((clean - other) ** 2)) < 0.002


@pytest.mark.parametrize(("fs", "to"), [(360.0, 180.0), (500.0, 125.0), (1000.0, 250.0)])
def test_a_recording_resampled_has_the_same_beats(fs, to):
    x = drawn(regular(80, 40), fs, 40)
    fine, coarse = times(told(x, fs)[0]), times(told(x[:: round(fs / to)], to)[0])
    assert len(fine) == len(coarse) > 40
    assert np.max(np.abs(fine - coarse)) < 0.001


@pytest.mark.parametrize("fs", [0.5, 1.0, 5.0, 20.0, 50.0])
def test_a_stream_too_slow_for_an_ecg_is_no_error(fs):
    told(np.random.default_rng(0).standard_normal(round(200 * fs)), fs)


def test_a_weak_beat_is_found_by_looking_again_where_one_is_missing():
    peaks = regular(75, 60)
    sizes = np.ones(len(peaks))
    sizes[30] = 0.25
    x = drawn(peaks, 360.0, 60, sizes=sizes)
    assert_same_beats(told(x)[0], peaks)
    once = EcgBeats(QrsFinder(missed=float("inf")))
    _, out = once.step(once.start(), chunk(x))
    assert peaks[30] < 50
    assert not any(abs(b.t_s - peaks[30]) < 0.1 for b in out if isinstance(b, Beat))


@pytest.mark.parametrize("pause_s", [2.0, 3.0, 5.0, 12.0])
def test_a_pause_stays_empty_and_is_believed(pause_s):
    before, after = regular(70, 45), regular(70, 45, seed=1)
    peaks = np.concatenate((before, before[-1] + pause_s + after - after[0]))
    beats, _ = told(drawn(peaks, 360.0, peaks[-1] + 1, noise=0.02))
    assert_same_beats(beats, peaks)
    long = [b for b in beats if b.rr_s is not None and b.rr_s > pause_s - 0.01]
    assert len(long) == 1
    assert long[0].good or pause_s > 10  # a block without any beat can be asystole or a lost lead


@pytest.mark.parametrize("seed", range(4))
def test_beats_are_never_closer_than_the_refractory_time(seed):
    """Without the rule, each of these holds two or more pairs that are."""
    beats, _ = told(np.random.default_rng(seed).standard_normal(360 * 200))
    assert len(beats) > 300
    assert np.diff(times(beats)).min() >= SIGNAL.finder.refractory_s


def test_of_two_peaks_too_close_the_stronger_is_the_beat():
    t_s, energy = np.array([1.0, 1.15, 2.0, 2.15]), np.array([1.0, 2.0, 2.0, 1.0])
    kept = SIGNAL.finder._separate(t_s, energy, np.ones(4))
    assert kept.tolist() == [False, True, True, False]
    assert SIGNAL.finder._separate(t_s, np.ones(4), np.ones(4)).tolist() == [True, False] * 2


@pytest.mark.parametrize("size", ["energy", "steepness"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("gap_s", "energy", "steepness"),  # the least, of the other's, that a beat so near has
    [(0.21, 0.9, 0.6767), (0.25, 0.5, 0.5833), (0.29, 0.1, 0.49), (0.4, 0.0, 0.2333), (0.5, 0, 0)],
)
def test_what_is_near_a_beat_and_much_less_than_it_is_its_wave(
    size, first, gap_s, energy, steepness
):
    """P as well as T: neither limit has an edge, and beyond half a second there is none."""
    least = energy if size == "energy" else steepness
    for share, kept in ((least + 0.001, True), (least - 0.001, False)):
        if share > 0:
            other, whole = np.array([share, 1.0]), np.ones(2)
            other = other if first else other[::-1]
            sizes = (other, whole) if size == "energy" else (whole, other)
            got = SIGNAL.finder._separate(np.array([1.0, 1.0 + gap_s]), *sizes)
            assert got.tolist() == ([kept, True] if first else [True, kept])


def test_a_wave_between_a_beat_and_another_wave_does_not_shield_it():
    """0.18 is steep enough beside 0.25 at 0.21 s (0.169), not beside 1.0 at 0.42 s (0.187)."""
    t_s, steep = np.array([1.0, 1.21, 1.42]), np.array([0.18, 0.25, 1.0])
    kept = SIGNAL.finder._separate(t_s, np.ones(3), steep)
    assert kept.tolist() == [False, False, True]
    back = SIGNAL.finder._separate(t_s, np.ones(3), steep[::-1])
    assert back.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("since_s", "until_s", "kept"),
    [
        (0.19, 1.8, False),
        (0.21, 1.8, True),
        (1.0, 1.0, True),
        (1.8, 0.21, True),
        (1.8, 0.19, False),
    ],
)
def test_looking_again_keeps_the_refractory_time_to_both_sides(since_s, until_s, kept):
    """A gap of 2 s in a rhythm of 0.8 s; the weak peak is as steep as the beats."""
    beats_s = np.append(np.arange(9) * 0.8, 6.4 + since_s + until_s)
    one = np.ones(1)
    got = SIGNAL.finder._overlooked(beats_s, np.ones(2), one * (6.4 + since_s), one, one)
    assert got.tolist() == [kept]


@pytest.mark.parametrize("gap_s", [1.32, 1.34])
def test_a_gap_is_looked_at_again_from_1_66_usual_intervals_on(gap_s):
    beats_s = np.append(np.arange(9) * 0.8, 6.4 + gap_s)
    one = np.ones(1)
    got = SIGNAL.finder._overlooked(beats_s, np.ones(2), one * (6.4 + gap_s / 2), one, one)
    assert got.tolist() == [gap_s > 1.66 * 0.8]


@pytest.mark.parametrize(("quality", "good"), [(GOOD, True), (np.nextafter(GOOD, 0), False)])
def test_a_beat_at_the_limit_is_good(monkeypatch, quality, good):
    def judged(beats, rest, first, n, due):
        return np.zeros(n), np.full(beats.shape[1], quality)

    monkeypatch.setattr(ecg, "ecg_quality", judged)
    beats, _ = told(drawn(regular(70, 20), 360.0, 20))
    assert {beat.good for beat in beats} == {good}


def test_the_noise_of_a_lead_off_the_skin_is_no_beat():
    noise = 0.005 * np.random.default_rng(0).standard_normal(360 * 60)
    beats, qualities = told(noise)
    assert beats == []
    assert all(q.value == 0.0 for q in qualities)


@pytest.mark.parametrize("level", [0.0, 0.3, -5.0])
def test_a_flat_line_holds_no_beat_and_has_no_quality(level):
    beats, qualities = told(np.full(360 * 60, level))
    assert beats == []
    assert [q.value for q in qualities] == [0.0] * 6


def test_a_flat_stretch_is_no_pause():
    """The interval across a second without any signal is not told."""
    peaks = regular(70, 60)
    x = drawn(peaks, 360.0, 60)
    x[25 * 360 : 29 * 360] = x[25 * 360]
    beats, qualities = told(x)
    after = next(b for b in beats if b.t_s > 29)
    assert after.rr_s is None
    assert all(b.rr_s is None or b.rr_s < 1.5 for b in beats)
    assert qualities[2].value < 0.5 <= qualities[0].value


def test_a_clipped_signal_is_of_low_quality():
    x = drawn(regular(70, 40), 360.0, 40)
    assert all(q.value < 0.5 for q in told(np.clip(x, -0.2, 0.2))[1])


def test_motion_of_an_electrode_is_of_low_quality():
    """Noise of the beats' own size and speed: made of steps and swings at 1 to 10 Hz."""
    rng = np.random.default_rng(5)
    x = drawn(regular(70, 40), 360.0, 40)
    swings = np.convolve(rng.standard_normal(40 * 360 + 35), np.hanning(36), "valid")
    _, qualities = told(x + 1.5 * swings / swings.std())
    assert all(q.value < 0.5 for q in qualities)
    assert not any(b.good for b in told(x + 1.5 * swings / swings.std())[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300, 2000.0])
def test_what_was_not_read_ends_the_evidence(bad):
    peaks = regular(70, 60)
    x = drawn(peaks, 360.0, 60)
    x[30 * 360 : 34 * 360] = bad
    beats, qualities = told(x)
    assert not any(30 <= b.t_s < 34 for b in beats)
    assert next(b for b in beats if b.t_s > 34).rr_s is None
    assert sum(b.rr_s is None for b in beats) == 2
    assert len(qualities) == 6
    assert qualities[3].value < 0.5


def test_a_lead_that_is_never_read_is_told_as_no_quality():
    beats, qualities = told(np.full(360 * 30, np.nan))
    assert beats == []
    assert [(q.t_s, q.value) for q in qualities] == [(10.0, 0.0), (20.0, 0.0), (30.0, 0.0)]


def test_a_gap_ends_the_evidence_and_has_no_quality_of_its_own():
    peaks = regular(70, 120)
    x = drawn(peaks, 360.0, 120)
    cut, back = 34 * 360, 71 * 360
    beats, qualities = [], []
    for o in run([chunk(x[:cut]), chunk(x[back:], back), chunk([np.nan], 200 * 360)])[1]:
        (beats if isinstance(o, Beat) else qualities).append(o)
    assert not any(34 <= b.t_s < 71 for b in beats)
    assert [b.rr_s is None for b in beats if b.t_s > 71][:2] == [True, False]
    assert [q.t_s for q in qualities] == [10, 20, 30, 40, 80, 90, 100, 110, 120]
    assert qualities[3].value < 0.5


def test_another_clock_or_rate_begins_anew():
    peaks = regular(70, 30)
    x, y = drawn(peaks, 360.0, 30), drawn(peaks, 250.0, 30)
    chunks = [chunk(x), chunk(y, fs=250.0, epoch_s=100.0), chunk(x, epoch_s=200.0)]
    _, out = run([*chunks, chunk([np.nan], 90 * 360, epoch_s=200.0)])
    beats = [b for b in out if isinstance(b, Beat)]
    assert_same_beats(beats, np.concatenate((peaks, peaks + 100, peaks + 200)))
    assert sum(b.rr_s is None for b in beats) == 3
    assert [q.t_s for q in out if isinstance(q, Vital)] == [
        t + e for e in (0, 100, 200) for t in (10, 20, 30)
    ]


def test_a_stream_that_steps_back_begins_anew():
    x = drawn(regular(70, 30), 360.0, 30)
    state, _ = run([chunk(x), chunk(x)])
    assert freeze(state) == freeze(run([chunk(x)])[0])


@lru_cache
def troubled(fs):
    """Return stretches (start, values) of 75 s that hold all that can go wrong."""
    rng, at = np.random.default_rng(11), lambda *seconds: slice(*(round(s * fs) for s in seconds))
    runs = np.arange(0.71, 27, 0.8), [27.7, 29.9], np.arange(31.9, 60, 0.7), np.arange(62, 74, 0.7)
    peaks = np.concatenate(runs)
    sizes = np.ones(len(peaks))
    sizes[[25, 50]] = 0.25  # the first beat of a block, and one in its midst
    x = drawn(peaks, fs, 75, sizes=sizes, noise=0.02)
    x += drawn([30.23, 60.23], fs, 75, waves=((0, 0.9, 0.03),), sizes=[1, 0.75], noise=0)
    x[at(10.4, 12)] = np.nan
    x[round(22.4 * fs)] = np.inf
    x[at(24, 26.4)] = 0.25
    x[at(55, 58)] += np.cumsum(rng.standard_normal(len(x[at(55, 58)]))) * 0.3
    x = np.clip(x, -3, 3)
    return (
        (37, x[37 : at(0, 46).stop]),
        (first := at(0, 50).stop + 1, x[first : at(0, 53).stop]),
        (
            last := at(0, 53.3).stop,
            x[last:],
        ),
    )


@lru_cache
def slow(fs):
    """Return 26 beats a minute, a wave that is none, and a pause that shows it is none.

    The wave lies at the end of a block, so that the pause is longer than what is known.
    """
    peaks = np.append(np.arange(1.98, 29.6, 2.3), np.arange(33.1, 59, 2.3))
    x = drawn(peaks, fs, 60) + drawn([29.98, 59.5], fs, 60, sizes=[0.25, 0.0], noise=0)
    return ((0, x),)


STREAMS = {"troubled": troubled, "slow": slow}
streams = pytest.mark.parametrize(
    ("name", "fs"), [("troubled", 125.0), ("troubled", 250.0), ("slow", 125.0)]
)


def pieces(name, fs, cuts):
    """Return the stretches of a stream as chunks, cut at the samples `cuts` of each."""
    out = []
    for start, values in STREAMS[name](fs):
        edges = [0, *sorted({c for c in cuts if 0 < c < len(values)}), len(values)]
        for a, b in pairwise(edges):
            out.append(chunk(values[a:b], start + a, fs))
    return out


def same(a, b):
    return freeze(a[0]) == freeze(b[0]) and a[1] == b[1]


@lru_cache
def whole(name, fs):
    return run(pieces(name, fs, []))


@streams
def test_what_the_streams_hold_is_worth_comparing(name, fs):
    state, out = whole(name, fs)
    beats = [x for x in out if isinstance(x, Beat)]
    if name == "slow":
        assert not any(29.7 < b.t_s < 33 for b in beats)
        assert sum(b.t_s < 50 for b in beats) == 21
    else:
        assert len(beats) > 55
        assert any(b.good for b in beats) and not all(b.good for b in beats)
        assert sum(b.rr_s is None for b in beats) >= 5
        assert state.search.found.size


@streams
@given(cuts=st.lists(st.integers(1, 12_000), max_size=30))
def test_how_the_stream_is_cut_does_not_show(name, fs, cuts):
    assert same(run(pieces(name, fs, cuts)), whole(name, fs))


@streams
@pytest.mark.parametrize("length", [1, 7, 125, 1249, 1251])
def test_chunks_of_any_one_length_give_the_same(name, fs, length):
    assert same(run(pieces(name, fs, range(0, 20_000, length))), whole(name, fs))


@streams
@given(cuts=st.lists(st.integers(1, 12_000), min_size=1, max_size=12), at=st.integers(0, 40))
def test_a_restart_does_not_show(name, fs, cuts, at):
    chunks = pieces(name, fs, cuts)
    at %= len(chunks)
    state, before = run(chunks[:at])
    end, after = run(chunks[at:], thaw(SIGNAL, freeze(state)))
    assert same((end, before + after), whole(name, fs))


def test_a_recording_in_one_chunk_gives_what_its_seconds_give():
    """Longer than the pieces it is worked on in."""
    x = drawn(regular(75, 300), 500.0, 300)
    assert len(x) > 2 * (1 << 16)
    seconds = [chunk(x[i : i + 500], i, 500.0) for i in range(0, len(x), 500)]
    assert same(run([chunk(x, fs=500.0)]), run(seconds))


def test_a_step_changes_neither_its_state_nor_its_input():
    chunks = pieces("troubled", 125.0, range(0, 9000, 300))
    state, _ = run(chunks[:9])
    frozen, values = freeze(state), chunks[9].values.copy()
    first, second = SIGNAL.step(state, chunks[9]), SIGNAL.step(state, chunks[9])
    assert freeze(state) == frozen
    np.testing.assert_array_equal(chunks[9].values, values)
    assert freeze(first[0]) == freeze(second[0]) and first[1] == second[1]


def test_the_state_holds_no_view_of_the_input():
    x = drawn(regular(70, 20), 360.0, 20)
    state, _ = SIGNAL.step(SIGNAL.start(), chunk(x))
    frozen = freeze(state)
    x[:] = 0
    assert freeze(state) == frozen
    assert state.search.raw.base is None
    few = np.ones(5)
    state, _ = SIGNAL.step(SIGNAL.start(), Chunk("chest/ecg", "ecg", 0.0, 360.0, 0, few))
    few[:] = 2
    assert state.search.raw.tolist() == [1.0] * 5


@pytest.mark.parametrize(("fs", "limit"), [(125.0, 12), (360.0, 13), (1000.0, 15)])
def test_the_state_is_bounded(fs, limit):
    """Noise has the most candidates there can be."""
    noise, state = np.random.default_rng(0).standard_normal(round(90 * fs)), SIGNAL.start()
    for start in range(0, len(noise), round(fs)):
        state, _ = SIGNAL.step(state, chunk(noise[start : start + round(fs)], start, fs))
        assert len(freeze(state)) < limit * 1024


@pytest.mark.parametrize("fs", [100.0, 250.0, 360.0])
def test_outputs_come_in_order_and_in_time(fs):
    x, state, newest = drawn(regular(70, 90), fs, 90), SIGNAL.start(), -1.0
    for start in range(0, len(x), 50):
        state, out = SIGNAL.step(state, chunk(x[start : start + 50], start, fs))
        for o in out:
            assert o.t_s >= newest
            assert (start + 50) / fs - o.t_s < SIGNAL.latency_s
            newest = o.t_s
    assert newest >= 90 - SIGNAL.latency_s - 1


def test_times_are_those_of_the_stream_s_clock():
    x = drawn(regular(70, 30), 360.0, 30)
    here, there = chunk(x), chunk(x, 36_000_000, epoch_s=1.7e9)
    a, b = (
        [o for o in run([c, replace(c, start=c.start + 36_000, values=np.array([np.nan]))])[1]]
        for c in (here, there)
    )
    assert len(a) == len(b)
    np.testing.assert_allclose([o.t_s for o in b], [o.t_s + 1.7e9 + 1e5 for o in a], atol=1e-5)


def test_parameters_can_be_replaced_and_are_kept_apart():
    """A stage of other parameters works on another grid; nothing is shared but code."""
    x = drawn(regular(70, 30), 360.0, 30)
    slow = EcgBeats(QrsFinder(refractory_s=0.4))
    state, _ = slow.step(slow.start(), chunk(x))
    assert isinstance(state, State)
    assert freeze(state) != freeze(run([chunk(x)])[0])


class Rises:
    """Measures by how much the signal rises in the 0.2 s before and after a candidate."""

    rows = 2

    def __call__(self, raw, places, fs):
        far = round(0.2 * fs)
        return np.stack((raw[places] - raw[places - far], raw[places] - raw[places + far]))


@pytest.mark.parametrize("length", [1, 100, 40 * 360])
def test_what_is_measured_of_a_shape_comes_with_its_beat(length):
    finder, peaks = QrsFinder(measure=Rises()), regular(70, 40)
    x = drawn(peaks, 360.0, 40)
    state = finder.begun(360.0, 0)
    for at in range(0, len(x), length):
        state = finder.scanned(state, x[at : at + length])
    _, held = finder.handed(finder.closed(state, len(x)), 4)
    place = np.round(held.beats[0] * 360).astype(int)
    assert held.beats.shape == (ROWS + 3, len(peaks))
    np.testing.assert_allclose(held.beats[ROWS], x[place] - x[place - 72], atol=0.05)
    np.testing.assert_allclose(held.beats[ROWS + 1], x[place] - x[place + 72], atol=0.05)


def test_a_day_of_ecg_is_no_burden():
    """No loop over samples: a minute costs less than a thousandth of a minute, by far."""
    x, calls = drawn(regular(75, 60), 360.0, 60), 0

    def count(frame, event, arg):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        told(x)
    finally:
        sys.setprofile(None)
    assert calls < 5000
