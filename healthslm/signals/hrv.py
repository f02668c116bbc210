"""Heart rate variability, block by block, from ECG beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import floor, sqrt
from typing import ClassVar

from healthslm.records import Beat, Vital

BLOCK_S = 300.0
MS = 1000.0


def mean_nn_ms(rr_s: Sequence[float]) -> float:
    """Return the mean interval in ms, of intervals in s."""
    return MS * sum(rr_s) / len(rr_s)


def mean_hr_bpm(rr_s: Sequence[float]) -> float:
    """Return the heart rate (1/min) of the mean interval, of intervals in s.

    It is not the mean of the rates, which is always a little higher.

    >>> round(mean_hr_bpm([0.8, 0.81, 0.79, 0.85, 0.76, 0.805, 0.812, 0.798]), 4)
    74.7082
    """
    return 60 * MS / mean_nn_ms(rr_s)


def sdnn_ms(rr_s: Sequence[float], *, less: int = 1) -> float:
    """Return SDNN in ms: the standard deviation of at least two intervals in s.

    Task Force 1996, doi:10.1161/01.CIR.93.5.1043. The divisor is n - `less`: 1 for the
    estimate from a sample, 0 for these intervals themselves.

    >>> round(sdnn_ms([0.8, 0.81, 0.79, 0.85, 0.76, 0.805, 0.812, 0.798]), 4)
    25.0567
    """
    return MS * _deviation(rr_s, less)


def sdsd_ms(rr_s: Sequence[float]) -> float:
    """Return SDSD in ms: the standard deviation (n - 1) of at least two differences.

    Task Force 1996, doi:10.1161/01.CIR.93.5.1043. Intervals in s.

    >>> round(sdsd_ms([0.8, 0.81, 0.79, 0.85, 0.76, 0.805, 0.812, 0.798]), 4)
    49.1078
    """
    return MS * _deviation([b - a for a, b in pairwise(rr_s)], 1)


def _deviation(values: Sequence[float], less: int) -> float:
    mean = sum(values) / len(values)
    return sqrt(sum((x - mean) ** 2 for x in values) / (len(values) - less))


def rmssd_ms(rr_s: Sequence[float]) -> float:
    """Return RMSSD in ms: the root mean square of successive differences, of intervals in s.

    Task Force 1996, doi:10.1161/01.CIR.93.5.1043. At least two intervals.

    >>> round(rmssd_ms([0.8, 0.81, 0.79, 0.85, 0.76, 0.805, 0.812, 0.798]), 4)
    45.4658
    """
    return MS * sqrt(sum((b - a) ** 2 for a, b in pairwise(rr_s)) / (len(rr_s) - 1))


def nn50(rr_s: Sequence[float]) -> int:
    """Return NN50: how many successive differences are more than 50 ms.

    Exactly 50 ms is not more; intervals are taken to the microsecond, so that 0.85 - 0.8
    is 50 ms. Task Force 1996, doi:10.1161/01.CIR.93.5.1043. Intervals in s.
    """
    return sum(round(abs(b - a), 6) > 0.05 for a, b in pairwise(rr_s))


def pnn50_pct(rr_s: Sequence[float]) -> float:
    """Return pNN50 in %: NN50 of all successive differences. At least two intervals, in s.

    >>> round(pnn50_pct([0.8, 0.81, 0.79, 0.85, 0.76, 0.805, 0.812, 0.798]), 4)
    28.5714
    """
    return 100 * nn50(rr_s) / (len(rr_s) - 1)


@dataclass(frozen=True, slots=True)
class Sums:
    """What RMSSD and SDNN of the block under way are made of."""

    measured: int = 0  # intervals between beats of any kind
    measured_s: float = 0.0
    kept: int = 0
    mean_s: float = 0.0
    square_s2: float = 0.0  # sum of squared distances from the mean
    steps: int = 0  # successive differences between intervals that were both kept
    step_square_s2: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """The newest beat, and the sums of the block under way."""

    block: int | None = None  # floor(UTC seconds / BLOCK_S)
    good: bool = False  # of the newest beat
    rr_s: float | None = None  # newest interval within the limits
    kept_s: float | None = None  # the same, if it was kept
    sums: Sums = Sums()


@dataclass(frozen=True, slots=True)
class HeartRateVariability:
    """RMSSD and SDNN (ms) of every 5 min that is fit for it, told at the end of the block.

    Preprocessing as the defaults of the PhysioNet Cardiovascular Signal Toolbox
    (doi:10.1088/1361-6579/aae021): intervals of 0.375 to 2.0 s; those that differ by more
    than 20 % from the one before are dropped; a block is refused when more than 20 % of its
    intervals were dropped, or more than 15 % of its time was not measured.

    Where we differ: an interval next to a bad beat is dropped too; the one before means the
    one before in time, kept or not, so an ectopic beat costs three intervals; differences
    are taken only between neighbours. An interval belongs to the block of its second beat. A
    block is told when the next beat comes, however late.
    """

    reads: ClassVar[tuple[str, ...]] = ("beat",)
    latency_s: ClassVar[float] = 0.0

    shortest_s: float = 0.375
    longest_s: float = 2.0
    most_change: float = 0.20
    most_dropped: float = 0.20
    most_missing: float = 0.15

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Beat, /) -> tuple[State, tuple[Vital, ...]]:
        """Take one beat."""
        block = floor(x.t_s / BLOCK_S)
        vitals: tuple[Vital, ...] = ()
        if block != state.block:
            vitals = self._closed(state, x.stream)
            state = replace(state, block=block, sums=Sums())
        if x.rr_s is None:
            return State(block, x.good, None, None, state.sums), vitals
        rr_s = x.rr_s
        possible = x.good and state.good and self.shortest_s <= rr_s <= self.longest_s
        before_s = state.rr_s
        keep = possible and (
            before_s is None or abs(rr_s - before_s) <= self.most_change * before_s
        )
        sums = replace(
            state.sums,
            measured=state.sums.measured + 1,
            measured_s=state.sums.measured_s + rr_s,
        )
        if keep:
            sums = _with(sums, rr_s, state.kept_s)
        return State(
            block, x.good, rr_s if possible else None, rr_s if keep else None, sums
        ), vitals

    def _closed(self, state: State, stream: str) -> tuple[Vital, ...]:
        """Return the variability of the block under way, if it is fit for it."""
        sums = state.sums
        if state.block is None or sums.kept < 2 or sums.steps < 1:
            return ()
        end_s = (state.block + 1) * BLOCK_S
        dropped = sums.measured - sums.kept
        if (
            dropped > self.most_dropped * sums.measured
            or BLOCK_S - sums.measured_s > self.most_missing * BLOCK_S
        ):
            return ()
        rmssd = MS * sqrt(sums.step_square_s2 / sums.steps)
        sdnn = MS * sqrt(sums.square_s2 / (sums.kept - 1))
        return (
            Vital("rmssd", stream, end_s, rmssd),
            Vital("sdnn", stream, end_s, sdnn),
        )


def _with(sums: Sums, rr_s: float, before_s: float | None) -> Sums:
    """Add one interval (Welford 1962, doi:10.1080/00401706.1962.10490022)."""
    kept = sums.kept + 1
    delta_s = rr_s - sums.mean_s
    mean_s = sums.mean_s + delta_s / kept
    steps, step_square_s2 = sums.steps, sums.step_square_s2
    if before_s is not None:
        steps, step_square_s2 = steps + 1, step_square_s2 + (rr_s - before_s) ** 2
    return replace(
        sums,
        kept=kept,
        mean_s=mean_s,
        square_s2=sums.square_s2 + delta_s * (rr_s - mean_s),
        steps=steps,
        step_square_s2=step_square_s2,
    )


SIGNAL = HeartRateVariability()
