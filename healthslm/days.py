"""Local days: where they begin, and the last time that clocks showed an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


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
