"""What sealing costs: a row, a day of five streams on disk and written, a trend, a re-wrapping.

- `seal_open_us`: one row sealed and opened again, the median of many.
- `disk_mb_day`, `written_mb_day`: ECG 250 Hz, PPG 64 Hz, acceleration 3 x 50 Hz, SpO2 and heart
  rate 1 Hz and temperature, committed by the daemon's rules (5 s) with the derived records and
  the pipeline's own state; the figures of `n` minutes, times what a day has more of them. Written
  is what /proc/self/io says this process had written to the disk, so that the store has to lie
  on one: in `HEALTHSLM_BENCH_DIR`, or the current folder. `state_kb` is the mean state in a commit,
  deflated, `commits_day` how many there are.
- `written_mb_day_10k`: the same with a state of 10 KB, which is what some streams fewer come to.
- `trend_ms`: a day of vitals (one every 10 s of each of five kinds, 8640 commits) read through a
  store that is opened with the device key. Median of five.
- `rewrap_s`: a year of hourly keys, each taken from one reader's wrap and wrapped to another.

Times are processor times of this machine, which may be busy. The peer is plain SQLite: the same
samples and records in tables with a row for each frame and record, not sealed, the state a row
that is replaced.
"""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import mean, median

import msgspec
import numpy as np

from benchmarks import streams
from benchmarks.streams import T0_S, Commit
from healthslm import vault
from healthslm.bench import Goal, Result
from healthslm.records import Vital
from healthslm.vault import codec, keys, readers, seal

MINUTES = 60
DAY_S = 86_400.0
ROWS = 2000
YEAR_H = 8760
PASSPHRASE = "of a benchmark"  # noqa: S105 - protects nothing
STATE_BYTES = 10_000
KINDS = ("heart_rate", "spo2", "respiratory_rate", "temperature", "activity")
EVERY_S = 10.0
HOUR_S = 3600.0

GOALS: dict[str, Goal] = {
    "seal_open_us": ("<=", 60.0),
    "disk_mb_day": ("<=", 75.0),
    "written_mb_day": ("<=", 1000.0),
    "trend_ms": ("<=", 100.0),
    "rewrap_s": ("<=", 10.0),
}


def measure(seed: int, n: int) -> list[Result]:
    """Return the figures of `n` minutes (60), and of plain SQLite in the same run."""
    minutes = n or MINUTES
    recording = streams.simulated(seed, minutes).recording
    commits = list(streams.commits(recording, np.random.default_rng([seed, 3])))
    day = DAY_S / (60 * minutes)
    disk_mb, written_mb = _stored(commits)
    _, small_mb = _stored([_with_state(commit, seed) for commit in commits])
    plain_disk_mb, plain_mb = _plain(commits)
    trend_ms, plain_trend_ms = _trends()
    metrics = {
        "seal_open_us": _seal_open_us(),
        "disk_mb_day": disk_mb * day,
        "written_mb_day": written_mb * day,
        "written_mb_day_10k": small_mb * day,
        "trend_ms": trend_ms,
        "rewrap_s": _rewrap_s(YEAR_H),
        "commits_day": len(commits) * day,
        "state_kb": mean(len(codec.deflate(commit.state)) for commit in commits) / 1000,
    }
    peer = {
        "disk_mb_day": plain_disk_mb * day,
        "written_mb_day": plain_mb * day,
        "trend_ms": plain_trend_ms,
    }
    split = f"{minutes} minutes, times {day:g}"
    return [Result("cost", "five streams", split, metrics, GOALS, {"plain SQLite": peer})]


def _seal_open_us() -> float:
    key, label = bytes(32), seal.row_label(bytes(16), 5, 2048)
    plain = bytes(seal.ROW_BYTES - seal.OVERHEAD)

    def once() -> None:
        seal.unseal(key, label, seal.seal(key, label, plain), "row 2048")

    return 1e6 * median(_timed(once) for _ in range(ROWS))


def _stored(commits: Sequence[Commit]) -> tuple[float, float]:
    """Return MB on disk, and MB written, of a store of ours."""
    with _folder() as folder:
        vault.create(folder, PASSPHRASE, now_s=T0_S, profile=vault.PROFILES["cheapest"])
        empty, before = _size(folder), _written()
        with vault.Store.open(folder) as store:
            for commit in commits:
                store.commit(commit.frames, commit.derived, commit.state, now_s=commit.at_s)
        return (_size(folder) - empty) / 1e6, (_written() - before) / 1e6


