"""One value a night against all before it: NightSignal, and how wide nights usually spread."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

MAD_TO_SD = 1.4826  # of a normal distribution

Nights = Sequence[int | None]


def night_signal(
    nights: Nights, *, yellow: int = 3, red: int = 4
) -> tuple[tuple[int | None, ...], tuple[int, ...]]:
    """Return the running median of each night, and its alert: 0 green, 1 yellow, 2 red.

    NightSignal (Alavi 2022, doi:10.1038/s41591-021-01593-2): a night lies `yellow` or `red`
    above the median of all nights up to it, itself included, cut to a whole number; an alert
    takes two such nights in a row. A single missing night becomes the mean of its neighbours,
    cut to a whole number, where another night lies beside them.

    Parameters
    ----------
    nights
        Shape (n,), the mean heart rate at rest of each night, cut to a whole number; None
        where there is none.

    Returns
    -------
    medians, alerts
        Shape (n,). Without a night there is no median and no alert.

    Examples
    --------
    >>> night_signal([60, 61, 59, 63, 64, 64])
    ((60, 60, 60, 60, 61, 62), (0, 0, 0, 0, 1, 0))
    """
    known = _filled(nights)
    medians = tuple(
        None if x is None else int(median(y for y in known[: i + 1] if y is not None))
        for i, x in enumerate(known)
    )
    above = [
        -1 if x is None or m is None else (x >= m + yellow) + (x >= m + max(red, yellow))
        for x, m in zip(known, medians, strict=True)
    ]
    alerts = (0, *(max(min(a, b), 0) for a, b in pairwise(above)))
    return medians, alerts[: len(known)]


def _filled(nights: Nights) -> list[int | None]:
    """Return the nights with each single one that is missing put in."""
    padded = [None, None, *nights, None, None]
    out = list(nights)
    for i, (two, a, x, b, four) in enumerate(
        zip(padded, padded[1:], padded[2:], padded[3:], padded[4:], strict=False)
    ):
        if x is None and a is not None and b is not None and (two is not None or four is not None):
            out[i] = int((a + b) / 2)
    return out


def spread(nights: Nights) -> float:
    """Return the usual distance from the median as a standard deviation (1.4826 MAD).

    At least one night must be known.
    """
    known = [x for x in nights if x is not None]
    middle = median(known)
    return MAD_TO_SD * median(abs(x - middle) for x in known)
