"""Findings as a clinician reads them: each event once, the gravest first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.records import TECHNICAL, Derived, Finding, Severity, Vital

SEVERITIES: tuple[Severity, ...] = ("red", "amber", "info")


# How a quantity's name ends -> its unit as people write it, and how many decimals it deserves.
UNITS = {
    "bpm": ("/min", 0),
    "per_min": ("/min", 0),
    "per_h": ("/h", 1),
    "mgdl": ("mg/dL", 0),
    "mmhg": ("mmHg", 0),
    "pct": ("%", 0),
    "c": ("°C", 1),
    "mv": ("mV", 2),
    "ms": ("ms", 0),
    "s": ("s", 1),
    "hz": ("Hz", 1),
    "h": ("h", 1),
    "g": ("g", 2),
    "deg": ("°", 0),
}

VITAL_UNITS = {
    "heart_rate": ("/min", 0),
    "pulse_rate": ("/min", 0),
    "respiratory_rate": ("/min", 0),
    "spo2": ("%", 0),
    "temperature": ("°C", 1),
    "rmssd": ("ms", 0),
    "sdnn": ("ms", 0),
    "activity": ("g", 2),
    "systolic": ("mmHg", 0),
    "diastolic": ("mmHg", 0),
    "glucose": ("mg/dL", 0),
    "steps": ("/min", 0),
    "posture": ("°", 0),
    "posture_change": ("°", 0),
    "asleep": ("", 0),
    "glucose_mean": ("mg/dL", 0),
    **dict.fromkeys((f"glucose_{x}" for x in ("tbr2", "tbr1", "tir", "tar1", "tar2")), ("%", 0)),
    **dict.fromkeys(("glucose_cv", "glucose_gmi", "glucose_wear"), ("%", 1)),
    "ecg_quality": ("", 2),
    "ppg_quality": ("", 2),
    "ecg_swing": ("s", 0),
    "respiration_quality": ("", 2),
    "breaths_ecg": ("/min", 0),
    "breaths_ecg_quality": ("", 2),
    "breaths_ppg": ("/min", 0),
    "breaths_ppg_quality": ("", 2),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as every stream saw it.

    findings  The gravest first, then the earliest; never empty.
    """

    findings: tuple[Finding, ...]

    @property
    def kind(self) -> str:
        """What it is, e.g. "bradycardia"."""
        return self.findings[0].kind

    @property
    def severity(self) -> Severity:
        """The gravest that any stream gave it."""
        return self.findings[0].severity

    @property
    def t0_s(self) -> float:
        """Its first sign, UTC seconds."""
        return min(f.t0_s for f in self.findings)

    @property
    def t1_s(self) -> float:
        """The newest that is known of it, UTC seconds."""
        return max(f.t1_s for f in self.findings)

    @property
    def ongoing(self) -> bool:
        """Some stream has not seen its end."""
        return any(f.ongoing for f in self.findings)

    @property
    def sources(self) -> tuple[str, ...]:
        """The streams that saw it, in the order of `findings`."""
        return tuple(dict.fromkeys(f.stream for f in self.findings))

    @property
    def id(self) -> str:
        """A short name that stays the same however many events are listed: "k3f9".

        It begins with a letter, so that nobody takes it for a row number.
        """
        first = min(self.findings, key=lambda f: (f.t0_s, f.stream))
        digest = hashlib.sha256(repr(first.key).encode()).digest()
        letters, every = "abcdefghkmnpqrstuvwxyz", "23456789abcdefghkmnpqrstuvwxyz"
        return letters[digest[0] % len(letters)] + "".join(
            every[b % len(every)] for b in digest[1:4]
        )


def final(derived: Iterable[Derived]) -> tuple[Finding, ...]:
    """Return each finding as it was last told, in the order of time."""
    newest = {x.key: x for x in derived if isinstance(x, Finding)}
    return tuple(sorted(newest.values(), key=lambda f: (f.t0_s, f.kind, f.stream)))


def events(derived: Iterable[Derived]) -> tuple[Event, ...]:
    """Return what happened: red before amber before info, then by time.

    Findings of one kind that overlap in time on several streams are one event; those that
    speak of a sensor, only on streams of one device.
    """
    alike: dict[tuple[str, str], list[Finding]] = {}
    for f in final(derived):
        device = f.stream.partition("/")[0] if f.kind in TECHNICAL else ""
        alike.setdefault((f.kind, device), []).append(f)
    out = [
        Event(tuple(sorted(group, key=_gravity)))
        for found in alike.values()
        for group in _overlapping(found)
    ]
    return tuple(sorted(out, key=lambda e: (_gravity(e), e.kind, e.sources)))


def _gravity(x: Finding | Event) -> tuple[int, float]:
    return SEVERITIES.index(x.severity), x.t0_s


