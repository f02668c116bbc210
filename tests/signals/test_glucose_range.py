"""A day of glucose: exact on the consensus' limits, told only where enough was read."""

from dataclasses import replace

import pytest

from healthslm.records import Vital
from healthslm.signals.glucose_range import SIGNAL, Ranges

DAY = 86_400.0
MIDNIGHT = 1_700_000_000.0 // DAY * DAY


def day(n, values, step_s=300.0, t0_s=0.0):
    begin_s = MIDNIGHT + n * DAY + t0_s
    return [
        Vital("glucose", "cgm/glucose", begin_s + i * step_s, float(v))
        for i, v in enumerate(values)
    ]


def told(items):
    state, out = SIGNAL.start(), []
    for x in items:
        state, new = SIGNAL.step(state, x)
        out += new
    return out


@pytest.mark.parametrize(
    ("mgdl", "where"),
    [(53.9, 0), (54, 1), (69.9, 1), (70, 2), (180, 2), (180.1, 3), (250, 3), (250.1, 4)],
)
def test_each_limit_lies_where_the_consensus_has_it(mgdl, where) -> None:
    assert Ranges.of([mgdl]).percent() == tuple(100.0 * (i == where) for i in range(5))


def test_a_day_is_told_when_the_next_begins() -> None:
    values = [60] * 72 + [120] * 144 + [200] * 72
    assert told(day(0, values)) == []
    out = told(day(0, values) + day(1, [100]))
    assert {v.t_s for v in out} == {MIDNIGHT + DAY}
    assert {v.stream for v in out} == {"cgm/glucose"}
    seen = {v.kind: v.value for v in out}
    assert seen["glucose_tbr1"] == seen["glucose_tar1"] == 25
    assert seen["glucose_tbr2"] == seen["glucose_tar2"] == 0
    assert seen["glucose_tir"] == 50
    assert seen["glucose_mean"] == pytest.approx(125)
    assert seen["glucose_gmi"] == pytest.approx(6.3)
    assert seen["glucose_cv"] == pytest.approx(
        100 * (288 / 287 * (65**2 / 4 + 5**2 / 2 + 75**2 / 4)) ** 0.5 / 125
    )
    assert seen["glucose_wear"] == pytest.approx(100 * 287 / 288)


@pytest.mark.parametrize(("count", "n"), [(202, 0), (203, 9)])
def test_seventy_percent_of_the_day_have_to_be_read(count, n) -> None:
    """The first reading stands for nothing: 202 intervals of 5 min are 70.1 %."""
    assert len(told(day(0, [100] * count) + day(1, [100]))) == n


@pytest.mark.parametrize(("step_s", "wear"), [(900.0, 100.0), (1200.0, 75.0)])
def test_a_reading_stands_for_a_quarter_of_an_hour_at_most(step_s, wear) -> None:
    days = day(0, [100] * 10) + day(1, [100] * round(DAY / step_s), step_s) + day(2, [100])
    seen = {v.kind: v.value for v in told(days)}
    assert seen["glucose_wear"] == pytest.approx(wear)


def test_midnight_can_be_elsewhere() -> None:
    values = day(0, [100] * 288, t0_s=-7200) + day(1, [100], t0_s=-7200)
    assert told(values) == []
    state, out = replace(SIGNAL, zone_offset_s=7200.0), []
    lane = state.start()
    for x in values:
        lane, new = state.step(lane, x)
        out += new
    assert {v.t_s for v in out} == {MIDNIGHT + DAY - 7200}


def test_what_comes_twice_counts_once() -> None:
    once = day(0, [100] * 288) + day(1, [100])
    twice = [x for x in day(0, [100] * 288) for _ in (0, 1)] + day(1, [100])
    assert told(twice) == told(once)


def test_a_clock_that_goes_back_a_day_begins_anew() -> None:
    assert told(day(1, [100] * 288) + day(0, [100]) + day(2, [100])) == []
