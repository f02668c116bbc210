"""One bit of a store's files flipped, at random places, and whole stretches of them lost.

`wrong`: values read that nobody sent, before and after a repair. `undetected_loss`: contents
missing from a store that its check calls whole. `unread_per_flip`: contents that cannot be read
before the repair. `lost_per_flip_max`: contents that one flip in the body of a row costs for good;
a content is what one commit holds of a class (two rows of raw samples, one of records), and its
other row is no use without the one that was hit. `recovered`: percent of the contents whose rows
all are in what is left after structural damage (a page zeroed, the database or its log cut off, the
log gone) that a repair brings back.
"""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from healthslm import vault
from healthslm.bench import Goal, Result
from healthslm.errors import HealthslmError
from healthslm.records import Derived, Frame, Vital
from healthslm.vault import chapters, readers, repair, salvage
from healthslm.vault.check import check

T0, PAGE, COMMITS = 1_700_000_000.0, 4096, 180  # a quarter of an hour: a log not yet written back
PHRASE = "of the benchmark, and of nobody"
HOW = partial(readers.unlock, passphrase=PHRASE)
FIRST_ROW, FLIPS = 2048, 100
ZERO: dict[str, Goal] = {"wrong": ("<=", 0), "undetected_loss": ("<=", 0)}


@dataclass(frozen=True, slots=True)
class Sent:
    """What was committed, commit by commit: a frame and a vital each."""

    frames: tuple[Frame, ...]
    vitals: tuple[Derived, ...]

    def wrong(self, frames: list[Frame], vitals: list[Derived]) -> int:
        """Return how many of what was read nobody sent, or stand out of order."""
        return _strange(frames, self.frames) + _strange(vitals, self.vitals)

    def missing(self, frames: list[Frame], vitals: list[Derived]) -> int:
        """Return how many contents are not there."""
        return len(self.frames) + len(self.vitals) - len(frames) - len(vitals)


