"""`healthslm run`: the daemon."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthslm.errors import ConfigError

if TYPE_CHECKING:
    from healthslm.config import Config

log = logging.getLogger(__name__)


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
@click.option(
    "--require-sandbox",
    is_flag=True,
    help="Do not start where the kernel cannot hold the daemon to its files and sockets.",
)
def command(config_file: Path, quiet: bool, require_sandbox: bool) -> None:
    """Watch: take in samples, find, seal, and write the day.

    It works until SIGTERM or Ctrl-C, and finishes what it has taken in. Its log holds
    counts and times of its own doing, never a measurement.
    """
    from healthslm import config
    from healthslm.vault.database import DATABASE, require

    logging.basicConfig(
        format="%(levelname)s %(name)s: %(message)s",
        level=logging.WARNING if quiet else logging.INFO,
    )
    settings = config.load(config_file, os.environ)
    require(settings.store.folder / DATABASE)  # said before all else
    enclose(settings, required=require_sandbox)
    from healthslm import daemon  # only now: it loads NumPy, whose threads are born inside

    daemon.run(settings)


def enclose(settings: Config, *, required: bool) -> None:
    """Give up all that the daemon does not need, and say once what could not be given up.

    Raises
    ------
    ConfigError
        Something is `required` that does not hold.
    """
    from healthslm import config, sandbox
    from healthslm.vault import source

    where, model = config.address(settings.broker.url), config.model(settings)
    key = source.find(settings.store.folder, os.environ).path
    isolation = sandbox.enter(
        sandbox.Needs(
            write=(settings.store.folder,),
            read=(key, model) if model else (key,),
            port=None if where.path else where.port,
        )
    )
    if required and isolation.missing:
        raise ConfigError(
            f"--require-sandbox: {'; '.join(m.words for m in isolation.missing)}. "
            "Start it with a kernel that has what is missing, or without --require-sandbox"
        )
    if isolation.words:
        log.warning("the sandbox is not whole: %s", isolation.words)
