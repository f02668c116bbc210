"""The words for a period, from what the store holds of it: for the daemon and the commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthslm import config as configuration
from healthslm import days
from healthslm.language import reasons, writer
from healthslm.language.facts import Facts, gather
from healthslm.records import Derived, Finding, Summary

if TYPE_CHECKING:
    from healthslm.config import Config
    from healthslm.vault.store import Store

USUAL_DAYS = 7  # before the one told: what is usual for this person
BOARD = "board/model"
BY_TEMPLATE = "summary_by_template"


@dataclass(frozen=True, slots=True)
class Period:
    """What a text speaks of, UTC seconds: a day, a part of one, or several days."""

    t0_s: float
    t1_s: float
    days: tuple[tuple[float, float], ...] = ()  # the single ones of several, oldest first


@dataclass(frozen=True, slots=True)
class Known:
    """The facts of a period, and those of the days that they were held against."""

    facts: Facts
    days: tuple[Facts, ...]  # the single days of several, else the earlier ones


def gathered(store: Store, zone: str, period: Period) -> Known:
    """Return the facts of a period.

    Several days are told by their single days: those hold the trends. A day, or a part of one,
    is told against the days before it: its measures against those of the same hours, so that a
    night is held against nights; its findings against those of whole days, from midnight, so
    that a day is called by its name.

    What an earlier day was itself told against changes nothing here: of it only its typical
    values and its kinds of finding count.
    """
    t0_s, t1_s = period.t0_s, period.t1_s
    if period.days:
        single = tuple(gather(store.derived(*span), *span, zone=zone) for span in period.days)
        records = store.derived(t0_s, t1_s)
        return Known(gather(records, t0_s, t1_s, zone=zone, days=single), single)
    spans = [(t0_s, t1_s)]
    for _ in range(USUAL_DAYS):
        first_s, last_s = (days.day_before_s(t_s, zone) for t_s in spans[-1])
        spans.append((first_s, last_s))
    earlier = tuple(_earlier(store, zone, *span) for span in reversed(spans[1:]))
    told = gather(store.derived(t0_s, t1_s), t0_s, t1_s, zone=zone, earlier=earlier)
    return Known(told, earlier)


def _earlier(store: Store, zone: str, t0_s: float, t1_s: float) -> Facts:
    """Return the measures of a period, with the findings of the local day in which it begins."""
    midnight_s = days.midnight_s(t0_s, zone)
    end_s = days.day_after_s(midnight_s, zone)
    found: list[Finding] = []
    records = _passing(store.derived(midnight_s, max(t1_s, end_s)), found)
    some = gather(records, t0_s, t1_s, zone=zone)
    if (t0_s, t1_s) == (midnight_s, end_s):
        return some
    whole = gather(found, midnight_s, end_s, zone=zone)
    measures = (f for f in some.facts if f not in some.findings)
    return Facts(midnight_s, end_s, zone, (*whole.findings, *measures))


def _passing(records: Iterable[Derived], found: list[Finding]) -> Iterator[Derived]:
    """Yield records; keep the findings among them."""
    for record in records:
        if isinstance(record, Finding):
            found.append(record)
        yield record


def write(
    config: Config, store: Store, t0_s: float, t1_s: float
) -> tuple[Summary] | tuple[Summary, Finding]:
    """Return the words for a period, and where the model failed, a finding for the operator."""
    person = config.person
    written = writer.summarise(
        gathered(store, person.timezone, Period(t0_s, t1_s)).facts,
        person.language,
        configuration.model(config),
        emergency=person.emergency_number,
        manner=writer.Manner(person.level),
    )
    if not written.reason or written.reason in reasons.ON_PURPOSE:
        return (written.summary,)
    return written.summary, failure(written)


def failure(written: writer.Written) -> Finding:
    """Return what an operator is told where the template spoke: a number for the reason, no word.

    It is of the text's own period, so that the same text written again tells it once.
    """
    text = written.summary
    evidence = (
        ("reason", float(reasons.code(written.reason))),
        ("attempts", float(written.attempts)),
    )
    return Finding(BY_TEMPLATE, BOARD, text.t0_s, text.t1_s, "info", evidence)


def failed(records: Iterable[Derived]) -> tuple[Finding, ...]:
    """Return the findings for the operator among records, the oldest first, each once."""
    newest = {f.key: f for f in records if isinstance(f, Finding) and f.kind == BY_TEMPLATE}
    return tuple(sorted(newest.values(), key=lambda f: (f.t1_s, f.t0_s)))


def why(finding: Finding) -> str:
    """Return the reason, as a word, that a finding for the operator holds; "" for one unknown."""
    return reasons.word(dict(finding.evidence).get("reason", -1.0))
