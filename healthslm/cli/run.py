"""`healthslm run`: the daemon."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click


@click.command("run")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("healthslm.toml"),
    show_default=True,
    envvar="HEALTHSLM_CONFIG",
    show_envvar=True,
    help="The file made by `healthslm init`.",
)
@click.option("--quiet", is_flag=True, help="Only warnings on stderr.")
def command(config_file: Path, quiet: bool) -> None:
    """Watch: take in samples, find, seal, and write the day.

    It works until SIGTERM or Ctrl-C, and finishes what it has taken in. Its log holds
    counts and times of its own doing, never a measurement.
    """
    from healthslm import config, daemon

    logging.basicConfig(
        format="%(levelname)s %(name)s: %(message)s",
        level=logging.WARNING if quiet else logging.INFO,
    )
    daemon.run(config.load(config_file, os.environ))
