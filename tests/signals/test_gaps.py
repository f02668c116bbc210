"""Long intervals: those that may hide a beat are not told, and a pause is."""

import numpy as np
import pytest

from healthslm.detect import detectors
from healthslm.pipeline import Pipeline
from healthslm.records import Beat, Finding
from healthslm.signals import qrs
from healthslm.signals.ecg import SIGNAL
from healthslm.signals.gaps import REACH, USUAL, inside, lost
from healthslm.signals.levels import MEMORY
from healthslm.signals.quality import GOOD
from healthslm.signals.slopes import HELD_HIGH, HELD_LOW, HIGH, LOW, PER_SECOND
from tests.signals.test_ecg import WAVES, chunk, drawn, run, same, told

FS = 250.0
EVEN = np.arange(0.6, 70, 0.8)


def with_a_pause(pause_s, at_s=32.0):
    """Return R peaks of a steady rhythm that pauses after `at_s`."""
    before = EVEN[at_s >= EVEN]
    return np.concatenate((before, np.arange(before[-1] + pause_s, 70, 0.8))), before[-1]


def after(beats, t_s):
    """Return the first beat after a moment."""
    return next(b for b in beats if b.t_s > t_s + 0.1)


def small(peaks, x, t_s, size, since_s, width=0.011):
    """Return `x` with one deflection more, `since_s` after the beat at `t_s`."""
    return x + drawn([t_s + since_s, 69.9], FS, 70, waves=((0, size, width),), noise=0)


@pytest.mark.parametrize("share", [1.15, 1.0])
@pytest.mark.parametrize("size", [0.2, 0.28])
def test_a_small_beat_in_a_gap_leaves_it_unknown(share, size):
    """Shorter than what is looked at again (1.66), and 1.5 s and more: no slow beat."""
    usual, rr = 1.2, 1.2 * 1.5 * share if share < 1.1 else 1.2 * 1.6
    peaks = np.concatenate((np.arange(0.6, 33, usual), np.arange(31.8 + rr, 69, usual)))
    x = drawn(peaks, FS, 70)
    clean, beats = (told(y, FS)[0] for y in (x, small(peaks, x, 31.8, size, 0.62)))
    assert after(clean, 31.8).rr_s == pytest.approx(rr, abs=0.005)
    assert after(beats, 31.8).rr_s is None
    assert len(beats) == len(clean)
    assert sum(b.rr_s is None for b in beats) == 2  # and the first of all


@pytest.mark.parametrize(
    ("since_s", "known"), [(0.25, True), (0.3, True), (0.62, False), (1.6, True)]
)
def test_a_wave_of_the_beat_before_or_after_hides_nothing(since_s, known):
    """The same deflection is a T wave or a P wave where it is near to a beat."""
    peaks = np.concatenate((np.arange(0.6, 33, 1.2), np.arange(31.8 + 1.9, 69, 1.2)))
    x = small(peaks, drawn(peaks, FS, 70, waves=WAVES), 31.8, 0.24, since_s)
    assert (after(told(x, FS)[0], 31.8).rr_s is not None) == known


def test_an_interval_that_is_not_long_is_not_doubted():
    peaks = np.concatenate((np.arange(0.6, 33, 0.9), np.arange(32.1 + 1.3, 69, 0.9)))
    x = small(peaks, drawn(peaks, FS, 70), 32.1, 0.24, 0.62)
    assert after(told(x, FS)[0], 32.1).rr_s == pytest.approx(1.3, abs=0.005)


@pytest.mark.parametrize("pause_s", [2.1, 3.4, 5.0])
@pytest.mark.parametrize("at_s", [24.0, 27.5, 29.5, 32.0])
def test_a_pause_with_p_waves_alone_is_a_pause(pause_s, at_s):
    """Atria beat on, breathing moves the baseline: both are no doubt."""
    peaks, last = with_a_pause(pause_s, at_s)
    x, t = drawn(peaks, FS, 70, noise=0.015), np.arange(round(70 * FS)) / FS
    x += 0.3 * np.sin(2 * np.pi * 0.25 * t)
    p_s = np.arange(last + 0.63, last + pause_s - 0.3, 0.8)
    x += drawn(np.append(p_s, 69.9), FS, 70, waves=((0, 0.15, 0.025),), noise=0)
    beats, qualities = told(x, FS)
    beat = after(beats, last)
    assert beat.rr_s == pytest.approx(pause_s, abs=0.005)
    assert beat.good
    assert all(q.value > 0.8 for q in qualities)


