"""Dips of the oxygen saturation, as in sleep: how many an hour."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import ceil, floor, isfinite
from typing import ClassVar

from healthslm.records import Finding, Severity, Vital

DAY_S, HOUR_S = 86_400.0, 3600.0
NOON_S = 43_200.0
LOW_PCT = 90.0  # T90: time below
EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Dip:
    """A fall under way."""

    from_pct: float
    since_s: float
    below3_s: float = 0.0  # time in a row
    below4_s: float = 0.0
    counted: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, slots=True)
class Night:
    """What was seen of one night. The denominator is monitored time: nobody knows who slept."""

    t0_s: float = 0.0
    t1_s: float = 0.0
    monitored_s: float = 0.0
    dips3: int = 0
    dips4: int = 0
    below_90_s: float = 0.0
    nadir_pct: float = 100.0

    @property
    def odi3_per_h(self) -> float:
        """Dips of 3 points and more in an hour of monitored time; NaN of none."""
        return self._per_h(self.dips3)

    @property
    def odi4_per_h(self) -> float:
        """Dips of 4 points and more in an hour of monitored time; NaN of none."""
        return self._per_h(self.dips4)

    def _per_h(self, count: int) -> float:
        return count * HOUR_S / self.monitored_s if self.monitored_s else float("nan")


@dataclass(frozen=True, slots=True)
class State:
    """The newest two minutes, and the night under way."""

    night: int | None = None  # floor(days since 1970, counted from noon)
    seen: Night = field(default_factory=Night)
    times_s: tuple[float, ...] = ()  # of the readings in a row, `before_s` at most
    values_pct: tuple[float, ...] = ()
    dip: Dip | None = None
    hours: int = 0  # whole monitored hours at which it was told, or not
    told: bool = False
    many: int | None = None  # newest night with dips as many as are amber


@dataclass(frozen=True, slots=True)
class OxygenDips:
    """ODI3 and ODI4 of a night of which 4 h were monitored, where dips are frequent.

    A dip is a fall of at least 3 points (ODI3) or 4 points (ODI4) below what came before it
    that lasts at least 10 s (AASM scoring manual: hypopnoeas of 3 % and of 4 %). The
    denominator is the monitored time, told beside it: by sleep time an index is higher.
    T90 is the time below 90 %, and the nadir the lowest reading.

    Where the manual leaves it open [P]: "before" is the upper tenth of the 2 min before the
    dip, of which 30 s must be there; a dip is over 1 point below that, or after 2 min, when it
    is a level of its own. Readings up to 4 s apart are a row, anything longer ends the dip and
    what is known of before; at most one reading a second is looked at, and none below 50 %.

    Told after each monitored hour from the fourth on, and at the night's end (noon UTC plus
    `zone_offset_s`) with the next reading; info from 5 dips (ODI3) an hour, amber from 15
    (ODI4) in two nights in a row [P]. It is no measure of breathing and names no illness.
    """

    reads: ClassVar[tuple[str, ...]] = ("spo2",)

    info_per_h: float = 5.0
    amber_per_h: float = 15.0
    least_h: float = 4.0
    least_dip_s: float = 10.0
    longest_dip_s: float = 120.0
    before_s: float = 120.0
    least_before_s: float = 30.0
    before_share: float = 0.9
    recovered_pct: float = 1.0
    max_step_s: float = 4.0
    min_step_s: float = 0.9
    least_pct: float = 50.0
    zone_offset_s: float = 0.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one saturation."""
        step_s = x.t_s - state.times_s[-1] if state.times_s else -1.0
        if x.value < self.least_pct or 0 <= step_s < self.min_step_s:
            return state, ()
        night = floor((x.t_s + self.zone_offset_s - NOON_S) / DAY_S)
        ended: tuple[Finding, ...] = ()
        if night != state.night:
            worth = self._worth(state)
            ended = self._told(state, x.stream, ongoing=False) if worth else ()
            many = state.night if worth and self._many(state) else state.many
            state = State(night, Night(t0_s=x.t_s), state.times_s, state.values_pct, many=many)
        state = self._taken(state, x.t_s, x.value)
        hours = floor(state.seen.monitored_s / HOUR_S + EPSILON)
        if hours <= state.hours:
            return state, ended
        state = replace(state, hours=hours)
        if not self._worth(state):
            return state, ended
        return replace(state, told=True), (*ended, *self._told(state, x.stream, ongoing=True))

    def count(self, values_pct: Iterable[float], fs: float = 1.0) -> Night:
        """Return the dips of a whole trace, NaN where nothing was read.

        Parameters
        ----------
        values_pct
            Shape (n,), %.
        fs
            Hz, at most 1 / `min_step_s`.
        """
        state = State()
        for i, value in enumerate(values_pct):
            if isfinite(value) and value >= self.least_pct:
                state = self._taken(state, i / fs, value)
        return state.seen

    def _taken(self, state: State, t_s: float, pct: float) -> State:
        """Return the state after one reading."""
        newest_s = state.times_s[-1] if state.times_s else None
        seen = replace(
            state.seen, t1_s=max(t_s, state.seen.t1_s), nadir_pct=min(pct, state.seen.nadir_pct)
        )
        if newest_s is None or not 0 < t_s - newest_s <= self.max_step_s + EPSILON:
            return replace(state, seen=seen, times_s=(t_s,), values_pct=(pct,), dip=None)
        step_s = t_s - newest_s
        dip, new3, new4 = self._dip(state, t_s, pct, step_s)
        # The first of a row stands for as long as the second, which stands for its step.
        stand = (pct, state.values_pct[0]) if len(state.times_s) == 1 else (pct,)
        seen = replace(
            seen,
            monitored_s=seen.monitored_s + step_s * len(stand),
            below_90_s=seen.below_90_s + step_s * sum(v < LOW_PCT for v in stand),
            dips3=seen.dips3 + new3,
            dips4=seen.dips4 + new4,
        )
        keep = bisect_left(state.times_s, t_s - self.before_s)
        times_s, values = (*state.times_s[keep:], t_s), (*state.values_pct[keep:], pct)
        return replace(state, seen=seen, times_s=times_s, values_pct=values, dip=dip)

    def _dip(
        self, state: State, t_s: float, pct: float, step_s: float
    ) -> tuple[Dip | None, bool, bool]:
        """Return the dip under way, and whether this reading makes it count."""
        dip = state.dip
        if dip is None:
            if max(state.values_pct) - pct < 3 - EPSILON:
                return None, False, False  # whatever the level before is
            from_pct = self._before(state)
            if from_pct is None or from_pct - pct < 3 - EPSILON:
                return None, False, False
            dip = Dip(from_pct, t_s - step_s)
        fall = dip.from_pct - pct
        if fall <= self.recovered_pct + EPSILON or t_s - dip.since_s > self.longest_dip_s:
            return None, False, False
        below3_s = dip.below3_s + step_s if fall >= 3 - EPSILON else 0.0
        below4_s = dip.below4_s + step_s if fall >= 4 - EPSILON else 0.0
        long3, long4 = (s >= self.least_dip_s - EPSILON for s in (below3_s, below4_s))
        was3, was4 = dip.counted
        dip = Dip(dip.from_pct, dip.since_s, below3_s, below4_s, (was3 or long3, was4 or long4))
        return dip, long3 and not was3, long4 and not was4

    def _before(self, state: State) -> float | None:
        """Return the level before; None where too little of it is known."""
        times_s = state.times_s
        if times_s[-1] - times_s[0] < self.least_before_s - EPSILON:
            return None
        values = sorted(state.values_pct)
        return values[ceil(self.before_share * len(values)) - 1]

    def _worth(self, state: State) -> bool:
        """Tell whether a night is to be told."""
        enough = state.seen.monitored_s >= self.least_h * HOUR_S - EPSILON
        return state.told or (enough and state.seen.odi3_per_h >= self.info_per_h)

    def _many(self, state: State) -> bool:
        return state.seen.odi4_per_h >= self.amber_per_h

    def _told(self, state: State, stream: str, *, ongoing: bool) -> tuple[Finding, ...]:
        seen = state.seen
        again = state.many is not None and state.night == state.many + 1
        severity: Severity = "amber" if again and self._many(state) else "info"
        evidence = (
            ("odi3_per_h", seen.odi3_per_h),
            ("odi4_per_h", seen.odi4_per_h),
            ("monitored_h", seen.monitored_s / HOUR_S),
            ("below_90_s", seen.below_90_s),
            ("nadir_pct", seen.nadir_pct),
        )
        return (Finding("oxygen_dips", stream, seen.t0_s, seen.t1_s, severity, evidence, ongoing),)


DETECTOR = OxygenDips()
