"""The graph computes what NumPy computes, in any shape; fewer bits lose a step and no more."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from healthslm.errors import CheckpointError
from healthslm.language import graph, quantise, reference
from healthslm.language.decoder import Decoder
from healthslm.language.shape import Shape, Stretch, block_of, parameters, rotary, sizes

from .published import KINDS, SHAPE, drawn

TOKENS = np.random.default_rng(1).integers(0, SHAPE.vocabulary, 40).tolist()
SHAPES = {name: shape for name, (shape, _) in KINDS.items()} | {
    "slowed positions": replace(SHAPE, slowed=4.0),
    "stretched positions": replace(SHAPE, theta=5e5, stretch=Stretch(8.0, 1.0, 4.0, 64)),
    "one head of keys": replace(SHAPE, kv_heads=1),
    "everything": replace(SHAPE, tied=False, qkv_bias=True, out_bias=True, qk_norm=True, repeat=2),
}


def rows(model: onnx.ModelProto, tokens: list[int] = TOKENS) -> np.ndarray:
    """Return the logits after 20 tokens that are read at once, and after each of 20 more."""
    decoder = Decoder(model.SerializeToString())
    return np.stack([decoder.read(tokens[:20]), *(decoder.read([t]) for t in tokens[20:])])


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_graph_computes_what_numpy_computes(shape: Shape) -> None:
    weights = drawn(shape)
    expected = reference.logits(shape, weights, TOKENS)[19:]
    assert expected.std() > 0.1  # a fault would show
    assert np.abs(rows(graph.build(shape, weights, 32)) - expected).max() <= 1e-5


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("block", [32, 64])
@pytest.mark.parametrize("kind", ["llama", "everything"])
def test_a_quantised_graph_computes_with_the_rounded_weights(
    kind: str, bits: int, block: int
) -> None:
    """With float32 products; with 8-bit ones it loses a little more."""
    shape = SHAPES[kind]
    weights = drawn(shape)
    rounded = {name: quantise.rounded(w, bits, block) for name, w in weights.items()}
    expected = reference.logits(shape, rounded, TOKENS)[19:]
    exact = rows(graph.build(shape, weights, bits, block, level=1))
    assert np.abs(exact - expected).max() <= 1e-4
    quick = rows(graph.build(shape, weights, bits, block))
    assert 1e-4 < np.abs(quick - expected).max() <= 0.1 * np.abs(expected).max()


def test_eight_bits_lose_no_more_than_half_a_step() -> None:
    weight = np.random.default_rng(0).normal(size=(40, 128)).astype(np.float32)
    weight[3, :32] = 0.0
    _, scale = quantise.quantised(weight, 8, 32)
    back = quantise.rounded(weight, 8, 32)
    error = np.abs(back - weight).reshape(40, 4, 32)
    at_the_end = back.reshape(40, 4, 32) == 127 * scale[..., None]  # one level is lacking there
    assert (np.where(at_the_end, 0, error) <= 0.501 * np.abs(scale)[..., None]).all()
    assert (error <= 1.001 * np.abs(scale)[..., None]).all()
    assert not back[3, :32].any()


def test_four_bits_lose_less_than_the_plain_scale_would(monkeypatch) -> None:
    """0.091 of the deviation in blocks of 64, where the largest value alone gives 0.094."""
    weight = np.random.default_rng(0).normal(size=(400, 128)).astype(np.float32)
    weight[3, :64] = 0.0
    back = quantise.rounded(weight, 4, 64)
    lost = np.sqrt(((back - weight) ** 2).mean())
    monkeypatch.setattr(quantise, "CUTS", (1.0,))
    plain = np.sqrt(((quantise.rounded(weight, 4, 64) - weight) ** 2).mean())
    assert lost < 0.98 * plain < 0.095
    assert not back[3, :64].any()


@pytest.mark.parametrize("bits", [8, 4])
def test_rows_are_quantised_each_for_itself(bits: int, monkeypatch) -> None:
    """Some at once, so that a large vocabulary needs little memory; the bytes are the same."""
    weight = np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32)
    whole = quantise.quantised(weight, bits, 32)
    monkeypatch.setattr(quantise, "ROWS", 7)
    for a, b in zip(whole, quantise.quantised(weight, bits, 32), strict=True):
        assert np.array_equal(a, b)


def test_a_value_of_largest_size_is_kept_as_it_is_in_8_bits() -> None:
    weight = np.zeros((1, 32), np.float32)
    weight[0, 5], weight[0, 6] = -3.0, 2.9
    assert quantise.rounded(weight, 8, 32)[0, 5] == -3.0
    assert quantise.rounded(-weight, 8, 32)[0, 5] == 3.0


def test_rounding_to_full_precision_changes_nothing() -> None:
    weight = drawn(SHAPE)["blocks.0.q"]
    assert quantise.rounded(weight, 32, 32) is weight


def attends(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type == "GroupQueryAttention"]


def test_a_shared_block_is_held_once_and_has_a_cache_for_each_use() -> None:
    once, twice = SHAPE, replace(SHAPE, repeat=2)
    assert parameters(once) == parameters(twice)
    models = [graph.build(shape, drawn(once), 8) for shape in (once, twice)]
    assert [len(attends(model)) for model in models] == [2, 4]
    assert len({node.input[3] for node in attends(models[1])}) == 4
    held = [sum(len(t.raw_data) for t in model.graph.initializer) for model in models]
    assert held[0] == held[1]


def test_a_tied_head_shares_its_bytes_with_the_embedding() -> None:
    model = graph.build(SHAPE, drawn(SHAPE), 4, 64)
    large = [t.name for t in model.graph.initializer if len(t.raw_data) == 320 * 64 // 2]
    assert large == ["embedding.q"]


@pytest.mark.parametrize("tied", [True, False])
def test_the_head_may_keep_more_bits_than_the_rest(tied: bool) -> None:
    shape = replace(SHAPE, tied=tied)
    weights = drawn(shape)
    bits = {name: 8 if name in graph.HEADS else 4 for name in weights}
    rounded = {name: quantise.rounded(w, bits[name], 64) for name, w in weights.items()}
    expected = reference.logits(shape, rounded, TOKENS)[19:]
    found = rows(graph.build(shape, weights, 4, 64, level=1, head=8))
    assert np.abs(found - expected).max() <= 1e-4


def test_large_constants_lie_beside_the_graph(tmp_path: Path, monkeypatch) -> None:
    """The same logits, and the graph's own file is small; one that is not large is whole."""
    weights = drawn(SHAPE)
    whole = graph.save(tmp_path / "whole.onnx", SHAPE, weights, 8, 32)
    monkeypatch.setattr(graph, "BESIDE", 1000)
    parted = graph.save(tmp_path / "parted.onnx", SHAPE, weights, 8, 32)
    assert [path.name for path in whole] == ["whole.onnx"]
    assert [path.name for path in parted] == ["parted.onnx", "parted.onnx.data"]
    assert parted[0].stat().st_size < 40_000 < whole[0].stat().st_size
    a, b = (Decoder(paths[0]).read(TOKENS) for paths in (whole, parted))
    assert np.array_equal(a, b)


