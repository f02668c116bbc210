"""The sizes of a decoder, and what follows from them: names of weights, rotary tables.

Names, i being a block; a matrix of n x k multiplies k numbers into n:

    embedding (vocabulary, width), norm (width,), head (vocabulary, width) unless tied,
    blocks.i.attention_norm, .ffn_norm (width,), .q (heads x head_dim, width),
    .k .v (kv_heads x head_dim, width), .out (width, heads x head_dim),
    .gate .up (ffn, width), .down (width, ffn), and where the shape asks for them
    .q_bias .k_bias .v_bias .out_bias (n,), .q_norm .k_norm (head_dim,)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import CheckpointError

FloatArray = NDArray[np.float32]
Weights = Mapping[str, FloatArray]  # asked for one at a time, so it may read a file

BLOCKS = (64, 32)  # weights that share a scale; the widest that divides every inner size


@dataclass(frozen=True, slots=True)
class Stretch:
    """How Llama 3.1 stretches its rotary positions: long waves slower, short ones as they are."""

    factor: float
    low: float  # turns within `trained` tokens below which a wave is slowed by `factor`
    high: float  # ... and above which it is left alone; between, a blend
    trained: int  # tokens


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a decoder."""

    vocabulary: int
    layers: int  # of weights; each is used `repeat` times
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    context: int  # tokens, prompt and text together
    repeat: int = 1  # times each block is used in a row (MobileLLM-LS: 2), each with its cache
    theta: float = 10_000.0
    slowed: float = 1.0  # all positions divided by this ("linear" scaling)
    stretch: Stretch | None = None
    eps: float = 1e-5
    tied: bool = True  # the head is the embedding
    qkv_bias: bool = False
    out_bias: bool = False
    qk_norm: bool = False  # each head's queries and keys are normalised (Qwen3)

    @property
    def depth(self) -> int:
        """Blocks that a token passes through, shared ones counted each time."""
        return self.layers * self.repeat

    @property
    def inner(self) -> tuple[int, int, int]:
        """The inner sizes of the matrices: what a block of weights has to divide."""
        return self.width, self.heads * self.head_dim, self.ffn


def sizes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Return the name and the size of every weight that a decoder of this shape has.

    >>> tiny = Shape(10, 1, 4, 2, 1, 2, 8, context=16)
    >>> sizes(tiny)["blocks.0.k"]
    (2, 4)
    """
    w, q, kv = shape.width, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    block: dict[str, tuple[int, ...]] = {"attention_norm": (w,), "ffn_norm": (w,)}
    block |= {"q": (q, w), "k": (kv, w), "v": (kv, w), "out": (w, q)}
    block |= {"gate": (shape.ffn, w), "up": (shape.ffn, w), "down": (w, shape.ffn)}
    if shape.qkv_bias:
        block |= {"q_bias": (q,), "k_bias": (kv,), "v_bias": (kv,)}
    if shape.out_bias:
        block |= {"out_bias": (w,)}
    if shape.qk_norm:
        block |= {"q_norm": (shape.head_dim,), "k_norm": (shape.head_dim,)}
    whole: dict[str, tuple[int, ...]] = {"embedding": (shape.vocabulary, w), "norm": (w,)}
    if not shape.tied:
        whole["head"] = (shape.vocabulary, w)
    blocks = {f"blocks.{i}.{n}": s for i in range(shape.layers) for n, s in block.items()}
    return whole | blocks


def parameters(shape: Shape) -> int:
    """Return how many weights a decoder of this shape has; tied ones count once."""
    return sum(int(np.prod(size)) for size in sizes(shape).values())


def octets(shape: Shape, bits: int, block: int) -> int:
    """Return the bytes of the constants, nearly: scales included, the rotary tables not."""
    each = 4.0 if bits == 32 else bits / 8 + 4 / block
    return int(sum(np.prod(s) * (each if len(s) == 2 else 4) for s in sizes(shape).values()))


def block_of(shape: Shape) -> int:
    """Return the widest block that divides every inner size.

    Raises
    ------
    CheckpointError
        None does: whoever chose the checkpoint has to choose another.
    """
    for block in BLOCKS:
        if not any(k % block for k in shape.inner):
            return block
    inner = ", ".join(map(str, shape.inner))
    raise CheckpointError(
        f"the inner sizes of this model ({inner}) are not all multiples of {BLOCKS[-1]}: it "
        "cannot be kept in 4 or 8 bits. Choose a model with other sizes"
    )


def rotary(shape: Shape) -> tuple[FloatArray, FloatArray]:
    """Return cosines and sines, each of shape (context, head_dim / 2)."""
    turn = shape.theta ** -(np.arange(0, shape.head_dim, 2) / shape.head_dim)  # rad a token
    turn /= shape.slowed
    if at := shape.stretch:
        turns = at.trained * turn / (2 * np.pi)  # of each wave, over the text it was trained on
        kept = np.clip((turns - at.low) / (at.high - at.low), 0.0, 1.0)
        turn *= kept + (1 - kept) / at.factor
    angle = np.outer(np.arange(shape.context), turn)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
