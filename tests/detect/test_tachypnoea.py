"""Fast breathing, on both sides of each limit."""

from dataclasses import replace

import pytest

from healthslm.detect.tachypnoea import DETECTOR

HOUR = 180  # readings, 20 s apart


def at_rest(readings, minutes: int = 400, g: float = 0.01, t0_s: float = -60.0):
    """Return an activity reading every minute."""
    return readings("activity", (g, minutes), step_s=60.0, t0_s=t0_s)


def breaths(readings, *runs, t0_s: float = 0.0):
    """Return a rate every 20 s."""
    return readings("respiratory_rate", *runs, step_s=20.0, t0_s=t0_s)


@pytest.mark.parametrize(("per_min", "severities"), [(20.99, []), (21.0, ["amber"])])
def test_half_an_hour_of_21_at_rest_is_amber(readings, told, per_min, severities) -> None:
    findings = told(DETECTOR, at_rest(readings) + breaths(readings, (per_min, 91)))
    assert [f.severity for f in findings] == severities


def test_a_reading_less_than_half_an_hour_is_not_enough(readings, told) -> None:
    assert told(DETECTOR, at_rest(readings) + breaths(readings, (22, 90))) == []


@pytest.mark.parametrize(("per_min", "count", "red"), [(24.9, 16, 0), (25, 15, 0), (25, 16, 1)])
def test_five_minutes_of_25_at_rest_are_red(readings, told, per_min, count, red) -> None:
    findings = told(DETECTOR, at_rest(readings) + breaths(readings, (per_min, count)))
    assert [f.severity for f in findings] == ["red"] * red


def test_one_normal_reading_begins_the_half_hour_anew(readings, told) -> None:
    rates = breaths(readings, (22, 90), (16, 1), (22, 90))
    assert told(DETECTOR, at_rest(readings) + rates) == []


def test_it_is_told_when_certain_and_when_it_ends(readings, told) -> None:
    rates = breaths(readings, (16, 30), (22, 120), (24, 1), (16, 182))
    first, last = told(DETECTOR, at_rest(readings) + rates)
    assert first.ongoing
    assert not last.ongoing
    assert first.key == last.key == ("tachypnoea", "wrist/x", rates[30].t_s)
    assert last.t1_s == rates[150].t_s
    assert dict(last.evidence) == {
        "highest_per_min": 24,
        "limit_per_min": 21,
        "mean_per_min": pytest.approx((120 * 22 + 24) / 121),
    }


@pytest.mark.parametrize(("per_min", "over"), [(19.0, True), (19.01, False)])
def test_it_is_over_when_clear_by_two_breaths_for_twice_as_long(
    readings, told, per_min, over
) -> None:
    rates = breaths(readings, (22, 100), (per_min, 2 * 90 + 1))
    findings = told(DETECTOR, at_rest(readings) + rates)
    assert [f.ongoing for f in findings] == ([True, False] if over else [True])
    shorter = breaths(readings, (22, 100), (19, 2 * 90))
    assert len(told(DETECTOR, at_rest(readings) + shorter)) == 1


def test_who_moves_may_breathe_fast(readings, told) -> None:
    rates = breaths(readings, (30, 300))
    assert told(DETECTOR, at_rest(readings, g=0.05) + rates) == []
    assert [f.severity for f in told(DETECTOR, at_rest(readings, g=0.0499) + rates)] == ["red"]


def test_rest_that_no_sensor_proves_takes_three_times_as_long_and_is_amber_at_most(
    readings, told
) -> None:
    assert told(DETECTOR, breaths(readings, (22, 270))) == []
    assert [f.severity for f in told(DETECTOR, breaths(readings, (22, 271)))] == ["amber"]
    assert told(DETECTOR, breaths(readings, (30, 45))) == []
    assert [f.severity for f in told(DETECTOR, breaths(readings, (30, 46)))] == ["amber"]
    assert [f.severity for f in told(DETECTOR, breaths(readings, (30, 400)))] == ["amber"]


