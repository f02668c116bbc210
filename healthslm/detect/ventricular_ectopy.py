"""How many of a day's beats were ventricular ectopic ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from healthslm.detect.ectopy import Day, daily, runs
from healthslm.records import Beat, Finding

__all__ = ["DETECTOR", "VentricularEctopy", "runs"]


@dataclass(frozen=True, slots=True)
class VentricularEctopy:
    """A finding for each UTC day with ventricular ectopic beats: their share, pairs and runs.

    The burden is the share of ventricular beats in all beats of 24 h (2017 AHA/ACC/HRS
    guideline, doi:10.1161/CIR.0000000000000549); a day that was recorded in part says so
    (`analysed_h`). From 1 % on it is told [P]: a few such beats are everybody's, and one beat in
    230 of another kind is taken for one (MIT-BIH, `models/beats/CARD.md`).

    A day is told when the next day's first beat comes. Only good beats of known class count.
    """

    reads: ClassVar[tuple[str, ...]] = ("beat",)

    report_pct: float = 1.0

    def start(self) -> Day:
        """Return the state before any input."""
        return Day()

    def step(self, state: Day, x: Beat, /) -> tuple[Day, tuple[Finding, ...]]:
        """Take one beat."""
        return daily("ventricular_ectopy", "V", self.report_pct, state, x)


DETECTOR = VentricularEctopy()
