"""What is kept of a damaged store: nothing of it is deleted by us.

SQLite drops every frame of a write-ahead log behind the first damaged one, and the last connection
that closes deletes the log; then commits that were acknowledged are gone for good. So a second name
holds on to the log until the store was seen to be as new as its mark says. Whatever a repair
replaces is moved to a folder of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path

from healthslm.durable import sync
from healthslm.vault.database import DATABASE, MARK

LOG, INDEX, HELD = f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-wal.held"
DAMAGED = "damaged"
REPAIRED = "repaired"  # a folder with a whole store, which is about to take its place


def hold(folder: Path) -> None:
    """Give the log a second name, before SQLite looks at it; one held already is older damage."""
    if (folder / LOG).exists() and not (folder / HELD).exists():
        with suppress(OSError):  # a folder that cannot be written: then nothing is deleted either
            os.link(folder / LOG, folder / HELD)


def release(folder: Path) -> None:
    """Let go of the log: the store is as new as it should be."""
    with suppress(OSError):
        (folder / HELD).unlink(missing_ok=True)


def set_apart(folder: Path, names: Iterable[str], *, written: bool = False) -> Path:
    """Give files of a store a second place in a new folder `damaged-<n>`, durably; return it.

    A folder that an interrupted attempt left unfinished is taken up again.

    written  the store goes on with these files: then a second name would not keep what they hold.
    """
    unfinished = folder / f"{DAMAGED}.new"
    unfinished.mkdir(mode=0o700, exist_ok=True)
    for name in names:
        if (folder / name).exists():
            (unfinished / name).unlink(missing_ok=True)
            _second(folder / name, unfinished / name, copy=written)
    sync(unfinished)
    free = next(n for n in count(1) if not (folder / f"{DAMAGED}-{n}").exists())
    done = unfinished.rename(folder / f"{DAMAGED}-{free}")
    sync(folder)
    return done


def settle(folder: Path) -> None:
    """Put a repaired store in its place, where a repair was cut off between deciding and doing."""
    repaired = folder / REPAIRED
    if not repaired.is_dir():
        return
    if (repaired / DATABASE).exists():
        for name in (LOG, INDEX, HELD):  # of the damaged database: SQLite must not mix them
            (folder / name).unlink(missing_ok=True)
        sync(folder)
        for name in (MARK, DATABASE):
            if (repaired / name).exists():
                (repaired / name).rename(folder / name)
        sync(folder)
    repaired.rmdir()


def kept(folder: Path) -> list[Path]:
    """Return the folders with what earlier repairs replaced."""
    return sorted(p for p in folder.glob(f"{DAMAGED}-*") if p.is_dir())


def _second(path: Path, other: Path, *, copy: bool) -> None:
    """Link a file, or copy it durably: also where the file system knows no links."""
    if not copy:
        with suppress(OSError):
            os.link(path, other)
            return
    shutil.copyfile(path, other)
    other.chmod(0o600)
    sync(other)
