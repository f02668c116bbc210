"""`healthslm summary`: a day, a night or a week in plain words."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from healthslm import ledger, summaries
from healthslm.cli import console, grounded, period
from healthslm.cli.place import DAY_S, Place, find
from healthslm.config import Level
from healthslm.days import day_of
from healthslm.language import guard, reasons, writer
from healthslm.language.grounds import Ground, grounds
from healthslm.language.plan import Plan, plan
from healthslm.records import Beat, Derived, Summary, Vital
from healthslm.review import timeline

if TYPE_CHECKING:
    from healthslm.vault import Store


def spoken(ctx: click.Context, parameter: click.Parameter, lang: str | None) -> str | None:
    """Let a language pass that there are words for: one folder each."""
    if lang is None:
        return None
    from healthslm.language.wording import languages

    known = languages()
    if lang not in known:
        raise click.BadParameter(f"no words in {lang!r}; there are {', '.join(known)}")
    return lang


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and how it came about."""

    summary: Summary
    level: str
    told: bool  # the person was told this
    known: summaries.Known | None  # None: not gathered
    reason: str  # why the template spoke, as a word; "" where it did not, or it was not kept
    attempts: int = 0
    refusals: tuple[str, ...] = ()
    cpu_s: float = 0.0


@click.command("summary")
@console.store
@click.option("--lang", callback=spoken, help="en or es.  [default: the configuration's]")
@click.option(
    "--level",
    type=click.Choice(get_args(Level)),
    help="Whom it speaks to.  [default: the configuration's]",
)
@click.option(
    "--day",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="A day in the person's time zone.  [default: the newest]",
)
@click.option(
    "--night",
    metavar="[DATE]",
    is_flag=False,
    flag_value=period.LAST,
    help="The night to the morning of a day, 22:00 to 6:00.  [default: the last]",
)
@click.option("--week", is_flag=True, help="The 7 days that end with the newest.")
@click.option("--since", metavar="TIME", help="From HH:MM of the newest day, or an ISO time.")
@click.option("--again", is_flag=True, help="Write it anew where the day has its text already.")
@click.option(
    "--free",
    is_flag=True,
    help="Experimental: the model writes words instead of choosing sentences; what is "
    "refused is written by the template.",
)
@click.option("--why", is_flag=True, help="Show under each sentence what it rests on.")
@console.watts
@console.as_json
def command(
    store: Path,
    lang: str | None,
    level: str | None,
    day: datetime | None,
    night: str | None,
    week: bool,
    since: str | None,
    again: bool,
    free: bool,
    why: bool,
    watts: float | None,
    json_: bool,
) -> None:
    """Say a day in plain words.

    Or a night, a week, or the time since a moment. What the person was told of a day
    stands; what has no text yet gets one here, which is shown and not kept. It needs the
    board's own key, so it reaches back 8 days.
    """
    asked = period.asked(day, night, week, since)
    place = find(store)
    person = place.config.person
    lang, level = lang or person.language, level or person.level
    anew = again or free or asked.name != "day" or level != person.level
    with place.open() as opened:
        of = period.period(asked, newest_s := newest(opened), now(place, newest_s), place.zone)
        text = None if anew else kept(opened, lang, level, of.t0_s, of.t1_s)
        text = text or written(opened, place, lang, writer.Manner(level, free=free), of)
        rows = rests(opened, place, text) if why else None
    data = described(text, asked.name, place.zone)
    data["why"] = None if rows is None else [grounded.document(row, place.zone) for row in rows]
    power = watts or place.config.board.watts
    joules = round(text.cpu_s * power, 3)
    data |= {"cpu_ms": round(1000 * text.cpu_s, 1), "joules": joules, "watts": power}
    if json_:
        console.emit("summary", data)
        return
    if rows is None:
        console.out(click.wrap_text(text.summary.text, 80))
    else:
        grounded.show(rows, place.zone)
    signed(text, place.zone)
    if not text.told:
        console.note(console.cost(text.cpu_s, power))


