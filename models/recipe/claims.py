"""What the runs of `ablate` say of MobileLLM's claims: how much, how sure, a page for the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

BASELINE = "baseline"
MEASURES = ("loss", "sentences_refused_pct", "texts_refused_pct")
_T95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)  # Student's t, from 1 freedom on
_DIGITS = {"loss": 3, "sentences_refused_pct": 1, "texts_refused_pct": 1}

Run = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the paper says of one thing, and whether the variant that changes it should be worse."""

    says: str
    worse: bool = True


CLAIMS = {
    "wide and shallow": Claim("Deep and thin is better than wide and shallow"),
    "head of its own": Claim("Embeddings tied to the head are better than a head of its own"),
    "full heads": Claim("Grouped key heads are better than as many as query heads"),
    "GELU": Claim("SwiGLU is better than a plain feed-forward"),
    "each block twice": Claim("Using each block twice is better than once", worse=False),
}


def compared(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Return of each variant the mean and spread of each measure, and of its differences.

    A difference is that to the baseline of the same seed, so of the same texts in the same order.
    It is "clear" where Student's t at 95 % leaves 0 out, a "tendency" where all seeds agree on
    its sign alone, and "none" otherwise; of one seed nothing can be said.
    """
    base = {r["seed"]: r for r in runs if r["variant"] == BASELINE}
    out: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(r["variant"] for r in runs):
        own = [r for r in runs if r["variant"] == name]
        out[name] = {m: _spread([r[m] for r in own]) for m in MEASURES}
        if name != BASELINE:
            pairs = [(r, base[r["seed"]]) for r in own if r["seed"] in base]
            out[name]["against"] = {
                m: _difference([r[m] - b[m] for r, b in pairs]) for m in MEASURES
            }
    return out


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    deviation = round(stdev(values), 5) if len(values) > 1 else None
    return {"mean": round(fmean(values), 5), "sd": deviation}


def _difference(values: Sequence[float]) -> dict[str, Any]:
    found: dict[str, Any] = {**_spread(values), "each": [round(v, 5) for v in values]}
    one_sign = all(v > 0 for v in values) or all(v < 0 for v in values)
    if len(values) < 2:
        return found | {"half_width": None, "word": "one seed"}
    t = _T95[min(len(values) - 2, len(_T95) - 1)]
    half = t * stdev(values) / sqrt(len(values))
    word = "clear" if abs(fmean(values)) > half else "tendency" if one_sign else "none"
    return found | {"half_width": round(half, 5), "word": word}


def verdict(claim: Claim, against: dict[str, Any]) -> str:
    """Return in a few words whether the differences are as the paper says.

    By the loss and by the sentences that the guard refuses; of both, more is worse.
    """
    as_said = []
    for measure in MEASURES[:2]:
        found = against[measure]
        if found["word"] == "clear":
            as_said.append((found["mean"] > 0) == claim.worse)
    if not as_said:
        return "not decided"
    if len(set(as_said)) > 1:
        return "mixed"
    part = "" if len(as_said) == 2 else " by one measure of two"
    return ("agrees" if as_said[0] else "does not agree") + part


# ---- the page -----------------------------------------------------------------------------


def page(settings: dict[str, Any], runs: Sequence[Run], found: dict[str, dict[str, Any]]) -> str:
    """Return `ablation.md`: `claims.md` with what was found."""
    longer = [r for r in runs if r["learnt"] != settings["texts"]]
    every, runs = runs, [r for r in runs if r["learnt"] == settings["texts"]]
    first = {name: next(r for r in runs if r["variant"] == name) for name in found}
    weights = [r["parameters"] for r in first.values()]
    return (
        (Path(__file__).parent / "claims.md")
        .read_text()
        .format(
            **settings,
            least=min(weights),
            most=max(weights),
            tokens=round(fmean(r["tokens"] for r in runs), -4),
            seeds=len({r["seed"] for r in runs}),
            minutes=sum(r["cpu_s"] for r in (*runs, *longer)) / 60,
            differences=len(MEASURES) * (len(found) - 1),
            rows="\n".join(_row(first[name], found[name]) for name in found),
            told="\n".join(_told(name, found[name]["against"]) for name in found if name in CLAIMS),
            longer="\n".join(_later(r, every) for r in longer if r["variant"] != BASELINE),
        )
    )


def _row(run: Run, found: dict[str, Any]) -> str:
    shape = run["shape"]
    blocks = f"{shape['layers']}{' (twice)' if shape['repeat'] > 1 else ''} x {shape['width']}"
    cells = [_with_spread(found[m], _DIGITS[m]) for m in MEASURES]
    return (
        f"| {run['variant']} | {blocks}, {shape['ffn']} | {run['parameters']:,} "
        f"| {run['multiplications']:,} | {' | '.join(cells)} |"
    )


def _told(name: str, against: dict[str, Any]) -> str:
    claim = CLAIMS[name]
    loss, sentences = (
        f"{_signed(against[m], _DIGITS[m])} ({against[m]['word']})" for m in MEASURES[:2]
    )
    return (
        f"- **{claim.says}: {verdict(claim, against)}.** "
        f'"{name}": loss {loss}, sentences refused {sentences}.'
    )


def _later(run: Run, runs: Sequence[Run]) -> str:
    """Return how far a variant is from the baseline after few texts and after more."""
    earlier = next(r for r in runs if all(r[k] == run[k] for k in ("variant", "seed")))
    pairs = [(r, _baseline(r, runs)) for r in (earlier, run)]
    loss, sentences, texts = (
        " and then ".join(f"{r[m] - base[m]:+.{_DIGITS[m]}f}" for r, base in pairs)
        for m in MEASURES
    )
    return (
        f'- "{run["variant"]}" after {earlier["learnt"]:,} and then {run["learnt"]:,} texts: '
        f"loss {loss}, sentences refused {sentences}, texts refused {texts}; the baseline is then "
        f"at {_baseline(run, runs)['texts_refused_pct']:.1f} % of texts."
    )


def _baseline(run: Run, runs: Sequence[Run]) -> Run:
    same = {"variant": BASELINE, "seed": run["seed"], "learnt": run["learnt"]}
    return next(r for r in runs if same.items() <= r.items())


def _with_spread(value: dict[str, Any], digits: int) -> str:
    spread = "" if value["sd"] is None else f" ± {value['sd']:.{digits}f}"
    return f"{value['mean']:.{digits}f}{spread}"


def _signed(value: dict[str, Any], digits: int) -> str:
    spread = "" if value["sd"] is None else f" ± {value['sd']:.{digits}f}"
    return f"{value['mean']:+.{digits}f}{spread}"
