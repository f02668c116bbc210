"""What a sentence rests on as `healthslm summary --why` writes it: for people, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from healthslm.cli import console
from healthslm.language.facts import Categories
from healthslm.language.grounds import Ground, Readings
from healthslm.records import Finding
from healthslm.review import timeline

STALE = "what is stored does not give this sentence (any more)"
MOST_FINDINGS = 12  # of one sentence on a screen; --json has them all


def show(rows: Sequence[Ground], zone: str) -> None:
    """Write each sentence, and under it what it rests on."""
    for n, row in enumerate(rows):
        if n:
            console.out()
        console.out(click.wrap_text(console.bold(row.sentence), 80))
        for name, text in lines(row, zone):
            first, *rest = click.wrap_text(text, 66).splitlines() or [""]
            console.out(f"  {console.dim(f'{name:<10}')}  {first}".rstrip())
            for line in rest:
                console.out(f"{'':14}{line}")


def lines(row: Ground, zone: str) -> Iterator[tuple[str, str]]:
    """Yield what a sentence rests on, a name and a text a line."""
    if not row.kind:
        yield "?", STALE
        return
    yield "fact", ", ".join([row.kind.replace("_", " "), *categories(row.categories)])
    if row.values:
        yield "values", "; ".join(f"{n.replace('_', ' ')} {value}" for n, value in row.values)
    if row.rule:
        yield "true when", row.rule
    for finding in row.findings[:MOST_FINDINGS]:
        yield "finding", found(finding, zone)
    if (more := len(row.findings) - MOST_FINDINGS) > 0:
        yield "", f"and {more} more"
    for readings in row.readings:
        yield "read", read(readings, zone)
    if row.days:
        dated = (f"{timeline.when(t_s, zone)[:10]} {value}" for t_s, value in row.days)
        yield "days", "; ".join(dated)


def categories(held: Categories) -> list[str]:
    """Return categories as people read them: "severity amber"."""
    return [f"{name} {value}" for name, value in held]


def found(finding: Finding, zone: str) -> str:
    """Return a finding in one line."""
    begin, end = timeline.when(finding.t0_s, zone), timeline.when(finding.t1_s, zone)
    to = end[11:] if end[:10] == begin[:10] else end
    still = ", its end not known" if finding.ongoing else ""
    numbers = ", ".join(" ".join(timeline.quantity(*entry)) for entry in finding.evidence)
    title = f"{timeline.words(finding.kind)}, {finding.severity}, {finding.stream}"
    return f"{title}, {begin[:19]} to {to}{still}" + (f": {numbers}" if numbers else "")


def read(readings: Readings, zone: str) -> str:
    """Return in one line how much was read of something."""
    name = {"beat": "good heart beats", "watched": "all that is watched"}.get(
        readings.kind, timeline.words(readings.kind)
    )
    if readings.t0_s is None or readings.t1_s is None:
        return f"{name}: nothing"
    rest = f" ({readings.resting} of them stand for rest)" if readings.resting is not None else ""
    begin, end = timeline.when(readings.t0_s, zone), timeline.when(readings.t1_s, zone)
    to = end[11:] if end[:10] == begin[:10] else end
    return (
        f"{name}: {console.count(readings.count, 'reading')} in "
        f"{console.count(readings.minutes, 'minute')}{rest}, {', '.join(readings.streams)}, "
        f"{begin[:19]} to {to}"
    )


def document(row: Ground, zone: str) -> dict[str, Any]:
    """Return a sentence with all it rests on, as plain data."""
    return {
        "sentence": row.sentence,
        "kind": row.kind or None,
        "categories": dict(row.categories),
        "values": dict(row.values),
        "rule": row.rule,
        "findings": [
            {
                "kind": f.kind,
                "stream": f.stream,
                "severity": f.severity,
                "start": timeline.iso(f.t0_s, zone),
                "end": timeline.iso(f.t1_s, zone),
                "ongoing": f.ongoing,
                "evidence": dict(f.evidence),
            }
            for f in row.findings
        ],
        "readings": [
            {
                "kind": r.kind,
                "n": r.count,
                "minutes": r.minutes,
                "resting_minutes": r.resting,
                "streams": list(r.streams),
                "start": None if r.t0_s is None else timeline.iso(r.t0_s, zone),
                "end": None if r.t1_s is None else timeline.iso(r.t1_s, zone),
            }
            for r in row.readings
        ],
        "days": [{"start": timeline.iso(t0_s, zone), "typical": value} for t0_s, value in row.days],
    }
