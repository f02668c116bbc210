"""Fast heart rates at rest, on both sides of each limit."""

from dataclasses import replace

import pytest

from healthslm.detect.tachycardia import DETECTOR


def at_rest(readings, minutes: int = 300, g: float = 0.01):
    """Return an activity reading every minute."""
    return readings("activity", (g, minutes), step_s=60.0, t0_s=-60.0)


@pytest.mark.parametrize(("bpm", "severity"), [(119.99, None), (120.0, "amber")])
def test_ten_minutes_of_120_at_rest_are_amber(readings, told, bpm, severity) -> None:
    findings = told(DETECTOR, at_rest(readings) + readings("heart_rate", (bpm, 61)))
    assert [f.severity for f in findings] == ([severity] if severity else [])


def test_a_reading_less_than_ten_minutes_is_not_enough(readings, told) -> None:
    assert told(DETECTOR, at_rest(readings) + readings("heart_rate", (130, 60))) == []


@pytest.mark.parametrize(("bpm", "count", "red"), [(149.9, 60, 0), (150.0, 30, 0), (150.0, 31, 1)])
def test_five_minutes_of_150_at_rest_are_red(readings, told, bpm, count, red) -> None:
    findings = told(DETECTOR, at_rest(readings) + readings("heart_rate", (bpm, count)))
    assert [f.severity for f in findings] == ["red"] * red


def test_it_is_told_when_certain_and_when_it_ends(readings, told) -> None:
    rates = readings("heart_rate", (72, 30), (130, 90), (135, 1), (72, 130))
    first, last = told(DETECTOR, at_rest(readings) + rates)
    assert first.ongoing
    assert not last.ongoing
    assert first.key == last.key
    assert first.t0_s == rates[30].t_s
    assert last.t1_s == rates[120].t_s
    assert dict(last.evidence) == {
        "highest_bpm": 135,
        "limit_bpm": 120,
        "mean_bpm": pytest.approx((90 * 130 + 135) / 91),
    }


def test_a_fast_heart_in_a_moving_body_is_no_finding(readings, told) -> None:
    rates = readings("heart_rate", (165, 400))
    assert told(DETECTOR, at_rest(readings, g=0.05) + rates) == []
    assert told(DETECTOR, at_rest(readings, g=0.0499) + rates) != []


def test_moving_does_not_end_what_began_at_rest(readings, told) -> None:
    moved = readings("activity", (0.01, 20), (0.3, 30), (0.01, 100), step_s=60.0, t0_s=-60.0)
    rates = readings("heart_rate", (130, 70), (80, 230), (130, 100))
    assert [f.ongoing for f in told(DETECTOR, moved + rates)] == [True]


def test_rest_that_no_sensor_proves_takes_three_times_as_long_and_is_amber_at_most(
    readings, told
) -> None:
    assert told(DETECTOR, readings("heart_rate", (130, 180))) == []
    assert [f.severity for f in told(DETECTOR, readings("heart_rate", (130, 181)))] == ["amber"]
    assert told(DETECTOR, readings("heart_rate", (160, 90))) == []
    assert [f.severity for f in told(DETECTOR, readings("heart_rate", (160, 300)))] == ["amber"]


def test_old_news_of_rest_proves_nothing(readings, told) -> None:
    rest = readings("activity", (0.01, 1), t0_s=-1.0)
    assert told(DETECTOR, rest + readings("heart_rate", (72, 60), (160, 31))) == []


def test_its_limits_can_be_set(readings, told) -> None:
    strict = replace(DETECTOR, amber_bpm=100.0, amber_hold_s=60.0)
    assert told(strict, at_rest(readings) + readings("heart_rate", (101, 7)))
