"""An import is whole or nothing; its manifest says what the fewer bits cost; faults stop it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from healthslm.errors import CheckpointError
from healthslm.language import checkpoint, graph, importing, pace, shape
from healthslm.language.decoder import Decoder
from healthslm.language.seal import sealed

from .published import KINDS, publish


def imported(tmp_path: Path, kind: str = "llama", bits: int = 8, **more) -> tuple[Path, dict]:
    read = checkpoint.read(publish(tmp_path / "published", kind))
    folder = tmp_path / "models" / "tiny"
    return folder, importing.convert(read, folder, bits=bits, **more)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_an_import_is_sealed_and_says_what_it_cost(tmp_path: Path, kind: str, bits: int) -> None:
    folder, manifest = imported(tmp_path, kind, bits)
    assert sealed(folder) == manifest
    assert sorted(p.name for p in folder.iterdir()) == [
        "manifest.json",
        "model.onnx",
        "tokenizer.json",
    ]
    assert list(folder.parent.iterdir()) == [folder]  # nothing half done is left
    assert manifest["tokenizer"] == "bpe" and manifest["form"] == 1
    assert manifest["parameters"] == shape.parameters(KINDS[kind][0])
    assert manifest["quantisation"]["bits"] == bits
    assert manifest["architecture"]["repeat"] == KINDS[kind][0].repeat
    parity = manifest["parity"]
    assert parity["tokens"] == 49
    assert parity["graph"] <= 1e-4
    assert parity["error"] > 0 and 0 < parity["level_error"] < parity["error"] + 0.2
    assert parity["top1"] >= (0.85 if bits == 8 else 0.1)
    published = (tmp_path / "published" / "tokenizer.json").read_bytes()
    assert (folder / "tokenizer.json").read_bytes() == published
    assert len(Decoder(folder / "model.onnx").read([1, 2, 3])) == 320


def test_large_weights_lie_beside_the_graph_and_are_sealed_too(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(graph, "BESIDE", 1000)
    folder, manifest = imported(tmp_path)
    assert sorted(manifest["files"]) == ["model.onnx", "model.onnx.data", "tokenizer.json"]
    assert sealed(folder) == manifest


def test_two_imports_of_the_same_weights_are_the_same_bytes(tmp_path: Path) -> None:
    _, first = imported(tmp_path / "a")
    _, second = imported(tmp_path / "b")
    assert first["files"] == second["files"]


def test_it_says_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    imported(tmp_path, progress=lambda *step: told.append(step))
    stages = list(dict.fromkeys(what for what, _, _ in told))
    assert stages == ["quantising", "testing the graph", "testing the weights"]
    for stage in stages:
        done = [n for what, n, _ in told if what == stage]
        assert done == sorted(done) and done[-1] == len(shape.sizes(KINDS["llama"][0]))


def test_a_model_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    folder, manifest = imported(tmp_path)
    with pytest.raises(CheckpointError, match="Remove it first"):
        imported(tmp_path, bits=4)
    assert sealed(folder) == manifest


def test_weights_that_are_damaged_leave_nothing(tmp_path: Path) -> None:
    read = checkpoint.read(publish(tmp_path / "published"))
    path = tmp_path / "published" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-4:] = np.array([np.nan], np.float32).tobytes()
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        importing.convert(read, tmp_path / "models" / "tiny", bits=8)
    assert list((tmp_path / "models").iterdir()) == []


def swapped_gate(model: onnx.ModelProto) -> None:
    """Exchange the halves of the first feed-forward part."""
    split = next(n for n in model.graph.node if n.op_type == "Split" and "gate" in n.output[0])
    split.output[0], split.output[1] = split.output[1], split.output[0]


def other_rotation(model: onnx.ModelProto) -> None:
    """Exchange the tables of the rotation."""
    node = next(n for n in model.graph.node if n.op_type == "GroupQueryAttention")
    node.input[7], node.input[8] = node.input[8], node.input[7]


def no_bias(model: onnx.ModelProto) -> None:
    """Leave out the first bias."""
    node = next(n for n in model.graph.node if len(n.input) == 6 and n.op_type == "MatMulNBits")
    del node.input[3:]


def shared_cache(model: onnx.ModelProto) -> None:
    """Let both uses of a shared block read one cache, as the published code does."""
    nodes = [n for n in model.graph.node if n.op_type == "GroupQueryAttention"]
    nodes[1].input[3], nodes[1].input[4] = nodes[0].input[3], nodes[0].input[4]


def early_cut(model: onnx.ModelProto) -> None:
    """Take the first token, not the last."""
    last = next(t for t in model.graph.initializer if t.name == "last")
    last.raw_data = np.array(0, np.int64).tobytes()


WIRED_WRONG = {
    "gate and value exchanged": ("llama", swapped_gate),
    "another rotation": ("mistral", other_rotation),
    "a bias left out": ("qwen2", no_bias),
    "one cache for two uses of a block": ("mobilellm, shared blocks", shared_cache),
    "another token's logits": ("qwen3", early_cut),
}


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize(("kind", "spoil"), WIRED_WRONG.values(), ids=WIRED_WRONG)
def test_a_graph_that_is_wired_wrong_is_not_written(
    tmp_path: Path, monkeypatch, kind: str, spoil, bits: int
) -> None:
    """The test at import sees it, though fewer bits alone change the logits as much."""
    whole = graph.build

    def spoilt(*arguments, **more):
        model = whole(*arguments, **more)
        spoil(model)
        return model

    monkeypatch.setattr(graph, "build", spoilt)
    with pytest.raises(CheckpointError, match="other logits than the weights"):
        imported(tmp_path, kind, bits)
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(("lost", "products"), [(0.0, "int8"), (0.5, "float32")])
def test_a_model_that_8_bit_products_harm_gets_exact_ones(
    tmp_path: Path, monkeypatch, lost: float, products: str
) -> None:
    whole = importing._rows

    def rows(path: Path, tokens) -> np.ndarray:
        found = whole(path, tokens)
        if path.name == "model.onnx":
            found[: int(lost * len(found))] *= -1
        return found

    monkeypatch.setattr(importing, "_rows", rows)
    folder, manifest = imported(tmp_path)
    assert manifest["quantisation"]["products"] == products
    levels = {
        attribute.i
        for node in onnx.load(folder / "model.onnx").graph.node
        for attribute in node.attribute
        if attribute.name == "accuracy_level"
    }
    assert levels == {4 if products == "int8" else 1}
    assert sealed(folder) == manifest


def test_no_more_than_one_matrix_is_held(tmp_path: Path) -> None:
    """What is asked for is let go before the next, but for its neighbours in one matrix."""
    import gc
    import weakref

    class Watched(dict):
        most = 0

        def __init__(self, weights) -> None:
            super().__init__(weights)
            self.given: list[weakref.ref] = []

        def __getitem__(self, name: str) -> np.ndarray:
            gc.collect()
            self.given = [ref for ref in self.given if ref() is not None]
            Watched.most = max(Watched.most, len(self.given))
            fresh = super().__getitem__(name).copy()
            self.given.append(weakref.ref(fresh))
            return fresh

    read = checkpoint.read(publish(tmp_path / "published", "mistral"))
    graph.save(tmp_path / "model.onnx", read.shape, Watched(dict(read)), 8, 32)
    assert Watched.most <= 2  # of queries, keys and values


def test_speed_and_memory_are_measured(tmp_path: Path) -> None:
    folder, manifest = imported(tmp_path)
    found = pace.measure(folder)
    assert found["decode_tokens_per_s"] > 0 and found["prompt_tokens"] == 85
    weights = (folder / "model.onnx").stat().st_size
    assert found["bits_per_weight"] == pytest.approx(8 * weights / manifest["parameters"], abs=0.01)


def test_a_context_that_is_short_is_tested_within(tmp_path: Path) -> None:
    read = checkpoint.read(publish(tmp_path / "published"), 64)
    manifest = importing.convert(read, tmp_path / "tiny", bits=8)
    assert manifest["architecture"]["context"] == 64
    read = replace(read, shape=replace(read.shape, context=16))
    assert importing.convert(read, tmp_path / "less", bits=8)["parity"]["tokens"] == 13


def test_the_manifest_is_json_that_a_person_can_read(tmp_path: Path) -> None:
    folder, manifest = imported(tmp_path)
    text = (folder / "manifest.json").read_text("utf-8")
    assert json.loads(text) == manifest
    assert len(text.splitlines()) > 20
