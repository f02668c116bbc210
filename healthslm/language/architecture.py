"""A published `config.json` into the sizes of a decoder, or a refusal by name.

What is not known is refused, with what to do: a decoder that is wired a little wrong still
writes fluently. Known are the decoders that Llama's wiring covers: Llama, MobileLLM (its
configuration says `share_embedding` where others say `tie_word_embeddings`, and
`layer_sharing` where each block is used twice in a row), Mistral, Qwen 2 (biases) and Qwen 3
(norms of queries and keys).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from healthslm.errors import CheckpointError
from healthslm.language.shape import Shape, Stretch, block_of, parameters

ARCHITECTURES = (
    "LlamaForCausalLM",
    "MistralForCausalLM",
    "MobileLLMForCausalLM",
    "Qwen2ForCausalLM",
    "Qwen3ForCausalLM",
)
ROTATIONS = ("default", "linear", "llama3")
CONTEXT = 1024  # tokens; a summary and its prompt take a tenth, and each costs 2 x depth vectors
MAX_PARAMETERS = 4_000_000_000  # a board has no memory for more


def read(values: Mapping[str, Any], context: int = CONTEXT) -> tuple[str, Shape]:
    """Return the architecture and the sizes that a configuration states.

    Parameters
    ----------
    context
        Tokens that the model is to hold, or as many as it was made for if that is fewer.

    Raises
    ------
    CheckpointError
        It is of a model that is not known, or not plausible; choose another checkpoint.
    """
    config = _Config(values)
    architecture = _architecture(config)
    shape = _shape(config, architecture, context)
    block_of(shape)  # refuses sizes that cannot be quantised
    return architecture, shape


def said(value: object) -> str:
    """Return a value from a file, short enough for a message and without control characters.

    >>> said("Mamba"), said(None), said([1])
    ('Mamba', 'absent', '[1]')
    """
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return "absent" if value is None else repr(text[:60]).strip("'")


class _Config:
    """The configuration's values, each with the limits of what is plausible."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def get(self, key: str) -> Any:
        """Return a value, or None where it is absent."""
        return self.values.get(key)

    def whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """Return a whole number within its limits."""
        value = self.values.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise CheckpointError(
                f"config.json: {key} has to be a whole number from {least} to {most}, and is "
                f"{said(value)}. The file is damaged, or of another kind of model"
            )
        return value

    def number(self, key: str, least: float, most: float, default: float | None = None) -> float:
        """Return a number within its limits."""
        value = self.values.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float):
            value = None
        if value is None or not least <= value <= most:
            raise CheckpointError(
                f"config.json: {key} has to be a number from {least:g} to {most:g}, and is "
                f"{said(self.values.get(key))}. The file is damaged, or of another kind of model"
            )
        return float(value)

    def flag(self, key: str) -> bool:
        """Return whether a flag is set."""
        return self.values.get(key) is True

    def inside(self, key: str) -> _Config:
        """Return a table within, empty where there is none."""
        table = self.values.get(key)
        return _Config(table if isinstance(table, dict) else {})


def _architecture(config: _Config) -> str:
    """Return the architecture's name, if its wiring is known."""
    named = config.get("architectures")
    name = named[0] if isinstance(named, list) and named else None
    if name not in ARCHITECTURES:
        raise CheckpointError(
            f"config.json: the architecture {said(name)} is unknown: its wiring may differ where "
            f"no check would see it. Known are {', '.join(ARCHITECTURES)}"
        )
    for key, why in (
        ("quantization_config", "its weights are already quantised, and quantising twice loses"),
        ("mlp_bias", "biases in the feed-forward part are not known"),
        ("num_local_experts", "mixtures of experts are not known"),
        ("rope_interleaved", "positions that turn neighbouring numbers are not known"),
    ):
        if config.get(key):
            raise CheckpointError(f"config.json: {key}: {why}. Choose a checkpoint without")
    act = config.get("hidden_act")
    if act not in (None, "silu", "swish"):
        raise CheckpointError(f"config.json: hidden_act {said(act)} is unknown. Known is silu")
    return str(name)


