"""Matrices in 8 or 4 bits: blocks along the inner size, each with one float32 scale.

Levels are symmetric about the middle of the range, as onnxruntime's `MatMulNBits` and
`GatherBlockQuantized` take them where no zero point is given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from healthslm.language.shape import FloatArray

ROWS = 1024  # of a matrix, quantised at once
CUTS = (1.0, 0.93, 0.87, 0.81, 0.75)  # of the scale, in 4 bits


def quantised(weight: FloatArray, bits: int, block: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """Return bytes (n, k / block, block x bits / 8) and scales (n, k / block) of an (n, k).

    The value of largest size in a block falls on the lowest level, so that all levels are in
    reach. In 4 bits that value may be cut short, where the rest of its block gains more by a
    finer scale: of `CUTS` the one with the smallest squared error is taken, as in the search
    of llama.cpp's k-quants. Of two values in a byte the first has the low half.
    """
    n, k = weight.shape
    held = np.empty((n, k // block, block * bits // 8), np.uint8)
    scales = np.empty((n, k // block), np.float32)
    for start in range(0, n, ROWS):  # what is worked on is several times what is kept
        rows = slice(start, start + ROWS)
        blocks = weight[rows].reshape(-1, k // block, block)
        held[rows], scales[rows] = _levels(blocks, bits)
    return held, scales


def _levels(blocks: FloatArray, bits: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """Return the bytes and the scales of some rows of blocks."""
    middle = 1 << (bits - 1)
    at = np.abs(blocks).argmax(-1, keepdims=True)
    peak = np.take_along_axis(blocks, at, -1)  # signed
    scale = np.where(peak == 0, np.float32(1.0), peak / -middle).astype(np.float32)
    levels = np.clip(np.rint(blocks / scale), -middle, middle - 1)
    if bits == 4:
        levels, scale = _finest(blocks, levels, scale)
    held = (levels + middle).astype(np.uint8)
    if bits == 4:
        held = held[..., 0::2] | (held[..., 1::2] << 4)
    return held, scale[..., 0]


def _finest(
    blocks: FloatArray, levels: FloatArray, scale: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return levels and scales with the smallest squared error that a cut gives.

    For given levels q of weights w the best scale is wq / qq, and what is then left of the
    square of w is ww - (wq)^2 / qq: the larger the last term, the better.
    """
    best = np.full(scale.shape, -1.0, np.float32)
    found, found_scale = levels, scale
    for cut in CUTS:
        tried = np.clip(np.rint(blocks / (scale * np.float32(cut))), -8, 7)
        wq = (blocks * tried).sum(-1, keepdims=True)
        qq = (tried * tried).sum(-1, keepdims=True)
        some = qq > 0
        gain = np.divide(wq * wq, qq, where=some, out=np.zeros_like(wq))
        better = gain > best
        best = np.where(better, gain, best)
        found = np.where(better, tried, found)
        fitted = np.divide(wq, qq, where=some, out=scale.copy())
        found_scale = np.where(better, fitted, found_scale)
    return found, found_scale


def rounded(weight: FloatArray, bits: int, block: int) -> FloatArray:
    """Return what is left of `weight` (n, k) once it was kept in so many bits."""
    if bits == 32 or weight.ndim != 2:
        return weight
    levels, scale = quantised(weight, bits, block)
    if bits == 4:
        levels = np.stack((levels & 15, levels >> 4), -1).reshape(*levels.shape[:2], block)
    values = (levels.astype(np.float32) - (1 << (bits - 1))) * scale[..., None]
    return values.reshape(weight.shape)
