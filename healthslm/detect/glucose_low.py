"""Glucose that stays low."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from healthslm.detect.lasting import Level, Run, advance, findings
from healthslm.records import Finding, Severity, Vital


@dataclass(frozen=True, slots=True)
class GlucoseLow:
    """A finding for each run of low glucose.

    Below 70 mg/dL is level 1, below 54 is level 2; an event takes 15 min (Battelino 2022,
    doi:10.1016/S2213-8587(22)00319-9). Level 1 is amber and level 2 red [P].

    Where we differ: it is over 30 min after every reading lies 5 % above the limit [P], the
    consensus has it over after 15 min at the limit. A sensor that is lain on reads low for
    a while; that cannot be told from low glucose here, and is told as such.
    """

    reads: ClassVar[tuple[str, ...]] = ("glucose",)

    amber_mgdl: float = 70.0
    amber_hold_s: float = 900.0
    red_mgdl: float = 54.0
    red_hold_s: float = 900.0
    margin_share: float = 0.05

    def start(self) -> Run:
        """Return the state before any input."""
        return Run()

    def step(self, state: Run, x: Vital, /) -> tuple[Run, tuple[Finding, ...]]:
        """Take one reading."""
        levels = (
            (
                self._level("amber", self.amber_mgdl, self.amber_hold_s),
                x.value < self.amber_mgdl,
            ),
            (self._level("red", self.red_mgdl, self.red_hold_s), x.value < self.red_mgdl),
        )
        run, news = advance(state, x.t_s, x.value, levels, sign=-1)
        told = findings(news, "glucose_low", x.stream, "mgdl", sign=-1)
        return run, told

    def _level(self, severity: Severity, limit: float, hold_s: float) -> Level:
        return Level(severity, limit, hold_s, self.margin_share * limit)


DETECTOR = GlucoseLow()
