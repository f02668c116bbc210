"""Texts that a trained decoder writes freely in PyTorch, many at a time, with no graph.

As `healthslm.language.slm` lets a model write: the likeliest word each time, a slot only where the
plan holds it and as often as it is listed, and no end while a required slot is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from model import Decoder
from torch import Tensor

from healthslm.language import slots
from healthslm.language.plan import Plan
from healthslm.language.tokens import END, Vocabulary

Asked = tuple[Plan, str]  # a plan, and the language to say it in


@torch.no_grad()
def written(model: Decoder, asked: Sequence[Asked], vocabulary: Vocabulary) -> list[list[str]]:
    """Return a text for each plan; one that ran out of room has no `<end>`."""
    prompts = [vocabulary.encode(what.prompt(lang)) for what, lang in asked]
    texts: list[list[str]] = [[] for _ in asked]
    for length in sorted({len(p) for p in prompts}):  # of one length, so nothing is padded
        rows = [n for n, p in enumerate(prompts) if len(p) == length]
        plans = [asked[n][0] for n in rows]
        read = torch.tensor([prompts[n] for n in rows])  # (rows, length)
        steps = list(_steps(model, read, plans, vocabulary))
        for n, ids in zip(rows, torch.stack(steps, dim=1).tolist(), strict=True):
            text = vocabulary.decode(ids)
            texts[n] = text[: text.index(END) + 1] if END in text else text
    return texts


def _steps(
    model: Decoder, read: Tensor, plans: Sequence[Plan], vocabulary: Vocabulary
) -> Iterator[Tensor]:
    """Yield the next token of every row, shape (rows,), until each has ended or room is out."""
    rows, end, past = torch.arange(len(plans)), vocabulary.ids[END], model.past()
    words = torch.tensor([not token.startswith("<") for token in vocabulary.tokens])  # (V,)
    left = torch.zeros(len(plans), len(vocabulary), dtype=torch.long)  # slots, times each
    missing = torch.zeros(len(plans), len(vocabulary), dtype=torch.bool)
    for row, what in enumerate(plans):
        for slot in vocabulary.encode(slots.allowed(what)):
            left[row, slot] += 1
        missing[row, vocabulary.encode(slots.required(what))] = True
    ended = torch.zeros(len(plans), dtype=torch.bool)
    for _ in range(model.shape.context - read.shape[1]):
        may = words | (left > 0)  # (rows, V)
        may[:, end] = ~missing.any(dim=1)
        logits = model(read, past)[:, -1]  # (rows, V)
        token = logits.masked_fill(~may, -torch.inf).argmax(dim=1)
        yield token
        left[rows, token] -= 1
        missing[rows, token] = False
        ended |= token == end
        if ended.all():
            break
        read = token[:, None]
