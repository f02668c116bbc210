"""`healthslm summary`: a day in plain words."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from healthslm.cli import console
from healthslm.cli.place import DAY_S, Place, bounds, day_of, find
from healthslm.records import Beat, Derived, Summary, Vital

if TYPE_CHECKING:
    from healthslm.vault import Store

USUAL_DAYS = 7  # of the 8 that the board's key opens, those before the newest


def spoken(ctx: click.Context, parameter: click.Parameter, lang: str | None) -> str | None:
    """Let a language pass that there are words for: one folder each."""
    if lang is None:
        return None
    from healthslm.language.wording import languages

    known = languages()
    if lang not in known:
        raise click.BadParameter(f"no words in {lang!r}; there are {', '.join(known)}")
    return lang


@click.command("summary")
@console.store
@click.option("--lang", callback=spoken, help="en or es.  [default: the configuration's]")
@click.option(
    "--day",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="A day in the person's time zone.  [default: the newest]",
)
@click.option("--again", is_flag=True, help="Write it anew where the day has its text already.")
@console.watts
@console.as_json
def command(
    store: Path,
    lang: str | None,
    day: datetime | None,
    again: bool,
    watts: float | None,
    json_: bool,
) -> None:
    """Say a day in plain words.

    What the person was told stands; a day without a text gets one here, which is shown
    and not kept. It needs the board's own key, so it reaches back 8 days.
    """
    place = find(store)
    lang = lang or place.config.person.language
    with place.open() as opened:
        t0_s, t1_s = period(opened, place, day.date() if day else None)
        told = None if again else kept(opened, lang, t0_s, t1_s)
        data = stored(told) if told else written(opened, place, lang, t0_s, t1_s)
    day_shown = day_of(t0_s, place.zone).isoformat()
    spent_s = data.pop("cpu_s")
    power = watts or place.config.board.watts
    cost = {"cpu_ms": round(1000 * spent_s, 1), "joules": round(spent_s * power, 3), "watts": power}
    if json_:
        console.emit("summary", {"day": day_shown, "lang": lang, **data, **cost})
        return
    console.out(click.wrap_text(data["text"], 80))
    by = "written at the time" if told else "written now"
    console.note(f"\n{day_shown}, {lang}, by {data['source']}, {by}")
    if not told:
        console.note(console.cost(spent_s, power))
        if data["reason"]:
            console.note(f"the template spoke, not the model: {data['reason']}")


def period(store: Store, place: Place, day: date | None) -> tuple[float, float]:
    """Return midnight to midnight of a day, or of the newest day that holds anything.

    Of a day that lies before all that the board's key opens nothing is known here, not even
    that nothing was measured.
    """
    newest_s = max(map(end_s, store.derived()), default=None)
    if newest_s is None:
        raise click.ClickException(
            "the store holds no record of the last 8 days. Is `healthslm run` at work, and a sensor"
        )
    newest = day_of(newest_s, place.zone)
    if day is not None and newest - day > timedelta(days=USUAL_DAYS):
        first = newest - timedelta(days=USUAL_DAYS)
        raise click.BadParameter(
            f"the board's key reaches back to {first}, no further", param_hint="--day"
        )
    if day is not None and day > max(newest, day_of(time.time(), place.zone)):
        raise click.BadParameter("that day has not come yet", param_hint="--day")
    return bounds(day or newest, place.zone)


def end_s(record: Derived) -> float:
    """Return the newest time that a record tells of; a text tells of none."""
    if isinstance(record, Summary):
        return record.t0_s
    return record.t_s if isinstance(record, Beat | Vital) else record.t1_s


def kept(store: Store, lang: str, t0_s: float, t1_s: float) -> Summary | None:
    """Return the newest text that the store holds of a period that ended in this day."""
    texts = [x for x in store.derived(t0_s - DAY_S, t1_s) if isinstance(x, Summary)]
    own = [x for x in texts if x.lang == lang and t0_s < x.t1_s <= t1_s]
    return own[-1] if own else None


def stored(told: Summary) -> dict[str, Any]:
    """Return a text of the store as plain data."""
    same = {"attempts": 0, "refusals": [], "reason": "", "cpu_s": 0.0}
    return {"text": told.text, "source": told.source, "stored": True, **same}


def written(store: Store, place: Place, lang: str, t0_s: float, t1_s: float) -> dict[str, Any]:
    """Return a text written now, as plain data."""
    from healthslm.language import facts, writer

    before = console.cpu_s()
    first = day_of(t0_s, place.zone)
    spans = [bounds(first - timedelta(days=n), place.zone) for n in range(USUAL_DAYS, 0, -1)]
    earlier = [facts.gather(store.derived(*span), *span, zone=place.zone) for span in spans]
    t1_s = min(t1_s, max(time.time(), t0_s + 1.0))  # what is still to come is not missing
    today = facts.gather(store.derived(t0_s, t1_s), t0_s, t1_s, zone=place.zone, earlier=earlier)
    result = writer.summarise(
        today, lang, place.model, emergency=place.config.person.emergency_number
    )
    return {
        "text": result.summary.text,
        "source": result.summary.source,
        "stored": False,
        "attempts": result.attempts,
        "refusals": list(result.refusals),
        "reason": result.reason,
        "cpu_s": console.cpu_s() - before,
    }
