"""Minutes with apnoea, and how severe nights are, from the intervals between beats alone.

Every minute with a label counts: one that is not analysed is one of which no pattern is told.
Severity is the share of a night's minutes, the truth's of all and ours of the analysed, and
`r` the correlation of the two over the nights.

On the development split, which the weights were learnt from, what is judged is the figure with
groups of nights left out (`models/apnoea/loso.json`, written by the recipe), and the weights
as they are shipped are told as `..._shipped`. On any other split they are judged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Data
from benchmarks.peers import Peers
from healthslm.bench import Result
from healthslm.detect import apnoea_night
from healthslm.detect.cycles import FEATURES
from healthslm.records import Beat
from healthslm.resources import resource
from healthslm.stage import FloatArray

LEARNT_ON = "dev"
GOALS = {"accuracy": (">=", 80.0), "r": (">=", 0.9)}


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One night: features of each minute, NaN where it cannot be analysed, and what it was."""

    name: str
    rows: FloatArray  # shape (minutes, len(FEATURES))
    apnoea: NDArray[np.bool_]  # shape (minutes,)


def night(path: Path) -> Labelled:
    """Return a night as the stage sees it."""
    with np.load(path, allow_pickle=False) as held:
        rr_s = held["beat_ms"] / 1000
        apnoea = held["apnea_minute"] > 0
    times = np.cumsum(rr_s).tolist()
    beats = [
        Beat("beat", "x/ecg", t, rr, good=True) for t, rr in zip(times, rr_s.tolist(), strict=True)
    ]
    rows = np.full((len(apnoea), len(FEATURES)), np.nan)
    for minute, row in apnoea_night.DETECTOR.rows(beats):
        if row is not None and 0 <= minute < len(rows):
            rows[minute] = row
    return Labelled(path.stem, rows, apnoea)


def shipped(of: Labelled) -> FloatArray:
    """Return the log odds of each minute, NaN where it was not analysed."""
    parts, out = apnoea_night.unknown(), list[float]()
    padded = [*of.rows, *np.full((apnoea_night.AROUND, of.rows.shape[1]), np.nan)]
    for row in padded:
        parts, odds_log = apnoea_night.judged(parts, None if np.isnan(row[0]) else row)
        out.append(np.nan if odds_log is None else odds_log)
    return np.array(out[apnoea_night.AROUND :])


def figures(nights: Sequence[Labelled], odds_log: Sequence[FloatArray]) -> dict[str, float]:
    """Return accuracy, sensitivity, specificity and coverage of minutes in %, and `r`."""
    truth = np.concatenate([x.apnoea for x in nights])
    all_odds = np.concatenate(odds_log)
    told = all_odds > 0
    shares = np.array([(x.apnoea.mean(), share(y)) for x, y in zip(nights, odds_log, strict=True)])
    ranks = shares.argsort(axis=0).argsort(axis=0)
    return {
        "accuracy": 100 * float((told == truth).mean()),
        "se": 100 * float(told[truth].mean()),
        "sp": 100 * float((~told[~truth]).mean()),
        "coverage": 100 * float(np.isfinite(all_odds).mean()),
        "r": float(np.corrcoef(shares.T)[0, 1]),
        "rank_r": float(np.corrcoef(ranks.T)[0, 1]),
        "worst_night": 100
        * min(float(((y > 0) == x.apnoea).mean()) for x, y in zip(nights, odds_log, strict=True)),
        "nights": float(len(nights)),
    }


def share(odds_log: FloatArray) -> float:
    """Return the share of the analysed minutes that show the pattern; 0 of none."""
    known = np.isfinite(odds_log)
    return float((odds_log > 0).sum() / max(known.sum(), 1))


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Return the figures of one split; no peer tells apnoea."""
    nights = [night(path) for path in sorted(data.folder("apnea_rr").glob("*.npz"))]
    ours = figures(nights, [shipped(x) for x in nights])
    if data.split == LEARNT_ON:
        held = json.loads((resource("models/apnoea") / "loso.json").read_text())["figures"]
        ours = held | {f"{name}_shipped": value for name, value in ours.items()}
    return [Result("apnoea", "apnea_rr", data.split, ours, GOALS)]
