"""`healthslm store`: whether the sealed store is whole, and what can be done where it is not."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from healthslm.cli import console, migrate
from healthslm.cli.place import find
from healthslm.errors import IntegrityError, LockedError

if TYPE_CHECKING:
    from healthslm.vault.check import Checked
    from healthslm.vault.rebuild import Findings
    from healthslm.vault.rows import Unlock

MEANS = {
    "RAW": "raw samples",
    "DERIVED": "derived records",
    "STATE": "state",
    "AUDIT": "audit entries",
}
HEADS = {
    "newest": "the newest state is whole",
    "older": "the newest state is lost, an older one takes its place: "
    "look at who may read (the newest consents may be missing)",
    "lost": "the state is lost: what the daemon had learnt of you begins anew, consents have to be "
    "granted again, and how many rows there were is not known",
}
SHOWN = 20  # pieces of damage on the screen; --json has them all

sheet_option = click.option(
    "--sheet-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Use the 18 words of the recovery sheet, from this file; - asks for them.",
)


@click.group("store")
def command() -> None:
    """Check the sealed store, and repair it after damage.

    Begin with `check`: it changes nothing.
    """


command.add_command(migrate.command)


@command.command("check")
@console.store
@click.option("--all", "everything", is_flag=True, help="Ask for the passphrase, and read it all.")
@console.passphrase_file
@sheet_option
@console.as_json
def check(
    store: Path,
    everything: bool,
    passphrase_file: Path | None,
    sheet_file: Path | None,
    json_: bool,
) -> None:
    """Read all that can be read, and say what is damaged.

    The board's own key opens the newest days; the owner's passphrase (--all) opens
    everything, and what no key opens is counted. Damage is named by ids: no measurement is
    shown. It exits with 1 where something is damaged.
    """
    from healthslm.vault import check as vault_check

    folder = find(store).folder
    asked = everything or passphrase_file or sheet_file
    found = vault_check.check(folder, _unlock(passphrase_file, sheet_file) if asked else None)
    if json_:
        console.emit("store-check", _checked(folder, found))
    else:
        _show_check(found, whole_key=bool(asked))
    if not found.whole:
        raise IntegrityError(
            f"{console.count(len(found.damage), 'thing')} in this store "
            f"{'is' if len(found.damage) == 1 else 'are'} damaged; everything else can still be "
            "read. `healthslm store repair` brings back what is left and keeps a copy of the rest"
        )


@command.command("repair")
@console.store
@console.passphrase_file
@sheet_option
@click.option("--yes", is_flag=True, help="Do not ask before the repaired store takes its place.")
@console.as_json
def repair(
    store: Path, passphrase_file: Path | None, sheet_file: Path | None, yes: bool, json_: bool
) -> None:
    """Bring back what is left of a damaged store.

    Stop the daemon first. It builds and verifies a new store from what is left, says what
    is lost, and asks before anything is changed. The damaged files are kept whole in a
    folder beside it; nothing is deleted. It needs the owner's passphrase or the recovery
    sheet.
    """
    from healthslm.vault import repair as vault_repair

    folder = find(store).folder
    unlock = _unlock(passphrase_file, sheet_file)
    console.note("looking through every byte of the store; nothing is changed yet ...")
    found = vault_repair.prepare(folder, unlock, now_s=time.time())
    if not json_:
        _show_findings(found)
    if not yes and not click.confirm("Let it take the damaged store's place?", err=True):
        vault_repair.forgo(folder)
        console.note("nothing was changed")
        raise click.Abort
    kept = vault_repair.replace(folder)
    if json_:
        console.emit("store-repair", {**_found(found), "kept": str(kept)})
    console.note(f"repaired. The damaged files are kept in {kept}: they hold your sealed records")
    console.note("still, so delete them when you are sure that you need nothing more of them")


def _unlock(passphrase_file: Path | None, sheet_file: Path | None) -> Unlock:
    """Return what opens the store: the passphrase, or the words of the sheet."""
    from healthslm.vault import readers, recovery

    if sheet_file is None:
        return partial(readers.unlock, passphrase=console.passphrase(passphrase_file))
    if str(sheet_file) != "-":
        words = sheet_file.read_text(encoding="utf-8")
    elif sys.stdin.isatty():
        words = click.prompt("The 18 words of the sheet", err=True)
    else:
        raise LockedError("the words of the sheet cannot be asked for: this is no terminal")
    return partial(recovery.unlock, secret=recovery.read(words))


def _rows(counts: Counter[str]) -> str:
    """Return rows by class in words: "120 of raw samples, 60 of derived records"."""
    listed = [f"{n:,} of {MEANS[cls]}" for cls in MEANS if (n := counts[cls])]
    return ", ".join(listed) or "none"


def _checked(folder: Path, found: Checked) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "whole": found.whole,
        "rows": dict(found.read),
        "rows_not_opened": dict(found.counted),
        "wraps": found.wraps,
        "damage": [asdict(damage) for damage in found.damage],
    }


def _show_check(found: Checked, *, whole_key: bool) -> None:
    pairs = [("rows read and whole", _rows(found.read))]
    if found.counted.total():
        pairs.append(("only counted", _rows(found.counted)))
    pairs.append(("keys that are wrapped", f"{found.wraps:,} wraps"))
    console.pairs(pairs)
    if found.damage:
        console.out()
        lines = [
            (damage.how, damage.what, MEANS.get(damage.cls, ""), f"{damage.rows or ''}")
            for damage in found.damage[:SHOWN]
        ]
        console.table(("how", "what", "of", "rows"), lines, right="rows")
        if len(found.damage) > SHOWN:
            console.out(f"... and {len(found.damage) - SHOWN:,} more: --json lists them")
    elif whole_key:
        console.out("everything is whole")
    else:
        console.out("what this key opens is whole; `--all` reads the rest with your passphrase")


def _found(found: Findings) -> dict[str, Any]:
    return {
        "state": found.head,
        "commits_back": found.commits_back,
        "rows": dict(found.kept),
        "rows_lost": dict(+found.lost),
        "rows_locked": dict(+found.locked),
        "chapters_indexed_anew": found.indexed_anew,
        "audit_entries_lost": found.audit_lost,
        "letters_lost": found.letters_lost,
        "readers_lost": found.readers_lost,
        "wraps_missing": found.wraps_missing,
        "wraps_made": found.wraps_made,
    }


def _show_findings(found: Findings) -> None:
    console.pairs([
        ("brought back", f"rows: {_rows(found.kept)}"),
        ("lost", f"rows: {_rows(found.lost)}"),
        ("state", HEADS[found.head]),
    ])  # fmt: skip
    extra = [
        (found.locked.total(), "rows are under keys that this secret does not open; the other one "
         "(passphrase or recovery sheet) may: try it before you say yes"),
        (len(found.audit_lost), "audit entries are lost; the trail says which"),
        (found.letters_lost, "rows of messages set aside are lost"),
        (found.readers_lost, "readers are lost: add them again"),
        (found.wraps_missing, "wraps are missing: repair on the board, where the device key is"),
    ]  # fmt: skip
    for number, words in extra:
        if number:
            console.out(f"  {number:,} {words}")
