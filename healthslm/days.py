"""Local days, nights and weeks: where they begin, and when clocks showed an hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NIGHT_H, MORNING_H = 22, 6  # local hours between which it is night
WEEK_DAYS = 7


def day_of(t_s: float, zone: str) -> date:
    """Return the local day on which a time falls."""
    return datetime.fromtimestamp(t_s, UTC).astimezone(ZoneInfo(zone)).date()


def at_s(day: date, hour: int, zone: str) -> float:
    """Return when local clocks first show `hour` o'clock on a day, UTC seconds."""
    return datetime.combine(day, time(hour), ZoneInfo(zone)).timestamp()


def bounds(day: date, zone: str) -> tuple[float, float]:
    """Return midnight to midnight in UTC seconds: 23, 24 or 25 hours."""
    return at_s(day, 0, zone), at_s(day + timedelta(days=1), 0, zone)


def night(morning: date, zone: str) -> tuple[float, float]:
    """Return the night before a morning, UTC seconds."""
    return at_s(morning - timedelta(days=1), NIGHT_H, zone), at_s(morning, MORNING_H, zone)


def week(last: date, zone: str) -> tuple[tuple[float, float], ...]:
    """Return the bounds of the seven days that end with `last`, oldest first."""
    return tuple(bounds(last - timedelta(days=n), zone) for n in reversed(range(WEEK_DAYS)))


def midnight_s(now_s: float, zone: str) -> float:
    """Return when the local day of `now_s` began, UTC seconds.

    >>> midnight_s(1_700_000_000.0, "Europe/Madrid")  # 23:13 on the 14th
    1699916400.0
    """
    local = datetime.fromtimestamp(now_s, ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def last_hour_s(now_s: float, hour: int, zone: str) -> float:
    """Return the newest time, up to `now_s`, at which local clocks showed `hour` o'clock.

    >>> last_hour_s(1_700_000_000.0, 20, "Europe/Madrid")
    1699988400.0
    """
    local = datetime.fromtimestamp(now_s, ZoneInfo(zone))
    last = local.replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
    return (last if last <= local else last - timedelta(days=1)).timestamp()


def day_before_s(t_s: float, zone: str) -> float:
    """Return when local clocks showed the same one day earlier: 23, 24 or 25 hours ago."""
    return (datetime.fromtimestamp(t_s, ZoneInfo(zone)) - timedelta(days=1)).timestamp()


def day_after_s(t_s: float, zone: str) -> float:
    """Return when local clocks show the same one day later: in 23, 24 or 25 hours."""
    return (datetime.fromtimestamp(t_s, ZoneInfo(zone)) + timedelta(days=1)).timestamp()
