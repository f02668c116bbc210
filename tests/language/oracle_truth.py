"""What is true of a period, from its records and the definitions of `docs/wording.md` alone.

A second opinion: nothing here is taken from the code that writes the texts. A value is a
set of what may be printed for it, because two ways to add up floats can end on either side
of a half (447.0 / 6 is 74.5 or a little less); where nothing is added, or only whole
numbers are, the set has one member.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from healthslm.records import Beat, Derived, Finding, Vital

ORDER = (
    *("fall", "pause", "ventricular_run", "swinging_signal", "desaturation", "glucose_low"),
    *("bradycardia", "tachycardia", "irregular_rhythm", "news2", "bradypnoea", "tachypnoea"),
    *("fever", "hypothermia", "hypertension", "hypotension", "glucose_high", "inactivity"),
    *("apnoea_night", "oxygen_dips", "bigeminy", "ventricular_ectopy"),
    *("supraventricular_ectopy", "baseline_shift", "noticed", "no_data", "poor_signal"),
)
COUNTS = frozenset({"glucose_range", "irregular_burden", "summary_by_template"})  # no fact
OWN = frozenset(ORDER) - {"noticed"}  # kinds of finding with clauses of their own
SENSORS = frozenset({"no_data", "poor_signal"})
NAMED = OWN - SENSORS  # kinds that a list of findings may name; the rest are "other"
LEVELS = ("pulse", "oxygen", "temperature", "breathing")
TRENDS = {f"{name}_trend": name for name in LEVELS}
MEASURES = (*LEVELS, *TRENDS, "pulse_range", "oxygen_low")
NAMES = ("pulse", "rhythm", "oxygen", "temperature", "breathing")
KENDALL = {5: 8, 6: 11, 7: 13}  # values: least size of S

_GRAVITY = {"red": 2, "amber": 1, "info": 0}
_WORST = {  # kind: (evidence, role, unit, decimals, sign, limit)
    "tachycardia": ("highest_bpm", "highest", "bpm", 0, 1, "limit_bpm"),
    "bradycardia": ("lowest_bpm", "lowest", "bpm", 0, -1, "limit_bpm"),
    "pause": ("rr_s", "longest", "sec", 1, 1, ""),
    "desaturation": ("lowest_pct", "lowest", "pct", 0, -1, "limit_pct"),
    "fever": ("highest_c", "highest", "deg", 1, 1, "limit_c"),
    "ventricular_run": ("fastest_bpm", "fastest", "bpm", 0, 1, ""),
    "tachypnoea": ("highest_per_min", "highest", "br", 0, 1, "limit_per_min"),
    "bradypnoea": ("lowest_per_min", "lowest", "br", 0, -1, "limit_per_min"),
    "glucose_low": ("lowest_mgdl", "lowest", "glucose", 0, -1, "limit_mgdl"),
    "glucose_high": ("highest_mgdl", "highest", "glucose", 0, 1, "limit_mgdl"),
    "hypothermia": ("lowest_c", "lowest", "deg", 1, -1, "limit_c"),
    "hypotension": ("lowest_mmhg", "lowest", "mmhg", 0, -1, ""),
}
_LARGEST = {  # kind: (evidence, role, unit)
    "ventricular_ectopy": ("burden_pct", "share", "in_hundred"),
    "supraventricular_ectopy": ("burden_pct", "share", "in_hundred"),
    "oxygen_dips": ("odi3_per_h", "rate", "per_hour"),
    "apnoea_night": ("pattern_per_h", "rate", "of_hour"),
    "baseline_shift": ("nights", "nights", "nights"),
}
NIGHTLY = frozenset({"oxygen_dips", "apnoea_night", "baseline_shift"})  # of nights by meaning
_NOT_COUNTED = frozenset(_LARGEST)
_NO_START = _NOT_COUNTED - {"oxygen_dips", "apnoea_night"}
_NO_LENGTH = _NOT_COUNTED | SENSORS | {"pause", "hypertension", "hypotension", "fall"}
_NO_WORST_AT = frozenset({"hypotension"})
_START_ANYWAY = frozenset({"fall", "news2", "pause"})  # also where it began before the period
_VITALS = {
    "pulse": ("heart_rate", "bpm", 0),
    "oxygen": ("spo2", "pct", 0),
    "temperature": ("temperature", "deg", 1),
    "breathing": ("respiratory_rate", "br", 0),
}
_STEPS = {"pulse": 4.0, "oxygen": 2.0, "temperature": 0.3, "breathing": 2.0}
_USUAL_OF = {
    "tachycardia": "pulse",
    "bradycardia": "pulse",
    "desaturation": "oxygen",
    "fever": "temperature",
}
_SIGNALS = {
    "ecg": "heart",
    "ppg": "pulse",
    "heart_rate": "pulse",
    "spo2": "oxygen",
    "acceleration": "movement",
    "systolic": "pressure",
    "diastolic": "pressure",
    "glucose": "sugar",
    "temperature": "temperature",
    "respiration": "breathing",
    "respiratory_rate": "breathing",
    "activity": "movement",
}

DECIMALS = frozenset({"bpm", "br", "pct", "deg", "sec"})  # units told by `number`

Value = tuple[object, ...]
Values = frozenset[Value]


@dataclass(frozen=True)
class Told:
    """One fact: what may be said of it."""

    values: dict[str, Values]
    severity: str = ""
    count: int = 1
    vs: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset({"mixed"})
    ways: frozenset[str] = frozenset()  # of a trend; "" where the page leaves open if it is one
    raw: float = math.nan
    sharp: bool = True  # see `near`

    @property
    def notable(self) -> bool:
        """Whether it is above or below the usual range, beyond doubt."""
        return bool(self.vs) and self.vs <= {"above", "below"}

    @property
    def again(self) -> bool:
        """Whether a day before had one too."""
        return "again" in self.values


@dataclass(frozen=True)
class Truth:
    """Everything that is true of one period."""

    found: dict[str, Told] = field(default_factory=dict)  # gravest first
    measured: dict[str, Told] = field(default_factory=dict)  # in the order of telling
    watched_s: float = 0.0
    period_s: float = 0.0
    missing: tuple[str, ...] = ()
    days: tuple[date, date] = (date.min, date.min)

    @property
    def share(self) -> str:
        """Category of the watched time; the page has none for no time at all."""
        if self.watched_s <= 0:
            return ""
        part = self.watched_s / self.period_s if self.period_s else 0.0
        return "full" if part >= 0.9 else "part" if part >= 0.25 else "little"

    @property
    def nothing(self) -> bool:
        """Whether none of the five measures is known."""
        return len(self.missing) == len(NAMES)

    @property
    def action(self) -> str:
        """Which action must be told."""
        body = {told.severity for kind, told in self.found.items() if kind not in SENSORS}
        for grave in ("red", "amber"):
            if grave in body:
                return grave
        if self.found.keys() & SENSORS:
            return "technical"
        return "info" if body else "unknown" if self.nothing else "none"

    @property
    def watch(self) -> Told:
        """Coverage as a fact."""
        if not self.share:
            return Told({})
        values = {"watched": duration(self.watched_s)}
        if self.share != "full":
            values["unwatched"] = duration(self.period_s - self.watched_s)
        return Told(values)


def rounded(value: float, decimals: int) -> int:
    """Return the value in units of its last printed decimal, halves upwards."""
    return math.floor(value * 10**decimals + 0.5)


def near(value: float, decimals: int, *, sharp: bool = True) -> frozenset[int]:
    """Return what may be printed: one number, or two where the half is not exact.

    `sharp` says that the value itself was recorded, or comes of such as add up exactly.
    """
    exact = sharp and decimals == 0 and (value * 2).is_integer()
    return frozenset(rounded(value + by, decimals) for by in ((0.0,) if exact else (-1e-9, 1e-9)))


def number(value: float, unit: str, decimals: int, *, sharp: bool = True) -> Values:
    """Return the numbers that may be printed for a value."""
    return frozenset((unit, shown(n, decimals)) for n in near(value, decimals, sharp=sharp))


def shown(n: int, decimals: int) -> str:
    """Return a number in units of its last decimal as printed, with a point."""
    return f"{n / 10**decimals:.{decimals}f}"


def duration(seconds: float, *, still: bool = False) -> Values:
    """Return how a length of time may be written; `still` open ones are rounded down."""
    slack = 0.0 if (seconds * 2).is_integer() else 1e-6
    return frozenset(_written(max(0.0, seconds + by), still) for by in (-slack, slack))


def _written(seconds: float, still: bool) -> Value:
    def whole(x: float) -> int:
        return math.floor(x) if still else math.floor(x + 0.5)

    if whole(seconds) < 60:
        return ("s", float(max(1, whole(seconds))), still)
    minutes = whole(seconds / 60)
    if minutes < 120:
        return ("min", float(minutes), still)
    if minutes < 600:
        return ("h", whole(minutes / 30) / 2, still)
    return ("h", float(whole(minutes / 60)), still)


def clock(t_s: float, zone: str, *, dated: bool) -> Values:
    """Return the local time of day, cut to the minute, and its day where that is due."""
    local = datetime.fromtimestamp(math.floor(t_s), UTC).astimezone(ZoneInfo(zone))
    day = (local.weekday(), local.month, local.day) if dated else ()
    return frozenset({("clock", local.hour, local.minute, *day)})


@dataclass
class _Episode:
    t0_s: float
    t1_s: float
    still: bool
    began_s: float  # not cut to the period
    parts: list[Finding]

    @property
    def before(self) -> bool:
        """Whether it began before the period, and so was cut."""
        return self.began_s < self.t0_s

    def worst(self, name: str, sign: int) -> float:
        return max(dict(f.evidence)[name] * sign for f in self.parts) * sign

    @property
    def length(self) -> float:
        return self.t1_s - self.t0_s


@dataclass(frozen=True)
class _Period:
    t0_s: float
    t1_s: float
    zone: str
    before: dict[date, Truth]  # the 6 days before

    @property
    def long(self) -> bool:
        """Whether times of day are told with their day."""
        return self.t1_s - self.t0_s > 25 * 3600

    def clock(self, t_s: float) -> Values:
        """Return a time of day as this period tells it."""
        return clock(t_s, self.zone, dated=self.long or t_s < self.t0_s)

    @property
    def first(self) -> date:
        return _local(self.t0_s, self.zone).date()


def _local(t_s: float, zone: str) -> datetime:
    whole = math.floor(t_s)
    local = datetime.fromtimestamp(whole, UTC).astimezone(ZoneInfo(zone))
    return local.replace(microsecond=math.floor((t_s - whole) * 1e6))


def truth(
    records: Iterable[Derived],
    t0_s: float,
    t1_s: float,
    zone: str,
    earlier: Sequence[Truth] = (),
    days: Sequence[Truth] = (),
) -> Truth:
    """Return what is true of [t0_s, t1_s).

    `earlier` is what was true of the days before, `days` of the single days of a longer period.
    """
    records = list(records)
    told_last = {r.key: r for r in records if isinstance(r, Finding)}
    touching = [
        f for f in told_last.values() if f.t0_s < t1_s and f.t1_s >= t0_s and f.kind not in COUNTS
    ]
    minutes, good, watch = _minutes(records, t0_s, t1_s)
    today = _local(t0_s, zone).date()
    by_day = {t.days[0]: t for t in earlier}
    week = [today - timedelta(days=n) for n in range(1, 7)]
    period = _Period(t0_s, t1_s, zone, {d: by_day[d] for d in week if d in by_day})
    measured = _measured(minutes, period, earlier)
    measured |= _trends(measured, period, days)
    found = {
        kind: _told(kind, [f for f in touching if f.kind == kind], period, measured)
        for kind in {f.kind for f in touching} & OWN
    }
    others = [f for f in touching if f.kind not in OWN]
    if others:
        found["noticed"] = _noticed(others, period)
    known = {"rhythm"} if len(good) >= 3 else set()
    known |= measured.keys() & set(NAMES)
    return Truth(
        found=dict(
            sorted(found.items(), key=lambda f: (-_GRAVITY[f[1].severity], ORDER.index(f[0])))
        ),
        measured=in_order(measured),
        watched_s=min(_watched(watch) * 60.0, t1_s - t0_s),
        period_s=t1_s - t0_s,
        missing=tuple(name for name in NAMES if name not in known),
        days=(today, _local(max(t0_s, t1_s - 1e-3), zone).date()),
    )


def in_order(measured: dict[str, Told]) -> dict[str, Told]:
    """Return the measures in the order of telling."""

    def place(item: tuple[str, Told]) -> tuple[bool, bool, int]:
        name, told = item
        return (not told.notable, name not in TRENDS, MEASURES.index(name))

    return dict(sorted(measured.items(), key=place))


def _minutes(
    records: Sequence[Derived], t0_s: float, t1_s: float
) -> tuple[dict[str, dict[int, float]], set[int], set[int]]:
    read: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    good: set[int] = set()
    for r in records:
        if isinstance(r, Vital) and t0_s <= r.t_s < t1_s:
            read[r.kind][math.floor(r.t_s / 60)].append(r.value)
        elif isinstance(r, Beat) and r.good and t0_s <= r.t_s < t1_s:
            good.add(math.floor(r.t_s / 60))
    means = {k: {m: math.fsum(v) / len(v) for m, v in sorted(d.items())} for k, d in read.items()}
    watch = set(good)
    for kind, _, _ in _VITALS.values():
        watch |= means.get(kind, {}).keys()
    return means, good, watch


def _watched(minutes: set[int]) -> int:
    rows = sorted(minutes)
    between = sum(b - a - 1 for a, b in itertools.pairwise(rows) if b - a <= 10)
    return len(rows) + between


def _middle(values: Iterable[float]) -> float:
    row = sorted(values)
    half = len(row) // 2
    return row[half] if len(row) % 2 else (row[half - 1] + row[half]) / 2


def _measured(
    minutes: dict[str, dict[int, float]], period: _Period, earlier: Sequence[Truth]
) -> dict[str, Told]:
    out: dict[str, Told] = {}
    for name, (kind, unit, decimals) in _VITALS.items():
        row = minutes.get(kind, {})
        if len(row) < 3:
            continue
        typical = _middle(
            _rest(row, minutes.get("activity", {})) if name == "pulse" else [*row.values()]
        )
        before = [t.measured[name] for t in earlier if name in t.measured]
        out[name] = _measure(typical, unit, decimals, before, sharp=_sharp(row))
    if "pulse" in out:
        row = minutes["heart_rate"]
        low = number(min(row.values()), "bpm", 0, sharp=_sharp(row))
        high = number(max(row.values()), "bpm", 0, sharp=_sharp(row))
        if len(low | high) > 1:
            out["pulse_range"] = Told({"low": low, "high": high})
    if "oxygen" in out:
        row = minutes["spo2"]
        least = min(row.values())
        exact = next(m for m, v in row.items() if v == least)
        close = next(m for m, v in row.items() if v <= least + 1e-9)
        at = period.clock(exact * 60) | period.clock(close * 60)
        out["oxygen_low"] = Told({"lowest": number(least, "pct", 0, sharp=_sharp(row)), "at": at})
    return out


def _rest(pulse: dict[int, float], activity: dict[int, float]) -> list[float]:
    still = [v for m, v in pulse.items() if m in activity and activity[m] <= 0.05]
    if len(still) >= 30:
        return still
    quarter = math.ceil(len(pulse) / 4)
    return sorted(pulse.values())[:quarter]


def _sharp(row: dict[int, float]) -> bool:
    """Return whether the readings add up without an error, as whole numbers do."""
    return all((v * 2).is_integer() for v in row.values())


def _measure(
    typical: float, unit: str, decimals: int, before: Sequence[Told], *, sharp: bool
) -> Told:
    values = {"typical": number(typical, unit, decimals, sharp=sharp)}
    if len(before) < 5:
        return Told(values, vs=frozenset({"unknown"}), raw=typical, sharp=sharp)
    ends = (min(before, key=lambda t: t.raw), max(before, key=lambda t: t.raw))
    lows, highs = (near(t.raw, decimals, sharp=t.sharp) for t in ends)
    values["usual"] = frozenset(
        ("range", shown(a, decimals), shown(b, decimals)) for a in lows for b in highs
    )
    vs = frozenset(
        "below" if n < a else "above" if n > b else "usual"
        for n in near(typical, decimals, sharp=sharp)
        for a in lows
        for b in highs
    )
    return Told(values, vs=vs, raw=typical, sharp=sharp)


def _trends(measured: dict[str, Told], period: _Period, days: Sequence[Truth]) -> dict[str, Told]:
    """Return what rose or fell over the last days.

    The page leaves open whether typical values are compared before or after rounding, and
    whether there is a trend where the period itself has no value: then `ways` holds "" too.
    """
    out = {}
    for kind, name in TRENDS.items():
        rows = {d: t.measured[name] for d, t in period.before.items() if name in t.measured}
        if days:
            newest = max(t.days[0] for t in days)
            by_day = {t.days[0]: t for t in days if newest - t.days[0] < timedelta(days=7)}
            rows = {d: t.measured[name] for d, t in by_day.items() if name in t.measured}
        elif name in measured:
            rows[period.first] = measured[name]
        if len(rows) < min(KENDALL):
            continue
        row = [rows[d] for d in sorted(rows)]
        _, unit, decimals = _VITALS[name]
        values = [
            [t.raw for t in row],
            [round(t.raw, 6) for t in row],
            [rounded(t.raw, decimals) / 10**decimals for t in row],
        ]
        slack = (0.0,) if all(t.sharp for t in row) else (-1e-6, 1e-6)
        ways = {_way(v, _STEPS[name] + by) for v in values for by in slack}
        ways |= set() if days or name in measured else {""}
        if ways - {""}:
            first, last = (number(t.raw, unit, decimals, sharp=t.sharp) for t in (row[0], row[-1]))
            span = (max(rows) - min(rows)).days + 1
            told = {"first": first, "last": last, "days": frozenset({("days", span)})}
            out[kind] = Told(told, ways=frozenset(ways))
    return out


def _way(row: Sequence[float], step: float) -> str:
    s = sum((b > a) - (b < a) for a, b in itertools.combinations(row, 2))
    by = _middle(row[-3:]) - _middle(row[:3])
    if abs(s) < KENDALL[len(row)] or abs(by) < step or (s > 0) != (by > 0):
        return ""
    return "rising" if s > 0 else "falling"


def _episodes(parts: list[Finding], period: _Period) -> list[_Episode]:
    out: list[_Episode] = []
    span = (period.t0_s, period.t1_s)
    for f in sorted(parts, key=lambda f: (max(f.t0_s, span[0]), min(f.t1_s, span[1]))):
        t0, t1 = max(f.t0_s, span[0]), min(f.t1_s, span[1])
        still = f.ongoing or f.t0_s < span[0] or f.t1_s > span[1]
        if out and (t0 < out[-1].t1_s or t0 == out[-1].t0_s):
            out[-1].t1_s = max(out[-1].t1_s, t1)
            out[-1].still |= still
            out[-1].began_s = min(out[-1].began_s, f.t0_s)
            out[-1].parts.append(f)
        else:
            out.append(_Episode(t0, t1, still, f.t0_s, [f]))
    return out


def _parts(rows: Sequence[_Episode], zone: str) -> frozenset[str]:
    """Return the part of the day; more than one where an end lies on 6:00 or 22:00 to the dot."""
    return frozenset(
        parts.pop() if len(parts) == 1 else "mixed"
        for ends in (True, False)
        for parts in [{_part(e, zone, ends=ends) for e in rows}]
    )


def _part(e: _Episode, zone: str, *, ends: bool) -> str:
    if e.still:
        return "mixed"
    a, b = _local(e.t0_s, zone), _local(e.t1_s, zone)
    if ends and b > a:
        b -= timedelta(microseconds=1)
    a, b = (t.replace(tzinfo=None) - timedelta(hours=6) for t in (a, b))
    if a.date() != b.date() or (a.hour < 16) != (b.hour < 16):
        return "mixed"
    return "day" if a.hour < 16 else "night"


def _told(kind: str, parts: list[Finding], period: _Period, measured: dict[str, Told]) -> Told:
    rows = _episodes(parts, period)
    values: dict[str, Values] = {}
    if kind not in _NO_START and (kind in _START_ANYWAY or not rows[0].before):
        values["start"] = period.clock(rows[0].began_s)
    if len(rows) == 1 and "start" in values:
        values["worst_at"] = values["start"]  # the only one is the worst
    if len(rows) > 1 and kind not in _NOT_COUNTED:
        values["count"] = frozenset({("times", len(rows))})
    if kind in _WORST:
        values |= _worst(kind, rows, period)
    if kind in _LARGEST:
        name, role, unit = _LARGEST[kind]
        values[role] = _whole(max(dict(f.evidence)[name] for f in parts), unit)
    if kind == "hypertension":
        values |= _reading(parts, period)
    if kind in SENSORS:
        values["total"] = duration(
            math.fsum(e.length for e in rows), still=any(e.still for e in rows)
        )
        values["what"] = _what(parts)
    elif kind not in _NO_LENGTH:
        most = max(e.length for e in rows)
        longest = [e for e in rows if e.length >= most - 1e-6]
        values["longest"] = frozenset().union(*(duration(e.length, still=e.still) for e in longest))
        if kind == "irregular_rhythm":
            values["rate"] = frozenset().union(
                *(number(dict(f.evidence)["mean_bpm"], "bpm", 0) for e in longest for f in e.parts)
            )
    usual = measured.get(_USUAL_OF.get(kind, ""))
    if usual and "usual" in usual.values:
        values["usual"] = usual.values["usual"]
    newest = period.first - timedelta(days=1 + rows[0].before)
    again = [d for d, t in period.before.items() if kind in t.found and d <= newest]
    if again and kind not in SENSORS:
        values["again"] = frozenset({("weekday", max(again).weekday())})
    return Told(
        values,
        max((f.severity for f in parts), key=_GRAVITY.__getitem__),
        len(rows),
        parts=_parts(rows, period.zone),
    )


def _worst(kind: str, rows: Sequence[_Episode], period: _Period) -> dict[str, Values]:
    name, role, unit, decimals, sign, limit = _WORST[kind]
    worst = max(rows, key=lambda e: e.worst(name, sign) * sign)  # the first of equals
    value = worst.worst(name, sign)
    out = {role: number(value, unit, decimals) if unit in DECIMALS else _whole(value, unit)}
    if kind not in _NO_WORST_AT and len(rows) > 1 and not worst.before:
        out["worst_at"] = period.clock(worst.t0_s)
    if limit:
        limits = (dict(f.evidence) for f in worst.parts)
        out["limit"] = frozenset().union(
            *(
                number(e[limit], unit, decimals) if unit in DECIMALS else _whole(e[limit], unit)
                for e in limits
                if e[name] == value
            )
        )
    return out


def _whole(value: float, unit: str) -> Values:
    """Return a whole number that is not written with a unit of `DECIMALS`."""
    if unit == "in_hundred" and value < 1:
        return frozenset({(unit, 0)})
    least = 1 if unit in ("per_hour", "of_hour") else 0
    return frozenset((unit, max(least, n)) for n in near(value, 0))


def _reading(parts: list[Finding], period: _Period) -> dict[str, Values]:
    both = [
        (dict(f.evidence)["systolic_mmhg"], dict(f.evidence)["diastolic_mmhg"], f)
        for f in parts
        if {"systolic_mmhg", "diastolic_mmhg"} <= dict(f.evidence).keys()
    ]
    if not both:
        return {}
    top = max(row[0] for row in both)
    begin = min(max(f.t0_s, period.t0_s) for upper, _, f in both if upper == top)
    return {
        "reading": frozenset(
            ("pressure", a, b)
            for upper, under, f in both
            if upper == top and max(f.t0_s, period.t0_s) == begin
            for a in near(upper, 0)
            for b in near(under, 0)
        )
    }


def _noticed(parts: list[Finding], period: _Period) -> Told:
    """Return all findings of kinds without clauses of their own, as one fact."""
    first: dict[str, tuple[int, float, str]] = {}
    t0_s = period.t0_s
    for f in parts:
        place = (-_GRAVITY[f.severity], max(f.t0_s, t0_s), f.kind)
        first[f.kind] = min(first.get(f.kind, place), place)
    row = sorted(first, key=first.__getitem__)
    values = {"what": frozenset({listed(row)})}
    if min(f.t0_s for f in parts) >= t0_s:
        values["start"] = period.clock(min(f.t0_s for f in parts))
    return Told(values, max((f.severity for f in parts), key=_GRAVITY.__getitem__))


def listed(kinds: Sequence[str]) -> Value:
    """Return how kinds of finding are listed: each name once, of more than three the first two."""
    names = list(dict.fromkeys(kind if kind in NAMED else "other" for kind in kinds))
    return ("findings", *(names if len(names) <= 3 else [*names[:2], "more"]))


def _what(parts: list[Finding]) -> Values:
    kinds = {f.stream.rpartition("/")[2].partition("-")[0] for f in parts}
    names = {_SIGNALS.get(kind, "other") for kind in kinds}
    return frozenset({("signals", frozenset(names) if len(names) <= 2 else frozenset({"several"}))})
