"""What a simulated person does and suffers, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Happening:
    """Something planned; times in seconds from the start of the recording.

    Kinds that a detector should find bear its name; "walk" and "lost" (samples that a
    sensor sent and nobody received) are the others.
    """

    kind: str
    at_s: float
    span_s: float
    level: float = 0.0  # the extreme it goes to, in the unit of its signal


@dataclass(frozen=True, slots=True)
class Check:
    """A while in which ECG and PPG are recorded; whole seconds."""

    at_s: int
    span_s: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A recording to be made."""

    name: str
    span_s: float
    clock_h: float  # hour of the person's day at which it starts
    happenings: tuple[Happening, ...] = ()
    checks: tuple[Check, ...] = ()

    def of(self, kind: str) -> tuple[Happening, ...]:
        """Return the happenings of one kind."""
        return tuple(h for h in self.happenings if h.kind == kind)

    def during(self, check: Check, kind: str) -> tuple[Happening, ...]:
        """Return the happenings of one kind that a check covers, timed from its start."""
        inside = (h for h in self.of(kind) if _within(h, check))
        return tuple(replace(h, at_s=h.at_s - check.at_s) for h in inside)


def _within(h: Happening, check: Check) -> bool:
    return check.at_s <= h.at_s and h.at_s + h.span_s <= check.at_s + check.span_s


def day(seed: int, hours: float, clock_h: float) -> Plan:
    """Return the plan of one day: from none to all of the eight things that may happen.

    The person sleeps from about 23 to 7, walks twice, and records a check in the morning and one
    in the evening. What does not fit into `hours` is left out.
    """
    rng = np.random.default_rng([seed, 0])
    happenings: list[Happening] = []
    checks: list[Check] = []

    def hour(low: float, high: float) -> int:
        return int((rng.uniform(low, high) - clock_h) % 24 * HOUR_S)

    for low in (10.7, 17.2):
        happenings.append(Happening("walk", hour(low, low + 0.5), float(rng.uniform(900, 1500))))
    checks.append(Check(hour(7.7, 8.3), 600))
    evening = Check(hour(21.0, 21.6), 420)
    happenings.append(Happening("lost", evening.at_s + 300, float(rng.integers(8, 20))))
    checks.append(evening)
    for kind in rng.permutation(sorted(_MAKERS))[: rng.integers(0, len(_MAKERS) + 1)]:
        low, high = _HOURS[kind]
        more, check = _MAKERS[kind](rng, hour(low, high))
        happenings += more
        checks += check
    span_s = hours * HOUR_S
    return Plan(
        f"day-{seed}",
        span_s,
        clock_h,
        _inside(happenings, span_s),
        _inside(checks, span_s),
    )


_T = TypeVar("_T", Happening, Check)


def _inside(items: Iterable[_T], span_s: float) -> tuple[_T, ...]:
    return tuple(sorted((x for x in items if x.at_s + x.span_s <= span_s), key=lambda x: x.at_s))


def dips(rng: np.random.Generator, at_s: float, count: int) -> list[Happening]:
    """Return falls of SpO2 of some minutes each, about a quarter of an hour apart."""
    starts = at_s + np.cumsum(rng.uniform(660, 1020, count))
    spans, levels = rng.uniform(250, 330, count), rng.uniform(85, 89, count)
    return [
        Happening("desaturation", float(s), float(span), float(level))
        for s, span, level in zip(starts, spans, levels, strict=True)
    ]


_Made = tuple[list[Happening], list[Check]]


def _irregular(rng: np.random.Generator, at_s: int) -> _Made:
    span_s = int(rng.uniform(480, 660))
    rhythm = Happening("irregular_rhythm", at_s + 180, span_s, float(rng.uniform(92, 106)))
    return [rhythm], [Check(at_s, 180 + span_s + 120)]


def _desaturation(rng: np.random.Generator, at_s: int) -> _Made:
    return dips(rng, at_s, int(rng.integers(3, 6))), []


def _fever(rng: np.random.Generator, at_s: int) -> _Made:
    return [Happening("fever", at_s, 3.4 * HOUR_S, float(rng.uniform(38.6, 39.3)))], []


def _tachycardia(rng: np.random.Generator, at_s: int) -> _Made:
    fast = Happening(
        "tachycardia", at_s, float(rng.uniform(900, 1100)), float(rng.uniform(128, 142))
    )
    return [fast], [Check(at_s + 300, 150)]


def _bradycardia(rng: np.random.Generator, at_s: int) -> _Made:
    slow = Happening("bradycardia", at_s, float(rng.uniform(900, 1100)), float(rng.uniform(40, 44)))
    return [slow], [Check(at_s + 300, 150)]


def _pause(rng: np.random.Generator, at_s: int) -> _Made:
    return [Happening("pause", at_s + 100, 5, float(rng.uniform(3.3, 4.2)))], [Check(at_s, 200)]


def _artefact(rng: np.random.Generator, at_s: int) -> _Made:
    span_s = int(rng.uniform(130, 180))
    return [Happening("poor_signal", at_s + 90, span_s)], [Check(at_s, 90 + span_s + 60)]


def _band_off(rng: np.random.Generator, at_s: int) -> _Made:
    return [Happening("no_data", at_s, float(rng.uniform(2.2, 2.6)) * HOUR_S)], []


_MAKERS = {
    "bradycardia": _bradycardia,
    "desaturation": _desaturation,
    "fever": _fever,
    "irregular_rhythm": _irregular,
    "no_data": _band_off,
    "pause": _pause,
    "poor_signal": _artefact,
    "tachycardia": _tachycardia,
}

# Hours of the clock between which each may begin; no two overlap.
_HOURS = {
    "bradycardia": (12.0, 12.4),
    "desaturation": (1.5, 4.0),
    "fever": (19.6, 20.4),
    "irregular_rhythm": (13.6, 14.0),
    "no_data": (14.6, 16.8),
    "pause": (8.8, 9.0),
    "poor_signal": (9.4, 9.8),
    "tachycardia": (12.9, 13.1),
}
