"""Ectopic beats counted: alone, in pairs, in runs, and as a share of all beats.

Run classes are those of ANSI/AAMI EC57 (`rxr`): a couplet is 2 in a row, a short run 3 to 5, a
long run 6 or more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import floor

from healthslm.records import Beat, Finding, Label

DAY_S = 86_400.0
COUPLET, SHORT, LONG = 2, 3, 6  # beats, at least
CLASSES = frozenset({"N", "S", "V"})
"""What is a beat whose class is known."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Beats of known class, and how the ectopic ones of them come."""

    beats: int = 0
    ectopic: int = 0
    isolated: int = 0
    couplets: int = 0
    short: int = 0
    long: int = 0
    longest: int = 0  # beats
    length: int = 0  # of the run under way: counted already, moved up as it grows

    @property
    def pct(self) -> float:
        """Share of the beats that are ectopic, in %; NaN where there are none."""
        return 100 * self.ectopic / self.beats if self.beats else float("nan")

    def with_beat(self, ectopic: bool) -> Runs:
        """Return the counts with one more beat of known class."""
        if not ectopic:
            return replace(self, beats=self.beats + 1, length=0)
        n = self.length + 1
        return Runs(
            self.beats + 1,
            self.ectopic + 1,
            self.isolated + (n == 1) - (n == COUPLET),
            self.couplets + (n == COUPLET) - (n == SHORT),
            self.short + (n == SHORT) - (n == LONG),
            self.long + (n == LONG),
            max(self.longest, n),
            n,
        )

    def broken(self) -> Runs:
        """Return the counts where it is not known what came next: no run goes on."""
        return replace(self, length=0)


def runs(labels: Iterable[Label], of: Label = "V") -> Runs:
    """Return the runs of class `of` in a sequence of beats; "Q" and "" end a run.

    >>> r = runs("NNVNNVVNNVVVNNVVVVVNNVVVVVVNVNVNVN")
    >>> r.isolated, r.couplets, r.short, r.long, r.ectopic, r.longest, round(r.pct, 3)
    (4, 1, 2, 1, 20, 6, 58.824)
    """
    counts = Runs()
    for label in labels:
        counts = counts.with_beat(label == of) if label in CLASSES else counts.broken()
    return counts


@dataclass(frozen=True, slots=True)
class Day:
    """The UTC day under way."""

    day: int | None = None  # floor(UTC seconds / DAY_S)
    t0_s: float = 0.0  # its first beat of known class
    t1_s: float = 0.0  # its last
    analysed_s: float = 0.0  # sum of the intervals
    runs: Runs = field(default_factory=Runs)


def counted(state: Day, x: Beat, of: Label) -> Day:
    """Return the day with one more beat; only good beats of known class count.

    A poor beat, one whose class cannot be told, and one with no interval from the beat
    before end a run: what is not known is neither ectopic nor not.
    """
    runs = state.runs if x.rr_s is not None else state.runs.broken()
    if not x.good or x.label not in CLASSES:
        return replace(state, runs=runs.broken())
    t0_s = state.t0_s if state.runs.beats else x.t_s
    analysed_s = state.analysed_s + (x.rr_s or 0.0)
    return Day(state.day, t0_s, x.t_s, analysed_s, runs.with_beat(x.label == of))


def daily(
    kind: str, of: Label, report_pct: float, state: Day, x: Beat
) -> tuple[Day, tuple[Finding, ...]]:
    """Take one beat of class `of` or another; tell the day that is over when a new one begins."""
    day = floor(x.t_s / DAY_S)
    if day == state.day:
        return counted(state, x, of), ()
    told: tuple[Finding, ...] = ()
    if state.runs.ectopic and state.runs.pct >= report_pct:
        told = (_finding(kind, x.stream, state),)
    return counted(Day(day), x, of), told


def _finding(kind: str, stream: str, day: Day) -> Finding:
    runs = day.runs
    evidence = (
        ("burden_pct", runs.pct),
        ("ectopic", float(runs.ectopic)),
        ("beats", float(runs.beats)),
        ("couplets", float(runs.couplets)),
        ("runs", float(runs.short + runs.long)),
        ("longest", float(runs.longest)),
        ("analysed_h", day.analysed_s / 3600),
    )
    return Finding(kind, stream, day.t0_s, day.t1_s, "info", evidence)
