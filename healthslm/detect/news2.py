"""NEWS2, as far as its seven inputs are known: partial, never a total with inputs missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import floor
from typing import ClassVar, Literal

from healthslm.detect.lasting import Level, Run, advance, skipped
from healthslm.records import Finding, Vital

Risk = Literal["low", "low-medium", "medium", "high"]

INPUTS = 7
URGENT, EMERGENCY, SINGLE = 5, 7, 3  # RCP 2017, chart 2: thresholds and triggers


@dataclass(frozen=True, slots=True)
class Inputs:
    """What NEWS2 asks for; None where it is not known."""

    respiratory_rate_per_min: float | None = None
    spo2_pct: float | None = None
    on_oxygen: bool | None = None
    systolic_mmhg: float | None = None
    pulse_bpm: float | None = None
    alert: bool | None = None  # False: newly confused, or responds to voice or pain, or not
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """The points of each input that is known."""

    parts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """The sum of what is known: the NEWS2 only where all seven are."""
        return sum(points for _, points in self.parts)

    @property
    def known(self) -> int:
        """How many of the seven inputs are known."""
        return len(self.parts)

    @property
    def risk(self) -> Risk:
        """Clinical risk by the sum of what is known: missing inputs can only raise it."""
        if self.total >= EMERGENCY:
            return "high"
        if self.total >= URGENT:
            return "medium"
        return "low-medium" if self.single else "low"

    @property
    def single(self) -> bool:
        """Some input scores 3 alone."""
        return any(points == SINGLE for _, points in self.parts)


def score(inputs: Inputs, *, scale: int = 1) -> Score:
    """Return the points of each input, as chart 1 has them (Royal College of Physicians 2017).

    Parameters
    ----------
    scale
        Of oxygen saturation: 2 for people with hypercapnic respiratory failure, as a
        clinician decided.

    Examples
    --------
    >>> seen = score(Inputs(respiratory_rate_per_min=21, pulse_bpm=91))
    >>> seen.total, seen.known
    (3, 2)
    """
    x = inputs
    parts: dict[str, int | None] = {
        "respiratory_rate": _points(
            x.respiratory_rate_per_min, ((8, 3), (11, 1), (20, 0), (24, 2)), above=3
        ),
        "spo2": _spo2(x.spo2_pct, x.on_oxygen, scale),
        "on_oxygen": None if x.on_oxygen is None else 2 * x.on_oxygen,
        "systolic": _points(x.systolic_mmhg, ((90, 3), (100, 2), (110, 1), (219, 0)), above=3),
        "pulse": _points(x.pulse_bpm, ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2)), above=3),
        "alert": None if x.alert is None else 3 * (not x.alert),
        "temperature": _points(
            x.temperature_c, ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1)), above=2, decimals=1
        ),
    }
    return Score(tuple((name, points) for name, points in parts.items() if points is not None))


def _points(
    value: float | None, steps: tuple[tuple[float, int], ...], *, above: int, decimals: int = 0
) -> int | None:
    """Return the points of the first step whose upper end, included, is not exceeded.

    The chart knows whole numbers, and tenths of a degree: values are rounded half upwards.
    """
    if value is None:
        return None
    scale = 10.0**decimals
    rounded = floor(value * scale + 0.5) / scale
    return next((points for end, points in steps if rounded <= end), above)


def _spo2(pct: float | None, on_oxygen: bool | None, scale: int) -> int | None:
    if scale == 1:
        return _points(pct, ((91, 3), (93, 2), (95, 1)), above=0)
    low = ((83, 3), (85, 2), (87, 1), (92, 0))
    if not on_oxygen:  # only who breathes oxygen can have too much
        return _points(pct, low, above=0)
    return _points(pct, (*low, (94, 1), (96, 2)), above=3)


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest value of each kind, and the run under way."""

    respiratory_rate: tuple[float, float] | None = None  # (UTC seconds, value)
    heart_rate: tuple[float, float] | None = None
    systolic: tuple[float, float] | None = None
    temperature: tuple[float, float] | None = None
    activity: tuple[float, float] | None = None
    body: tuple[str, float] | None = None  # stream of a body thermometer, and when it was one
    known: int = 0  # inputs behind the highest score of the finding under way
    run: Run = field(default_factory=Run)


