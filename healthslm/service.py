"""How a daemon is asked to end, and tells systemd how it is."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress


def asked_to_end() -> Callable[[], bool]:
    """Take SIGTERM and SIGINT over; return what tells whether one has come."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: asked.append(got))
    return lambda: bool(asked)


def notify(word: str) -> None:
    """Send `word` ("READY=1") to systemd, where it listens; see sd_notify(3)."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if not where:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(word.encode(), "\0" + where[1:] if where.startswith("@") else where)
