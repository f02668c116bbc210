"""Heart beats that come without a pattern."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, pi, sqrt
from typing import ClassVar

from healthslm.detect.irregularity import ALIKE, middle, spread, with_newest, with_oldest
from healthslm.records import Beat, Finding, Severity

WINDOW = 32  # intervals
FIRST, LAST = 5, 20  # see `IrregularRhythm`: where a stretch begins and ends in a window
EPSILON_S = 1e-6


@dataclass(frozen=True, slots=True)
class Stretch:
    """Beats in a row that came without a pattern."""

    t0_s: float
    t1_s: float
    analysed_s: float  # sum of the intervals from t0_s to t1_s
    beats: int
    clear: int  # windows that were clearly irregular
    told: Severity | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The newest intervals, and the irregular stretch under way."""

    good: bool = False  # the newest beat may end or begin an interval
    newest_s: float | None = None  # time of the last interval that could be read
    joined_next: bool = False  # an interval that comes now begins where the last one ended
    logs: tuple[float, ...] = ()
    joined: tuple[bool, ...] = ()
    beats: tuple[tuple[float, float], ...] = ()  # (time, interval)
    pairs: int = 0  # see `alike`
    both: int = 0
    stretch: Stretch | None = None
    regular_s: float = 0.0  # intervals since the last irregular window, and their number
    regular: int = 0


