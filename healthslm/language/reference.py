"""What a decoder computes, in NumPy: slow, obvious, and what an imported graph is held to.

It shares no line with the graph but the names and sizes of weights, and the rotary tables'
formula is its own, so that a fault in either shows as a difference. Of the weights one block
is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from healthslm.language.shape import FloatArray, Shape, Weights


def logits(shape: Shape, weights: Weights, tokens: Sequence[int]) -> FloatArray:
    """Return the logits after each of n tokens, shape (n, vocabulary)."""
    x = weights["embedding"][np.asarray(tokens)]  # (n, width)
    for use in range(shape.layers * shape.repeat):
        block = f"blocks.{use // shape.repeat}."
        x = x + _attended(shape, weights, block, _norm(x, weights[f"{block}attention_norm"], shape))
        h = _norm(x, weights[f"{block}ffn_norm"], shape)
        gate = h @ weights[f"{block}gate"].T  # (n, ffn)
        gate /= 1 + np.exp(-np.clip(gate, -80, 80))
        x = x + (gate * (h @ weights[f"{block}up"].T)) @ weights[f"{block}down"].T
    head = weights["embedding" if shape.tied else "head"]
    found: FloatArray = _norm(x, weights["norm"], shape) @ head.T
    return found


def _norm(x: NDArray[Any], gamma: FloatArray, shape: Shape) -> NDArray[Any]:
    normed: NDArray[Any] = (
        x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(shape.eps)) * gamma
    )
    return normed


def _attended(shape: Shape, weights: Weights, block: str, h: NDArray[Any]) -> NDArray[Any]:
    """Return what attention adds, shape (n, width)."""
    n, d = len(h), shape.head_dim
    parts = []
    for name in "qkv":
        part = h @ weights[f"{block}{name}"].T
        if shape.qkv_bias:
            part = part + weights[f"{block}{name}_bias"]
        part = part.reshape(n, -1, d)  # (n, heads, head_dim)
        if shape.qk_norm and name != "v":
            part = _norm(part, weights[f"{block}{name}_norm"], shape)
        parts.append(part if name == "v" else _turned(part, shape))
    q, k, v = parts
    group = shape.heads // shape.kv_heads
    k, v = k.repeat(group, 1), v.repeat(group, 1)
    scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(np.float32(d))  # (heads, n, n)
    scores = np.where(np.tri(n, dtype=bool), scores, -np.inf)
    odds = np.exp(scores - scores.max(-1, keepdims=True))
    odds /= odds.sum(-1, keepdims=True)
    y = np.einsum("hij,jhd->ihd", odds, v).reshape(n, -1) @ weights[f"{block}out"].T
    added: NDArray[Any] = y + weights[f"{block}out_bias"] if shape.out_bias else y
    return added


def _turned(x: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """Rotate `x` (n, heads, head_dim) by position: the first half against the second."""
    half = shape.head_dim // 2
    wave = 2 * np.pi * shape.theta ** (np.arange(half) / half)  # tokens a turn
    wave *= shape.slowed
    if at := shape.stretch:
        for i, long in enumerate(wave):
            if long > at.trained / at.low:
                wave[i] = long * at.factor
            elif long >= at.trained / at.high:
                kept = (at.trained / long - at.low) / (at.high - at.low)
                wave[i] = 1 / ((1 - kept) / (at.factor * long) + kept / long)
    angle = (2 * np.pi * np.arange(len(x))[:, None] / wave)[:, None]  # (n, 1, half)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate((a * cos - b * sin, b * cos + a * sin), -1)
