"""What the shipped model says, before the guard looks, on combinations training never saw.

`unsupported`: texts in which the second judge finds a claim that the records do not hold, %;
`missing`: texts that leave out what must be said, %. `free_refused`: what the guard refuses, %,
where the model may write any word and only its slots are bound (one text in five): no way to
speak to a patient, but the measure of what the weights have learnt. `shapes`: kinds of days.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.judged import texts
from healthslm.bench import Goal, Result


def measure(seed: int, n: int, peers: object) -> list[Result]:
    """Return the figures of `n` days in each language."""
    rows, goals = texts(seed, n), dict[str, Goal](unsupported=("<=", 0.1), missing=("<=", 0.0))
    metrics: dict[str, float] = {"texts": len(rows)}
    metrics["unsupported"] = share(sum(bool(said(r.untrue)) for r in rows), len(rows))
    metrics["missing"] = share(sum(bool(missing(r.untrue)) for r in rows), len(rows))
    free = [r for r in rows if r.free]
    metrics["free_refused"] = share(sum(r.free != ("",) for r in free), len(free))
    metrics["shapes"] = len({r.case.shape for r in rows})
    metrics |= by_language(
        {r.case.lang: [x for x in rows if x.case.lang == r.case.lang] for r in rows}
    )
    return [Result("claims_before_guard", "invented days", f"seed {seed}", metrics, goals)]


def by_language(rows: Mapping[str, list]) -> dict[str, float]:
    """Return the unsupported texts of each language."""
    return {
        f"unsupported_{lang}": share(sum(bool(said(x.untrue)) for x in own), len(own))
        for lang, own in sorted(rows.items())
    }


def said(reasons: tuple[str, ...]) -> list[str]:
    """Return the reasons that speak of something said."""
    return [r for r in reasons if not _left_out(r)]


def missing(reasons: tuple[str, ...]) -> list[str]:
    """Return the reasons that speak of something not said."""
    return [r for r in reasons if _left_out(r)]


def _left_out(reason: str) -> bool:
    return reason.startswith(("not said", "no action"))


def share(count: int, of: int) -> float:
    """Return a share in percent; NaN of nothing."""
    return 100 * count / of if of else float("nan")
