"""The rate of what comes back, in windows that were made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.signals.respiration_periods import (
    POINTS,
    POINTS_HZ,
    breathing,
    counted,
    rate,
    steadiness,
    turns,
)

T_S = np.arange(POINTS) / POINTS_HZ


def wave(per_min: float, phase: float = 0.3) -> np.ndarray:
    """Return one window of a sine."""
    return np.sin(2 * np.pi * per_min / 60 * T_S + phase)


def noise(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(POINTS)


@given(per_min=st.floats(5, 44), phase=st.floats(0, 6.28))
def test_a_wave_has_its_rate_wherever_it_begins(per_min: float, phase: float) -> None:
    found = rate(wave(per_min, phase)[None])
    assert found is not None
    assert found.per_min == pytest.approx(per_min, abs=0.6 if per_min < 7 else 0.3)
    assert found.share > 0.6


@given(per_min=st.floats(6, 40), size=st.floats(1e-3, 1e3), level=st.floats(-100, 100))
def test_size_and_level_do_not_matter(per_min: float, size: float, level: float) -> None:
    one, other = rate(wave(per_min)[None]), rate(size * wave(per_min)[None] + level)
    assert one is not None
    assert other is not None
    assert other.per_min == pytest.approx(one.per_min, abs=1e-3)
    assert other.share == pytest.approx(one.share, abs=1e-3)


def test_what_two_signals_share_outweighs_what_each_has_alone() -> None:
    both = np.stack((wave(16) + 0.9 * wave(31), wave(16, 1.0) + 0.9 * wave(24)))
    assert rate(both).per_min == pytest.approx(16, abs=0.5)


def test_a_clear_signal_outweighs_a_noisy_one() -> None:
    clear, noisy = wave(16), 0.2 * wave(28) + noise()
    assert rate(np.stack((noisy, clear))).per_min == pytest.approx(16, abs=0.5)
    assert rate(np.stack((noisy, noisy, noisy, clear))).per_min == pytest.approx(16, abs=0.5)


def test_noise_has_a_small_share() -> None:
    shares = [found.share for s in range(20) if (found := rate(noise(s)[None])) is not None]
    assert max(shares) < 0.35


def test_no_rate_is_found_above_the_fastest_asked_for() -> None:
    assert rate(wave(30)[None]).per_min == pytest.approx(30, abs=0.3)
    slower = rate(wave(30)[None], 25.0)
    assert slower is None or slower.share < 0.05


def test_what_is_strong_above_the_band_counts_against_a_peak() -> None:
    found = rate((wave(15) + 3 * wave(70))[None])
    assert found is not None
    assert found.per_min == pytest.approx(15, abs=0.3)
    assert found.share < 0.2


def test_drift_does_not_hide_breathing() -> None:
    assert rate((wave(14) + 3 * T_S)[None]).per_min == pytest.approx(14, abs=0.2)
    assert breathing(wave(14) + 3 * T_S)[0] == pytest.approx(14, abs=0.2)
    assert rate((wave(14) + 1.3 * wave(5.5))[None]).per_min == pytest.approx(14, abs=0.5)


@pytest.mark.parametrize("at_s", [6, 12, 16, 20, 26])
def test_a_step_is_no_slow_breath(at_s: float) -> None:
    assert rate((5.0 * (at_s < T_S) + 0.01 * noise())[None]) is None


@pytest.mark.parametrize("values", [np.zeros(POINTS), np.full(POINTS, 1e9), 0.5 * T_S])
def test_what_stands_still_has_no_rate(values: np.ndarray) -> None:
    assert rate(values[None]) is None
    assert breathing(values) == (0.0, 0.0, 0.0)


@given(per_min=st.floats(5, 58), phase=st.floats(0, 6.28))
def test_waves_are_counted_from_crest_to_crest(per_min: float, phase: float) -> None:
    assert counted(wave(per_min, phase)) == pytest.approx(per_min, rel=0.03)


def test_ripples_are_not_counted() -> None:
    assert counted(wave(12) + 0.3 * wave(100)) == pytest.approx(12, rel=0.04)


def test_one_wave_is_no_rate() -> None:
    once = np.exp(-(((T_S - 16) / 2) ** 2))
    assert counted(once - np.mean(once)) is None


def test_crests_and_troughs_lie_where_they_are_between_points() -> None:
    crests, troughs = turns(wave(15, 0.0))  # 4 s each: crests at 1, 5 ... s
    assert np.array(crests) / POINTS_HZ == pytest.approx(np.arange(1.0, 30, 4), abs=0.01)
    assert np.array(troughs) / POINTS_HZ == pytest.approx(np.arange(3.0, 31, 4), abs=0.01)
    crests, _ = turns(np.sin(2 * np.pi * 0.25 * (T_S + 0.1)))
    assert np.array(crests) / POINTS_HZ == pytest.approx(np.arange(0.9, 30, 4), abs=0.02)


def test_steadiness_is_one_less_the_variation_of_the_intervals() -> None:
    even = ([10.0, 30.0, 50.0, 70.0, 90.0, 110.0], [20.0, 40.0, 60.0, 80.0, 100.0, 120.0])
    assert steadiness(even) == 1.0
    assert steadiness(([20.0, 40.0, 70.0, 100.0, 120.0], [])) == pytest.approx(1 - 5 / 25)
    assert steadiness(([20.0], [30.0])) == 0.0
    assert steadiness(([], [])) == 0.0


@pytest.mark.parametrize(("first", "steady"), [(40.0, 1.0), (40.5, 0.0)])
def test_who_does_not_breathe_for_two_intervals_has_no_rate(first: float, steady: float) -> None:
    """20 points apart: a hole of 40 at the beginning is just allowed, and at the end."""
    crests = [first + 20 * i for i in range(5)]
    assert steadiness((crests, [])) == steady
    mirrored = [POINTS - 1 - x for x in reversed(crests)]
    assert steadiness((mirrored, [])) == steady