def test_no_weight_is_asked_for_twice_nor_held_longer_than_needed() -> None:
    """A mapping that reads a file is read once, one matrix at a time."""

    class Counting(dict):
        asked: list[str] = []  # noqa: RUF012

        def __getitem__(self, name: str) -> np.ndarray:
            self.asked.append(name)
            return super().__getitem__(name)

    weights = Counting(drawn(replace(SHAPE, tied=False)))
    graph.build(replace(SHAPE, tied=False, repeat=2), weights, 8)
    assert sorted(weights.asked) == sorted(sizes(replace(SHAPE, tied=False)))


def test_another_accuracy_level_shares_the_data(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(graph, "BESIDE", 1000)
    weights = drawn(SHAPE)
    path, beside = graph.save(tmp_path / "model.onnx", SHAPE, weights, 8, 32)
    graph.relevelled(path, 1, tmp_path / "exact.onnx")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["exact.onnx", path.name, beside.name]
    )
    found = Decoder(tmp_path / "exact.onnx").read(TOKENS)
    assert np.allclose(
        found, Decoder(graph.build(SHAPE, weights, 8, 32, 1).SerializeToString()).read(TOKENS)
    )
    assert not np.array_equal(found, Decoder(path).read(TOKENS))


FAULTS = {
    "another base of the rotation": lambda s, w: (replace(s, theta=9000.0), w),
    "a bias left out": lambda s, w: (s, w | {"blocks.0.q_bias": 0 * w["blocks.0.q_bias"]}),
    "gate and value exchanged": lambda s, w: (
        s,
        w | {"blocks.1.gate": w["blocks.1.up"], "blocks.1.up": w["blocks.1.gate"]},
    ),
    "keys and values exchanged": lambda s, w: (
        s,
        w | {"blocks.0.k": w["blocks.0.v"], "blocks.0.v": w["blocks.0.k"]},
    ),
    "blocks exchanged": lambda s, w: (
        s,
        w | {"blocks.0.ffn_norm": w["blocks.1.ffn_norm"]},
    ),
    "another eps": lambda s, w: (replace(s, eps=1e-3), w),
    "norms of queries and keys exchanged": lambda s, w: (
        s,
        w | {"blocks.0.q_norm": w["blocks.0.k_norm"], "blocks.0.k_norm": w["blocks.0.q_norm"]},
    ),
    "a slowed rotation": lambda s, w: (replace(s, slowed=1.1), w),
    "head tied": lambda s, w: (replace(s, tied=True), w),
    "rotation by neighbours": lambda s, w: (
        s,
        w | {"blocks.0.q": w["blocks.0.q"].reshape(4, 8, 2, 64).swapaxes(1, 2).reshape(64, 64)},
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_wiring_shows(fault) -> None:
    """Each is far above what the comparison allows, in float32 and in what an import allows."""
    shape = replace(SHAPE, tied=False, qkv_bias=True, qk_norm=True)
    weights = drawn(shape)
    expected = reference.logits(shape, weights, TOKENS)[19:]
    other_shape, other = fault(shape, weights)
    found = rows(graph.build(other_shape, other, 32))
    assert np.abs(found - expected).max() > 1e-2 * np.abs(expected).max()


def test_a_stretched_rotation_turns_short_waves_alone_and_slows_long_ones() -> None:
    plain = replace(SHAPE, theta=5e5)
    cos, sin = rotary(plain)
    slow, slow_sin = rotary(replace(plain, stretch=Stretch(8.0, 1.0, 4.0, 64)))
    assert np.array_equal(cos[:, 0], slow[:, 0])
    angle = np.arctan2(sin[1], cos[1]) / np.arctan2(slow_sin[1], slow[1])
    assert angle[-1] == pytest.approx(8.0, rel=1e-3)
    assert (np.diff(angle) >= -1e-3).all() and ((angle > 1.01) & (angle < 7.9)).any()


def test_sizes_that_no_block_divides_are_refused() -> None:
    assert block_of(SHAPE) == 64
    assert block_of(replace(SHAPE, ffn=96)) == 32
    with pytest.raises(CheckpointError, match="multiples of 32"):
        block_of(replace(SHAPE, ffn=100))


def test_the_published_sizes_are_counted_right() -> None:
    """MobileLLM 125M and 350M, as their paper and files have them."""
    small = Shape(32_000, 30, 576, 9, 3, 64, 1536, 2048)
    large = Shape(32_000, 32, 960, 15, 5, 64, 2560, 2048)
    assert [parameters(s) for s in (small, large)] == [124_635_456, 345_355_200]


def test_without_the_package_it_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['onnx'] = None; import healthslm.language.graph"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "CheckpointError" in done.stderr and "pip install 'healthslm[import]'" in done.stderr
