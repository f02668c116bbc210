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
# finding -> (evidence of the worst value, its slot, +1 if larger is worse, whose usual range)
_WORST = {
    "tachycardia": ("highest_bpm", "highest", 1, "pulse"),
    "bradycardia": ("lowest_bpm", "lowest", -1, "pulse"),
    "pause": ("rr_s", "longest", 1, None),
    "irregular_rhythm": (None, None, 1, None),
    "desaturation": ("lowest_pct", "lowest", -1, "oxygen"),
    "fever": ("highest_c", "highest", 1, "temperature"),
    "poor_signal": (None, None, 1, None),
    "no_data": (None, None, 1, None),
}
_LIMITS = {
    "tachycardia": "limit_bpm",
    "bradycardia": "limit_bpm",
    "desaturation": "limit_pct",
    "fever": "limit_c",
}
SENSOR_KINDS = frozenset({"poor_signal", "no_data"})
"""Findings about the sensors, not about the body."""


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
        return tuple(f for f in self.facts if f.kind in _WORST)


@dataclass(slots=True)
class _Episode:
    """Findings of one kind that overlap in time: one event, seen by one stream or more."""

    t0_s: float
    t1_s: float
    open: bool
    findings: list[Finding]


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
            findings.pop(record.key, None)
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
        if f.kind in _WORST and f.t0_s < t1_s and f.t1_s >= t0_s:
            by_kind[f.kind].append(f)
    usual = {m.kind: _usual(m) for m in measures}
    return [
        _finding(kind, _episodes(by_kind[kind], t0_s, t1_s), usual)
        for kind in _WORST
        if kind in by_kind
    ]


def _episodes(findings: list[Finding], t0_s: float, t1_s: float) -> list[_Episode]:
    """Join findings that overlap or begin together, and cut them to the period."""
    out: list[_Episode] = []
    for f in sorted(findings, key=lambda f: (f.t0_s, f.t1_s, f.stream)):
        begin, end = max(f.t0_s, t0_s), min(f.t1_s, t1_s)
        is_open = f.ongoing or f.t0_s < t0_s or f.t1_s > t1_s
        if out and (begin < out[-1].t1_s or begin == out[-1].t0_s):
            last = out[-1]
            last.t1_s = max(last.t1_s, end)
            last.open = last.open or is_open
            last.findings.append(f)
        else:
            out.append(_Episode(begin, end, is_open, [f]))
    return out


def _finding(kind: str, episodes: list[_Episode], usual: dict[str, Values]) -> Fact:
    severity: Severity = max(
        (f.severity for e in episodes for f in e.findings), key=lambda s: _RANK[s]
    )
    longest = max(episodes, key=lambda e: e.t1_s - e.t0_s)  # of equals, the first
    values: dict[str, Value] = {"start": episodes[0].t0_s}
    categories = [("times", "one" if len(episodes) == 1 else "several")]
    if kind in SENSOR_KINDS:
        streams = {_kind_of(f.stream) for e in episodes for f in e.findings}
        values["what"] = ",".join(sorted(streams))
        values["total"] = sum(e.t1_s - e.t0_s for e in episodes)
        if any(e.open for e in episodes):
            values["open"] = "yes"
    elif kind != "pause":
        values["longest"] = longest.t1_s - longest.t0_s
        if longest.open:
            values["open"] = "yes"
    values |= _worst(kind, episodes)
    if kind == "irregular_rhythm":
        values["rate"] = printed(_evidence(longest.findings[0], "mean_bpm"))
    if len(episodes) > 1:
        values["count"] = float(len(episodes))
    whose = _WORST[kind][3]
    if whose is not None:
        known = usual.get(whose, ())
        values |= dict(known)
        categories.append(("usual", "known" if known else "unknown"))
    return Fact(kind, severity, tuple(categories), tuple(values.items()))


def _worst(kind: str, episodes: list[_Episode]) -> dict[str, Value]:
    key, slot, sign, _ = _WORST[kind]
    if key is None or slot is None:
        return {}
    decimals = _DECIMALS.get(kind, 0)

    def worst_of(episode: _Episode) -> tuple[float, Finding]:
        worst = max(episode.findings, key=lambda f: sign * _evidence(f, key))
        return sign * _evidence(worst, key), worst

    episode = max(episodes, key=lambda e: worst_of(e)[0])  # of equals, the first
    worst = worst_of(episode)[1]
    values: dict[str, Value] = {slot: printed(_evidence(worst, key), decimals)}
    values["worst_at"] = episode.t0_s
    if kind in _LIMITS:
        values["limit"] = printed(_evidence(worst, _LIMITS[kind]), decimals)
    return values


def _evidence(finding: Finding, key: str) -> float:
    """Return a number of the evidence; a detector that leaves it out is a fault of ours."""
    for name, value in finding.evidence:
        if name == key:
            return value
    raise ValueError(f"a finding of kind {finding.kind} holds no {key}")


def _kind_of(stream: str) -> str:
    return stream.rpartition("/")[2].partition("-")[0]


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


def _usual(measure: Fact) -> Values:
    return tuple((k, v) for k, v in measure.values if k.startswith("usual"))


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
