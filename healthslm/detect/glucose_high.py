"""Glucose that stays high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from healthslm.detect.lasting import Level, Run, advance, findings
from healthslm.records import Finding, Severity, Vital


@dataclass(frozen=True, slots=True)
class GlucoseHigh:
    """A finding for each run of high glucose.

    Above 180 mg/dL is level 1, an event after 15 min; above 250 is level 2 (Battelino 2022,
    doi:10.1016/S2213-8587(22)00319-9). Level 1 is reported; level 2 is amber after 2 h [P]: a
    rise after a meal is shorter.
    """

    reads: ClassVar[tuple[str, ...]] = ("glucose",)

    info_mgdl: float = 180.0
    info_hold_s: float = 900.0
    amber_mgdl: float = 250.0
    amber_hold_s: float = 7200.0
    margin_share: float = 0.05

    def start(self) -> Run:
        """Return the state before any input."""
        return Run()

    def step(self, state: Run, x: Vital, /) -> tuple[Run, tuple[Finding, ...]]:
        """Take one reading."""
        levels = (
            (self._level("info", self.info_mgdl, self.info_hold_s), x.value > self.info_mgdl),
            (
                self._level("amber", self.amber_mgdl, self.amber_hold_s),
                x.value > self.amber_mgdl,
            ),
        )
        run, news = advance(state, x.t_s, x.value, levels, sign=1)
        told = findings(news, "glucose_high", x.stream, "mgdl", sign=1)
        return run, told

    def _level(self, severity: Severity, limit: float, hold_s: float) -> Level:
        return Level(severity, limit, hold_s, self.margin_share * limit)


DETECTOR = GlucoseHigh()
