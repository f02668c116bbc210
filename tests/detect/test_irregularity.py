"""Measures of a window, by hand and against another way to the same number."""

import numpy as np
import pytest

from healthslm.detect.irregularity import alike, middle, spread


def test_alike_counts_pairs_and_those_whose_next_are_alike_too() -> None:
    """By hand: 0 and 0.01 are alike, and so are the intervals that follow them."""
    follows = (False, True, True, True, True)
    assert alike((0.0, 0.5, 0.01, 0.51, 0.9), follows) == (2, 1)
    assert alike((0.0,) * 5, follows) == (6, 6)
    assert alike((0.0, 1.0, 2.0, 3.0, 4.0), follows) == (0, 0)
    assert alike((0.0, 0.5, 0.01, 0.51, 0.9), (False, True, False, True, True)) == (1, 1)


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
    assert spread((0.3,) * 32) == (pytest.approx(0, abs=1e-9), 0)


def test_spread_is_that_of_the_yule_walker_equations() -> None:
    """An independent way to the same number: solve them as they stand."""
    x = np.random.default_rng(5).standard_normal(32)
    y = x - x.mean()
    r = np.array([np.sum(y[k:] * y[: 32 - k]) / 32 for k in range(5)])
    a = np.linalg.solve(r[np.abs(np.subtract.outer(range(4), range(4)))], r[1:])
    assert spread(tuple(x.tolist()))[1] == pytest.approx(np.sqrt(r[0] - a @ r[1:]))


def test_the_middle_half_does_not_see_a_few_outliers() -> None:
    noise = np.random.default_rng(3).standard_normal(4000)
    assert middle(tuple(noise.tolist())) == pytest.approx(1, abs=0.05)
    tight = tuple((0.01 * noise[:26]).tolist())
    assert middle((*tight, -2.0, -2.0, -2.0, 2.0, 2.0, 2.0)) < 0.03
    assert middle(tuple(i / 10 for i in range(8))) == pytest.approx(0.3 / 1.349)
