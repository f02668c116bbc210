"""Heart beats that come without a pattern."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, pi, sqrt
from operator import mul
from typing import ClassVar

from healthslm.records import Beat, Finding, Severity

WINDOW = 32  # intervals
FIRST, LAST = 5, 20  # see `IrregularRhythm`: where a stretch begins and ends in a window
LOOK_BACK = 4  # intervals from which the next one is foretold
ALIKE = 0.06  # two intervals are alike where their logarithms differ by less
EPSILON_S = 1e-6


def alike(logs: tuple[float, ...], joined: tuple[bool, ...]) -> tuple[int, int]:
    """Return how many pairs of intervals in a window are alike, and of how many the next ones too.

    Parameters
    ----------
    logs
        Natural logarithms of the intervals, oldest first.
    joined
        Whether each interval began where the one before it in `logs` ended.

    Examples
    --------
    >>> alike((0.0, 0.5, 0.01, 0.51, 0.9), (False, True, True, True, True))
    (2, 1)
    """
    pairs = both = 0
    for i in range(1, len(logs)):
        n, b = _with_newest(logs[: i + 1], joined[: i + 1])
        pairs, both = pairs + n, both + b
    return pairs, both


def _with_newest(logs: tuple[float, ...], joined: tuple[bool, ...]) -> tuple[int, int]:
    """Return what `alike` counts, of the pairs whose later next one is the newest interval."""
    if not joined[-1] or len(logs) < 3:
        return 0, 0
    before, newest = logs[-2], logs[-1]
    nexts = [
        after
        for x, after, follows in zip(logs[:-2], logs[1:-1], joined[1:-1], strict=True)
        if follows and -ALIKE < x - before < ALIKE
    ]
    return len(nexts), sum([-ALIKE < x - newest < ALIKE for x in nexts])


def _with_oldest(logs: tuple[float, ...], joined: tuple[bool, ...]) -> tuple[int, int]:
    """Return what `alike` counts, of the pairs of which the oldest interval is one."""
    if len(logs) < 3 or not joined[1]:
        return 0, 0
    oldest, after = logs[0], logs[1]
    nexts = [
        later
        for x, later, follows in zip(logs[1:-1], logs[2:], joined[2:], strict=True)
        if follows and -ALIKE < x - oldest < ALIKE
    ]
    return len(nexts), sum([-ALIKE < x - after < ALIKE for x in nexts])


def spread(logs: tuple[float, ...]) -> tuple[float, float]:
    """Return the standard deviation of a series, and of what its own past does not foretell.

    The second is the innovation of an autoregressive model of order `LOOK_BACK`: Levinson's
    recursion on the biased autocorrelation (Kay & Marple 1981, doi:10.1109/PROC.1981.12184).

    >>> spread((0.1, -0.1) * 16)
    (0.1, 0.017...)
    """
    n, mean = len(logs), sum(logs) / len(logs)
    x = [v - mean for v in logs]
    r = [sum(map(mul, x[lag:], x)) / n for lag in range(LOOK_BACK + 1)]
    left, model = r[0], [1.0]
    for order in range(1, LOOK_BACK + 1):
        if left <= 1e-12:  # all alike: nothing is left to foretell
            return sqrt(max(r[0], 0.0)), 0.0
        k = -sum(map(mul, model, r[order:0:-1])) / left
        back = [0.0, *model[::-1]]
        model = [a + k * b for a, b in zip([*model, 0.0], back, strict=True)]
        left *= 1 - k * k
    return sqrt(r[0]), sqrt(max(left, 0.0))


def middle(logs: tuple[float, ...]) -> float:
    """Return what the standard deviation would be if all varied as the middle half does.

    Of Gaussian noise the quartiles are 1.349 standard deviations apart; a few ectopic beats
    do not move them.

    >>> round(middle(tuple(i / 10 for i in range(8))), 3)
    0.222
    """
    quarter = len(logs) // 4
    ordered = sorted(logs)
    return (ordered[-1 - quarter] - ordered[quarter]) / 1.349


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

    A stretch begins with the sixth interval of the first window that is clear, and ends with
    the twenty-first of the last that it goes on in: where half the beats of a window are
    irregular it may go on, and where it is clear most are. It is told when it has at least 30 s (ESC 2020
    asks 30 s of an ECG, doi:10.1093/eurheartj/ehaa612), 60 beats, and as many clear windows as a third of
    a window has beats. It is amber when 30 min are irregular: watches notify after as long
    (Fitbit, doi:10.1161/CIRCULATIONAHA.122.060291).

    Ventricular beats are no evidence: the interval to one and the one after it are left out,
    where the beat has a class. A window needs half of its intervals to follow each other.
    Bad beats and gaps are left out too, and a minute without an interval ends all evidence.

    Where we differ from CoSEn: 32 intervals and not 12; the spread they are measured by is
    their own, so that the entropy says how much structure there is and not how much they
    vary. All limits are [P].
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
        old = _with_oldest(logs, joined)
        pairs, both = pairs - old[0], both - old[1]
        logs, joined, beats = logs[1:], joined[1:], beats[1:]
    logs, joined = (*logs, log(rr_s)), (*joined, state.joined_next)
    new = _with_newest(logs, joined)
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
