"""Every second beat a ventricular one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from healthslm.records import Beat, Finding, Label


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bigeminy that was told."""

    t0_s: float
    t1_s: float
    pairs: int


@dataclass(frozen=True, slots=True)
class State:
    """The pairs in a row up to now, and the stretch they belong to."""

    newest: Label = ""  # class of the beat before; "" where it breaks the pattern
    t0_s: float = 0.0  # first ventricular beat of the pairs in a row
    pairs: int = 0  # in a row: a ventricular beat and a normal one
    stretch: Stretch | None = None


@dataclass(frozen=True, slots=True)
class Bigeminy:
    """A finding for each stretch of three and more pairs of a ventricular and a normal beat.

    No standard gives a number; three pairs are a proposal [P]. Stretches less than a minute
    apart are one, so that a pattern that comes and goes is told once [P]. A poor beat, one whose
    class cannot be told, or a gap ends the pairs in a row. A supraventricular beat counts as
    the normal one of its pair.
    """

    reads: ClassVar[tuple[str, ...]] = ("beat",)

    least_pairs: int = 3
    apart_s: float = 60.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Beat, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one beat."""
        ended: tuple[Finding, ...] = ()
        stretch = state.stretch
        if stretch and not 0 <= x.t_s - stretch.t1_s <= self.apart_s:
            ended = (_finding(stretch, x.stream, ongoing=False),)
            state = replace(state, stretch=None)
        label = x.label if x.good else ""
        before = state.newest if x.rr_s is not None else ""
        state = replace(state, newest=label)
        if label == "V":
            going = before in ("N", "S") and state.pairs > 0
            return (state if going else replace(state, t0_s=x.t_s, pairs=0)), ended
        if label not in ("N", "S") or before != "V":
            return replace(state, pairs=0), ended
        state = replace(state, pairs=state.pairs + 1)
        if state.pairs < self.least_pairs:
            return state, ended
        new = self.least_pairs if state.pairs == self.least_pairs else 1
        if state.stretch is None:
            stretch = Stretch(state.t0_s, x.t_s, state.pairs)
            ended = (*ended, _finding(stretch, x.stream, ongoing=True))
        else:
            stretch = Stretch(state.stretch.t0_s, x.t_s, state.stretch.pairs + new)
        return replace(state, stretch=stretch), ended


def _finding(stretch: Stretch, stream: str, *, ongoing: bool) -> Finding:
    evidence = (("pairs", float(stretch.pairs)), ("length_s", stretch.t1_s - stretch.t0_s))
    return Finding("bigeminy", stream, stretch.t0_s, stretch.t1_s, "info", evidence, ongoing)


DETECTOR = Bigeminy()
