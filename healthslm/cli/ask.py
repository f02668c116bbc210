"""`healthslm ask`: a question in plain words, answered from what was measured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from healthslm import days
from healthslm.cli import console
from healthslm.cli.place import Place, find
from healthslm.cli.summary import newest, now, spoken
from healthslm.config import Level
from healthslm.errors import ConfigError
from healthslm.language import heard, red_flags
from healthslm.records import Summary

if TYPE_CHECKING:
    from healthslm.language.answers import Answer, Manner
    from healthslm.language.facts import Facts
    from healthslm.language.router import Route
    from healthslm.vault import Store

STDIN = "-"
ENDS = frozenset({"", "q", "quit", "exit", "salir", "fin"})


@click.command("ask")
@click.argument("question", required=False)
@console.store
@click.option("--lang", callback=spoken, help="en or es.  [default: the configuration's]")
@click.option(
    "--level",
    type=click.Choice(get_args(Level)),
    help="Whom it speaks to.  [default: the configuration's]",
)
@click.option("--why", is_flag=True, help="Show the facts behind each sentence.")
@console.as_json
def command(
    question: str | None, store: Path, lang: str | None, level: str | None, why: bool, json_: bool
) -> None:
    """Answer a question from what was measured.

    Without QUESTION it asks for questions, one a line, until an empty one; "-" reads
    one from stdin, where other programs cannot see it. It needs the board's own key,
    so it reaches back 8 days. No question is stored.
    """
    asker = Asker(store, lang, level)
    if question is None and sys.stdin.isatty():
        for line in lines():
            shown(asker.ask(line), why=why, json_=json_)
        return
    if question is None or question == STDIN:
        question = sys.stdin.read(heard.MOST + 1)
    shown(asker.ask(question), why=why, json_=json_)


def lines() -> Iterator[str]:
    """Yield the lines typed on a terminal, until an empty one or "q"."""
    while True:
        click.echo("? ", nl=False, err=True)
        line = sys.stdin.readline(4 * heard.MOST)
        if line.strip().casefold() in ENDS:
            return
        yield line


def _emergency(question: str) -> str | None:
    """Return which text an emergency asks for; the plainest wait for nothing learnt."""
    flag = red_flags.flagged(question)
    if flag is not None and flag.certain:
        return flag.say
    try:
        from healthslm.language import router

        return router.emergency(question, flag)
    except Exception:  # a damaged installation undoes no emergency
        if flag is None:
            raise
        return flag.say


class Asker:
    """Answers questions about one store, and remembers what the last one asked for."""

    def __init__(self, store: Path, lang: str | None, level: str | None) -> None:
        self._place: Place | None = None
        self._lost: ConfigError | None = None
        try:
            self._place = find(store)
        except ConfigError as error:  # an emergency is answered all the same
            self._lost = error
        person = self._place.config.person if self._place else None
        self._lang = lang or (person.language if person else "en")
        self._level = level or (person.level if person else "plain")
        self._number = person.emergency_number if person else ""
        self._before: Route | None = None
        self._turn = 0

    def ask(self, question: str) -> Told:
        """Return the answer to one question: emergencies at once, before the store."""
        found = _emergency(question)
        from healthslm.language import answers

        manner = answers.Manner(self._lang, self._level, self._number, self._turn)
        self._turn += 1
        if found is not None:
            return Told(answers.fixed(found, manner), None, None, 0)
        from healthslm.language import router

        if len(question.strip()) > heard.MOST:
            return Told(answers.fixed("long", manner), None, None, 0)
        asked = answers.follow(router.route(question), self._before)
        if asked is None:
            return Told(answers.fixed("before", manner), None, None, 0)
        if asked.sure and asked.intent in answers.FROM_FACTS:
            self._before = asked
        return self._from_store(asked, manner)

    def _from_store(self, asked: Route, manner: Manner) -> Told:
        from healthslm.language import answers

        needs = asked.sure and asked.intent in answers.FROM_FACTS and asked.period != "month"
        if not needs:
            return Told(answers.answer(asked, None, manner), asked, None, 0)
        if self._place is None:
            raise self._lost or ConfigError("no store")
        with self._place.open() as opened:
            facts, count = gathered(opened, self._place, asked)
        day = days.day_of(facts.t0_s, self._place.zone).toordinal() if facts else 0
        manner = replace(manner, turn=manner.turn + day)
        return Told(answers.answer(asked, facts, manner), asked, facts, count)


class Told:
    """An answer with what it was made from."""

    def __init__(
        self, answer: Answer, route: Route | None, facts: Facts | None, records: int
    ) -> None:
        self.answer, self.route, self.facts, self.records = answer, route, facts, records


def gathered(store: Store, place: Place, asked: Route) -> tuple[Facts | None, int]:
    """Return the facts of the period asked for and how many records lie in it.

    They are held against the same hours of the days before: a night against nights.
    """
    from healthslm import summaries
    from healthslm.language import answers

    if next(store.derived(), None) is None:
        return None, 0
    newest_s, zone = newest(store), place.zone
    now_s = now(place, newest_s)
    wanted = answers.period_of(asked)
    span = answers.span(wanted, now_s, newest_s, zone)
    if span is None or span[0] >= span[1]:
        return None, 0
    count = sum(not isinstance(x, Summary) for x in store.derived(*span))
    if not count:
        return None, 0
    parts = days.week(days.day_of(now_s, zone), zone) if wanted == "week" else ()
    period = summaries.Period(*span, parts)
    return summaries.gathered(store, zone, period).facts, count


def shown(told: Told, *, why: bool, json_: bool) -> None:
    """Print an answer."""
    if json_:
        console.emit("answer", plain_data(told))
        return
    console.out(click.wrap_text(told.answer.text, 80))
    if why:
        for line in behind(told):
            console.note(line)


def plain_data(told: Told) -> dict[str, Any]:
    """Return an answer as plain data; nothing of the question is in it."""
    route, facts = told.route, told.facts
    return {
        "text": told.answer.text,
        "source": told.answer.source,
        "intent": route.intent if route else None,
        "measure": route.measure if route else None,
        "period": route.period if route else None,
        "sure": route.sure if route else True,
        "refer": route.refer if route else True,
        "t0": _iso(facts.t0_s) if facts else None,
        "t1": _iso(facts.t1_s) if facts else None,
        "records": told.records,
        "sentences": [
            {
                "text": s.text,
                "kind": s.kind,
                "categories": dict(s.item.categories) if s.item else {},
                "values": dict(s.item.values) if s.item else {},
            }
            for s in told.answer.sentences
        ],
    }


def behind(told: Told) -> Iterator[str]:
    """Yield, for people, what is behind each sentence."""
    if told.route is not None:
        asked = (told.route.intent, told.route.measure, told.route.period)
        yield f"\nasked for: {' / '.join(asked)}"
    if told.facts is not None:
        span = f"{_iso(told.facts.t0_s)} to {_iso(told.facts.t1_s)}"
        yield f"period: {span}, {console.count(told.records, 'record')}"
    for n, s in enumerate(told.answer.sentences, 1):
        if s.item is None:
            yield f"{n}. reviewed text: {s.kind}"
            continue
        held = [f"{name}={value}" for name, value in (*s.item.categories, *s.item.values)]
        yield f"{n}. fact {s.kind}: {', '.join(held) or 'always true here'}"


def _iso(t_s: float) -> str:
    with suppress(OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(t_s, UTC).isoformat(timespec="seconds")
    return ""
