"""Imported decoders compute what `transformers` computes: random weights, no network.

Slow to install rather than to run: `./dev recipe` has an environment with torch.
"""

from pathlib import Path

import numpy as np
import pytest

NEEDED = "compares with torch and transformers: ./dev recipe runs it where they are"
torch = pytest.importorskip("torch", reason=NEEDED)
transformers = pytest.importorskip("transformers", reason=NEEDED)

from healthslm.language import checkpoint, graph, reference  # noqa: E402
from healthslm.language.decoder import Decoder  # noqa: E402

from .published import tokenizer_json  # noqa: E402

VOCABULARY = 320
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
    "pad_token_id": None,
}
OWN_HEAD = {"tie_word_embeddings": False}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 5e5,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
CASES = {  # class, what its configuration says beyond the sizes
    "llama": ("Llama", {}),
    "llama, own head, heads wider than the width": ("Llama", OWN_HEAD | {"head_dim": 32}),
    "llama, as many keys as queries": ("Llama", {"num_key_value_heads": 4}),
    "llama, one head of keys": ("Llama", {"num_key_value_heads": 1}),
    "llama, biases": ("Llama", {"attention_bias": True}),
    "llama, another base": (
        "Llama",
        {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}},
    ),
    "llama, slowed": (
        "Llama",
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}},
    ),
    "llama 3, stretched": ("Llama", {"rope_parameters": LLAMA3}),
    "smollm2": (
        "Llama",
        {"rms_norm_eps": 1e-5, "num_attention_heads": 2, "num_key_value_heads": 1},
    ),
    "mistral": ("Mistral", OWN_HEAD | {"sliding_window": None}),
    "mistral, a wide window": ("Mistral", OWN_HEAD | {"sliding_window": 128}),
    "qwen2": ("Qwen2", {}),
    "qwen2, own head": ("Qwen2", OWN_HEAD),
    "qwen3": ("Qwen3", {"head_dim": 32}),
    "qwen3, own head, heads as usual": ("Qwen3", OWN_HEAD),
}


def model_of(kind: str, says: dict):
    """Return a model with weights large enough that a fault would show."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = getattr(transformers, f"{kind}Config")(**SIZES | says)
    model = getattr(transformers, f"{kind}ForCausalLM")(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2:
                weight.normal_(0, 0.7 / weight.shape[1] ** 0.5)
            elif name.endswith("bias"):
                weight.normal_(0, 0.3)
            else:
                weight.uniform_(0.5, 1.5)
    return model


def saved(model, folder: Path, **more: object) -> Path:
    """Save a model as its library does, with a tokenizer beside it."""
    model.save_pretrained(folder, **more)
    (folder / "tokenizer.json").write_text(tokenizer_json(VOCABULARY))
    return folder


def expected_of(model, tokens: list[int]) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0, 19:].float().numpy()


def rows(found: checkpoint.Checkpoint, tokens: list[int], bits: int = 32) -> np.ndarray:
    """Return the logits after 20 tokens that are read at once, and after each of 20 more."""
    decoder = Decoder(graph.build(found.shape, found, bits, 32).SerializeToString())
    return np.stack([decoder.read(tokens[:20]), *(decoder.read([t]) for t in tokens[20:])])


TOKENS = np.random.default_rng(3).integers(0, VOCABULARY, 40).tolist()


@pytest.mark.parametrize(("kind", "says"), CASES.values(), ids=CASES)
def test_an_import_computes_what_transformers_computes(tmp_path: Path, kind, says) -> None:
    model = model_of(kind, says)
    expected = expected_of(model, TOKENS)
    assert expected.std() > 0.1
    found = checkpoint.read(saved(model, tmp_path))
    assert np.abs(rows(found, TOKENS) - expected).max() <= 1e-5
    assert np.abs(reference.logits(found.shape, found, TOKENS)[19:] - expected).max() <= 1e-5


@pytest.mark.parametrize("kind", ["Llama", "Qwen2", "Qwen3", "Mistral"])
def test_a_quantised_import_is_near(tmp_path: Path, kind: str) -> None:
    """Random weights are the worst case: nothing in them is likelier than the rest."""
    model = model_of(kind, {})
    expected = expected_of(model, TOKENS)
    found = checkpoint.read(saved(model, tmp_path))
    errors = [np.abs(rows(found, TOKENS, bits) - expected).max() for bits in (8, 4)]
    assert errors[0] <= 0.1 * np.abs(expected).max()
    assert errors[0] < errors[1] <= np.abs(expected).max()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_read_exactly(tmp_path: Path, dtype) -> None:
    model = model_of("Llama", {})
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.to(dtype))
    expected = expected_of(model, TOKENS)  # before its tables of positions are halved too
    found = checkpoint.read(saved(model.to(dtype), tmp_path))
    assert np.abs(rows(found, TOKENS) - expected).max() <= 1e-5


def test_weights_in_many_files_are_read_as_one(tmp_path: Path) -> None:
    model = model_of("Llama", {})
    saved(model, tmp_path, max_shard_size="100KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 3
    found = checkpoint.read(tmp_path)
    assert np.abs(rows(found, TOKENS) - expected_of(model, TOKENS)).max() <= 1e-5


def test_a_shared_block_computes_as_two_with_the_same_weights(tmp_path: Path) -> None:
    """MobileLLM-LS: transformers has no such class, so its blocks are written out twice."""
    import json

    once = model_of("Llama", {})
    twice = model_of("Llama", {"num_hidden_layers": 6})
    state = twice.state_dict()
    for name, weight in once.state_dict().items():
        if ".layers." in name:
            layer = int(name.split(".")[2])
            for use in (2 * layer, 2 * layer + 1):
                state[name.replace(f".layers.{layer}.", f".layers.{use}.", 1)] = weight
        else:
            state[name] = weight
    twice.load_state_dict(state)
    path = saved(once, tmp_path) / "config.json"
    config = json.loads(path.read_text()) | {
        "architectures": ["MobileLLMForCausalLM"],
        "model_type": "mobilellm",
        "layer_sharing": True,
        "share_embedding": True,
        "tie_word_embeddings": False,
    }
    path.write_text(json.dumps(config))
    found = checkpoint.read(tmp_path)
    assert found.shape.repeat == 2
    assert np.abs(rows(found, TOKENS) - expected_of(twice, TOKENS)).max() <= 1e-5