def _plain(commits: Sequence[Commit]) -> tuple[float, float]:
    """Return the same of plain SQLite."""
    with _folder() as folder:
        folder.mkdir()
        before = _written()
        with closing(_plain_store(folder / "plain.db")) as db:
            for commit in commits:
                _plain_commit(db, commit)
        return _size(folder) / 1e6, (_written() - before) / 1e6


def _plain_store(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(
        """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        CREATE TABLE frame (stream TEXT, t_s REAL, fields BLOB, samples BLOB);
        CREATE TABLE derived (kind TEXT, t_s REAL, fields BLOB);
        CREATE INDEX derived_time ON derived (t_s);
        CREATE TABLE state (id INTEGER PRIMARY KEY, state BLOB);
        """
    )
    return db


def _plain_commit(db: sqlite3.Connection, commit: Commit) -> None:
    pack = msgspec.msgpack.encode
    db.execute("BEGIN IMMEDIATE")
    frames = (
        (f.name, f.t_s, pack((f.boot, f.seq, f.start, f.fs, f.gain)), bytes(f.samples))
        for f in commit.frames
    )
    db.executemany("INSERT INTO frame VALUES (?, ?, ?, ?)", frames)
    derived = (
        (type(x).__name__, getattr(x, "t_s", None) or x.t1_s, codec.encode_derived([x]))
        for x in commit.derived
    )
    db.executemany("INSERT INTO derived VALUES (?, ?, ?)", derived)
    db.execute("REPLACE INTO state VALUES (1, ?)", (codec.deflate(commit.state),))
    db.execute("COMMIT")


def _trends() -> tuple[float, float]:
    """Return ms to read a day's vitals: from a store of ours, and from plain SQLite."""
    hours = [_vitals(T0_S + hour * HOUR_S) for hour in range(24)]
    with _folder() as folder:
        vault.create(folder, PASSPHRASE, now_s=T0_S, profile=vault.PROFILES["cheapest"])
        with vault.Store.open(folder) as store, closing(_plain_store(folder / "plain.db")) as db:
            for hour in hours:
                for at in range(0, len(hour), len(KINDS)):
                    few = hour[at : at + len(KINDS)]
                    store.commit([], few, b"state", now_s=few[-1].t_s)
                    _plain_commit(db, Commit(few[-1].t_s, [], few, b"state"))
            ours = _median_ms(lambda: _count(folder))
            rows = "SELECT fields FROM derived WHERE t_s >= ? AND t_s < ?"
            plain = _median_ms(lambda: db.execute(rows, (T0_S, T0_S + DAY_S)).fetchall())
    return ours, plain


def _count(folder: Path) -> None:
    with vault.Store.open(folder) as store:
        for _ in store.derived(T0_S, T0_S + DAY_S):
            pass


def _vitals(t0_s: float) -> list[Vital]:
    rng = np.random.default_rng(int(t0_s))
    steps = np.arange(t0_s, t0_s + HOUR_S, EVERY_S).tolist()
    return [Vital(k, f"band/{k}", t, float(rng.normal(70, 3))) for t in steps for k in KINDS]


def _rewrap_s(n: int) -> float:
    """Return the seconds that `n` keys take from one reader's wraps into another's."""
    device = keys.Device(bytes(16), bytes(32))
    old, new = readers.Reader.new(), readers.Reader.new()
    secrets = (keys.DataKey(i + 1, keys.Class.RAW, 3600 * i, bytes(32)) for i in range(n))
    wraps = [(key.id, readers.wrap(device, old.public, key)) for key in secrets]
    began = time.process_time()
    for key_id, blob in wraps:
        key = readers.unwrap(device.store_id, device.public, old, key_id, blob)
        readers.wrap(device, new.public, key)
    return time.process_time() - began


def _with_state(commit: Commit, seed: int) -> Commit:
    """Return the commit with a state of `STATE_BYTES` that does not deflate."""
    rng = np.random.default_rng([seed, int(commit.at_s)])
    return Commit(commit.at_s, commit.frames, commit.derived, rng.bytes(STATE_BYTES))


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a new folder on a disk: in memory nothing would be written."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEALTHSLM_BENCH_DIR", ".")) as place:
        yield Path(place, "store")


def _size(folder: Path) -> int:
    """Return the bytes of the files that stay when a store is closed."""
    return sum(path.stat().st_size for path in folder.iterdir())


def _written() -> int:
    """Return the bytes that this process has had written to disks: proc(5)."""
    found = re.search(r"^write_bytes: (\d+)$", Path("/proc/self/io").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _median_ms(work: Callable[[], object]) -> float:
    return 1000 * median(_timed(work) for _ in range(5))
