"""Slow breathing, on both sides of each limit."""

from dataclasses import replace

import pytest

from healthslm.detect.bradypnoea import DETECTOR


def breaths(readings, *runs):
    """Return a rate every 20 s."""
    return readings("respiratory_rate", *runs, step_s=20.0)


def moving(readings, g: float):
    return readings("activity", (g, 200), step_s=60.0, t0_s=-60.0)


@pytest.mark.parametrize(("per_min", "count", "red"), [(8.01, 60, 0), (8.0, 15, 0), (8.0, 16, 1)])
def test_five_minutes_of_8_are_red(readings, told, per_min, count, red) -> None:
    findings = told(DETECTOR, breaths(readings, (per_min, count)))
    assert [f.severity for f in findings] == ["red"] * red


def test_one_quicker_reading_begins_the_five_minutes_anew(readings, told) -> None:
    assert told(DETECTOR, breaths(readings, (6, 15), (9, 1), (6, 15))) == []


def test_it_is_told_when_certain_and_when_it_ends(readings, told) -> None:
    rates = breaths(readings, (14, 10), (7, 20), (6, 1), (14, 31))
    first, last = told(DETECTOR, rates)
    assert first.ongoing
    assert not last.ongoing
    assert first.key == last.key == ("bradypnoea", "wrist/x", rates[10].t_s)
    assert last.t1_s == rates[30].t_s
    assert dict(last.evidence) == {
        "lowest_per_min": 6,
        "limit_per_min": 8,
        "mean_per_min": pytest.approx((20 * 7 + 6) / 21),
    }


@pytest.mark.parametrize(("per_min", "told_ends"), [(10.0, True), (9.99, False)])
def test_it_is_over_when_clear_by_two_breaths(readings, told, per_min, told_ends) -> None:
    findings = told(DETECTOR, breaths(readings, (7, 20), (per_min, 31)))
    assert [f.ongoing for f in findings] == ([True, False] if told_ends else [True])
    assert len(told(DETECTOR, breaths(readings, (7, 20), (14, 30)))) == 1


def test_nothing_is_believed_while_the_person_moves(readings, told) -> None:
    rates = breaths(readings, (6, 200))
    assert told(DETECTOR, moving(readings, 0.05) + rates) == []
    assert len(told(DETECTOR, moving(readings, 0.049) + rates)) == 1


def test_moving_does_not_end_what_began_at_rest(readings, told) -> None:
    activity = readings("activity", (0.01, 10), (0.3, 20), step_s=60.0, t0_s=-60.0)
    findings = told(DETECTOR, activity + breaths(readings, (6, 25), (15, 60)))
    assert [f.ongoing for f in findings] == [True]


def test_old_news_of_movement_is_forgotten(readings, told) -> None:
    moved = readings("activity", (0.3, 1), t0_s=-1.0)
    rates = breaths(readings, (6, 47))
    assert [f.severity for f in told(DETECTOR, moved + rates)] == ["red"]
    assert told(DETECTOR, moved + rates[:45]) == []


def test_its_limits_can_be_set(readings, told) -> None:
    strict = replace(DETECTOR, red_per_min=10.0, red_hold_s=60.0)
    assert told(strict, breaths(readings, (9.5, 4)))
