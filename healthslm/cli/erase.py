"""`healthslm erase`: what its owner no longer wants kept."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthslm.cli import console
from healthslm.cli.owner import Owner, as_owner, daemon_stopped
from healthslm.days import bounds

if TYPE_CHECKING:
    from healthslm.vault import Store
    from healthslm.vault.chapters import Chapter
    from healthslm.vault.erase import Erased, Scope

HONEST = """\
No key that is left in the store opens it. A memory card may keep old pages, old
wrapped keys among them, where only a laboratory finds them; without a
passphrase, the sheet or the board's key they are noise. Who copied the card and
a key before still has what they copied. Backups, reports, and the damaged-<n>
folders of a repair are not reached by this: destroy them where they are."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants erased."""

    day: date | None
    cls: str | None  # "raw", "derived"; None: both
    stream: str | None

    def scope(self, zone: str) -> Scope:
        """Return it as the store understands it."""
        from healthslm.vault.erase import ERASABLE, Scope
        from healthslm.vault.keys import Class

        t0_s, t1_s = (-inf, inf) if self.day is None else bounds(self.day, zone)
        classes = ERASABLE if self.cls is None else frozenset({Class[self.cls.upper()]})
        return Scope(t0_s, t1_s, classes, self.stream)

    def words(self, zone: str) -> str:
        """Return it in words: "the waveforms of 2026-03-01 (Europe/Madrid)"."""
        kinds = {"raw": "the waveforms", "derived": "the beats, figures, findings and texts"}
        what = "everything that was recorded" if self.cls is None else kinds[self.cls]
        if self.stream is not None:
            what += f" of {self.stream}"
        return what if self.day is None else f"{what} of {self.day} ({zone})"


@click.command("erase")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="A day, in your time zone.")
@click.option(
    "--class",
    "cls",
    type=click.Choice(["raw", "derived"]),
    help="raw: all waveforms. derived: all beats, figures, findings and texts.",
)
@click.option(
    "--stream",
    metavar="DEVICE/STREAM",
    help="One stream, and the texts of its time; with --day, of that day.",
)
@click.option("--everything", is_flag=True, help="All that was recorded. Stop the daemon first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a signed record of it to this new file. It says in clear what was erased.",
)
@as_owner
def command(
    owner: Owner,
    day: datetime | None,
    cls: str | None,
    stream: str | None,
    everything: bool,
    yes: bool,
    record: Path | None,
) -> None:
    """Erase a day, a class, a stream or everything.

    The keys of what is erased are destroyed, and the rows too. It is not there for anybody
    after that, and there is no way back. Interrupted, the same command again ends it.
    """
    wish = wished(day, cls, stream, everything)
    if record is not None and record.exists():
        raise click.UsageError(f"{record} is there already. Name a new file for the record")
    with ExitStack() as held:
        if everything:
            held.enter_context(daemon_stopped(owner.place.folder, "erasing everything"))
        store = held.enter_context(owner.open())
        if not yes:
            agreed(store, wish, owner.place.zone)
        erased, compact = done(store, wish.scope(owner.place.zone))
        told(erased, compact, owner.place.folder)
        if record is not None:
            said = f"erased {wish.words(owner.place.zone)}: {amount(erased)}"
            recorded(store, record, said)


def wished(day: datetime | None, cls: str | None, stream: str | None, everything: bool) -> Wish:
    """Return what the options ask for.

    Raises
    ------
    click.UsageError
        They ask for nothing, or for more than one thing.
    """
    given = [day is not None and stream is None, cls is not None, stream is not None, everything]
    if sum(given) != 1:
        raise click.UsageError(
            "name one of --day, --class, --stream (alone or with --day) and --everything"
        )
    if stream is not None and not re.fullmatch(r"[^/\s]+/[^/\s]+", stream):
        raise click.UsageError("a stream is DEVICE/STREAM; `healthslm status` lists them")
    return Wish(None if day is None else day.date(), cls, stream)


def agreed(store: Store, wish: Wish, zone: str) -> None:
    """Show what will go, and ask.

    Raises
    ------
    click.Abort
        It shall stay; or there is nobody to ask.
    """
    from healthslm.vault import erase

    scope = wish.scope(zone)
    near = [c for c in erase.reach(store, scope) if c.overlaps(scope.t0_s, scope.t1_s)]
    console.note(f"This erases {wish.words(zone)}.")
    console.note(f"It lies in {spread(near)}. There is no way back.")
    click.confirm("Erase it?", default=False, abort=True, err=True)


def spread(chapters: Iterable[Chapter]) -> str:
    """Return over how much something lies: "24 hours of waveforms and 2 days of records"."""
    from healthslm.vault.keys import Class

    epochs = {(c.cls, c.epoch) for c in chapters}
    hours = sum(cls == Class.RAW for cls, _ in epochs)
    parts = [
        *([f"{console.count(hours, 'hour')} of waveforms"] if hours else []),
        *(
            [f"{console.count(len(epochs) - hours, 'day')} of records"]
            if len(epochs) > hours
            else []
        ),
    ]
    return " and ".join(parts) or "nothing that is here, as far as the store knows"


def done(store: Store, scope: Scope) -> tuple[Erased, bool]:
    """Erase; return what went, and whether the disk has its room back."""
    from healthslm.vault import erase

    with console.bar() as progress:
        erased = erase.erase(
            store,
            scope,
            now_s=time.time(),
            told=lambda n, of: progress("erasing", n, of),
        )
    return erased, bool(erased.chapters) and store.rows.compact()


def told(erased: Erased, compact: bool, folder: Path) -> None:
    """Say what was erased, and what that means."""
    from healthslm.vault import wreckage

    if not erased.chapters:
        console.out("Nothing of it was here.")
        return
    console.out(f"Erased: {amount(erased)}.")
    console.out(HONEST)
    if not compact:
        console.note("The file keeps its size for now: another program was at work, or the disk is")
        console.note("too full to write it anew. The room is used for what comes next.")
    for kept in wreckage.kept(folder):
        console.note(f"{kept} is from before a repair, and may still hold it with its keys:")
        console.note(f"where the store is well, remove it: rm -r {kept}")


def amount(erased: Erased) -> str:
    """Return how much went."""
    return (
        f"{console.count(erased.frames, 'frame')} of waveforms, "
        f"{console.count(erased.records, 'record')}; "
        f"{console.count(erased.chapters, 'key')} destroyed"
    )


def recorded(store: Store, file: Path, said: str) -> None:
    """Write the signed record of an erasure."""
    from healthslm.cli.audit import signed

    with file.open("x", encoding="utf-8") as out:
        out.write(signed(store, said))
    console.out(f"Signed record: {file}")
    console.note("It says in clear what was erased. `healthslm audit verify --record` checks it.")
