"""What makes a block of signal one that can be trusted."""

import numpy as np
import pytest

from healthslm.signals.quality import (
    GOOD,
    ecg_quality,
    plausible,
    quantile,
)

NAN = np.nan
MOMENTS = 50


def block(beats_s, *, height=1.0, noise=0.01, clipped=0, moments=MOMENTS, weak=None):
    """Return the quality of one block with these beats, and noise between them."""
    beats = np.array([beats_s, np.full(len(beats_s), height), np.full(len(beats_s), clipped)])
    if weak is not None:
        beats[1, -1] = weak
    t = np.arange(moments) * 10.0 / MOMENTS
    rest = np.stack((t, np.full(moments, noise)))
    return ecg_quality(beats, rest, 0, 1, MOMENTS).item()


STEADY = np.arange(0.4, 10, 0.8)


def test_a_steady_rhythm_far_above_its_noise_is_wholly_trusted():
    assert block(STEADY, noise=0.04) == 1.0


def test_quality_falls_with_the_noise_from_14_dB_to_4_dB_below_the_beats():
    values = [block(STEADY, noise=noise) for noise in (0.04, 0.06, 0.12, 0.2, 0.4, 1.0)]
    assert values == sorted(values, reverse=True)
    assert values[0] == 1.0
    assert values[-2:] == [0.0, 0.0]
    assert block(STEADY, noise=0.4 / 10**0.5) == pytest.approx(0.5)


def test_one_weak_beat_gives_the_noise_away():
    assert block(STEADY, noise=0.02, weak=0.1) < GOOD < block(STEADY, noise=0.02)


def test_an_odd_rhythm_is_believed_on_a_clean_signal_alone():
    odd = np.array([0.5, 1.2, 1.7, 4.9, 5.3, 6.9, 7.2, 9.4])
    assert block(odd, noise=0.04) == 1.0
    assert block(odd, noise=0.1) == pytest.approx(block(STEADY, noise=0.1) ** 2)


def test_flat_unread_and_clipped_shares_are_taken_away():
    assert block(STEADY, moments=40) == pytest.approx(0.8**2)
    assert block(STEADY, noise=0.0) == 0.0
    assert block(STEADY, clipped=1) == 0.0


def test_nothing_found_is_nothing_known():
    assert block(np.empty(0)) == 0.0
    assert block(np.empty(0), moments=0) == 0.0
    assert block(STEADY, moments=0) == 0.0


def test_each_block_is_judged_by_what_lies_in_it():
    """Not even the first beat of the next block has a say in what lies between beats."""
    t_s = np.array([20.5, 21.3, 30.5, 31.3, 40.05, 41.0])
    beats = np.stack((t_s, np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.6]), np.zeros(6)))
    moments = np.arange(20, 50) + 0.97
    rest = np.stack((moments, np.where((moments > 38) & (moments < 40), 0.2, 0.05)))
    together = ecg_quality(beats, rest, 2, 3, 10)
    apart = [ecg_quality(*_between(beats, rest, b), b, 1, 10).item() for b in (2, 3, 4)]
    assert together.tolist() == apart
    assert together[0] > together[2] > together[1] > 0.0


def _between(beats, rest, b):
    return tuple(x[:, (x[0] >= 10 * b) & (x[0] < 10 * b + 10)] for x in (beats, rest))


def row(*beats_s):
    return np.array([[*beats_s, NAN]])


@pytest.mark.parametrize(
    ("beats_s", "told"),
    [
        (STEADY, True),
        (np.arange(0.5, 10, 1.499), True),  # just above 40/min
        (np.arange(0.5, 10, 1.51), False),  # just below
        (np.arange(0.1, 10, 0.334), True),  # just below 180/min
        (np.arange(0.1, 10, 0.332), False),  # just above
        ([0.5, 1.3, 2.1, 5.05, 5.9, 7.2, 9.5], False),  # 2.95 s are 3.7 times the shortest
        ([0.9, 1.5, 2.8, 4.1, 5.4, 6.7, 8.0, 9.3], True),  # 1.3 / 0.6: below 2.2
        ([0.9, 1.5, 2.83, 4.1, 5.4, 6.7, 8.0, 9.3], False),  # 1.33 / 0.6: above
        (np.arange(3.0, 10, 0.8), True),  # 3 s without a beat at the start: not above 3
        (np.arange(3.1, 10, 0.8), False),
        (np.arange(0.2, 7.0, 0.8), False),  # ends at 6.6: 3.4 s without a beat at the end
        ([5.0], False),
        ([], False),
    ],
)
def test_a_rhythm_is_plausible_within_the_limits_of_orphanidou(beats_s, told):
    assert plausible(row(*beats_s)).tolist() == [told]


def test_a_quantile_leaves_out_what_is_not_there():
    rows = np.array([[5.0, NAN, 1.0, 3.0], [NAN] * 4, [2.0] * 4])
    assert quantile(rows, 0.5).tolist()[::2] == [3.0, 2.0]
    assert quantile(rows, 0.0).tolist()[::2] == [1.0, 2.0]
    assert quantile(rows, 1.0).tolist()[::2] == [5.0, 2.0]
    assert np.isnan(quantile(rows, 0.5)[1])
