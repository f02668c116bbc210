"""Blood pressure that is low, by a cuff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from healthslm.detect.repeated import Judged, News, Run, advance
from healthslm.records import Finding, Vital


@dataclass(frozen=True, slots=True)
class Hypotension:
    """A finding for each row of low systolic pressures of one cuff.

    90 mmHg and less scores 3 in NEWS2 (RCP 2017): one reading is reported, so that someone
    asks to take it again; one that is still so at least 5 min later is amber [P]. Some people
    live with as little and feel well; that is why it is never red here.
    """

    reads: ClassVar[tuple[str, ...]] = ("systolic",)

    low_mmhg: float = 90.0
    margin_mmhg: float = 5.0
    margin_share: float = 0.05

    def start(self) -> Run:
        """Return the state before any input."""
        return Run()

    def step(self, state: Run, x: Vital, /) -> tuple[Run, tuple[Finding, ...]]:
        """Take one systolic pressure."""
        margin = max(self.margin_mmhg, self.margin_share * self.low_mmhg)
        judged = Judged(
            "info", "amber", x.value <= self.low_mmhg, x.value >= self.low_mmhg + margin
        )
        run, news = advance(state, x.t_s, (x.value,), (judged,), sign=-1)
        return run, tuple(self._finding(n, x.stream) for n in news)

    def _finding(self, news: News, stream: str) -> Finding:
        lowest = tuple(("lowest_mmhg", v) for v in news.told.worst if v is not None)
        more = (("limit_mmhg", self.low_mmhg), ("readings", float(news.told.readings)))
        return news.finding("hypotension", stream, lowest + more)


DETECTOR = Hypotension()
