"""Fast, slow and absent beats, counted interval by interval.

The detectors of lasting rates ask for minutes of rest before they tell a person anything.
What is here is shorter, for those who read beats: the definitions of the PhysioNet/CinC
Challenge 2015 (doi:10.1109/CIC.2015.7408639) for monitors, and the same with milder limits.
It is pure; whoever calls it decides what becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from healthslm.detect.lasting import PAUSE_S
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
    clear_s  What has to be reached to end an episode under way; by default the limit.
    freeze_s  Time that may pass without an interval that could be read: it neither raises
        nor clears. 0: intervals have to follow each other.
    """

    count: int
    limit_s: float
    fast: bool = False
    inclusive: bool = False
    mean: bool = False
    clear_s: float | None = None
    freeze_s: float = 0.0

    def met(self, rr_s: Sequence[float], *, under_way: bool = False) -> bool:
        """Tell whether these intervals, as many as `count`, meet the rule."""
        sign = -1.0 if self.fast else 1.0
        limit_s = self.clear_s if under_way and self.clear_s else self.limit_s
        values = [sum(rr_s) / len(rr_s)] if self.mean else rr_s
        beyond = min(sign * (rr - limit_s) for rr in values)
        return beyond >= -EPSILON_S if self.inclusive else beyond > EPSILON_S


EXTREME_TACHYCARDIA = Rule(17, 60 / 140, fast=True)
EXTREME_BRADYCARDIA = Rule(5, 1.5)
ASYSTOLE = Rule(1, 4.0, inclusive=True)
PAUSE = Rule(1, 2.0, inclusive=True)
# [P]: ten seconds beyond the limits of adult tachycardia (PhysioNet Challenge 2017) and of the
# 2018 ACC/AHA/HRS guideline, doi:10.1161/CIR.0000000000000628; over when 5/min clear of it.
TACHYCARDIA = Rule(17, 60 / 100, fast=True, mean=True, clear_s=60 / 95, freeze_s=PAUSE_S)
BRADYCARDIA = Rule(9, 60 / 50, mean=True, clear_s=60 / 55, freeze_s=PAUSE_S)


def episodes(beats: Iterable[Beat], rule: Rule) -> list[Span]:
    """Return the spans (begin, end; UTC seconds) in which a rule is met, in order.

    A span reaches from the beat before the first interval to the last beat. Spans that share
    an interval or a beat are one. An interval that was not measured, or next to a bad beat,
    is no evidence; where the rule does not freeze, it ends what was.
    """
    spans: list[Span] = []
    run: list[Span] = []  # the newest intervals, at most `count`
    good = under_way = False
    for beat in beats:
        rr_s = beat.rr_s if good and beat.good else None
        good = beat.good
        if rr_s is None:
            if not run or beat.t_s - run[-1][1] > rule.freeze_s:
                run, under_way = [], False
            continue
        run = [*run, (beat.t_s - rr_s, beat.t_s)][-rule.count :]
        lengths = [end - begin for begin, end in run]
        under_way = len(run) == rule.count and rule.met(lengths, under_way=under_way)
        if not under_way:
            continue
        if spans and run[0][0] <= spans[-1][1] + EPSILON_S:
            spans[-1] = (spans[-1][0], beat.t_s)
        else:
            spans.append((run[0][0], beat.t_s))
    return spans
