"""Published weights are read as they are, or refused by name with what to do."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from healthslm.errors import CheckpointError
from healthslm.language import checkpoint
from healthslm.language.shape import Stretch, sizes

from .published import KINDS, drawn, publish, write_tensors

WEIGHTS = "model.safetensors"


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_is_read_as_it_is(tmp_path: Path, kind: str) -> None:
    found = checkpoint.read(publish(tmp_path, kind))
    shape, says = KINDS[kind]
    assert found.shape == shape
    assert found.architecture == says["architectures"][0]
    assert set(found) == set(sizes(shape)) and len(found) == len(sizes(shape))
    for name, weight in drawn(shape).items():
        assert found[name].dtype == np.float32
        assert np.array_equal(found[name], weight), name


def test_mobilellms_own_words_count_whatever_class_it_names(tmp_path: Path) -> None:
    publish(tmp_path, "mobilellm, shared blocks", architectures=["LlamaForCausalLM"])
    assert checkpoint.read(tmp_path).shape == KINDS["mobilellm, shared blocks"][0]


@pytest.mark.parametrize("kind", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_read_exactly(tmp_path: Path, kind: Any) -> None:
    tensors = load_file(publish(tmp_path) / WEIGHTS)
    halves = {name: tensor.astype(kind) for name, tensor in tensors.items()}
    write_tensors(tmp_path, halves)
    found = checkpoint.read(tmp_path)["blocks.0.q"]
    expected = halves["model.layers.0.self_attn.q_proj.weight"].astype(np.float32)
    assert found.dtype == np.float32 and np.array_equal(found, expected)


def sharded(folder: Path) -> Path:
    """Part the weights of a checkpoint into two files and an index."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = sorted(tensors)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for shard, held in shards.items():
        save_file({n: tensors[n] for n in held}, folder / shard)
    where = {name: shard for shard, held in shards.items() for name in held}
    index = {"metadata": {}, "weight_map": where}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
    return folder


def test_weights_in_several_files_are_read_as_one(tmp_path: Path) -> None:
    found = checkpoint.read(sharded(publish(tmp_path)))
    for name, weight in drawn(found.shape).items():
        assert np.array_equal(found[name], weight)


def test_the_context_is_the_models_or_what_is_asked_for(tmp_path: Path) -> None:
    """Each token that it may hold costs memory."""
    publish(tmp_path, max_position_embeddings=131_072)
    assert checkpoint.read(tmp_path).shape.context == 1024
    assert checkpoint.read(tmp_path, 256).shape.context == 256
    publish(tmp_path, max_position_embeddings=100)
    assert checkpoint.read(tmp_path).shape.context == 100


