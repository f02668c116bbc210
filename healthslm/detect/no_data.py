"""A slow stream that fell silent: we do not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from healthslm.records import SLOW_KINDS, Chunk, Finding, Tick


@dataclass(frozen=True, slots=True)
class State:
    """When a value was last read, and whether its absence was told."""

    stream: str = ""
    newest_s: float | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class NoData:
    """A technical finding where a stream that was there sends nothing readable for 2 h [P].

    It ends when a value comes again. Only samples count, of the slow streams: what is
    derived from an ECG is not missing when no ECG is taken. Samples that say "no reading"
    are silence. By day or by night: this stage does not know who is awake.
    """

    reads: ClassVar[tuple[str, ...]] = SLOW_KINDS
    chunks: ClassVar[bool] = True
    context: ClassVar[tuple[str, ...]] = ("tick",)

    silent_s: float = 7200.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Chunk | Tick, /) -> tuple[State, tuple[Finding, ...]]:
        """Take samples, or the news that time has passed."""
        if isinstance(x, Tick):
            return self._passed(state, x.t_s)
        if not np.isfinite(x.values).any():
            return state, ()
        read = np.flatnonzero(np.isfinite(x.values))
        first_s, last_s = (x.epoch_s + (x.start + int(i)) / x.fs for i in (read[0], read[-1]))
        before_s = state.newest_s
        findings: tuple[Finding, ...] = ()
        if before_s is not None and (state.told or first_s - before_s >= self.silent_s):
            findings = (_finding(x.stream, before_s, first_s, ongoing=False),)
        return State(x.stream, last_s), findings

    def _passed(self, state: State, t_s: float) -> tuple[State, tuple[Finding, ...]]:
        """Return what the silence up to now leads to."""
        since_s = state.newest_s
        if since_s is None or state.told or t_s - since_s < self.silent_s:
            return state, ()
        told = State(state.stream, since_s, told=True)
        return told, (_finding(state.stream, since_s, t_s, ongoing=True),)


def _finding(stream: str, t0_s: float, t1_s: float, *, ongoing: bool) -> Finding:
    evidence = (("silent_s", t1_s - t0_s),)
    return Finding("no_data", stream, t0_s, t1_s, "info", evidence, ongoing)


DETECTOR = NoData()
