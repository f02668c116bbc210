"""Oxygen saturation that stays low."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from healthslm.detect.lasting import Level, Run, advance
from healthslm.records import Finding, Vital


@dataclass(frozen=True, slots=True)
class Desaturation:
    """A finding for each run of low SpO2.

    Limits: NHS England, pulse oximetry at home: 93 to 94 % seek help, 92 % and less is an
    emergency; NEWS2 scale 1 scores from 95 % down (RCP 2017). Each takes three good readings
    over two minutes: "after repeat" [P]. People who live with low oxygen need their own
    limits, set in the configuration (NEWS2 scale 2: red below 88 %).

    A dip of a few seconds, as in sleep, is not this finding. A fall below the own baseline
    is not looked for: no baseline is kept here.
    """

    reads: ClassVar[tuple[str, ...]] = ("spo2",)

    amber_pct: float = 94.0
    red_pct: float = 92.0
    hold_s: float = 120.0
    margin_pct: float = 2.0

    def start(self) -> Run:
        """Return the state before any input."""
        return Run()

    def step(self, state: Run, x: Vital, /) -> tuple[Run, tuple[Finding, ...]]:
        """Take one saturation."""
        levels = (
            (
                Level("amber", self.amber_pct, self.hold_s, self.margin_pct),
                x.value <= self.amber_pct,
            ),
            (Level("red", self.red_pct, self.hold_s, self.margin_pct), x.value <= self.red_pct),
        )
        run, news = advance(state, x.t_s, x.value, levels, sign=-1)
        findings = tuple(
            n.finding(
                "desaturation",
                x.stream,
                (
                    ("lowest_pct", n.told.worst),
                    ("limit_pct", n.told.limit),
                    ("mean_pct", n.told.mean),
                ),
            )
            for n in news
        )
        return run, findings


DETECTOR = Desaturation()