def stepped(size=3.0, lost_s=5.0, at_s=32.15, tau_s=1.2, attenuated=0.02):
    """Return a lead that steps, comes back slowly, and shows small complexes meanwhile."""
    t = np.arange(round(70 * FS)) / FS
    sizes = np.where((at_s < EVEN) & (at_s + lost_s > EVEN), attenuated, 1.0)
    since = t - at_s
    rise = np.clip(since / 0.25, 0, 1) * np.exp(-np.maximum(since, 0) / tau_s)
    return drawn(EVEN, FS, 70, sizes=sizes, noise=0.002) + size * rise


def found(x, kind):
    line = Pipeline({"ecg": SIGNAL}, {kind: detectors()[kind]})
    out = line.feed(chunk(x, fs=FS)) + line.feed(chunk([np.nan], 100_000, FS))
    return [f for f in out if isinstance(f, Finding) and f.kind == kind]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("at_s", [32.15, 28.15])
def test_a_lead_that_stepped_leaves_the_interval_unknown_and_is_poor(sign, at_s):
    """The gap begins in one block and ends in the same or the next one."""
    beats, qualities = told(sign * stepped(at_s=at_s), FS)
    beat = after(beats, at_s)
    assert beat.t_s - at_s > 4.0
    assert beat.rr_s is None
    poor = [q.t_s for q in qualities[:6] if q.value < GOOD]
    assert poor == [40.0]
    assert found(sign * stepped(at_s=at_s), "pause") == []
    assert all(b.good for b in beats if b.t_s < at_s - 2)


def test_a_lead_that_stepped_less_than_it_spans_still_has_pauses():
    """A second spans 1.2 mV here."""
    for size, known in ((0.6, True), (2.5, False)):
        beats, _ = told(stepped(size=size, attenuated=0.0), FS)
        assert (after(beats, 32.15).rr_s is not None) == known


def test_a_step_and_no_beat_missed_changes_nothing():
    x = stepped(attenuated=1.0)
    beats, _ = told(x, FS)
    assert sum(b.rr_s is None for b in beats) == 1
    assert len(beats) == len(EVEN)


def at_an_edge():
    """Return a step after the last beat of a block, in its second: then 1.7 s without a beat."""
    peaks = np.concatenate((np.arange(0.4, 29.3, 0.8), np.arange(30.9, 70, 0.8)))
    t = np.arange(round(70 * FS)) / FS
    rise = np.sin(np.pi / 2 * np.clip((t - 29.35) / 0.6, 0, 1)) ** 2
    rise *= np.exp(-np.maximum(t - 29.95, 0) / 1.5)
    return drawn(peaks, FS, 70, noise=0.002) + 3 * rise


def forgotten():
    """Return 35 beats a minute, and a suspect 2 s before the next beat, which ends in a block."""
    peaks = np.concatenate((np.arange(0.3, 27.6, 1.7), np.arange(30.2, 69, 1.7)))
    return small(peaks, drawn(peaks, FS, 70), 27.5, 0.24, 0.65)


STREAMS = {
    "stepped": stepped(),
    "over a block": stepped(at_s=27.9),
    "long": stepped(at_s=26.1, lost_s=19.0),
    "edge": at_an_edge(),
    "forgotten": forgotten(),
}


def seen(x):
    """Return the beats of a stream that comes second by second."""
    _, out = run([chunk(x[i : i + 250], i, FS) for i in range(0, len(x), 250)])
    return [b for b in out if isinstance(b, Beat)]


@pytest.mark.parametrize(("x", "t_s"), [(at_an_edge(), 29.2), (forgotten(), 27.5)])
def test_what_was_seen_in_the_block_before_still_counts(x, t_s):
    for beats in (seen(x), told(x, FS)[0]):
        assert after(beats, t_s).rr_s is None
        assert sum(b.rr_s is None for b in beats) == 2


