"""The table of meanings as a page: what is claimed, when it is true, how it is said.

python -m healthslm.language.table > docs/wording.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

from healthslm.language import answers, facts, plan, slots, tokens
from healthslm.language.wording import (
    PERIOD,
    Clause,
    Kind,
    When,
    Wording,
    languages,
    load,
    meanings,
)

_EXAMPLES: dict[str, tuple[float | str, ...]] = {
    "bpm": (1.0, 72.0, 132.0),
    "breaths": (1.0, 14.0),
    "percent": (91.0,),
    "celsius": (38.0, 38.6),
    "seconds": (3.2, 4.0),
    "duration": (1.0, 45.0, 60.0, 2520.0, 7140.0, 7200.0, 9100.0, 36_000.0, 84_000.0),
    "clock": (3900.0, 32_700.0, 47_100.0, 53_400.0, 0.0),
    "times": (2.0, 14.0),
    "in_hundred": (0.4, 1.0, 1.5, 12.0),
    "per_hour": (1.0, 14.5),
    "of_hour": (1.0, 14.5),
    "mmhg": (88.0,),
    "glucose": (62.0,),
    "nights": (2.0, 3.0),
    "days": (6.0,),
    "weekday": (0.0,),
    "notes": (1.0, 3.0),
    "names": ("pulse", "pulse,rhythm,oxygen"),
    "findings": ("fall", "fall,glucose_low", "fall,glucose_low,ventricular_ectopy,tachypnoea"),
    "signals": ("ecg", "ecg,ppg", "ecg,ppg,spo2", "ecg,glucose"),
}

_ORDER = ", ".join(f"`{k}`" for k in plan.GRAVITY)
_MEASURES = ", ".join(f"`{k}`" for k in plan.MEASURES)
_COUNTS = ", ".join(f"`{k}`" for k in sorted(facts.COUNTS))
_TREND = ", ".join(f"{s} for {n} values" for n, s in facts.TREND_S.items())
_STEP = ", ".join(f"{step:g} for {kind}" for kind, step in facts.TREND_STEP.items())
_ROOM = plan.MAX_SENTENCES - plan.ACTION_SENTENCES

_ABOUT = f"""\
# What the texts mean

This page is written by `python -m healthslm.language.table` from
`healthslm/language/wording/`; do not edit it. It is for whoever reviews the words
before a release, and for whoever checks texts by other means than our guard.

Everything a text may say is below. A text is a row of sentences, each one a clause of
this page with its values filled in, and last the action. Before the first sentence may
stand an opening, before a sentence that follows its like a link; the sentence then
begins with a small letter.

## From records to facts

The period is [t0, t1), in seconds UTC; clock times and dates are those of the person's
time zone. Vitals and beats count if they lie in the period. Findings count if they
touch it (t0 of the finding < t1, t1 of the finding >= t0) and are cut to it; of findings
under one key (kind, stream, beginning) the one told later replaces the earlier.

**Episodes.** Findings of one kind that overlap in time (touching is not enough) or begin
together, of whatever streams, are one episode: it lasts from the earliest beginning to
the latest end. Its worst value is the worst among its findings. An episode is open where
a finding of it was still ongoing when last told, or reaches out of the period on either
side.

**One fact a kind.** Severity is the gravest of the findings (info < amber < red). Kinds that
have no clauses of their own are one fact together, `noticed`.

**Counts.** {_COUNTS} only count, for the list, or are for
the operator: they are no fact, and no text tells them.

**Minutes.** Readings are taken together by whole minutes since 1970 (UTC), all streams of
a kind as one; a minute's value is the mean of its readings. The vitals are `heart_rate`
(pulse), `spo2` (oxygen), `temperature`, `respiratory_rate` (breathing) and `activity`.
A measure is known with at least {facts.KNOWN_MINUTES} minutes. The median of an even number of
values is the mean of the middle two.

**Rest.** A minute is at rest when its `activity` is at most {facts.REST_G} g. With fewer than
{facts.REST_MINUTES} minutes of pulse at rest, the lowest quarter of the minutes with a pulse
(rounded up to whole minutes; of equals, the earlier) stands for rest.

**Usual range.** From the facts of earlier days: the smallest to the largest typical value,
from {facts.ENOUGH_DAYS} days on that have one. Compared as printed, after rounding.

**Days before.** Facts of earlier days belong to the local date on which their period begins;
a weekday is told of the {facts.BACK_DAYS} days before the date on which the period begins.

**Trends.** The typical values of the period and of the {facts.BACK_DAYS} days before it (of a
longer period: of its newest 7 days), from {facts.TREND_DAYS} days on that have one. With n values
in the order of the days, Kendall's S (pairs that rise less pairs that fall) must reach
{_TREND} in size, and the median of the last three values must differ from that of the first three,
in the same direction, by at least {_STEP}.

