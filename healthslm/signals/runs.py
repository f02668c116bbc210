"""Which samples of a stream were read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from healthslm.stage import FloatArray

UNREAD_MV = 1000.0
"""No electrode gives a volt: such a sample, like NaN, was not read."""


def runs(values: FloatArray) -> Iterator[tuple[FloatArray, bool]]:
    """Yield the stretches of `values` (mV) that were read and that were not, in order."""
    if values.min() > -UNREAD_MV and values.max() < UNREAD_MV:  # False with a NaN
        yield values, True
        return
    readable = np.abs(values) < UNREAD_MV
    edges = np.flatnonzero(readable[1:] != readable[:-1]) + 1
    for part in np.split(values, edges):
        yield part, bool(abs(part[0]) < UNREAD_MV)


def finite_runs(values: FloatArray) -> Iterator[FloatArray]:
    """Yield the stretches of `values` that were all read, or all not (NaN), in order."""
    cuts = np.flatnonzero(np.diff(np.isfinite(values))) + 1
    yield from np.split(values, cuts)
