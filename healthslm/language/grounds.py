"""What each sentence of a text rests on: the fact, its values, and the stored records behind it.

Pure: a text, the plan and facts it is of, and the records of its period, in any order. They are
read once, and of vitals and beats only counts are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from healthslm.language import guard, slots
from healthslm.language.facts import (
    COUNTS,
    NOTICED,
    OWN,
    VITALS,
    Categories,
    Facts,
    Minutes,
    resting,
)
from healthslm.language.plan import Item, Plan
from healthslm.language.wording import load, meanings
from healthslm.records import Beat, Derived, Finding, Vital

WATCHED = "watched"
RHYTHM = "rhythm"
_READ = {"pulse": ("heart_rate", "activity"), RHYTHM: ("beat",)}
_READ |= {name: (vital,) for vital, name in VITALS.items() if name != "pulse"}
_OF_ALL = frozenset({"quiet", "coverage"})  # rest on everything that was watched


@dataclass(frozen=True, slots=True)
class Readings:
    """How much was read of something, and when."""

    kind: str  # a vital, "beat" (good ones), or "watched": everything that counts as watched
    count: int
    minutes: int  # with a reading
    streams: tuple[str, ...] = ()
    t0_s: float | None = None  # of the first reading
    t1_s: float | None = None  # of the last
    resting: int | None = None  # minutes that stood for rest, of a pulse


@dataclass(frozen=True, slots=True)
class Ground:
    """One sentence, and what it rests on."""

    sentence: str
    kind: str  # of the plan's item; "action"; "" where the facts do not give this sentence
    categories: Categories = ()
    values: tuple[tuple[str, str], ...] = ()  # name, as it is printed in a text
    findings: tuple[Finding, ...] = ()  # oldest first
    readings: tuple[Readings, ...] = ()
    days: tuple[tuple[float, str], ...] = ()  # earlier or single days: beginning, typical value
    rule: str = ""  # when it is true, where it rests on no values of its own


def grounds(
    text: str,
    plan: Plan,
    facts: Facts,
    records: Iterable[Derived],
    lang: str,
    *,
    emergency: str = "",
    days: Sequence[Facts] = (),
) -> tuple[Ground, ...]:
    """Return what a text rests on, a row for each sentence.

    Parameters
    ----------
    text
        As it was read by the person.
    plan, facts
        Of the text's period; they need not be those of the time at which it was written.
    records
        Of the period; what lies outside is passed over.
    emergency
        Number to call, as the text has it.
    days
        Facts of the days that the period was held against.
    """
    seen = _Seen(facts)
    seen.take(records)
    said = guard.read(text, plan, lang, emergency=emergency)
    return tuple(_ground(kind, sentence, plan, seen, lang, days) for kind, sentence in said)


def _ground(
    kind: str, sentence: str, plan: Plan, seen: _Seen, lang: str, days: Sequence[Facts]
) -> Ground:
    item = plan.item(kind)
    if item is None:
        rule = meanings().actions[plan.action] if kind == "action" else ""
        return Ground(sentence, kind, rule=rule)
    wording, row = load(lang), meanings().kinds[kind]
    values = tuple(
        (name, slots.written(item, name, wording, plan.zone, dated=slots.dated(plan, item, name)))
        for name in row.slots
        if slots.has(item, name)
    )
    return Ground(
        sentence,
        kind,
        item.categories,
        values,
        seen.findings(_finding_kinds(kind, plan, seen.facts)),
        _readings(item, seen),
        _of_days(item, days, plan, lang),
        "" if values else row.means,
    )


def _finding_kinds(kind: str, plan: Plan, facts: Facts) -> frozenset[str]:
    """Return the kinds of finding that an item speaks of."""
    if kind == "more":  # of the kinds that the text does not name
        left = [f.kind for f in facts.findings if plan.item(f.kind) is None]
        return frozenset[str]().union(*(_finding_kinds(k, plan, facts) for k in left))
    if kind == NOTICED:
        fact = facts.get(NOTICED)
        return frozenset(str(fact.value("what")).split(",")) if fact else frozenset()
    return frozenset({kind}) & frozenset(OWN)


def _readings(item: Item, seen: _Seen) -> tuple[Readings, ...]:
    if item.kind in _OF_ALL:
        return (seen.watched(),)
    if item.kind in {"missing", "caution"}:
        missing = seen.facts.get("missing")
        names = str(missing.value("what")).split(",") if missing else []
        return tuple(seen.readings(_READ[name][0]) for name in names)
    if meanings().group(item.kind) != "measure":
        return ()
    measure = item.kind.removesuffix("_trend").partition("_")[0]
    return tuple(seen.readings(vital) for vital in _READ.get(measure, ()))


def _of_days(
    item: Item, days: Sequence[Facts], plan: Plan, lang: str
) -> tuple[tuple[float, str], ...]:
    """Return the typical values that a usual range or a trend rests on, as printed."""
    measure, wording = item.kind.removesuffix("_trend"), load(lang)
    if measure == item.kind and item.category("vs") in {None, "unknown"}:
        return ()
    known = ((day.t0_s, fact) for day in days if (fact := day.get(measure)) is not None)
    return tuple(
        (t0_s, slots.written(Item(f.kind, (), f.values), "typical", wording, plan.zone))
        for t0_s, f in known
    )


@dataclass(slots=True)
class _Seen:
    """The records of a period, counted."""

    facts: Facts
    _found: dict[tuple[str, str, float], Finding] = field(default_factory=dict)
    _count: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _minutes: dict[str, Minutes] = field(default_factory=lambda: defaultdict(Minutes))
    _streams: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _ends: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, records: Iterable[Derived]) -> None:
        """Read the records, once."""
        t0_s, t1_s = self.facts.t0_s, self.facts.t1_s
        for x in records:
            if isinstance(x, Finding):
                self._found[x.key] = x
            elif isinstance(x, Vital) and t0_s <= x.t_s < t1_s:
                self._read(x.kind, x.stream, x.t_s, x.value)
                if x.kind in VITALS:
                    self._read(WATCHED, x.stream, x.t_s, x.value)
            elif isinstance(x, Beat) and x.good and t0_s <= x.t_s < t1_s:
                self._read("beat", x.stream, x.t_s, 1.0)
                self._read(WATCHED, x.stream, x.t_s, 1.0)

    def _read(self, kind: str, stream: str, t_s: float, value: float) -> None:
        self._count[kind] += 1
        self._minutes[kind].add(t_s, value)
        self._streams[kind].add(stream)
        first_s, last_s = self._ends.get(kind, (t_s, t_s))
        self._ends[kind] = min(first_s, t_s), max(last_s, t_s)

    def findings(self, kinds: frozenset[str]) -> tuple[Finding, ...]:
        """Return the findings of some kinds that touch the period, as last told."""
        touching = (
            f
            for f in self._found.values()
            if f.kind in kinds - COUNTS and f.t0_s < self.facts.t1_s and f.t1_s >= self.facts.t0_s
        )
        return tuple(sorted(touching, key=lambda f: (f.t0_s, f.kind, f.stream)))

    def readings(self, kind: str) -> Readings:
        """Return how much was read of a kind."""
        means = self._minutes[kind].means()
        still = None
        if kind == "heart_rate" and means:
            still = len(resting(means, self._minutes["activity"].means()))
        first_s, last_s = self._ends.get(kind, (None, None))
        streams = tuple(sorted(self._streams[kind]))
        return Readings(kind, self._count[kind], len(means), streams, first_s, last_s, still)

    def watched(self) -> Readings:
        """Return how much was read of all that counts as watched."""
        return self.readings(WATCHED)
