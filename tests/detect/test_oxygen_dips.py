"""Dips of oxygen: what counts as one, over how long, and what is told of a night."""

from dataclasses import replace

import numpy as np
import pytest

from healthslm.detect.oxygen_dips import DETECTOR
from healthslm.records import Vital

NOON = 1_700_000_000.0 // 86_400 * 86_400 + 43_200
HOUR = 3600


def trace(*dips, seconds=HOUR, level=96.0):
    """Return a trace at 1 Hz with dips (at, depth, length)."""
    x = np.full(seconds, level)
    for at, depth, length in dips:
        x[at : at + length] -= depth
    return x


def vitals(x, t0_s=NOON, step_s=1.0):
    return [Vital("spo2", "ring/spo2", t0_s + i * step_s, float(v)) for i, v in enumerate(x)]


def counted(*dips, **more):
    night = DETECTOR.count(trace(*dips, **more))
    return night.dips3, night.dips4


@pytest.mark.parametrize(
    ("depth", "want"),
    [(2.99, (0, 0)), (3, (1, 0)), (3.99, (1, 0)), (4, (1, 1)), (4 - 1e-9, (1, 1))],
)
def test_three_points_and_four_points_are_enough(depth, want) -> None:
    assert counted((300, depth, 20)) == want


@pytest.mark.parametrize(("seconds", "want"), [(9, (0, 0)), (10, (1, 1))])
def test_a_dip_lasts_ten_seconds(seconds, want) -> None:
    assert counted((300, 5, seconds)) == want


def test_the_ten_seconds_are_in_a_row() -> None:
    """Twice nine seconds with a second at 2 points between are no dip."""
    x = trace((300, 5, 19))
    x[309] = 94
    assert DETECTOR.count(x).dips3 == 0
    assert DETECTOR.count(np.insert(x, 305, 91)).dips3 == 1


def test_four_points_have_to_last_themselves() -> None:
    assert counted((300, 3, 30), (310, 2, 9)) == (1, 0)
    assert counted((300, 3, 30), (310, 2, 10)) == (1, 1)


@pytest.mark.parametrize(("between", "n"), [(94.9, 1), (95.0, 2)])
def test_one_point_below_the_level_before_is_over(between, n) -> None:
    x = trace((300, 4, 40))
    x[315:325] = between
    assert DETECTOR.count(x).dips3 == n


def test_a_lower_level_is_one_dip_and_then_the_level() -> None:
    x = trace((600, 4, 1200), (1200, 4, 15))
    night = DETECTOR.count(x)
    assert (night.dips3, night.dips4) == (2, 2)


@pytest.mark.parametrize(("first", "n"), [(30, 0), (31, 1)])
def test_half_a_minute_must_be_known_before(first, n) -> None:
    assert counted((first, 4, 10)) == (n, n)


def test_dips_close_together_are_measured_from_the_level_between_them() -> None:
    """40 s of every minute lie low: the level before is not the middle of all."""
    assert counted(*((60 * i, 5, 40) for i in range(2, 60))) == (58, 58)


@pytest.mark.parametrize(("hole", "n"), [(3, 1), (4, 0)])
def test_a_hole_ends_the_dip(hole, n) -> None:
    """Four seconds apart is still a row, five are not; what is missing is no evidence."""
    x = trace((300, 5, 9 + hole))
    x[305 : 305 + hole] = np.nan
    assert DETECTOR.count(x).dips3 == n


def test_the_denominator_is_what_was_read() -> None:
    x = trace((300, 5, 20), (2000, 5, 20))
    x[3000:] = np.nan
    night = DETECTOR.count(x)
    assert night.monitored_s == 3000
    assert night.odi3_per_h == 2 * HOUR / 3000
    assert np.isnan(DETECTOR.count([np.nan, 97.0]).odi3_per_h)


def test_time_below_ninety_and_the_nadir() -> None:
    night = DETECTOR.count(trace((300, 6, 30), (900, 6.1, 30), (1500, 46.1, 5)))
    assert (night.below_90_s, night.nadir_pct) == (pytest.approx(30), pytest.approx(89.9))
    assert DETECTOR.count([89.0] * 10).below_90_s == 10


