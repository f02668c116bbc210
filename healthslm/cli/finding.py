"""One finding as `healthslm review show` writes it: for people, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from healthslm.cli import console
from healthslm.records import Derived, Summary
from healthslm.review import timeline
from healthslm.review.timeline import Event

if TYPE_CHECKING:
    from healthslm.review.strips import Strip


def details(zone: str, event: Event, records: Sequence[Derived]) -> None:
    """Write what is known of one event."""
    title = timeline.words(event.kind)
    console.out(f"{console.graded(event.severity, f'{event.severity} · {title}')}  {event.id}")
    lasted = timeline.lasting(event.t1_s - event.t0_s)
    still = "; its end is not known" if event.ongoing else ""
    console.pairs(
        [
            ("began", timeline.when(event.t0_s, zone)),
            ("lasted", f"{lasted}{still}"),
            *(
                (f"{f.stream}", ", ".join(" ".join(timeline.quantity(*e)) for e in f.evidence))
                for f in event.findings
            ),
        ]
    )
    levels = timeline.around(records, event)
    if levels:
        console.out()
        vitals(levels)


def vitals(levels: dict[tuple[str, str], Any]) -> None:
    """Write the vitals around an event: the median, and the least and greatest."""
    rows = []
    for (kind, stream), spans in levels.items():
        unit = timeline.VITAL_UNITS.get(kind, ("", 2))[0]
        measured = stream.partition("/")[2].partition("-")[0]
        name = "" if kind == measured else timeline.words(kind.removeprefix(f"{measured}_"))
        label = " ".join(part for part in (stream, name, console.dim(unit) if unit else "") if part)
        rows.append((label, *(spread(kind, level) for level in spans)))
    console.table(("median (least-greatest)", "10 min before", "during", "10 min after"), rows)


def spread(kind: str, level: timeline.Level | None) -> str:
    """Return a level as "72 (64-81)"; "-" where nothing was read."""
    if level is None:
        return "-"
    low, middle, high = (timeline.reading(kind, v) for v in (level.low, level.middle, level.high))
    return f"{middle} ({low}-{high})" if low != high else middle


def wording(told: Sequence[Summary]) -> None:
    """Write what the person was told."""
    console.out()
    if not told:
        console.out("The person has not been told of that day yet.")
        return
    for summary in told:
        console.out(console.bold(f"Told ({summary.lang}, by {summary.source})"))
        console.out(click.wrap_text(summary.text, 78, initial_indent="  ", subsequent_indent="  "))


def document(
    zone: str,
    row: int,
    event: Event,
    records: Sequence[Derived],
    told: Sequence[Summary],
    strip: Strip | None,
) -> dict[str, Any]:
    """Return everything that `show` shows, as plain data."""
    spans = ("before", "during", "after")
    around = [
        {
            "kind": kind,
            "stream": stream,
            **{
                span: None
                if level is None
                else {"n": level.count, "least": level.low, "median": level.middle}
                | {"greatest": level.high}
                for span, level in zip(spans, levels, strict=True)
            },
        }
        for (kind, stream), levels in timeline.around(records, event).items()
    ]
    drawn = None
    if strip is not None:
        drawn = {
            "stream": strip.stream,
            "start": timeline.iso(strip.t0_s, zone),
            "fs": strip.fs,
            "filter": strip.filter,
            "mv": [None if v != v else round(v, 4) for v in strip.values.tolist()],
        }
    texts = [{"lang": s.lang, "text": s.text, "source": s.source} for s in told]
    finding = {"row": row, **timeline.as_json(event, zone)}
    return {"timezone": zone, "finding": finding, "vitals": around, "told": texts} | {
        "strip": drawn
    }
