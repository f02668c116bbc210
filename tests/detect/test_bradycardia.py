"""Slow heart rates, awake or not, on both sides of each limit."""

import pytest

from healthslm.detect.bradycardia import DETECTOR


def awake(readings, minutes: int = 300):
    """Return a movement every minute."""
    return readings("activity", (0.05, minutes), step_s=60.0, t0_s=-60.0)


@pytest.mark.parametrize(("bpm", "count", "n"), [(50, 100, 0), (49.99, 60, 0), (49.99, 61, 1)])
def test_ten_minutes_below_50_awake_are_amber(readings, told, bpm, count, n) -> None:
    findings = told(DETECTOR, awake(readings) + readings("heart_rate", (bpm, count)))
    assert [f.severity for f in findings] == ["amber"] * n


@pytest.mark.parametrize(("bpm", "count", "n"), [(40, 31, 0), (39.99, 30, 0), (39.99, 31, 1)])
def test_five_minutes_below_40_awake_are_red(readings, told, bpm, count, n) -> None:
    findings = told(DETECTOR, awake(readings) + readings("heart_rate", (bpm, count)))
    assert [f.severity for f in findings] == ["red"] * n


@pytest.mark.parametrize(("bpm", "count", "n"), [(40, 900, 0), (39.99, 60, 0), (39.99, 900, 1)])
def test_asleep_or_unknown_only_below_40_is_amber(readings, told, bpm, count, n) -> None:
    still = readings("activity", (0.0499, 200), step_s=60.0, t0_s=-60.0)
    rates = readings("heart_rate", (bpm, count))
    for context in (still, []):
        assert [f.severity for f in told(DETECTOR, context + rates)] == ["amber"] * n


def test_a_movement_speaks_for_ten_minutes(readings, told) -> None:
    moved = readings("activity", (0.3, 1), t0_s=0.0)
    assert told(DETECTOR, moved + readings("heart_rate", (45, 61)))
    assert not told(DETECTOR, moved + readings("heart_rate", (45, 61), t0_s=10.0))


def test_it_is_told_when_certain_and_when_it_ends(readings, told) -> None:
    rates = readings("heart_rate", (60, 10), (47, 70), (44, 1), (60, 130))
    first, last = told(DETECTOR, awake(readings) + rates)
    assert (first.ongoing, last.ongoing) == (True, False)
    assert first.key == last.key
    assert last.t1_s == rates[80].t_s
    assert dict(last.evidence) == {
        "lowest_bpm": 44,
        "limit_bpm": 50,
        "mean_bpm": pytest.approx((70 * 47 + 44) / 71),
    }
