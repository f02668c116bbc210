"""A decoder as an ONNX graph for onnxruntime alone, built from NumPy weights.

The one builder of the project: the recipe exports the bundled model with it, and the import
of a checkpoint uses it too. It writes node by node onnxruntime's own operators
(`com.microsoft`): a seventh of the nodes that PyTorch's exporter makes, and twice its speed.

The graph reads one text: `tokens` (1, n) of int64 that follow what the cache holds, and gives
the logits after the last, (1, vocabulary). Keys and values live in buffers that are bound as
past and present at once and written in place. `before_last` and `total` are the number of
tokens so far, less one and whole.

Matrices are kept in 32, 8 or 4 bits, of the latter as `quantise` says; a tied embedding shares
its bytes with the head.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import CheckpointError
from healthslm.language.quantise import quantised
from healthslm.language.shape import Shape, Weights, octets, rotary, sizes

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ModuleNotFoundError as missing:
    raise CheckpointError(
        f"a graph is built with the package {missing.name}, which is not installed here. "
        "Get it with: pip install 'healthslm[import]'"
    ) from missing

OPSET, IR = 21, 10
BESIDE = 50_000_000  # bytes of constants; more go into a file beside the graph, to be mapped
SMALL = 4096  # bytes; a constant up to here stays in the graph; also the alignment of the rest
HEADS = ("embedding", "head")
DATA = ".data"  # what the file beside the graph is called: "model.onnx.data"


def build(
    shape: Shape,
    weights: Weights,
    bits: int = 8,
    block: int = 32,
    level: int = 4,
    head: int | None = None,
) -> onnx.ModelProto:
    """Return the graph with all its constants in it.

    Parameters
    ----------
    level
        `accuracy_level` of the products: 4 rounds activations to 8 bits too, 1 does not.
    head
        Bits of the embedding and the head; as the rest where it is None.
    """
    return _decoder(_Graph(shape, weights, bits, block, level, head or bits))


def save(
    path: Path,
    shape: Shape,
    weights: Weights,
    bits: int,
    block: int,
    level: int = 4,
    head: int | None = None,
) -> tuple[Path, ...]:
    """Write the graph; return the files, two where its constants lie beside it.

    One weight is in memory at a time, however large the model is.
    """
    if octets(shape, bits, block) <= BESIDE:
        content = build(shape, weights, bits, block, level, head).SerializeToString()
        path.write_bytes(content)
        return (path,)
    beside = path.with_name(path.name + DATA)
    with beside.open("wb") as data:
        graph = _Graph(shape, weights, bits, block, level, head or bits, data, beside.name)
        model = _decoder(graph)
    path.write_bytes(model.SerializeToString())
    return path, beside


def relevelled(path: Path, level: int, to: Path) -> None:
    """Write a copy of a graph whose products have another `accuracy_level`; data is shared."""
    model = onnx.load(path, load_external_data=False)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = level
    to.write_bytes(model.SerializeToString())


@dataclass
class _Graph:
    """Nodes and constants under way."""

    shape: Shape
    weights: Weights
    bits: int
    block: int
    level: int
    head: int  # bits of the embedding and the head
    data: IO[bytes] | None = None  # where large constants go, if not into the graph
    data_name: str = ""
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Hold `value` under `name`, in the graph or in the file beside it."""
        value = np.asarray(value, order="C")
        if self.data is None or value.nbytes <= SMALL:
            self.constants[name] = numpy_helper.from_array(value, name)
            return name
        start = -(-self.data.tell() // SMALL) * SMALL
        self.data.seek(start)
        self.data.write(value.data)
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        held = TensorProto(name=name, data_type=kind, dims=value.shape)
        held.data_location = TensorProto.EXTERNAL
        for key, entry in (
            ("location", self.data_name),
            ("offset", str(start)),
            ("length", str(value.nbytes)),
        ):
            held.external_data.add(key=key, value=entry)
        self.constants[name] = held
        return name

    def vector(self, name: str) -> str:
        """Hold the weight of this name, as it is, once."""
        return name if name in self.constants else self.constant(name, self.weights[name])

    def add(
        self, op: str, inputs: Sequence[str], *outputs: str, ms: bool = True, **attributes: Any
    ) -> str:
        """Append a node; return its first output."""
        domain = "com.microsoft" if ms else ""
        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def kept(self, name: str) -> tuple[int, int]:
        """Return the bits and the block of a matrix."""
        return (self.head if name in HEADS else self.bits), self.block

    def matrix(self, name: str, parts: Sequence[str]) -> tuple[str, str, int, int]:
        """Hold the rows of `parts` as one matrix, once; return its names, n and k."""
        every = sizes(self.shape)
        n, k = sum(every[part][0] for part in parts), every[parts[0]][1]
        q, scale = f"{name}.q", f"{name}.scale"
        if q not in self.constants:
            rows = [self.weights[part] for part in parts]
            weight = rows[0] if len(rows) == 1 else np.concatenate(rows)
            del rows
            bits, block = self.kept(name)
            if bits == 32:
                self.constant(q, weight.T)
            else:
                levels, scales = quantised(weight, bits, block)
                self.constant(q, levels)
                self.constant(scale, scales)
        return q, scale, n, k

    def linear(self, x: str, name: str, parts: Sequence[str], out: str, *, bias: bool) -> str:
        """Multiply `x` (..., k) by the rows of `parts`, n in all, giving (..., n)."""
        q, scale, n, k = self.matrix(name, parts)
        added = f"{name}.bias"
        if bias and added not in self.constants:
            self.constant(added, np.concatenate([self.weights[f"{p}_bias"] for p in parts]))
        if self.bits == 32:
            product = self.add("MatMul", [x, q], f"{out}.product" if bias else out, ms=False)
            return self.add("Add", [product, added], out, ms=False) if bias else product
        bits, block = self.kept(name)
        return self.add(
            "MatMulNBits",
            [x, q, scale, *(["", "", added] if bias else [])],
            out,
            K=k,
            N=n,
            bits=bits,
            block_size=block,
            accuracy_level=self.level,
        )

    def embed(self) -> str:
        """Look up the rows of the embedding: (1, n, width)."""
        if self.bits == 32:  # the head's matrix lies the other way
            return self.add(
                "Gather", [self.vector("embedding"), "tokens"], "embedded", ms=False, axis=0
            )
        q, scale, n, k = self.matrix("embedding", ["embedding"])
        bits, block = self.kept("embedding")
        flat = self.constant("embedding.shape", np.array([n, k * bits // 8], np.int64))
        rows = self.add("Reshape", [q, flat], "embedding.rows", ms=False)
        return self.add(
            "GatherBlockQuantized",
            [rows, "tokens", scale],
            "embedded",
            bits=bits,
            block_size=block,
            gather_axis=0,
            quantize_axis=1,
        )

    def add_and_norm(self, y: str, x: str, gamma: str, out: str) -> tuple[str, str]:
        """Add `y` to the residual stream `x`; return the stream and its norm."""
        inputs, outputs = [y, x, self.vector(gamma)], [f"{out}.norm", "", "", f"{out}.sum"]
        self.add("SkipSimplifiedLayerNormalization", inputs, *outputs, epsilon=self.shape.eps)
        return outputs[3], outputs[0]


def _decoder(graph: _Graph) -> onnx.ModelProto:
    """Append everything; return the whole."""
    shape = graph.shape
    for name, table in zip(("cos", "sin"), rotary(shape), strict=True):
        graph.constant(name, table)
    graph.constant("last", np.array(-1, np.int64))
    x, eps = graph.embed(), shape.eps
    gamma = graph.vector("blocks.0.attention_norm")
    h = graph.add("SimplifiedLayerNormalization", [x, gamma], "h", ms=False, epsilon=eps)
    for use, after in enumerate(_norms_after(shape)):
        x, h = _block(graph, use, x, h, after)
    # In full precision the embedding and the head are two layouts of the same numbers.
    parts = ["embedding"] if shape.tied else ["head"]
    name = "head" if graph.bits == 32 else parts[0]
    graph.linear(h, name, parts, "logits", bias=False)
    return _model(graph)


def _norms_after(shape: Shape) -> Iterator[str]:
    """Yield, for each use of a block, the norm of what it gives: the next one's, or the last."""
    for use in range(1, shape.depth):
        yield f"blocks.{use // shape.repeat}.attention_norm"
    yield "norm"


def _block(graph: _Graph, use: int, x: str, h: str, after: str) -> tuple[str, str]:
    """Append one use of a block; return the residual stream and its norm for the next."""
    shape = graph.shape
    b, p = f"blocks.{use // shape.repeat}", f"{use}."
    qkv = [f"{b}.{part}" for part in "qkv"]
    y = graph.linear(h, f"{b}.qkv", qkv, f"{p}qkv", bias=shape.qkv_bias)
    q, k, v = _normed(graph, b, p, y) if shape.qk_norm else (y, "", "")
    inputs = [q, k, v, f"past.{p}k", f"past.{p}v", "before_last", "total", "cos", "sin"]
    outputs = [f"{p}attended", f"present.{p}k", f"present.{p}v"]
    y = graph.add(
        "GroupQueryAttention",
        inputs,
        *outputs,
        num_heads=shape.heads,
        kv_num_heads=shape.kv_heads,
        do_rotary=1,
    )
    if use == shape.depth - 1:  # of the last block only the last token is asked for
        x = graph.add("Gather", [x, "last"], f"{p}x_last", ms=False, axis=1)  # (1, width)
        y = graph.add("Gather", [y, "last"], f"{p}y_last", ms=False, axis=1)
    y = graph.linear(y, f"{b}.out", [f"{b}.out"], f"{p}out", bias=shape.out_bias)
    x, h = graph.add_and_norm(y, x, f"{b}.ffn_norm", f"{p}a")
    up = graph.linear(h, f"{b}.up", [f"{b}.gate", f"{b}.up"], f"{p}up", bias=False)
    graph.add("Split", [up], f"{p}gate", f"{p}value", ms=False, axis=-1, num_outputs=2)
    gate = graph.add("QuickGelu", [f"{p}gate"], f"{p}silu", alpha=1.0)  # x * sigmoid(x)
    y = graph.add("Mul", [gate, f"{p}value"], f"{p}gated", ms=False)
    y = graph.linear(y, f"{b}.down", [f"{b}.down"], f"{p}down", bias=False)
    return graph.add_and_norm(y, x, after, f"{p}b")


def _normed(graph: _Graph, block: str, p: str, qkv: str) -> tuple[str, str, str]:
    """Normalise each head's queries and keys; return queries, keys and values.

    Written out, because on a CPU the attention takes no weights for it.
    """
    shape, eps = graph.shape, graph.shape.eps
    heads = {"q": shape.heads, "k": shape.kv_heads, "v": shape.kv_heads}
    wide = [n * shape.head_dim for n in heads.values()]
    cut = graph.constant("qkv.sizes", np.array(wide, np.int64))
    graph.add("Split", [qkv, cut], f"{p}q", f"{p}k", f"{p}v", ms=False, axis=-1)
    normed = []
    for name in "qk":
        apart = np.array([1, -1, heads[name], shape.head_dim], np.int64)
        again = np.array([1, -1, heads[name] * shape.head_dim], np.int64)
        x = graph.constant(f"{name}.apart", apart)
        x = graph.add("Reshape", [f"{p}{name}", x], f"{p}{name}.heads", ms=False)
        held = graph.vector(f"{block}.{name}_norm")
        x = graph.add(
            "SimplifiedLayerNormalization", [x, held], f"{p}{name}.n", ms=False, epsilon=eps
        )
        y = graph.constant(f"{name}.again", again)
        normed.append(graph.add("Reshape", [x, y], f"{p}{name}.normed", ms=False))
    return normed[0], normed[1], f"{p}v"


def _model(graph: _Graph) -> onnx.ModelProto:
    shape = graph.shape
    cache = [1, shape.kv_heads, shape.context, shape.head_dim]
    whole, real = TensorProto.INT32, TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("before_last", whole, [1]),
        helper.make_tensor_value_info("total", whole, [1]),
    ]
    outputs = [helper.make_tensor_value_info("logits", real, [1, shape.vocabulary])]
    for name in (f"{use}.{kind}" for use in range(shape.depth) for kind in "kv"):
        inputs.append(helper.make_tensor_value_info(f"past.{name}", real, cache))
        outputs.append(helper.make_tensor_value_info(f"present.{name}", real, cache))
    held = list(graph.constants.values())
    return helper.make_model(
        helper.make_graph(graph.nodes, "decoder", inputs, outputs, initializer=held),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)],
        ir_version=IR,
        producer_name="healthslm",
    )
