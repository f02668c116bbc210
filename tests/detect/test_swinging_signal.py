"""A lead that swings without beats asks at once."""

from dataclasses import replace

import pytest

from healthslm.detect.swinging_signal import DETECTOR
from healthslm.records import Finding, Vital


def blocks(*values, t0_s=0.0, step_s=10.0):
    return [
        Vital("ecg_swing", "chest/ecg", t0_s + step_s * (i + 1), v) for i, v in enumerate(values)
    ]


def severities(findings):
    return [(f.severity, f.ongoing) for f in findings]


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ((0.0, 2.0, 0.0), None),
        ((0.0, 3.99, 0.0), None),
        ((0.0, 4.0, 0.0), "amber"),
        ((0.0, 7.99, 0.0), "amber"),
        ((0.0, 8.0, 0.0), "red"),
        ((0.0, 10.0, 0.0), "red"),
        ((2.0, 2.0, 2.0, 2.0), None),  # shorter than any fibrillation, each of them
        ((3.9, 7.9), "amber"),
    ],
)
def test_four_seconds_are_amber_and_eight_are_red_at_once(told, values, severity):
    found = told(DETECTOR, blocks(*values))
    assert severities(found) == ([] if severity is None else [(severity, True)])


def test_two_blocks_in_a_row_make_eight_seconds(told):
    found = told(DETECTOR, blocks(0.0, 4.0, 4.0, 4.0))
    assert severities(found) == [("amber", True), ("red", True)]
    assert found[0].key == found[1].key
    assert severities(told(DETECTOR, blocks(4.0, 0.0, 4.0))) == [("amber", True)]
    assert severities(told(DETECTOR, blocks(4.0, 3.9))) == [("amber", True)]


def test_blocks_that_do_not_touch_are_not_in_a_row(told):
    found = told(DETECTOR, [*blocks(4.0), *blocks(4.0, t0_s=20.0)])
    assert severities(found) == [("amber", True)]


def test_a_red_that_lasts_is_told_once_and_never_grows_milder(told):
    found = told(DETECTOR, blocks(10.0, 10.0, 10.0, 4.0, 0.0, 0.0, 0.0))
    assert severities(found) == [("red", True), ("red", False)]
    first, last = found
    assert first.key == last.key
    assert (first.t0_s, first.t1_s, last.t1_s) == (0.0, 10.0, 40.0)
    assert dict(last.evidence) == {"swing_s": 34.0}


def test_an_amber_block_adds_nothing_to_a_red_that_lasts(told):
    found = told(DETECTOR, blocks(10.0, 0.0, 4.0))
    assert severities(found) == [("red", True)]


def test_half_a_minute_without_swing_ends_it(told):
    values = (10.0, 0.0, 0.0, 0.0, 0.0)
    found = told(DETECTOR, blocks(*values))
    assert severities(found) == [("red", True), ("red", False)]
    assert severities(told(DETECTOR, blocks(*values[:3]))) == [("red", True)]
    later = replace(DETECTOR, clear_s=40.0)
    assert severities(told(later, blocks(*values[:4]))) == [("red", True)]


def test_a_short_swing_keeps_it_going_and_counts(told):
    found = told(DETECTOR, blocks(10.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0))
    assert severities(found) == [("red", True), ("red", False)]
    assert found[1].t1_s == 30.0
    assert dict(found[1].evidence) == {"swing_s": 12.0}


def test_a_swing_after_the_end_is_another_finding(told):
    found = told(DETECTOR, blocks(10.0, 0.0, 0.0, 0.0, 0.0, 10.0))
    assert severities(found) == [("red", True), ("red", False), ("red", True)]
    assert found[2].t0_s == 50.0


@pytest.mark.parametrize(("gap_s", "one"), [(60.0, True), (60.1, False)])
def test_a_silence_of_a_minute_ends_it(told, gap_s, one):
    found = told(DETECTOR, [*blocks(10.0), *blocks(10.0, t0_s=gap_s)])
    if one:
        assert severities(found) == [("red", True)]
    else:
        assert severities(found) == [("red", True), ("red", False), ("red", True)]
        assert found[1].t1_s == 10.0
        assert found[2].t0_s == pytest.approx(gap_s)


def test_a_clock_that_steps_back_ends_it(told):
    state, _ = DETECTOR.step(DETECTOR.start(), blocks(10.0, t0_s=100.0)[0])
    state, found = DETECTOR.step(state, blocks(4.0)[0])
    assert severities(found) == [("red", False), ("amber", True)]


def test_the_end_and_a_new_beginning_may_fall_together(told):
    found = told(DETECTOR, [*blocks(10.0), *blocks(0.0, t0_s=500.0), *blocks(4.0, t0_s=600.0)])
    assert severities(found) == [("red", True), ("red", False), ("amber", True)]


def test_it_is_a_finding_of_its_own(told):
    (found,) = told(DETECTOR, blocks(6.0))
    expected = Finding(
        "swinging_signal", "chest/ecg", 0.0, 10.0, "amber", (("swing_s", 6.0),), True
    )
    assert found == expected
