"""`healthslm store`: whether the sealed store is whole, and what can be done where it is not."""

from __future__ import annotations

import click

from healthslm.cli import migrate


@click.group("store")
def command() -> None:
    """Check the sealed store, and repair it after damage."""


command.add_command(migrate.command)
