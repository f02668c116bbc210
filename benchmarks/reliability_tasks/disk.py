"""A disk that is full, failing or read-only: nothing acknowledged is lost, and it mends by itself.

Each of `SCENARIOS` is a store on a small ext4 image, a daemon at work, and a fault under it; then
the fault goes. `recovered` counts those in which the same daemon, not started again, said what was
wrong, acknowledged nothing meanwhile, and then stored everything. After a mount made anew a daemon
that shut itself in (Landlock knows the old one alone) ends, and is started as systemd would.
`lost`: frames that were acknowledged and are not in the store; `wrong`: frames stored that differ
from what was sent, or stand there twice.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks import field
from benchmarks.field import Board, until
from healthslm.bench import Goal, Result
from healthslm.broker import Broker
from healthslm.publisher import Publisher
from healthslm.records import Frame
from healthslm.vault import Store

FRAMES = 400
IMAGE_MB = 16
BALLAST = "ballast"  # a file that fills the disk
HELD_S = 2.0  # so long a fault stands after the daemon has seen it
SAID, OVER = "nothing is acknowledged until", "can be written again"
NEEDED = ("strace", "mke2fs", "e2fsck")


class Disk:
    """A store's file system, whose faults can be made and mended."""

    def __init__(self, image: Path, place: Path, board: Board) -> None:
        self._image, self._place, self.board = image, place, board

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no free block."""
        ballast = self._place / BALLAST
        with ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 512):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue
        yield
        ballast.unlink()

    @contextmanager
    def failing(self, *calls: str, error: str = "EIO") -> Iterator[None]:
        """Let system calls of the daemon fail, as strace(1) can, until this ends."""
        names = ",".join(calls)
        inject = ["-e", f"trace={names}", "-e", f"inject={names}:error={error}"]
        pid = str(self.board.pid)
        command = ["strace", "-f", "-qq", "-o", "/dev/null", *inject, "-p", pid]
        tracer = subprocess.Popen(command)  # noqa: S603  ours
        until(lambda: f"TracerPid:\t{tracer.pid}" in Path(f"/proc/{pid}/status").read_text())
        yield
        tracer.send_signal(signal.SIGINT)
        tracer.wait(field.PATIENCE_S)

    @contextmanager
    def aborted(self) -> Iterator[None]:
        """Have the kernel give the file system up, as after an error of its journal: ext4(5).

        It is mended as a person would: unmounted, checked, mounted.
        """
        field.must("mount", "-o", "remount,abort", self._place)
        yield
        until(self._unmounted)
        subprocess.run(["e2fsck", "-fy", self._image], check=False, capture_output=True)  # noqa: S603, S607
        field.must("mount", "-o", "loop", self._image, self._place)

    def _unmounted(self) -> bool:
        """Unmount it; False while the daemon looks whether it is well again."""
        done = subprocess.run(["umount", self._place], check=False, stderr=subprocess.DEVNULL)  # noqa: S603, S607
        return done.returncode == 0

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Begin on a file system that was mounted read-only, as after a failed check at boot."""
        self.board.end(signal.SIGTERM)
        field.must("mount", "-o", "remount,ro", self._place)
        self.board.start()
        yield
        field.must("mount", "-o", "remount,rw", self._place)


SCENARIOS: dict[str, Callable[[Disk], AbstractContextManager[None]]] = {
    "full": lambda disk: disk.full(),
    "sync fails": lambda disk: disk.failing("fsync", "fdatasync"),
    "write fails": lambda disk: disk.failing("pwrite64"),
    "write finds no space": lambda disk: disk.failing("pwrite64", error="ENOSPC"),
    "aborted": lambda disk: disk.aborted(),
    "read-only": lambda disk: disk.read_only(),
}

ANEW = {"aborted"}  # the disk is mounted anew meanwhile