def _shape(config: _Config, architecture: str, context: int) -> Shape:
    """Return the sizes that a configuration states."""
    heads = config.whole("num_attention_heads", 1, 256)
    kv_heads = config.whole("num_key_value_heads", 1, 256, heads)
    if heads % kv_heads:
        raise CheckpointError(
            f"config.json: {heads} heads cannot share the keys of {kv_heads} evenly. The file is "
            "damaged"
        )
    width = config.whole("hidden_size", 32, 16_384)
    natural = 128 if architecture == "Qwen3ForCausalLM" else width // heads
    head_dim = config.whole("head_dim", 8, 512, natural)
    if head_dim % 8:
        raise CheckpointError(
            f"config.json: heads of {head_dim} numbers: the runtime wants multiples of 8. Choose "
            "a model with other sizes"
        )
    trained = config.whole("max_position_embeddings", 16, 1 << 24)
    biased = config.flag("attention_bias")
    shape = Shape(
        vocabulary=config.whole("vocab_size", 2, 1 << 19),
        layers=config.whole("num_hidden_layers", 1, 256),
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        ffn=config.whole("intermediate_size", 32, 65_536),
        context=min(context, trained),
        repeat=2 if config.flag("layer_sharing") else 1,
        eps=config.number("rms_norm_eps", 1e-12, 1e-2),
        tied=config.flag("tie_word_embeddings") or config.flag("share_embedding"),
        qkv_bias=biased or architecture == "Qwen2ForCausalLM",
        out_bias=biased and architecture != "Qwen2ForCausalLM",
        qk_norm=architecture == "Qwen3ForCausalLM",
        **_rotation(config),
    )
    _window(config, architecture, shape.context)
    if parameters(shape) > MAX_PARAMETERS:
        raise CheckpointError(
            f"the model has {parameters(shape) / 1e9:.1f} thousand million weights; a board holds "
            f"{MAX_PARAMETERS / 1e9:.0f} at most. Choose a smaller one"
        )
    return shape


def _rotation(config: _Config) -> dict[str, Any]:
    """Return what the shape needs to know of rotary positions."""
    own = "rope_parameters" if config.get("rope_parameters") else "rope_scaling"
    rope = config.inside(own)
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind not in ROTATIONS:
        raise CheckpointError(
            f"config.json: {own}: positions of type {said(kind)} are unknown. Known are "
            f"{', '.join(ROTATIONS)}"
        )
    for part in (config, rope):
        if part.get("partial_rotary_factor") not in (None, 1, 1.0):
            raise CheckpointError(
                "config.json: partial_rotary_factor: heads of which only a part is rotated are "
                "not known. Choose another model"
            )
    base = rope if rope.get("rope_theta") is not None else config
    found: dict[str, Any] = {"theta": base.number("rope_theta", 1.0, 1e9, 10_000.0)}
    if kind == "linear":
        found["slowed"] = rope.number("factor", 1.0, 1024.0)
    if kind == "llama3":
        low = rope.number("low_freq_factor", 0.01, 1000.0)
        high = rope.number("high_freq_factor", 0.01, 1000.0)
        if low >= high:
            raise CheckpointError(
                f"config.json: {own}: low_freq_factor is not below high_freq_factor. The file is "
                "damaged"
            )
        trained = rope.whole("original_max_position_embeddings", 16, 1 << 24)
        found["stretch"] = Stretch(rope.number("factor", 1.0, 1024.0), low, high, trained)
    return found


def _window(config: _Config, architecture: str, context: int) -> None:
    """Refuse a model that attends to fewer tokens than it is to hold."""
    window = config.get("sliding_window")
    used = architecture == "MistralForCausalLM" or config.flag("use_sliding_window")
    layered = config.get("layer_types")
    used |= isinstance(layered, list) and "sliding_attention" in layered
    if window is not None and used and config.whole("sliding_window", 1, 1 << 24) < context:
        raise CheckpointError(
            f"config.json: sliding_window {window} is less than the {context} tokens that the "
            "model is to hold: it would attend to what it never did. Import it with a smaller "
            "context"
        )
