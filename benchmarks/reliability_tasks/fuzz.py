"""Damaged bytes for every decoder of bytes from outside: benchmarks/fuzz.py says how.

`executions` of all `targets`; `crashes`: places from which an error came that the decoder is not
known to raise; `hangs`: decoders that worked on one input for a second of processor time or more.
The inputs are of the seed, so that another seed is a fresh exam; the long run is the same with a
large `n`. `per_s` is executions in a second of processor time, for planning the long run.
"""

from __future__ import annotations

import sys
from time import process_time

from benchmarks.fuzz import run
from benchmarks.fuzz_targets import TARGETS
from healthslm.bench import Goal, Result

EXECUTIONS = 200_000
GOALS: dict[str, Goal] = {"crashes": ("<=", 0.0), "hangs": ("<=", 0.0)}


def measure(seed: int, n: int) -> list[Result]:
    """Return what `n` executions found; the smallest input of each finding goes to stderr."""
    began = process_time()
    found = run(TARGETS, seed, n or EXECUTIONS)
    spent_s = process_time() - began
    for (name, place), data in found.crashes.items():
        sys.stderr.write(f"fuzz: {name}: {place}: {data[:80]!r} ({len(data)} bytes)\n")
    for name, data in found.hangs.items():
        sys.stderr.write(f"fuzz: {name}: hangs: {data[:80]!r} ({len(data)} bytes)\n")
    metrics = {
        "executions": float(found.executions),
        "targets": float(len(TARGETS)),
        "crashes": float(len(found.crashes)),
        "hangs": float(len(found.hangs)),
        "per_s": found.executions / spent_s,
    }
    return [Result("fuzz", "damaged examples", f"seed {seed}", metrics, GOALS)]
