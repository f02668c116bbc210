"""Nothing that was planted in a day can be found on the board's file system, byte by byte.

All that daemon, brokers and commands write (store, logs at DEBUG, TMPDIR, HOME, core files) lies
on an ext4 image of its own: a day over mosquitto and then amqtt, words and an answer, kill -9,
an abort, restarts, and `STEPS`: a backup, new data keys, an erasure, a vacuum. Then the raw image
is searched, journal and freed blocks included, and what `/proc` showed of the processes' command
lines and environments.

`hits`: patterns found; `cores`: core files of a daemon and a command that were aborted; `windows`:
how many eight bytes were compared with every pattern. The control keeps the same day in a plain
database, deletes all of it and vacuums: `control_hits` patterns of `control_kinds` kinds are still
there.

Not searched: the configuration (it names the person, and lies elsewhere here), memory, swap.
"""

from __future__ import annotations

import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks import field, planted
from benchmarks.field import Board
from healthslm.bench import Goal, Result
from healthslm.broker import Broker, mosquitto
from healthslm.publisher import Publisher
from healthslm.records import Derived, Frame
from healthslm.vault import Store

HOURS = 24
IMAGE_MB = 768  # a core file of the daemon takes 150 to 250 MB
GOALS: dict[str, Goal] = {
    "hits": ("<=", 0.0),
    "cores": ("<=", 0.0),
    "control_hits": (">=", 1.0),
    "control_kinds": (">=", 6.0),
}


def vacuum(board: Board) -> None:
    """Have SQLite write the database anew."""
    with closing(sqlite3.connect(board.folder / "vault.db")) as db:
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def owned(*arguments: str) -> Callable[[Board], None]:
    """Return a step that is a command of the owner."""

    def step(board: Board) -> None:
        secret = ("--passphrase-file", str(board.settings / "passphrase"))
        board.command(*arguments, "--store", str(board.settings), *secret)

    return step


def backup(board: Board) -> None:
    """Leave a backup beside all else."""
    store = ("--store", str(board.settings))
    board.command("backup", "create", str(board.home / "work" / "day.hsb"), *store)


STEPS: Sequence[Callable[[Board], None]] = (
    backup,
    owned("key", "rotate", "--data"),
    owned("erase", "--class", "raw", "--yes"),
    vacuum,
)
"""What is done with the store after its day, in this order."""


def measure(seed: int, n: int) -> list[Result]:
    """Return what is found of a day of `n` hours (0: a whole one)."""
    if not field.root("plaintext"):
        return []
    if mosquitto() is None:
        sys.stderr.write("plaintext: skipped: mosquitto is not installed\n")
        return []
    sent = field.day(seed, n or HOURS)
    with tempfile.TemporaryDirectory(prefix="healthslm-plaintext-") as folder:
        image, plain = Path(folder, "board.img"), Path(folder, "plain.img")
        with field.mounted(image, IMAGE_MB) as place:
            settings = Path(folder, "settings")
            with Board(place, settings, before=("prlimit", "--core=unlimited")) as board:
                cores, frames, derived = _day(board, sent)
                for step in STEPS:
                    step(board)
        topics = {f"{field.PERSON}/{f.name}" for f in sent}
        wanted = planted.patterns({*field.WORDS, *topics}, frames, derived)
        found = planted.search(image, wanted)
        everything = {p for forms in wanted.values() for p in forms}
        shown = planted.present(b"\0".join(board.shown), everything)
        with field.mounted(plain, IMAGE_MB) as place:
            _control(place, frames, derived)
        control = planted.search(plain, wanted)
    for kind in (kind for kind, count in found.items() if count):
        sys.stderr.write(f"plaintext: found: {kind}: {found[kind]} of {len(wanted[kind])}\n")
    metrics = {
        "hits": float(sum(found.values()) + len(shown)),
        "cores": float(cores),
        "control_hits": float(sum(control.values())),
        "control_kinds": float(sum(count > 0 for count in control.values())),
        "patterns": float(len(everything)),
        "windows": float((IMAGE_MB << 20) - planted.LEAST + 1),
        "bytes_scanned": float((IMAGE_MB << 20) + sum(map(len, board.shown))),
        "frames": float(len(frames)),
    }
    return [Result("plaintext", "simulated day", f"seed {seed}", metrics, GOALS)]


def _day(board: Board, sent: list[Frame]) -> tuple[int, list[Frame], list[Derived]]:
    """Live the day; return the core files left, and what the store then holds."""
    board.prepare()
    half, most = len(sent) // 3, 2 * len(sent) // 3
    with Broker("mosquitto", board.home / "broker") as server:
        board.url = server.url
        board.start()
        with Publisher(board.url, field.PERSON) as publisher:
            board.play(publisher, sent[:half])
            for frame in sent[half : half + 20]:  # under way when it dies
                publisher.outbox.submit(frame)
            publisher.poll(0.05)
            board.end(signal.SIGKILL)
            board.start()
            board.play(publisher, sent[half + 20 : most])
            board.tell()
            board.read()
            _abort(board)
            board.end(signal.SIGABRT)
            board.start()
            board.play(publisher, [])
        board.end(signal.SIGTERM)
    with Broker("amqtt", board.home / "broker") as server:
        board.url = server.url
        board.start()
        with Publisher(board.url, field.PERSON) as publisher:
            board.play(publisher, sent[most:])
        board.read()
        status = board.end(signal.SIGTERM)
    if status:
        raise RuntimeError(f"the daemon ended with {status}")
    with Store.unlock(board.folder, field.PASSPHRASE) as store:
        frames, derived = list(store.frames()), list(store.derived())
    if len(frames) != len(sent):
        raise RuntimeError(f"{len(frames)} of {len(sent)} frames are there to be found")
    return sum(1 for _ in board.home.rglob("core*")), frames, derived


def _abort(board: Board) -> None:
    """Abort a command that waits for its words, and so holds the facts of the day in memory."""
    summary = board.spawn("summary", "--again", "--store", str(board.settings))
    field.until(lambda: len(field.family(summary.pid)) > 1)
    summary.send_signal(signal.SIGABRT)
    summary.communicate()
    if summary.returncode != -signal.SIGABRT:
        raise RuntimeError("the command ended before it was aborted")


def _control(place: Path, frames: Sequence[Frame], derived: Sequence[Derived]) -> None:
    """Keep the day in a plain database, then delete all of it."""
    with closing(sqlite3.connect(place / "plain.db", isolation_level=None)) as db:
        db.execute("CREATE TABLE day (row BLOB)")
        db.execute("BEGIN")
        rows = [word.encode() for word in field.WORDS]
        for row in (*rows, *planted.careless(frames, derived)):
            db.execute("INSERT INTO day VALUES (?)", (row,))
        db.execute("COMMIT")
        db.execute("DELETE FROM day")
        db.execute("VACUUM")
