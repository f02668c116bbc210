"""A signal that is there and cannot be read: we do not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from healthslm.detect.lasting import Level, Run, advance
from healthslm.records import Finding, Vital


@dataclass(frozen=True, slots=True)
class PoorSignal:
    """A technical finding for each stretch of signal too poor to judge.

    Told after 20 s; amber after a minute, because ventricular fibrillation also looks like
    noise, and then someone should ask "are you all right?" (where a lead swings like that,
    `swinging_signal` asks sooner). All limits are proposals [P]; 0.5 means that half of what
    came cannot be trusted. It says nothing about the heart.
    """

    reads: ClassVar[tuple[str, ...]] = ("ecg_quality", "ppg_quality")

    least_quality: float = 0.5
    info_hold_s: float = 20.0
    amber_hold_s: float = 60.0
    margin: float = 0.05

    def start(self) -> Run:
        """Return the state before any input."""
        return Run()

    def step(self, state: Run, x: Vital, /) -> tuple[Run, tuple[Finding, ...]]:
        """Take the quality of one block."""
        poor = x.value < self.least_quality
        levels = (
            (Level("info", self.least_quality, self.info_hold_s, self.margin), poor),
            (Level("amber", self.least_quality, self.amber_hold_s, self.margin), poor),
        )
        run, news = advance(state, x.t_s, x.value, levels, sign=-1)
        findings = tuple(
            n.finding("poor_signal", x.stream, (("quality", n.told.mean),)) for n in news
        )
        return run, findings


DETECTOR = PoorSignal()
