"""An acceleration of three axes, cut into blocks of whole seconds.

x, y and z come in turn. Samples are averaged in cells of about 40 ms: what a body does lies
below 12 Hz, and a blow then weighs the same at every sampling rate. Cells and blocks are
counted from sample index 0, and every sum is the same additions in the same order, so how
the samples came in pieces leaves no trace. Nothing here depends on which axis points where.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import acos, ceil, degrees, sqrt

import numpy as np
from numpy.typing import NDArray

from healthslm.records import Chunk
from healthslm.stage import FloatArray

Vector = tuple[float, float, float]

TRUNK = ("waist", "hip", "belt", "chest", "trunk", "back")
"""In the name of a device: it is worn on the trunk. Of any other the place is not known."""

G_M_S2 = 9.80665
SLOWEST_HZ = 10.0  # readings a second; of fewer nothing can be made
_CELL_HZ = 25.0
_TOP_G = 32.0  # beyond is no reading: sensors end at 16 g
_WEIGHT_G = (0.3, 8.0)  # mean magnitude of a second: a sensor that feels no gravity is off
_LEAST_SHARE = 0.8  # of the cells of a block, for it to be read


def _empty() -> FloatArray:
    return np.empty(0)


def _no_cells() -> FloatArray:
    return np.empty((0, 3))


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """What is held of a stream between chunks: samples of a cell, cells of a block."""

    stream: str = ""
    epoch_s: float = 0.0
    fs: float = 0.0
    due: int = -1  # index of the next number; -1 before the first
    raw: FloatArray = field(default_factory=_empty)  # shape (n,), g: of the cell under way
    cells: FloatArray = field(default_factory=_no_cells)  # shape (n, 3), g: of the block under way
    block: int = 0  # which block that is


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Whole blocks, one after the other."""

    first: int  # index of the first, counted from sample index 0
    length_s: float
    epoch_s: float
    hz: float  # cells a second
    cells: FloatArray  # shape (n, w, 3), g; 0 where not `good`
    good: NDArray[np.bool_]  # shape (n, w): read; a block may have a cell less than w

    def __len__(self) -> int:
        """Return how many blocks there are."""
        return len(self.cells)

    def end_s(self, i: int) -> float:
        """Return when the i-th of these blocks was over, UTC seconds."""
        return self.epoch_s + (self.first + i + 1) * self.length_s

    @property
    def magnitude(self) -> FloatArray:
        """Length of the vector in each cell, shape (n, w), g."""
        x, y, z = self.cells[..., 0], self.cells[..., 1], self.cells[..., 2]
        return np.sqrt(x * x + y * y + z * z)

    def mean(self, values: FloatArray) -> FloatArray:
        """Return the mean over the good cells of each block: (n, w, ...) to (n, ...).

        NaN where too few were read, or where the block felt no gravity.
        """
        weights = self.good.reshape(self.good.shape + (1,) * (values.ndim - 2))
        count = self.good.sum(axis=1).reshape((len(self),) + (1,) * (values.ndim - 2))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: FloatArray = total(values * weights) / count
        mean[~self.read] = np.nan
        return mean

    @property
    def read(self) -> NDArray[np.bool_]:
        """Blocks that can be trusted to be readings of a body, shape (n,)."""
        count = self.good.sum(axis=1)
        weight = total(self.magnitude * self.good) / np.maximum(count, 1)
        enough = count >= _LEAST_SHARE * int(self.length_s * self.hz)
        read: NDArray[np.bool_] = enough & (weight >= _WEIGHT_G[0]) & (weight <= _WEIGHT_G[1])
        return read


def on_trunk(stream: str) -> bool:
    """Return whether the device of a stream says that it is worn on the trunk."""
    device = stream.partition("/")[0]
    return any(place in device for place in TRUNK)


def angle_deg(a: Vector, b: Vector) -> float:
    """Return the angle between two directions, 0 to 180; 0 where one has no length."""
    length = sqrt(sum(x * x for x in a) * sum(x * x for x in b))
    cosine = sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 1.0
    return degrees(acos(min(max(cosine, -1.0), 1.0)))


