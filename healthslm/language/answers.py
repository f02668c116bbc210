"""A question's route and the facts of its period: an answer that says no more than they hold.

What comes from facts is made of the true clauses of the wording, one to four sentences and
the reviewed action where a red or amber finding is among them; all else is a fixed text of
`wording/*/answers.toml`. Nothing of a question is ever in an answer.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

from healthslm import days
from healthslm.language import plan as plans
from healthslm.language import slots, template, tokens
from healthslm.language.facts import SENSOR_KINDS, Fact, Facts
from healthslm.language.plan import Item, Plan
from healthslm.language.router import PERIODS, REFERRED, WEEKDAYS, Route
from healthslm.language.wording import FOLDER, Clause, load

NOW_S = 1800.0  # "now": the last half hour, so that a slow sensor has a say
MOST = 4  # sentences from facts, beside the action
TOLD_FINDINGS = 2  # of a question for them; more are counted

FINDINGS = {
    "pulse": ("tachycardia", "bradycardia"),
    "oxygen": ("desaturation", "oxygen_dips"),
    "temperature": ("fever", "hypothermia"),
    "breathing": ("tachypnoea", "bradypnoea", "apnoea_night"),
    "rhythm": (
        *("pause", "irregular_rhythm", "ventricular_run", "ventricular_ectopy"),
        *("supraventricular_ectopy", "bigeminy", "swinging_signal"),
    ),
    "pressure": ("hypertension", "hypotension"),
    "glucose": ("glucose_low", "glucose_high"),
    "movement": ("inactivity",),
    "sleep": ("apnoea_night",),
    "fall": ("fall",),
    "weight": (),
}
"""Findings that speak of a measure."""

TYPICAL = ("pulse", "oxygen", "temperature", "breathing")
KNOWN = (*TYPICAL, "rhythm")
"""Measures of which the facts tell whether they were measured."""

EXTREMES = {
    ("lowest", "pulse"): ("bradycardia", "pulse_range"),
    ("highest", "pulse"): ("tachycardia", "pulse_range"),
    ("lowest", "oxygen"): ("desaturation", "oxygen_low"),
    ("lowest", "temperature"): ("hypothermia",),
    ("highest", "temperature"): ("fever",),
    ("lowest", "breathing"): ("bradypnoea",),
    ("highest", "breathing"): ("tachypnoea",),
    ("lowest", "glucose"): ("glucose_low",),
    ("highest", "glucose"): ("glucose_high",),
    ("lowest", "pressure"): ("hypotension",),
    ("highest", "pressure"): ("hypertension",),
}
"""What tells the extreme of a measure: its finding, else the range."""

FROM_FACTS = frozenset(
    {"summary", "level", "lowest", "highest", "usual", "compare", "trend", "found"}
    | {"coverage", "next"}
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, and what is behind it.

    Parameters
    ----------
    kind
        The fact's kind; "action", or the name of a fixed text.
    item
        The fact, where one is behind it.
    """

    text: str
    kind: str
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said, and by what."""

    source: str  # "facts", or the name of the fixed text that answers
    sentences: tuple[Sentence, ...]
    lead: str = ""

    @property
    def text(self) -> str:
        """The answer as it is read."""
        return " ".join([self.lead, *(s.text for s in self.sentences)]).strip()


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer is to be: its language, whom it speaks to, the number to call, its turn."""

    lang: str
    level: str = tokens.PLAIN
    emergency: str = ""
    turn: int = 0


@dataclass(frozen=True)
class Texts:
    """The fixed texts of a language."""

    safety: Mapping[str, str]
    text: Mapping[str, Sequence[str]]
    lead: Mapping[str, str]


SAFETY = frozenset({"emergency", "harm", "refer", *REFERRED})
FIXED = frozenset(
    {"privacy", "device", "other", "unsure", "before", "long", "untold", "month", "empty"}
    | {"extreme", "steady", "days", "none_found", "none_known", "again"}
)


@lru_cache(maxsize=8)
def texts(lang: str) -> Texts:
    """Read the fixed texts of a language.

    Raises
    ------
    ValueError
        A text is missing, or there is one that nothing says.
    """
    data = tomllib.loads((FOLDER / lang / "answers.toml").read_text(encoding="utf-8"))
    whole = {name: set(rows) for name, rows in data.items()}
    wanted = {"safety": set(SAFETY), "text": set(FIXED), "lead": set(PERIODS) - {"month"}}
    if whole != wanted:
        raise ValueError(f"{lang}: answers.toml: unknown or missing texts")
    return Texts(data["safety"], data["text"], data["lead"])


def fixed(name: str, manner: Manner) -> Answer:
    """Return a fixed text as an answer."""
    return Answer(name, (_fixed(name, manner),))


def _fixed(name: str, manner: Manner) -> Sentence:
    held = texts(manner.lang)
    if name in held.safety:
        number = manner.emergency or load(manner.lang).names["emergency"]
        return Sentence(held.safety[name].format(emergency=number), name)
    said = held.text[name]
    return Sentence(said[manner.turn % len(said)], name)


