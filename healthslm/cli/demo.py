"""`healthslm demo`: the whole promise in a minute and a half."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command("demo")
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what was proven to this file.",
)
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Leave the store here, for `healthslm review --store DIR`.",
)
@click.option(
    "--recording",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Play this recording instead of a simulated day.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the simulated day.")
@click.option(
    "--broker",
    type=click.Choice(["mosquitto", "amqtt"]),
    help="Which broker to start.  [default: mosquitto where there is one]",
)
@click.pass_context
def command(
    ctx: click.Context,
    json_file: Path | None,
    keep: Path | None,
    recording: Path | None,
    seed: int | None,
    broker: Literal["mosquitto", "amqtt"] | None,
) -> None:
    """Play a day through the whole system and prove what it promises.

    Sensors publish over MQTT, the daemon finds and seals, the model writes the day in
    two languages, and a clinician's list shows it. It ends well only if every proof holds.
    """
    from healthslm import demo

    ctx.exit(
        demo.main(json_file=json_file, keep=keep, recording=recording, seed=seed, broker=broker)
    )
