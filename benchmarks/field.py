"""A board in the field, for the tasks that look at it from outside: a broker, the daemon, its day.

The day is simulated, and moved into the past; its person, devices and streams have names that
nothing else has, so that they can be looked for. Everything the board writes lies in one folder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from healthslm import config, ledger, simulate
from healthslm.link import Link
from healthslm.publisher import Publisher
from healthslm.recordings import frames
from healthslm.records import Frame
from healthslm.vault import PROFILES, Store, create

ROOT = Path(__file__).resolve().parent.parent
PERSON = "kanarienvogel"
DEVICES = {"band": "zaunkoenig", "chest": "rotkehlchen"}
LABEL = "-dompfaff"  # after the kind, in a stream's name
QUESTION = "was my heart racing when the wintergoldhaehnchen sang last night"
LETTER = "no frame, but the lapplandmeise in clear"  # what a broken sensor sends
PASSPHRASE = "eisvogel pirol wiedehopf neuntoeter"  # noqa: S105  of a store that lives for a task
START_S = 1_712_275_200.0  # 5 April 2024: no file of today has a time of that day
WORDS = (PERSON, *DEVICES.values(), LABEL, QUESTION, LETTER, PASSPHRASE)

PATIENCE_S = 120.0  # for anything that must happen, on a busy machine
DAEMON = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from healthslm.cli import main
main(["run", "--config", sys.argv[1]])
"""


def root(task: str) -> bool:
    """Return whether we may mount and make namespaces; else say that `task` is skipped."""
    if os.geteuid() == 0:
        return True
    sys.stderr.write(f"{task}: skipped: it mounts file systems and makes namespaces: needs root\n")
    return False


def day(seed: int, hours: float) -> list[Frame]:
    """Return what the sensors of one person send in a day, or its first `hours`."""
    recording = simulate.day(seed, start_s=START_S, hours=hours, clock_h=8.0)
    tracks = tuple(
        replace(t, device=DEVICES[t.device], stream=t.stream + LABEL) for t in recording.tracks
    )
    return list(frames(replace(recording, tracks=tracks)))


def must(*command: object) -> None:
    """Run a program; CalledProcessError where it fails."""
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)  # noqa: S603


@contextmanager
def mounted(image: Path, megabytes: int, options: str = "loop") -> Iterator[Path]:
    """Make an ext4 file system in the file `image`, and yield where it is mounted."""
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    must("mke2fs", "-q", "-F", "-t", "ext4", image)
    place = image.with_suffix(".mnt")
    place.mkdir()
    must("mount", "-o", options, image, place)
    try:
        yield place
    finally:
        must("umount", place)


