"""What a sensor measured itself: one vital for each sample that can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from healthslm.records import SLOW_KINDS, Chunk, Vital


@dataclass(frozen=True, slots=True)
class State:
    """Nothing needs to be remembered."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The samples of slow streams as vitals, each with the time of its sample.

    What is missing or cannot be in a living person is dropped, not mended: sensors send
    0, 127 or 255 for "no reading". The ranges are wider than physiology on purpose [P]
    (survival is described from 13.7 Cel, doi:10.1016/S0140-6736(00)01021-7, to 46.5 Cel).
    """

    reads: ClassVar[tuple[str, ...]] = SLOW_KINDS
    chunks: ClassVar[bool] = True
    latency_s: ClassVar[float] = 0.0

    spo2_pct: tuple[float, float] = (1.0, 100.0)
    temperature_c: tuple[float, float] = (10.0, 47.0)
    heart_rate_bpm: tuple[float, float] = (10.0, 350.0)
    respiratory_rate_per_min: tuple[float, float] = (1.0, 120.0)
    activity_g: tuple[float, float] = (0.0, 32.0)
    systolic_mmhg: tuple[float, float] = (30.0, 320.0)
    diastolic_mmhg: tuple[float, float] = (10.0, 240.0)
    glucose_mgdl: tuple[float, float] = (10.0, 1000.0)

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk | Vital, /) -> tuple[State, tuple[Vital, ...]]:
        """Take a run of samples; a vital of the same kind is not looked at."""
        if not isinstance(chunk, Chunk):
            return state, ()
        low, high = self._possible(chunk.kind)
        return state, tuple(
            Vital(chunk.kind, chunk.stream, chunk.epoch_s + i / chunk.fs, value)
            for i, value in enumerate(chunk.values.tolist(), chunk.start)
            if low <= value <= high  # false for NaN
        )

    def _possible(self, kind: str) -> tuple[float, float]:
        """Return the least and the largest value that can be, in the canonical unit."""
        return {
            "spo2": self.spo2_pct,
            "temperature": self.temperature_c,
            "heart_rate": self.heart_rate_bpm,
            "respiratory_rate": self.respiratory_rate_per_min,
            "activity": self.activity_g,
            "systolic": self.systolic_mmhg,
            "diastolic": self.diastolic_mmhg,
            "glucose": self.glucose_mgdl,
        }[kind]


SIGNAL = Measured()
