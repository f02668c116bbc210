"""Heart rate, block by block, from beats or pulses."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import ClassVar

from healthslm.records import Beat, Vital

BLOCK_S = 10.0
ENOUGH_TO_TRIM = 5  # intervals


@dataclass(frozen=True, slots=True)
class State:
    """The good intervals of the block under way."""

    block: int | None = None  # floor(UTC seconds / BLOCK_S)
    good: bool = False  # of the newest beat
    count: int = 0
    total_s: float = 0.0
    shortest_s: float = 0.0
    longest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HeartRate:
    """The mean heart rate (1/min) of every 10 s, told at the end of the block.

    The mean is of the intervals between good beats, without the shortest and the longest
    where there are five (after the averaging of bedside monitors: IEC 60601-2-27 disclosures
    of Mindray uMEC10, which drop both of the last twelve). An interval belongs to the block
    of its second beat. A block of which less than half lies in good intervals tells nothing.
    It is told when the next beat comes, however late.
    """

    reads: ClassVar[tuple[str, ...]] = ("beat", "pulse")
    latency_s: ClassVar[float] = 0.0

    least_share: float = 0.5

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Beat, /) -> tuple[State, tuple[Vital, ...]]:
        """Take one beat or pulse."""
        block = floor(x.t_s / BLOCK_S)
        vitals: tuple[Vital, ...] = ()
        if block != state.block:
            vitals = self._closed(state, x.stream)
            state = State(block, state.good)
        if x.rr_s is None or not (x.good and state.good):
            return State(
                block, x.good, state.count, state.total_s, state.shortest_s, state.longest_s
            ), vitals
        rr_s, first = x.rr_s, state.count == 0
        return State(
            block,
            True,
            state.count + 1,
            state.total_s + rr_s,
            rr_s if first else min(rr_s, state.shortest_s),
            rr_s if first else max(rr_s, state.longest_s),
        ), vitals

    def _closed(self, state: State, stream: str) -> tuple[Vital, ...]:
        """Return the rate of the block under way."""
        if state.block is None or state.total_s < self.least_share * BLOCK_S:
            return ()
        end_s = (state.block + 1) * BLOCK_S
        count, total_s = state.count, state.total_s
        if count >= ENOUGH_TO_TRIM:
            count, total_s = count - 2, total_s - state.shortest_s - state.longest_s
        return (Vital("heart_rate", stream, end_s, 60 * count / total_s),)


SIGNAL = HeartRate()