def added(*vectors: Vector) -> Vector:
    """Return the sum of vectors."""
    x, y, z = (sum(v[i] for v in vectors) for i in range(3))
    return (x, y, z)


def total(values: FloatArray) -> FloatArray:
    """Return the sum over axis 1, added one by one: it does not depend on how many rows come."""
    out = values[:, 0].copy()
    for i in range(1, values.shape[1]):
        out += values[:, i]
    return out


def blocks(feed: Feed, chunk: Chunk, length_s: float) -> tuple[Feed, Blocks]:
    """Take samples; return the blocks of `length_s` that they complete.

    A gap or another clock begins anew: a block that was not wholly there is left out.
    """
    rate = chunk.fs / 3
    size = max(1, round(rate / _CELL_HZ))
    hz = rate / size
    if (chunk.stream, chunk.epoch_s, chunk.fs) != (feed.stream, feed.epoch_s, feed.fs):
        feed = Feed(chunk.stream, chunk.epoch_s, chunk.fs)
    if chunk.start != feed.due:
        cell = -(-chunk.start // (3 * size))
        feed = replace(feed, raw=_empty(), cells=_no_cells(), block=_block(cell, length_s * hz))
    due = chunk.start + len(chunk.values)
    if rate < SLOWEST_HZ:
        return replace(feed, due=due), Blocks(0, length_s, 0.0, hz, *_table(_no_cells(), [0]))
    new, raw = _cells(feed.raw, chunk.start - len(feed.raw), chunk.values, size)
    first = due - len(raw) - 3 * size * len(new)  # index of the first number of `new`
    cells = np.concatenate((feed.cells, new))
    at = (first if len(new) else due) // (3 * size) - len(feed.cells)  # cell index of cells[0]
    begin = _edge(feed.block, length_s * hz)
    cells = cells[max(0, begin - at) :]
    n = 0
    edges = [0]
    while _edge(feed.block + n + 1, length_s * hz) - begin <= len(cells):
        n += 1
        edges.append(_edge(feed.block + n, length_s * hz) - begin)
    found = Blocks(feed.block, length_s, chunk.epoch_s, hz, *_table(cells, edges))
    held = cells[edges[-1] :].copy()
    return replace(feed, due=due, raw=raw, cells=held, block=feed.block + n), found


def _edge(block: int, cells: float) -> int:
    """Return the first cell of a block that is `cells` long."""
    return ceil(block * cells - 1e-6)


def _block(cell: int, cells: float) -> int:
    """Return the first block that begins at this cell or later."""
    block = max(int(cell / cells) - 1, 0)
    while _edge(block, cells) < cell:
        block += 1
    return block


def _cells(
    raw: FloatArray, start: int, values: FloatArray, size: int
) -> tuple[FloatArray, FloatArray]:
    """Return the means of whole cells, shape (n, 3), and the numbers that are left over.

    start  Index of raw[0], or of values[0] where `raw` is empty.
    """
    joined = np.concatenate((raw, values))
    joined = joined[-start % (3 * size) :]
    n = len(joined) // (3 * size)
    table = joined[: 3 * size * n].reshape(n, size, 3)
    readable = np.isfinite(table) & (np.abs(np.nan_to_num(table)) <= _TOP_G)
    cells = total(np.where(readable, table, np.nan)) / size
    return cells, joined[3 * size * n :].copy()


def _table(cells: FloatArray, edges: list[int]) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the cells between the edges as a row for each block, and which of them are good."""
    starts, ends = np.array(edges[:-1], np.intp), np.array(edges[1:], np.intp)
    width = int((ends - starts).max(initial=1))
    index = starts[:, None] + np.arange(width)
    there = index < ends[:, None]
    rows = cells[np.where(there, index, 0)] if len(cells) else np.zeros((0, width, 3))
    good = there & np.isfinite(rows).all(axis=2)
    return np.where(good[..., None], rows, 0.0), good
