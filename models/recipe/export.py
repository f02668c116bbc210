"""The trained decoder as an ONNX graph for onnxruntime alone, checked against PyTorch.

The graph is built node by node from onnxruntime's own operators (`com.microsoft`): it has
a seventh of the nodes that PyTorch's exporter makes and decodes twice as fast. It reads
one text: `tokens` (1, n) of int64 that follow what the cache holds, and gives the logits
after the last, (1, vocabulary). Keys and values live in buffers that are bound as past
and present at once and written in place.

Matrices are kept in 8 bits, in blocks of 32 along the inner size, symmetric about 128,
with one float32 scale a block; the embedding shares its bytes with the head.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from model import Decoder, Shape, parameters, rotary
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from healthslm.language.tokens import Vocabulary

FloatArray = NDArray[np.float32]

BLOCK = 32  # divides every inner size; 0 of 400 texts changed a claim against float32
PARITY = 1e-4  # largest difference of a logit between the float32 graph and PyTorch
OPSET, IR = 21, 10


def quantised(weight: FloatArray) -> tuple[NDArray[np.uint8], FloatArray]:
    """Return bytes (n, k / block, block) and scales (n, k / block) of `weight` (n, k).

    The value of largest size in a block falls on -128, so all 256 levels are in reach.
    """
    n, k = weight.shape
    blocks = weight.reshape(n, k // BLOCK, BLOCK)
    peak = np.take_along_axis(blocks, np.abs(blocks).argmax(-1, keepdims=True), -1)  # signed
    scale = np.where(peak == 0, 1.0, peak / -128)
    return (
        np.clip(np.rint(blocks / scale) + 128, 0, 255).astype(np.uint8),
        scale[..., 0].astype(np.float32),
    )


@dataclass
class Graph:
    """Nodes and constants under way; `bits` is 8, or 32 for the graph that parity is asked of."""

    bits: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def constant(self, name: str, value: NDArray) -> str:
        """Hold `value` once under `name`."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(value, name)
        return name

    def add(self, op: str, inputs: Sequence[str], *outputs: str, ms: bool = True, **attributes):
        """Append a node; return its first output."""
        domain = "com.microsoft" if ms else ""
        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def linear(self, x: str, name: str, weight: FloatArray, out: str) -> str:
        """Multiply `x` (..., k) by `weight` (n, k), giving (..., n)."""
        n, k = weight.shape
        if self.bits == 32:
            held = self.constant(name, np.ascontiguousarray(weight.T))
            return self.add("MatMul", [x, held], out, ms=False)
        data, scale = quantised(weight)
        inputs = [
            x,
            self.constant(f"{name}.q", data),
            self.constant(f"{name}.scale", scale),
        ]
        # accuracy_level 4: activations in 8 bits too, integer products
        return self.add(
            "MatMulNBits", inputs, out, K=k, N=n, bits=8, block_size=BLOCK, accuracy_level=4
        )

    def embed(self, tokens: str, name: str, weight: FloatArray) -> str:
        """Look up rows of `weight` (vocabulary, width): (1, n, width)."""
        if self.bits == 32:
            held = self.constant(f"{name}.rows", weight)
            return self.add("Gather", [held, tokens], "embedded", ms=False, axis=0)
        data, scale = quantised(weight)
        held = self.constant(f"{name}.q", data)
        flat = self.constant(f"{name}.shape", np.array(weight.shape, np.int64))
        rows = self.add("Reshape", [held, flat], f"{name}.rows", ms=False)
        return self.add(
            "GatherBlockQuantized",
            [rows, tokens, self.constant(f"{name}.scale", scale)],
            "embedded",
            bits=8,
            block_size=BLOCK,
            gather_axis=0,
            quantize_axis=1,
        )


def build(model: Decoder, bits: int) -> onnx.ModelProto:
    """Return the whole graph."""
    shape, graph = model.shape, Graph(bits)
    weights = {name: w.detach().float().numpy() for name, w in model.named_parameters()}
    for name, table in zip(("cos", "sin"), rotary(shape), strict=True):
        graph.constant(name, table.numpy())
    x = graph.embed("tokens", "embedding.weight", weights["embedding.weight"])
    gamma = graph.constant("blocks.0.attention_norm", weights["blocks.0.attention_norm.weight"])
    h = graph.add("SimplifiedLayerNormalization", [x, gamma], "h", ms=False, epsilon=shape.eps)
    depth = shape.layers * shape.repeat
    for layer in range(depth):
        after = f"blocks.{(layer + 1) // shape.repeat}.attention_norm.weight"
        norm_after = weights.get(after, weights["norm.weight"])
        x, h = _block(graph, shape, weights, layer, x, h, norm_after)
    last = graph.constant("last", np.array(-1, np.int64))
    h = graph.add("Gather", [h, last], "at_last", ms=False, axis=1)  # (1, width)
    graph.linear(h, "embedding.weight", weights["embedding.weight"], "logits")
    return _model(graph, shape, depth)