@dataclass(slots=True)
class Board:
    """One board: where it writes, and how its programs are started."""

    home: Path  # all that it writes
    settings: Path  # its configuration and the passphrase, which name the person: not at home
    url: str = ""  # of its broker
    store: Path | None = None  # where the sealed store lies; at home, if not said
    before: Sequence[str] = ()  # what starts every program: strace, unshare
    commit_s: float = 0.5
    daemon: subprocess.Popen[bytes] | None = None
    shown: set[bytes] = field(default_factory=set)  # command lines and environments seen

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.daemon is not None and self.daemon.poll() is None:
            self.end(signal.SIGKILL)

    @property
    def folder(self) -> Path:
        """Where the sealed store lies."""
        return self.store or self.home / "store"

    @property
    def said(self) -> str:
        """What the daemon has written in its log."""
        return (self.home / "log" / "daemon.log").read_text()

    def prepare(self) -> None:
        """Make the store, the configuration, and the folders that programs write to."""
        for name in ("tmp", "home", "log", "work"):
            (self.home / name).mkdir(parents=True)
        create(self.folder, PASSPHRASE, now_s=START_S, profile=PROFILES["cheapest"])
        text = config.default_toml(PERSON, folder=str(self.folder))
        text = text.replace('clock = "wall"', 'clock = "data"')
        text = text.replace("commit_s = 5.0", f"commit_s = {self.commit_s}")
        text = text.replace("summary_hour = 20 ", "summary_hour = -1 ")
        self.settings.mkdir(parents=True, exist_ok=True)
        (self.settings / "healthslm.toml").write_text(text)
        (self.settings / "passphrase").write_text(PASSPHRASE + "\n")

    def start(self) -> None:
        """Start the daemon, with every log line let out."""
        program = [sys.executable, "-c", DAEMON, str(self.settings / "healthslm.toml")]
        with (self.home / "log" / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(  # noqa: S603  our own daemon
                [*self.before, *program],
                stdout=log,
                stderr=log,
                cwd=self.home / "work",
                env=self._environment(),
            )

    def end(self, number: int) -> int:
        """Send the daemon a signal and wait for its end; return its status."""
        if self.daemon is None:
            raise RuntimeError("the daemon was not started")
        os.kill(self.pid or self.daemon.pid, number)
        return self.daemon.wait(PATIENCE_S)

    @property
    def pid(self) -> int:
        """The daemon's own process: the first Python below whatever started it; 0: none yet."""
        below = [] if self.daemon is None else family(self.daemon.pid)
        return next((p for p in below if name_of(p).startswith("python")), 0)

    def command(self, *arguments: str, asked: str = "") -> str:
        """Run a command of ours on the store; return what it says."""
        process = self.spawn(*arguments)
        self.look(process.pid)
        said, told = process.communicate(asked.encode(), timeout=PATIENCE_S)
        if process.returncode not in (0, 3):
            raise RuntimeError(f"{arguments[0]} ended with {process.returncode}: {told.decode()}")
        return said.decode()

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command of ours."""
        return subprocess.Popen(  # noqa: S603  our own command
            [*self.before, sys.executable, "-m", "healthslm", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home / "work",
            env=self._environment(),
        )

    def read(self) -> list[str]:
        """Run every command that reads: the figures, the words, an answer, the list."""
        store = ("--store", str(self.settings))
        secret = ("--passphrase-file", str(self.settings / "passphrase"))
        return [
            self.command("status", *store),
            self.command("summary", *store),
            self.command("summary", "--again", *store),
            self.command("ask", *store, "-", asked=QUESTION + "?\n"),
            self.command("review", "list", *store, *secret),
        ]

    def play(
        self, publisher: Publisher, sent: Iterable[Frame], each: Callable[[], None] | None = None
    ) -> None:
        """Publish frames and wait until they are stored; look at the daemon now and then."""
        for n, frame in enumerate(sent):
            publisher.send(frame, PATIENCE_S)
            if self.daemon is not None and n % 100 == 0:
                self.look(self.daemon.pid)
            if each is not None:
                each()
        publisher.flush(PATIENCE_S)

    def tell(self) -> None:
        """Ask the daemon for the words of the day so far, and wait until they are sealed."""
        link = Link(config.address(self.url), "wish", ["none"], lasting=False)
        until(lambda: link.poll(0.05) or link.up)
        link.publish(f"healthslm/1/{PERSON}/summary", b"", qos=1)
        link.publish(f"healthslm/1/{PERSON}/zaunkoenig/ecg{LABEL}/frame", LETTER.encode(), qos=1)

        def written() -> bool:
            link.poll(0.05)
            if self.daemon is not None:
                self.look(self.daemon.pid)
            return self.counts().get("summary", 0) > 0

        until(written)
        link.close()

    def counts(self) -> dict[str, int]:
        """Return what the daemon has counted up to its newest commit."""
        with Store.open(self.folder) as store:
            state = store.state()
        return dict(ledger.counters(state)) if state is not None else {}

    def look(self, pid: int) -> None:
        """Keep what everybody on the machine can see of a process and its children."""
        for process in family(pid):
            for name in ("cmdline", "environ"):
                try:
                    self.shown.add(Path(f"/proc/{process}/{name}").read_bytes())
                except OSError:  # it ended while we looked
                    continue

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home / "home"),
            "TMPDIR": str(self.home / "tmp"),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HEALTHSLM_BROKER_URL": self.url,
        }


def family(pid: int) -> list[int]:
    """Return a process and all below it, the oldest first."""
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(p for child in below for p in family(int(child)))]


def name_of(pid: int) -> str:
    """Return the name of a process's program; "" for one that has gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def until(done: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Return when `done()` is true; RuntimeError where it takes longer than `patience_s`."""
    end_s = time.monotonic() + patience_s
    while not done():
        if time.monotonic() > end_s:
            raise RuntimeError("what the task waits for does not happen")
        time.sleep(0.02)
