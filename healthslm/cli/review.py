"""`healthslm review`: the findings as a clinician reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthslm.cli import console, finding
from healthslm.cli.place import DAY_S, Place, find
from healthslm.errors import LockedError
from healthslm.records import Beat, Derived, Summary, Vital
from healthslm.review import timeline
from healthslm.review.timeline import Event

if TYPE_CHECKING:
    from healthslm.records import Frame
    from healthslm.review.strips import Strip
    from healthslm.vault import Store

BEFORE_S = 2.0  # of a lasting event's onset, on its strip
WIDTH = 80  # columns
RUN_UP_S = 5.0  # the filter's, on both sides of what is shown

days_option = click.option(
    "--days",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="How far back from the newest record. More than 8 needs the passphrase.",
)


reader_key = click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read as a clinician what the owner granted, with NAME.key of `healthslm key init`; "
    "the passphrase is that of the key.",
)


@click.group("review", cls=console.ListFirst)
def command() -> None:
    """Read the findings as a clinician.

    The gravest come first. What several sensors saw at once is one event. Without a
    command it lists them.
    """


@command.command("list")
@console.store
@days_option
@click.option("--owner", is_flag=True, help="Ask for the passphrase, to read all that is kept.")
@console.passphrase_file
@reader_key
@console.as_json
@click.option("--exit-code", is_flag=True, help="Exit with 3 if there is a finding.")
@click.pass_context
def list_(
    ctx: click.Context,
    store: Path,
    days: int,
    owner: bool,
    passphrase_file: Path | None,
    key_file: Path | None,
    json_: bool,
    exit_code: bool,
) -> None:
    """List what was found, the gravest first.

    Without the passphrase it reads what the board itself can: the last 8 days.
    """
    place = find(store)
    asked = owner or passphrase_file is not None or key_file is not None
    words = console.passphrase(passphrase_file) if asked else None
    with opened_by(place, words, key_file) as opened:
        records = recent(opened.derived(), days)
    found = timeline.events(records)
    if json_:
        rows = [{"row": n, **timeline.as_json(e, place.zone)} for n, e in enumerate(found, 1)]
        console.emit("review", {"timezone": place.zone, "days": days, "findings": rows})
    elif found:
        listed(found, lambda t_s: timeline.when(t_s, place.zone)[:16])
        console.out(f"{sums(found)}. Times are {place.zone}.")
        console.note(f"look at one: healthslm review show {found[0].id} --store {store}")
    else:
        console.out(f"Nothing was found in {console.count(len(records), 'record')}.")
        console.note("that is not an all-clear: `healthslm summary` says what was not measured")
    if exit_code and found:
        ctx.exit(3)


@command.command("show")
@click.argument("which", metavar="ID|ROW")
@console.store
@days_option
@click.option("--at", "at_s", type=float, help="Begin the strip this many seconds into the event.")
@click.option("--stream", help="Draw this ECG stream.  [default: one that saw the event]")
@click.option("--raw", is_flag=True, help="Draw the samples as recorded, without the filter.")
@click.option(
    "--svg",
    "svg_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the strip as SVG, 25 mm/s and 10 mm/mV. It shows raw samples, in clear.",
)
@console.passphrase_file
@reader_key
@console.as_json
def show(
    which: str,
    store: Path,
    days: int,
    at_s: float | None,
    stream: str | None,
    raw: bool,
    svg_file: Path | None,
    passphrase_file: Path | None,
    key_file: Path | None,
    json_: bool,
) -> None:
    """Show one finding, with its ECG strip.

    Its numbers, the vitals around it, ten seconds of ECG, and what the person was told.
    ID is the four-letter name in the list; a row number of the same list will do.
    Waveforms open with the owner's passphrase, or where they were granted.
    """
    place = find(store)
    words = console.passphrase(passphrase_file)
    from healthslm.review import strips

    with opened_by(place, words, key_file) as opened:
        records = recent(opened.derived(), days)
        row, event = chosen(timeline.events(records), which)
        t0_s, t1_s = window(event, at_s)
        try:
            frames = list(opened.frames(t0_s - RUN_UP_S, t1_s + RUN_UP_S))
        except LockedError:
            if key_file is None:
                raise
            frames = []  # findings were granted, and waveforms were not
    strip = drawn(frames, event, stream, t0_s, t1_s, raw)
    mark = (event.t0_s, event.t1_s)
    if svg_file and strip is not None:
        svg_file.write_text(strips.svg_strip(strip, place.zone, mark), "utf-8")
        console.note(f"wrote {svg_file}: raw samples in clear; keep it on the board")
    told = summaries(records, event)
    if json_:
        data = finding.document(place.zone, row, event, records, told, strip)
        console.emit("finding", data)
        return
    finding.details(place.zone, event, records)
    console.out()
    unseen = "No ECG was recorded at this time."
    console.out(strips.braille(strip, place.zone, mark) if strip else unseen)
    finding.wording(told)


def drawn(
    frames: Sequence[Frame], event: Event, stream: str | None, t0_s: float, t1_s: float, raw: bool
) -> Strip | None:
    """Return the ECG between two times, filtered unless `raw`; None where none was read."""
    from healthslm.review import strips

    lane = stream or lane_of(event, sorted({f.name for f in frames if f.kind == "ecg"}))
    if lane is None:
        return None
    try:
        strip = strips.cut(frames, lane, t0_s - RUN_UP_S, t1_s + RUN_UP_S)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--stream") from error
    if strip is None:
        return None
    return strips.crop(strip if raw else strips.monitor(strip), t0_s, t1_s)


def opened_by(place: Place, words: str | None, key_file: Path | None) -> Store:
    """Return the store, opened by its owner, by a clinician, or without a secret by the board."""
    if key_file is None or words is None:
        return place.open(words)
    from healthslm.vault import Store, identity

    return Store.consult(place.folder, identity.read(key_file, words))


def recent(records: Iterable[Derived], days: int) -> list[Derived]:
    """Return the records of the last days before the newest."""
    kept = list(records)
    if not kept:
        return kept
    since = max(map(end_s, kept)) - days * DAY_S
    return [x for x in kept if end_s(x) >= since]


def end_s(record: Derived) -> float:
    """Return the time at which what a record speaks of ends."""
    return record.t_s if isinstance(record, Beat | Vital) else record.t1_s


def chosen(found: Sequence[Event], which: str) -> tuple[int, Event]:
    """Return the event that a person means, with its row in the list."""
    for row, event in enumerate(found, 1):
        if which in (str(row), event.id):
            return row, event
    listed = "nothing was found" if not found else f"the list has rows 1 to {len(found)}"
    raise click.BadParameter(f"no finding {which}: {listed}", param_hint="ID|ROW")


def window(event: Event, at_s: float | None, seconds: float = 10.0) -> tuple[float, float]:
    """Return the ten seconds to draw: a short event in the middle, or the onset of a long one."""
    lasted = event.t1_s - event.t0_s
    if at_s is not None:
        start = event.t0_s + at_s
    elif lasted <= seconds - 2 * BEFORE_S:
        start = event.t0_s + lasted / 2 - seconds / 2
    else:
        start = event.t0_s - BEFORE_S
    return start, start + seconds


def lane_of(event: Event, recorded: Sequence[str]) -> str | None:
    """Return the ECG stream that saw the event, else any that was recorded then."""
    return next((lane for lane in (*event.sources, *recorded) if lane in recorded), None)


def summaries(records: Sequence[Derived], event: Event) -> list[Summary]:
    """Return the newest text, in each language, on the period in which the event began."""
    told = [x for x in records if isinstance(x, Summary) and x.t0_s <= event.t0_s < x.t1_s]
    return list({x.lang: x for x in told}.values())


def listed(found: Sequence[Event], clock: Callable[[float], str]) -> None:
    """Write events as a table of at most 80 columns; `clock` writes a time."""
    rows = []
    for n, event in enumerate(found, 1):
        lasted = timeline.lasting(event.t1_s - event.t0_s)
        rows.append(
            (
                str(n),
                event.id,
                console.graded(event.severity),
                clock(event.t0_s),
                f"≥ {lasted}" if event.ongoing else lasted,
                timeline.words(event.kind),
            )
        )
    head = ("#", "id", "", "began", "lasted", "finding")
    widths = [max(len(click.unstyle(line[n])) for line in [head, *rows]) for n in range(len(head))]
    room = WIDTH - sum(widths) - 2 * len(widths)
    seen = [seen_by(event) for event in found]
    cut = [name if len(name) <= room else f"{name[: room - 1]}…" for name in seen]
    lines = [(*row, name) for row, name in zip(rows, cut, strict=True)]
    console.table((*head, "seen by"), lines, right="# lasted")


def seen_by(event: Event) -> str:
    """Return what saw an event: a stream, a whole device ("band/*"), or the first of several."""
    first, *others = event.sources
    device = first.partition("/")[0]
    if others and all(source.startswith(f"{device}/") for source in others):
        return f"{device}/*"
    return f"{first} +{len(others)}" if others else first


def sums(found: Sequence[Event]) -> str:
    """Return how many events of which severity there are: "3 findings: 1 red, 2 amber"."""
    kinds = (sum(e.severity == s for e in found) for s in timeline.SEVERITIES)
    parts = ", ".join(f"{n} {s}" for n, s in zip(kinds, timeline.SEVERITIES, strict=True) if n)
    return f"{console.count(len(found), 'finding')}: {parts}"
