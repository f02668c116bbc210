"""What happened in a period, as a few true facts.

`gather` reads the records of a period once, in any order, and keeps a few numbers a
minute, never the records. What each fact and value means stands in
`wording/meanings.toml`; values are already rounded as they will be printed, so that
a comparison and the text that tells it cannot differ.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from datetime import time as clock
from itertools import combinations
from statistics import median
from typing import cast
from zoneinfo import ZoneInfo

from healthslm.days import MORNING_H, NIGHT_H, day_of
from healthslm.language.episodes import WORST, Episode, evidence, join, worst
from healthslm.records import Beat, Derived, Finding, Severity, Vital

MINUTE_S = 60.0
KNOWN_MINUTES = 3  # fewer minutes with a reading: not known
BRIDGE_MINUTES = 10  # a slow sensor (a reading each 10 minutes) watches without a break
REST_G = 0.05  # mean deviation from 1 g of a minute at rest
REST_MINUTES = 30  # fewer minutes known to be at rest: the lowest quarter stands for rest
ENOUGH_DAYS = 5  # a usual range needs as many earlier days
FULL_SHARE, PART_SHARE = 0.9, 0.25  # of the period watched
BACK_DAYS = 6  # a weekday names one of so many days before, and no other
TREND_DAYS = 5  # of the 7 newest, that have a typical value
# Kendall's S of n values from which a trend is told: one-sided p below 0.05 (Mann 1945).
TREND_S = {5: 8, 6: 11, 7: 13}

Value = float | str
Values = tuple[tuple[str, Value], ...]
Categories = tuple[tuple[str, str], ...]

_RANK: dict[Severity, int] = {"info": 0, "amber": 1, "red": 2}
VITALS = {
    "heart_rate": "pulse",
    "spo2": "oxygen",
    "temperature": "temperature",
    "respiratory_rate": "breathing",
}
TREND_STEP = {"pulse": 4.0, "oxygen": 2.0, "temperature": 0.3, "breathing": 2.0}
"""What the middle of the last three values differs at least from that of the first three."""

SENSOR_KINDS = frozenset({"poor_signal", "no_data"})
"""Findings about the sensors, not about the body."""

COUNTS = frozenset({"irregular_burden", "glucose_range", "summary_by_template"})
"""Findings that only count, for the list, or are for the operator: no text tells them."""

NOTICED = "noticed"
"""The fact that stands for every kind without clauses of its own."""


@dataclass(frozen=True, slots=True)
class Told:
    """Which values of a kind of finding are told."""

    worst: str | None = None  # slot of the worst value
    limit: str | None = None  # evidence of its limit
    usual: str | None = None  # the measure whose usual range stands beside it
    more: tuple[tuple[str, str], ...] = ()  # slot, evidence of the worst episode
    longest: bool = True  # the length of the longest episode
    whole: bool = False  # of a whole day or night: neither counted nor placed in the day
    at: bool = False  # when the worst one was


TOLD = {
    "tachycardia": Told("highest", "limit_bpm", "pulse", at=True),
    "bradycardia": Told("lowest", "limit_bpm", "pulse", at=True),
    "pause": Told("longest", longest=False, at=True),
    "irregular_rhythm": Told(),
    "ventricular_run": Told("fastest", at=True),
    "ventricular_ectopy": Told("share", longest=False, whole=True),
    "supraventricular_ectopy": Told("share", longest=False, whole=True),
    "bigeminy": Told(),
    "swinging_signal": Told(),
    "desaturation": Told("lowest", "limit_pct", "oxygen", at=True),
    "oxygen_dips": Told("rate", longest=False, whole=True),
    "tachypnoea": Told("highest", "limit_per_min", at=True),
    "bradypnoea": Told("lowest", "limit_per_min", at=True),
    "apnoea_night": Told("rate", longest=False, whole=True),
    "glucose_low": Told("lowest", "limit_mgdl", at=True),
    "glucose_high": Told("highest", "limit_mgdl", at=True),
    "fever": Told("highest", "limit_c", "temperature", at=True),
    "hypothermia": Told("lowest", "limit_c", at=True),
    "hypertension": Told("reading_high", more=(("reading_low", "diastolic_mmhg"),), longest=False),
    "hypotension": Told("lowest", longest=False),
    "fall": Told(longest=False),
    "inactivity": Told(),
    "baseline_shift": Told("nights", longest=False, whole=True),
    "news2": Told(),
}
"""Kinds about the body that have clauses of their own."""

NEED_START = frozenset({"fall", "news2"})
"""Kinds of which no clause goes without their beginning, even where it lies before the period."""

_DECIMALS = {"temperature": 1, "fever": 1, "hypothermia": 1, "pause": 1}
_AS_IS = frozenset({"share", "rate"})  # printed as they are written, where less than 1 counts
OWN = (*TOLD, *sorted(SENSOR_KINDS))
_KINDS = (*OWN, NOTICED)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is true of the period."""

    kind: str
    severity: Severity
    categories: Categories
    values: Values

    def value(self, name: str) -> Value | None:
        """Return a value by its slot's name."""
        return dict(self.values).get(name)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of one period; at most one fact of a kind."""

    t0_s: float
    t1_s: float
    zone: str
    facts: tuple[Fact, ...]

    def get(self, kind: str) -> Fact | None:
        """Return the fact of a kind."""
        return next((f for f in self.facts if f.kind == kind), None)

    @property
    def findings(self) -> tuple[Fact, ...]:
        """The facts that detectors found."""
        return tuple(f for f in self.facts if f.kind in _KINDS)


class Minutes:
    """Sum and count of a measure for each minute since 1970."""

    def __init__(self) -> None:
        self._sums: dict[int, list[float]] = {}

    def add(self, t_s: float, value: float) -> None:
        """Take a reading."""
        cell = self._sums.setdefault(int(t_s // MINUTE_S), [0.0, 0.0])
        cell[0] += value
        cell[1] += 1.0

    def means(self) -> dict[int, float]:
        """Return the mean of each minute that has a reading, in order."""
        return {m: total / n for m, (total, n) in sorted(self._sums.items())}


def printed(value: float, decimals: int = 0) -> float:
    """Round as values are printed: half upwards, floor(x * 10**d + 1/2) / 10**d.

    >>> printed(62.5), printed(38.25, 1)
    (63.0, 38.3)
    """
    scale = 10.0**decimals
    return math.floor(value * scale + 0.5) / scale


def gather(
    records: Iterable[Derived],
    t0_s: float,
    t1_s: float,
    *,
    zone: str,
    earlier: Sequence[Facts] = (),
    days: Sequence[Facts] = (),
) -> Facts:
    """Return what is true of the period [t0_s, t1_s).

    Parameters
    ----------
    records
        Beats, vitals and findings; of findings under one key the later replaces the
        earlier. What lies outside the period is passed over.
    t0_s, t1_s
        UTC seconds.
    zone
        IANA name of the person's time zone, for the clock times in a text.
    earlier
        Facts of earlier days: they hold what is usual for this person.
    days
        Facts of the single days of a longer period, oldest first: they hold its trends.
        Without them the period is the newest day after the earlier ones.
    """
    gathering = Gathering(t0_s, t1_s, zone)
    for record in records:
        gathering.take(record)
    return gathering.facts(earlier=earlier, days=days)


class Gathering:
    """Facts under way: takes the records of a period one by one, and keeps none but findings.

    Parameters
    ----------
    t0_s, t1_s, zone
        As of `gather`.
    """

    def __init__(self, t0_s: float, t1_s: float, zone: str) -> None:
        self.t0_s, self.t1_s, self._zone = t0_s, t1_s, zone
        self._minutes: dict[str, Minutes] = defaultdict(Minutes)
        self._seen: set[int] = set()
        self._beats: set[int] = set()
        self._findings: dict[tuple[str, str, float], Finding] = {}

    def take(self, record: Derived) -> None:
        """Take a record; what lies outside the period is passed over."""
        if isinstance(record, Finding):
            self._findings[record.key] = record
        elif isinstance(record, (Beat, Vital)) and self.t0_s <= record.t_s < self.t1_s:
            if isinstance(record, Vital):
                self._minutes[record.kind].add(record.t_s, record.value)
                watches = record.kind in VITALS
            else:
                watches = record.good
                if watches:
                    self._beats.add(int(record.t_s // MINUTE_S))
            if watches:
                self._seen.add(int(record.t_s // MINUTE_S))

    def facts(self, *, earlier: Sequence[Facts] = (), days: Sequence[Facts] = ()) -> Facts:
        """Return what is true of the period, by what was taken; `earlier`, `days`: as `gather`."""
        t0_s, t1_s, zone = self.t0_s, self.t1_s, self._zone
        means = {kind: m.means() for kind, m in self._minutes.items()}
        measures = _measures(means, earlier)
        measures += _trends(measures, t0_s, zone, earlier, days)
        period = _Period(t0_s, t1_s, zone, earlier)
        found = _found(period, self._findings.values(), measures)
        known = _knowledge(measures, self._seen, self._beats, t1_s - t0_s)
        return Facts(t0_s, t1_s, zone, (*found, *measures, *known))


# ---- findings ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Period:
    """When it was, and what was before."""

    t0_s: float
    t1_s: float
    zone: str
    earlier: Sequence[Facts]

    def again(self, kind: str, *, goes_on: bool) -> float | None:
        """Return when the newest day began, of the few before, that had a finding of a kind.

        What goes on from the day before is not the same thing again.
        """
        today, newest = day_of(self.t0_s, self.zone), 2 if goes_on else 1
        had = [
            day.t0_s
            for day in self.earlier
            if day.get(kind) is not None
            and newest <= (today - day_of(day.t0_s, self.zone)).days <= BACK_DAYS
        ]
        return max(had, default=None)


def _found(period: _Period, findings: Iterable[Finding], measures: Sequence[Fact]) -> list[Fact]:
    by_kind: dict[str, list[Finding]] = defaultdict(list)
    for f in findings:
        if f.t0_s < period.t1_s and f.t1_s >= period.t0_s:
            by_kind[f.kind].append(f)
    usual = {m.kind: tuple(v for v in m.values if v[0].startswith("usual")) for m in measures}
    found = []
    for kind in (kind for kind in OWN if kind in by_kind):
        episodes = join(by_kind[kind], period.t0_s, period.t1_s)
        found.append(_finding(kind, episodes, period, usual))
    others = [f for kind, fs in by_kind.items() if kind not in {*OWN, *COUNTS} for f in fs]
    return [*found, _noticed(others, period.t0_s)] if others else found


def _noticed(findings: Sequence[Finding], t0_s: float) -> Fact:
    """Return the one fact that findings of kinds without clauses of their own make together."""
    ranked = sorted(findings, key=lambda f: (-_RANK[f.severity], max(f.t0_s, t0_s), f.kind))
    what = ",".join(dict.fromkeys(f.kind for f in ranked))
    values: list[tuple[str, Value]] = [("what", what)]
    if (start := min(f.t0_s for f in findings)) >= t0_s:
        values.append(("start", start))
    return Fact(NOTICED, ranked[0].severity, (), tuple(values))


def _finding(kind: str, episodes: list[Episode], period: _Period, usual: dict[str, Values]) -> Fact:
    severity = max((f.severity for e in episodes for f in e.findings), key=lambda s: _RANK[s])
    told = TOLD.get(kind)
    categories: list[tuple[str, str]] = []
    values: dict[str, Value] = {}
    if not episodes[0].cut:  # when it began within the period, it may be said when
        values["start"] = episodes[0].t0_s
    elif kind in NEED_START:
        values["start"] = min(f.t0_s for f in episodes[0].findings)
    if told is None or not told.whole:
        categories.append(("times", "one" if len(episodes) == 1 else "several"))
        if len(episodes) > 1:
            values["count"] = float(len(episodes))
    if told is None:
        values |= _of_sensors(episodes)
        return Fact(kind, severity, tuple(categories), tuple(values.items()))
    values |= _lengths(kind, told, episodes)
    values |= _worst(kind, told, episodes)
    if told.usual is not None:
        known = usual.get(told.usual, ())
        values |= dict(known)
        categories.append(("usual", "known" if known else "unknown"))
    before = period.again(kind, goes_on=episodes[0].cut)
    categories.append(("again", "no" if before is None else "yes"))
    if before is not None:
        values["again"] = before
    if not told.whole:
        categories.append(("part", _part(episodes, period.zone)))
    return Fact(kind, severity, tuple(categories), tuple(values.items()))


def _of_sensors(episodes: list[Episode]) -> dict[str, Value]:
    what = ",".join(sorted({kind for e in episodes for kind in e.signals}))
    values: dict[str, Value] = {"what": what, "total": sum(e.length_s for e in episodes)}
    return values | ({"open": "yes"} if any(e.open for e in episodes) else {})


def _lengths(kind: str, told: Told, episodes: list[Episode]) -> dict[str, Value]:
    if not told.longest:
        return {}
    longest = max(episodes, key=lambda e: e.length_s)  # of equals, the first
    values: dict[str, Value] = {"longest": longest.length_s}
    if kind == "irregular_rhythm":
        values["rate"] = printed(evidence(longest.findings[0], "mean_bpm"))
    return values | ({"open": "yes"} if longest.open else {})


def _worst(kind: str, told: Told, episodes: list[Episode]) -> dict[str, Value]:
    if told.worst is None:
        return {}
    keys = [(told.worst, WORST[kind][0]), *told.more]
    if told.more:  # its two numbers belong together, and one may be missing
        both = [replace(e, findings=_with([k for _, k in keys], e)) for e in episodes]
        episodes = [e for e in both if e.findings]
    if not episodes:
        return {}
    if told.limit is not None:
        keys.append(("limit", told.limit))
    episode, finding = worst(episodes)
    decimals = _DECIMALS.get(kind, 0)
    held = {slot: evidence(finding, key) for slot, key in keys}
    values: dict[str, Value] = {
        slot: value if slot in _AS_IS else printed(value, decimals) for slot, value in held.items()
    }
    return values | ({"worst_at": episode.t0_s} if told.at and not episode.cut else {})


def _with(keys: Sequence[str], episode: Episode) -> list[Finding]:
    """Return the findings of an episode that hold all of some evidence."""
    return [f for f in episode.findings if set(keys) <= set(dict(f.evidence))]


def _part(episodes: Sequence[Episode], zone: str) -> str:
    """Tell whether every episode lies within one night, or within one day."""
    parts = {_part_of(e, zone) for e in episodes}
    return parts.pop() if len(parts) == 1 else "mixed"


def _part_of(episode: Episode, zone: str) -> str:
    if episode.open:
        return "mixed"
    begin, end = (
        datetime.fromtimestamp(t_s, ZoneInfo(zone)).replace(tzinfo=None)
        for t_s in (episode.t0_s, episode.t1_s)
    )
    night_h, day_h = 24 - NIGHT_H + MORNING_H, NIGHT_H - MORNING_H
    for name, first_h, hours in (("night", NIGHT_H - 24, night_h), ("day", MORNING_H, day_h)):
        moved = timedelta(hours=first_h)  # so that the part begins at midnight
        midnight = datetime.combine((begin - moved).date(), clock())
        if end - moved - midnight <= timedelta(hours=hours):
            return name
    return "mixed"


# ---- measures ---------------------------------------------------------------------------


def _measures(means: dict[str, dict[int, float]], earlier: Sequence[Facts]) -> list[Fact]:
    out = []
    for vital, kind in VITALS.items():
        by_minute = means.get(vital, {})
        if len(by_minute) < KNOWN_MINUTES:
            continue
        calm = resting(by_minute, means.get("activity", {})) if kind == "pulse" else by_minute
        typical = printed(median(calm.values()), _DECIMALS.get(kind, 0))
        out.append(_measure(kind, typical, earlier))
        if kind == "pulse":
            ends = (("low", min(by_minute.values())), ("high", max(by_minute.values())))
            values = tuple((name, printed(v)) for name, v in ends)
            if values[0][1] != values[1][1]:  # a range from 62 to 62 is none
                out.append(Fact("pulse_range", "info", (), values))
        if kind == "oxygen":
            lowest = min(by_minute, key=lambda m: by_minute[m])  # of equals, the first
            at = lowest * MINUTE_S
            values = (("lowest", printed(by_minute[lowest])), ("at", at))
            out.append(Fact("oxygen_low", "info", (), values))
    return out


def resting(pulse: dict[int, float], activity: dict[int, float]) -> dict[int, float]:
    """Return the minutes at rest: known to be still, else the lowest quarter."""
    still = {m: v for m, v in pulse.items() if activity.get(m, math.inf) <= REST_G}
    if len(still) >= REST_MINUTES:
        return still
    lowest = sorted(pulse, key=lambda m: (pulse[m], m))[: math.ceil(len(pulse) / 4)]
    return {m: pulse[m] for m in lowest}


def _measure(kind: str, typical: float, earlier: Sequence[Facts]) -> Fact:
    days = [fact.value("typical") for day in earlier if (fact := day.get(kind)) is not None]
    if len(days) < ENOUGH_DAYS:
        return Fact(kind, "info", (("vs", "unknown"),), (("typical", typical),))
    low, high = min(cast("list[float]", days)), max(cast("list[float]", days))
    vs = "below" if typical < low else "above" if typical > high else "usual"
    values = (("typical", typical), ("usual_low", low), ("usual_high", high))
    return Fact(kind, "info", (("vs", vs),), values)


def _trends(
    measures: Sequence[Fact],
    t0_s: float,
    zone: str,
    earlier: Sequence[Facts],
    days: Sequence[Facts],
) -> list[Fact]:
    """Return the measures whose typical values rose or fell over the last 7 days."""
    out = []
    for kind, step in TREND_STEP.items():
        typical = {
            day_of(d.t0_s, zone): cast("float", f.value("typical"))
            for d in days or earlier
            if (f := d.get(kind)) is not None
        }
        if not days:
            typical |= {
                day_of(t0_s, zone): cast("float", m.value("typical"))
                for m in measures
                if m.kind == kind
            }
        newest = max(typical, default=None) if days else day_of(t0_s, zone)
        if newest not in typical:
            continue
        last = sorted(d for d in typical if 0 <= (newest - d).days <= BACK_DAYS)
        if way := _way([typical[d] for d in last], step):
            span = float((newest - last[0]).days + 1)
            ends = (("first", typical[last[0]]), ("last", typical[newest]), ("days", span))
            out.append(Fact(f"{kind}_trend", "info", (("way", way),), ends))
    return out


def _way(values: Sequence[float], step: float) -> str:
    """Return "rising", "falling" or ""; Kendall's S against its limit, and a change that counts."""
    if len(values) < TREND_DAYS:
        return ""
    s = sum((b > a) - (b < a) for a, b in combinations(values, 2))
    change = median(values[-3:]) - median(values[:3])
    if abs(s) < TREND_S[len(values)] or abs(change) < step - 1e-9 or s * change <= 0:
        return ""
    return "rising" if s > 0 else "falling"


