"""How often the template has to speak for the model: `fallback`, % of the texts."""

from __future__ import annotations

from benchmarks.judged import share, texts
from healthslm.bench import Result


def measure(seed: int, n: int, peers: object) -> list[Result]:
    """Return the figure of `n` days in each language."""
    rows = texts(seed, n)
    metrics = {
        "texts": float(len(rows)),
        "fallback": share(sum(r.by_template for r in rows), len(rows)),
    }
    goals = {"fallback": ("<=", 0.5)}
    return [Result("fallback", "invented days", f"seed {seed}", metrics, goals)]
