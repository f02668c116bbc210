"""Beats without a pattern."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.detect.irregular_rhythm import DETECTOR, LAST, WINDOW, Stretch, alike, spread
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


# ---- what a window is asked ------------------------------------------------------------------


def test_alike_counts_pairs_and_those_whose_next_are_alike_too() -> None:
    """By hand: 0 and 0.01 are alike, and so are the intervals that follow them."""
    follows = (False, True, True, True, True)
    assert alike((0.0, 0.5, 0.01, 0.51, 0.9), follows) == (2, 1)
    assert alike((0.0,) * 5, follows) == (6, 6)
    assert alike((0.0, 1.0, 2.0, 3.0, 4.0), follows) == (0, 0)
    assert alike((0.0, 0.5, 0.01, 0.51, 0.9), (False, True, False, True, True)) == (1, 0)


def test_alike_means_less_than_the_limit() -> None:
    assert alike((0.0, 1.0, 0.0599, 2.0), (False, True, True, True)) == (1, 0)
    assert alike((0.0, 1.0, 0.0600, 2.0), (False, True, True, True)) == (0, 0)


def test_what_repeats_is_foretold_and_noise_is_not() -> None:
    noise = tuple(np.random.default_rng(1).standard_normal(2000).tolist())
    sd, left = spread(noise)
    assert sd == pytest.approx(1, abs=0.05)
    assert left == pytest.approx(sd, rel=0.01)
    sd, left = spread((0.2, -0.2) * 200)
    assert sd == pytest.approx(0.2)
    assert left < 0.02
    wave = tuple(np.sin(2 * np.pi * np.arange(400) / 4.3).tolist())
    assert spread(wave)[1] < 0.15 * spread(wave)[0]
    assert spread((0.3,) * 32) == (0, 0)


def test_spread_is_that_of_the_yule_walker_equations() -> None:
    """An independent way to the same number: solve them as they stand."""
    x = np.random.default_rng(5).standard_normal(32)
    y = x - x.mean()
    r = np.array([np.sum(y[k:] * y[: 32 - k]) / 32 for k in range(5)])
    a = np.linalg.solve(r[np.abs(np.subtract.outer(range(4), range(4)))], r[1:])
    assert spread(tuple(x.tolist()))[1] == pytest.approx(np.sqrt(r[0] - a @ r[1:]))


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
    assert abs(last.t0_s - items[300].t_s) < 12 * mean_s
    assert abs(last.t1_s - items[700].t_s) < 12 * mean_s
    evidence = dict(last.evidence)
    assert evidence["mean_bpm"] == pytest.approx(60 / np.mean(rr[300:700]), rel=0.05)
    assert evidence["beats"] == pytest.approx(400, abs=20)


def test_the_edges_are_not_shifted_on_average() -> None:
    """Why a window speaks for its middle third: its limits ask for more than half of it."""
    offsets = []
    for seed in range(40):
        rr = np.concatenate((regular(60, seed), irregular(120, 0.6, seed), regular(120, seed + 99)))
        items, state, found = beats(rr), DETECTOR.start(), []
        for x in items:
            state, new = DETECTOR.step(state, x)
            found += new
        times = np.array([x.t_s for x in items])
        offsets.append(
            (
                np.searchsorted(times, found[-1].t0_s) - 60,
                np.searchsorted(times, found[-1].t1_s) - 180,
            )
        )
    begin, end = np.median(offsets, axis=0)
    assert abs(begin) <= 3
    assert abs(end) <= 3


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
    pending = Stretch(T0, T0 + 1, 100.0, 200, seconds - next_rr_s, count - 1)
    _, findings = DETECTOR.step(replace(state, stretch=pending), last)
    assert [f.severity for f in findings] == ["info"] * n


@pytest.mark.parametrize(("seconds", "severity"), [(1799.99, None), (1800.0, "amber")])
def test_half_an_hour_is_amber_and_not_less(seconds, severity) -> None:
    state = DETECTOR.start()
    *before, last = beats(irregular(60))
    for x in before:
        state, _ = DETECTOR.step(state, x)
    (_, next_rr_s) = state.beats[LAST + 1]
    under_way = Stretch(T0, T0 + 1, seconds - next_rr_s, 2400, 60.0, 80, told="info")
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
