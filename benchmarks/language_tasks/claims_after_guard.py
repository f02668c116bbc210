"""What the patient would read: the same days, after the guard, by the second judge.

`unsupported` and `missing` as in `claims_before_guard`; not one text may have any.
"""

from __future__ import annotations

from benchmarks.judged import texts, wrong
from healthslm.bench import Goal, Result


def measure(seed: int, n: int, peers: object) -> list[Result]:
    """Return the figures of `n` days in each language."""
    rows = texts(seed, n)
    goals: dict[str, Goal] = {"unsupported": ("<=", 0.0), "missing": ("<=", 0.0)}
    metrics = {"texts": float(len(rows)), **wrong([r.untrue_shown for r in rows])}
    return [Result("claims_after_guard", "invented days", f"seed {seed}", metrics, goals)]