# ---- which period ----------------------------------------------------------------------------


def follow(route: Route, before: Route | None) -> Route | None:
    """Return what a question that leans on the one before asks for, or None without one.

    What it names replaces what the one before named; the rest stays.
    """
    if route.intent != "follow":
        return route
    if before is None:
        return None
    measure = route.measure if route.measure != "none" else before.measure
    period = route.period if route.period != "none" else before.period
    intent = before.intent
    if intent == "summary" and route.measure != "none":
        intent = "level"
    return replace(
        before, intent=intent, measure=measure, period=period, refer=route.refer or before.refer
    )


def period_of(route: Route) -> str:
    """Return the period that the facts are gathered of: whole days where it takes days."""
    if route.intent in {"usual", "compare"} and route.period == "now":
        return "today"
    if route.intent == "trend" and route.period in {"week", "now"}:
        return "none"
    return route.period


def span(period: str, now_s: float, newest_s: float, zone: str) -> tuple[float, float] | None:
    """Return begin and end of a period in UTC seconds, or None where it is not kept.

    Parameters
    ----------
    newest_s
        Time of the newest record: where no period is named, its day.
    """
    today = days.day_of(now_s, zone)
    if period == "month":
        return None
    if period == "now":
        return now_s - NOW_S, now_s
    if period == "night":
        evening_s, morning_s = days.night(today, zone)
        return evening_s, min(morning_s, now_s)
    if period == "week":
        return days.week(today, zone)[0][0], now_s
    day = today
    if period == "yesterday":
        day = today - timedelta(days=1)
    elif period in WEEKDAYS:
        day = today - timedelta(days=(today.weekday() - WEEKDAYS.index(period)) % 7)
    elif period == "none":
        day = min(today, days.day_of(newest_s, zone))
    t0_s, t1_s = days.bounds(day, zone)
    return t0_s, min(t1_s, max(now_s, t0_s + 1))


# ---- the answer ------------------------------------------------------------------------------


def answer(route: Route, facts: Facts | None, manner: Manner) -> Answer:
    """Return the answer to a route; `facts` of its period, None where the period is not kept."""
    if route.intent in REFERRED:
        return fixed(route.intent, manner)
    if not route.sure or route.intent == "follow":
        told = fixed("unsure", manner)
    elif route.intent not in FROM_FACTS:
        told = fixed(route.intent, manner)
    elif route.period == "month":
        told = fixed("month", manner)
    elif facts is None:
        told = fixed("empty", manner)
    else:
        told = _Telling(route, facts, manner).answer()
    return _with(told, _fixed("refer", manner)) if route.refer else told


def _with(told: Answer, more: Sentence) -> Answer:
    return replace(told, sentences=(*told.sentences, more))


