"""Low glucose, on both sides of each limit, at the pace of a sensor under the skin."""

import pytest

from healthslm.detect.glucose_low import DETECTOR

CALM = (110, 20)  # so many readings teach the pace


def cgm(readings, *runs):
    return readings("glucose", CALM, *runs, step_s=300.0)


@pytest.mark.parametrize(
    ("mgdl", "severity"), [(70, None), (69.9, "amber"), (54, "amber"), (53.9, "red")]
)
def test_each_limit_itself_is_not_low(readings, told, mgdl, severity) -> None:
    findings = told(DETECTOR, cgm(readings, (mgdl, 4)))
    assert [f.severity for f in findings] == ([severity] if severity else [])


def test_it_takes_fifteen_minutes(readings, told) -> None:
    assert told(DETECTOR, cgm(readings, (60, 3), (110, 9))) == []
    (finding,) = told(DETECTOR, cgm(readings, (60, 4)))
    assert finding.t1_s - finding.t0_s == 900


def test_what_becomes_very_low_is_told_again_as_red(readings, told) -> None:
    findings = told(DETECTOR, cgm(readings, (60, 4), (50, 4)))
    assert [f.severity for f in findings] == ["amber", "red"]
    assert findings[0].key == findings[1].key
    assert dict(findings[1].evidence)["limit_mgdl"] == 54


@pytest.mark.parametrize(("mgdl", "n"), [(73.4, 1), (73.5, 2)])
def test_it_is_over_five_percent_above_the_limit_for_half_an_hour(readings, told, mgdl, n) -> None:
    assert len(told(DETECTOR, cgm(readings, (60, 4), (mgdl, 7)))) == n
    assert len(told(DETECTOR, cgm(readings, (60, 4), (mgdl, 6)))) == 1


def test_a_reading_every_fifteen_minutes_is_understood(readings, told) -> None:
    values = readings("glucose", (110, 20), (60, 2), step_s=900.0)
    assert told(DETECTOR, values) == []
    values = readings("glucose", (110, 20), (60, 3), step_s=900.0)
    assert len(told(DETECTOR, values)) == 1
