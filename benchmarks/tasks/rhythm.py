"""The rhythm of short single-lead strips: normal, atrial fibrillation, other, unreadable.

Scored as the PhysioNet/CinC Challenge 2017 was: the mean F1 of the first three. Of noisy strips
it is told how many are called unreadable, and how many fibrillation.

On the development split, which the trees were learnt from, what is judged is the mean of three
five-fold rounds (`models/rhythm/folds.json`, written by the recipe), and the trees as they are
shipped are told as `..._shipped`: of strips that they know by heart, so only a sign that they
are read as they were written. On any other split they are judged.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile

import numpy as np
from scipy.io import loadmat

from benchmarks.data import Data
from benchmarks.peers import Peers
from benchmarks.scores import cinc2017
from healthslm.bench import Goal, Result
from healthslm.records import Chunk
from healthslm.resources import resource
from healthslm.signals.strip import CLASSES, judge

LEARNT_ON = "dev"
FS, PER_MV = 300.0, 1000.0
GOALS: dict[str, Goal] = {"f1": (">=", 80.0)}
NAMES = ("f1_n", "f1_af", "f1_other", "f1_noise")


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Return the Challenge's score; no peer judges strips."""
    counts = counted(data)
    figures = scored(counts)
    more = {"strips": float(sum(map(sum, counts)))}
    if data.split == LEARNT_ON:
        held = json.loads((resource("models/rhythm") / "folds.json").read_text())["mean"]
        more |= {f"{name}_shipped": value for name, value in figures.items()}
        figures = held
    return [Result("rhythm", "cinc2017", data.split, figures | more, GOALS)]


def counted(data: Data) -> list[list[int]]:
    """Return how many strips of each class were called what."""
    archive = data.archive("cinc2017")
    counts = [[0] * len(CLASSES) for _ in CLASSES]
    with (archive.parent / f"{data.split}_REFERENCE.csv").open() as file:
        labels = {row["record"]: row["label_v3"] for row in csv.DictReader(file)}
    with zipfile.ZipFile(archive) as held:
        for name, label in labels.items():
            raw = loadmat(io.BytesIO(held.read(f"{name}.mat")))["val"].ravel()
            values = raw.astype(np.float64) / PER_MV
            found = judge(Chunk("strip/ecg", "ecg", 0.0, FS, 0, values)).rhythm
            counts[CLASSES.index(label)][CLASSES.index(found)] += 1
    return counts


def scored(counts: list[list[int]]) -> dict[str, float]:
    """Return the figures of a table of counts, %."""
    f1, mean = cinc2017(counts)
    noisy = max(sum(counts[3]), 1)
    figures = {"f1": 100 * mean} | dict(zip(NAMES, (100 * x for x in f1), strict=True))
    return figures | {
        "noisy_called_af": 100 * counts[3][1] / noisy,
        "noisy_unreadable": 100 * counts[3][3] / noisy,
    }
