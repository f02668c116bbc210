"""What the shipped model says, before the guard looks, on combinations training never saw.

`unsupported`: texts in which the second judge finds a claim that the records do not hold, %;
`missing`: texts that leave out what must be said, %. `free_refused`: what the guard refuses, %,
where the model may write any word and only its slots are bound (one text in five): no way to
speak to a patient, but the measure of what the weights have learnt. `shapes`: kinds of days.
"""

from __future__ import annotations

from benchmarks.invented import LANGUAGES
from benchmarks.judged import share, texts, wrong
from healthslm.bench import Goal, Result


def measure(seed: int, n: int, peers: object) -> list[Result]:
    """Return the figures of `n` days in each language."""
    rows, goals = texts(seed, n), dict[str, Goal](unsupported=("<=", 0.1), missing=("<=", 0.0))
    free = [r.free for r in rows if r.free]
    metrics = {
        "texts": float(len(rows)),
        **wrong([r.untrue for r in rows]),
        "free_refused": share(sum(why != ("",) for why in free), len(free)),
        "shapes": float(len({r.case.shape for r in rows})),
    }
    for lang in LANGUAGES:
        own = wrong([r.untrue for r in rows if r.case.lang == lang])
        metrics[f"unsupported_{lang}"] = own["unsupported"]
    return [Result("claims_before_guard", "invented days", f"seed {seed}", metrics, goals)]
