"""Plays a recording as wearables would: a broker, a daemon of its own, a sensor's outbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from healthslm import config, vault
from healthslm.broker import Broker, Kind
from healthslm.demo import proofs, screen
from healthslm.errors import HealthslmError
from healthslm.publisher import Publisher
from healthslm.recordings import Recording, frames
from healthslm.records import Finding
from healthslm.vault import Store

LOOK_S = 1.0  # between two looks at the store and the sockets
END_S = 20.0  # the daemon's, to finish what it has taken in
CONFIG = "healthslm.toml"


@dataclass(slots=True)
class Played:
    """What the play came to, seen from outside the daemon."""

    sent: int = 0
    acknowledged: int = 0
    restarts: int = 0
    broker: str = ""
    rss_mb: float = 0.0  # the daemon's, at its highest
    cpu: dict[int, float] = field(default_factory=dict)  # seconds, by process
    sockets: set[str] = field(default_factory=set)
    strangers: set[str] = field(default_factory=set)  # connections that are not the broker's


def prepare(home: Path, person: str, passphrase: str) -> None:
    """Make a store and its configuration in `home`.

    Raises
    ------
    ConfigError
        There is a store in `home` already.
    """
    vault.create(home / "store", passphrase, now_s=time.time())
    text = config.default_toml(person, url="mqtt://127.0.0.1:1")  # the broker's port comes later
    (home / CONFIG).write_text(text.replace('clock = "wall"', 'clock = "data"'))


def play(recording: Recording, home: Path, person: str, kind: Kind) -> Played:
    """Publish `recording` to a daemon, kill the daemon halfway, and start it again.

    Raises
    ------
    BrokerError
        The broker does not start, or frames are not acknowledged.
    """
    played = Played()
    with Broker(kind, home) as broker:
        played.broker = broker.kind
        show = screen.Day(recording, broker.kind)
        daemons = [_start(home, broker.url)]
        try:
            with Publisher(broker.url, person) as publisher:
                _publish(recording, publisher, daemons, home, broker.url, played, show)
                played.sent = publisher.outbox.submitted
                played.acknowledged = publisher.outbox.acknowledged
            _observe(daemons[-1].pid, broker.url, played)
        finally:
            daemons[-1].send_signal(signal.SIGTERM)
            status = daemons[-1].wait(END_S)
        if status:
            raise HealthslmError(
                f"the daemon ended with status {status}; what it said stands above"
            )
        show.look(_findings(home))
        show.end(played.sent)
    return played


def _publish(
    recording: Recording,
    publisher: Publisher,
    daemons: list[subprocess.Popen[bytes]],
    home: Path,
    url: str,
    played: Played,
    show: screen.Day,
) -> None:
    """Send every frame; the last of `daemons` is alive, whatever happens on the way."""
    for track in {t.lane: t for t in recording.tracks}.values():
        publisher.describe(track.device, track.stream, {"unit": track.unit, "fs": track.fs})
    half_s, looked_s = (recording.t0_s + recording.t1_s) / 2, 0.0
    for n, frame in enumerate(frames(recording), 1):
        publisher.send(frame)
        if not played.restarts and frame.t_s > half_s:
            _observe(daemons[-1].pid, url, played)
            daemons[-1].kill()  # as a power cut would
            daemons[-1].wait()
            daemons.append(_start(home, url))  # before a word of it: who stops us then stops it too
            show.cut(frame.t_s)
            played.restarts = 1
        if time.monotonic() - looked_s > LOOK_S:
            _observe(daemons[-1].pid, url, played)
            show.look(_findings(home))
            looked_s = time.monotonic()
        show.at(frame.t_s, n)
    publisher.flush()


def _start(home: Path, url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "healthslm", "run", "--quiet", "--config", str(home / CONFIG)]
    environment = {**os.environ, "HEALTHSLM_BROKER_URL": url, "HEALTHSLM_DAEMON_SUMMARY_HOUR": "-1"}
    return subprocess.Popen(command, env=environment)  # noqa: S603  our own daemon


def _findings(home: Path) -> list[Finding]:
    """Return the findings so far, read with the board's own key while the daemon writes."""
    with Store.open(home / "store") as store:
        return [x for x in store.derived() if isinstance(x, Finding)]


def _observe(pid: int, url: str, played: Played) -> None:
    """Look at the daemon's memory, CPU time and connections, as the kernel tells them."""
    parts = urlsplit(url)
    for end in proofs.sockets(pid):
        ours = end == f"tcp {parts.hostname}:{parts.port}"
        (played.sockets if ours else played.strangers).add(end)
    with _gone():
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                played.rss_mb = max(played.rss_mb, round(int(line.split()[1]) / 1024, 1))
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        played.cpu[pid] = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _gone() -> Iterator[None]:
    """Let a process end while it is looked at."""
    try:
        yield
    except (FileNotFoundError, ProcessLookupError):
        return
