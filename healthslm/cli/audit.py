"""`healthslm audit`: who opened the store and changed it, and whether that record is whole."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthslm.cli import console, period
from healthslm.cli.owner import Owner, as_owner
from healthslm.days import day_of
from healthslm.review.timeline import iso, when

if TYPE_CHECKING:
    from healthslm.vault import Store
    from healthslm.vault.note import Point

_SPAN = re.compile(r"(?<= of )(\d{1,12}) to (\d{1,12})(?= of |: |$)")  # as an erasure notes it


@click.group("audit")
def command() -> None:
    """Show who opened the store, and what was changed.

    The trail is written with what it records, and each entry holds the one before. It
    cannot show what somebody who has a key reads from a copy of the files.
    """


@command.command("show")
@click.option("--since", help="HH:MM of today, or a date or time like 2026-03-01T14:05.")
@as_owner
@console.as_json
def show(owner: Owner, since: str | None, json_: bool) -> None:
    """Show the trail, oldest first.

    That you opened the store to look is its last entry.
    """
    zone, now_s = owner.place.zone, time.time()
    since_s = 0.0 if since is None else period.moment(since, day_of(now_s, zone), zone)
    with owner.open() as store:
        events = [event for event in store.events() if event.t_s >= since_s]
    if json_:
        rows = [
            {
                "number": e.number,
                "time": iso(e.t_s, zone),
                "action": e.action,
                "who": e.who,
                "what": timed(e.what, lambda t_s: iso(t_s, zone)),
            }
            for e in events
        ]
        console.emit("audit", {"timezone": zone, "events": rows})
        return
    lines = [
        (
            when(e.t_s, zone)[:16],
            e.who,
            e.action,
            timed(e.what, lambda t_s: when(t_s, zone)[:16]),
        )
        for e in events
    ]
    console.table(("when", "who", "did", "of what"), lines)
    console.note(f"{console.count(len(lines), 'entry', 'entries')}; times are {zone}")


def timed(what: str, clock: Callable[[float], str]) -> str:
    """Return what an entry tells of, with times as people read them."""
    return _SPAN.sub(lambda m: f"{clock(float(m[1]))} to {clock(float(m[2]))}", what)


@command.command("verify")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Also see that the trail holds what this signed record notes.",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a signed record of how far the trail has come to this new file.",
)
@as_owner
@console.as_json
def verify(owner: Owner, record: Path | None, checkpoint: Path | None, json_: bool) -> None:
    """Check that the trail is whole.

    A checkpoint, kept elsewhere, shows later whether somebody put an old copy of the store
    in its place. It holds numbers only: no name and no measurement.
    """
    if checkpoint is not None and checkpoint.exists():
        raise click.UsageError(f"{checkpoint} is there already. Name a new file")
    with owner.open() as store:
        point = None if record is None else recalled(store, record)
        events = list(store.events(None if point is None else (point.size, point.hash)))
        if checkpoint is not None:
            with checkpoint.open("x", encoding="utf-8") as out:
                out.write(signed(store))
    said = [] if point is None else list(point.said)
    if json_:
        data = {
            "entries": len(events),
            "record": None if point is None else {"entries": point.size, "said": said},
            "checkpoint": None if checkpoint is None else str(checkpoint),
        }
        console.emit("trail", data)
        return
    console.out(f"The trail is whole: {console.count(len(events), 'entry', 'entries')}.")
    if point is not None:
        console.out(f"It holds what the record notes: its first {point.size}, unchanged.")
        for line in said:
            console.out("The record says:")
            console.out(f"  {line}")
    if checkpoint is not None:
        console.out(f"Checkpoint: {checkpoint}")
        console.note("keep it away from this board, with somebody or on paper")


def recalled(store: Store, file: Path) -> Point:
    """Return what a signed record notes; raises IntegrityError where it is not of this store."""
    from healthslm.vault import note

    text = file.read_bytes()[:65_536].decode("utf-8", "replace")
    return note.read(text, store.rows.id, store.rows.device_public)


def signed(store: Store, *said: str) -> str:
    """Return how far the trail has come, and what is to be said of it, signed by the device.

    Raises
    ------
    DeviceKeyError
        The board's own key is not here: nothing can be signed.
    """
    from healthslm.vault import note

    size, digest = store.rows.head().audit
    return note.write(store.rows.keys.device, note.Point(store.rows.id, size, digest, said))