ROPES: dict[str, tuple[dict[str, Any], Callable[[Any], bool]]] = {
    "new form": ({"rope_parameters": {"rope_theta": 7e4}}, lambda s: s.theta == 7e4),
    "old form": ({"rope_theta": 6e4, "rope_scaling": None}, lambda s: s.theta == 6e4),
    "none, as in the oldest": ({"rope_theta": None}, lambda s: s.theta == 1e4),
    "linear": (
        {"rope_scaling": {"type": "linear", "factor": 4.0}},
        lambda s: s.slowed == 4.0 and s.theta == 1e4,
    ),
    "llama3": (
        {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 5e5,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
        lambda s: s.theta == 5e5 and s.stretch == Stretch(8.0, 1.0, 4.0, 64),
    ),
}


@pytest.mark.parametrize(("says", "holds"), ROPES.values(), ids=ROPES)
def test_rotations_are_read_in_both_forms(tmp_path: Path, says, holds) -> None:
    assert holds(checkpoint.read(publish(tmp_path, **says)).shape)


def test_a_head_that_is_stored_though_it_is_tied_has_to_be_the_embedding(tmp_path: Path) -> None:
    tensors = load_file(publish(tmp_path) / WEIGHTS)
    same = tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"].copy()}
    write_tensors(tmp_path, same)
    assert "head" not in checkpoint.read(tmp_path)
    same["lm_head.weight"][7, 7] += 1
    write_tensors(tmp_path, same)
    with pytest.raises(CheckpointError, match=r"lm_head.weight differs"):
        checkpoint.read(tmp_path)


def test_tables_that_follow_from_the_configuration_are_passed_over(tmp_path: Path) -> None:
    tensors = load_file(publish(tmp_path) / WEIGHTS)
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    write_tensors(tmp_path, tensors | {name: np.ones(8, np.float32)})
    assert checkpoint.read(tmp_path).shape == KINDS["llama"][0]


def test_a_window_that_is_wider_than_the_context_does_not_matter(tmp_path: Path) -> None:
    publish(tmp_path, "mistral", sliding_window=128)
    assert checkpoint.read(tmp_path).shape.context == 128
    publish(tmp_path, "qwen2", sliding_window=16, use_sliding_window=False)
    assert checkpoint.read(tmp_path)
    publish(tmp_path, "mistral", sliding_window=None)
    assert checkpoint.read(tmp_path)


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {  # kind, what config says, message
    "an unknown architecture": (
        "llama",
        {"architectures": ["MambaForCausalLM"]},
        "MambaForCausalLM",
    ),
    "no architecture": ("llama", {"architectures": []}, "architecture absent is unknown"),
    "an architecture that is no name": ("llama", {"architectures": [["x"]]}, "unknown"),
    "an unknown rotation": ("llama", {"rope_scaling": {"rope_type": "yarn"}}, "type yarn"),
    "a part that is rotated": ("llama", {"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
    "a stretch without its limits": (
        "llama",
        {"rope_scaling": {"type": "llama3"}},
        "low_freq_factor",
    ),
    "a stretch with limits exchanged": (
        "llama",
        {
            "rope_scaling": {
                "type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 4.0,
                "high_freq_factor": 1.0,
                "original_max_position_embeddings": 64,
            }
        },
        "not below",
    ),
    "a window that matters": ("mistral", {"sliding_window": 127}, "sliding_window 127"),
    "a window that is in use": (
        "qwen2",
        {"sliding_window": 16, "use_sliding_window": True},
        "sliding_window 16",
    ),
    "layers with a window": (
        "qwen3",
        {"sliding_window": 16, "layer_types": ["full_attention", "sliding_attention"]},
        "sliding_window 16",
    ),
    "another activation": ("llama", {"hidden_act": "gelu"}, "hidden_act gelu"),
    "weights that are quantised": ("llama", {"quantization_config": {"bits": 4}}, "quantization"),
    "biases where none are known": ("llama", {"mlp_bias": True}, "mlp_bias"),
    "neighbours that turn": ("llama", {"rope_interleaved": True}, "rope_interleaved"),
    "experts": ("llama", {"num_local_experts": 8}, "experts"),
    "heads that share no keys": ("llama", {"num_key_value_heads": 3}, "evenly"),
    "heads of an odd size": ("llama", {"head_dim": 12}, "multiples of 8"),
    "an inner size that no block divides": ("llama", {"intermediate_size": 100}, "multiples of 32"),
    "absurdly many layers": ("llama", {"num_hidden_layers": 10**9}, "num_hidden_layers"),
    "no layer": ("llama", {"num_hidden_layers": 0}, "num_hidden_layers"),
    "no eps": ("llama", {"rms_norm_eps": None}, "rms_norm_eps"),
    "no number of tokens": ("llama", {"max_position_embeddings": None}, "max_position"),
    "half a layer": ("llama", {"num_hidden_layers": 1.5}, "num_hidden_layers"),
    "a truth for a number": ("llama", {"num_hidden_layers": True}, "num_hidden_layers"),
    "a text for a number": ("llama", {"rms_norm_eps": "1e-5"}, "rms_norm_eps"),
    "a number that is none": ("llama", {"rope_theta": float("nan")}, "rope_theta"),
    "absurdly many tokens": ("llama", {"vocab_size": 10**12}, "vocab_size"),
    "more weights than a board holds": (
        "llama",
        {"hidden_size": 8192, "intermediate_size": 65_536, "head_dim": 64, "num_hidden_layers": 80},
        "thousand million",
    ),
    "a head that is not there": ("llama", {"tie_word_embeddings": False}, "lm_head.weight missing"),
    "biases that are not there": ("llama", {"attention_bias": True}, "and 5 more missing"),
    "norms that are not expected": ("qwen3", {"architectures": ["LlamaForCausalLM"]}, "unexpected"),
    "biases that are not expected": (
        "qwen2",
        {"architectures": ["LlamaForCausalLM"]},
        "unexpected",
    ),
    "more layers than there are": ("llama", {"num_hidden_layers": 3}, "layers.2"),
    "fewer layers than there are": ("llama", {"num_hidden_layers": 1}, "layers.1"),
    "other sizes": (
        "llama",
        {"intermediate_size": 192},
        "128 x 64, and config.json makes it 192 x 64",
    ),
    "a smaller vocabulary": ("llama", {"vocab_size": 319}, "320 x 64"),
}


@pytest.mark.parametrize(("kind", "says", "message"), REFUSED.values(), ids=REFUSED)
def test_it_refuses(tmp_path: Path, kind: str, says: dict[str, Any], message: str) -> None:
    publish(tmp_path, kind, **says)
    with pytest.raises(CheckpointError) as refused:
        checkpoint.read(tmp_path)
    assert message in str(refused.value)
    assert len(str(refused.value)) < 400


def changed(folder: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    write_tensors(folder, tensors)


def header(length: int, content: bytes) -> bytes:
    return struct.pack("<Q", length) + content


def outside(dtype: str = "F32", stop: int = 1 << 40) -> bytes:
    content = json.dumps(
        {"model.norm.weight": {"dtype": dtype, "shape": [stop // 4], "data_offsets": [0, stop]}}
    ).encode()
    return header(len(content), content)


SPOILT: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no configuration": (lambda f: (f / "config.json").unlink(), "config.json"),
    "a configuration that is no JSON": (lambda f: (f / "config.json").write_text("{"), "not JSON"),
    "a configuration that is a list": (
        lambda f: (f / "config.json").write_text("[]"),
        "no JSON object",
    ),
    "a deep configuration": (lambda f: (f / "config.json").write_text("[" * 200_000), "not JSON"),
    "a long configuration": (
        lambda f: (f / "config.json").write_bytes(b" " * (checkpoint.MAX_CONFIG + 1)),
        "more than",
    ),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), "no model.safetensors"),
    "pickled weights": (
        lambda f: (f / WEIGHTS).rename(f / "pytorch_model.bin"),
        "pytorch_model.bin: weights in Python's pickle form",
    ),
    "weights of a checkpoint of torch": (lambda f: (f / WEIGHTS).rename(f / "x.pt"), "pickle form"),
    "weights cut short": (
        lambda f: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:-4]),
        "not a whole safetensors file",
    ),
    "weights that are nothing": (lambda f: (f / WEIGHTS).write_bytes(b""), "not a whole"),
    "a header longer than the file": (
        lambda f: (f / WEIGHTS).write_bytes(header(1 << 62, b"{}")),
        "not a whole",
    ),
    "a tensor that lies outside": (lambda f: (f / WEIGHTS).write_bytes(outside()), "not a whole"),
    "a missing tensor": (
        lambda f: changed(f, lambda t: t.pop("model.layers.1.mlp.up_proj.weight")),
        "model.layers.1.mlp.up_proj.weight missing",
    ),
    "an unexpected tensor": (
        lambda f: changed(f, lambda t: t.update({"model.extra.weight": np.ones(3, np.float32)})),
        "model.extra.weight unexpected",
    ),
    "numbers of an unknown kind": (
        lambda f: changed(f, lambda t: t.update({"model.norm.weight": np.ones(64, np.int8)})),
        "kept as I8",
    ),
    "a tensor the other way round": (
        lambda f: changed(
            f,
            lambda t: t.update(
                {"model.layers.0.mlp.up_proj.weight": np.ones((64, 128), np.float32)}
            ),
        ),
        "64 x 128",
    ),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json"),
    "a tokenizer of SentencePiece": (
        lambda f: (f / "tokenizer.json").rename(f / "tokenizer.model"),
        "save_pretrained",
    ),
    "another kind of tokenizer": (
        lambda f: (f / "tokenizer.json").write_text('{"model": {"type": "Unigram"}}'),
        "type Unigram",
    ),
    "a tokenizer that is none": (
        lambda f: (f / "tokenizer.json").write_text('{"model": {"type": "BPE"}}'),
        "cannot be used",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_folder_is_refused(tmp_path: Path, spoil, message: str) -> None:
    spoil(publish(tmp_path))
    with pytest.raises(CheckpointError) as refused:
        checkpoint.read(tmp_path)
    assert message in str(refused.value)


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    publish(tmp_path)
    text = json.loads((tmp_path / "tokenizer.json").read_text())
    text["added_tokens"] = [
        {
            "id": 320,
            "content": "<more>",
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
    ]
    text["model"]["vocab"] |= {f"x{n}": n for n in range(len(text["model"]["vocab"]), 320)}
    (tmp_path / "tokenizer.json").write_text(json.dumps(text))
    with pytest.raises(CheckpointError, match="knows token 320, and the model 320"):
        checkpoint.read(tmp_path)


@pytest.mark.parametrize("shard", ["../other.safetensors", "/etc/passwd", "config.json", 5, ""])
def test_an_index_names_files_of_its_own_folder(tmp_path: Path, shard: object) -> None:
    publish(tmp_path)
    index = tmp_path / f"{WEIGHTS}.index.json"
    index.write_text(json.dumps({"weight_map": {"model.norm.weight": shard}}))
    with pytest.raises(CheckpointError, match="names no files of this folder"):
        checkpoint.read(tmp_path)


def test_a_file_that_the_index_names_has_to_be_there(tmp_path: Path) -> None:
    (sharded(publish(tmp_path)) / "b.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"b.safetensors"):
        checkpoint.read(tmp_path)


def test_a_tensor_in_two_files_is_refused(tmp_path: Path) -> None:
    sharded(publish(tmp_path))
    (tmp_path / "b.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes())
    with pytest.raises(CheckpointError, match="in two files"):
        checkpoint.read(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused_when_they_are_read(
    tmp_path: Path, value: float
) -> None:
    publish(tmp_path)
    changed(tmp_path, lambda t: t["model.norm.weight"].__setitem__(3, value))
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.read(tmp_path)["norm"]


def test_weights_altered_meanwhile_are_refused_when_they_are_read(tmp_path: Path) -> None:
    found = checkpoint.read(publish(tmp_path))
    (tmp_path / WEIGHTS).write_bytes(b"x")
    with pytest.raises(CheckpointError, match="cannot be read"):
        found["norm"]
