"""What a power cut may leave of the store, opened by the store as it is.

A day in miniature (`benchmarks/day.py`) is recorded, operation by operation; at each operation the
power fails, and some of the states that the disk may then be in (`benchmarks/disk.py`) are opened
and read to the end by owner and device, which then goes on. `states`: different states that were
opened; `lost`: of these, those in which something acknowledged is not there; `wrong`: those that
hold what was never committed, or state, samples, records, letters and audit trail not all of one
moment; `refused`: those the store did not open by itself, though nothing but a cut happened.
`control_lost`: as `lost`, where SQLite is told not to sync each commit: what the exam can see.
`n`: commits in the day.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from random import Random

from benchmarks import day
from benchmarks.disk import Op, Tree, cuts
from benchmarks.recorder import recording
from benchmarks.trees import put, scratch
from healthslm.bench import Goal, Result

COMMITS = 32
CONTROL_COMMITS = 6
CUTS = 3  # drawn at each operation, beside what a killed program and the last syncs leave
CHECKPOINT = {"wal_autocheckpoint": "40"}  # pages: the log begins anew several times in the day


@dataclass(frozen=True, slots=True)
class Day:
    """A day that was recorded."""

    before: Tree
    ops: list[Op]
    moments: list[day.Moment]
    trail: list[str]


def measure(seed: int, n: int) -> list[Result]:
    """Return the figures of a day of `n` commits."""
    found = examined(recorded(n or COMMITS, CHECKPOINT), seed)
    careless = recorded(min(n, CONTROL_COMMITS) or CONTROL_COMMITS, {"synchronous": "NORMAL"})
    metrics = {
        "states": float(len(found)),
        "lost": float(sum(f.lost for f in found)),
        "wrong": float(sum(bool(f.wrong) for f in found)),
        "refused": float(sum(bool(f.refused) for f in found)),
        "control_lost": float(sum(f.lost for f in examined(careless, seed))),
    }
    for what, times in Counter(f.refused or f.wrong for f in found).items():
        if what:
            sys.stderr.write(f"power_cut: {times} times: {what}\n")
    goals: dict[str, Goal] = {
        "states": (">=", 1500.0),
        "lost": ("<=", 0.0),
        "wrong": ("<=", 0.0),
        "refused": ("<=", 0.0),
        "control_lost": (">=", 1.0),
    }
    return [Result("power_cut", "a day in miniature", f"seed {seed}", metrics, goals)]


def recorded(n: int, instead: dict[str, str]) -> Day:
    """Record a day of `n` commits; what is acknowledged is noted."""
    with scratch() as root:
        day.made(root / "store")
        moments = [day.moment(root / "store")]
        with recording(root, instead) as recorder:

            def told() -> None:
                now = day.moment(root / "store")
                if now != moments[-1]:
                    moments.append(now)
                    recorder.note("acknowledged")

            day.live(root / "store", n, told)
        return Day(recorder.before, recorder.ops, moments, day.trail(root / "store"))


def examined(recorded: Day, seed: int) -> list[day.Found]:
    """Open each state and say what is amiss with it."""
    found = []
    with scratch() as folders:
        rng = Random(seed)  # noqa: S311 - no secret
        for k, (acked, tree) in enumerate(cuts(recorded.before, recorded.ops, rng, CUTS)):
            folder = put(tree, folders / str(k)) / "store"
            if k % 3 == 0:  # what was in shared memory may lie there as anything
                (folder / "vault.db-shm").write_bytes(Random(k).randbytes(32_768))  # noqa: S311
            found.append(day.examined(folder, acked, recorded.moments, recorded.trail))
    return found
