"""`healthslm backup`: all but the waveforms in one sealed file, and a store made of it again."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthslm.cli import console, sheet
from healthslm.cli.init import local_zone
from healthslm.cli.key import new_passphrase_file
from healthslm.cli.owner import sheet_file
from healthslm.cli.place import CONFIG, find
from healthslm.cli.status import RECORDS

if TYPE_CHECKING:
    from healthslm.vault.readers import Unlocked

by_sheet = click.option(
    "--sheet", "sheet_", is_flag=True, help="Open with the recovery sheet, and not the passphrase."
)
file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))

AFTER = """\
Not in it: waveforms, and the settings. It opens with your passphrase and with
the recovery sheet, as they are today. Keep it where this board cannot burn
with it, and see now and then that it is whole: healthslm backup verify"""
RESTORED = """\
The board has a new key of its own: clinicians compare its fingerprint anew
(healthslm key status). {sheet}
Settings are not in a backup: look through {config}."""
SHEET_ENDS = """The recovery sheet trusted the old board: make a new
one with healthslm key rotate --sheet."""
SHEET_STAYS = "The recovery sheet stays as it is."


@click.group("backup")
def command() -> None:
    """Keep a sealed copy elsewhere, and restore it.

    A backup has everything but waveforms, which never leave the board.
    """


@command.command("create")
@file_argument
@console.store
def create(file: Path, store: Path) -> None:
    """Write a backup to a new file.

    It needs no passphrase, and the daemon may be at work. A file that exists is never
    overwritten.
    """
    from healthslm.vault import backup

    with find(store).open() as opened:
        rows = backup.create(opened, file, now_s=time.time())
    console.out(str(file))
    console.note(f"{console.size(file.stat().st_size)}, {console.count(rows, 'sealed row')}.")
    console.note(AFTER)


@command.command("verify")
@file_argument
@console.passphrase_file
@by_sheet
@sheet_file
@console.as_json
def verify(
    file: Path, passphrase_file: Path | None, sheet_: bool, sheet_file: Path | None, json_: bool
) -> None:
    """Read a whole backup, and say what it holds."""
    from healthslm.vault import backup

    how, _ = _unlock(passphrase_file, sheet_, sheet_file)
    counts = backup.check(file, how, now_s=time.time())
    records = {name: counts.get(name, 0) for name in RECORDS}
    if json_:
        console.emit("backup", {"rows": counts["rows"], "ever_sealed": records, "whole": True})
        return
    console.out(f"whole: {console.count(counts['rows'], 'sealed row')}, each opened and checked")


@command.command("restore")
@file_argument
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@console.passphrase_file
@by_sheet
@sheet_file
@new_passphrase_file
def restore(
    file: Path,
    folder: Path,
    passphrase_file: Path | None,
    sheet_: bool,
    sheet_file: Path | None,
    new_passphrase_file: Path | None,
) -> None:
    """Make a store of a backup, in a folder that has none.

    It is read and checked whole before anything is made. With the recovery sheet you choose
    a new passphrase. Settings are made as `healthslm init` makes them, where there are none.
    """
    from healthslm import broker, config
    from healthslm.vault import backup

    how, secret = _unlock(passphrase_file, sheet_, sheet_file)
    if secret is None:
        words = how.keywords["passphrase"]
    else:
        backup.check(file, how, now_s=time.time())  # before a passphrase is asked for
        words = console.new_passphrase(new_passphrase_file)
    made = folder / CONFIG
    there = made.exists()
    place = config.load(made, os.environ).store.folder if there else folder / "store"
    backup.restore(file, place, words, now_s=time.time(), sheet=secret)
    if not there:
        made.write_text(config.default_toml(timezone=local_zone()), "utf-8")
        settings = config.load(made)
        port = config.address(settings.broker.url).port
        (folder / "mosquitto.conf").write_text(broker.settings(f"{port} 127.0.0.1"), "utf-8")
    console.out(str(place))
    ends = SHEET_ENDS if secret is None else SHEET_STAYS
    console.note(RESTORED.format(sheet=ends, config=made))


def _unlock(
    passphrase_file: Path | None, by_sheet: bool, sheet_file: Path | None
) -> tuple[partial[Unlocked], bytes | None]:
    """Return what opens a backup, and the secret of the sheet where that does."""
    from healthslm.vault import readers, recovery

    if not (by_sheet or sheet_file):
        words = console.passphrase(passphrase_file)
        return partial(readers.unlock, passphrase=words), None
    secret = sheet.read(sheet_file)
    return partial(recovery.unlock, secret=secret), secret