@dataclass(frozen=True, slots=True)
class News2:
    """A finding for each run of partial NEWS2 scores that ask for a response.

    RCP 2017: 7 and more high (red), 5 and 6 medium (amber), a single 3 low-medium. The last
    is reported only [P]: each single extreme has a detector of its own, which looks closer.
    A sum below 5 tells nothing here.

    It is judged at each reading of SpO2, with the newest values of the others that are young
    enough [P]; without SpO2 there is no score. Consciousness and oxygen are no wearable's to
    measure: they are known only where the configuration says so, and 5 inputs of 7 are the
    most otherwise. A score is not louder than the sum of what is known, and says of how many.

    Where we differ from ward practice: the chart is of single observations by a person; here
    every score over `hold_s` has to agree, at rest. Movement neither raises nor clears; where
    nothing tells of activity, rest is not proven: amber at most, and after three times as long
    [P]. Respiratory rates from ECG or PPG are uncertain by about one band of the chart
    (Charlton 2016, doi:10.1088/0967-3334/37/4/610). Of temperatures only those count that come
    from a stream that told 36.1 Cel or more within a day and is not named "temperature-skin".
    Not for people under 16 or in pregnancy.
    """

    reads: ClassVar[tuple[str, ...]] = ("spo2",)
    context: ClassVar[tuple[str, ...]] = (
        "activity",
        "heart_rate",
        "respiratory_rate",
        "systolic",
        "temperature",
    )

    spo2_scale: int = 1
    on_oxygen: str = "unknown"  # "yes", "no": only a person can say
    consciousness: str = "unknown"  # "alert", "altered"
    hold_s: float = 600.0
    unproven_factor: float = 3.0
    rest_g: float = 0.05
    minutes_age_s: float = 300.0  # of activity, heart and respiratory rate
    hours_age_s: float = 14_400.0  # of blood pressure and temperature
    normal_c: float = 36.1
    normal_age_s: float = 86_400.0

    def start(self) -> Seen:
        """Return the state before any input."""
        return Seen()

    def step(self, state: Seen, x: Vital, /) -> tuple[Seen, tuple[Finding, ...]]:
        """Take one vital."""
        if x.kind != "spo2":
            return self._seen(state, x), ()
        moving = _young(state.activity, x.t_s, self.minutes_age_s)
        if moving is not None and moving >= self.rest_g:
            return replace(state, run=skipped(state.run, x.t_s)), ()
        told = score(self._inputs(state, x), scale=self.spo2_scale)
        run, news = advance(
            state.run, x.t_s, told.total, self._levels(told, rests=moving is not None), sign=1
        )
        worst = run.told.worst if run.told else None
        known = told.known if told.total == worst else state.known
        findings = tuple(
            n.finding(
                "news2",
                x.stream,
                (
                    ("score", n.told.worst),
                    ("n_of_7", float(known if n.ongoing else state.known)),
                    ("limit", n.told.limit),
                ),
            )
            for n in news
        )
        return replace(state, run=run, known=known), findings

    def _seen(self, state: Seen, x: Vital) -> Seen:
        new = (x.t_s, x.value)
        if x.kind == "temperature":
            return self._thermometer(state, x)
        known: Mapping[str, Seen] = {
            "activity": replace(state, activity=new),
            "heart_rate": replace(state, heart_rate=new),
            "respiratory_rate": replace(state, respiratory_rate=new),
            "systolic": replace(state, systolic=new),
        }
        return known[x.kind]

    def _thermometer(self, state: Seen, x: Vital) -> Seen:
        """Return the state after a temperature: wrist skin is no patient of the chart."""
        if x.stream.endswith("/temperature-skin"):
            return state
        if x.value >= self.normal_c:
            state = replace(state, body=(x.stream, x.t_s))
        stream, normal_s = state.body or ("", 0.0)
        if x.stream != stream or not 0 <= x.t_s - normal_s <= self.normal_age_s:
            return state
        return replace(state, temperature=(x.t_s, x.value))

    def _inputs(self, state: Seen, x: Vital) -> Inputs:
        minutes_s, hours_s = self.minutes_age_s, self.hours_age_s
        return Inputs(
            respiratory_rate_per_min=_young(state.respiratory_rate, x.t_s, minutes_s),
            spo2_pct=x.value,
            on_oxygen={"yes": True, "no": False}.get(self.on_oxygen),
            systolic_mmhg=_young(state.systolic, x.t_s, hours_s),
            pulse_bpm=_young(state.heart_rate, x.t_s, minutes_s),
            alert={"alert": True, "altered": False}.get(self.consciousness),
            temperature_c=_young(state.temperature, x.t_s, hours_s),
        )

    def _levels(self, told: Score, *, rests: bool) -> tuple[tuple[Level, bool], ...]:
        long_s = self.hold_s * self.unproven_factor
        return (
            (Level("info", SINGLE, self.hold_s, 1.0), told.single and rests),
            (Level("amber", URGENT, self.hold_s, 1.0), told.total >= URGENT and rests),
            (Level("red", EMERGENCY, self.hold_s, 1.0), told.total >= EMERGENCY and rests),
            (Level("amber", URGENT, long_s, 1.0), told.total >= URGENT),
        )


def _young(seen: tuple[float, float] | None, t_s: float, age_s: float) -> float | None:
    """Return a value that is not older than `age_s`, nor of the future."""
    return seen[1] if seen is not None and 0 <= t_s - seen[0] <= age_s else None


DETECTOR = News2()
