"""Measures of a window of intervals: how much structure it has, and how far it varies.

All take the natural logarithms of the intervals, so that a rate neither helps nor hurts.
"""

from __future__ import annotations

from math import sqrt
from operator import mul

LOOK_BACK = 4  # intervals from which the next one is foretold
ALIKE = 0.06  # two intervals are alike where their logarithms differ by less


def alike(logs: tuple[float, ...], joined: tuple[bool, ...]) -> tuple[int, int]:
    """Return how many pairs of intervals in a window are alike, and of how many the next ones too.

    Parameters
    ----------
    logs
        Natural logarithms of the intervals, oldest first.
    joined
        Whether each interval began where the one before it in `logs` ended.

    Examples
    --------
    >>> alike((0.0, 0.5, 0.01, 0.51, 0.9), (False, True, True, True, True))
    (2, 1)
    """
    pairs = both = 0
    for i in range(1, len(logs)):
        n, b = with_newest(logs[: i + 1], joined[: i + 1])
        pairs, both = pairs + n, both + b
    return pairs, both


def with_newest(logs: tuple[float, ...], joined: tuple[bool, ...]) -> tuple[int, int]:
    """Return what `alike` counts, of the pairs whose later next one is the newest interval."""
    if not joined[-1] or len(logs) < 3:
        return 0, 0
    before, newest = logs[-2], logs[-1]
    nexts = [
        after
        for x, after, follows in zip(logs[:-2], logs[1:-1], joined[1:-1], strict=True)
        if follows and -ALIKE < x - before < ALIKE
    ]
    return len(nexts), sum([-ALIKE < x - newest < ALIKE for x in nexts])


def with_oldest(logs: tuple[float, ...], joined: tuple[bool, ...]) -> tuple[int, int]:
    """Return what `alike` counts, of the pairs of which the oldest interval is one."""
    if len(logs) < 3 or not joined[1]:
        return 0, 0
    oldest, after = logs[0], logs[1]
    nexts = [
        later
        for x, later, follows in zip(logs[1:-1], logs[2:], joined[2:], strict=True)
        if follows and -ALIKE < x - oldest < ALIKE
    ]
    return len(nexts), sum([-ALIKE < x - after < ALIKE for x in nexts])


def spread(logs: tuple[float, ...]) -> tuple[float, float]:
    """Return the standard deviation of a series, and of what its own past does not foretell.

    The second is the innovation of an autoregressive model of order `LOOK_BACK`: Levinson's
    recursion on the biased autocorrelation (Kay & Marple 1981, doi:10.1109/PROC.1981.12184).

    >>> sd, left = spread((0.1, -0.1) * 16)
    >>> round(sd, 4), round(left, 4)
    (0.1, 0.0248)
    """
    n, mean = len(logs), sum(logs) / len(logs)
    x = [v - mean for v in logs]
    r = [sum(map(mul, x[lag:], x)) / n for lag in range(LOOK_BACK + 1)]
    left, model = r[0], [1.0]
    for order in range(1, LOOK_BACK + 1):
        if left <= 1e-12:  # all alike: nothing is left to foretell
            return sqrt(max(r[0], 0.0)), 0.0
        k = -sum(map(mul, model, r[order:0:-1])) / left
        back = [0.0, *model[::-1]]
        model = [a + k * b for a, b in zip([*model, 0.0], back, strict=True)]
        left *= 1 - k * k
    return sqrt(r[0]), sqrt(max(left, 0.0))


def middle(logs: tuple[float, ...]) -> float:
    """Return what the standard deviation would be if all varied as the middle half does.

    Of Gaussian noise the quartiles are 1.349 standard deviations apart; a few ectopic beats
    do not move them.

    >>> round(middle(tuple(i / 10 for i in range(8))), 3)
    0.222
    """
    quarter = len(logs) // 4
    ordered = sorted(logs)
    return (ordered[-1 - quarter] - ordered[quarter]) / 1.349
