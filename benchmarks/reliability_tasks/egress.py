"""A day from which nothing leaves: no socket but to the broker, no packet elsewhere, no DNS.

Twice the same day with the daemon, its language child, and every command that reads. First in an
empty network namespace with the broker on a unix socket, under strace: `sockets_unix`,
`sockets_inet` (of every family but AF_UNIX), `strangers` (connections to anything but the
broker). Then in a namespace with a way out, with the broker on loopback: `packets` and `dns`
anywhere but between the broker and its clients, and `missed`, what the capture itself lost.
The control sends one datagram and one DNS query from that namespace: `control_packets`.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import field
from benchmarks.field import Board
from healthslm import config
from healthslm.bench import Goal, Result
from healthslm.broker import Broker, mosquitto
from healthslm.publisher import Publisher

if TYPE_CHECKING:
    from benchmarks.capture import Capture

HOURS = 24
NEEDED = ("strace", "unshare", "ip")
GOALS: dict[str, Goal] = {
    "packets": ("<=", 0.0),
    "dns": ("<=", 0.0),
    "missed": ("<=", 0.0),
    "sockets_inet": ("<=", 0.0),
    "strangers": ("<=", 0.0),
    "sockets_unix": (">=", 1.0),
    "control_packets": (">=", 1.0),
    "control_dns": (">=", 1.0),
    "control_sockets": (">=", 1.0),
}
TRACE = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=socket,socketpair,connect,sendto")
_SOCKET = re.compile(r"\bsocket(?:pair)?\((\w+)")
_CONNECT = re.compile(r"\b(?:connect|sendto)\(.*?sa_family=(\w+)(?:, sun_path=(@?\"[^\"]*\"))?")


def measure(seed: int, n: int) -> list[Result]:
    """Return what tried to leave in a day of `n` hours (0: a whole one)."""
    if not field.root("egress"):
        return []
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if mosquitto() is None:
        missing.append("mosquitto")
    if missing:
        sys.stderr.write(f"egress: skipped: not installed: {', '.join(missing)}\n")
        return []
    hours = n or HOURS
    with tempfile.TemporaryDirectory(prefix="healthslm-egress-") as folder:
        traced, control = _traced(Path(folder), seed, hours)
        captured, seen = _captured(Path(folder), seed, hours)
    metrics = {
        "packets": float(captured["packets"]),
        "dns": float(captured["dns"]),
        "missed": float(captured["missed"]),
        "broker_packets": float(captured["broker"]),
        "sockets_inet": float(traced["inet"]),
        "sockets_unix": float(traced["unix"]),
        "strangers": float(traced["strangers"]),
        "control_packets": float(seen["packets"]),
        "control_dns": float(seen["dns"]),
        "control_sockets": float(control["inet"]),
    }
    return [Result("egress", "simulated day", f"seed {seed}", metrics, GOALS)]


def lived(
    folder: Path,
    seed: int,
    hours: float,
    *,
    before: tuple[str, ...] = (),
    capture: Capture | None = None,
) -> None:
    """Live a day, ask for its words, and read it; `capture` is told the broker's port."""
    board = Board(folder / "board", folder / "settings", before=before)
    board.prepare()
    server = Broker("mosquitto", folder / "broker", unix=capture is None)
    board.url = server.url
    if capture is not None:
        capture.port = config.address(server.url).port
    with server, board:
        board.start()
        with Publisher(board.url, field.PERSON) as publisher:
            board.play(publisher, field.day(seed, hours))
        board.tell()
        board.read()
        if status := board.end(signal.SIGTERM):
            raise RuntimeError(f"the daemon ended with {status}")


def _traced(folder: Path, seed: int, hours: float) -> tuple[Counter[str], Counter[str]]:
    """Return the sockets of a day in an empty namespace, and those of the control."""
    logs = folder / "trace"
    logs.mkdir()
    before = ("unshare", "-n", *TRACE, "-ff", "-o", str(logs / "call"))
    lived(folder / "unix", seed, hours, before=before)
    broker = str(folder / "unix" / "broker" / "mqtt.sock")
    lines = [line for log in logs.iterdir() for line in log.read_text().splitlines()]
    program = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
    must = [*TRACE, "-o", str(folder / "control"), sys.executable, "-c", program]
    subprocess.run(must, check=True)  # noqa: S603  ours
    seen = (folder / "control").read_text().splitlines()
    return sockets(lines, broker), sockets(seen, broker)


def sockets(lines: Iterable[str], broker: str) -> Counter[str]:
    """Return how many calls strace wrote of sockets "unix" and "inet", and of "strangers".

    A stranger is whatever was connected, or written to, that is not the broker's socket.
    """
    found: Counter[str] = Counter()
    for line in lines:
        if made := _SOCKET.search(line):
            found["unix" if made[1] in ("AF_UNIX", "AF_LOCAL") else "inet"] += 1
        if met := _CONNECT.search(line):
            found["strangers"] += met[1] != "AF_UNIX" or met[2] != f'"{broker}"'
    return found


def _captured(folder: Path, seed: int, hours: float) -> tuple[dict[str, int], dict[str, int]]:
    """Return the packets of a day in a namespace with a way out, and those of the control."""
    program = [sys.executable, str(field.ROOT / "benchmarks" / "capture.py")]
    arguments = [str(folder / "loopback"), str(seed), str(hours)]
    run = ["unshare", "-n", *program, *arguments]
    done = subprocess.run(run, check=True, stdout=subprocess.PIPE)  # noqa: S603  ours
    day, control = json.loads(done.stdout.splitlines()[-1])
    return day, control
