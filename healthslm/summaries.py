"""The words for a period, from what the store holds of it: for the daemon and the commands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthslm import config as configuration
from healthslm import days
from healthslm.language import reasons, writer
from healthslm.language.facts import Facts, Gathering
from healthslm.records import Beat, Derived, Finding, Summary, Vital

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
        told, *single = _taken(store, zone, [(t0_s, t1_s), *period.days])
        several = tuple(part.facts() for part in single)
        return Known(told.facts(days=several), several)
    spans = [(t0_s, t1_s)]
    for _ in range(USUAL_DAYS):
        first_s, last_s = (days.day_before_s(t_s, zone) for t_s in spans[-1])
        spans.append((first_s, last_s))
    midnights = [days.midnight_s(first_s, zone) for first_s, _ in spans[1:]]
    whole = [(t_s, days.day_after_s(t_s, zone)) for t_s in midnights]
    told, *parts = _taken(store, zone, [*spans, *(x for x in whole if x not in spans)])
    of = {(part.t0_s, part.t1_s): part.facts() for part in parts}
    earlier = tuple(
        _earlier(of[span], of[day]) for span, day in zip(spans[:0:-1], whole[::-1], strict=True)
    )
    return Known(told.facts(earlier=earlier), earlier)


def _taken(store: Store, zone: str, spans: Sequence[tuple[float, float]]) -> list[Gathering]:
    """Return what is gathered of each span; the store is read once for all of them."""
    gatherings = [Gathering(*span, zone) for span in spans]
    edges = sorted({t_s for span in spans for t_s in span})
    between = [  # from each edge to the next
        [g for g in gatherings if g.t0_s <= edge < g.t1_s] for edge in edges
    ]
    for record in store.derived(edges[0], edges[-1]):
        if not isinstance(record, Beat | Vital):
            for gathering in gatherings:
                gathering.take(record)
        elif place := bisect_right(edges, record.t_s):
            for gathering in between[place - 1]:
                gathering.take(record)
    return gatherings


def _earlier(some: Facts, whole: Facts) -> Facts:
    """Return the measures of some hours, with the findings of the whole local day."""
    measures = (f for f in some.facts if f not in some.findings)
    return Facts(whole.t0_s, whole.t1_s, whole.zone, (*whole.findings, *measures))


def write(
    config: Config,
    store: Store,
    t0_s: float,
    t1_s: float,
    *,
    timeout_s: float = writer.MODEL_S,
) -> tuple[Summary] | tuple[Summary, Finding]:
    """Return the words for a period, and where the model failed, a finding for the operator."""
    person = config.person
    written = writer.summarise(
        gathered(store, person.timezone, Period(t0_s, t1_s)).facts,
        person.language,
        configuration.model(config),
        emergency=person.emergency_number,
        manner=writer.Manner(person.level),
        timeout_s=timeout_s,
        socket=configuration.voice(config),
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
