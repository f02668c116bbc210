"""How much of a day the heart beat without a pattern."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import floor
from typing import ClassVar

from healthslm.detect.irregular_rhythm import DETECTOR as RHYTHM
from healthslm.detect.irregular_rhythm import IrregularRhythm
from healthslm.detect.irregular_rhythm import State as Rhythm
from healthslm.records import Beat, Finding

DAY_S = 86_400.0
LEAST_S = 30.0  # ESC 2020, doi:10.1093/eurheartj/ehaa612: what is shorter is no episode
EPSILON_S = 1e-6


@dataclass(frozen=True, slots=True)
class Burden:
    """Irregular time in what could be analysed."""

    counted: int  # episodes
    irregular_s: float
    longest_s: float
    analysable_s: float

    @property
    def pct(self) -> float:
        """Share of the analysable time, in %; NaN where there was none."""
        return 100 * self.irregular_s / self.analysable_s if self.analysable_s else float("nan")


def af_burden(
    episodes: Iterable[tuple[float, float]], analysable_s: float, least_s: float = LEAST_S
) -> Burden:
    """Return the burden of episodes (begin, end; s) in so much analysable time.

    An episode of exactly `least_s` counts. The denominator is the time that could be
    analysed, not the time that passed (ESC Council on Stroke 2025, doi:10.1093/europace/euaf019).

    >>> burden = af_burden([(0, 29.9), (100, 130), (1000, 4600), (7200, 9000)], 79_200)
    >>> burden.counted, burden.irregular_s, burden.longest_s, round(burden.pct, 4)
    (3, 5430, 3600, 6.8561)
    """
    lengths = [end - begin for begin, end in episodes]
    lengths = [x for x in lengths if x >= least_s - EPSILON_S]
    return Burden(len(lengths), sum(lengths), max(lengths, default=0.0), analysable_s)


@dataclass(frozen=True, slots=True)
class State:
    """The rhythm up to now, and the day under way."""

    rhythm: Rhythm = field(default_factory=Rhythm)
    day: int | None = None  # floor(UTC seconds / DAY_S)
    days: int = 0  # with beats, up to now
    t0_s: float = 0.0  # begin of the day's first interval that was analysed, end of its last
    t1_s: float = 0.0
    analysable_s: float = 0.0
    counted: int = 0
    irregular_s: float = 0.0
    longest_s: float = 0.0
    episode_s: float = 0.0  # the day's part of the episode under way


@dataclass(frozen=True, slots=True)
class IrregularBurden:
    """A finding for each UTC day that holds an episode of `irregular_rhythm`: how much of it.

    `irregular_pct` is the share of the intervals that could be analysed, by their length, as
    in `af_burden`. An episode that goes on over midnight counts in both days, in each with
    its part. A day is told when the next day's first beat comes, however late.

    `days` says of how many days with beats this is the last: below 28 of them a burden is
    not reliable (ESC Council on Stroke/EHRA 2025, doi:10.1093/europace/euaf019), and one of
    a few hours tells little. What is irregular is decided by `rhythm`, the parameters of the
    other detector: who changes them there changes them here too.
    """

    reads: ClassVar[tuple[str, ...]] = ("beat",)

    rhythm: IrregularRhythm = RHYTHM

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Beat, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one beat."""
        day = floor(x.t_s / DAY_S)
        told: tuple[Finding, ...] = ()
        if day != state.day:
            told = _told(state, x.stream)
            state = State(state.rhythm, day, state.days + 1)
        rhythm, _ = self.rhythm.step(state.rhythm, x)
        if x.rr_s is not None and rhythm.newest_s == x.t_s:
            t0_s = state.t0_s if state.analysable_s else max(x.t_s - x.rr_s, day * DAY_S)
            state = replace(state, t0_s=t0_s, t1_s=x.t_s, analysable_s=state.analysable_s + x.rr_s)
        new_s, same = _new(state.rhythm, rhythm)
        if not same:
            state = replace(state, episode_s=0.0)
        if new_s > 0:
            state = _grown(state, new_s)
        return replace(state, rhythm=rhythm), told


def _new(before: Rhythm, after: Rhythm) -> tuple[float, bool]:
    """Return the analysed time that was told since, and whether of the same episode."""
    new, old = after.stretch, before.stretch
    if new is None or new.told is None:
        return 0.0, False
    if old is None or old.told is None:
        return new.analysed_s, False
    return new.analysed_s - old.analysed_s, True


def _grown(state: State, by_s: float) -> State:
    """Return the state with so much more of an episode; never more than the day holds."""
    by_s = min(by_s, state.analysable_s - state.irregular_s)
    episode_s = state.episode_s + by_s
    return replace(
        state,
        counted=state.counted + (not state.episode_s),
        irregular_s=state.irregular_s + by_s,
        longest_s=max(state.longest_s, episode_s),
        episode_s=episode_s,
    )


def _told(state: State, stream: str) -> tuple[Finding, ...]:
    """Return what there is to tell of the day that is over."""
    if not state.counted:
        return ()
    burden = Burden(state.counted, state.irregular_s, state.longest_s, state.analysable_s)
    evidence = (
        ("irregular_pct", burden.pct),
        ("irregular_s", burden.irregular_s),
        ("longest_s", burden.longest_s),
        ("episodes", float(burden.counted)),
        ("analysable_h", burden.analysable_s / 3600),
        ("days", float(state.days)),
    )
    return (Finding("irregular_burden", stream, state.t0_s, state.t1_s, "info", evidence),)


DETECTOR = IrregularBurden()
