"""Stillness that is longer than usual for this person and hour."""

from typing import Any

import pytest

from healthslm.detect.inactivity import DETECTOR, Inactivity
from healthslm.records import Finding, Vital

T0 = 1_700_006_400.0  # a whole day, UTC
HOUR = 60  # minutes


def minutes(*runs: tuple[float, int], t0_s: float = T0) -> list[Vital]:
    values = [v for v, n in runs for _ in range(n)]
    return [Vital("activity", "wrist/x", t0_s + 60 * i, v) for i, v in enumerate(values)]


def hearts(count: int, t0_s: float = T0) -> list[Vital]:
    return [Vital("heart_rate", "chest/ecg", t0_s + 60 * i + 30, 60.0) for i in range(count)]


def told(items: list[Vital], stage: Inactivity = DETECTOR) -> list[Finding]:
    state: Any = stage.start()
    out = list[Finding]()
    for x in sorted(items, key=lambda x: x.t_s):
        state, new = stage.step(state, x)
        out += new
    return out


def used(length: int, count: int) -> list[Vital]:
    """Return stillnesses of so many minutes that all began between 00:00 and 01:00 UTC."""
    return [
        x
        for day in range(count)
        for x in minutes((0.0, length + 1), (0.1, 2), t0_s=T0 + 86_400 * day)
    ]


def test_ten_hours_where_nothing_is_known_of_the_person() -> None:
    day = [*minutes((0.1, 5), (0.0, 10 * HOUR + 2), (0.1, 3)), *hearts(11 * HOUR)]
    first, last = told(day)
    assert (first.severity, first.ongoing, last.ongoing) == ("amber", True, False)
    assert first.t0_s == T0 + 5 * 60
    assert first.t1_s - first.t0_s == 36_060  # more than ten hours, not ten
    assert dict(first.evidence) == pytest.approx({"still_h": 36_060 / 3600, "limit_h": 10.0})
    assert last.key == first.key
    assert not told([*minutes((0.1, 5), (0.0, 10 * HOUR + 1), (0.1, 3)), *hearts(11 * HOUR)])


@pytest.mark.parametrize(("g", "still"), [(0.0199, True), (0.02, False)])
def test_what_counts_as_movement(g: float, still: bool) -> None:
    assert bool(told(minutes((0.0, 6 * HOUR), (g, 1), (0.0, 6 * HOUR)))) == still


@pytest.mark.parametrize(("heart_min", "severity"), [(585, "info"), (586, "amber")])
def test_without_a_heart_rate_it_may_be_a_sensor_on_a_table(heart_min: int, severity: str) -> None:
    """The last is heard in minute `heart_min` - 0.5; ten hours and a minute are over at 601."""
    stage = Inactivity(worn_s=15.5 * 60)
    (first,) = told([*minutes((0.0, 10 * HOUR + 2)), *hearts(heart_min)], stage)
    assert first.severity == severity


def test_no_heart_at_all() -> None:
    (first,) = told(minutes((0.0, 11 * HOUR)))
    assert first.severity == "info"


@pytest.mark.parametrize(("nights", "limit_h"), [(99, 10.0), (100, 2 * 128 * 2**0.5 / 60)])
def test_own_habits_count_from_a_hundred_on(nights: int, limit_h: float) -> None:
    """150 minutes lie in the bin from 128 to 181."""
    then = minutes((0.0, 11 * HOUR), t0_s=T0 + 86_400 * nights)
    (first,) = [f for f in told([*used(150, nights), *then]) if f.ongoing]
    assert dict(first.evidence)["limit_h"] == pytest.approx(limit_h)


def test_one_night_in_a_hundred_is_forgotten() -> None:
    """The 99th percentile of 100: the longest of them does not raise it; two do."""
    for long, limit_h in ((1, 2 * 128 * 2**0.5 / 60), (2, 2 * 256 / 60)):
        past = [*used(150, 100 - long), *used_from(200, long, 100 - long)]
        then = minutes((0.0, 14 * HOUR), t0_s=T0 + 86_400 * 100)
        (first,) = [f for f in told([*past, *then]) if f.ongoing]
        assert dict(first.evidence)["limit_h"] == pytest.approx(limit_h)


def used_from(length: int, count: int, first: int) -> list[Vital]:
    return [Vital(x.kind, x.stream, x.t_s + 86_400 * first, x.value) for x in used(length, count)]


def test_another_hour_is_another_habit() -> None:
    then = minutes((0.0, 9 * HOUR), t0_s=T0 + 86_400 * 100 + 12 * 3600)
    assert not told([*used(150, 100), *then])


def test_never_below_two_hours_and_never_above_twelve() -> None:
    stage = Inactivity(least_runs=10)
    for length, limit_h in ((5, 2.0), (470, 12.0)):
        then = minutes((0.0, 13 * HOUR), t0_s=T0 + 86_400 * 10)
        (first,) = [f for f in told([*used(length, 10), *then], stage) if f.ongoing]
        assert dict(first.evidence)["limit_h"] == limit_h


def test_a_sensor_that_was_not_worn_teaches_nothing() -> None:
    stage = Inactivity(least_runs=10)
    then = minutes((0.0, 11 * HOUR), t0_s=T0 + 86_400 * 10)
    unworn = [*hearts(1), *used(470, 10)]
    (first,) = [f for f in told([*unworn, *then], stage) if f.ongoing]
    assert dict(first.evidence)["limit_h"] == 10.0


@pytest.mark.parametrize(("lost", "still"), [(14, True), (15, False)])
def test_a_hole_ends_the_stillness(lost: int, still: bool) -> None:
    items = [x for i, x in enumerate(minutes((0.0, 11 * HOUR))) if not 300 <= i < 300 + lost]
    assert bool(told(items)) == still


def test_a_hole_ends_what_was_told() -> None:
    later = minutes((0.0, 5), t0_s=T0 + 86_400)
    first, last = told([*minutes((0.0, 11 * HOUR)), *later])
    assert (first.ongoing, last.ongoing) == (True, False)
    assert last.t1_s == T0 + 60 * (11 * HOUR - 1)


def test_it_is_told_once_each_time() -> None:
    day = minutes((0.0, 11 * HOUR), (0.2, 1), (0.0, 11 * HOUR), (0.2, 1))
    assert [f.ongoing for f in told(day)] == [True, False, True, False]
