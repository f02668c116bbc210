"""High body temperature, on both sides of the limit."""

import pytest

from healthslm.detect.fever import DETECTOR


@pytest.mark.parametrize(("celsius", "n"), [(37.99, 0), (38.0, 1)])
def test_38_degrees_are_fever(readings, told, celsius, n) -> None:
    findings = told(DETECTOR, readings("temperature", (36.8, 10), (celsius, 3), step_s=60.0))
    assert [f.severity for f in findings] == ["amber"] * n


def test_two_readings_are_a_slip(readings, told) -> None:
    assert told(DETECTOR, readings("temperature", (36.8, 9), (39, 2), (36.8, 9), step_s=60.0)) == []


@pytest.mark.parametrize(("celsius", "n"), [(37.71, 1), (37.7, 2)])
def test_it_ends_three_tenths_below_the_limit(readings, told, celsius, n) -> None:
    values = readings("temperature", (36.8, 9), (38.5, 4), (39.2, 1), (celsius, 5), step_s=60.0)
    findings = told(DETECTOR, values)
    assert len(findings) == n
    if n == 2:
        assert dict(findings[-1].evidence) == {
            "highest_c": 39.2,
            "limit_c": 38.0,
            "mean_c": pytest.approx((4 * 38.5 + 39.2) / 5),
        }


def test_a_thermometer_read_every_five_minutes_is_understood(readings, told) -> None:
    values = readings("temperature", (36.8, 20), (38.4, 3), step_s=300.0)
    assert len(told(DETECTOR, values)) == 1
