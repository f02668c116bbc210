"""Trees that tell ventricular beats from others: `models/beats`.

Rows are `healthslm.signals.beat_kinds.FEATURES` of the beats that our own detector finds in
annotated recordings, of both leads of each. Trees are monotone where physiology says which
way: a wider, earlier, less familiar beat is never less ventricular for it.

Every figure is of people that the trees have not seen: one recording is left out, with both
its leads, and the operating point is chosen on the others alone, by an inner five-fold round.

    pip install scikit-learn==1.9.1
    HEALTHSLM_DATA=... python models/recipe/beats.py --out models/beats
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from healthslm import recordings, validate
from healthslm.records import Beat, Chunk
from healthslm.signals.beat_class import BeatClasses
from healthslm.signals.beat_kinds import FEATURES
from healthslm.signals.ecg import SIGNAL
from healthslm.validate.matching import matched
from healthslm.validate.matrix import CLASSES, PACED, Matrix

SEED = 0
LEADS = (0, 1)
LEARNT = FEATURES[:-1]  # of pacemakers nothing is learnt
ROUNDS, LEAVES, RATE, LEAST, SHRINK = 80, 4, 0.1, 30, 5.0
MOST = {"N": 500, "S": 150, "V": 200, "O": 100}  # beats of one lead, so that none speaks loudest
MONOTONE = {
    "before": -1,
    "rest": 1,
    "width_s": 1,
    "width_ratio": 1,
    "unlike": 1,
    "correlation": -1,
    "unlike_all": 1,
    "t_wave": 1,
    "own_before": -1,
    "own_unlike": 1,
    "own_width_ratio": 1,
    "own_width_s": 1,
}
EVEN = 0.5
INNER = 5


@dataclass(frozen=True, slots=True)
class Listening(BeatClasses):
    """Keeps the features and tells nothing."""

    heard: list[Any] = field(default_factory=list)

    def judged(self, kinds, rows, quality):  # noqa: D102
        self.heard.append(rows)
        return ["Q"] * len(rows)


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead of one recording; arrays have a row for each beat found."""

    record: str
    first: bool  # the lead that figures are given of
    rows: np.ndarray
    label: np.ndarray  # EC57 class of the reference beat; O: there is none
    truth: tuple[float, ...]
    symbols: tuple[str, ...]
    found: validate.matching.Matched  # the test period


def heard(path: Path) -> list[Lead]:
    """Return the leads of a recording; none if it holds paced beats."""
    chosen = validate._ecg(recordings.load(path))[0]
    leads = []
    for channel in LEADS:
        recording = recordings.load(path, channel)
        track = validate._ecg(recording)[0]
        truth, symbols, flutter = validate._truth(recording)
        if PACED & set(symbols):
            return []
        classes = Listening()
        stage = replace(SIGNAL, classes=classes)
        state, beats = stage.start(), []
        after = len(track.values) + int(track.fs)
        for x in (
            Chunk(track.lane, "ecg", 0.0, track.fs, 0, track.values),
            Chunk(track.lane, "ecg", 1.0, track.fs, after, np.array([np.nan])),
        ):
            state, told = stage.step(state, x)
            beats += [b.t_s for b in told if isinstance(b, Beat)]
        everything = matched(truth, beats, begin_s=0.0, fibrillation_s=flutter)
        label = np.full(len(beats), "-")
        label[list(everything.extra)] = "O"
        for i, j in everything.pairs:
            label[j] = CLASSES[symbols[i]]
        found = matched(truth, beats, fibrillation_s=flutter)
        first = np.array_equal(track.values, chosen.values, equal_nan=True)
        rows = np.concatenate(classes.heard)[:, : len(LEARNT)]
        leads.append(Lead(recording.name, first, rows, label, tuple(truth), tuple(symbols), found))
    return leads


def fitted(leads: list[Lead]) -> HistGradientBoostingClassifier:
    """Return trees fitted to a seeded choice of the beats."""
    rng = np.random.default_rng(SEED)
    rows, ventricular = [], []
    for lead in leads:
        for letter, most in MOST.items():
            some = rng.permutation(np.flatnonzero(lead.label == letter))[:most]
            rows.append(lead.rows[some])
            ventricular.append(np.full(len(some), letter == "V"))
    trees = HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST,
        l2_regularization=SHRINK,
        monotonic_cst=[MONOTONE.get(name, 0) for name in LEARNT],
        early_stopping=False,
        random_state=SEED,
    )
    return trees.fit(np.concatenate(rows), np.concatenate(ventricular))


