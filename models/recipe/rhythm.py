"""Trees that tell the rhythm of a short strip: `models/rhythm`.

Rows are `healthslm.signals.strip.FEATURES` of the development strips of the PhysioNet/CinC
Challenge 2017. Extremely randomised trees (Geurts et al. 2006, doi:10.1007/s10994-006-6226-1),
classes weighted to count alike; a strip's chances are the mean of what the leaves held.

Every figure is of strips the trees had not seen, in five stratified folds, three times
over. There is no operating point: the likeliest class is told. The features and the settings
below were chosen on the same folds, so the figures flatter a little (see the card).

    pip install scikit-learn==1.9.1
    HEALTHSLM_DATA=... python models/recipe/rhythm.py --out models/rhythm
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedKFold

from healthslm.learnt import Trees
from healthslm.records import Chunk
from healthslm.signals.strip import CLASSES, FEATURES, features

SEED, REPEATS, FOLDS = 0, 3, 5
TREES, LEAST, SHARE = 250, 2, 0.3
STEP = 64  # a leaf holds its shares in steps of one in so many
FS, PER_MV = 300.0, 1000.0


def strips(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the features and the classes of the strips that have a beat or more to judge."""
    with (root / "dev_REFERENCE.csv").open() as file:
        labels = {row["record"]: row["label_v3"] for row in csv.DictReader(file)}
    rows, classes = [], []
    with zipfile.ZipFile(root / "dev.zip") as held:
        for name in sorted(labels):
            values = loadmat(io.BytesIO(held.read(f"{name}.mat")))["val"].ravel() / PER_MV
            row = features(Chunk("strip/ecg", "ecg", 0.0, FS, 0, values))
            rows.append(np.full(len(FEATURES), np.nan) if row is None else row)
            classes.append(CLASSES.index(labels[name]))
    return np.array(rows), np.array(classes)


def fitted(rows: np.ndarray, classes: np.ndarray, seed: int) -> ExtraTreesClassifier:
    """Return trees fitted to the strips that can be judged at all."""
    judged = ~np.isnan(rows[:, 0])
    trees = ExtraTreesClassifier(
        TREES,
        min_samples_leaf=LEAST,
        max_features=SHARE,
        class_weight="balanced",
        random_state=seed,
    )
    return trees.fit(rows[judged], classes[judged])


def told(sums: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the class of each strip."""
    return np.where(np.isnan(rows[:, 0]), CLASSES.index("~"), sums.argmax(axis=1))


def sums_of(grown: dict[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Return what the shipped arrays give, tree by tree."""
    return Trees(**{**grown, "depth": int(grown["depth"])}).sums(np.nan_to_num(rows))


def exported(model: ExtraTreesClassifier) -> dict[str, np.ndarray]:
    """Return the arrays of `healthslm.learnt.Trees`; the sums are chances."""
    grown = [tree.tree_ for tree in model.estimators_]
    shape = (len(grown), max(tree.node_count for tree in grown))
    feature = np.zeros(shape, np.int32)
    threshold = np.zeros(shape)
    left = np.tile(np.arange(shape[1], dtype=np.int32), (shape[0], 1))
    right, leaf = left.copy(), np.zeros((*shape, len(CLASSES)))
    for i, tree in enumerate(grown):
        inner = np.flatnonzero(tree.children_left >= 0)
        feature[i, inner] = tree.feature[inner]
        threshold[i, inner] = short(tree.threshold[inner])
        left[i, inner], right[i, inner] = tree.children_left[inner], tree.children_right[inner]
        share = np.rint(tree.value[:, 0] * STEP) / STEP / len(grown)
        share[inner] = 0.0
        leaf[i, : tree.node_count] = share
    return {
        "feature": feature,
        "threshold": threshold,
        "left": left,
        "right": right,
        "leaf": leaf,
        "depth": np.int64(max(tree.max_depth for tree in grown)),
        "bias": np.zeros(len(CLASSES)),
    }


def short(values: np.ndarray) -> np.ndarray:
    """Return the values to one part in 2,000, which packs well."""
    parts, powers = np.frexp(values)
    return np.ldexp(np.rint(parts * 2048) / 2048, powers)


def figures(counts: np.ndarray) -> dict[str, float]:
    """Return the F1 of each class, their mean and what becomes of noise, %."""
    f1 = 200 * np.diag(counts) / (counts.sum(axis=0) + counts.sum(axis=1))
    noise = 100 * counts[3] / counts[3].sum()
    named = dict(zip(("f1_n", "f1_af", "f1_other", "f1_noise"), f1.tolist(), strict=True))
    more = {"noisy_called_af": float(noise[1]), "noisy_unreadable": float(noise[3])}
    return {k: round(v, 2) for k, v in ({"f1": float(f1[:3].mean())} | named | more).items()}


def main() -> None:
    """Fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    rows, classes = strips(Path(os.environ["HEALTHSLM_DATA"]) / "cinc2017")
    rounds, total = [], np.zeros((4, 4), int)
    for seed in range(SEED, SEED + REPEATS):
        counts = np.zeros((4, 4), int)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        for seen, kept in folds.split(rows, classes):
            grown = exported(fitted(rows[seen], classes[seen], seed))
            answer = told(sums_of(grown, rows[kept]), rows[kept])
            np.add.at(counts, (classes[kept], answer), 1)
        total += counts
        rounds.append(figures(counts))
        sys.stdout.write(f"{rounds[-1]}\n{counts}\n")
    mean = {k: round(float(np.mean([r[k] for r in rounds])), 2) for k in rounds[0]}
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "trees.npz", **exported(fitted(rows, classes, SEED)))
    held = {"dataset": "cinc2017", "split": "dev", "strips": len(rows), "mean": mean}
    held |= {"rounds": rounds, "counts": total.tolist(), "classes": list(CLASSES)}
    (out / "folds.json").write_text(json.dumps(held, indent=1) + "\n")
    sys.stdout.write(f"mean of {REPEATS} rounds: {mean}\n")


if __name__ == "__main__":
    main()
