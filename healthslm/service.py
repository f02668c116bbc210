"""How a daemon is alone, is asked to end, and tells systemd how it is."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from healthslm.errors import ConfigError


def asked_to_end() -> Callable[[], bool]:
    """Take SIGTERM and SIGINT over; return what tells whether one has come."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: asked.append(got))
    return lambda: bool(asked)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Work on the store in `folder` as the only daemon; a killed one gives way at once.

    Two would each go on from a state of their own, and store what the other stored.

    Raises
    ------
    ConfigError
        Another daemon does.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError("another daemon works on this store already") from None
        yield
    finally:
        os.close(handle)


def notify(word: str) -> None:
    """Send `word` ("READY=1") to systemd, where it listens; see sd_notify(3)."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if not where:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(word.encode(), "\0" + where[1:] if where.startswith("@") else where)
