"""Beats without a pattern."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.detect.irregular_rhythm import DETECTOR, LAST, WINDOW, Stretch
from healthslm.detect.irregularity import alike
from healthslm.records import Beat

T0 = 1_700_000_000.0


def beats(
    rr_s, t0_s: float = T0, *, first: float | None = None, bad=(), ventricular=()
) -> list[Beat]:
    """Return good beats with these intervals."""
    out, t_s = [Beat("beat", "chest/ecg", t0_s, first, good=True)], t0_s
    for i, rr in enumerate(rr_s):
        t_s += rr
        label = "V" if i in ventricular else ""
        out.append(Beat("beat", "chest/ecg", t_s, float(rr), i not in bad, label))
    return out


def irregular(n: int, mean_s: float = 0.75, seed: int = 1) -> np.ndarray:
    """Return intervals without memory, as wide as in atrial fibrillation (SD 20 %)."""
    return np.clip(np.random.default_rng(seed).normal(mean_s, 0.2 * mean_s, n), 0.3, 1.8)


def regular(n: int, seed: int = 2) -> np.ndarray:
    """Return a sinus rhythm that breathes."""
    rng = np.random.default_rng(seed)
    return 0.85 + 0.05 * np.sin(2 * np.pi * np.arange(n) / 5) + 0.01 * rng.standard_normal(n)


def ectopic(n: int, share: float, early: float = 0.6, seed: int = 3) -> tuple[np.ndarray, set[int]]:
    """Return a regular rhythm with early beats and their pauses at random, and which they are."""
    rng = np.random.default_rng(seed)
    rr = 0.8 + 0.01 * rng.standard_normal(n)
    at = [i for i in range(1, n - 2) if rng.random() < share]
    ventricular: set[int] = set()
    for i in at:
        if not {i - 1, i, i + 1} & ventricular:
            rr[i], rr[i + 1] = early * 0.8, (2 - early) * 0.8
            ventricular.add(i)
    return rr, ventricular


@given(
    rr_s=st.lists(st.floats(0.3, 2.0), min_size=40, max_size=80),
    bad=st.sets(st.integers(0, 80), max_size=6),
)
def test_the_counts_that_are_carried_along_are_those_of_the_window(rr_s, bad) -> None:
    state = DETECTOR.start()
    for x in beats(rr_s, bad=bad):
        state, _ = DETECTOR.step(state, x)
        assert (state.pairs, state.both) == alike(state.logs, state.joined)
        assert len(state.logs) == len(state.joined) == len(state.beats) <= WINDOW
        assert state.logs == tuple(log(rr) for _, rr in state.beats)


# ---- what is irregular -----------------------------------------------------------------------


def test_sinus_rhythm_is_not_irregular(told) -> None:
    assert told(DETECTOR, beats(regular(5000))) == []


def test_breathing_that_moves_the_heart_widely_is_not_irregular(told) -> None:
    """A young heart at rest: 0.7 to 1.2 s with every breath."""
    rng = np.random.default_rng(4)
    phase = np.cumsum(2 * np.pi / (4.5 + 0.3 * rng.standard_normal(3000)))
    assert (
        told(DETECTOR, beats(0.95 + 0.22 * np.sin(phase) + 0.02 * rng.standard_normal(3000))) == []
    )


def test_beats_in_a_pattern_are_not_irregular(told) -> None:
    """Bigeminy and trigeminy vary widely, and repeat."""
    noise = 0.02 * np.random.default_rng(6).standard_normal(1200)
    assert told(DETECTOR, beats(np.array([0.5, 1.1] * 600) + noise)) == []
    assert told(DETECTOR, beats(np.array([0.8, 0.5, 1.1] * 400) + noise)) == []


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.2, 0.3])
def test_early_beats_in_a_regular_rhythm_are_not_irregular(told, share) -> None:
    """At random, without a class: most intervals are alike."""
    assert told(DETECTOR, beats(ectopic(3000, share)[0])) == []


def test_ventricular_beats_are_no_evidence(told) -> None:
    """Couplings that vary are irregular as intervals, and not where the beats have a class."""
    rng = np.random.default_rng(8)
    rr, ventricular = ectopic(2000, 0.6)
    for i in ventricular:
        rr[i] = rng.uniform(0.35, 0.75)
        rr[i + 1] = rng.uniform(0.75, 1.5)
    assert told(DETECTOR, beats(rr)) != []
    assert told(DETECTOR, beats(rr, ventricular=ventricular)) == []


def test_ventricular_beats_do_not_hide_an_irregular_rhythm(told) -> None:
    rr = irregular(900)
    some = set(range(0, 900, 9))
    last = told(DETECTOR, beats(rr, ventricular=some) + beats(regular(90), T0 + rr.sum() + 1))[-1]
    assert last.t1_s - last.t0_s > 0.9 * rr.sum()


def test_other_classes_are_evidence(told) -> None:
    """In atrial fibrillation an early narrow beat is easily called supraventricular."""
    items = [replace(x, label="S") for x in beats(irregular(400))]
    assert told(DETECTOR, items)


@pytest.mark.parametrize("mean_s", [0.42, 0.55, 0.75, 1.0, 1.3])
@pytest.mark.parametrize("seed", range(3))
def test_beats_without_a_pattern_are_told_and_their_end(told, mean_s, seed) -> None:
    rr = np.concatenate((regular(300), irregular(400, mean_s, seed), regular(300)))
    items = beats(rr)
    found = told(DETECTOR, items)
    first, last = found[0], found[-1]
    assert (first.ongoing, last.ongoing) == (True, False)
    assert {f.key for f in found} == {first.key}
    assert {f.severity for f in found} == {"info"}
    assert abs(last.t0_s - items[300].t_s) < 20
    assert abs(last.t1_s - items[700].t_s) < 20
    evidence = dict(last.evidence)
    assert evidence["mean_bpm"] == pytest.approx(60 / np.mean(rr[300:700]), rel=0.05)
    assert evidence["beats"] == pytest.approx(400, abs=20)


@pytest.mark.parametrize("mean_s", [0.5, 0.6, 0.85, 1.0])
def test_the_edges_are_within_a_third_of_a_window(mean_s) -> None:
    """The median of 20 stretches, in a sinus rhythm of 70/min that breathes."""
    offsets = []
    for seed in range(20):
        parts = regular(60, seed), irregular(120, mean_s, seed), regular(120, seed + 99)
        items, state, found = beats(np.concatenate(parts)), DETECTOR.start(), []
        for x in items:
            state, new = DETECTOR.step(state, x)
            found += new
        if found:
            times = [x.t_s for x in items]
            edges = (found[-1].t0_s, found[-1].t1_s)
            offsets.append(np.searchsorted(times, edges) - (60, 180))
    assert len(offsets) >= 18
    assert np.abs(np.median(offsets, axis=0)).max() <= WINDOW / 3


def test_a_heart_that_breathes_and_stumbles_is_not_irregular(told) -> None:
    """Breathing spreads the intervals, early beats widen them: neither alone nor together."""
    rng = np.random.default_rng(9)
    for seed in range(5):
        rr, _ = ectopic(3000, 0.12, seed=seed)
        rr *= 1 + 0.06 * np.sin(2 * np.pi * np.arange(3000) / 4.7 + seed)
        rr += 0.01 * rng.standard_normal(3000)
        assert told(DETECTOR, beats(rr)) == []


@pytest.mark.parametrize(("clear", "n"), [(9, 0), (10, 1)])
def test_it_takes_as_many_clear_windows(clear, n) -> None:
    """The next one, which is clear, makes eleven."""
    state = DETECTOR.start()
    *before, last = beats(irregular(60))
    for x in before:
        state, _ = DETECTOR.step(state, x)
    pending = Stretch(T0, T0 + 1, 100.0, 200, clear)
    _, findings = DETECTOR.step(replace(state, stretch=pending), last)
    assert len(findings) == n


def test_a_slower_heart_has_to_vary_more() -> None:
    """As wide in proportion: told at 100/min and not at 60/min."""
    for mean_s, n in ((0.55, 1), (1.1, 0)):
        rr = mean_s * np.exp(0.135 * np.random.default_rng(2).standard_normal(200))
        state, clear = DETECTOR.start(), 0
        for x in beats(rr):
            state, _ = DETECTOR.step(state, x)
            clear += len(state.logs) == WINDOW and DETECTOR._irregular(state)[0]
        assert (clear > 50) == n


# ---- when it is told -------------------------------------------------------------------------


def firm(told, mean_s: float) -> tuple[float, float]:
    """Return seconds and beats of an irregular stretch when it is first told."""
    finding = told(DETECTOR, beats(irregular(600, mean_s)))[0]
    evidence = dict(finding.evidence)
    return 60 * evidence["beats"] / evidence["mean_bpm"], evidence["beats"]


def test_it_takes_thirty_seconds_and_sixty_beats(told) -> None:
    seconds, count = firm(told, 0.75)
    assert count == 60
    assert seconds >= 30
    seconds, count = firm(told, 0.42)
    assert 30 <= seconds < 31
    assert count > 60


@pytest.mark.parametrize(
    ("seconds", "count", "n"), [(29.99, 100, 0), (30.0, 100, 1), (45.0, 59, 0), (45.0, 60, 1)]
)
def test_each_limit_is_inclusive(seconds, count, n) -> None:
    """The next beat brings the stretch to so many seconds and beats."""
    state = DETECTOR.start()
    *before, last = beats(irregular(60))
    for x in before:
        state, _ = DETECTOR.step(state, x)
    (_, next_rr_s) = state.beats[LAST + 1]  # of the beat that the window then newly speaks for
    pending = Stretch(T0, T0 + 1, seconds - next_rr_s, count - 1, 50)
    _, findings = DETECTOR.step(replace(state, stretch=pending), last)
    assert [f.severity for f in findings] == ["info"] * n


@pytest.mark.parametrize(("seconds", "severity"), [(1799.99, None), (1800.0, "amber")])
def test_half_an_hour_is_amber_and_not_less(seconds, severity) -> None:
    state = DETECTOR.start()
    *before, last = beats(irregular(60))
    for x in before:
        state, _ = DETECTOR.step(state, x)
    (_, next_rr_s) = state.beats[LAST + 1]
    under_way = Stretch(T0, T0 + 1, seconds - next_rr_s, 2400, 80, told="info")
    _, findings = DETECTOR.step(replace(state, stretch=under_way), last)
    assert [f.severity for f in findings] == ([severity] if severity else [])


def test_half_an_hour_is_amber(told) -> None:
    findings = told(DETECTOR, beats(irregular(4000)))
    assert [f.severity for f in findings] == ["info", "amber"]
    assert findings[0].key == findings[1].key
    assert 1800 <= findings[1].t1_s - findings[1].t0_s < 1810


def test_a_few_regular_beats_do_not_end_it_and_more_do(told) -> None:
    for between, n in ((20, 1), (70, 2)):
        rr = np.concatenate((irregular(300), regular(between), irregular(300, seed=7), regular(90)))
        assert len({f.key for f in told(DETECTOR, beats(rr))}) == n


def test_regular_beats_in_between_count_once_it_goes_on(told) -> None:
    rr = np.concatenate((irregular(300), regular(20), irregular(300, seed=7), regular(90)))
    last = told(DETECTOR, beats(rr))[-1]
    evidence = dict(last.evidence)
    assert 60 * evidence["beats"] / evidence["mean_bpm"] == pytest.approx(last.t1_s - last.t0_s)


def test_a_minute_without_beats_ends_the_evidence(told) -> None:
    short = irregular(72)  # about 50 beats that are spoken for: too few alone
    first = beats(short)
    for pause_s, n in ((59.0, 1), (61.0, 0)):
        second = beats(irregular(72, seed=9), first[-1].t_s + pause_s)
        assert len(told(DETECTOR, first + second)) == n


def test_bad_beats_are_no_evidence(told) -> None:
    rr = irregular(400)
    assert told(DETECTOR, beats(rr, bad=range(0, 400, 2))) == []


def test_intervals_that_do_not_follow_each_other_are_too_little(told) -> None:
    """Every third beat is bad: one interval in three is left, and none follows another."""
    rr = irregular(2000)
    assert told(DETECTOR, beats(rr, bad=range(0, 2000, 3))) == []


@pytest.mark.parametrize(("joined", "judged"), [(15, False), (16, True)])
def test_half_of_a_window_has_to_follow(joined, judged) -> None:
    state = DETECTOR.start()
    for x in beats(irregular(60)):
        state, _ = DETECTOR.step(state, x)
    assert DETECTOR._irregular(state) == (True, True)
    state = replace(state, joined=(True,) * joined + (False,) * (WINDOW - joined))
    assert DETECTOR._irregular(state) == (judged, judged)


def test_a_regular_heart_with_every_fifth_beat_astray_is_not_irregular(told) -> None:
    """Early and late beats at random spread the intervals, and most of them do not vary."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        astray = rng.random(2000) < 0.18
        logs = np.where(astray, rng.uniform(-0.5, 0.5, 2000), 0.02 * rng.standard_normal(2000))
        assert told(DETECTOR, beats(0.6 * np.exp(logs))) == []


def test_a_gap_joins_nothing() -> None:
    """The first interval after a gap does not follow the one before it."""
    state = DETECTOR.start()
    first = beats(regular(40))
    second = beats(regular(3), first[-1].t_s + 5)
    for x in first + second[:2]:
        state, _ = DETECTOR.step(state, x)
    assert state.joined[-2:] == (True, False)
    state, _ = DETECTOR.step(state, second[2])
    assert state.joined[-2:] == (False, True)


def test_healthy_people_have_next_to_none(told, data_dir) -> None:
    """A night and a day of one person; the benchmark asks all of them."""
    from healthslm.recordings.atr import BEATS, read_marks

    folder = data_dir / "nsrdb" / "dev"
    if not folder.is_dir():
        pytest.skip("no nsrdb")
    path = sorted(folder.glob("*.atr"))[1]
    times = read_marks(path, 128.0).only(BEATS).samples / 128.0
    assert told(DETECTOR, beats(np.diff(times)[:40_000])) == []