**Watched time.** Minutes with a reading of pulse, oxygen, temperature or breathing, or
with a good beat, count; minutes between two of them no more than {facts.BRIDGE_MINUTES} minutes
apart count too. Never more than the period.

**Rounding.** floor(x * 10^d + 1/2) / 10^d with d decimals, so halves go upwards.

## From facts to a plan

With findings: at most {plan.MAX_FINDINGS}, by severity (red, amber, info), then in the order
{_ORDER}. All told are required. If there are more findings, then `more` (required), then
the action. Else `doubt` (required; `caution` where only sensors are concerned), and, as far
as {_ROOM} sentences go, `coverage` where its share is not full, measures and `missing`:
these may be left out, but for a measure that is above or below the usual range, which has
its place before `coverage` and `missing` where there is no room for all.
`missing` is left out where all five are missing and yet something was found in the body.

Without findings: `quiet`, measures, `missing` where something is missing, and `caution`
where there is something missing and no measure; all required, in at most {_ROOM} sentences,
of which `missing` keeps one. Where nothing is known:
`missing` and `caution`.

Measures are told in the order {_MEASURES};
what is above or below the usual range first, then trends. If one with an unknown usual range is
told, `learning` follows it; where only one sentence is left, such a measure is passed over and the
next is told. `pulse_range` is not told beside `tachycardia` or `bradycardia`, nor
`oxygen_low` beside `desaturation` or `oxygen_dips`.