def _overlapping(found: list[Finding]) -> Iterator[list[Finding]]:
    """Group findings of one kind, oldest first, by overlap in time across streams."""
    last = {f.stream: f for f in found}
    group: list[Finding] = []
    end = -inf
    for f in found:
        seen_by_another = any(g.stream != f.stream for g in group)
        if group and not (f.t0_s < end or (seen_by_another and f.t0_s == group[0].t0_s)):
            yield group
            group, end = [], -inf
        group.append(f)
        # What is still going on has no end yet, unless its stream has gone on to another.
        end = max(end, inf if f.ongoing and last[f.stream] is f else f.t1_s)
    if group:
        yield group


@dataclass(frozen=True, slots=True)
class Level:
    """One vital over a span: how many readings, and where they lay."""

    count: int
    low: float
    middle: float
    high: float


def around(
    derived: Iterable[Derived], event: Event, *, margin_s: float = 600.0
) -> dict[tuple[str, str], tuple[Level | None, Level | None, Level | None]]:
    """Return each vital (kind, stream) before, during and after an event.

    "Before" and "after" reach `margin_s` from its edges; None where nothing was read.
    """
    t0, t1 = event.t0_s, event.t1_s
    edges = ((t0 - margin_s, t0), (t0, max(t1, t0 + 1.0)), (t1, t1 + margin_s))
    values: dict[tuple[str, str], tuple[list[float], list[float], list[float]]] = {}
    for x in derived:
        if isinstance(x, Vital) and edges[0][0] <= x.t_s <= edges[2][1]:
            parts = values.setdefault((x.kind, x.stream), ([], [], []))
            where = 0 if x.t_s < t0 else 1 if x.t_s <= edges[1][1] else 2
            parts[where].append(x.value)
    return {
        lane: (level(parts[0]), level(parts[1]), level(parts[2]))
        for lane, parts in sorted(values.items())
    }


def level(values: list[float]) -> Level | None:
    """Return where values lay; None if there is none."""
    return Level(len(values), min(values), median(values), max(values)) if values else None


def when(t_s: float, zone: str, *, day: bool = True) -> str:
    """Return a time in the person's zone, with the zone: "2026-11-23 04:42:31 CET"."""
    local = datetime.fromtimestamp(t_s, UTC).astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M:%S %Z}" if day else f"{local:%H:%M:%S}"


def lasting(seconds: float) -> str:
    """Return a length of time in at most two units: "2.3 s", "12 min", "1 h 05 min"."""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


ABBREVIATIONS = {w.lower(): w for w in ("ECG", "PPG", "SpO2", "RR", "RMSSD", "SDNN")}


def words(name: str) -> str:
    """Return a kind as people write it.

    >>> words("irregular_rhythm"), words("ecg_quality")
    ('irregular rhythm', 'ECG quality')
    """
    return " ".join(ABBREVIATIONS.get(word, word) for word in name.split("_"))


def quantity(name: str, value: float) -> tuple[str, str]:
    """Return an evidence entry as words and a number with its unit.

    >>> quantity("lowest_bpm", 41.7)
    ('lowest', '42 /min')
    >>> quantity("beats", 12.0)
    ('beats', '12')
    >>> quantity("odi4_per_h", 5.0)
    ('odi4', '5.0 /h')
    """
    suffix = max((s for s in UNITS if name.endswith(f"_{s}")), key=len, default="")
    if stem := name[: -len(suffix) - 1] if suffix else "":
        unit, decimals = UNITS[suffix]
        if suffix == "s" and value >= 120:
            return words(stem), lasting(value)
        if suffix == "s" and value < 9.95:
            decimals = 2
        return words(stem), f"{value:.{decimals}f} {unit}"
    return words(name), f"{value:.0f}" if value == round(value) else f"{value:.2f}"


def reading(kind: str, value: float) -> str:
    """Return a vital's value to the digits it deserves, without the unit."""
    return f"{value:.{VITAL_UNITS.get(kind, ('', 2))[1]}f}"


def as_json(event: Event, zone: str) -> dict[str, Any]:
    """Return an event as plain data; times are ISO 8601 with the offset of `zone`."""
    return {
        "id": event.id,
        "kind": event.kind,
        "severity": event.severity,
        "start": iso(event.t0_s, zone),
        "end": iso(event.t1_s, zone),
        "seconds": round(event.t1_s - event.t0_s, 3),
        "ongoing": event.ongoing,
        "sources": list(event.sources),
        "findings": [
            {
                "stream": f.stream,
                "severity": f.severity,
                "start": iso(f.t0_s, zone),
                "end": iso(f.t1_s, zone),
                "ongoing": f.ongoing,
                "evidence": dict(f.evidence),
            }
            for f in event.findings
        ],
    }


def iso(t_s: float, zone: str) -> str:
    """Return a time as ISO 8601 with milliseconds and the offset of `zone`."""
    local = datetime.fromtimestamp(t_s, UTC).astimezone(ZoneInfo(zone))
    return local.isoformat(timespec="milliseconds")
