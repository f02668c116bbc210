"""Read a folder of published weights: `config.json`, `*.safetensors`, `tokenizer.json`.

What it does not know it refuses by name, and says why and what to do. Nothing of a folder is
ever executed; weights in Python's pickle form, which would be, are refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from healthslm.errors import CheckpointError
from healthslm.language import architecture
from healthslm.language.architecture import CONTEXT, said
from healthslm.language.shape import FloatArray, Shape, sizes

try:
    import ml_dtypes  # noqa: F401 - teaches NumPy what bfloat16 is
    import tokenizers
    from safetensors import SafetensorError, safe_open
except ModuleNotFoundError as missing:
    raise CheckpointError(
        f"a checkpoint is read with the package {missing.name}, which is not installed here. "
        "Get it with: pip install 'healthslm[import]'"
    ) from missing

KINDS = ("F32", "F16", "BF16")  # of numbers
MAX_CONFIG = 1 << 20  # bytes; published ones are 1 to 2 kB
MAX_INDEX = 1 << 24  # bytes
MAX_TOKENIZER = 1 << 26  # bytes; Qwen's is 11 MB
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")

BLOCK_NAMES = {
    "attention_norm": "input_layernorm.weight",
    "ffn_norm": "post_attention_layernorm.weight",
    "q": "self_attn.q_proj.weight",
    "k": "self_attn.k_proj.weight",
    "v": "self_attn.v_proj.weight",
    "out": "self_attn.o_proj.weight",
    "q_bias": "self_attn.q_proj.bias",
    "k_bias": "self_attn.k_proj.bias",
    "v_bias": "self_attn.v_proj.bias",
    "out_bias": "self_attn.o_proj.bias",
    "q_norm": "self_attn.q_norm.weight",
    "k_norm": "self_attn.k_norm.weight",
    "gate": "mlp.gate_proj.weight",
    "up": "mlp.up_proj.weight",
    "down": "mlp.down_proj.weight",
}
NAMES = {
    "embedding": "model.embed_tokens.weight",
    "norm": "model.norm.weight",
    "head": "lm_head.weight",
}


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint(Mapping[str, FloatArray]):
    """The weights of a folder under the names of `graph`; each is read when it is asked for."""

    architecture: str
    shape: Shape
    tokenizer: bytes  # tokenizer.json as it is
    files: Mapping[str, tuple[Path, str]]  # where a weight lies: its file, and its name there

    def __getitem__(self, name: str) -> FloatArray:
        """Return a weight as float32.

        Raises
        ------
        CheckpointError
            A number in it is none, or its file was altered meanwhile.
        """
        path, there = self.files[name]
        try:
            with safe_open(path, "np") as tensors:
                weight: FloatArray = tensors.get_tensor(there).astype(np.float32)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{path.name}: {there} cannot be read: {error}") from error
        if not np.isfinite(weight).all():
            raise CheckpointError(
                f"{path.name}: {there} holds infinities or what is no number: the weights are "
                "damaged. Get the file again"
            )
        return weight

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


def read(folder: Path, context: int = CONTEXT) -> Checkpoint:
    """Return the checkpoint in `folder`; of its weights only names and sizes are looked at.

    Parameters
    ----------
    context
        Tokens that the model is to hold, or as many as it was made for if that is fewer.

    Raises
    ------
    CheckpointError
        The folder holds no checkpoint that is known, whole and of a form that is safe.
    """
    name, shape = architecture.read(_json(folder / "config.json", MAX_CONFIG), context)
    files = _weights(_tensors(folder), shape, name)
    return Checkpoint(name, shape, _tokenizer(folder, shape.vocabulary), files)


def _tensors(folder: Path) -> dict[str, tuple[Path, tuple[int, ...]]]:
    """Return the tensors of a folder: where each lies, and its size."""
    found: dict[str, tuple[Path, tuple[int, ...]]] = {}
    for path in _files(folder):
        try:
            with safe_open(path, "np") as tensors:
                for name in tensors.keys():  # noqa: SIM118 - it is no mapping
                    part = tensors.get_slice(name)
                    if part.get_dtype() not in KINDS:
                        raise CheckpointError(
                            f"{path.name}: {name} is kept as {part.get_dtype()}. Known are "
                            f"{', '.join(KINDS)}: choose a checkpoint that is not quantised"
                        )
                    if name in found:
                        raise CheckpointError(f"{name} lies in two files. Get the checkpoint again")
                    found[name] = path, tuple(part.get_shape())
        except (OSError, SafetensorError) as error:
            raise CheckpointError(
                f"{path.name}: not a whole safetensors file ({error}). Get it again"
            ) from error
    return found


def _files(folder: Path) -> list[Path]:
    """Return the files of weights that a folder names."""
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if index.exists():
        weight_map = _json(index, MAX_INDEX).get("weight_map")
        shards = set(weight_map.values()) if isinstance(weight_map, dict) else set()
        if not shards or not all(_plain(shard) for shard in shards):
            raise CheckpointError(f"{index.name}: names no files of this folder. Get it again")
        return [folder / shard for shard in sorted(shards)]
    if single.exists():
        return [single]
    pickled = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLES)
    if pickled:
        raise CheckpointError(
            f"{pickled[0]}: weights in Python's pickle form can run code when they are read, so "
            "they are never opened. Get the checkpoint as safetensors"
        )
    raise CheckpointError(
        f"{folder}: no model.safetensors here. Name the folder that holds config.json, the "
        "weights and tokenizer.json"
    )


def _plain(name: object) -> bool:
    """Return whether a name is that of a file of weights, and leads to no other folder."""
    return isinstance(name, str) and name == Path(name).name and name.endswith(".safetensors")


def _weights(
    tensors: dict[str, tuple[Path, tuple[int, ...]]], shape: Shape, kind: str
) -> dict[str, tuple[Path, str]]:
    """Return where each weight of a shape lies, once all are there and none is left over."""
    wanted = {published(name): (name, size) for name, size in sizes(shape).items()}
    if lacking := sorted(wanted.keys() - tensors.keys()):
        raise CheckpointError(
            f"{_some(lacking)} missing: the checkpoint is not whole, or config.json is of "
            "another. Get it again"
        )
    spare = {n for n in tensors.keys() - wanted.keys() if not n.endswith("rotary_emb.inv_freq")}
    if shape.tied and NAMES["head"] in spare:
        _same_head(tensors)
        spare.discard(NAMES["head"])
    if spare:
        raise CheckpointError(
            f"{_some(sorted(spare))} unexpected: a {kind} has no such "
            "weights, so what it computes is not known. Choose another checkpoint"
        )
    for there, (_, size) in wanted.items():
        if tensors[there][1] != size:
            raise CheckpointError(
                f"{there} is {_by(tensors[there][1])}, and config.json makes it "
                f"{_by(size)}. One of the two is of another model"
            )
    return {name: (tensors[p][0], p) for p, (name, _) in wanted.items()}


def _same_head(tensors: dict[str, tuple[Path, tuple[int, ...]]]) -> None:
    """Refuse a head that is not the embedding that the configuration ties it to."""
    held = []
    for name in (NAMES["head"], NAMES["embedding"]):
        with safe_open(tensors[name][0], "np") as file:
            held.append(file.get_tensor(name))
    if not np.array_equal(*held):
        raise CheckpointError(
            "lm_head.weight differs from the embedding, which config.json says it is. One of "
            "the two is wrong: ask whoever published the checkpoint"
        )


def published(name: str) -> str:
    """Return a weight's name in published checkpoints.

    >>> published("blocks.3.gate")
    'model.layers.3.mlp.gate_proj.weight'
    """
    if name in NAMES:
        return NAMES[name]
    _, layer, part = name.split(".")
    return f"model.layers.{layer}.{BLOCK_NAMES[part]}"


def _tokenizer(folder: Path, vocabulary: int) -> bytes:
    """Return tokenizer.json, once it is sure to give tokens that the model knows."""
    path = folder / "tokenizer.json"
    if not path.exists() and (folder / "tokenizer.model").exists():
        raise CheckpointError(
            "tokenizer.json is missing, and tokenizer.model is SentencePiece's form, which is "
            "not read here. Convert it once: with transformers, AutoTokenizer.from_pretrained"
            "(FOLDER).save_pretrained(FOLDER)"
        )
    kind = _json(path, MAX_TOKENIZER).get("model")
    kind = kind.get("type") if isinstance(kind, dict) else None
    if kind != "BPE":
        raise CheckpointError(f"tokenizer.json: a tokenizer of type {said(kind)}. Known is BPE")
    content = path.read_bytes()
    try:
        tokenizer = tokenizers.Tokenizer.from_str(content.decode())
    except Exception as error:  # the library raises no narrower class
        raise CheckpointError(f"tokenizer.json: cannot be used: {error}. Get it again") from error
    most = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
    if most >= vocabulary:
        raise CheckpointError(
            f"tokenizer.json: knows token {most}, and the model {vocabulary} in all. One of the "
            "two is of another model"
        )
    return content


def _json(path: Path, most: int) -> dict[str, Any]:
    """Return the object that a file of bounded size holds."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}. A checkpoint's folder has it") from error
    if len(content) > most:
        raise CheckpointError(f"{path.name}: more than {most:,} bytes: not what its name says")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name}: not JSON. Get it again") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path.name}: holds no JSON object. Get it again")
    return found


def _some(names: Sequence[str]) -> str:
    """Return up to three names, and how many there are: the verb is the caller's."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(said(name) for name in names[:3])}{more}"


def _by(size: Sequence[int]) -> str:
    return " x ".join(map(str, size)) or "a single number"
