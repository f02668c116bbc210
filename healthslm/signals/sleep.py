"""Asleep or awake, from how still a body lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor
from typing import ClassVar

from healthslm.records import Vital

BLOCK_S = 300.0


@dataclass(frozen=True, slots=True)
class State:
    """Since when all was still, and the block under way."""

    newest_s: float | None = None
    turns_s: float | None = None  # when a posture change was last heard of
    still_s: float = 0.0  # begin of the stillness; or when it was last broken
    block: int = 0  # floor(UTC seconds / BLOCK_S)
    known: int = 0  # readings in it
    asleep: int = 0  # those after 5 min of stillness


@dataclass(frozen=True, slots=True)
class Sleep:
    """Vital "asleep", 1 or 0, for every 5 min: never how deep, and no diagnosis of sleep.

    Asleep is who has not turned by 5 degrees for 5 min: the sustained inactivity of van Hees
    et al. 2015 (doi:10.1371/journal.pone.0142533). Where we differ: gravity's whole angle,
    largest in a minute; the 5 min themselves still count as awake, because they are told
    before they are over; and no night is sought around it, so who reads without a move by
    day is called asleep. Not measured on people: there are no such recordings here.

    A device that tells only `activity` is judged by that: below `quiet_g` for 5 min [P].
    Without a single turn for 3 h it is more likely that nobody wears the sensor: then
    nothing is told. A hole of 10 min ends what is known.
    """

    reads: ClassVar[tuple[str, ...]] = ("activity", "posture_change")
    latency_s: ClassVar[float] = 0.0

    turned_deg: float = 5.0
    quiet_g: float = 0.012
    least_s: float = 300.0
    unworn_s: float = 10_800.0
    max_gap_s: float = 600.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Vital, ...]]:
        """Take one reading; return the block that it ends."""
        turn = x.kind == "posture_change"
        before_s, turns_s = state.newest_s, x.t_s if turn else state.turns_s
        told: tuple[Vital, ...] = ()
        block = floor(x.t_s / BLOCK_S)
        if before_s is None or block != state.block:
            told = _told(state, x.stream)
            state = replace(state, block=block, known=0, asleep=0)
        if before_s is None or not 0 <= x.t_s - before_s <= self.max_gap_s:
            state = replace(state, still_s=x.t_s, turns_s=None)
        state = replace(state, newest_s=x.t_s, turns_s=turns_s)
        if not turn and turns_s is not None and x.t_s - turns_s <= self.least_s:
            return state, told  # turns are better known, and follow
        if x.value >= (self.turned_deg if turn else self.quiet_g):
            return replace(state, still_s=x.t_s, known=state.known + 1), told
        held_s = x.t_s - state.still_s
        if turn and held_s > self.unworn_s:
            return state, told
        asleep = state.asleep + (held_s >= self.least_s)
        return replace(state, known=state.known + 1, asleep=asleep), told


def _told(state: State, stream: str) -> tuple[Vital, ...]:
    """Return what most of the block's readings say."""
    if not state.known:
        return ()
    value = 1.0 if 2 * state.asleep > state.known else 0.0
    return (Vital("asleep", stream, (state.block + 1) * BLOCK_S, value),)


SIGNAL = Sleep()
