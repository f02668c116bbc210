"""Tiny checkpoints with random weights, laid out as published ones are."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from healthslm.language.shape import Shape, sizes

# The names are written out here a second time: a wrong one in the reader has to show.
PART = {
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
WHOLE = {
    "embedding": "model.embed_tokens.weight",
    "norm": "model.norm.weight",
    "head": "lm_head.weight",
}
SHAPE = Shape(
    vocabulary=320,
    layers=2,
    width=64,
    heads=4,
    kv_heads=2,
    head_dim=16,
    ffn=128,
    context=128,
)
KINDS: dict[str, tuple[Shape, dict[str, Any]]] = {  # by name: the shape, and what its config says
    "llama": (SHAPE, {"architectures": ["LlamaForCausalLM"]}),
    "llama, own head": (
        replace(SHAPE, tied=False, theta=5e5, head_dim=32, kv_heads=4),
        {"architectures": ["LlamaForCausalLM"], "head_dim": 32},
    ),
    "llama, biases": (
        replace(SHAPE, qkv_bias=True, out_bias=True, kv_heads=1),
        {"architectures": ["LlamaForCausalLM"], "attention_bias": True},
    ),
    "mobilellm": (
        replace(SHAPE, layers=3),
        {
            "architectures": ["MobileLLMForCausalLM"],
            "model_type": "mobilellm",
            "tie_word_embeddings": False,
            "share_embedding": True,
        },
    ),
    "mobilellm, shared blocks": (
        replace(SHAPE, repeat=2),
        {
            "architectures": ["MobileLLMForCausalLM"],
            "model_type": "mobilellm",
            "tie_word_embeddings": False,
            "share_embedding": True,
            "layer_sharing": True,
        },
    ),
    "qwen2": (replace(SHAPE, qkv_bias=True, eps=1e-6), {"architectures": ["Qwen2ForCausalLM"]}),
    "qwen3": (
        replace(SHAPE, qk_norm=True, head_dim=32, eps=1e-6),
        {"architectures": ["Qwen3ForCausalLM"], "head_dim": 32},
    ),
    "mistral": (
        replace(SHAPE, tied=False),
        {"architectures": ["MistralForCausalLM"], "sliding_window": 4096},
    ),
}


def drawn(shape: Shape, seed: int = 0) -> dict[str, np.ndarray]:
    """Return weights large enough that a fault would show in the logits, and no larger."""
    draw = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}
    for name, size in sizes(shape).items():
        if len(size) == 2:
            found[name] = draw.normal(0, 0.7 / size[1] ** 0.5, size).astype(np.float32)
        elif name.endswith("bias"):
            found[name] = draw.normal(0, 0.3, size).astype(np.float32)
        else:
            found[name] = draw.uniform(0.5, 1.5, size).astype(np.float32)
    return found


def published(name: str) -> str:
    """Return the name that a weight has in a published file."""
    if name in WHOLE:
        return WHOLE[name]
    _, layer, part = name.split(".")
    return f"model.layers.{layer}.{PART[part]}"


def config_of(shape: Shape, says: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `config.json` holds."""
    return {
        "vocab_size": shape.vocabulary,
        "num_hidden_layers": shape.layers,
        "hidden_size": shape.width,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "intermediate_size": shape.ffn,
        "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.eps,
        "rope_theta": shape.theta,
        "tie_word_embeddings": shape.tied,
        "hidden_act": "silu",
        **says,
    }


def tokenizer_json(vocabulary: int = 320) -> str:
    """Return a byte-level tokenizer of at most so many tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["the pulse was steady; el pulso fue estable"] * 4, trainer)
    text: str = tokenizer.to_str()
    return text


def publish(folder: Path, kind: str = "llama", **says: Any) -> Path:
    """Write a checkpoint of a kind into a folder; `says` changes its configuration."""
    shape, own = KINDS[kind]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_of(shape, {**own, **says})))
    write_tensors(folder, {published(n): w for n, w in drawn(shape).items()})
    (folder / "tokenizer.json").write_text(tokenizer_json(shape.vocabulary))
    return folder


def write_tensors(folder: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write the one file of weights."""
    save_file(dict(tensors), folder / "model.safetensors")
