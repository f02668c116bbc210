"""Shapes of equal weight, and proof that a decoder is the one its shape asks for."""

from __future__ import annotations

import torch
from model import Decoder, Shape, parameters
from torch import nn

EQUAL = 0.02  # of the baseline's weights, by which another shape may have more or fewer
STEP = 4  # to which a fitted feed-forward is rounded


def expected(shape: Shape) -> tuple[int, int]:
    """Return the weights of a shape, and the multiplications of a token, attention's sums aside.

    Counted from the sizes alone, so that a decoder which overlooks one of them shows.
    """
    inner, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    matrices = shape.width * (2 * inner + 2 * kv + (3 if shape.gated else 2) * shape.ffn)
    table = shape.vocabulary * shape.width
    norms = (2 * shape.layers + 1) * shape.width
    weights = shape.layers * matrices + (1 if shape.tied else 2) * table + norms
    return weights, shape.layers * shape.repeat * matrices + table


def fitted(vocabulary: int, base: dict[str, int], sizes: dict[str, int]) -> Shape:
    """Return the shape with the feed-forward that brings its weights nearest to the baseline's.

    Raises
    ------
    ValueError
        No feed-forward brings them within 2 %.
    """
    goal, _ = expected(Shape(vocabulary, **base))
    least, _ = expected(Shape(vocabulary, **(base | sizes | {"ffn": 0})))
    each = (expected(Shape(vocabulary, **(base | sizes | {"ffn": STEP})))[0] - least) / STEP
    ffn = max(STEP, STEP * round((goal - least) / each / STEP))
    shape = Shape(vocabulary, **(base | sizes | {"ffn": ffn}))
    if abs(expected(shape)[0] / goal - 1) > EQUAL:
        raise ValueError(f"{sizes} cannot have as many weights as the baseline")
    return shape


def faithful(model: Decoder, asked: Shape) -> tuple[int, int]:
    """Return weights and multiplications of a decoder, as found in it at work.

    Raises
    ------
    ValueError
        They are not those of the shape asked for, or a weight is of no effect: an option was
        overlooked.
    """
    used = [model.embedding.weight.numel()]  # the head, tied or not

    def count(layer: nn.Linear, given: object, made: object) -> None:
        used.append(layer.weight.numel())

    linear = [m for m in model.blocks.modules() if isinstance(m, nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in linear]
    model(torch.zeros((1, 2), dtype=torch.long)).square().sum().backward()
    for hook in hooks:
        hook.remove()
    idle = [name for name, weight in model.named_parameters() if weight.grad is None]
    model.zero_grad(set_to_none=True)
    found = parameters(model), sum(used)
    if idle or found != expected(asked):
        raise ValueError(f"not the decoder that was asked for: {asked}")
    return found
