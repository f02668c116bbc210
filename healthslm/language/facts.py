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
from dataclasses import dataclass
from statistics import median
from typing import cast

from healthslm.language.episodes import WORST, Episode, evidence, join, worst
from healthslm.records import Beat, Derived, Finding, Severity, Vital

MINUTE_S = 60.0
KNOWN_MINUTES = 3  # fewer minutes with a reading: not known
BRIDGE_MINUTES = 10  # a slow sensor (a reading each 10 minutes) watches without a break
REST_G = 0.05  # mean deviation from 1 g of a minute at rest
REST_MINUTES = 30  # fewer minutes known to be at rest: the lowest quarter stands for rest
ENOUGH_DAYS = 5  # a usual range needs as many earlier days
FULL_SHARE, PART_SHARE = 0.9, 0.25  # of the period watched

Value = float | str
Values = tuple[tuple[str, Value], ...]
Categories = tuple[tuple[str, str], ...]

_RANK: dict[Severity, int] = {"info": 0, "amber": 1, "red": 2}
_DECIMALS = {"temperature": 1, "fever": 1, "pause": 1}
_VITALS = {
    "heart_rate": "pulse",
    "spo2": "oxygen",
    "temperature": "temperature",
    "respiratory_rate": "breathing",
}
SENSOR_KINDS = frozenset({"poor_signal", "no_data"})
"""Findings about the sensors, not about the body."""

COUNTS = frozenset({"irregular_burden", "glucose_range"})
"""Findings that only count, for the list: no text tells them."""

NOTICED = "noticed"
"""The fact that stands for every kind without clauses of its own."""

_OWN = (*WORST, "irregular_rhythm", *sorted(SENSOR_KINDS))
_KINDS = (*_OWN, NOTICED)
# finding -> (slot of its worst value, evidence of its limit, whose usual range is told)
_TOLD: dict[str, tuple[str, str | None, str | None]] = {
    "tachycardia": ("highest", "limit_bpm", "pulse"),
    "bradycardia": ("lowest", "limit_bpm", "pulse"),
    "pause": ("longest", None, None),
    "desaturation": ("lowest", "limit_pct", "oxygen"),
    "fever": ("highest", "limit_c", "temperature"),
}


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


class _Minutes:
    """Sum and count of a measure for each minute since 1970."""

    def __init__(self) -> None:
        self._sums: dict[int, list[float]] = {}

    def add(self, t_s: float, value: float) -> None:
        cell = self._sums.setdefault(int(t_s // MINUTE_S), [0.0, 0.0])
        cell[0] += value
        cell[1] += 1.0

    def means(self) -> dict[int, float]:
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
    """
    minutes: dict[str, _Minutes] = defaultdict(_Minutes)
    seen: set[int] = set()
    beats: set[int] = set()
    findings: dict[tuple[str, str, float], Finding] = {}
    for record in records:
        if isinstance(record, Finding):
            findings[record.key] = record
        elif isinstance(record, (Beat, Vital)) and t0_s <= record.t_s < t1_s:
            if isinstance(record, Vital):
                minutes[record.kind].add(record.t_s, record.value)
                watches = record.kind in _VITALS
            else:
                watches = record.good
                if watches:
                    beats.add(int(record.t_s // MINUTE_S))
            if watches:
                seen.add(int(record.t_s // MINUTE_S))
    means = {kind: m.means() for kind, m in minutes.items()}
    measures = _measures(means, earlier)
    found = _found(findings.values(), t0_s, t1_s, measures)
    known = _knowledge(measures, seen, beats, t1_s - t0_s)
    return Facts(t0_s, t1_s, zone, (*found, *measures, *known))


# ---- findings ---------------------------------------------------------------------------


def _found(
    findings: Iterable[Finding], t0_s: float, t1_s: float, measures: Sequence[Fact]
) -> list[Fact]:
    by_kind: dict[str, list[Finding]] = defaultdict(list)
    for f in findings:
        if f.t0_s < t1_s and f.t1_s >= t0_s:
            by_kind[f.kind].append(f)
    usual = {m.kind: tuple(v for v in m.values if v[0].startswith("usual")) for m in measures}
    found = [
        _finding(kind, join(by_kind[kind], t0_s, t1_s), usual) for kind in _OWN if kind in by_kind
    ]
    others = [f for kind, fs in by_kind.items() if kind not in {*_OWN, *COUNTS} for f in fs]
    return [*found, _noticed(others, t0_s)] if others else found


def _noticed(findings: Sequence[Finding], t0_s: float) -> Fact:
    """Return the one fact that findings of kinds without clauses of their own make together."""
    ranked = sorted(findings, key=lambda f: (-_RANK[f.severity], max(f.t0_s, t0_s), f.kind))
    what = ",".join(dict.fromkeys(f.kind for f in ranked))
    start = max(min(f.t0_s for f in findings), t0_s)
    return Fact(NOTICED, ranked[0].severity, (), (("what", what), ("start", start)))


def _finding(kind: str, episodes: list[Episode], usual: dict[str, Values]) -> Fact:
    severities = [f.severity for e in episodes for f in e.findings]
    categories = [("times", "one" if len(episodes) == 1 else "several")]
    values: dict[str, Value] = {"start": episodes[0].t0_s}
    if len(episodes) > 1:
        values["count"] = float(len(episodes))
    values |= _lengths(kind, episodes)
    if kind in _TOLD:
        values |= _worst(kind, episodes)
        whose = _TOLD[kind][2]
        if whose is not None:
            known = usual.get(whose, ())
            values |= dict(known)
            categories.append(("usual", "known" if known else "unknown"))
    severity = max(severities, key=lambda s: _RANK[s])
    return Fact(kind, severity, tuple(categories), tuple(values.items()))


def _lengths(kind: str, episodes: list[Episode]) -> dict[str, Value]:
    if kind == "pause":
        return {}  # its length is its worst value
    values: dict[str, Value] = {}
    if kind in SENSOR_KINDS:
        values["what"] = ",".join(sorted({kind for e in episodes for kind in e.signals}))
        values["total"] = sum(e.length_s for e in episodes)
        is_open = any(e.open for e in episodes)
    else:
        longest = max(episodes, key=lambda e: e.length_s)  # of equals, the first
        values["longest"] = longest.length_s
        is_open = longest.open
        if kind == "irregular_rhythm":
            values["rate"] = printed(evidence(longest.findings[0], "mean_bpm"))
    return values | ({"open": "yes"} if is_open else {})


def _worst(kind: str, episodes: list[Episode]) -> dict[str, Value]:
    slot, limit, _ = _TOLD[kind]
    episode, finding = worst(episodes)
    decimals = _DECIMALS.get(kind, 0)
    values: dict[str, Value] = {
        slot: printed(evidence(finding, WORST[kind][0]), decimals),
        "worst_at": episode.t0_s,
    }
    if limit is not None:
        values["limit"] = printed(evidence(finding, limit), decimals)
    return values


# ---- measures ---------------------------------------------------------------------------


def _measures(means: dict[str, dict[int, float]], earlier: Sequence[Facts]) -> list[Fact]:
    out = []
    for vital, kind in _VITALS.items():
        by_minute = means.get(vital, {})
        if len(by_minute) < KNOWN_MINUTES:
            continue
        calm = _resting(by_minute, means.get("activity", {})) if kind == "pulse" else by_minute
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


def _resting(pulse: dict[int, float], activity: dict[int, float]) -> dict[int, float]:
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
