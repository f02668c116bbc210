"""Low blood pressure by a cuff: on both sides of each limit."""

import pytest

from healthslm.detect.hypotension import DETECTOR


def cuff(readings, *values, step_s=300.0):
    return readings("systolic", *((v, 1) for v in values), step_s=step_s)


@pytest.mark.parametrize(("mmhg", "n"), [(90.1, 0), (90, 1)])
def test_one_reading_of_90_asks_for_another(readings, told, mmhg, n) -> None:
    findings = told(DETECTOR, cuff(readings, 120, mmhg))
    assert [f.severity for f in findings] == ["info"] * n


@pytest.mark.parametrize(("step_s", "want"), [(299.0, ["info"]), (300.0, ["info", "amber"])])
def test_a_second_one_five_minutes_later_is_amber(readings, told, step_s, want) -> None:
    findings = told(DETECTOR, cuff(readings, 88, 84, step_s=step_s))
    assert [f.severity for f in findings] == want
    if len(want) == 2:
        evidence = {"lowest_mmhg": 84, "limit_mmhg": 90, "readings": 2}
        assert dict(findings[1].evidence) == evidence


@pytest.mark.parametrize(("mmhg", "n"), [(94.9, 1), (95, 2)])
def test_it_is_over_five_above_the_limit(readings, told, mmhg, n) -> None:
    assert len(told(DETECTOR, cuff(readings, 88, mmhg, mmhg))) == n
