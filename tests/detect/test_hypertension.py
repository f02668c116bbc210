"""High blood pressure by a cuff: on both sides of each limit, asked for again, confirmed."""

import pytest

from healthslm.detect.hypertension import DETECTOR
from healthslm.records import Vital

T0 = 1_700_000_000.0
MINUTE, HOUR = 60.0, 3600.0


def cuff(*readings, device="cuff", late_s=0.0):
    """Return both values of readings (time, systolic, diastolic)."""
    out = []
    for t_s, systolic, diastolic in readings:
        if diastolic is not None:
            out.append(Vital("diastolic", f"{device}/diastolic", T0 + t_s + late_s, diastolic))
        out.append(Vital("systolic", f"{device}/systolic", T0 + t_s, systolic))
    return out


def severities(findings):
    return [f.severity for f in findings]


@pytest.mark.parametrize(
    ("systolic", "diastolic", "n"),
    [(180, 80, 0), (180.1, 80, 1), (140, 120, 0), (140, 120.1, 1), (181, None, 1)],
)
def test_one_severe_reading_asks_for_another(told, systolic, diastolic, n) -> None:
    findings = told(DETECTOR, cuff((0, systolic, diastolic)))
    assert severities(findings) == ["amber"] * n
    for f in findings:
        assert f.stream == "cuff/systolic"
        assert f.ongoing
        assert dict(f.evidence)["readings"] == 1


@pytest.mark.parametrize(("apart_s", "want"), [(299, ["amber"]), (300, ["amber", "red"])])
def test_a_second_one_five_minutes_later_is_red(told, apart_s, want) -> None:
    findings = told(DETECTOR, cuff((0, 190, 100), (apart_s, 185, 125)))
    assert severities(findings) == want
    if len(want) == 2:
        assert findings[1].key == findings[0].key
        assert (findings[1].t0_s, findings[1].t1_s) == (T0, T0 + 300)
        assert dict(findings[1].evidence) == {
            "systolic_mmhg": 190,
            "diastolic_mmhg": 125,
            "systolic_limit_mmhg": 180,
            "diastolic_limit_mmhg": 120,
            "readings": 2,
        }


@pytest.mark.parametrize(("apart_h", "n"), [(12, 2), (12.01, 3)])
def test_readings_more_than_half_a_day_apart_are_strangers(told, apart_h, n) -> None:
    """The first is then over, and the second asks anew."""
    findings = told(DETECTOR, cuff((0, 190, 100), (apart_h * HOUR, 190, 100)))
    assert len(findings) == n
    assert severities(findings)[-1] == ("red" if n == 2 else "amber")


def test_a_reading_between_that_is_not_over_ends_the_row(told) -> None:
    between = cuff((0, 190, 100), (5 * MINUTE, 175, 100), (10 * MINUTE, 190, 100))
    assert "red" not in severities(told(DETECTOR, between))
    again = cuff((0, 190, 100), (5 * MINUTE, 175, 100), (10 * MINUTE, 190, 100), (900, 190, 90))
    assert severities(told(DETECTOR, again)) == ["amber", "red"]


@pytest.mark.parametrize(
    ("systolic", "diastolic", "n"), [(159.9, 99.9, 0), (160, 80, 1), (130, 100, 1)]
)
def test_160_or_100_twice_is_amber_and_once_is_not_told(told, systolic, diastolic, n) -> None:
    assert told(DETECTOR, cuff((0, systolic, diastolic))) == []
    assert told(DETECTOR, cuff((0, systolic, diastolic), (299, systolic, diastolic))) == []
    findings = told(DETECTOR, cuff((0, systolic, diastolic), (300, systolic, diastolic)))
    assert severities(findings) == ["amber"] * n
    if n:
        assert dict(findings[0].evidence)["systolic_limit_mmhg"] == 160
        assert (findings[0].t0_s, findings[0].t1_s) == (T0, T0 + 300)
        assert dict(findings[0].evidence)["readings"] == 2


@pytest.mark.parametrize(
    ("first", "systolic", "diastolic", "n"),
    [
        ((190, 90), 171, 114, 2),  # 5 % below 180 over 120
        ((190, 90), 171.1, 114, 1),
        ((190, 90), 171, 114.1, 1),
        ((165, 90), 152, 95, 2),  # and below 160 over 100
        ((165, 90), 152.1, 95, 1),
        ((165, 90), 152, 95.1, 1),
    ],
)
def test_it_is_over_after_two_readings_clear_by_the_margin(
    told, first, systolic, diastolic, n
) -> None:
    high = [(0, *first)] if first[0] > 180 else [(-300, *first), (0, *first)]
    well = [(t_s, systolic, diastolic) for t_s in (100, 200)]  # too soon to confirm 160
    findings = told(DETECTOR, cuff(*high, *well))
    assert len(findings) == n
    assert len(told(DETECTOR, cuff(*high, well[0]))) == 1
    if n == 2:
        assert not findings[1].ongoing
        assert findings[1].t1_s == T0


def test_what_stays_at_160_is_not_over_though_no_longer_severe(told) -> None:
    findings = told(DETECTOR, cuff((0, 190, 90), (300, 165, 90), (600, 165, 90), (900, 165, 90)))
    assert severities(findings) == ["amber"]
    assert told(DETECTOR, cuff((0, 190, 90), (300, 165, 90), (600, 150, 90), (900, 150, 90)))[1:]


def test_one_reading_that_is_not_clear_begins_the_clearing_anew(told) -> None:
    row = [(0, 190, 90), (300, 150, 80), (400, 179, 80), (500, 150, 80)]
    assert len(told(DETECTOR, cuff(*row))) == 1
    assert len(told(DETECTOR, cuff(*row, (600, 150, 80)))) == 2


def test_a_second_half_that_comes_late_belongs_to_its_reading(told) -> None:
    """A diastolic value after its systolic one: the row goes on, nothing counts twice."""
    readings = cuff((0, 150, 125), (300, 150, 125), late_s=20.0)
    findings = told(DETECTOR, readings)
    assert severities(findings) == ["amber", "red"]
    assert dict(findings[1].evidence)["readings"] == 2
    far = cuff((0, 150, 125), late_s=61.0)
    assert told(DETECTOR, far) == []


def test_late_halves_do_not_clear_twice(told) -> None:
    well = cuff((0, 190, 90), (300, 150, 80), late_s=10.0)
    assert len(told(DETECTOR, well)) == 1


def test_the_diastolic_value_of_another_cuff_is_not_taken(told) -> None:
    own, other = cuff((0, 150, None)), cuff((0, 100, 130), device="other")[:1]
    assert told(DETECTOR, [*other, *own]) == []
    later = [Vital("diastolic", "other/diastolic", T0 + 5, 130.0)]
    assert told(DETECTOR, [*own, *later]) == []


def test_no_reading_is_judged_without_its_systolic_value(told) -> None:
    assert told(DETECTOR, [Vital("diastolic", "cuff/diastolic", T0, 150.0)]) == []


def test_a_clock_that_goes_back_ends_the_row(told) -> None:
    state, out = DETECTOR.start(), []
    for x in cuff((0, 190, 90), (-400, 190, 90)):
        state, new = DETECTOR.step(state, x)
        out += new
    assert severities(out) == ["amber", "amber", "amber"]
    assert [f.ongoing for f in out] == [True, False, True]
