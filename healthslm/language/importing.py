"""A checkpoint into a folder that the board can use: quantised, tested, sealed.

The test is made on the machine that imports, and stands in the manifest. Rows of logits on a
fixed text are compared four ways:

- `graph`: the quantised graph with float32 products against NumPy with the same rounded
  weights. They compute one thing, so a difference is a fault of wiring, and nothing is written.
- `top1`, `error`: the graph that will be used against NumPy with the weights as published.
  This is what 4 or 8 bits cost; it depends on the model, and is for a person to judge.
- `level_top1`, `level_error`: products in 8 bits against products in float32. Some models have
  activations too uneven for 8 bits (onnxruntime issue 29849); those get float32 products.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from healthslm.errors import CheckpointError
from healthslm.language import graph, reference
from healthslm.language.checkpoint import Checkpoint
from healthslm.language.decoder import Decoder
from healthslm.language.quantise import rounded
from healthslm.language.seal import FORM, GRAPH, MANIFEST, TOKENIZER, digests
from healthslm.language.shape import FloatArray, Weights, block_of, parameters

WIRING = 2e-4  # largest difference of a logit, of the largest logit; measured 1e-6 (125M: 2e-6)
UNEVEN = 0.1  # root mean square that 8-bit products may add, of the logits' deviation; usual 0.03
PRODUCTS = {4: "int8", 1: "float32"}  # accuracy_level
TEXT = (
    "Your pulse was steady for most of the day. It was 64 beats a minute at rest, which is usual "
    "for you. Last night you slept seven hours. Su pulso fue estable casi todo el día, con 64 "
    "latidos por minuto en reposo, como es habitual en usted."
)
MOST = 64  # tokens of it

Progress = Callable[[str, int, int], None]  # what is done, steps done, steps in all


@dataclass(frozen=True, slots=True)
class Parity:
    """How far apart the ways of computing the same text were."""

    tokens: int  # positions that were compared
    graph: float  # largest difference of a logit
    top1: float  # share of positions with the same likeliest token
    error: float
    level_top1: float
    level_error: float
    logit_std: float  # of the published weights, to judge the differences by


def convert(
    checkpoint: Checkpoint, folder: Path, *, bits: int, progress: Progress | None = None
) -> dict[str, Any]:
    """Write the folder of a model; return its manifest. It appears whole, or not at all.

    Raises
    ------
    CheckpointError
        There is such a folder already, the weights cannot be used, or the graph does not
        compute what they do.
    """
    if folder.exists():
        raise CheckpointError(f"{folder}: there is a model of this name. Remove it first")
    shape, part = checkpoint.shape, folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        block, told = block_of(shape), progress or (lambda *_: None)
        weights = _Counted(checkpoint, "quantising", told)
        graph.save(part / GRAPH, shape, weights, bits, block)
        parity, level = _tested(part, checkpoint, bits, block, told)
        (part / TOKENIZER).write_bytes(checkpoint.tokenizer)
        manifest = _manifest(checkpoint, folder.name, bits, block, level, parity)
        manifest["files"] = digests(part)
        content = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
        (part / MANIFEST).write_text(content, "utf-8")
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def _manifest(
    checkpoint: Checkpoint, name: str, bits: int, block: int, level: int, parity: Parity
) -> dict[str, Any]:
    shape = asdict(checkpoint.shape)
    return {
        "form": FORM,
        "name": name,
        "tokenizer": "bpe",
        "source": checkpoint.architecture,
        "architecture": {key: value for key, value in shape.items() if value is not None},
        "parameters": parameters(checkpoint.shape),
        "quantisation": {"bits": bits, "block": block, "products": PRODUCTS[level]},
        "parity": {k: v if k == "tokens" else float(f"{v:.4g}") for k, v in asdict(parity).items()},
    }


def _tested(
    part: Path, checkpoint: Checkpoint, bits: int, block: int, told: Progress
) -> tuple[Parity, int]:
    """Compare the ways of computing; leave the graph with the products that are to be used."""
    shape = checkpoint.shape
    tokens = _text(checkpoint)
    asked = slice(len(tokens) // 4 - 1, None)  # what is read at once, then one token at a time
    exact = part / "exact.onnx"  # beside the data that it shares
    graph.relevelled(part / GRAPH, 1, exact)
    float_products = _rows(exact, tokens)
    level_4 = _rows(part / GRAPH, tokens)
    same = _Rounded(_Counted(checkpoint, "testing the graph", told), bits, block)
    expected = reference.logits(shape, same, tokens)[asked]
    wiring = float(np.abs(float_products - expected).max())
    if not wiring <= WIRING * float(np.abs(expected).max()):
        raise CheckpointError(
            f"the graph gives other logits than the weights (by {wiring:.2g}): a fault of this "
            "program. Nothing was written; please report it with the model's config.json"
        )
    whole = _Counted(checkpoint, "testing the weights", told)
    published = reference.logits(shape, whole, tokens)[asked]
    added = float(np.sqrt(np.square(level_4 - float_products).mean()))
    uneven = added > UNEVEN * float(published.std())
    if uneven:
        exact.replace(part / GRAPH)
    exact.unlink(missing_ok=True)
    used = float_products if uneven else level_4
    parity = Parity(
        tokens=len(published),
        graph=wiring,
        top1=_top1(used, published),
        error=float(np.abs(used - published).max()),
        level_top1=_top1(level_4, float_products),
        level_error=float(np.abs(level_4 - float_products).max()),
        logit_std=float(published.std()),
    )
    return parity, 1 if uneven else 4


def _text(checkpoint: Checkpoint) -> list[int]:
    """Return the fixed text as tokens; where the vocabulary lacks its letters, any tokens."""
    tokenizer = tokenizers.Tokenizer.from_str(checkpoint.tokenizer.decode())
    most = min(MOST, checkpoint.shape.context)
    tokens = list(tokenizer.encode(TEXT).ids)[:most]
    if len(tokens) < most:
        draw = np.random.default_rng(0)
        tokens += draw.integers(0, checkpoint.shape.vocabulary, most - len(tokens)).tolist()
    return tokens


def _rows(path: Path, tokens: Sequence[int]) -> FloatArray:
    """Return the logits after the first quarter of the text, and after each token from there."""
    decoder, first = Decoder(path), len(tokens) // 4
    rows = [decoder.read(tokens[:first]), *(decoder.read([token]) for token in tokens[first:])]
    return np.stack(rows)


def _top1(a: FloatArray, b: FloatArray) -> float:
    return float((a.argmax(1) == b.argmax(1)).mean())


class _Rounded(Mapping[str, FloatArray]):
    """Weights as they are once they were kept in fewer bits."""

    def __init__(self, weights: Weights, bits: int, block: int) -> None:
        self._weights, self._bits, self._block = weights, bits, block

    def __getitem__(self, name: str) -> FloatArray:
        return rounded(self._weights[name], self._bits, self._block)

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


class _Counted(Mapping[str, FloatArray]):
    """Weights that say how many of them were asked for."""

    def __init__(self, weights: Weights, what: str, told: Progress) -> None:
        self._weights, self._what, self._told = weights, what, told
        self._asked: set[str] = set()

    def __getitem__(self, name: str) -> FloatArray:
        self._asked.add(name)
        self._told(self._what, len(self._asked), len(self._weights))
        return self._weights[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)
