"""Weights that tell minutes with the pattern of apnoea in the heart rate: `models/apnoea`.

Rows are `healthslm.detect.cycles.features`, as the stage `apnoea_night` makes them from the
intervals of annotated nights. A logistic regression reads each minute's own row, the mean of
the five rows around it and that of the fifteen; as it is a sum, what a minute gives to its
neighbours can be weighed before it is averaged, so the stage keeps three numbers a minute.

Nights are left out in seven groups, and that in five seeded ways, because thirty-five nights are
few: figures are means over the five. Some people slept two or more of the nights and nobody
knows who, so a person may be on both sides: the figures are a little too good.

    HEALTHSLM_DATA=... PYTHONPATH=. python models/recipe/apnoea.py --out models/apnoea
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.tasks.apnoea import Labelled, figures, night, share
from healthslm.detect.apnoea_night import AROUND, NEAR
from healthslm.learnt import Logistic
from healthslm.stage import FloatArray

SEED = 0
GROUPS = 7
WAYS = 5
MOST = 4.0  # standard deviations
RIDGE = 100.0  # of the squares of all weights of standardised features but the bias
ROUNDS = 8  # of Newton's method


def averaged(rows: FloatArray, around: int) -> FloatArray:
    """Return the mean of the known rows up to so many minutes before and after."""
    known = np.isfinite(rows[:, :1])
    total = np.cumsum(np.vstack((np.zeros((1, rows.shape[1])), np.where(known, rows, 0))), axis=0)
    count = np.cumsum(np.vstack(([[0]], known)), axis=0)
    i = np.arange(len(rows))
    begin, end = np.maximum(i - around, 0), np.minimum(i + around + 1, len(rows))
    return (total[end] - total[begin]) / np.maximum(count[end] - count[begin], 1)


def design(of: Labelled, mean: FloatArray, scale: FloatArray) -> FloatArray:
    """Return what the weights are of, shape (minutes, 3 features + 1)."""
    rows = np.clip((of.rows - mean) / scale, -MOST, MOST)
    ones = np.ones((len(rows), 1))
    return np.hstack((rows, averaged(rows, NEAR), averaged(rows, AROUND), ones))


def fitted(nights: Sequence[Labelled]) -> Logistic:
    """Return the weights of most likelihood, with a ridge, by Newton's method."""
    rows = np.concatenate([x.rows for x in nights])
    mean, scale = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0) + 1e-9
    x = np.concatenate([design(x, mean, scale) for x in nights])
    y = np.concatenate([x.apnoea for x in nights]).astype(np.float64)
    known = np.isfinite(x[:, 0])
    x, y = x[known], y[known]
    ridge = np.full(x.shape[1], RIDGE)
    ridge[-1] = 0.0
    weight = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-x @ weight))
        slope = x.T @ (p - y) + ridge * weight
        curve = (x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge)
        weight = weight - np.linalg.solve(curve, slope)
    return Logistic(mean, scale, weight[:-1].reshape(3, -1).T.copy(), float(weight[-1]), MOST)


def odds_log(model: Logistic, of: Labelled) -> FloatArray:
    """Return the log odds of each minute; NaN where it cannot be analysed."""
    x = design(of, model.mean, model.scale)
    return np.asarray(x @ np.append(model.weight.T.ravel(), model.bias))


def held_out(nights: Sequence[Labelled], seed: int) -> list[FloatArray]:
    """Return the log odds of each night from weights that have not seen its group."""
    group = np.random.default_rng(seed).permutation(np.arange(len(nights)) % GROUPS)
    models = [
        fitted([x for x, g in zip(nights, group, strict=True) if g != out]) for out in range(GROUPS)
    ]
    return [odds_log(models[g], x) for x, g in zip(nights, group, strict=True)]


def record(of: Labelled, ways: Sequence[FloatArray]) -> dict[str, float | str]:
    """Return the figures of one night."""
    return {
        "record": of.name,
        "true_share": round(float(of.apnoea.mean()), 3),
        "share": round(float(np.mean([share(y) for y in ways])), 3),
        "accuracy": round(100 * float(np.mean([(y > 0) == of.apnoea for y in ways])), 1),
    }


def main() -> None:
    """Fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    folder = Path(os.environ["HEALTHSLM_DATA"]) / "apnea_rr" / "dev"
    nights = [night(path) for path in sorted(folder.glob("*.npz"))]
    ways = [held_out(nights, SEED + i) for i in range(WAYS)]
    model = fitted(nights)
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        out / "weights.npz",
        mean=model.mean,
        scale=model.scale,
        weight=model.weight,
        bias=np.float64(model.bias),
        most=np.float64(model.most),
    )
    each_way = [figures(nights, way) for way in ways]
    gross = {n: round(float(np.mean([w[n] for w in each_way])), 4) for n in each_way[0]}
    spread = {n: [round(w[n], 4) for w in each_way] for n in ("accuracy", "r")}
    each = [record(x, [way[i] for way in ways]) for i, x in enumerate(nights)]
    held = {"dataset": "apnea_rr", "split": "dev", "groups": GROUPS, "ways": spread}
    held |= {"figures": gross}
    (out / "loso.json").write_text(json.dumps(held | {"records": each}, indent=1) + "\n")
    for line in (*each, spread, gross):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
