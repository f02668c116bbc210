"""Persistence, hysteresis and silence, as every lasting finding has them."""

import pytest

from healthslm.detect.lasting import Level, News, Run, advance, skipped

AMBER = Level("amber", 100.0, 60.0, 5.0)
RED = Level("red", 150.0, 30.0, 5.0)


def feed(readings: list[tuple[float, float]], run: Run | None = None) -> tuple[Run, list[News]]:
    """Take (time, value) pairs, where more is worse."""
    run, out = run or Run(), []
    for t_s, value in readings:
        levels = ((AMBER, value >= AMBER.limit), (RED, value >= RED.limit))
        run, news = advance(run, t_s, value, levels, sign=1)
        out += news
    return run, out


def steady(value: float, t0_s: float, t1_s: float, step_s: float = 10) -> list[tuple[float, float]]:
    return [(t0_s + i * step_s, value) for i in range(int((t1_s - t0_s) / step_s) + 1)]


def test_a_level_is_reached_when_it_was_met_for_its_hold() -> None:
    assert feed(steady(100, 0, 50))[1] == []
    _, (news,) = feed(steady(100, 0, 60))
    assert news.ongoing
    assert (news.told.since_s, news.told.newest_s, news.told.severity) == (0, 60, "amber")


def test_one_reading_short_of_the_limit_begins_the_hold_anew() -> None:
    readings = [*steady(100, 0, 50), (60.0, 99.9), *steady(100, 70, 120)]
    assert feed(readings)[1] == []
    assert feed([*readings, (130.0, 100.0)])[1][0].told.since_s == 70


def test_two_readings_are_never_enough() -> None:
    """However far apart they are."""
    slow, _ = feed(steady(20, -6000, -60, step_s=60))
    assert feed([(0, 120.0), (60, 120.0)], slow)[1] == []
    assert len(feed([(0, 120.0), (60, 120.0), (120, 120.0)], slow)[1]) == 1


def test_a_hole_of_up_to_a_minute_freezes_the_hold() -> None:
    """It counts as one usual step, not as the minute that it took."""
    before, after = steady(100, 0, 30), steady(100, 90, 100)
    assert feed(before + after)[1] == []
    _, (news,) = feed([*before, *after, (110.0, 100.0)])
    assert news.told.since_s == 0


def test_a_longer_hole_ends_all_evidence() -> None:
    before = steady(100, 0, 30)
    assert feed(before + steady(100, 90.1, 140.1))[1] == []
    _, (news,) = feed(before + steady(100, 90.1, 150.1))
    assert news.told.since_s == pytest.approx(90.1)


def test_a_hole_ends_a_finding_where_it_was_last_seen() -> None:
    _, (_, end) = feed([*steady(110, 0, 100), (500.0, 20.0)])
    assert not end.ongoing
    assert end.told.newest_s == 100


def test_a_slow_stream_has_a_pace_of_its_own() -> None:
    """Five minutes between readings are a gap in a fast stream, and usual in this one."""
    calm = steady(20, 0, 300 * 20, step_s=300)
    _, (news,) = feed(calm + steady(110, 6300, 6900, step_s=300))
    assert news.told.since_s == 6300
    assert feed(steady(20, 0, 6000) + steady(110, 6300, 6900, step_s=300))[1] == []


def test_it_is_over_when_clear_by_the_margin_for_twice_the_hold() -> None:
    ill = steady(110, 0, 60)
    assert len(feed(ill + steady(95, 70, 180))[1]) == 1
    _, (_, end) = feed(ill + steady(95, 70, 190))
    assert not end.ongoing
    assert end.told.newest_s == 60


def test_within_the_margin_it_goes_on() -> None:
    readings = steady(110, 0, 60) + steady(95.1, 70, 1000)
    run, news = feed(readings)
    assert len(news) == 1
    assert run.told is not None
    assert run.told.newest_s == 1000


def test_one_reading_that_is_not_clear_begins_the_clearing_anew() -> None:
    readings = steady(110, 0, 60) + steady(20, 70, 180) + [(190.0, 96.0)] + steady(20, 200, 310)
    assert len(feed(readings)[1]) == 1
    assert len(feed([*readings, (320.0, 20.0)])[1]) == 2


def test_it_is_told_again_when_it_becomes_graver_and_only_then() -> None:
    _, news = feed(steady(110, 0, 60) + steady(160, 70, 200) + steady(110, 210, 300))
    assert [(n.told.severity, n.told.limit, n.told.since_s) for n in news] == [
        ("amber", 100, 0),
        ("red", 150, 0),
    ]


def test_a_milder_level_that_is_reached_later_eases_the_end() -> None:
    """Red came first; back in the amber range it is not over."""
    run, news = feed(steady(160, 0, 60) + steady(120, 70, 600))
    assert [n.told.severity for n in news] == ["red"]
    assert run.told is not None


def test_worst_and_mean_are_of_the_readings_that_were_not_clear() -> None:
    readings = [*steady(110, 0, 50), (60.0, 140.0), *steady(20, 70, 190)]
    _, (_, end) = feed(readings)
    assert end.told.worst == 140
    assert end.told.mean == pytest.approx((6 * 110 + 140) / 7)


def test_a_clock_that_goes_back_ends_all_evidence() -> None:
    assert feed(steady(110, 0, 50) + steady(110, -1000, -950))[1] == []


def test_what_is_skipped_neither_raises_nor_clears() -> None:
    run, _ = feed(steady(110, 0, 60))
    for t_s in range(70, 5000, 10):
        run = skipped(run, float(t_s))
    assert run.told is not None
    assert feed([(5000.0, 20.0)], run)[1] == []
    pending, _ = feed(steady(110, 0, 50))
    assert skipped(pending, 60.0) == pending
