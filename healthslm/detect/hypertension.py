"""Blood pressure that is high, by a cuff."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from healthslm.detect.repeated import Judged, News, Run, advance
from healthslm.records import Finding, Vital


@dataclass(frozen=True, slots=True)
class Reading:
    """What one inflation of the cuff gave."""

    t_s: float
    systolic_mmhg: float | None = None
    diastolic_mmhg: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The newest reading, whose cuff this lane is of, and what was found."""

    stream: str = ""  # of the systolic values
    diastolic_stream: str = ""  # of the newest diastolic value
    reading: Reading | None = None
    run: Run = field(default_factory=Run)


@dataclass(frozen=True, slots=True)
class Hypertension:
    """A finding for each row of high readings of one cuff.

    Above 180 systolic or above 120 diastolic is severe (2025 AHA/ACC guideline,
    doi:10.1161/CIR.0000000000001356; with symptoms it is an emergency, and symptoms are not
    known here): a first reading is amber, so that someone asks to sit and take it again after
    5 min; one that is still so at least 5 min later is red [P]. At 160 systolic or 100
    diastolic and more, a repeat is amber and a single reading is not told [P].

    Only cuffs: the guideline does not recommend cuffless devices, and nothing here tells
    them apart, so do not feed it such a stream. Home hypertension (130/80 and more) is a mean
    over days and is not looked for.

    The two values of a reading come on two streams of one device, at most `pair_s` apart.
    """

    reads: ClassVar[tuple[str, ...]] = ("systolic",)
    context: ClassVar[tuple[str, ...]] = ("diastolic",)

    severe_systolic_mmhg: float = 180.0
    severe_diastolic_mmhg: float = 120.0
    high_systolic_mmhg: float = 160.0
    high_diastolic_mmhg: float = 100.0
    margin_mmhg: float = 5.0
    margin_share: float = 0.05
    pair_s: float = 60.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one systolic or diastolic pressure."""
        reading = self._reading(state, x)
        if reading is None:
            return state, ()
        state = replace(state, reading=reading)
        if x.kind == "diastolic":
            state = replace(state, diastolic_stream=x.stream)
        else:
            state = replace(state, stream=x.stream)
        if reading.systolic_mmhg is None:
            return state, ()
        values = (reading.systolic_mmhg, reading.diastolic_mmhg)
        run, news = advance(state.run, reading.t_s, values, self._judged(*values), sign=1)
        return replace(state, run=run), tuple(self._finding(n, state.stream) for n in news)

    def _reading(self, state: State, x: Vital) -> Reading | None:
        """Return the reading that a value belongs to; None if it is of another cuff."""
        reading = state.reading
        if x.kind == "diastolic":
            if state.stream and _device(x.stream) != _device(state.stream):
                return None
            if reading and reading.diastolic_mmhg is None and self._near(reading, x):
                return replace(reading, diastolic_mmhg=x.value)
            return Reading(x.t_s, diastolic_mmhg=x.value)
        own = _device(state.diastolic_stream) == _device(x.stream)
        if reading and reading.systolic_mmhg is None and own and self._near(reading, x):
            return replace(reading, systolic_mmhg=x.value)
        return Reading(x.t_s, systolic_mmhg=x.value)

    def _near(self, reading: Reading, x: Vital) -> bool:
        return 0 <= x.t_s - reading.t_s <= self.pair_s

    def _judged(self, systolic: float, diastolic: float | None) -> tuple[Judged, ...]:
        severe = (self.severe_systolic_mmhg, self.severe_diastolic_mmhg)
        high = (self.high_systolic_mmhg, self.high_diastolic_mmhg)
        is_severe = systolic > severe[0] or (diastolic is not None and diastolic > severe[1])
        is_high = systolic >= high[0] or (diastolic is not None and diastolic >= high[1])

        def clear(limits: tuple[float, float]) -> bool:
            return self._clear(systolic, limits[0]) and (
                diastolic is None or self._clear(diastolic, limits[1])
            )

        return (
            Judged("amber", "red", is_severe, clear(severe)),
            Judged(None, "amber", is_high, clear(high)),
        )

    def _clear(self, value: float, limit: float) -> bool:
        return value <= limit - max(self.margin_mmhg, self.margin_share * limit)

    def _finding(self, news: News, stream: str) -> Finding:
        systolic, diastolic = news.told.worst
        limits = (
            (self.severe_systolic_mmhg, self.severe_diastolic_mmhg),
            (self.high_systolic_mmhg, self.high_diastolic_mmhg),
        )[news.told.limit]
        evidence = {
            "systolic_mmhg": systolic,
            "diastolic_mmhg": diastolic,
            "systolic_limit_mmhg": limits[0],
            "diastolic_limit_mmhg": limits[1],
            "readings": float(news.told.readings),
        }
        known = tuple((name, value) for name, value in evidence.items() if value is not None)
        return news.finding("hypertension", stream, known)


def _device(stream: str) -> str:
    return stream.partition("/")[0]


DETECTOR = Hypertension()