def newest(store: Store) -> float:
    """Return the newest time that the store knows of."""
    if next(store.derived(), None) is None:
        raise click.ClickException(
            "the store holds no record of the last 8 days. Is `healthslm run` at work, and a sensor"
        )
    state = store.state()
    sample_s = ledger.read(state).data_s if state else 0.0
    later = store.derived(sample_s) if sample_s > 0 else store.derived()  # not all is read again
    return max(map(end_s, later), default=sample_s)


def now(place: Place, newest_s: float) -> float:
    """Return what time it is for the person: the newest record's, where data set the clock."""
    return newest_s if place.config.daemon.clock == "data" else time.time()


def end_s(record: Derived) -> float:
    """Return the newest time that a record tells of; a text tells of none."""
    if isinstance(record, Summary):
        return record.t0_s
    return record.t_s if isinstance(record, Beat | Vital) else record.t1_s


def kept(store: Store, lang: str, level: str, t0_s: float, t1_s: float) -> Text | None:
    """Return the newest text that the store holds of a period that ended in this day."""
    records = list(store.derived(t0_s - DAY_S, t1_s))
    own = [
        x for x in records if isinstance(x, Summary) and x.lang == lang and t0_s < x.t1_s <= t1_s
    ]
    if not own:
        return None
    told = own[-1]
    failed = [f for f in summaries.failed(records) if (f.t0_s, f.t1_s) == (told.t0_s, told.t1_s)]
    reason = summaries.why(failed[-1]) if failed and told.source == "template" else ""
    return Text(told, level, True, None, reason)


def written(
    store: Store, place: Place, lang: str, manner: writer.Manner, of: summaries.Period
) -> Text:
    """Return a text written now."""
    before = console.cpu_s()
    known = summaries.gathered(store, place.zone, of)
    number = place.config.person.emergency_number
    result = writer.summarise(known.facts, lang, place.model, emergency=number, manner=manner)
    return Text(
        result.summary,
        manner.level,
        False,
        known,
        result.reason,
        result.attempts,
        result.refusals,
        console.cpu_s() - before,
    )


def rests(store: Store, place: Place, text: Text) -> tuple[Ground, ...]:
    """Return what a text rests on; for one told before, by what the store holds of it now.

    A text does not say whom it spoke to: it is read as that level of which it holds most.
    """
    told, number = text.summary, place.config.person.emergency_number
    of = summaries.Period(told.t0_s, told.t1_s)
    known = text.known or summaries.gathered(store, place.zone, of)
    others = [x for x in get_args(Level) if text.told and x != text.level]
    plans = [plan(known.facts, level) for level in (text.level, *others)]
    most = min(plans, key=lambda p: unread(told, p, number))
    records = store.derived(told.t0_s, told.t1_s)
    return grounds(
        told.text, most, known.facts, records, told.lang, emergency=number, days=known.days
    )


def unread(told: Summary, what: Plan, number: str) -> int:
    """Return how many letters of a text are not what a plan holds."""
    said = guard.read(told.text, what, told.lang, emergency=number)
    return sum(len(sentence) for kind, sentence in said if not kind)


def described(text: Text, name: str, zone: str) -> dict[str, Any]:
    """Return a text as plain data, without its cost."""
    told = text.summary
    return {
        "period": name,
        "day": day_of(told.t1_s - 1.0, zone).isoformat(),
        "start": timeline.iso(told.t0_s, zone),
        "end": timeline.iso(told.t1_s, zone),
        "lang": told.lang,
        "level": text.level,
        "text": told.text,
        "source": told.source,
        "stored": text.told,
        "attempts": text.attempts,
        "refusals": list(text.refusals),
        "reason": text.reason,
    }


def signed(text: Text, zone: str) -> None:
    """Say of what a text is, and who wrote it."""
    told = text.summary
    of = period.shown(told.t0_s, told.t1_s, zone)
    how = "written at the time" if text.told else "written now"
    console.note(f"\n{of}, {told.lang}, {text.level}, {how}")
    if told.source == "template":
        console.note(f"by the template, not the model: {reasons.means(text.reason)}")
    else:
        console.note(f"by {told.source}")