def counted(lead: Lead, ventricular: np.ndarray) -> Matrix:
    """Return the EC57 matrix of one lead."""
    told = ["V" if v else "N" for v in ventricular.tolist()]
    return Matrix.of(lead.found, lead.symbols, told)


def point(leads: list[Lead], chances: list[np.ndarray]) -> float:
    """Return the chance from which a beat is called ventricular: half the F1 there is.

    That is where F1 is highest (Lipton et al. 2014, doi:10.1007/978-3-662-44851-9_15), and
    unlike the best of many points it hardly depends on which recordings were looked at.
    """
    pairs = zip(leads, chances, strict=True)
    tp, fp, fn, _ = Matrix.total(counted(x, p > EVEN) for x, p in pairs).ectopic("V")
    return tp / max(2 * tp + fp + fn, 1)


def chances(trees: HistGradientBoostingClassifier, lead: Lead) -> np.ndarray:
    """Return how likely each beat is ventricular."""
    return trees.predict_proba(lead.rows)[:, 1]


def held_out(leads: list[Lead]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return chances and operating point of each record, from the others alone."""
    names = sorted({x.record for x in leads})
    outer, points = {}, {}
    for name in names:
        rest = [n for n in names if n != name]
        seen = [x for x in leads if x.record != name]
        inner_leads, inner = [], []
        for part in range(INNER):
            out = set(rest[part::INNER])
            trees = fitted([x for x in seen if x.record not in out])
            judged = [x for x in seen if x.first and x.record in out]
            inner_leads += judged
            inner += [chances(trees, x) for x in judged]
        points[name] = point(inner_leads, inner)
        trees = fitted(seen)
        outer[name] = chances(trees, next(x for x in leads if x.first and x.record == name))
        sys.stderr.write(f"{name} left out, operating point {points[name]:.2f}\n")
    return outer, points


def exported(model: HistGradientBoostingClassifier, at: float) -> dict[str, np.ndarray]:
    """Return the arrays of `healthslm.learnt.Trees`; a sum above 0 is past the operating point."""
    grown = [stage[0].nodes for stage in model._predictors]
    shape = (len(grown), max(map(len, grown)))
    feature = np.zeros(shape, np.int32)
    threshold = np.zeros(shape)
    left = np.tile(np.arange(shape[1], dtype=np.int32), (shape[0], 1))
    right, leaf = left.copy(), np.zeros((*shape, 1))
    for i, nodes in enumerate(grown):
        inner = nodes["is_leaf"] == 0
        n = np.flatnonzero(inner)
        feature[i, n] = nodes["feature_idx"][inner]
        threshold[i, n] = nodes["num_threshold"][inner]
        left[i, n], right[i, n] = nodes["left"][inner], nodes["right"][inner]
        leaf[i, : len(nodes), 0] = np.where(inner, 0.0, nodes["value"])
    bias = np.ravel(model._baseline_prediction) - np.log(at / (1 - at))
    depth = max(int(nodes["depth"].max()) for nodes in grown)
    return {
        "feature": feature,
        "threshold": threshold,
        "left": left,
        "right": right,
        "leaf": leaf,
        "depth": np.int64(depth),
        "bias": bias,
    }


def figures(tp: int, fp: int, fn: int) -> dict[str, float]:
    """Return counts and shares in %."""
    se, ppv = 100 * tp / max(tp + fn, 1), 100 * tp / max(tp + fp, 1)
    f1 = 200 * tp / max(2 * tp + fp + fn, 1)
    return {"tp": tp, "fp": fp, "fn": fn, "se": round(se, 3), "ppv": round(ppv, 3)} | {
        "f1": round(f1, 3)
    }


def main() -> None:
    """Fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    folder = Path(os.environ["HEALTHSLM_DATA"]) / "mitdb" / "dev"
    leads = [lead for path in sorted(folder.glob("*.hea")) for lead in heard(path)]
    outer, points = held_out(leads)
    first = {x.record: x for x in leads if x.first}
    matrices = {n: counted(first[n], outer[n] > points[n]) for n in outer}
    records = [{"record": n, **figures(*m.ectopic("V")[:3])} for n, m in matrices.items()]
    gross = figures(*Matrix.total(matrices.values()).ectopic("V")[:3])
    at = point(list(first.values()), [outer[n] for n in first])
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "trees.npz", **exported(fitted(leads), at))
    held = {"dataset": "mitdb", "split": "dev", "gross": gross, "point": round(at, 2)}
    (out / "loso.json").write_text(json.dumps(held | {"records": records}, indent=1) + "\n")
    for name in records:
        sys.stdout.write(f"{name}\n")
    sys.stdout.write(f"{gross}, operating point {at:.2f}\n")


if __name__ == "__main__":
    main()
