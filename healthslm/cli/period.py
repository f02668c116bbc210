"""Which period a person asks for: a day, a night, a week, or since a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import click

from healthslm import days
from healthslm.cli.place import DAY_S
from healthslm.days import bounds, day_of
from healthslm.language.slots import LONGEST_DAY_S
from healthslm.summaries import USUAL_DAYS, Period

LAST = "last"  # of nights
OPTIONS = ("--day", "--night", "--week", "--since")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for; at most one of these is set."""

    day: date | None = None
    night: str | None = None  # ISO date of its morning, or LAST
    week: bool = False
    since: str | None = None

    @property
    def name(self) -> str:
        """The period's kind: "day", "night", "week" or "since"."""
        if self.night is not None:
            return "night"
        return "week" if self.week else "day" if self.since is None else "since"


def asked(day: datetime | None, night: str | None, week: bool, since: str | None) -> Asked:
    """Return what the options ask for.

    Raises
    ------
    click.UsageError
        They ask for more than one period.
    """
    given = [
        name
        for name, there in zip(OPTIONS, (day, night, week or None, since), strict=True)
        if there is not None
    ]
    if len(given) > 1:
        raise click.UsageError(f"{given[0]} and {given[1]}: one period at a time")
    return Asked(day.date() if day else None, night, week, since)


def period(what: Asked, newest_s: float, now_s: float, zone: str) -> Period:
    """Return the period that is asked for, as far as it has come.

    Parameters
    ----------
    newest_s
        Of the newest record: the days count from there.
    now_s
        What is still to come is not missing.

    Raises
    ------
    click.BadParameter
        It lies before all that the board's key opens (of which nothing is known here, not
        even that nothing was measured), or is still to come, or is no such time.
    """
    newest = day_of(newest_s, zone)
    first, last = newest - timedelta(days=USUAL_DAYS), max(newest, day_of(now_s, zone))
    if what.since is not None:
        long_ago = now_s - newest_s > (USUAL_DAYS + 1) * DAY_S  # a store that nobody feeds
        end_s = bounds(newest, zone)[1] if long_ago else now_s
        return _since(what.since, newest, first, end_s, zone)
    if what.week:
        return _several(days.week(newest, zone), now_s)
    if what.night is not None:
        day = newest if what.night == LAST else _date(what.night, "--night")
        one = timedelta(days=1)
        _within(day, first + one, last + one, "--night")  # one may be under way this evening
        t0_s, t1_s = days.night(day, zone)
        if t0_s >= now_s:
            raise click.BadParameter("that night has not come yet", param_hint="--night")
    else:
        day = what.day or newest
        _within(day, first, last, "--day")
        t0_s, t1_s = bounds(day, zone)
    return Period(t0_s, min(t1_s, max(now_s, t0_s + 1.0)))


def _within(day: date, first: date, last: date, option: str) -> None:
    what = "night" if option == "--night" else "day"
    if day < first:
        words = "the board's key reaches back to"
        whole = "the night to " if what == "night" else ""
        raise click.BadParameter(f"{words} {whole}{first}, no further", param_hint=option)
    if day > last:
        raise click.BadParameter(f"that {what} has not come yet", param_hint=option)


def _since(text: str, newest: date, first: date, now_s: float, zone: str) -> Period:
    t0_s = moment(text, newest, zone)
    if t0_s < bounds(first, zone)[0]:
        raise click.BadParameter(
            f"the board's key reaches back to {first}, no further", param_hint="--since"
        )
    if t0_s >= now_s:
        raise click.BadParameter("that time has not come yet", param_hint="--since")
    if now_s - t0_s <= LONGEST_DAY_S:
        return Period(t0_s, now_s)
    day, spans = day_of(t0_s, zone), []
    while (span := bounds(day, zone))[0] < now_s:
        spans.append((max(span[0], t0_s), span[1]))
        day += timedelta(days=1)
    return _several(spans, now_s)


def _several(spans: Sequence[tuple[float, float]], now_s: float) -> Period:
    """Return days as one period, as far as they have come."""
    cut = tuple((t0_s, min(t1_s, max(now_s, t0_s + 1.0))) for t0_s, t1_s in spans)
    return Period(cut[0][0], cut[-1][1], cut)


def moment(text: str, newest: date, zone: str) -> float:
    """Return a time as people give it: "14:05" of the newest day, or an ISO date or time.

    Without an offset it is local.

    Raises
    ------
    click.BadParameter
        It is neither.
    """
    try:
        if len(text) <= len("14:05") and ":" in text:
            at = datetime.combine(newest, time.fromisoformat(text.zfill(5)))
        else:
            at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).timestamp()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "want HH:MM, or a date or time like 2026-03-01 or 2026-03-01T14:05",
            param_hint="--since",
        ) from None


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("want a date like 2026-03-01", param_hint=option) from None


def shown(t0_s: float, t1_s: float, zone: str) -> str:
    """Return a period as people read it: "2026-03-01", or from when to when."""
    at = ZoneInfo(zone)
    first, last = (datetime.fromtimestamp(t_s, UTC).astimezone(at) for t_s in (t0_s, t1_s))
    if (t0_s, t1_s) == bounds(first.date(), zone):
        return f"{first:%Y-%m-%d}"
    same = f"{last:%H:%M}" if last.date() == first.date() else f"{last:%Y-%m-%d %H:%M}"
    return f"{first:%Y-%m-%d %H:%M} to {same} {last:%Z}"
