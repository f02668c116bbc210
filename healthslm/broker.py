"""A broker on this machine, for the demo, the tests and a board without one.

mosquitto with a configuration of ours where it is installed, else amqtt on loopback. amqtt
is not for production: it forgets its queues when it ends, and takes 300 µs for a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import hmac
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

from healthslm.errors import BrokerError

Kind = Literal["auto", "mosquitto", "amqtt"]

START_S = 15.0  # amqtt takes 1 s to import on a busy core

_MOSQUITTO = """\
# mosquitto for healthslm: nobody but this machine reaches it. Start it: mosquitto -c THIS_FILE
listener {listener}
allow_anonymous true

# Its own caps (1000 messages queued, 20 under way) drop silently; a frame with its header
# fits 128 KiB.
max_packet_size 131072
max_inflight_messages 2000
max_queued_messages 1000000
max_queued_bytes 268435456
memory_limit 536870912

# What it writes is in clear: nothing goes to the card. What it loses when it stops, sensors
# that wait for the daemon's acknowledgement send again.
persistence {persistence}

{rest}
"""
_WARNINGS = "log_dest stderr\nlog_type error\nlog_type warning"


def settings(listener: str, *, persistence: str = "false", rest: str = _WARNINGS) -> str:
    """Return the configuration with which mosquitto serves this machine, and drops nothing.

    Parameters
    ----------
    listener
        "1883 127.0.0.1", or "0 /run/healthslm/mqtt.sock".
    persistence
        What follows that word; a folder it names must lie in memory.
    rest
        Further lines: who it runs as, and what it logs.
    """
    return _MOSQUITTO.format(listener=listener, persistence=persistence, rest=rest)


def mosquitto() -> str | None:
    """Return the path of mosquitto, or None where it is not installed."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    return shutil.which("mosquitto", path=path)


def listens(port: int) -> bool:
    """Return whether something answers on this port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Broker:
    """A broker in a process of its own; it may be killed and started again.

    Parameters
    ----------
    kind
        "auto" takes mosquitto where it is installed.
    folder
        Where its configuration and log lie; no message is ever written there.
    unix
        Listen on a unix socket in `folder` rather than on loopback (mosquitto only).
    """

    def __init__(self, kind: Kind, folder: Path, *, unix: bool = False) -> None:
        self._program = mosquitto()
        if kind == "mosquitto" and self._program is None:
            raise BrokerError("mosquitto is not installed (Debian: apt install mosquitto)")
        self.kind = kind if kind != "auto" else "mosquitto" if self._program else "amqtt"
        if unix and self.kind != "mosquitto":
            raise BrokerError("only mosquitto listens on a unix socket")
        self._folder = folder
        self._socket = folder / "mqtt.sock" if unix else None
        self._port = _free_port()
        self._password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: Path | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        if self._socket is not None:
            return f"unix://{self._socket}"
        # amqtt queues for a client that is away only if it has a name
        login = f"healthslm:{self._password}@" if self.kind == "amqtt" else ""
        return f"mqtt://{login}127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process id; 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises
        ------
        BrokerError
            It ended, or did not answer in `START_S`.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  a program we chose, no shell
                self._command(),
                stdin=subprocess.PIPE if self.kind == "amqtt" else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        if self._process.stdin is not None:
            wanted = {"port": self._port, "password": self._password}
            self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
            self._process.stdin.close()
        deadline_s = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                self.stop()
                raise BrokerError(f"{self.kind} did not start")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in good order."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _command(self) -> list[str]:
        if self.kind == "amqtt":
            return [sys.executable, "-m", "healthslm.broker"]
        file = self._folder / "mosquitto.conf"
        listener = f"0 {self._socket}" if self._socket else f"{self._port} 127.0.0.1"
        rest = f"user {getpass.getuser()}\nlog_dest none"
        file.write_text(settings(listener, persistence=self._persistence(), rest=rest))
        return [str(self._program), "-c", str(file)]

    def _persistence(self) -> str:
        """Return what lets the queue outlive a restart, in memory: it holds samples in clear."""
        memory = Path("/dev/shm")  # noqa: S108  a folder of mode 0700 is made in it
        if not os.access(memory, os.W_OK):
            return "false"
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="healthslm-", dir=memory))
        return f"true\npersistence_location {self._scratch}/\nautosave_interval 5"

    def _answers(self) -> bool:
        family = socket.AF_UNIX if self._socket else socket.AF_INET
        where: Any = str(self._socket) if self._socket else ("127.0.0.1", self._port)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(where) == 0


@contextlib.contextmanager
def running(kind: Kind, folder: Path, *, unix: bool = False) -> Iterator[str]:
    """Run a broker and yield its URL.

    Raises
    ------
    BrokerError
        It is not installed, or does not start.
    """
    with Broker(kind, folder, unix=unix) as broker:
        yield broker.url


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _serve(port: int, password: str) -> None:
    """Run amqtt on loopback until the process is ended."""
    from amqtt.broker import Broker as Amqtt
    from amqtt.contexts import BrokerConfig, ListenerConfig
    from amqtt.plugins.base import BaseAuthPlugin

    class Login(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is not typed for us
        """Lets in who knows the password made for this run."""

        async def authenticate(self, *, session: Any) -> bool:
            return hmac.compare_digest(session.password or "", password)

    globals()["Login"] = Login  # amqtt finds plugins by their path
    served = BrokerConfig(
        listeners={"default": ListenerConfig(bind=f"127.0.0.1:{port}")},
        plugins={f"{__name__}.Login": {}},
    )
    await Amqtt(served).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    _settings = json.loads(sys.stdin.readline())
    asyncio.run(_serve(_settings["port"], _settings["password"]))
