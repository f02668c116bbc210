"""Fast, slow and absent beats, counted interval by interval.

The detectors of lasting rates ask for minutes of rest before they tell a person anything.
What is here is shorter, for those who read beats: the definitions of the PhysioNet/CinC
Challenge 2015 (doi:10.1109/CIC.2015.7408639) for monitors, and the same with milder limits.
It is pure; whoever calls it decides what becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from healthslm.records import Beat

Span = tuple[float, float]

EPSILON_S = 1e-6


@dataclass(frozen=True, slots=True)
class Rule:
    """So many intervals in a row beyond a limit.

    count  Intervals that are looked at together.
    limit_s  The rule is met beyond it: below where `fast`, above where not.
    inclusive  The limit itself meets the rule.
    mean  The mean of the intervals is compared, not each: an ectopic beat ends nothing.
    margin  Share of the limit by which an episode under way may fall short of it.
    """

    count: int
    limit_s: float
    fast: bool = False
    inclusive: bool = False
    mean: bool = False
    margin: float = 0.0

    def met(self, rr_s: Sequence[float], *, under_way: bool = False) -> bool:
        """Tell whether these intervals, as many as `count`, meet the rule."""
        sign = -1.0 if self.fast else 1.0
        slack_s = self.margin * self.limit_s if under_way else 0.0
        values = [sum(rr_s) / len(rr_s)] if self.mean else rr_s
        beyond = [sign * (rr - self.limit_s) + slack_s for rr in values]
        if self.inclusive:
            return min(beyond) >= -EPSILON_S
        return min(beyond) > EPSILON_S


EXTREME_TACHYCARDIA = Rule(17, 60 / 140, fast=True)
EXTREME_BRADYCARDIA = Rule(5, 1.5)
ASYSTOLE = Rule(1, 4.0, inclusive=True)
PAUSE = Rule(1, 2.0, inclusive=True)
# [P]: the Challenge's counts with the limits of adult tachycardia (PhysioNet Challenge 2017)
# and of the 2018 ACC/AHA/HRS guideline, doi:10.1161/CIR.0000000000000628.
TACHYCARDIA = Rule(17, 60 / 100, fast=True, mean=True, margin=0.05)
BRADYCARDIA = Rule(9, 60 / 50, mean=True, margin=0.05)


def episodes(beats: Iterable[Beat], rule: Rule) -> list[Span]:
    """Return the spans (begin, end; UTC seconds) in which a rule is met, in order.

    A span reaches from the beat before the first interval to the last beat. Spans that share
    an interval or a beat are one. An interval that was not measured, or next to a bad beat, ends
    all evidence: nothing is told across it.
    """
    spans: list[Span] = []
    run: list[float] = []  # newest intervals, at most `count`
    good = under_way = False
    for beat in beats:
        rr_s = beat.rr_s if good and beat.good else None
        good = beat.good
        if rr_s is None:
            run, under_way = [], False
            continue
        run = [*run, rr_s][-rule.count :]
        under_way = len(run) == rule.count and rule.met(run, under_way=under_way)
        if not under_way:
            continue
        begin_s = beat.t_s - sum(run)
        if spans and begin_s <= spans[-1][1] + EPSILON_S:
            spans[-1] = (spans[-1][0], beat.t_s)
        else:
            spans.append((begin_s, beat.t_s))
    return spans
