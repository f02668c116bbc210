"""A long interval between two heart beats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from healthslm.records import Beat, Finding, Severity


@dataclass(frozen=True, slots=True)
class State:
    """Whether the beat before was good, and the pause that its interval belongs to."""

    good: bool = False
    seen: bool = False  # the beat before has a class: there is an ECG behind it
    t0_s: float | None = None  # where the pause began; None: the interval before was no pause
    longest_s: float = 0.0
    amber: bool = False  # it was told as such


@dataclass(frozen=True, slots=True)
class Pause:
    """A finding for each interval of 2.0 s and more between good beats.

    From 3.0 s it is amber (2018 ACC/AHA/HRS guideline, doi:10.1161/CIR.0000000000000628, says
    more than 3 s; exactly 3.000 s counts here [P]); from 2.0 s it is reported [P].

    Both beats must be good, and the interval measured: a gap or an unread span is no pause,
    and neither is a pulse that a PPG missed. Long intervals in a row are one pause, told
    again when a longer one comes: below 30/min a slow heart is bradycardia, not a flood.

    Where nobody looked at the beats (no class: intervals alone, as a chest strap sends
    them), a long interval may be a beat that was missed: it is reported, and never amber.
    """

    reads: ClassVar[tuple[str, ...]] = ("beat",)

    report_s: float = 2.0
    amber_s: float = 3.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Beat, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one beat."""
        rr_s = x.rr_s if state.good and x.good else None
        seen = x.label != ""
        if rr_s is None or rr_s < self.report_s:
            return State(x.good, seen), ()
        if state.t0_s is not None and rr_s <= state.longest_s:
            return replace(state, seen=seen), ()
        t0_s = x.t_s - rr_s if state.t0_s is None else state.t0_s
        amber = state.amber or (rr_s >= self.amber_s and seen and state.seen)
        severity: Severity = "amber" if amber else "info"
        finding = Finding("pause", x.stream, t0_s, x.t_s, severity, (("rr_s", rr_s),))
        return State(x.good, seen, t0_s, rr_s, amber), (finding,)


DETECTOR = Pause()
