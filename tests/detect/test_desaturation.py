"""Low oxygen saturation, on both sides of each limit."""

from dataclasses import replace

import pytest

from healthslm.detect.desaturation import DETECTOR

DAY_S = 86_400.0
MIDNIGHT_S = -80_000.0  # before the first reading of `readings`


@pytest.mark.parametrize(
    ("pct", "severity"), [(94.01, None), (94, "amber"), (92.01, "amber"), (92, "red")]
)
def test_each_limit_is_inclusive(readings, told, pct, severity) -> None:
    findings = told(DETECTOR, readings("spo2", (97, 10), (pct, 5), step_s=60.0))
    assert [f.severity for f in findings] == ([severity] if severity else [])


def test_it_takes_three_readings_over_two_minutes(readings, told) -> None:
    calm = (97, 10)
    assert told(DETECTOR, readings("spo2", calm, (91, 2), (97, 10), step_s=60.0)) == []
    assert len(told(DETECTOR, readings("spo2", calm, (91, 3), step_s=60.0))) == 1
    assert told(DETECTOR, readings("spo2", (97, 60), (91, 120), step_s=1.0)) == []
    assert len(told(DETECTOR, readings("spo2", (97, 60), (91, 121), step_s=1.0))) == 1


def test_short_dips_of_sleep_are_not_told(readings, told) -> None:
    dips = [(96, 60), (88, 40)] * 20
    assert told(DETECTOR, readings("spo2", *dips, step_s=1.0)) == []


def test_it_ends_when_two_points_above_the_limit_for_four_minutes(readings, told) -> None:
    low = readings("spo2", (97, 10), (93, 3), (91.5, 1), (95.9, 20), step_s=60.0)
    assert [f.ongoing for f in told(DETECTOR, low)] == [True]
    clear = readings("spo2", (97, 10), (93, 3), (91.5, 1), (96, 5), step_s=60.0)
    first, last = told(DETECTOR, clear)
    assert (first.ongoing, last.ongoing) == (True, False)
    assert last.t1_s == clear[13].t_s
    assert dict(last.evidence) == {
        "lowest_pct": 91.5,
        "limit_pct": 94,
        "mean_pct": pytest.approx((3 * 93 + 91.5) / 4),
    }


def test_people_who_live_with_low_oxygen_have_their_own_limits(readings, told) -> None:
    own = replace(DETECTOR, amber_pct=88.0, red_pct=85.0)
    assert told(own, readings("spo2", (90, 30), step_s=60.0)) == []


@pytest.mark.parametrize(("pct", "severity"), [(92, None), (88, None), (87.99, "red")])
def test_scale_2_is_red_below_88_and_knows_no_amber_limit(readings, told, pct, severity) -> None:
    profile = replace(DETECTOR, scale=2)
    findings = told(profile, readings("spo2", (91, 10), (pct, 5), step_s=60.0))
    assert [f.severity for f in findings] == ([severity] if severity else [])


def days(readings, n, pct=99.0, count=60):
    """Return `n` days with so many readings in each, and nothing else."""
    return [
        x
        for day in range(n)
        for x in readings("spo2", (pct, count), step_s=60.0, t0_s=MIDNIGHT_S + day * DAY_S)
    ]


def today(readings, n, *runs):
    return readings("spo2", (99, 10), *runs, step_s=60.0, t0_s=MIDNIGHT_S + n * DAY_S)


@pytest.mark.parametrize(("pct", "n"), [(96.01, 0), (96, 1)])
def test_three_points_below_the_own_usual_are_amber(readings, told, pct, n) -> None:
    findings = told(DETECTOR, days(readings, 7) + today(readings, 7, (pct, 3)))
    assert [f.severity for f in findings] == ["amber"] * n
    if n:
        assert dict(findings[0].evidence)["limit_pct"] == 96


def test_it_takes_three_readings_too(readings, told) -> None:
    assert told(DETECTOR, days(readings, 7) + today(readings, 7, (95, 2), (99, 9))) == []


def test_seven_days_make_what_is_usual(readings, told) -> None:
    assert told(DETECTOR, days(readings, 6) + today(readings, 6, (95, 5))) == []


def test_a_day_of_few_readings_is_none(readings, told) -> None:
    assert told(DETECTOR, days(readings, 7, count=59) + today(readings, 7, (95, 5))) == []


def test_usual_is_the_median_of_days_and_of_readings(readings, told) -> None:
    """Three bad days of seven, and a bad hour a day, change nothing."""
    odd = days(readings, 3, pct=97.0)
    good = [
        replace(x, t_s=x.t_s + 3 * DAY_S, value=95.0 if i % 60 < 29 else 99.0)
        for i, x in enumerate(days(readings, 4))
    ]
    findings = told(DETECTOR, odd + good + today(readings, 7, (96, 3)))
    assert dict(findings[-1].evidence)["limit_pct"] == 96


def test_usual_forgets(readings, told) -> None:
    """28 days count: 30 older ones at 99 do not outweigh 16 at 97."""
    old, new = days(readings, 30), days(readings, 16, pct=97.0)
    new = [replace(x, t_s=x.t_s + 30 * DAY_S) for x in new]
    assert told(DETECTOR, old + new + today(readings, 46, (95, 5))) == []


def test_with_scale_2_the_fall_below_the_own_usual_still_counts(readings, told) -> None:
    profile = replace(DETECTOR, scale=2)
    low = days(readings, 7, pct=92.0)
    calm = readings("spo2", (92, 10), (89, 3), step_s=60.0, t0_s=MIDNIGHT_S + 7 * DAY_S)
    assert [f.severity for f in told(profile, low + calm)] == ["amber"]
