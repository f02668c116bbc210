"""A day of glucose: time in range, mean, variation, and how much of the day was read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import floor, sqrt
from typing import ClassVar

from healthslm.records import Vital

DAY_S = 86_400.0
MGDL_PER_MMOL = 18.0182  # 180.182 g/mol
VERY_LOW_MGDL, LOW_MGDL, HIGH_MGDL, VERY_HIGH_MGDL = 54.0, 70.0, 180.0, 250.0


def mmol_per_l(mgdl: float) -> float:
    """Return glucose in mmol/L.

    >>> [round(mmol_per_l(x), 1) for x in (54, 70, 140, 180, 250)]
    [3.0, 3.9, 7.8, 10.0, 13.9]
    """
    return mgdl / MGDL_PER_MMOL


def gmi_pct(mean_mgdl: float) -> float:
    """Return the glucose management indicator (Bergenstal 2018, doi:10.2337/dc18-1581).

    >>> [round(gmi_pct(x), 2) for x in (100, 125, 154, 183, 212)]
    [5.7, 6.3, 6.99, 7.69, 8.38]
    """
    return 3.31 + 0.02392 * mean_mgdl


@dataclass(frozen=True, slots=True)
class Ranges:
    """Where the readings of a span lay.

    The ranges are those of the international consensus (Battelino 2019,
    doi:10.2337/dci19-0028): below 54, 54 to 69, 70 to 180, 181 to 250, above 250 mg/dL.
    Both ends of 70 to 180 are in range, and 250 is not above 250.
    """

    very_low: int = 0
    low: int = 0
    within: int = 0
    high: int = 0
    very_high: int = 0
    mean_mgdl: float = 0.0
    square: float = 0.0  # sum of squared distances from the mean

    @classmethod
    def of(cls, values_mgdl: Iterable[float]) -> Ranges:
        """Return the ranges of values, mg/dL.

        >>> Ranges.of([53, 54, 69, 70, 71, 120, 180, 181, 250, 251]).percent()
        (10.0, 20.0, 40.0, 20.0, 10.0)
        """
        ranges = cls()
        for value in values_mgdl:
            ranges = ranges.with_reading(value)
        return ranges

    @property
    def count(self) -> int:
        """How many readings."""
        return self.very_low + self.low + self.within + self.high + self.very_high

    def with_reading(self, mgdl: float) -> Ranges:
        """Return the ranges with one more reading (Welford 1962)."""
        count = self.count + 1
        off = mgdl - self.mean_mgdl
        mean = self.mean_mgdl + off / count
        bins = (
            self.very_low + (mgdl < VERY_LOW_MGDL),
            self.low + (VERY_LOW_MGDL <= mgdl < LOW_MGDL),
            self.within + (LOW_MGDL <= mgdl <= HIGH_MGDL),
            self.high + (HIGH_MGDL < mgdl <= VERY_HIGH_MGDL),
            self.very_high + (mgdl > VERY_HIGH_MGDL),
        )
        return Ranges(*bins, mean, self.square + off * (mgdl - mean))

    def percent(self) -> tuple[float, float, float, float, float]:
        """Return TBR level 2, TBR level 1, TIR, TAR level 1 and TAR level 2 of >= 1 reading."""
        bins = (self.very_low, self.low, self.within, self.high, self.very_high)
        tbr2, tbr1, tir, tar1, tar2 = (100 * n / self.count for n in bins)
        return tbr2, tbr1, tir, tar1, tar2

    @property
    def cv_pct(self) -> float:
        """Coefficient of variation, n - 1, of at least two readings; stable up to 36 %."""
        return 100 * sqrt(self.square / (self.count - 1)) / self.mean_mgdl


@dataclass(frozen=True, slots=True)
class State:
    """The day under way."""

    day: int | None = None
    newest_s: float | None = None
    covered_s: float = 0.0
    ranges: Ranges = Ranges()


@dataclass(frozen=True, slots=True)
class GlucoseRange:
    """Time in range, mean, CV and GMI of every day of which 70 % was read.

    The consensus asks for 70 % of the sensor's time, and for 14 days before GMI says
    anything of a person (doi:10.2337/dci19-0028): here stand the days it is made of. A
    reading stands for the time since the one before it, `cover_s` at most (sensors read
    every 1 to 15 min); percentages are of readings. Days begin at midnight UTC plus
    `zone_offset_s`. A day is told when the first reading of a later one comes.
    """

    reads: ClassVar[tuple[str, ...]] = ("glucose",)
    latency_s: ClassVar[float] = 0.0

    least_share: float = 0.70
    cover_s: float = 900.0
    zone_offset_s: float = 0.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Vital, ...]]:
        """Take one reading."""
        day = floor((x.t_s + self.zone_offset_s) / DAY_S)
        if state.newest_s is not None and x.t_s <= state.newest_s:
            return (state, ()) if day == state.day else (State(), ())  # a clock that went back
        vitals: tuple[Vital, ...] = ()
        if day != state.day:
            vitals = self._closed(state, x.stream)
            state = State(day, state.newest_s)
        before_s = x.t_s if state.newest_s is None else state.newest_s
        covered_s = state.covered_s + min(x.t_s - before_s, self.cover_s)
        ranges = state.ranges.with_reading(x.value)
        return replace(state, newest_s=x.t_s, covered_s=covered_s, ranges=ranges), vitals

    def _closed(self, state: State, stream: str) -> tuple[Vital, ...]:
        """Return what the day under way was, if enough of it was read."""
        ranges = state.ranges
        wear = min(state.covered_s / DAY_S, 1.0)
        if state.day is None or wear < self.least_share or ranges.count < 2:
            return ()
        end_s = (state.day + 1) * DAY_S - self.zone_offset_s
        names = ("tbr2", "tbr1", "tir", "tar1", "tar2", "mean", "cv", "gmi", "wear")
        mean = ranges.mean_mgdl
        values = (*ranges.percent(), mean, ranges.cv_pct, gmi_pct(mean), 100 * wear)
        return tuple(
            Vital(f"glucose_{name}", stream, end_s, value)
            for name, value in zip(names, values, strict=True)
        )


SIGNAL = GlucoseRange()
