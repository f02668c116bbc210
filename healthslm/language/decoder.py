"""Run a decoder's graph: tokens in, logits out, with the memory of what was read.

It needs only NumPy and onnxruntime, and nothing of this package, so that a process that is to
reach nothing else can load it alone. The graph is one of `graph`; its session, and the
buffers for keys and values, are made once. From then on no file is opened.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Without it onnxruntime 1.32 keeps a device id and a database of what it did under ~/.cache, from
# which a thread of its own would send to its maker. It looks when it is loaded, not later.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

FloatArray = NDArray[np.float32]

AT_ONCE = 96  # tokens: attention skips what is to come by pieces, and less memory is needed


class Decoder:
    """A graph with its buffers, and the text that it has read so far.

    Parameters
    ----------
    graph
        The graph, or the path of one; a graph whose constants lie beside it needs the path.
    threads
        More than one helps models of 100 million weights and more.
    spin
        Let idle threads spin for work: a quarter faster on two threads, and never at rest.
    """

    def __init__(self, graph: Path | bytes, threads: int = 1, *, spin: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            graph if isinstance(graph, bytes) else str(graph),
            options,
            providers=["CPUExecutionProvider"],
        )
        self._binding = self._session.io_binding()
        self._buffers: dict[str, NDArray[Any]] = {}
        self._seen = 0
        self._bind()

    @property
    def vocabulary(self) -> int:
        """Different tokens."""
        return int(self._buffers["logits"].shape[1])

    @property
    def context(self) -> int:
        """Tokens that it can hold."""
        return int(self._buffers["past.0.k"].shape[2])

    @property
    def seen(self) -> int:
        """Tokens that it holds."""
        return self._seen

    def read(self, tokens: Sequence[int]) -> FloatArray:
        """Read on, one token or more; return the logits of the next, shape (vocabulary,).

        Raises
        ------
        ValueError
            No token, one that is none of the vocabulary, or more than there is room for.
        """
        if not 0 < len(tokens) <= self.context - self._seen:
            raise ValueError(f"{len(tokens)} tokens do not fit behind {self._seen}")
        if not 0 <= min(tokens) <= max(tokens) < self.vocabulary:
            raise ValueError("a token that is none of the vocabulary")
        for start in range(0, len(tokens), AT_ONCE):
            self._run(tokens[start : start + AT_ONCE])
        logits: FloatArray = self._buffers["logits"][0].copy()
        return logits

    def rewind(self, seen: int = 0) -> None:
        """Forget all but the first `seen` tokens.

        Raises
        ------
        ValueError
            It has not read so many.
        """
        if not 0 <= seen <= self._seen:
            raise ValueError(f"{seen} of {self._seen} tokens cannot be kept")
        self._seen = seen  # what lies behind is written over

    def _run(self, tokens: Sequence[int]) -> None:
        """Read on; the logits lie in their buffer."""
        total = self._seen + len(tokens)
        self._buffers["before_last"][0], self._buffers["total"][0] = total - 1, total
        if len(tokens) == 1:
            self._buffers["token"][0, 0] = tokens[0]
            self._binding.bind_ortvalue_input("tokens", self._token)
        else:
            self._binding.bind_cpu_input("tokens", np.array([tokens], np.int64))
        self._session.run_with_iobinding(self._binding)
        self._seen = total

    def _bind(self) -> None:
        """Bind one buffer to each name; keys and values in place, past and present at once."""
        bound = self._binding
        logits = self._session.get_outputs()[0].shape
        self._token = self._buffer("token", (1, 1), np.int64)
        bound.bind_ortvalue_input("before_last", self._buffer("before_last", (1,), np.int32))
        bound.bind_ortvalue_input("total", self._buffer("total", (1,), np.int32))
        bound.bind_ortvalue_output("logits", self._buffer("logits", logits, np.float32))
        for past in self._session.get_inputs():
            if past.name.startswith("past."):
                cache = self._buffer(past.name, past.shape, np.float32)
                bound.bind_ortvalue_input(past.name, cache)
                bound.bind_ortvalue_output(past.name.replace("past.", "present."), cache)

    def _buffer(self, name: str, shape: Sequence[int], kind: type) -> onnxruntime.OrtValue:
        """Return a view for onnxruntime of a new array, which must be kept as long."""
        self._buffers[name] = np.zeros(shape, kind)
        return onnxruntime.OrtValue.ortvalue_from_numpy(self._buffers[name])
