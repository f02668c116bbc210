"""Short recordings of one thing each: the folders of `sample_data/`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from healthslm.simulate.plan import HOUR_S, Check, Happening, Plan, dips

MIDNIGHT_S = 1_772_409_600.0
"""2 March 2026, UTC: the day of every scene."""

_QUIET = Plan(
    "quiet-hour",
    HOUR_S,
    15.0,
    (Happening("walk", 2280, 1020),),
    (Check(300, 420), Check(2580, 180)),
)
_RHYTHM = Plan(
    "rhythm-change",
    1200,
    13.5,
    (Happening("irregular_rhythm", 330, 570, 98),),
    (Check(30, 1140),),
)
_NIGHT = Plan(
    "desaturation-night",
    2 * HOUR_S,
    2.5,
    tuple(dips(np.random.default_rng(3), 900, 6)),
)
_FEVER = Plan(
    "fever",
    6 * HOUR_S,
    16.0,
    (Happening("fever", HOUR_S, 4.5 * HOUR_S, 38.9),),
    (Check(10_800, 120),),
)
_ARTEFACT = Plan(
    "artefact-and-gap",
    3.5 * HOUR_S,
    10.0,
    (
        Happening("poor_signal", 420, 160),
        Happening("lost", 750, 15),
        Happening("no_data", 1500, 2.3 * HOUR_S),
    ),
    (Check(300, 600), Check(11_400, 120)),
)
_RATES = Plan(
    "rates-and-pause",
    1.25 * HOUR_S,
    18.0,
    (
        Happening("tachycardia", 300, 960, 134),
        Happening("bradycardia", 1800, 1020, 42),
        Happening("pause", 3500, 5, 3.6),
    ),
    (Check(600, 150), Check(2100, 150), Check(3400, 200)),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A plan with the person who lives it."""

    seed: int
    plan: Plan

    @property
    def start_s(self) -> float:
        """UTC second of the first sample."""
        return MIDNIGHT_S + self.plan.clock_h * HOUR_S


SCENES = {
    plan.name: Scene(seed, plan)
    for seed, plan in enumerate((_QUIET, _RHYTHM, _NIGHT, _FEVER, _ARTEFACT, _RATES), 101)
}
"""The scenes by name."""
