"""The decoder, in PyTorch: what is trained, and what the exported graph is held to.

Follows MobileLLM (Liu et al. 2024, arXiv:2402.14905): deep and thin, embeddings tied to
the head, SwiGLU, grouped-query attention, and, if asked, each block used twice in a row.
RMSNorm (arXiv:1910.07467) and rotary positions (arXiv:2104.09864) as in Llama.

Where we differ: a closed vocabulary of words, slots and facts instead of sub-words; the
sizes; no dropout (every pair is seen once or twice); and with sharing, each use of a block
keeps keys and values of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Shape:
    """The model's sizes, and what of MobileLLM is left out where a comparison asks for it."""

    vocabulary: int
    layers: int = 8
    width: int = 192
    heads: int = 6
    kv_heads: int = 2
    head_dim: int = 32
    ffn: int = 512
    repeat: int = 1  # times each block is used in a row (MobileLLM-LS: 2)
    tied: bool = True  # the head is the embedding
    gated: bool = True  # SwiGLU; otherwise two matrices with a GELU between them
    context: int = 256  # tokens, prompt and text together
    theta: float = 10_000.0
    eps: float = 1e-5

    def __post_init__(self) -> None:
        """Refuse heads that cannot share keys evenly."""
        if self.heads % self.kv_heads:
            raise ValueError("heads must be a multiple of kv_heads")


Past = list[list[Tensor]]
"""For each use of a block, nothing yet, or keys and values, (batch, KV, time, head_dim) each."""


def rotary(shape: Shape) -> tuple[Tensor, Tensor]:
    """Return cosines and sines, each of shape (context, head_dim / 2)."""
    half = torch.arange(0, shape.head_dim, 2, dtype=torch.float64) / shape.head_dim
    angle = torch.outer(torch.arange(shape.context, dtype=torch.float64), shape.theta**-half)
    return angle.cos().float(), angle.sin().float()


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate `x`, (batch, heads, time, head_dim), by position: first half against second."""
    a, b = x.chunk(2, dim=-1)  # (B, H, T, head_dim / 2) each
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Block(nn.Module):
    """Attention and a feed-forward, each on the normalised residual stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.attention_norm = nn.RMSNorm(shape.width, shape.eps)
        self.qkv = nn.Linear(shape.width, q + 2 * kv, bias=False)
        self.out = nn.Linear(q, shape.width, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.width, shape.eps)
        up = 2 * shape.ffn if shape.gated else shape.ffn  # gate, then value
        self.up = nn.Linear(shape.width, up, bias=False)
        self.down = nn.Linear(shape.ffn, shape.width, bias=False)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, past: list[Tensor] | None = None
    ) -> Tensor:
        """Return the residual stream after the block, shape (batch, time, width) as `x`."""
        x = x + self.out(self._attend(self.attention_norm(x), cos, sin, past))
        inner = self.up(self.ffn_norm(x))  # (B, T, ffn), or twice that
        if not self.shape.gated:
            return x + self.down(F.gelu(inner))
        gate, value = inner.chunk(2, dim=-1)  # (B, T, ffn) each
        return x + self.down(F.silu(gate) * value)

    def _attend(self, x: Tensor, cos: Tensor, sin: Tensor, past: list[Tensor] | None) -> Tensor:
        s, (batch, time, _) = self.shape, x.shape
        q, k, v = (
            part.view(batch, time, -1, s.head_dim).transpose(1, 2)  # (B, H or KV, T, head_dim)
            for part in self.qkv(x).split(
                [s.heads * s.head_dim, s.kv_heads * s.head_dim, s.kv_heads * s.head_dim], dim=-1
            )
        )
        q, k, v = turn(q.float(), cos, sin), turn(k.float(), cos, sin), v.float()
        first = not past
        if past:
            k, v = (torch.cat(both, dim=2) for both in zip(past, (k, v), strict=True))
        if past is not None:
            past[:] = k, v
        group = s.heads // s.kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        # In float32 even where the products run in bfloat16: its backward pass is 3 times
        # slower in bfloat16 on a CPU.
        with torch.autocast("cpu", enabled=False):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=first)  # (B, H, T, head_dim)
        return y.transpose(1, 2).reshape(batch, time, -1)


class Decoder(nn.Module):
    """Tokens to the logits of the token after each."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.eps)
        if not shape.tied:
            self.head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        cos, sin = rotary(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._initialise()

    def past(self) -> Past:
        """Return the place where `forward` keeps what it has read; nothing is read yet."""
        return [[] for _ in range(self.shape.layers * self.shape.repeat)]

    def forward(self, tokens: Tensor, past: Past | None = None) -> Tensor:
        """Return logits, shape (batch, time, vocabulary), for `tokens`, shape (batch, time).

        With a `past` the tokens go on from it: many at first, then one at a time.
        """
        read = past[0][0].shape[2] if past and past[0] else 0
        if read and tokens.shape[1] != 1:
            raise ValueError("after the first tokens, one at a time")
        at = slice(read, read + tokens.shape[1])
        x = self.embedding(tokens)  # (B, T, width)
        for n in range(self.shape.layers * self.shape.repeat):
            block, kept = self.blocks[n // self.shape.repeat], past[n] if past else None
            x = block(x, self.cos[at], self.sin[at], kept)
        head = self.embedding if self.shape.tied else self.head
        return F.linear(self.norm(x), head.weight)  # (B, T, V)

    def _initialise(self) -> None:
        """Draw weights of deviation 0.02; what adds to the residual stream, smaller with depth."""
        depth = 2 * self.shape.layers * self.shape.repeat
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                small = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 * (depth**-0.5 if small else 1.0))


def parameters(model: nn.Module) -> int:
    """Return how many weights the model has; tied ones count once."""
    return sum(weight.numel() for weight in model.parameters())
