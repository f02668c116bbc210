"""The model's process under a user of its own, behind a unix socket: `deploy/` sets it up.

systemd starts the child program (`slm`) for each connection, with the connection as its stdin
and stdout: a request goes in, its end is the end of our sending, an answer comes out. That user
has no store, no key and no network, so a model that takes the process over finds nothing.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

from healthslm.errors import ModelError

READ = 1 << 16  # bytes at a time


def said(place: Path, request: bytes, timeout_s: float, most: int) -> bytes | None:
    """Return what the voice answers to `request`; None where nobody takes the connection.

    Parameters
    ----------
    place
        The socket.
    most
        Bytes of an answer.

    Raises
    ------
    ModelError
        "timeout"; "garbage": an answer that is too long; "crash": none at all.
    """
    deadline_s = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.settimeout(_left(deadline_s))
            line.connect(str(place))
        except OSError:
            return None
        try:
            return _heard(line, request, deadline_s, most)
        except TimeoutError:
            raise ModelError("timeout") from None
        except OSError:
            raise ModelError("crash") from None


def user(place: Path, timeout_s: float) -> int | None:
    """Return the id of the user under which the voice works; None where it does not answer."""
    try:
        answer = json.loads(said(place, b"{}", timeout_s, READ) or b"null")
    except (ModelError, ValueError):
        return None
    found = answer.get("uid") if isinstance(answer, dict) else None
    return found if isinstance(found, int) else None


def _heard(line: socket.socket, request: bytes, deadline_s: float, most: int) -> bytes:
    line.settimeout(_left(deadline_s))
    line.sendall(request)
    line.shutdown(socket.SHUT_WR)
    answer = bytearray()
    while True:
        line.settimeout(_left(deadline_s))
        part = line.recv(READ)
        if not part:
            break
        answer += part
        if len(answer) > most:
            raise ModelError("garbage")
    if not answer:
        raise ModelError("crash")
    return bytes(answer)


def _left(deadline_s: float) -> float:
    """Return the seconds that are left; raises TimeoutError where none are."""
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s
