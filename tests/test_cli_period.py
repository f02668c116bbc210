"""Which span a person asks for, in UTC seconds: local clocks, clock changes, what is to come."""

from datetime import UTC, date, datetime

import click
import pytest

from healthslm.cli.period import Asked, asked, moment, period, shown
from healthslm.summaries import Period

MADRID = "Europe/Madrid"


def at(text: str) -> float:
    """Return a UTC time in seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NEWEST = at("2026-03-29T20:00")  # clocks went forward that morning: 22:00 in Madrid
LATER = at("2026-03-30T09:00")


def test_a_day_is_midnight_to_midnight_by_local_clocks() -> None:
    span = period(Asked(), NEWEST, LATER, MADRID)
    assert span == Period(at("2026-03-28T23:00"), at("2026-03-29T22:00"))  # 23 hours


def test_what_is_still_to_come_is_not_part_of_it() -> None:
    now = NEWEST + 60
    assert period(Asked(), NEWEST, now, MADRID).t1_s == now
    assert period(Asked(week=True), NEWEST, now, MADRID).t1_s == now
    night = Asked(night="2026-03-30")
    assert period(night, NEWEST, now, MADRID) == Period(at("2026-03-29T20:00"), now)


def test_the_last_night_ends_on_the_newest_day() -> None:
    """Seven hours long: that night clocks went forward."""
    span = Period(at("2026-03-28T21:00"), at("2026-03-29T04:00"))
    assert period(Asked(night="last"), NEWEST, LATER, MADRID) == span
    assert period(Asked(night="2026-03-29"), NEWEST, LATER, MADRID) == span


def test_a_week_is_seven_local_days_without_a_gap() -> None:
    span = period(Asked(week=True), NEWEST, LATER, MADRID)
    assert (span.t0_s, span.t1_s) == (at("2026-03-22T23:00"), at("2026-03-29T22:00"))
    assert len(span.days) == 7
    assert [t1 for _, t1 in span.days[:-1]] == [t0 for t0, _ in span.days[1:]]
    assert (span.days[0][0], span.days[-1][1]) == (span.t0_s, span.t1_s)


def test_since_reaches_to_now_and_has_days_where_it_is_longer_than_one() -> None:
    short = period(Asked(since="14:05"), NEWEST, LATER, MADRID)
    assert short == Period(at("2026-03-29T12:05"), LATER)
    long = period(Asked(since="2026-03-27T12:00"), NEWEST, LATER, MADRID)
    assert (long.t0_s, long.t1_s) == (at("2026-03-27T11:00"), LATER)
    assert [t1 for _, t1 in long.days[:-1]] == [t0 for t0, _ in long.days[1:]]
    assert (long.days[0][0], long.days[-1][1], len(long.days)) == (long.t0_s, LATER, 4)


def test_a_store_that_nobody_feeds_is_told_to_the_end_of_its_newest_day() -> None:
    years = NEWEST + 3e8
    assert period(Asked(since="14:05"), NEWEST, years, MADRID).t1_s == at("2026-03-29T22:00")


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (Asked(day=date(2026, 3, 21)), "reaches back to 2026-03-22, no further"),
        (Asked(day=date(2026, 3, 31)), "has not come yet"),
        (Asked(night="2026-03-22"), "the night to 2026-03-23, no further"),
        (Asked(night="2026-03-31"), "has not come yet"),
        (Asked(since="2026-03-21T23:59"), "reaches back to 2026-03-22, no further"),
        (Asked(since="2026-03-30T11:00"), "has not come yet"),
    ],
)
def test_what_the_key_does_not_reach_and_what_is_to_come_are_refused(
    what: Asked, says: str
) -> None:
    with pytest.raises(click.BadParameter, match=says):
        period(what, NEWEST, LATER, MADRID)


def test_the_first_of_each_is_reached() -> None:
    for what in (
        Asked(day=date(2026, 3, 22)),
        Asked(night="2026-03-23"),
        Asked(since="2026-03-22"),
    ):
        assert period(what, NEWEST, LATER, MADRID).t0_s >= at("2026-03-21T23:00")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("14:05", "2026-03-29T12:05"),
        ("9:05", "2026-03-29T07:05"),
        ("2026-03-28", "2026-03-27T23:00"),
        ("2026-03-28T10:00", "2026-03-28T09:00"),
        ("2026-03-28 10:00+00:00", "2026-03-28T10:00"),
    ],
)
def test_a_time_is_local_unless_it_says(text: str, utc: str) -> None:
    assert moment(text, date(2026, 3, 29), MADRID) == at(utc)


@pytest.mark.parametrize("text", ["", "25:00", "noon", "-1", "2026-02-30", "9999999999-01-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="want HH:MM"):
        moment(text, date(2026, 3, 29), MADRID)


def test_one_period_at_a_time() -> None:
    assert asked(None, None, False, None).name == "day"
    assert [asked(None, *more).name for more in (
        ("last", False, None), (None, True, None), (None, False, "9:00")
    )] == ["night", "week", "since"]  # fmt: skip
    with pytest.raises(click.UsageError, match="--night and --week"):
        asked(None, "last", True, None)


def test_a_period_is_shown_as_a_day_or_from_when_to_when() -> None:
    assert shown(at("2026-03-28T23:00"), at("2026-03-29T22:00"), MADRID) == "2026-03-29"
    assert shown(at("2026-03-29T10:00"), NEWEST, MADRID) == "2026-03-29 12:00 to 22:00 CEST"
    evening = at("2026-03-28T19:00")
    assert shown(evening, NEWEST, MADRID) == "2026-03-28 20:00 to 2026-03-29 22:00 CEST"