def test_a_t_wave_in_the_next_block_is_still_a_t_wave():
    peaks = np.arange(29.78 - 17 * 1.7, 69, 1.7)
    beats = seen(drawn(peaks, FS, 70, waves=(*WAVES, (0.3, 0.3, 0.014))))
    assert all(b.rr_s is not None for b in beats[1:])
    assert any(29.7 < b.t_s < 29.85 for b in beats)


@pytest.mark.parametrize(("rr", "known"), [(0.87, True), (0.95, False)])
def test_what_is_long_depends_on_the_rhythm(rr, known):
    """One and a half usual intervals are 0.9 s here."""
    peaks = np.concatenate((np.arange(0.6, 32, 0.6), np.arange(31.8 + rr, 69, 0.6)))
    x = small(peaks, drawn(peaks, FS, 70, waves=WAVES), 31.8, 0.3, 0.5)
    assert (after(told(x, FS)[0], 31.8).rr_s is not None) == known


def test_the_usual_interval_is_of_the_eight_before():
    strong_s = np.array([0, 1, 2, 3, 4, 5, 7, 9, 11, 13.0])
    usual = qrs._usual(strong_s, np.array([10.9, 11, 12, 13]))
    np.testing.assert_array_equal(usual, [np.nan, 1, 1, 2])


def test_a_lead_that_ends_after_a_step_is_poor():
    _, qualities = told(stepped()[: round(40.4 * FS)], FS)
    assert [q.value < GOOD for q in qualities[:4]] == [False] * 3 + [True]


def test_a_second_knows_how_high_and_low_its_signal_was_and_for_how_long():
    t = np.arange(round(20 * FS)) / FS
    x = (
        2.0 * ((t > 5.1) & (t < 5.9))
        + 3.0 * ((t > 8.5) & (t < 8.55))
        - 4.0 * (abs(t - 10.95) < 0.2)
    )
    rows = SIGNAL.finder.scanned(SIGNAL.finder.begun(FS, 0), x).seconds[:, MEMORY + 2 :]
    for row, due in (
        (HIGH, {5: 2, 8: 3}),
        (LOW, {10: -4, 11: -4}),
        (HELD_HIGH, {5: 2}),
        (HELD_LOW, {10: -4}),
    ):
        got = {i: v for i, v in enumerate(rows[row, :18].tolist()) if abs(v) > 0.5}
        assert got == pytest.approx(due)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("length", [31, 250, 1249, 2500, 5001])
def test_how_the_stream_is_cut_does_not_show(name, length):
    x = STREAMS[name]
    pieces = [chunk(x[i : i + length], i, FS) for i in range(0, len(x), length)]
    assert same(run([chunk(x, fs=FS)]), run(pieces))


def test_a_suspect_seen_a_block_before_the_next_beat_still_counts():
    """Peaks are kept for a second and a half only: what they meant is kept."""
    peaks, last = with_a_pause(5.0, 25.0)
    x = drawn(peaks, FS, 70)
    assert after(told(x, FS)[0], last).rr_s == pytest.approx(5.0, abs=0.005)
    t_s, mv = np.array([last]), np.array([1.0])
    held = SIGNAL.finder._suspects(t_s, mv, np.array([last + 3.0]), np.array([0.3]), 30.0)
    assert held.tolist() == [last + 3.0 < 28.0]


@pytest.mark.parametrize(
    ("t_s", "steep", "held"),
    [
        (10.19, 1.0, False),  # refractory
        (10.21, 1.0, True),
        (11.81, 1.4, False),
        (11.79, 1.4, True),
        (10.4, 0.2333 - 0.001, False),  # T
        (10.4, 0.2333 + 0.001, True),
        (11.6, 0.4667 - 0.001, False),  # P, of a beat twice as steep
        (11.6, 0.4667 + 0.001, True),
        (11.0, 0.01, True),
        (9.5, 1.0, False),  # before what is known
        (12.5, 1.0, False),  # at hand when the next beat is known
        (12.7, 1.0, False),
    ],
)
def test_a_suspect_is_no_wave_and_not_too_close(t_s, steep, held):
    beats_s, mv = np.array([np.nan, 10.0, 12.0]), np.array([np.nan, 1.0, 2.0])
    got = SIGNAL.finder._suspects(beats_s, mv, np.array([t_s]), np.array([steep]), 14.0)
    assert got.tolist() == [False, held, False]


