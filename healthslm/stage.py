"""The one protocol of the pure core, and how a state is frozen and thawed.

A stage is a frozen dataclass of parameters with `start() -> state` and
`step(state, x) -> (state, outputs)`. It reads no clock, file, socket or random
source and does not log. Its state is a frozen dataclass of numbers, strings, None,
tuples of these, or contiguous float64 arrays; it is bounded, and whatever way the
stream is cut, state and outputs come out the same, bit for bit.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]

S = TypeVar("S")


class Stage(Protocol[S]):
    """What every signal and every detector is.

    It may also have, as class variables: `chunks = True`, if it reads chunks of the kinds it
    names rather than beats and vitals; `context`, more kinds of beat or vital, from any
    stream, or "tick"; and signals `latency_s`, by how much their outputs may lag their input.
    """

    reads: ClassVar[tuple[str, ...]]
    """Kinds it is given. One lane: one stage and one stream."""

    def start(self) -> S:
        """Return the state before any input."""

    def step(self, state: S, x: Any, /) -> tuple[S, tuple[Any, ...]]:
        """Take one input; return the new state and what it led to, oldest first."""


def freeze(state: object) -> bytes:
    """Serialise a stage's state; equal states give equal bytes."""
    return msgspec.msgpack.encode(state, enc_hook=_pack, order="deterministic")


def thaw(stage: Stage[S], data: bytes) -> S:
    """Return the state of `stage` that `freeze` wrote.

    Raises
    ------
    msgspec.ValidationError
        `data` is of another stage, or of another version of it.
    """
    return msgspec.msgpack.decode(data, type=type(stage.start()), dec_hook=_unpack)


def _pack(x: object) -> object:
    if isinstance(x, np.ndarray):
        return (x.shape, x.astype("<f8", copy=False).tobytes())
    raise NotImplementedError(f"a state may not hold {type(x).__name__}")


def array(frozen: tuple[list[int], bytes]) -> FloatArray:
    """Return the array that `freeze` wrote as (shape, bytes)."""
    shape, data = frozen
    return np.frombuffer(data, "<f8").reshape(shape).copy()


def _unpack(kind: type, x: Any) -> Any:
    if kind is np.ndarray or getattr(kind, "__origin__", None) is np.ndarray:
        return array(x)
    raise NotImplementedError(f"a state may not hold {kind.__name__}")
