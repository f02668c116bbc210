"""Beats without a pattern."""

from dataclasses import replace

import numpy as np
import pytest

from healthslm.detect.irregular_rhythm import DETECTOR, WORDS, Stretch, entropy
from healthslm.records import Beat

T0 = 1_700_000_000.0


def beats(rr_s, t0_s: float = T0, *, first: float | None = None, bad=()) -> list[Beat]:
    """Return good beats with these intervals."""
    out, t_s = [Beat("beat", "chest/ecg", t0_s, first, good=True)], t0_s
    for i, rr in enumerate(rr_s):
        t_s += rr
        out.append(Beat("beat", "chest/ecg", t_s, float(rr), i not in bad))
    return out


def irregular(n: int, mean_s: float = 0.75, seed: int = 1) -> np.ndarray:
    """Return intervals without memory, as wide as in atrial fibrillation (SD 20 %)."""
    return np.clip(np.random.default_rng(seed).normal(mean_s, 0.2 * mean_s, n), 0.3, 1.8)


def regular(n: int, seed: int = 2) -> np.ndarray:
    """Return a sinus rhythm that breathes."""
    rng = np.random.default_rng(seed)
    return 0.85 + 0.05 * np.sin(2 * np.pi * np.arange(n) / 5) + 0.01 * rng.standard_normal(n)


def test_entropy_goes_from_none_to_one() -> None:
    assert entropy((7,) * 32) == 0
    assert entropy(tuple(range(32))) == pytest.approx(1)
    assert entropy((1, 2) * 16) == pytest.approx(2 / 32 * 1 / 5)


def test_sinus_rhythm_is_not_irregular(told) -> None:
    assert told(DETECTOR, beats(regular(5000))) == []


def test_beats_in_a_pattern_are_not_irregular(told) -> None:
    """Bigeminy and trigeminy vary widely, and repeat."""
    assert told(DETECTOR, beats([0.5, 1.1] * 600)) == []
    assert told(DETECTOR, beats([0.8, 0.5, 1.1] * 400)) == []


def test_beats_without_a_pattern_are_told_and_their_end(told) -> None:
    rr = np.concatenate((regular(300), irregular(400), regular(300)))
    items = beats(rr)
    first, last = told(DETECTOR, items)
    assert (first.ongoing, last.ongoing) == (True, False)
    assert first.key == last.key
    assert {first.severity, last.severity} == {"info"}
    assert abs(last.t0_s - items[300].t_s) < 20
    assert abs(last.t1_s - items[700].t_s) < 20
    evidence = dict(last.evidence)
    assert evidence["mean_bpm"] == pytest.approx(60 / np.mean(rr[300:700]), rel=0.05)
    assert evidence["beats"] == pytest.approx(400, abs=40)


def stretch(told, mean_s: float) -> tuple[float, float]:
    """Return seconds and beats of an irregular stretch when it is first told."""
    finding = told(DETECTOR, beats(irregular(600, mean_s)))[0]
    evidence = dict(finding.evidence)
    return 60 * evidence["beats"] / evidence["mean_bpm"], evidence["beats"]


def test_it_takes_thirty_seconds_and_sixty_beats(told) -> None:
    seconds, count = stretch(told, 0.75)
    assert count == 60
    assert seconds >= 30
    seconds, count = stretch(told, 0.42)
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
    (_, next_rr_s) = state.beats[WORDS // 2 + 1]  # of the beat that is then in the middle
    pending = Stretch(T0, T0 + 1, seconds - next_rr_s, count - 1)
    _, findings = DETECTOR.step(replace(state, stretch=pending), last)
    assert [f.severity for f in findings] == ["info"] * n


def test_half_an_hour_is_amber(told) -> None:
    findings = told(DETECTOR, beats(irregular(4000)))
    assert [f.severity for f in findings] == ["info", "amber"]
    assert findings[0].key == findings[1].key
    assert 1800 <= findings[1].t1_s - findings[1].t0_s < 1810


def test_a_minute_without_beats_ends_the_evidence(told) -> None:
    short = irregular(75)  # about 42 windows: too few alone
    first = beats(short)
    for pause_s, n in ((59.0, 1), (61.0, 0)):
        second = beats(irregular(75, seed=9), first[-1].t_s + pause_s)
        assert len(told(DETECTOR, first + second)) == n


def test_bad_beats_are_no_evidence(told) -> None:
    rr = irregular(400)
    assert told(DETECTOR, beats(rr, bad=range(0, 400, 3))) == []


def test_no_word_is_made_of_beats_around_a_gap() -> None:
    """Three intervals in a row make a word: the first two after a gap make none."""
    state = DETECTOR.start()
    first = beats(regular(40))
    for x in first:
        state, _ = DETECTOR.step(state, x)
    before = state.words
    for x in beats(irregular(2), first[-1].t_s + 5):
        state, _ = DETECTOR.step(state, x)
        assert state.words == before
    state, _ = DETECTOR.step(state, Beat("beat", "chest/ecg", x.t_s + 0.3, 0.3, good=True))
    assert state.words != before