# ---- how much is known ------------------------------------------------------------------


def _knowledge(
    measures: Sequence[Fact], seen: set[int], beats: set[int], span_s: float
) -> list[Fact]:
    known = {m.kind for m in measures} | ({"rhythm"} if len(beats) >= KNOWN_MINUTES else set())
    order = ("pulse", "rhythm", "oxygen", "temperature", "breathing")
    missing = [name for name in order if name not in known]
    out = []
    watched = min(_watched_s(seen), span_s)
    if watched > 0:
        share = watched / span_s
        name = "full" if share >= FULL_SHARE else "part" if share >= PART_SHARE else "little"
        values: dict[str, Value] = {"watched": watched}
        if name != "full":
            values["unwatched"] = span_s - watched
        out.append(Fact("coverage", "info", (("share", name),), tuple(values.items())))
    if missing:
        extent = "all" if len(missing) == len(order) else "some"
        what = ("what", ",".join(missing))
        out.append(Fact("missing", "info", (("extent", extent),), (what,)))
    return out


def _watched_s(seen: set[int]) -> float:
    """Return how long something was watched: minutes with a reading, short breaks bridged."""
    total, last = 0, None
    for minute in sorted(seen):
        total += minute - last if last is not None and minute - last <= BRIDGE_MINUTES else 1
        last = minute
    return total * MINUTE_S
