"""Small classifiers that were learnt, as plain arrays: trees that vote, and weighted sums.

A model is a folder of `models/`: `trees.npz` or `weights.npz`, written by a recipe in
`models/recipe/`, and its CARD.md. It is read once and never changes, like code; stages name
it and hold no copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from healthslm.resources import resource
from healthslm.stage import FloatArray

IntArray = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Binary decision trees whose leaves are added up.

    Node 0 of each tree is its root. A row goes left where its feature is at most the
    threshold, and where it is NaN. A leaf is its own child on both sides.
    """

    feature: IntArray  # shape (trees, nodes)
    threshold: FloatArray  # the same
    left: IntArray  # the same
    right: IntArray  # the same
    leaf: FloatArray  # shape (trees, nodes, outputs)
    depth: int
    bias: FloatArray  # shape (outputs,)

    def sums(self, rows: FloatArray) -> FloatArray:
        """Return the sum over all trees, shape (n, outputs), of features of shape (n, k).

        Row by row the same additions in the same order, however many rows come together.
        """
        tree = np.arange(len(self.feature))
        node = np.zeros((len(rows), len(tree)), np.intp)
        row = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            over = rows[row, self.feature[tree, node]] > self.threshold[tree, node]
            node = np.where(over, self.right[tree, node], self.left[tree, node])
        total = np.repeat(self.bias[None], len(rows), axis=0)
        for i in tree.tolist():
            total += self.leaf[i, node[:, i]]
        return total


@lru_cache(maxsize=8)
def trees(name: str) -> Trees:
    """Return the trees of the folder `models/NAME`.

    Raises
    ------
    FileNotFoundError, KeyError, ValueError
        The installation is damaged.
    """
    with np.load(resource(f"models/{name}") / "trees.npz", allow_pickle=False) as held:
        return Trees(
            held["feature"],
            held["threshold"],
            held["left"],
            held["right"],
            held["leaf"],
            int(held["depth"]),
            held["bias"],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """Weighted sums of features, each cut to a few standard deviations: logits, or their parts."""

    mean: FloatArray  # shape (k,)
    scale: FloatArray  # shape (k,), standard deviations
    weight: FloatArray  # shape (k, outputs)
    bias: float
    most: float  # standard deviations from the mean that count at most

    def parts(self, row: FloatArray) -> FloatArray:
        """Return the weighted sums of one row of k features, shape (outputs,), without the bias."""
        standard = np.clip((row - self.mean) / self.scale, -self.most, self.most)
        return np.asarray((standard[:, None] * self.weight).sum(axis=0))


@lru_cache(maxsize=8)
def logistic(name: str) -> Logistic:
    """Return the weights of the folder `models/NAME`.

    Raises
    ------
    FileNotFoundError, KeyError, ValueError
        The installation is damaged.
    """
    with np.load(resource(f"models/{name}") / "weights.npz", allow_pickle=False) as held:
        bias, most = float(held["bias"]), float(held["most"])
        return Logistic(held["mean"], held["scale"], held["weight"], bias, most)