class _Telling:
    """One answer from facts under way."""

    def __init__(self, route: Route, facts: Facts, manner: Manner) -> None:
        self.route, self.facts, self.manner = route, facts, manner
        self.wording = load(manner.lang)
        self.items: list[Item] = []
        self.said: list[str | Item] = []  # in order: the name of a fixed text, or an item

    def answer(self) -> Answer:
        """Return the answer."""
        if self.route.intent in {"summary", "next"}:
            return self._planned()
        measure = self.route.measure
        if self.route.intent not in {"found", "coverage"} and measure == "none":
            return fixed("unsure", self.manner)
        getattr(self, f"_{self.route.intent}")(measure)
        findings = [i for i in self.said if isinstance(i, Item) and i.category("severity")]
        return self._finished(_gravest(findings))

    # -- what is said, by intent

    def _level(self, measure: str) -> None:
        self._warn(measure)
        self._typical(measure)

    def _lowest(self, measure: str) -> None:
        self._extreme("lowest", measure)

    def _highest(self, measure: str) -> None:
        self._extreme("highest", measure)

    def _extreme(self, which: str, measure: str) -> None:
        kinds = EXTREMES.get((which, measure), ())
        found = next((f for kind in kinds if (f := self.facts.get(kind))), None)
        self._warn(measure, but=found)
        if found is not None:
            self._add(found)
            return
        if measure in TYPICAL and self.facts.get(measure):
            self.said.append("extreme")
        self._typical(measure)

    def _usual(self, measure: str) -> None:
        self._typical(measure)

    def _compare(self, measure: str) -> None:
        self._warn(measure)
        self._typical(measure)

    def _trend(self, measure: str) -> None:
        trend = self.facts.get(f"{measure}_trend")
        if trend is not None:
            self._add(trend)
        elif measure not in TYPICAL:
            self.said.append("untold")
        elif self.route.period in {"none", "week", "now"}:
            self.said.append("steady")
        else:
            self.said.append("days")
        if trend is None:
            self._warn(measure)

    def _found(self, measure: str) -> None:
        if measure == "none":
            found = sorted(self.facts.findings, key=plans.gravity)
        else:
            found = sorted(self._of(measure), key=plans.gravity)
        for fact in found[:TOLD_FINDINGS]:
            self._add(fact)
        left = len(found) - TOLD_FINDINGS
        if left > 0:
            self.said.append(Item("more", (), (("count", float(left)),)))
        if not found:
            self._nothing(measure)

    def _nothing(self, measure: str) -> None:
        """Say that no detector told of it, in the time that was watched; never that all is well."""
        coverage, missing = self.facts.get("coverage"), self.facts.get("missing")
        if coverage is None or (measure in self._missing()):
            self._unknown()
            return
        if measure == "none":
            self.said.append(Item("quiet", coverage.categories, coverage.values))
        elif measure in KNOWN:
            self.said.append("none_found")
            self._add(coverage)
        else:
            self.said.append("none_known")
        if measure == "none" and missing is not None:
            self._add(missing)

    def _coverage(self, measure: str) -> None:
        coverage, missing = self.facts.get("coverage"), self.facts.get("missing")
        if measure != "none" and measure not in KNOWN:
            self.said.append("untold")
            return
        if coverage is not None and measure not in self._missing():
            self._add(coverage)
        if missing is not None:
            self._add(missing)
        for fact in self.facts.findings:
            if fact.kind in SENSOR_KINDS and len(self.said) < MOST:
                self._add(fact)
        if not self.said:
            self.said.append("empty")

    # -- pieces

    def _typical(self, measure: str) -> None:
        fact = self.facts.get(measure) if measure in TYPICAL else None
        if fact is not None:
            self._add(fact)
            asked = self.route.intent in {"usual", "compare"}
            if asked and ("vs", "unknown") in fact.categories:
                self.said.append(Item("learning"))
        elif measure == "rhythm" and (found := sorted(self._of(measure), key=plans.gravity)):
            for one in found[:TOLD_FINDINGS]:
                self._add(one)
        elif measure == "rhythm" and "rhythm" not in self._missing():
            self.said.append("none_found")
            if (coverage := self.facts.get("coverage")) is not None:
                self._add(coverage)
        elif measure in KNOWN:
            self._unknown()
        else:
            self.said.append("untold")

    def _warn(self, measure: str, but: Fact | None = None) -> None:
        """Say first the gravest red or amber finding of the measure."""
        grave = [f for f in self._of(measure) if f.severity != "info" and f is not but]
        if grave:
            self._add(min(grave, key=plans.gravity))

    def _unknown(self) -> None:
        missing = self.facts.get("missing")
        if missing is None:
            self.said.append("empty")
            return
        self._add(missing)
        self.said.append(Item("caution"))

    def _of(self, measure: str) -> list[Fact]:
        return [f for f in self.facts.findings if f.kind in FINDINGS.get(measure, ())]

    def _missing(self) -> list[str]:
        missing = self.facts.get("missing")
        return [] if missing is None else str(missing.value("what")).split(",")

    def _add(self, fact: Fact) -> None:
        item = plans.told_as(fact)
        if item.kind not in [i.kind for i in self.said if isinstance(i, Item)]:
            self.said.append(item)

    # -- the whole

    def _planned(self) -> Answer:
        """Return the text of the whole period, or its gravest finding and what to do."""
        what = plans.plan(self.facts, self.manner.level)
        items = [i for i in what.items if i.required] or list(what.items)
        self.said = list(items[:MOST] if self.route.intent == "summary" else items[:1])
        return self._finished(what.action)

    def _finished(self, action: str) -> Answer:
        """Return what is said as sentences, with its action."""
        level, lang = self.manner.level, self.manner.lang
        items = tuple(i for i in self.said if isinstance(i, Item))
        what = Plan(
            self.facts.t0_s, self.facts.t1_s, self.facts.zone, items, action or "none", level
        )
        out: list[Sentence] = []
        for one in self.said:
            if isinstance(one, str):
                out.append(_fixed(one, self.manner))
                continue
            write = slots.render if out else slots.render_after  # of the lead
            out.append(Sentence(write(self._clause(one).pieces, what, lang), one.kind, one))
        lead = texts(lang).lead[self.route.period] if out and out[0].item is not None else ""
        if action:
            said = self.wording.action(action, level, self.manner.emergency)
            out.append(Sentence(said, "action"))
        source = "facts" if items else out[0].kind
        return Answer(source, tuple(out), lead)

    def _clause(self, item: Item) -> Clause:
        """Return the clause whose turn it is; where the usual is asked for, one that tells it."""
        true = template.true_clauses(item, self.wording, self.manner.level)
        if self.route.intent in {"usual", "compare"}:
            true = [c for c in true if "usual" in c.fields] or true
        return true[self.manner.turn % len(true)]


def _gravest(items: Sequence[Item]) -> str:
    """Return the action that the findings told ask for; "" where none does."""
    body = {str(i.category("severity")) for i in items if i.kind not in SENSOR_KINDS}
    return next((name for name in ("red", "amber") if name in body), "")