@dataclass(frozen=True, slots=True)
class IrregularRhythm:
    """A finding for each stretch of beats whose intervals follow no pattern.

    It judges intervals alone and names no rhythm. A window of 32 is irregular where two
    things come together:

    - its intervals vary, and not in a way that those before foretell: the innovation of
      their logarithms is `least_noise` or more. Breathing and bigeminy are foretold;
    - they have no structure: two of them are alike at most `most_alike` times as often as in
      Gaussian noise of the same spread (sample entropy with templates of one interval, as in
      CoSEn: Lake & Moorman 2011, doi:10.1152/ajpheart.00561.2010). Where ectopic beats
      stand out of a regular rhythm, most are.

    A healthy heart varies more the slower it beats (doi:10.3389/fphys.2013.00306), so
    `least_noise` holds at 100/min and above, and grows with the mean interval down to
    70/min. Of a clear window the middle half of the intervals varies as much as looser
    limits ask; a stretch under way goes on while these (`keeps_*`) hold, and over less than
    a window of beats in which they do not.

    A stretch begins with the sixth interval of the first window that is clear (most of it is
    irregular by then), and ends with the twenty-first of the last in which it goes on. It is
    told when it has at least 30 s (ESC 2020 asks 30 s of an ECG,
    doi:10.1093/eurheartj/ehaa612), 60 beats, and a third of a window of clear ones. It is
    amber when 30 min are irregular: watches notify after as long (Fitbit,
    doi:10.1161/CIRCULATIONAHA.122.060291).

    Ventricular beats are no evidence: the interval to one and the one after it are left out,
    where the beat has a class. A window needs half of its intervals to follow each other.
    Bad beats and gaps are left out too, and a minute without an interval ends all evidence.

    Where we differ from CoSEn: 32 intervals and not 12, and a tolerance of 6 % of an
    interval; the entropy is measured by the spread, so that it says how much structure there
    is and not how much they vary. Two times as often is where the entropy is one bit short
    of that of noise. All limits are [P]; `least_noise` lies between what healthy people reach
    in sleep and what is usual in atrial fibrillation.

    Known weakness: what is neither atrial fibrillation nor regular looks like it (multifocal
    atrial tachycardia, sinus arrest with escapes); atrial fibrillation that a pacemaker or a
    block makes regular does not. Without classes, ventricular beats in more than a third of
    all can look irregular.
    """

    reads: ClassVar[tuple[str, ...]] = ("beat",)

    least_noise: float = 0.12
    keeps_noise: float = 0.09
    most_alike: float = 2.0
    keeps_alike: float = 2.5
    noise_s: tuple[float, float] = (0.6, 0.85)  # mean intervals between which its limit grows
    least_s: float = 30.0
    least_beats: int = 60
    least_clear: int = 11
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
        fit = x.good and x.label != "V"
        rr_s = x.rr_s if state.good and fit else None
        if rr_s is None or rr_s <= 0:
            return replace(state, good=fit, joined_next=False), ended
        state = _pushed(state, x.t_s, rr_s)
        if len(state.logs) < WINDOW:
            return state, ended
        state, findings = self._judged(state, x.stream)
        return state, ended + findings

    def _judged(self, state: State, stream: str) -> tuple[State, tuple[Finding, ...]]:
        """Return what one full window adds to the stretch, or how it ends it."""
        stretch, (t_s, rr_s) = state.stretch, state.beats[LAST]
        clear, holds = self._irregular(state)
        if stretch is None and not clear:
            return state, ()
        if not holds:
            regular = state.regular + 1
            if regular < WINDOW:
                return replace(state, regular=regular, regular_s=state.regular_s + rr_s), ()
            return replace(state, stretch=None, regular=0, regular_s=0.0), _ended(stretch, stream)
        if stretch is None:
            spoken = state.beats[FIRST : LAST + 1]
            (first_s, first_rr_s), total_s = spoken[0], sum(rr for _, rr in spoken)
            stretch = Stretch(first_s - first_rr_s, t_s, total_s, len(spoken), 1)
        else:
            stretch = Stretch(
                stretch.t0_s,
                t_s,
                stretch.analysed_s + state.regular_s + rr_s,
                stretch.beats + state.regular + 1,
                stretch.clear + clear,
                stretch.told,
            )
        severity = self._severity(stretch)
        findings: tuple[Finding, ...] = ()
        if severity != stretch.told:
            stretch = replace(stretch, told=severity)
            findings = (_finding(stretch, stream, ongoing=True),)
        return replace(state, stretch=stretch, regular=0, regular_s=0.0), findings

    def _irregular(self, state: State) -> tuple[bool, bool]:
        """Tell whether a full window is clearly irregular, and whether a stretch goes on in it."""
        if 2 * sum(state.joined) < WINDOW:
            return False, False
        mean_s = sum(rr for _, rr in state.beats) / WINDOW
        shortest_s, longest_s = self.noise_s
        share = shortest_s / min(max(mean_s, shortest_s), longest_s)
        sd, noise = spread(state.logs)
        if noise * share < min(self.least_noise, self.keeps_noise):
            return False, False
        chance = ALIKE / (sd * sqrt(pi))  # that two of a Gaussian are alike
        times = (state.both + 1) / (state.pairs + 1) / chance
        clear = noise * share >= self.least_noise and times <= self.most_alike
        clear = clear and middle(state.logs) * share >= self.keeps_noise
        return clear, clear or (noise * share >= self.keeps_noise and times <= self.keeps_alike)

    def _severity(self, stretch: Stretch) -> Severity | None:
        if stretch.told and stretch.analysed_s >= self.amber_s - EPSILON_S:
            return "amber"
        enough = stretch.analysed_s >= self.least_s - EPSILON_S
        enough = enough and stretch.beats >= self.least_beats and stretch.clear >= self.least_clear
        return stretch.told or ("info" if enough else None)


def _pushed(state: State, t_s: float, rr_s: float) -> State:
    """Return the state with one more interval in the window."""
    logs, joined, beats = state.logs, state.joined, state.beats
    pairs, both = state.pairs, state.both
    if len(logs) == WINDOW:
        old = with_oldest(logs, joined)
        pairs, both = pairs - old[0], both - old[1]
        logs, joined, beats = logs[1:], joined[1:], beats[1:]
    logs, joined = (*logs, log(rr_s)), (*joined, state.joined_next)
    new = with_newest(logs, joined)
    return replace(
        state,
        good=True,
        newest_s=t_s,
        joined_next=True,
        logs=logs,
        joined=joined,
        beats=(*beats, (t_s, rr_s)),
        pairs=pairs + new[0],
        both=both + new[1],
    )


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