@pytest.mark.parametrize(("count", "red"), [(16, 1), (15, 0)])
def test_old_news_of_rest_proves_nothing(readings, told, count, red) -> None:
    """What is told at 300 s was at rest until then if it was heard at -300 s or later."""
    rest = readings("activity", (0.01, 1), t0_s=-300.0)
    findings = told(DETECTOR, rest + breaths(readings, (30, count)))
    assert [f.severity for f in findings] == ["red"] * red
    rest = readings("activity", (0.01, 1), t0_s=-301.0)
    assert told(DETECTOR, rest + breaths(readings, (30, 40))) == []


def usual(readings, hours: int, per_min: float = 14.0):
    """Return whole hours of rest, and what follows of rest; T0 is 800 s into an hour."""
    t0_s = -hours * 3600.0 - 800.0
    before = breaths(readings, (per_min, hours * HOUR), t0_s=t0_s)
    return before + at_rest(readings, hours * 60 + 200, t0_s=t0_s - 30)


def test_half_an_hour_four_above_the_own_baseline_is_amber(readings, told) -> None:
    rates = breaths(readings, (18.0, 91 + 40), t0_s=-800.0)
    (found,) = told(DETECTOR, usual(readings, 24) + rates)
    assert found.severity == "amber"
    assert dict(found.evidence)["limit_per_min"] == pytest.approx(18.0)
    less = breaths(readings, (17.99, 300), t0_s=-800.0)
    assert told(DETECTOR, usual(readings, 24) + less) == []


def test_no_baseline_is_known_before_a_day_of_hours(readings, told) -> None:
    rates = breaths(readings, (19, 160), t0_s=-800.0)
    assert told(DETECTOR, usual(readings, 23) + rates) == []
    assert len(told(DETECTOR, usual(readings, 24) + rates)) == 1


def test_the_baseline_forgets_what_is_older_than_its_hours(readings, told) -> None:
    """73 quiet hours push out the three faster days before them."""
    before = usual(readings, 160, 18.0)
    later = usual(readings, 73, 13.0)
    t_s = min(x.t_s for x in later)
    old = [x for x in before if x.t_s < t_s]
    rates = breaths(readings, (17.5, 160), t0_s=-800.0)
    assert len(told(DETECTOR, old + later + rates)) == 1
    assert told(DETECTOR, usual(readings, 73, 18.0) + rates) == []


def test_hours_of_movement_or_of_two_readings_are_no_baseline(readings, told) -> None:
    rates = breaths(readings, (19, 160), t0_s=-800.0)
    moving = [replace(x, value=0.2) if x.kind == "activity" else x for x in usual(readings, 30)]
    rest = at_rest(readings, 200, t0_s=-810.0)
    assert told(DETECTOR, [x for x in moving if x.t_s < rest[0].t_s] + rest + rates) == []
    kept = usual(readings, 30)
    slow = [x for x in kept if x.kind == "respiratory_rate"]
    few = {h * HOUR + i for h in range(30) for i in (0, 60)}
    sparse = [x for i, x in enumerate(slow) if i in few]
    activity = [x for x in kept if x.kind == "activity"]
    assert told(DETECTOR, activity + sparse + rates) == []
    three = {h * HOUR + i for h in range(30) for i in (0, 60, 120)}
    enough = [x for i, x in enumerate(slow) if i in three]
    assert len(told(DETECTOR, activity + enough + rates)) == 1


def test_hours_whose_rest_is_not_proven_are_no_baseline(readings, told) -> None:
    before = [x for x in usual(readings, 30) if x.kind == "respiratory_rate"]
    rates = breaths(readings, (19, 160), t0_s=-800.0)
    assert told(DETECTOR, before + at_rest(readings, 200, t0_s=-810.0) + rates) == []


def test_its_limits_can_be_set(readings, told) -> None:
    strict = replace(DETECTOR, amber_per_min=18.0, amber_hold_s=60.0)
    assert told(strict, at_rest(readings) + breaths(readings, (18.5, 4)))
