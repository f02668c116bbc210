"""`healthslm consent`: which clinician may read what, and until when."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthslm.cli import console, holders
from healthslm.cli.owner import Owner, as_owner
from healthslm.cli.place import find
from healthslm.days import bounds
from healthslm.review.timeline import iso

if TYPE_CHECKING:
    from healthslm.vault.readers import Grantee

CLASSES = ("derived", "raw", "audit")
date = click.DateTime(["%Y-%m-%d"])


@click.group("consent")
def command() -> None:
    """Say which clinician may read what.

    A consent lets a clinician whose key you know open a part of this store, on this board.
    Nothing is sent by it.
    """


@command.command("show")
@console.store
@console.as_json
def show(store: Path, json_: bool) -> None:
    """Show which consents stand.

    It needs the board's own key, not your passphrase.
    """
    place = find(store)
    with place.open() as opened:
        rows = [r for r in holders.gathered(opened, place.zone) if r["role"] == "clinician"]
    if json_:
        console.emit("consent", {"timezone": place.zone, "readers": rows})
    elif rows:
        holders.show(rows)
        console.note(f"times are {place.zone}")
    else:
        console.out("No clinician is known here: nobody but you can open anything.")
        console.note("healthslm key add-reader NAME PUBFILE makes one known")


@command.command("grant")
@click.argument("name")
@click.option(
    "--class",
    "names",
    type=click.Choice(CLASSES),
    multiple=True,
    required=True,
    help="derived: beats, figures, findings and texts. raw: waveforms. audit: who opened the "
    "store. May be given several times.",
)
@click.option("--since", type=date, help="The first day they may read.  [default: everything]")
@click.option("--until", type=date, help="The last day of the consent.  [default: till revoked]")
@as_owner
def grant(
    owner: Owner,
    name: str,
    names: Sequence[str],
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Let a clinician read something, from now on.

    It takes the place of what they were granted before. Days are those of your time zone;
    --until is the last day on which they can open anything here.
    """
    from healthslm.vault import consent
    from healthslm.vault.keys import Class

    zone = owner.place.zone
    since_s = 0 if since is None else int(bounds(since.date(), zone)[0])
    until_s = None if until is None else int(bounds(until.date(), zone)[1])
    with owner.open() as store:
        new = consent.grant(
            store,
            name,
            [Class[word.upper()] for word in names],
            now_s=time.time(),
            since_s=since_s,
            until_s=until_s,
        )
    console.out(f"{name} may from now on read:")
    for line in granted(new, zone):
        console.out(f"  {line}")
    if until is not None:
        console.out(f"to the end of {until:%Y-%m-%d}; then nothing, not even what is older.")
    console.note("You can end it at any time: healthslm consent revoke. What they have read by")
    console.note("then, they have read.")


def granted(reader: Grantee, zone: str) -> list[str]:
    """Return what a grant opens, and from when: keys are of whole hours and days in UTC."""
    lines = []
    for cls in holders.classes(reader):
        first_s = holders.first_key_s(cls, reader.since_s)
        begins = f"recorded from {holders.clock(iso(first_s, zone))} on" if first_s else "all of it"
        what = holders.OPENS[cls.name.lower()]
        lines.append(f"{what}: {begins}")
    return lines


@command.command("revoke")
@click.argument("name")
@as_owner
def revoke(owner: Owner, name: str) -> None:
    """End a clinician's consent: they can open nothing here from now on.

    Their key stays known, so that you can grant again. What they have read, copied, or were
    sent in reports cannot be taken back.
    """
    from healthslm.vault import consent

    with owner.open() as store:
        consent.revoke(store, name, now_s=time.time())
    console.out(f"{name} can open nothing here from now on, neither old nor new.")
    console.note("What they have read, copied, or were sent in reports cannot be taken back.")
