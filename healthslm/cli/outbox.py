"""`healthslm outbox`: carry finished reports off the board, where it is switched on."""

from __future__ import annotations

from pathlib import Path

import click

from healthslm import outbox
from healthslm.cli import console
from healthslm.errors import DeliveryError


@click.command("outbox")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("outbox.toml"),
    show_default=True,
    help="The outbox's own file.",
)
@click.option("--example", is_flag=True, help="Print such a file, with every key, and stop.")
@console.as_json
def command(config: Path, example: bool, json_: bool) -> None:
    """Carry finished reports off the board.

    Off until its own file says otherwise. It holds no key and cannot open what it carries,
    to a folder or by https. Each report is tried once; exit code 75 says that some wait.
    """
    if example:
        click.echo(outbox.EXAMPLE, nl=False)
        return
    done = outbox.run(outbox.load(config))
    if json_:
        data = {"sent": done.sent, "refused": done.refused, "waiting": done.waiting}
        console.emit("outbox", data)
    else:
        console.out(f"{console.count(done.sent, 'report')} sent")
    if done.refused and not json_:
        console.note(f"{console.count(done.refused, 'file')} left: no finished report")
    if done.waiting:
        raise DeliveryError(
            f"{console.count(done.waiting, 'report')} could not be handed over and will wait. "
            "Run it again later; if it goes on, check that the destination is there"
        )
