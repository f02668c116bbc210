"""The trained decoder as an ONNX graph for onnxruntime alone, checked against PyTorch.

The graph is built by `healthslm.language.graph`, as those of imported models are. Matrices
are kept in 8 bits, in blocks of 32 along the inner size.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from model import Decoder, Shape, parameters
from numpy.typing import NDArray

from healthslm.language import graph, shape
from healthslm.language.decoder import Decoder as Runner
from healthslm.language.seal import FORM, GRAPH, MANIFEST, TOKENIZER, digest
from healthslm.language.tokens import Vocabulary

FloatArray = NDArray[np.float32]

BLOCK = 32  # divides every inner size; 0 of 400 texts changed a claim against float32
PARITY = 1e-4  # largest difference of a logit between the float32 graph and PyTorch


def refuse(asked: Shape) -> None:
    """Refuse what the quantised graph cannot hold; ValueError names it.

    Each inner size is a multiple of 64, the widest block of weights that share a scale.
    """
    if not asked.gated:
        raise ValueError("gated must be true: the graph knows no other feed-forward")
    for name, size in (
        ("width", asked.width),
        ("heads * head_dim", asked.heads * asked.head_dim),
        ("ffn", asked.ffn),
    ):
        if size % 64:
            raise ValueError(f"{name} must be a multiple of 64, not {size}")


def weights(model: Decoder) -> dict[str, FloatArray]:
    """Return the weights under the names that the graph knows them by."""
    found: dict[str, FloatArray] = {}
    sizes = model.shape
    q, kv = sizes.heads * sizes.head_dim, sizes.kv_heads * sizes.head_dim
    for name, weight in model.named_parameters():
        value, short = weight.detach().float().numpy(), name.removesuffix(".weight")
        if short.endswith(".qkv"):
            block = short.removesuffix("qkv")
            parts = np.split(value, [q, q + kv])
            found |= {f"{block}{part}": v for part, v in zip("qkv", parts, strict=True)}
        elif short.endswith(".up"):
            block = short.removesuffix("up")
            found[f"{block}gate"], found[f"{block}up"] = np.split(value, 2)
        else:
            found[short] = value
    return found


def build(model: Decoder, bits: int) -> onnx.ModelProto:
    """Return the whole graph; in 32 bits it is the one that parity is asked of."""
    refuse(model.shape)
    sizes = asdict(model.shape)
    del sizes["gated"]
    return graph.build(shape.Shape(**sizes), weights(model), bits, BLOCK)


def logits(model: onnx.ModelProto, pieces: Sequence[Sequence[int]]) -> FloatArray:
    """Return the logits, (m, vocabulary), after each of m `pieces` that are read in turn."""
    runner = Runner(model.SerializeToString())
    return np.stack([runner.read(piece) for piece in pieces])


def parity(model: Decoder, seed: int = 0) -> float:
    """Return the largest difference of a logit between PyTorch and the float32 graph.

    A prompt of 20 random tokens at once, then 20 more one at a time.
    """
    draw = np.random.default_rng(seed)
    tokens = draw.integers(0, model.shape.vocabulary, 40)
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(tokens)[None])[0, 19:].numpy()  # (21, V)
    listed = tokens.tolist()
    found = logits(build(model, 32), [listed[:20], *([token] for token in listed[20:])])
    return float(np.abs(found - expected).max())


def export(model: Decoder, tokens: Sequence[str], folder: Path, about: dict[str, object]) -> float:
    """Write the model's folder; return the parity that was found.

    Raises
    ------
    ValueError
        The float32 graph and PyTorch differ by more than `PARITY`: a fault in this file.
    """
    difference = parity(model)
    if not difference <= PARITY:
        raise ValueError(f"graph and model differ by {difference:.1e}")
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(build(model, 8), folder / GRAPH)
    Vocabulary(tuple(tokens)).save(folder / TOKENIZER)
    manifest = {
        "form": FORM,
        "architecture": asdict(model.shape),
        "parameters": parameters(model),
        "quantisation": {"bits": 8, "block": BLOCK},
        "parity": difference,
        **about,
    }
    _write(folder / MANIFEST, manifest)
    seal(folder)
    return difference


def seal(folder: Path, **trained: object) -> None:
    """Write the hash of every file into the manifest, and what is to be said of the training."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["training"] = {**manifest.get("training", {}), **trained}
    files = sorted(f for f in folder.glob("[!.]*") if f.is_file() and f != path)
    manifest["files"] = {f.name: digest(f) for f in files}
    _write(path, manifest)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
