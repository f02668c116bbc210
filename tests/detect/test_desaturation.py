"""Low oxygen saturation, on both sides of each limit."""

from dataclasses import replace

import pytest

from healthslm.detect.desaturation import DETECTOR


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
