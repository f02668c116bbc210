"""Nights against a person's own: when they are told, and when they are not."""

from dataclasses import replace

import numpy as np
import pytest

from healthslm.detect.baseline_shift import DETECTOR
from healthslm.records import Vital

DAY, HOUR = 86_400.0, 3600.0
MIDNIGHT = 1_700_000_000.0 // DAY * DAY


def night(n, kind, value, *, readings=13, from_s=600.0, stream="band/x"):
    """Return readings every five minutes of the n-th night."""
    begin_s = MIDNIGHT + n * DAY + from_s
    return [Vital(kind, stream, begin_s + 300 * i, float(value)) for i in range(readings)]


def weeks(kind, values, **more):
    """Return nights, each with a reading at noon; None is a night without readings."""
    out = []
    for n, value in enumerate(values):
        if value is not None:
            out += night(n, kind, value, **more)
        out.append(Vital(kind, "band/x", MIDNIGHT + n * DAY + 12 * HOUR, 60.0))
    return out


CALM = [60] * 28


@pytest.mark.parametrize(
    ("two", "severity"), [(62.99, None), (63, "info"), (63.99, "info"), (64, "amber")]
)
def test_two_nights_three_or_four_beats_above_the_own_are_told(told, two, severity) -> None:
    findings = told(DETECTOR, weeks("heart_rate", [*CALM, two, two]))
    assert [f.severity for f in findings] == ([severity] if severity else [])
    for f in findings:
        assert f.ongoing
        assert f.t0_s == MIDNIGHT + 28 * DAY
        assert f.t1_s == MIDNIGHT + 29 * DAY + 7 * HOUR
        assert dict(f.evidence) == {
            "heart_rate_bpm": int(two),
            "usual_heart_rate_bpm": 60,
            "nights": 2,
        }


@pytest.mark.parametrize(
    ("kind", "usual", "yellow", "red"),
    [
        ("rmssd", 50.0, (41.0, 39.8), (36.0, 34.0)),
        ("temperature", 36.0, (36.49, 36.5), (36.79, 36.8)),
        ("respiratory_rate", 14.0, (15.94, 16.0), (16.94, 17.0)),
    ],
)
def test_each_measure_has_its_limits(told, kind, usual, yellow, red) -> None:
    calm = [usual] * 28

    def severities(value):
        return [f.severity for f in told(DETECTOR, weeks(kind, [*calm, value, value]))]

    assert severities(yellow[0]) == []
    assert severities(yellow[1]) == ["info"]
    assert severities(red[0]) == ["info"]
    assert severities(red[1]) == ["amber"]


@pytest.mark.parametrize("kind", ["heart_rate", "rmssd", "temperature", "respiratory_rate"])
def test_the_better_direction_is_not_told(told, kind) -> None:
    better = 90.0 if kind == "rmssd" else 10.0
    assert told(DETECTOR, weeks(kind, [*[36.0] * 28, better, better])) == []


@pytest.mark.parametrize(("before", "n"), [(26, 0), (27, 1)])
def test_twenty_eight_nights_have_to_be_known(told, before, n) -> None:
    """The second shifted night is the one that may tell, and counts itself."""
    values = [*[60] * (before - 1), 70, 70]
    assert len(told(DETECTOR, weeks("heart_rate", values))) == n


def test_a_row_is_one_finding_that_goes_on_and_ends(told) -> None:
    values = [*CALM, 63, 66, 66, 60, 60]
    findings = told(DETECTOR, weeks("heart_rate", values))
    assert [(f.severity, f.ongoing) for f in findings] == [
        ("info", True),
        ("amber", True),
        ("amber", False),
    ]
    assert len({f.key for f in findings}) == 1
    assert findings[-1].t1_s == MIDNIGHT + 30 * DAY + 7 * HOUR
    assert dict(findings[-1].evidence)["nights"] == 3


def test_it_is_told_in_the_morning(told) -> None:
    """At the first reading from seven on, not at the next midnight."""
    values = weeks("heart_rate", [*CALM, 66, 66])[:-1]
    early = Vital("heart_rate", "band/x", MIDNIGHT + 29 * DAY + 7 * HOUR - 1, 66.0)
    late = replace(early, t_s=early.t_s + 1)
    assert told(DETECTOR, [*values, early]) == []
    assert len(told(DETECTOR, [*values, late])) == 1


def test_a_restless_sleeper_is_not_ill(told) -> None:
    """With a usual spread of 3 a shift of 4 is nothing, one of 2.5 spreads is something."""
    restless = [60, 58, 62, 57] * 7  # the median distance is 2, the spread 2.97
    assert told(DETECTOR, weeks("heart_rate", [*restless, 66, 66])) == []
    assert len(told(DETECTOR, weeks("heart_rate", [*restless, 69, 69]))) == 1


