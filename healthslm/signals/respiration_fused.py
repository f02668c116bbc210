"""The respiratory rate that beats of an ECG and pulses of a PPG agree on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from healthslm.records import Vital


@dataclass(frozen=True, slots=True)
class View:
    """What one stream says of one window."""

    stream: str
    kind: str = ""  # "breaths_ecg" or "breaths_ppg"; "" before the rate is heard
    per_min: float = 0.0
    quality: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """The window under way, as each stream sees it."""

    t_s: float | None = None
    own: str = ""  # stream of this lane; "": not heard of in this window
    views: tuple[View, ...] = ()


@dataclass(frozen=True, slots=True)
class FusedBreathing:
    """One respiratory rate a window, where two sensors agree; else none: we do not know.

    In the manner of Smart Fusion (Karlen et al. 2013, doi:10.1109/TBME.2013.2246160): rates
    that were found independently are averaged where they differ by little, else refused.
    Where we differ: two rates, from two sensors, `agree_per_min` apart at most (there: three
    of one PPG, with a standard deviation of 4), weighed by their qualities. Heart and sensor
    disturb an ECG and a PPG in different ways, so what both see is the breath.

    A sensor alone is believed from a quality of `alone` on, if no other is as sure. A window
    is told when the next one begins to be seen, however late.
    """

    reads: ClassVar[tuple[str, ...]] = ("breaths_ecg",)
    context: ClassVar[tuple[str, ...]] = (
        "breaths_ecg_quality",
        "breaths_ppg",
        "breaths_ppg_quality",
    )
    latency_s: ClassVar[float] = 0.0

    agree_per_min: float = 2.0
    least_quality: float = 0.3  # mean of the two that agree
    alone: float = 0.7

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Vital, ...]]:
        """Take one rate or quality of one stream."""
        told: tuple[Vital, ...] = ()
        if state.t_s != x.t_s:
            per_min = self.fused(state)
            if per_min is not None and state.t_s is not None:
                told = (Vital("respiratory_rate", state.own, state.t_s, per_min),)
            state = State(x.t_s)
        own = x.stream if x.kind in self.reads else state.own
        return State(x.t_s, own, _seen(state.views, x)), told

    def fused(self, state: State) -> float | None:
        """Return the rate in the window under way; None where it is not known."""
        own = next((v for v in state.views if v.stream == state.own), None)
        others = [v for v in state.views if v.kind not in ("", *self.reads)]
        if own is None:
            return None
        agree = [
            v
            for v in others
            if abs(v.per_min - own.per_min) <= self.agree_per_min
            and v.quality + own.quality >= 2 * self.least_quality
        ]
        if agree:
            other = max(agree, key=_quality)
            total = own.quality + other.quality
            return (own.per_min * own.quality + other.per_min * other.quality) / total
        surest = max((own, *others), key=_quality)
        if sum(v.quality >= self.alone for v in (own, *others)) == 1:
            return surest.per_min
        return None


def _quality(view: View) -> float:
    return view.quality


def _seen(views: tuple[View, ...], x: Vital) -> tuple[View, ...]:
    """Return the views with one more number of the stream `x.stream`."""
    before = next((v for v in views if v.stream == x.stream), View(x.stream))
    rest = tuple(v for v in views if v.stream != x.stream)
    if x.kind.endswith("_quality"):
        return (*rest, replace(before, quality=x.value))
    return (*rest, replace(before, kind=x.kind, per_min=x.value))


SIGNAL = FusedBreathing()
