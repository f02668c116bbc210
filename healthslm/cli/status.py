"""`healthslm status`: what the store holds, and how it is protected."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from healthslm.cli import console
from healthslm.cli.place import Place, find
from healthslm.review.timeline import lasting


@click.command("status")
@console.store
@console.as_json
def command(store: Path, json_: bool) -> None:
    """Say what the store holds, and how it is protected.

    It needs the board's own key, not your passphrase, and shows no measurement.
    """
    place = find(store)
    data = gathered(place, time.time())
    if json_:
        console.emit("status", data)
        return
    show(data)


def gathered(place: Place, now_s: float) -> dict[str, Any]:
    """Return everything `status` shows, as plain data."""
    from healthslm.cli.model import checked

    with place.open() as store:
        counts = store.counts()
    return {"store": str(place.folder), **counts, "model": checked(place.model)}


def show(data: dict[str, Any]) -> None:
    """Write it for people."""
    console.pairs([(name, str(value)) for name, value in data.items()])
    console.out(lasting(0))