def measure(seed: int, n: int) -> list[Result]:
    """Return what `n` frames (0: the usual number) come to over each fault."""
    if not field.root("disk"):
        return []
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        sys.stderr.write(f"disk: skipped: not installed: {', '.join(missing)}\n")
        return []
    sent = field.day(seed, 24)[: n or FRAMES]
    totals: Counter[str] = Counter()
    for name in SCENARIOS:
        with tempfile.TemporaryDirectory(prefix="healthslm-disk-") as folder:
            counts = _suffered(Path(folder), name, sent)
        if not counts["recovered"] or counts["lost"] or counts["wrong"]:
            sys.stderr.write(f"disk: {name}: {dict(counts)}\n")
        totals.update(counts)
    scenarios = float(len(SCENARIOS))
    metrics = {name: float(totals[name]) for name in ("lost", "wrong", "recovered")}
    goals: dict[str, Goal] = {
        "lost": ("<=", 0.0),
        "wrong": ("<=", 0.0),
        "recovered": (">=", scenarios),
    }
    metrics |= {"scenarios": scenarios, "frames": float(len(sent))}
    return [Result("disk", "simulated day", f"seed {seed}", metrics, goals)]


def _suffered(folder: Path, name: str, sent: list[Frame]) -> Counter[str]:
    """Return what one fault, in the middle of `sent`, has cost."""
    image, counts = folder / "store.img", Counter[str]()
    with field.mounted(image, IMAGE_MB) as place:
        home, settings = folder / "home", folder / "settings"
        with (
            Board(home, settings, store=place / "store", commit_s=0.1) as board,
            Broker("auto", folder / "broker") as server,
            Publisher(server.url, field.PERSON, patience_s=1.0) as publisher,
        ):
            board.url = server.url
            board.prepare()
            board.start()
            board.play(publisher, sent[: len(sent) // 3])
            for frame in sent[len(sent) // 3 :]:
                publisher.outbox.submit(frame)
            with SCENARIOS[name](Disk(image, place, board)):
                told = _heard(board, publisher, SAID)
                pid = board.pid
                _wait(publisher, HELD_S)
            over = name in ANEW or _heard(board, publisher, OVER)
            mended = over and _stored(board, publisher)
            same = pid == board.pid or name in ANEW
            counts["recovered"] = int(told and mended and same and not board.end(signal.SIGTERM))
            acknowledged = publisher.outbox.acknowledged
        with Store.unlock(place / "store", field.PASSPHRASE) as store:
            found = [(f.name, f.boot, f.seq, bytes(f.samples)) for f in store.frames()]
    return counts + held(sent, found, acknowledged)


Kept = tuple[str, int, int, bytes]


def held(sent: list[Frame], found: list[Kept], acknowledged: int) -> Counter[str]:
    """Return how many frames are "lost" of those acknowledged, and how many are "wrong"."""
    wanted = {(f.name, f.boot, f.seq, bytes(f.samples)) for f in sent}
    right = wanted.intersection(found)
    return Counter(lost=max(0, acknowledged - len(right)), wrong=len(found) - len(right))


def _heard(board: Board, publisher: Publisher, words: str) -> bool:
    """Return whether the daemon says `words`, while its sensors go on."""

    def said() -> bool:
        publisher.poll(0.02)
        return words in board.said

    return _happens(said)


def _stored(board: Board, publisher: Publisher) -> bool:
    """Return whether everything that was sent is acknowledged; start a daemon that ended."""

    def all_stored() -> bool:
        if board.daemon is not None and board.daemon.poll() == 1:
            board.start()
        publisher.poll(0.02)
        return publisher.outbox.waiting == 0

    return _happens(all_stored)


def _wait(publisher: Publisher, span_s: float) -> None:
    """Let the sensors go on for a while."""
    end_s = time.monotonic() + span_s
    while time.monotonic() < end_s:
        publisher.poll(0.02)


def _happens(what: Callable[[], bool]) -> bool:
    try:
        until(what)
    except RuntimeError:
        return False
    return True
