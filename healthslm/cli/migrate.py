"""`healthslm store migrate`: a store of an earlier format becomes one of today's."""

from __future__ import annotations

import time
from pathlib import Path

import click

from healthslm.cli import console
from healthslm.cli.place import find


@click.command("migrate")
@console.store
@console.passphrase_file
def command(store: Path, passphrase_file: Path | None) -> None:
    """Make a store of an earlier format one of today's.

    Stop the daemon first. It needs the owner's passphrase and the board's own key, changes
    the store in place, and takes little room: what was sealed stays as it is. Interrupted,
    it leaves the store as it was. An earlier healthslm cannot open it afterwards.
    """
    from healthslm import service
    from healthslm.vault import migration

    folder = find(store).folder
    words = console.passphrase(passphrase_file)
    with service.alone(folder):
        contents = migration.migrate(folder, words, now_s=time.time())
    console.note(f"migrated: {console.count(contents, 'sealed content')} came over")
    console.note("`healthslm store check --all` reads it all once more")