def many(n_per_h, depth=4.0, hours=4):
    """Return `hours` of dips, so many an hour, of 20 s each."""
    every = HOUR // n_per_h // 4 * 4
    dips = ((every * i + 60, depth, 20) for i in range(n_per_h * hours))
    return trace(*dips, seconds=hours * HOUR)


def slept(n_per_h, depth=4.0, hours=4, t0_s=NOON):
    """Return the same as readings every four seconds: a stream may be so slow, and no slower."""
    return vitals(many(n_per_h, depth, hours)[::4], t0_s, 4.0)


def test_a_stream_gives_what_a_trace_gives(told) -> None:
    x = many(12)
    night = DETECTOR.count(x)
    (finding,) = told(DETECTOR, vitals(x))
    assert dict(finding.evidence) == {
        "odi3_per_h": 12,
        "odi4_per_h": 12,
        "monitored_h": 4.0,
        "below_90_s": 0.0,
        "nadir_pct": 92.0,
    }
    assert night.odi3_per_h == 12


@pytest.mark.parametrize(("n_per_h", "depth", "n"), [(4, 4, 0), (5, 3, 1), (5, 2.9, 0)])
def test_five_an_hour_are_told(told, n_per_h, depth, n) -> None:
    findings = told(DETECTOR, slept(n_per_h, depth))
    assert [f.severity for f in findings] == ["info"] * n


def test_four_hours_have_to_be_monitored_and_each_more_tells_it_again(told) -> None:
    x = slept(12, hours=6)
    assert told(DETECTOR, x[:3599]) == []
    assert len(told(DETECTOR, x[:3600])) == 1
    findings = told(DETECTOR, x)
    assert len(findings) == 3
    assert len({f.key for f in findings}) == 1
    assert all(f.ongoing for f in findings)


def test_the_night_ends_at_noon(told) -> None:
    x = slept(12, t0_s=NOON + 10 * HOUR)
    before = Vital("spo2", "ring/spo2", NOON + 86_399, 97.0)
    after = Vital("spo2", "ring/spo2", NOON + 86_400, 97.0)
    assert [f.ongoing for f in told(DETECTOR, [*x, before])] == [True]
    first, last = told(DETECTOR, [*x, before, after])
    assert (last.ongoing, last.key) == (False, first.key)
    assert last.t1_s == before.t_s
    east = replace(DETECTOR, zone_offset_s=1.0)
    assert len(told(east, [*x, before])) == 2


@pytest.mark.parametrize(("n_per_h", "severity"), [(14, "info"), (15, "amber")])
def test_fifteen_an_hour_are_amber_in_the_second_night(told, n_per_h, severity) -> None:
    one, two = slept(n_per_h), slept(n_per_h, t0_s=NOON + 86_400)
    later = slept(n_per_h, t0_s=NOON + 2 * 86_400)
    assert [f.severity for f in told(DETECTOR, one)] == ["info"]
    assert [f.severity for f in told(DETECTOR, one + two)] == ["info", "info", severity]
    assert [f.severity for f in told(DETECTOR, one + later)] == ["info"] * 3


def test_a_short_bad_night_before_makes_no_amber(told) -> None:
    """It has to be worth telling itself: four hours."""
    one, two = slept(20)[:3000], slept(20, t0_s=NOON + 86_400)
    assert [f.severity for f in told(DETECTOR, one + two)] == ["info"]


def test_readings_ten_seconds_apart_are_no_row(told) -> None:
    """A dip of ten seconds would be one reading, or none."""
    assert told(DETECTOR, vitals(many(12), step_s=10.0)) == []


def test_a_faster_stream_is_looked_at_once_a_second(told) -> None:
    x = np.repeat(many(12), 4)
    (fast,) = told(DETECTOR, vitals(x, step_s=0.25))
    (usual,) = told(DETECTOR, vitals(many(12)))
    assert dict(fast.evidence)["odi3_per_h"] == pytest.approx(dict(usual.evidence)["odi3_per_h"])


def test_what_cannot_be_in_a_living_finger_is_not_looked_at() -> None:
    assert counted((300, 47, 20)) == (0, 0)  # 49 %: the probe is off
    assert counted((300, 46, 20)) == (1, 1)
