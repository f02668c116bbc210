"""What the tests of detectors share: readings at a steady pace, and a run over them."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from healthslm.records import Finding, Vital

Runs = Callable[..., list[Vital]]
Told = Callable[..., list[Finding]]

T0 = 1_700_000_000.0


@pytest.fixture
def readings() -> Runs:
    """Return a maker of vitals: `readings(kind, (value, count), ..., step_s=, t0_s=)`."""

    def make(
        kind: str,
        *runs: tuple[float, int],
        step_s: float = 10.0,
        t0_s: float = 0.0,
        stream: str = "wrist/x",
    ) -> list[Vital]:
        values = [value for value, count in runs for _ in range(count)]
        return [Vital(kind, stream, T0 + t0_s + i * step_s, v) for i, v in enumerate(values)]

    return make


@pytest.fixture
def told() -> Told:
    """Return a runner: `told(detector, items)` gives the findings; items are sorted by time."""

    def run(detector: Any, items: Iterable[Any]) -> list[Finding]:
        state, out = detector.start(), []
        for x in sorted(items, key=lambda x: x.t_s):
            state, new = detector.step(state, x)
            out += new
        return out

    return run
