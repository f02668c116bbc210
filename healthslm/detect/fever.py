"""Body temperature that stays high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from healthslm.detect.lasting import Level, Run, advance, findings
from healthslm.records import Finding, Vital


@dataclass(frozen=True, slots=True)
class Fever:
    """A finding for each run of temperatures of 38.0 Cel and more.

    38.0 Cel is the usual limit; NEWS2 scores from 38.1 (RCP 2017). Three good readings over
    two minutes [P]. Meant for a body thermometer: wrist skin is cooler, and its fever is a
    rise over the own baseline, which is not kept here.
    """

    reads: ClassVar[tuple[str, ...]] = ("temperature",)

    amber_c: float = 38.0
    hold_s: float = 120.0
    margin_c: float = 0.3

    def start(self) -> Run:
        """Return the state before any input."""
        return Run()

    def step(self, state: Run, x: Vital, /) -> tuple[Run, tuple[Finding, ...]]:
        """Take one temperature."""
        level = Level("amber", self.amber_c, self.hold_s, self.margin_c)
        run, news = advance(state, x.t_s, x.value, ((level, x.value >= self.amber_c),), sign=1)
        told = findings(news, "fever", x.stream, "c", sign=1)
        return run, told


DETECTOR = Fever()
