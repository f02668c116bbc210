"""What is said of a period, in which order, and the one action at its end.

The plan decides everything that matters; the model only chooses words. A text has 3
to 6 sentences: at most three findings, the gravest first, one sentence that there is
more where there is more, what was measured and what is not known as far as there is
room, and last the action that the severity asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from healthslm.language import tokens
from healthslm.language.facts import SENSOR_KINDS, Categories, Fact, Facts, Value, Values

MIN_SENTENCES, MAX_SENTENCES = 3, 6
MAX_FINDINGS = 3
ACTION_SENTENCES = 2
"""No action is longer; the wording is checked against it when it is read."""

GRAVITY = (  # of findings of one severity, the order in which they are told
    "fall",
    "pause",
    "ventricular_run",
    "swinging_signal",
    "desaturation",
    "glucose_low",
    "bradycardia",
    "tachycardia",
    "irregular_rhythm",
    "news2",
    "bradypnoea",
    "tachypnoea",
    "fever",
    "hypothermia",
    "hypertension",
    "hypotension",
    "glucose_high",
    "inactivity",
    "apnoea_night",
    "oxygen_dips",
    "bigeminy",
    "ventricular_ectopy",
    "supraventricular_ectopy",
    "baseline_shift",
    "noticed",
    "no_data",
    "poor_signal",
)
_SEVERITIES = ("red", "amber", "info")
MEASURES = (
    *("pulse", "oxygen", "temperature", "breathing"),
    *("pulse_trend", "oxygen_trend", "temperature_trend", "breathing_trend"),
    *("pulse_range", "oxygen_low"),
)
_HIDES = {  # a finding tells the extreme itself: its measure's extreme would confuse
    "tachycardia": "pulse_range",
    "bradycardia": "pulse_range",
    "desaturation": "oxygen_low",
    "oxygen_dips": "oxygen_low",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One sentence to be said: a fact, with what may be filled into it."""

    kind: str
    categories: Categories = ()
    values: Values = ()
    required: bool = True

    def category(self, name: str) -> str | None:
        """Return the value of a category."""
        return dict(self.categories).get(name)

    def value(self, name: str) -> Value | None:
        """Return a value by its name."""
        return dict(self.values).get(name)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a text must say (required items), may say (the others), and its action."""

    t0_s: float
    t1_s: float
    zone: str
    items: tuple[Item, ...]
    action: str
    level: str = tokens.PLAIN

    @property
    def day(self) -> int:
        """The day on which the period begins, in the person's time zone, counted from year 1."""
        return datetime.fromtimestamp(self.t0_s, ZoneInfo(self.zone)).toordinal()

    def item(self, kind: str) -> Item | None:
        """Return the item of a kind."""
        return next((i for i in self.items if i.kind == kind), None)

    def prompt(self, lang: str) -> list[str]:
        """Return the tokens that ask the model for a text in a language."""
        out = [tokens.language(lang), tokens.category("level", self.level)]
        for item in self.items:
            out.append(tokens.fact(item.kind))
            out += [tokens.category(name, value) for name, value in item.categories]
        return [*out, tokens.category("action", self.action), tokens.TEXT]


def plan(facts: Facts, level: str = tokens.PLAIN) -> Plan:
    """Decide what is said of a period; `level`: whom the text speaks to."""
    findings = sorted(facts.findings, key=gravity)
    items = _of_findings(facts, findings) if findings else _of_quiet(facts)
    action = _action(findings, facts)
    return Plan(facts.t0_s, facts.t1_s, facts.zone, tuple(items), action, level)


def told_as(fact: Fact, *, required: bool = True) -> Item:
    """Return a fact as an item; of a finding its severity is a category too."""
    graded = (("severity", fact.severity),) if fact.kind in GRAVITY else ()
    return Item(fact.kind, (*graded, *fact.categories), fact.values, required)


def gravity(fact: Fact) -> tuple[int, int]:
    """Return the place of a finding among others, the gravest first."""
    return _SEVERITIES.index(fact.severity), GRAVITY.index(fact.kind)


def _action(findings: Sequence[Fact], facts: Facts) -> str:
    body = {f.severity for f in findings if f.kind not in SENSOR_KINDS}
    if "red" in body:
        return "red"
    if "amber" in body:
        return "amber"
    if any(f.kind in SENSOR_KINDS for f in findings):
        return "technical"
    if body:
        return "info"
    return "unknown" if _nothing_known(facts) else "none"


def _nothing_known(facts: Facts) -> bool:
    missing = facts.get("missing")
    return missing is not None and ("extent", "all") in missing.categories


def _of_findings(facts: Facts, findings: Sequence[Fact]) -> list[Item]:
    told = findings[:MAX_FINDINGS]
    items = [told_as(f) for f in told]
    if len(findings) > MAX_FINDINGS:
        left = float(len(findings) - MAX_FINDINGS)
        return [*items, Item("more", (), (("count", left),))]
    body = any(f.kind not in SENSOR_KINDS for f in told)
    items.append(Item("doubt" if body else "caution"))
    coverage, missing = facts.get("coverage"), facts.get("missing")
    hidden = {_HIDES.get(f.kind) for f in findings}
    most = MAX_SENTENCES - ACTION_SENTENCES
    unusual = sum(_unusual(f) for kind in MEASURES if kind not in hidden and (f := facts.get(kind)))
    partly = coverage is not None and ("share", "full") not in coverage.categories
    if coverage is not None and partly and len(items) + unusual < most:
        items.append(told_as(coverage, required=False))
    items += _measured(facts, hidden, most - len(items), required=False)
    if missing is not None and not (body and _nothing_known(facts)):
        items.append(told_as(missing, required=False))
    return items[:most]


def _of_quiet(facts: Facts) -> list[Item]:
    """No finding: what was measured, and what is not known; never that all is well."""
    coverage, missing = facts.get("coverage"), facts.get("missing")
    unknown = [] if missing is None else [told_as(missing)]
    if coverage is None or _nothing_known(facts):
        return [*unknown, Item("caution")]
    quiet = Item("quiet", coverage.categories, coverage.values)
    room = MAX_SENTENCES - ACTION_SENTENCES - 1 - len(unknown)
    measured = _measured(facts, set(), room, required=True)
    caution = [Item("caution")] if unknown and not measured else []
    return [quiet, *measured, *unknown, *caution]


def _measured(facts: Facts, hidden: set[str | None], room: int, *, required: bool) -> list[Item]:
    """Choose measures for the room there is: what is unusual first."""
    known = [f for kind in MEASURES if kind not in hidden and (f := facts.get(kind))]
    known.sort(key=lambda f: (not _unusual(f), not f.kind.endswith("_trend")))
    chosen: list[Fact] = []
    learning = 0  # a value without its usual range needs the sentence that says why
    for fact in known:
        why = 0 if learning else int(("vs", "unknown") in fact.categories)
        if len(chosen) + 1 + learning + why <= room:
            chosen.append(fact)
            learning += why
    items = [told_as(f, required=required or _unusual(f)) for f in chosen]
    if learning:
        vs = [value for f in chosen for name, value in f.categories if name == "vs"]
        ranges = "none" if set(vs) == {"unknown"} else "some"
        items.append(Item("learning", (("ranges", ranges),), required=required))
    return items


def _unusual(fact: Fact) -> bool:
    return ("vs", "above") in fact.categories or ("vs", "below") in fact.categories
