"""Scores of the PhysioNet/CinC Challenges, for comparison with what was published."""

from __future__ import annotations

from collections.abc import Sequence


def cinc2015(tp: int, tn: int, fp: int, fn: int) -> float:
    """Return the Challenge 2015 score of an alarm, %: a true one that is silenced costs five.

    doi:10.1109/CIC.2015.7408639.

    >>> round(cinc2015(280, 400, 56, 14), 2)
    84.37
    """
    return 100 * (tp + tn) / (tp + tn + fp + 5 * fn)


def cinc2017(counts: Sequence[Sequence[int]]) -> tuple[tuple[float, ...], float]:
    """Return the F1 of each class and the Challenge 2017 score: the mean of the first three.

    doi:10.22489/CinC.2017.065-469.

    Parameters
    ----------
    counts
        Shape (4, 4): rows are the reference, columns what was told; normal, AF, other, noise.
        F1 is NaN for a class that is nowhere, and so is a score that holds it.
    """
    told = [sum(row[i] for row in counts) for i in range(len(counts))]
    both = [(sum(row) + told[i], row[i]) for i, row in enumerate(counts)]
    f1 = tuple(2 * right / n if n else float("nan") for n, right in both)
    return f1, sum(f1[:3]) / 3
