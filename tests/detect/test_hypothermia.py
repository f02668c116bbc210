"""Low body temperature: on both sides of each limit, and what only looks like it."""

from dataclasses import replace

import pytest

from healthslm.detect.hypothermia import DETECTOR

BODY = (36.6, 10)


@pytest.mark.parametrize(("celsius", "n"), [(35.01, 0), (35.0, 1), (32.0, 1), (31.99, 0)])
def test_35_degrees_are_cold_and_below_32_is_no_body(readings, told, celsius, n) -> None:
    findings = told(DETECTOR, readings("temperature", BODY, (celsius, 11), step_s=60.0))
    assert [f.severity for f in findings] == ["amber"] * n


def test_it_takes_ten_minutes(readings, told) -> None:
    assert told(DETECTOR, readings("temperature", BODY, (34, 10), BODY, step_s=60.0)) == []
    (finding,) = told(DETECTOR, readings("temperature", BODY, (34, 11), step_s=60.0))
    assert dict(finding.evidence) == {"lowest_c": 34, "limit_c": 35, "mean_c": 34}


@pytest.mark.parametrize(("celsius", "n"), [(36.09, 0), (36.1, 1)])
def test_a_stream_that_never_told_a_bodys_temperature_is_none(readings, told, celsius, n) -> None:
    values = readings("temperature", (celsius, 10), (34.0, 30), step_s=60.0)
    assert len(told(DETECTOR, values)) == n


@pytest.mark.parametrize(("apart_s", "n"), [(85_800, 1), (85_801, 0)])
def test_it_has_to_have_told_it_within_a_day(readings, told, apart_s, n) -> None:
    """The eleventh cold reading comes a day after the last warm one, or a second too late."""
    warm = readings("temperature", BODY, step_s=60.0)
    cold = readings("temperature", (34.0, 11), step_s=60.0, t0_s=540 + apart_s)
    assert len(told(DETECTOR, [*warm, *cold])) == n


def test_a_thermometer_that_is_put_on_the_table_is_not_cold(readings, told) -> None:
    """It cools towards 21 Cel with a time constant of half an hour."""
    cooling = [(21 + 15.6 * 0.5 ** (i / 20.8), 1) for i in range(300)]
    assert told(DETECTOR, readings("temperature", BODY, *cooling, step_s=60.0)) == []


def test_skin_by_name_is_never_judged(readings, told) -> None:
    values = readings("temperature", BODY, (34, 30), step_s=60.0)
    assert told(DETECTOR, values)
    assert told(DETECTOR, [replace(x, stream="wrist/temperature-skin") for x in values]) == []


@pytest.mark.parametrize(("celsius", "n"), [(35.29, 1), (35.3, 2)])
def test_it_ends_three_tenths_above_the_limit_for_twenty_minutes(readings, told, celsius, n):
    values = readings("temperature", BODY, (34, 11), (celsius, 21), step_s=60.0)
    assert len(told(DETECTOR, values)) == n
    assert len(told(DETECTOR, values[:-1])) == 1