The first item of the plan is the first sentence. Findings come first, in their order; what follows
them may change places, but that `learning` comes after a measure whose usual range is unknown. With
the action, a text has
{plan.MIN_SENTENCES} to {plan.MAX_SENTENCES} sentences. No fact is told twice. Where the model's
text breaks any of this, the template speaks: for each item the first clause below that is
true, of which it has every value, and whose level is asked for, without opening and link; of
those, where there is one, the first that holds the value which the template prefers.
"""


def page() -> str:
    """Return the table of meanings, in Markdown."""
    wordings = [load(lang) for lang in languages()]
    parts: list[Iterable[str]] = [
        [_ABOUT],
        _levels(),
        _actions(wordings),
        _categories(),
        _units(wordings),
        _kinds(wordings),
        _frame(wordings),
        _answers(wordings),
    ]
    return "\n".join(line for part in parts for line in part)


def _categories() -> Iterator[str]:
    yield "## Categories\n"
    for name, values in meanings().categories.items():
        yield from _table(name, "true when", ((f"`{v}`", means) for v, means in values.items()))


def _levels() -> Iterator[str]:
    yield "## Whom a text speaks to\n"
    yield from _table("level", "speaks to", ((f"`{n}`", m) for n, m in meanings().levels.items()))


def _units(wordings: list[Wording]) -> Iterator[str]:
    yield "## How values are written\n"
    for unit, means in meanings().units.items():
        yield f"**{unit}**: {means}.\n"
        for wording in wordings:
            written = "; ".join(_written(unit, wording))
            if written:
                yield f"- {wording.lang}: {written}"
        yield ""


def _written(unit: str, wording: Wording) -> Iterator[str]:
    if unit == "period":
        for t0_s, t1_s in ((0.0, 86_400.0), (0.0, 90_000.0)):
            empty = plan.Plan(t0_s, t1_s, "UTC", (), "none")
            text = slots.filled(PERIOD, empty, wording, "")
            yield f"[{t0_s:.0f}, {t1_s:.0f}) s UTC: “{text}”"
        return
    if unit.startswith("range"):
        for low, high in ((58.0, 66.0), (97.0, 97.0)):
            values: facts.Values = (("usual_low", low), ("usual_high", high))
            kind = "temperature" if unit == "range_celsius" else "pulse"
            text = slots.written(plan.Item(kind, (), values), "usual", wording, "UTC")
            yield f"{low:g} and {high:g}: “{text}”"
        return
    if unit == "pressure":
        item = plan.Item("hypertension", (), (("reading_high", 152.0), ("reading_low", 94.0)))
        yield f"152 and 94: “{slots.written(item, 'reading', wording, 'UTC')}”"
        return
    kind, name = next(
        (k.name, s) for k in meanings().kinds.values() for s in k.slots if k.slots[s].unit == unit
    )
    for example in _EXAMPLES[unit]:
        item = plan.Item(kind, (), ((name, example),))
        yield f"{_shown(example)}: “{slots.written(item, name, wording, 'UTC')}”"
        if unit == "duration":
            item = replace(item, values=(*item.values, ("open", "yes")))
            yield f"{_shown(example)}, open: “{slots.written(item, name, wording, 'UTC')}”"


def _shown(value: float | str) -> str:
    return f"`{value}`" if isinstance(value, str) else f"{value:g}"


def _kinds(wordings: list[Wording]) -> Iterator[str]:
    yield "## Facts and clauses\n"
    for kind in meanings().kinds.values():
        yield f"### {kind.name}\n"
        yield f"{kind.means} Group: {kind.group}. {_needs(kind)}\n"
        rows = ((f"`{n}`", f"{s.unit}: {s.means}{_only(s.only)}") for n, s in kind.slots.items())
        if kind.slots:
            yield from _table("value", "meaning", rows)
        for wording in wordings:
            yield from _clauses(wording, kind, wording.clauses[kind.name])


def _needs(kind: Kind) -> str:
    names, preferred = (", ".join(f"`{n}`" for n in row) for row in (kind.needs, kind.prefers))
    must = f"Every clause tells {names}." if names else "It tells no value by necessity."
    return f"{must} The template prefers {preferred}." if preferred else must


def _only(when: When) -> str:
    return f". Only where {_conditions(when)}" if when else ""


def _clauses(wording: Wording, kind: Kind, clauses: Iterable[Clause]) -> Iterator[str]:
    at: tuple[tuple[str, ...], When] | None = None
    for clause in sorted(clauses, key=lambda c: list(meanings().levels).index(c.levels[0])):
        if (clause.levels, clause.when) != at:
            at = clause.levels, clause.when
            when = _conditions(clause.when) or "always"
            yield f"\n*{wording.lang}, {' and '.join(clause.levels)}, {when}:*\n"
        yield f"- {_plain(clause, kind.name)}"
    yield ""


def _plain(clause: Clause, kind: str) -> str:
    text = tokens.detokenise(clause.pieces)
    return text.replace(f"<{kind}.", "⟨").replace("<", "⟨").replace(">", "⟩")


def _conditions(when: When) -> str:
    return " and ".join(f"{name} is {' or '.join(values)}" for name, values in when)


def _actions(wordings: list[Wording]) -> Iterator[str]:
    yield "## Actions\n"
    yield "Told word for word; of several that are true, the first. `{emergency}` is the number"
    yield "that the configuration names, or, where it names none, the words in quotes.\n"
    for wording in wordings:
        yield f"- {wording.lang}: “{wording.names['emergency']}”"
    yield ""
    for name, means in meanings().actions.items():
        yield f"### action {name}\n\nWhen {means}.\n"
        for w in wordings:
            said: dict[str, list[str]] = {}
            for level, rows in w.actions.items():
                said.setdefault(rows[name], []).append(level)
            yield from (f"- {w.lang}, {' and '.join(of)}: {text}" for text, of in said.items())
        yield ""


def _frame(wordings: list[Wording]) -> Iterator[str]:
    for title, what in (("Openings", "openings"), ("Links", "links")):
        yield f"## {title}\n"
        for wording in wordings:
            for clause in getattr(wording, what):
                where = " and ".join(clause.levels)
                if clause.when:
                    where += f", where {_conditions(clause.when)}"
                yield f"- {wording.lang}, {where}: " + _plain(clause, "period")
        yield ""
    yield "## Never, in any text\n"
    for wording in wordings:
        yield f"{wording.lang}, as regular expressions, in any case:\n"
        yield from (f"- `{pattern.pattern}`" for pattern in wording.deny[tokens.PLAIN])
        freed = [p for p in wording.deny[tokens.PLAIN] if p not in wording.deny["clinician"]]
        patterns = ", ".join(f"`{p.pattern}`" for p in freed)
        yield f"\nbut to a clinician may be said: {patterns}"
        yield ""


def _answers(wordings: list[Wording]) -> Iterator[str]:
    yield "## Fixed texts of answers\n"
    yield "`healthslm ask` says these word for word; of several, one in turn. `emergency`, `harm`"
    yield "and nothing else answer a red flag (`red_flags.toml`), before anything is opened.\n"
    for wording in wordings:
        held = answers.texts(wording.lang)
        said = {name: [text] for name, text in held.safety.items()} | dict(held.text)
        for name, rows in said.items():
            yield from (f"- {wording.lang}, `{name}`: {text}" for text in rows)
        leads = ", ".join(f"`{name}` “{text}”" for name, text in held.lead.items())
        yield f"- {wording.lang}, before what the facts of a period say: {leads}\n"


def _table(left: str, right: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"| {left} | {right} |"
    yield "|---|---|"
    yield from (f"| {a} | {b} |" for a, b in rows)
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