def test_a_suspect_after_the_last_beat_counts_when_it_is_about_to_be_forgotten():
    beats_s, mv = np.array([10.0]), np.ones(1)
    for end_s, held in ((12.4, False), (12.6, True)):
        got = SIGNAL.finder._suspects(beats_s, mv, np.array([11.0]), np.ones(1), end_s)
        assert got.tolist() == [held]


def test_inside_says_where_a_moment_is():
    before, since, until = inside(np.array([0.5, 1.5, 3.0]), np.array([np.nan, 1.0, 2.0]))
    assert before.tolist() == [-1, 1, 2]
    assert since[1:].tolist() == [0.5, 1.0]
    assert until.tolist() == [0.5, 0.5, np.inf]


def seconds(n, span=1.0, **at):
    """Return `n` seconds that span 1 mV, of which a fifth of a second holds half of it."""
    rows = np.zeros((PER_SECOND, n))
    rows[HIGH], rows[LOW], rows[HELD_HIGH] = span, 0.0, span / 2
    return rows


@pytest.mark.parametrize(("high", "hidden"), [(1.0, False), (1.001, True)])
@pytest.mark.parametrize("second", [30, 32])
def test_a_step_is_what_exceeds_the_usual_span(high, hidden, second):
    rows = seconds(40)
    rows[HELD_HIGH, second] = high
    got, lost_s = lost(rows, 0, 30, 40, np.array([30.5, 33.5]), np.array([True]), 1.0)
    assert got.tolist() == [hidden, False]
    assert lost_s.tolist() == ([s for s in (31, 32) if s >= second] if hidden else [])


def test_what_comes_with_the_next_beat_is_no_step():
    rows = seconds(40)
    rows[HELD_LOW, 33] = -5.0
    got, _ = lost(rows, 0, 30, 34, np.array([30.5, 33.5]), np.array([True]), 1.0)
    assert not got[0]


def test_only_long_intervals_and_the_open_one_are_asked():
    rows = seconds(40)
    rows[HELD_HIGH, 30] = 5.0
    beats_s = np.array([30.5, 31.4])
    for long in (False, True):
        got, lost_s = lost(rows, 0, 30, 32, beats_s, np.array([long]), 1.0)
        assert got.tolist() == [long, False]
        assert lost_s.size == 0


def test_seconds_are_told_once_and_as_far_as_they_are_looked_at():
    rows = seconds(70)
    rows[HELD_HIGH, 30:] = 5.0
    rows[HELD_LOW, 30] = 0.0
    parts = []
    _, all_s = lost(rows, 0, 30, 70, np.array([30.5]), np.empty(0, bool), 1.0)
    for begin in (30, 40, 50, 60):
        first = begin - REACH - USUAL - 4
        _, some_s = lost(
            rows[:, max(0, first) : begin + 14],
            max(0, first),
            begin,
            begin + 10,
            np.array([30.5]),
            np.empty(0, bool),
            1.0,
        )
        parts += some_s.tolist()
    assert all_s.tolist() == parts == list(range(31, 30 + REACH))


def test_what_is_usual_is_of_the_eight_seconds_before():
    rows = seconds(40)
    rows[HIGH, [28, 29, 30, 31, 32]] = 5.0
    rows[HIGH, :22] = 5.0
    rows[HELD_HIGH, 31] = 2.0
    got, _ = lost(rows, 0, 30, 40, np.array([30.5, 33.5]), np.array([True]), 1.0)
    assert got[0]
    rows[HIGH, 27] = 5.0
    got, _ = lost(rows, 0, 30, 40, np.array([30.5, 33.5]), np.array([True]), 1.0)
    assert not got[0]