@pytest.mark.parametrize(("readings", "n"), [(12, 0), (13, 1)])
def test_a_night_needs_an_hour_of_readings(told, readings, n) -> None:
    values = weeks("heart_rate", CALM)
    values += weeks("heart_rate", [None] * 28 + [66], readings=13)[28:]
    second = night(29, "heart_rate", 66, readings=readings)
    noon = Vital("heart_rate", "band/x", MIDNIGHT + 29 * DAY + 12 * HOUR, 60.0)
    assert len(told(DETECTOR, [*values, *second, noon])) == n


def test_only_the_night_counts(told) -> None:
    day = [x for n in (28, 29) for x in night(n, "heart_rate", 90, from_s=7 * HOUR, readings=100)]
    assert told(DETECTOR, weeks("heart_rate", [60] * 30) + day) == []


def test_midnight_can_be_elsewhere(told) -> None:
    """Readings from 22:10 UTC are of the night of someone two hours east."""
    values = [
        x
        for n, v in enumerate([*CALM, 66, 66, 60])
        for x in night(n, "heart_rate", v, from_s=22 * HOUR + 600)
        + night(n, "heart_rate", 60, from_s=12 * HOUR, readings=1)
    ]
    assert told(DETECTOR, values) == []
    assert told(replace(DETECTOR, zone_offset_s=2 * HOUR), values)


@pytest.mark.parametrize(("g", "n"), [(0.049, 1), (0.05, 0)])
def test_readings_in_movement_do_not_count(told, g, n) -> None:
    values = weeks("heart_rate", [*CALM, 66, 66])
    moves = [Vital("activity", "hip/activity", MIDNIGHT + 29 * DAY + 300 * i, g) for i in range(24)]
    assert len(told(DETECTOR, values + moves)) == n


def test_what_was_last_known_of_movement_holds_for_ten_minutes(told) -> None:
    values = weeks("heart_rate", [*CALM, 66, 66], from_s=1200.0)
    moved = Vital("activity", "hip/activity", MIDNIGHT + 29 * DAY, 0.3)
    assert len(told(DETECTOR, [*values, replace(moved, t_s=moved.t_s + 599)])) == 1
    assert told(DETECTOR, [*values, replace(moved, t_s=moved.t_s + 601)]) == []


def test_a_night_that_could_not_be_measured_lies_between_its_neighbours(told) -> None:
    values = weeks("heart_rate", [*CALM, 66, None, 66])
    heard = night(29, "heart_rate", 90, readings=3)  # too little
    findings = told(DETECTOR, [*values, *heard])
    assert [f.severity for f in findings] == ["amber"]


def test_a_silence_ends_the_row(told) -> None:
    """After 20 h of nothing the night before and the night after are no pair; 17 h are usual."""
    values = weeks("heart_rate", [*CALM, 66, 66], readings=82)
    noon = MIDNIGHT + 28 * DAY + 12 * HOUR
    assert len(told(DETECTOR, [x for x in values if x.t_s != noon])) == 1
    early = MIDNIGHT + 28 * DAY + 3 * HOUR
    assert told(DETECTOR, [x for x in values if not early < x.t_s <= noon]) == []


def test_measures_of_one_stream_are_one_finding(told) -> None:
    both = weeks("heart_rate", [*CALM, 66, 66]) + weeks("temperature", [*[36.0] * 28, 36.6, 36.6])
    both = [x for x in both if x.kind == "heart_rate" or x.t_s % DAY < 7 * HOUR]
    (finding,) = told(DETECTOR, both)
    assert dict(finding.evidence) == {
        "heart_rate_bpm": 66,
        "usual_heart_rate_bpm": 60,
        "temperature_c": pytest.approx(36.6),
        "usual_temperature_c": pytest.approx(36.0),
        "nights": 2,
    }


def test_a_clock_that_goes_back_begins_anew() -> None:
    state, out = DETECTOR.start(), []
    values = weeks("heart_rate", [*CALM, 66, 66])
    for x in [*values, replace(values[0], t_s=values[0].t_s + 10 * DAY)]:
        state, new = DETECTOR.step(state, x)
        out += new
    assert [f.ongoing for f in out] == [True, False]
    assert state.tracks == DETECTOR.start().tracks


def test_healthy_nights_give_at_most_one_notice_in_thirty_days(told) -> None:
    """Four measures, each night like the one before (r = 0.6), for 230 days of two people."""
    notices = days = 0
    for seed, spread_bpm in ((1, 2.0), (2, 3.5)):
        rng = np.random.default_rng(seed)
        state = {kind: 0.0 for kind in DETECTOR.reads}
        values = []
        for n in range(260):
            for kind in state:
                state[kind] = 0.6 * state[kind] + 0.8 * rng.standard_normal()
                value = {
                    "heart_rate": 58 + spread_bpm * state[kind],
                    "rmssd": 40 * np.exp(0.15 * state[kind]),
                    "temperature": 35.5 + 0.25 * state[kind],
                    "respiratory_rate": 14 + 0.6 * state[kind],
                }[kind]
                values += night(n, kind, value)
        notices += len({f.key for f in told(DETECTOR, values)})
        days += 230
    assert notices <= days / 30
