"""What makes a beat, and a block of signal, one that can be trusted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.signals.quality import (
    CLEAN_DB,
    ECG_SIMILARITY,
    FAST_DB_S,
    GOOD,
    LOST_DB,
    ODD_DB,
    PPG_SIMILARITY,
    UNREST_DB,
    ecg_quality,
    needed_db,
    orphanidou,
    plausible,
    quantile,
    similarity,
)

NAN = np.nan
MOMENTS = 50
HALF_DB = (LOST_DB + CLEAN_DB) / 2
STEADY = np.arange(0.4, 10, 0.8)


def power(db):
    """Return the energy so many dB below that of a beat of 1 mV²."""
    return 10 ** (-db / 10)


def judged(beats_s, *, db=20.0, noise=None, height=1.0, clipped=0.0, moments=MOMENTS, block=0):
    """Return the quality of one block with these beats, and how far each is trusted."""
    heights, cut = (np.broadcast_to(x, len(beats_s)) for x in (height, clipped))
    beats = np.stack((np.asarray(beats_s, float) + 10.0 * block, heights, cut))
    t = np.arange(moments) * 10.0 / MOMENTS
    energy = np.full(moments, power(db)) if noise is None else noise[:moments]
    quality, trust = ecg_quality(beats, np.stack((t + 10.0 * block, energy)), block, 1, MOMENTS)
    return quality.item(), trust.tolist()


def test_a_steady_rhythm_far_above_its_noise_is_wholly_trusted():
    quality, trust = judged(STEADY, db=CLEAN_DB)
    assert quality == pytest.approx(1.0)
    assert trust == pytest.approx([1.0] * len(STEADY))


@pytest.mark.parametrize("db", [LOST_DB, 3.0, 4.5, HALF_DB, 8.0, CLEAN_DB])
def test_trust_rises_evenly_with_the_distance_from_the_noise(db):
    expected = (db - LOST_DB) / (CLEAN_DB - LOST_DB)
    quality, trust = judged(STEADY, db=db)
    assert quality == pytest.approx(expected)
    assert trust == pytest.approx([expected] * len(STEADY))


@pytest.mark.parametrize(("db", "good"), [(HALF_DB + 0.01, True), (HALF_DB - 0.01, False)])
def test_five_and_a_half_decibels_are_good(db, good):
    assert HALF_DB == 5.5
    assert (judged(STEADY, db=db)[0] >= GOOD) == good


def test_below_the_least_and_above_the_most_nothing_changes():
    assert judged(STEADY, db=LOST_DB - 3)[0] == 0.0
    assert judged(STEADY, db=-10)[0] == 0.0
    assert judged(STEADY, db=60)[0] == 1.0


def test_a_weak_beat_is_judged_for_itself():
    """Noise that was taken for a beat does not cost the block, nor the beats beside it."""
    height = np.ones(len(STEADY))
    height[4] = power(16)
    quality, trust = judged(STEADY, db=20, height=height)
    assert trust[4] == pytest.approx((4 - LOST_DB) / (CLEAN_DB - LOST_DB))
    assert trust[4] < GOOD
    assert trust[:4] + trust[5:] == [1.0] * (len(STEADY) - 1)
    assert quality == pytest.approx(np.mean(trust))


def test_one_burst_counts_for_what_it_is_on_average():
    """A third of the moments between the beats is 27 dB louder: the median would not know."""
    noise = np.full(MOMENTS, power(25))
    loud = noise.copy()
    loud[::4] = power(-2)
    assert judged(STEADY, noise=noise)[0] == 1.0
    assert judged(STEADY, noise=loud)[0] < GOOD


def test_an_odd_rhythm_is_believed_on_a_clean_signal_alone():
    odd = np.array([0.5, 1.2, 1.7, 4.9, 5.3, 6.9, 7.2, 9.4])
    assert judged(odd, db=30)[0] == 1.0
    assert judged(odd, db=CLEAN_DB)[0] < GOOD
    assert judged(STEADY, db=CLEAN_DB)[0] == pytest.approx(1.0)


STEP = 0.8 * np.e


@pytest.mark.parametrize(
    ("rr_s", "expected"),
    [
        ([0.8] * 4, [0.0] * 5),
        ([], [0.0]),
        ([0.8], [0.0] * 2),
        # the usual interval is the upper middle one; two changes of 0 and one of 1
        ([0.8, 0.8, 0.8, STEP], [8 / 3] * 3 + [8 / 3 + 5.0] * 2),
        ([0.8, STEP, 0.8], [8.0, 8.0 + 5.0, 8.0 + 5.0, 8.0]),
        ([0.8, 0.8 * np.e**3, 0.8], [8.0, 13.0, 13.0, 8.0]),  # both have their most
        ([0.8 * np.e**0.5, 0.8, 0.8], [2.0 + 2.5, 2.0 + 2.5, 2.0, 2.0]),
        ([0.5] * 3, [0.0] * 4),  # 120/min is not fast yet
        ([0.4] * 3, [2.0] * 4),
        ([0.3] * 3, [4.0] * 4),  # 200/min
    ],
)
def test_more_is_needed_where_beats_come_restless_odd_or_fast(rr_s, expected):
    assert (UNREST_DB, ODD_DB, FAST_DB_S) == (8.0, 5.0, 20.0)
    beats_s = np.concatenate(([0.5], 0.5 + np.cumsum(rr_s)))
    table = np.full((2, len(beats_s) + 2), NAN)
    table[0, : len(beats_s)] = beats_s
    needed = needed_db(table)
    assert needed.shape == table.shape
    np.testing.assert_allclose(needed[0, : len(beats_s)] - LOST_DB, expected, atol=1e-9)


def test_the_faster_of_two_intervals_counts_for_a_beat():
    needed = needed_db(np.array([[1.0, 1.3, 1.9, NAN]]))[0]
    other = UNREST_DB * np.log(2) + ODD_DB * np.array([np.log(2), np.log(2), 0.0])
    np.testing.assert_allclose(needed[:3], LOST_DB + other + FAST_DB_S * np.array([0.2, 0.2, 0.0]))


def test_fibrillating_atria_are_believed_where_every_second_beat_made_of_noise_is_not():
    """Nine decibels: enough for intervals that vary by a fifth, not for twice that."""
    rng = np.random.default_rng(0)
    atria = 0.4 + np.cumsum(np.exp(np.log(0.7) + 0.2 * rng.standard_normal(12)))
    mixed = np.sort(np.concatenate((STEADY, STEADY[:-1] + 0.25)))
    db = HALF_DB + 3.5
    assert judged(atria[atria < 10], db=db)[0] > GOOD > judged(mixed, db=db)[0]


@pytest.mark.parametrize("at", ["before", "after"])
def test_the_shoulders_of_a_beat_are_no_noise(at):
    """What lies within 0.15 s of a beat is its own."""
    t = np.arange(MOMENTS) * 10.0 / MOMENTS
    sign = {"before": -1, "after": 1}[at]
    noise = np.full(MOMENTS, power(30))
    noise[10] = 10.0  # at 2.0 s
    beats_s = np.array([0.52, 1.26, 2.0 - sign * 0.14, 2.74 - sign * 0.1, 3.5, 4.3])
    assert t[10] == 2.0
    assert judged(beats_s, noise=noise)[0] > 0.9
    beats_s[2] = 2.0 - sign * 0.16
    assert judged(beats_s, noise=noise)[0] < GOOD


def test_between_fast_beats_there_is_still_something_between():
    """At 200/min nothing is 0.15 s away from all beats; three tenths of the interval count."""
    fast = np.arange(0.1, 10, 0.3)
    assert judged(fast, db=20)[0] == 1.0
    assert judged(fast, db=3)[0] == 0.0


def test_flat_unread_and_clipped_shares_are_taken_away():
    assert judged(STEADY, moments=40)[0] == pytest.approx(0.8**2)
    assert judged(STEADY, noise=np.zeros(MOMENTS))[0] == 0.0
    assert judged(STEADY, clipped=1.0) == (0.0, [0.0] * len(STEADY))
    cut = np.zeros(len(STEADY))
    cut[2] = 1.0
    quality, trust = judged(STEADY, clipped=cut)
    assert trust == [1.0, 1.0, 0.0] + [1.0] * (len(STEADY) - 3)
    assert quality == pytest.approx(1 - 1 / len(STEADY))


def test_nothing_found_is_nothing_known():
    assert judged(np.empty(0)) == (0.0, [])
    assert judged(np.empty(0), moments=0) == (0.0, [])
    assert judged(STEADY, moments=0) == (0.0, [0.0] * len(STEADY))


def test_where_nothing_lies_between_the_beats_nothing_is_known():
    rest = np.stack((STEADY, np.full(len(STEADY), 1e-6)))
    beats = np.stack((STEADY, np.ones(len(STEADY)), np.zeros(len(STEADY))))
    quality, trust = ecg_quality(beats, rest, 0, 1, len(STEADY))
    assert quality.tolist() == [0.0]
    assert not trust.any()


def test_each_block_is_judged_by_what_lies_in_it():
    """No beat of the block before or after has a say in what lies between beats."""
    t_s = np.array([20.5, 21.3, 29.95, 30.5, 31.3, 40.05, 41.0, 41.7])
    beats = np.stack((t_s, np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.2]), np.zeros(8)))
    moments = np.sort(np.append(np.arange(20, 50) + 0.97, 30.02))
    loud = ((moments > 38) & (moments < 40)) | (moments == 30.02)
    rest = np.stack((moments, np.where(loud, 0.7, 0.02)))
    together = ecg_quality(beats, rest, 2, 3, 10)
    apart = [ecg_quality(*_between(beats, rest, b), b, 1, 10) for b in (2, 3, 4)]
    assert together[0].tolist() == [quality.item() for quality, _ in apart]
    assert together[1].tolist() == np.concatenate([trust for _, trust in apart]).tolist()
    assert len(set(together[0].tolist())) == 3
    assert np.all(together[0] > 0)
    less = ecg_quality(beats, np.delete(rest, np.flatnonzero(moments == 30.02), axis=1), 2, 3, 10)
    assert less[0][1] > together[0][1]  # what was loud beside another block's beat did count


def _between(beats, rest, b):
    return tuple(x[:, (x[0] >= 10 * b) & (x[0] < 10 * b + 10)] for x in (beats, rest))


@given(
    gain=st.floats(0.01, 100),
    block=st.integers(0, 10_000),
    db=st.floats(0, 25),
    seed=st.integers(0, 9),
)
def test_neither_the_gain_nor_the_time_of_day_matters(gain, block, db, seed):
    rng = np.random.default_rng(seed)
    height = rng.uniform(0.5, 2, len(STEADY))
    noise = power(db) * rng.uniform(0.5, 1.5, MOMENTS)
    here = judged(STEADY, noise=noise, height=height)[1]
    there = judged(STEADY, noise=noise * gain, height=height * gain, block=block)[1]
    assert here == pytest.approx(there, abs=1e-6)


@given(db=st.floats(0, 25), more=st.floats(0, 10), seed=st.integers(0, 9))
def test_more_noise_is_never_more_trust(db, more, seed):
    noise = np.random.default_rng(seed).uniform(0.5, 1.5, MOMENTS)
    clean, _ = judged(STEADY, noise=noise * power(db))
    noisy, _ = judged(STEADY, noise=noise * power(db - more))
    assert 0 <= noisy <= clean <= 1


def row(*beats_s):
    return np.array([[*beats_s, NAN]])


RHYTHMS = pytest.mark.parametrize(
    ("beats_s", "told"),
    [
        (STEADY, True),
        (np.arange(0.5, 10, 1.5), True),  # 40/min
        (np.arange(0.5, 10, 1.51), False),  # just below
        (np.arange(0.1, 10, 1 / 3), True),  # 180/min
        (np.arange(0.1, 10, 0.332), False),  # just above
        ([0.5, 1.3, 2.1, 5.05, 5.9, 7.2, 9.5], False),  # 2.95 s are 3.7 times the shortest
        ([0.9, 1.5, 2.82, 4.1, 5.4, 6.7, 8.0, 9.3], True),  # 1.32 / 0.6: 2.2
        ([0.9, 1.5, 2.83, 4.1, 5.4, 6.7, 8.0, 9.3], False),  # 1.33 / 0.6: above
        (np.arange(3.0, 10, 0.8), True),  # 3 s without a beat at the start: not above 3
        (np.arange(3.1, 10, 0.8), False),
        (np.arange(0.2, 7.01, 0.85), True),  # ends at 7.0: 3 s without a beat at the end
        (np.arange(0.2, 7.0, 0.8), False),  # ends at 6.6: 3.4 s without a beat at the end
        ([5.0], False),
        ([], False),
    ],
)


@RHYTHMS
def test_a_rhythm_is_plausible_within_the_limits_of_orphanidou(beats_s, told):
    assert plausible(row(*beats_s)).tolist() == [told]


@RHYTHMS
def test_the_rule_of_orphanidou_asks_for_both_rhythm_and_likeness(beats_s, told):
    beats_s = np.asarray(beats_s, float)
    assert orphanidou(beats_s, ECG_SIMILARITY) is told
    assert orphanidou(beats_s, 1.0, PPG_SIMILARITY) is told
    assert not orphanidou(beats_s, 0.65)
    assert not orphanidou(beats_s, 0.85, PPG_SIMILARITY)
    assert not orphanidou(beats_s, NAN)


def test_the_limits_of_likeness_are_the_published_ones():
    assert (ECG_SIMILARITY, PPG_SIMILARITY) == (0.66, 0.86)
    assert orphanidou(STEADY, 0.86, PPG_SIMILARITY) and not orphanidou(
        STEADY, 0.8599, PPG_SIMILARITY
    )


def test_likeness_is_the_mean_correlation_with_the_average_beat():
    wave, other = np.sin(np.arange(20)), np.cos(np.arange(20))
    assert similarity(np.stack((wave, 3 * wave + 5, wave))) == pytest.approx(1.0)
    shapes = np.stack((wave, wave, other))
    template = shapes.mean(axis=0)
    expected = np.mean([np.corrcoef(x, template)[0, 1] for x in shapes])
    assert similarity(shapes) == pytest.approx(expected, abs=1e-3)
    assert similarity(np.stack((wave, -wave, wave))) < 0.4


@pytest.mark.parametrize("shapes", [np.ones((3, 5)), np.arange(5.0)[None], np.empty((0, 5))])
def test_likeness_of_nothing_is_not_known(shapes):
    assert np.isnan(similarity(shapes))


def test_a_quantile_leaves_out_what_is_not_there():
    rows = np.array([[5.0, NAN, 1.0, 3.0], [NAN] * 4, [2.0] * 4])
    assert quantile(rows, 0.5).tolist()[::2] == [3.0, 2.0]
    assert quantile(rows, 0.0).tolist()[::2] == [1.0, 2.0]
    assert quantile(rows, 1.0).tolist()[::2] == [5.0, 2.0]
    assert np.isnan(quantile(rows, 0.5)[1])