def _block(
    graph: Graph,
    shape: Shape,
    weights: dict[str, FloatArray],
    layer: int,
    x: str,
    h: str,
    norm_after: FloatArray,
) -> tuple[str, str]:
    """Append one use of a block; return the residual stream and its norm for the next."""
    block, p = f"blocks.{layer // shape.repeat}", f"{layer}."
    qkv = graph.linear(h, f"{block}.qkv", weights[f"{block}.qkv.weight"], f"{p}qkv")
    y = graph.add(
        "GroupQueryAttention",
        [qkv, "", "", f"past.{p}k", f"past.{p}v", "before_last", "total", "cos", "sin"],
        f"{p}attended",
        f"present.{p}k",
        f"present.{p}v",
        num_heads=shape.heads,
        kv_num_heads=shape.kv_heads,
        do_rotary=1,
    )
    y = graph.linear(y, f"{block}.out", weights[f"{block}.out.weight"], f"{p}out")
    x, h = _add_and_norm(
        graph, y, x, f"{block}.ffn_norm", weights[f"{block}.ffn_norm.weight"], f"{p}a", shape.eps
    )
    up = graph.linear(h, f"{block}.up", weights[f"{block}.up.weight"], f"{p}up")
    graph.add("Split", [up], f"{p}gate", f"{p}value", ms=False, axis=-1, num_outputs=2)
    gate = graph.add("QuickGelu", [f"{p}gate"], f"{p}silu", alpha=1.0)  # x * sigmoid(x)
    product = graph.add("Mul", [gate, f"{p}value"], f"{p}gated", ms=False)
    y = graph.linear(product, f"{block}.down", weights[f"{block}.down.weight"], f"{p}down")
    return _add_and_norm(graph, y, x, f"{p}norm_after", norm_after, f"{p}b", shape.eps)


def _add_and_norm(
    graph: Graph, y: str, x: str, name: str, gamma: FloatArray, out: str, eps: float
) -> tuple[str, str]:
    held = graph.constant(name, gamma)
    graph.add(
        "SkipSimplifiedLayerNormalization",
        [y, x, held],
        f"{out}.norm",
        "",
        "",
        f"{out}.sum",
        epsilon=eps,
    )
    return f"{out}.sum", f"{out}.norm"


def _model(graph: Graph, shape: Shape, depth: int) -> onnx.ModelProto:
    cache = [1, shape.kv_heads, shape.context, shape.head_dim]
    whole, real = TensorProto.INT32, TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("before_last", whole, [1]),  # tokens so far, less one
        helper.make_tensor_value_info("total", whole, [1]),  # tokens so far
    ]
    outputs = [helper.make_tensor_value_info("logits", real, [1, shape.vocabulary])]
    for name in (f"{layer}.{kind}" for layer in range(depth) for kind in "kv"):
        inputs.append(helper.make_tensor_value_info(f"past.{name}", real, cache))
        outputs.append(helper.make_tensor_value_info(f"present.{name}", real, cache))
    return helper.make_model(
        helper.make_graph(
            graph.nodes, "decoder", inputs, outputs, initializer=list(graph.constants.values())
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)],
        ir_version=IR,
        producer_name="healthslm",
    )


def logits(graph: onnx.ModelProto, pieces: Sequence[NDArray[np.int64]]) -> FloatArray:
    """Return the logits, (m, vocabulary), after each of m `pieces`, (1, n), read in turn."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    caches = {
        i.name: np.zeros(i.shape, np.float32)
        for i in session.get_inputs()
        if i.name.startswith("past.")
    }
    rows, total = [], 0
    for piece in pieces:
        total += piece.shape[1]
        sizes = {
            "before_last": np.array([total - 1], np.int32),
            "total": np.array([total], np.int32),
        }
        row, *present = session.run(None, {"tokens": piece} | sizes | caches)
        caches = dict(zip(caches, present, strict=True))
        rows.append(row[0])
    return np.stack(rows)


def parity(model: Decoder, seed: int = 0) -> float:
    """Return the largest difference of a logit between PyTorch and the float32 graph.

    A prompt of 20 random tokens at once, then 20 more one at a time.
    """
    draw = np.random.default_rng(seed)
    tokens = draw.integers(0, model.shape.vocabulary, (1, 40))  # (1, 40)
    pieces = [tokens[:, :20], *(tokens[:, i : i + 1] for i in range(20, 40))]
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(tokens))[0, 19:].numpy()  # (21, V)
    return float(np.abs(logits(build(model, 32), pieces) - expected).max())


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
    onnx.save(build(model, 8), folder / "model.onnx")
    Vocabulary(tuple(tokens)).save(folder / "tokenizer.json")
    manifest = {
        "form": 1,
        "architecture": asdict(model.shape),
        "parameters": parameters(model),
        "quantisation": {"bits": 8, "block": BLOCK},
        "parity": difference,
        **about,
    }
    _write(folder / "manifest.json", manifest)
    seal(folder)
    return difference


def seal(folder: Path) -> None:
    """Write the hash of every file into the manifest."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    files = sorted(f for f in folder.glob("[!.]*") if f.is_file() and f != path)
    manifest["files"] = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    _write(path, manifest)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
