"""Heart beats that come without a pattern."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import floor, log2
from typing import ClassVar

from healthslm.records import Beat, Finding, Severity

WORDS = 32
SYMBOL_BPM = 5.0  # Zhou 2015: heart rates in steps of 5/min ...
TOP_SYMBOL = 63  # ... up to 315/min
EPSILON_S = 1e-6


def entropy(words: tuple[int, ...]) -> float:
    """Return the coarse Shannon entropy of at least two words: 0 all alike, 1 all different.

    Zhou et al. 2015, doi:10.1371/journal.pone.0136544: the entropy over its maximum, times
    the share of words that differ.
    """
    n = len(words)
    counts = Counter(words).values()
    bits = sum(c / n * log2(n / c) for c in counts)
    return len(counts) / n * bits / log2(n)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Beats in a row that came without a pattern."""

    t0_s: float
    t1_s: float
    analysed_s: float  # sum of the intervals
    beats: int
    told: Severity | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The newest words, and the irregular stretch under way."""

    good: bool = False
    newest_s: float | None = None  # time of the last interval that could be read
    symbols: tuple[int, ...] = ()  # of the newest intervals in a row, at most two
    words: tuple[int, ...] = ()
    beats: tuple[tuple[float, float], ...] = ()  # (time, interval) that ended each word
    stretch: Stretch | None = None
    regular: int = 0  # windows since the last irregular one


@dataclass(frozen=True, slots=True)
class IrregularRhythm:
    """A finding for each stretch of beats whose intervals follow no pattern.

    It judges intervals alone and names no rhythm. Symbols and entropy after Zhou et al. 2015
    (doi:10.1371/journal.pone.0136544); a stretch has at least 30 s that could be analysed
    (ESC 2020 asks 30 s of an ECG, doi:10.1093/eurheartj/ehaa612). It is amber when 30 min are
    irregular: watches notify after as long (Fitbit, doi:10.1161/CIRCULATIONAHA.122.060291).

    Where we differ: 32 words instead of 127, and therefore a limit of 0.8 instead of 0.639
    and at least 60 irregular windows in a row [P]; a window speaks for its middle beat; bad
    beats and gaps end words, and a minute without readable intervals ends all evidence.

    Known weakness: frequent ectopic beats look irregular too. Per beat, on reference
    intervals: afdb sensitivity 92.9 %, specificity 98.7 %; mitdb (ectopy) 98.3 % and 91.4 %.
    """

    reads: ClassVar[tuple[str, ...]] = ("beat",)

    limit: float = 0.8
    least_s: float = 30.0
    least_beats: int = 60
    amber_s: float = 1800.0
    max_gap_s: float = 60.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Beat, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one beat."""
        ended: tuple[Finding, ...] = ()
        if state.newest_s is not None and not 0 <= x.t_s - state.newest_s <= self.max_gap_s:
            ended = _ended(state.stretch, x.stream)
            state = State()
        rr_s = x.rr_s if state.good and x.good else None
        if rr_s is None or rr_s <= 0:
            return replace(state, good=x.good, symbols=()), ended
        symbol = min(floor(60 / rr_s / SYMBOL_BPM), TOP_SYMBOL)
        state = replace(state, newest_s=x.t_s)
        if len(state.symbols) < 2:
            return replace(state, symbols=(*state.symbols, symbol)), ended
        older, old = state.symbols
        words = (*state.words, older << 12 | old << 6 | symbol)[-WORDS:]
        beats = (*state.beats, (x.t_s, rr_s))[-WORDS:]
        state = replace(state, symbols=(old, symbol), words=words, beats=beats)
        if len(words) < WORDS:
            return state, ended
        state, findings = self._judged(state, x.stream)
        return state, ended + findings

    def _judged(self, state: State, stream: str) -> tuple[State, tuple[Finding, ...]]:
        """Return what one full window adds to the stretch, or how it ends it."""
        stretch = state.stretch
        if entropy(state.words) < self.limit:
            regular = state.regular + 1
            if stretch and stretch.told and regular < WORDS:
                return replace(state, regular=regular), ()
            return replace(state, stretch=None, regular=0), _ended(stretch, stream)
        t_s, rr_s = state.beats[WORDS // 2]
        if stretch is None:
            stretch = Stretch(t_s - rr_s, t_s, rr_s, 1)
        else:
            analysed_s = stretch.analysed_s + rr_s
            stretch = Stretch(stretch.t0_s, t_s, analysed_s, stretch.beats + 1, told=stretch.told)
        severity = self._severity(stretch)
        findings: tuple[Finding, ...] = ()
        if severity != stretch.told:
            stretch = replace(stretch, told=severity)
            findings = (_finding(stretch, stream, ongoing=True),)
        return replace(state, stretch=stretch, regular=0), findings

    def _severity(self, stretch: Stretch) -> Severity | None:
        if stretch.analysed_s >= self.amber_s - EPSILON_S:
            return "amber"
        enough = stretch.analysed_s >= self.least_s - EPSILON_S
        return "info" if enough and stretch.beats >= self.least_beats else None


def _ended(stretch: Stretch | None, stream: str) -> tuple[Finding, ...]:
    told = stretch is not None and stretch.told is not None
    return (_finding(stretch, stream, ongoing=False),) if stretch and told else ()


def _finding(stretch: Stretch, stream: str, *, ongoing: bool) -> Finding:
    evidence = (
        ("mean_bpm", 60 * stretch.beats / stretch.analysed_s),
        ("beats", float(stretch.beats)),
    )
    severity = stretch.told or "info"
    return Finding(
        "irregular_rhythm", stream, stretch.t0_s, stretch.t1_s, severity, evidence, ongoing
    )


DETECTOR = IrregularRhythm()
