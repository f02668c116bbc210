"""High glucose, on both sides of each limit."""

import pytest

from healthslm.detect.glucose_high import DETECTOR


def cgm(readings, *runs):
    return readings("glucose", (110, 20), *runs, step_s=300.0)


@pytest.mark.parametrize(("mgdl", "severities"), [(180, []), (180.1, ["info"]), (250, ["info"])])
def test_above_180_is_reported(readings, told, mgdl, severities) -> None:
    findings = told(DETECTOR, cgm(readings, (mgdl, 40)))
    assert [f.severity for f in findings] == severities


@pytest.mark.parametrize(("count", "severities"), [(24, ["info"]), (25, ["info", "amber"])])
def test_above_250_is_amber_after_two_hours(readings, told, count, severities) -> None:
    findings = told(DETECTOR, cgm(readings, (250.1, count)))
    assert [f.severity for f in findings] == severities
    assert dict(findings[-1].evidence)["highest_mgdl"] == 250.1


def test_it_takes_fifteen_minutes(readings, told) -> None:
    assert told(DETECTOR, cgm(readings, (200, 3), (110, 9))) == []
    assert len(told(DETECTOR, cgm(readings, (200, 4)))) == 1


@pytest.mark.parametrize(("mgdl", "n"), [(171.1, 1), (171, 2)])
def test_it_is_over_five_percent_below_the_limit_for_half_an_hour(readings, told, mgdl, n) -> None:
    assert len(told(DETECTOR, cgm(readings, (200, 4), (mgdl, 7)))) == n