def measure(seed: int, n: int) -> list[Result]:
    """Return the figures of `n` flips in each file (0: 100), and of the structural damages."""
    n = n or FLIPS
    draw = random.Random(seed)  # noqa: S311 - places, not keys
    with TemporaryDirectory() as folder:
        base = Path(folder)
        sent = _fill(base, draw)
        return [
            _flips("database", base, "closed", "vault.db", sent, n, draw),
            _flips("log", base, "crashed", "vault.db-wal", sent, n, draw),
            _bodies(base, sent, n, draw),
            _structure(base, sent, max(4, n // 4), draw),
        ]  # of a report too, as soon as there are reports


def _fill(base: Path, draw: random.Random) -> Sent:
    """Make one store, and keep it twice: as it lies after a crash, and closed."""
    live = base / "closed"
    vault.create(live, PHRASE, now_s=T0, profile=vault.PROFILES["cheapest"])
    frames, vitals = list[Frame](), list[Derived]()
    with vault.Store.open(live) as store:
        for i in range(COMMITS):
            t_s = T0 + 5 * i
            wave = struct.pack("<1250h", *(draw.randrange(-20, 20) for _ in range(1250)))
            frames.append(
                Frame("chest", "ecg", 1, i, 1250 * i, t_s, 250.0, "mV", 0.005, 0.0, wave, 0)
            )
            vitals.append(Vital("spo2", "wrist/spo2", t_s, float(draw.randrange(80, 100))))
            store.commit([frames[-1]], [vitals[-1]], b"state", now_s=t_s)
        shutil.copytree(live, base / "crashed", ignore=shutil.ignore_patterns("*-shm"))
    return Sent(tuple(frames), tuple(vitals))


def _flips(
    dataset: str, base: Path, kind: str, name: str, sent: Sent, n: int, draw: random.Random
) -> Result:
    """Flip one bit anywhere in a file."""
    size = (base / kind / name).stat().st_size
    told = harmless = wrong = undetected = after = unread = 0
    for _ in range(n):
        copy = _changed(base, kind, name, _flip(draw.randrange(size), draw))
        whole = check(copy, HOW).whole
        read = _read(copy)
        wrong += sent.wrong(*read)
        if whole:
            harmless += 1
            undetected += sent.missing(*read)
            continue
        told += 1
        unread += sent.missing(*read)
        read = _repaired(copy)
        wrong += sent.wrong(*read)
        after = max(after, sent.missing(*read))
    metrics = {
        "flips": n,
        "told": told,
        "harmless": harmless,
        "wrong": wrong,
        "undetected_loss": undetected,
        "unread_per_flip": unread / max(1, told),
        "lost_per_flip_max": after,
    }
    return Result(
        "bit_flip", dataset, "random places", metrics, {**ZERO, "lost_per_flip_max": _ONE}
    )


_ONE: Goal = ("<=", 1)


def _bodies(base: Path, sent: Sent, n: int, draw: random.Random) -> Result:
    """Flip one bit in the body of a row."""
    data = (base / "closed" / "vault.db").read_bytes()
    rows = [c for c in salvage.cells(data) if c.kind == "row" and c.a >= FIRST_ROW]
    told = wrong = 0
    lost = list[int]()
    for _ in range(n):
        cell = draw.choice(rows)
        at = cell.at + draw.randrange(cell.size)
        copy = _changed(base, "closed", "vault.db", _flip(at, draw))
        told += not check(copy, HOW).whole
        read = _repaired(copy)
        wrong += sent.wrong(*read)
        lost.append(sent.missing(*read))
    metrics = {"flips": n, "told": told, "wrong": wrong, "undetected": n - told}
    metrics |= {"lost_per_flip_max": max(lost, default=0), "lost_per_flip": sum(lost) / max(1, n)}
    goals: dict[str, Goal] = {"wrong": ("<=", 0), "undetected": ("<=", 0)}
    return Result(
        "bit_flip", "row bodies", "random rows", metrics, goals | {"lost_per_flip_max": _ONE}
    )


def _structure(base: Path, sent: Sent, n: int, draw: random.Random) -> Result:
    """Lose a page, an end, or the log; compare what comes back with what was left."""
    wrong = undetected = left = back = damages = 0
    for kind, name, change in _damages(base, n, draw):
        damages += 1
        copy = _changed(base, kind, name, change)
        there = _contents(base, kind, copy)
        whole = check(copy, HOW).whole
        read = _repaired(copy)
        missing = sent.missing(*read)
        undetected += missing if whole else 0
        wrong += sent.wrong(*read)
        left += there
        back += min(there, 2 * COMMITS - missing)
    metrics = {"damages": damages, "wrong": wrong, "undetected_loss": undetected}
    metrics |= {"contents_left": left, "recovered": 100.0 * back / left}
    goals: dict[str, Goal] = {**ZERO, "recovered": (">=", 100.0)}
    return Result("bit_flip", "structure", "pages, ends, log", metrics, goals)


Change = Callable[[bytearray], None]


def _damages(base: Path, n: int, draw: random.Random) -> Iterator[tuple[str, str, Change]]:
    size = (base / "closed" / "vault.db").stat().st_size // PAGE
    for page in [*range(min(12, size)), *(draw.randrange(size) for _ in range(n))]:
        yield "closed", "vault.db", partial(_zero, page)
    for share in (0.25, 0.5, 0.75):
        yield "closed", "vault.db", partial(_cut, share)
        yield "crashed", "vault.db-wal", partial(_cut, share)
    yield "crashed", "vault.db-wal", partial(_cut, 0.0)


def _zero(page: int, data: bytearray) -> None:
    data[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)


def _cut(share: float, data: bytearray) -> None:
    del data[int(share * len(data)) :]


def _flip(at: int, draw: random.Random) -> Change:
    bit = 1 << draw.randrange(8)

    def change(data: bytearray) -> None:
        data[at] ^= bit

    return change


def _changed(base: Path, kind: str, name: str, change: Change) -> Path:
    """Return a copy of a store with one of its files changed."""
    copy = base / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(base / kind, copy)
    data = bytearray((copy / name).read_bytes())
    change(data)
    (copy / name).write_bytes(data)
    return copy


def _contents(base: Path, kind: str, copy: Path) -> int:
    """Return how many contents have all their rows in what is left of a store's files.

    Rows are known by their bytes: the whole store says which belong together.
    """
    blobs = {
        bytes(data[c.at : c.at + c.size])
        for path in (copy / "vault.db", copy / "vault.db-wal")
        if path.exists()
        for data in [path.read_bytes()]
        for c in salvage.cells(data)
        if c.kind == "row"
    }
    whole = base / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    shutil.copytree(base / kind, whole)
    with vault.Store.unlock(whole, PHRASE, now_s=T0) as store:
        rows = dict(store.rows.db.execute("SELECT id, blob FROM row").fetchall())
        known = store.rows.chapters(store.rows.head())
        found = _entries(known, store)
        return sum(all(rows[i] in blobs for i in range(row, row + parts)) for row, parts in found)


def _entries(known: list[chapters.Chapter], store: vault.Store) -> Iterator[tuple[int, int]]:
    """Yield (first row, rows) of every content of frames and records."""
    for chapter in known:
        if chapter.cls in (1, 2):
            for entry in chapters.entries(chapter, store.rows.fetch):
                yield entry.row, entry.parts


def _read(folder: Path) -> tuple[list[Frame], list[Derived]]:
    """Return what the owner can read before anything is repaired: up to the first error each."""
    frames, vitals = list[Frame](), list[Derived]()
    with suppress(HealthslmError), vault.Store.unlock(folder, PHRASE, now_s=T0) as store:
        with suppress(HealthslmError):
            frames.extend(store.frames())
        with suppress(HealthslmError):
            vitals.extend(store.derived())
    return frames, vitals


def _repaired(folder: Path) -> tuple[list[Frame], list[Derived]]:
    """Return what the owner can read after a repair; an error is one of the repair."""
    repair.prepare(folder, HOW, now_s=T0 + 5 * COMMITS)
    repair.replace(folder)
    with vault.Store.unlock(folder, PHRASE, now_s=T0 + 5 * COMMITS) as store:
        store.verify()
        return list(store.frames()), list(store.derived())


def _strange(read: list[Frame] | list[Derived], sent: tuple[Frame | Derived, ...]) -> int:
    """Return how many of `read` are not of `sent`, in its order."""
    rest, strange = iter(sent), 0
    for item in read:
        if not any(item == other for other in rest):
            strange += 1
            rest = iter(())
    return strange
