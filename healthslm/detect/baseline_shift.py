"""Nights that differ from a person's own: resting heart rate, variability, warmth, breathing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, exp, floor, log
from typing import ClassVar

from healthslm.detect.nights import night_signal, spread
from healthslm.records import Finding, Severity, Vital

DAY_S, HOUR_S = 86_400.0, 3600.0
EPSILON = 1e-9
_TOLD: tuple[Severity | None, ...] = (None, "info", "amber")  # green, yellow, red


@dataclass(frozen=True, slots=True)
class Track:
    """One measure: its nights, and the night under way."""

    nights: tuple[int | None, ...] = ()  # in steps of the measure, newest last; larger is worse
    count: int = 0
    total: float = 0.0
    covered_s: float = 0.0
    newest_s: float | None = None  # of this night


@dataclass(frozen=True, slots=True)
class Row:
    """Shifted nights in a row that were told."""

    t0_s: float
    t1_s: float
    severity: Severity
    nights: int
    evidence: tuple[tuple[str, float], ...]

    def finding(self, stream: str, *, ongoing: bool) -> Finding:
        """Return it as a record."""
        evidence = (*self.evidence, ("nights", float(self.nights)))
        return Finding(
            "baseline_shift", stream, self.t0_s, self.t1_s, self.severity, evidence, ongoing
        )


@dataclass(frozen=True, slots=True)
class State:
    """The nights of one stream."""

    closed: int | None = None  # the newest night that is over, in local days since 1970
    since: int = 0  # first night after the newest silence
    newest_s: float = 0.0  # of anything that came
    activity: tuple[float, float] | None = None  # (UTC seconds, g)
    tracks: tuple[Track, Track, Track, Track] = (Track(), Track(), Track(), Track())
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """How one vital is followed from night to night."""

    kind: str
    evidence: str
    sign: int  # +1 where larger is worse
    step: float  # nights are kept in whole steps, of the logarithm if `log`
    yellow: float
    red: float
    log: bool = False

    def kept(self, mean: float) -> int:
        """Return a night's mean in steps, cut to a whole number; the larger the worse."""
        return self.sign * int((log(mean) if self.log else mean) / self.step + EPSILON)

    def value(self, kept: int) -> float:
        """Return what `kept` stands for."""
        value = self.sign * kept * self.step
        return exp(value) if self.log else value

    def limits(self, least_steps: float) -> tuple[int, int]:
        """Return yellow and red in steps, neither below `least_steps`."""
        yellow, red = (
            ceil(max(limit / self.step, least_steps) - EPSILON) for limit in (self.yellow, self.red)
        )
        return yellow, red


@dataclass(frozen=True, slots=True)
class BaselineShift:
    """A finding where two nights in a row lie beyond what is usual for the person.

    The method is NightSignal's (Alavi 2022, doi:10.1038/s41591-021-01593-2; its yellow is
    info here, its red amber), for the mean heart rate at rest from 00:00 to 06:59; likewise,
    in the worse direction, for the nightly RMSSD (20 and 30 % below), temperature (0.5 and
    0.8 Cel above) and respiratory rate (2 and 3 /min above) [P].

    Where we differ [P]: nothing is told before 28 measured nights; the newest 90 nights are
    looked at (28 for RMSSD), not all; a shift must also be 2.5 times the usual spread (1.4826
    MAD): in simulated healthy nights of all four measures that hang together from one to the
    next (r up to 0.7) that gives at most 0.4 findings in 30 days; a night needs an hour of
    readings; rest is activity below 0.05 g where a sensor tells it; a silence of 20 h ends the
    row. All measures of one stream are one finding, told again after each night that goes on
    like it.

    Midnight is UTC plus `zone_offset_s`: a stage knows no time zone, so set it. Colds, drink,
    bad sleep, stress and hot nights do this too: it names no illness.
    """

    reads: ClassVar[tuple[str, ...]] = ("heart_rate", "rmssd", "temperature", "respiratory_rate")
    context: ClassVar[tuple[str, ...]] = ("activity",)

    zone_offset_s: float = 0.0
    ends_h: float = 7.0
    least_nights: int = 28
    most_nights: int = 90
    most_rmssd_nights: int = 28
    spreads: float = 2.5
    least_covered_s: float = 3600.0
    cover_s: float = 600.0
    rest_g: float = 0.05
    activity_age_s: float = 600.0
    silence_s: float = 72_000.0
    heart_rate_yellow_bpm: float = 3.0
    heart_rate_red_bpm: float = 4.0
    rmssd_yellow_share: float = 0.2
    rmssd_red_share: float = 0.3
    temperature_yellow_c: float = 0.5
    temperature_red_c: float = 0.8
    respiratory_rate_yellow_per_min: float = 2.0
    respiratory_rate_red_per_min: float = 3.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, x: Vital, /) -> tuple[State, tuple[Finding, ...]]:
        """Take one vital."""
        local_s = x.t_s + self.zone_offset_s
        over = floor((local_s - self.ends_h * HOUR_S) / DAY_S)  # the newest night that is over
        if state.closed is None:
            state = replace(state, closed=over, since=over + 1)
        elif over < state.closed:  # a clock that went back: what was learnt stands under no day
            told = () if state.row is None else (state.row.finding(x.stream, ongoing=False),)
            return State(over, over + 1, x.t_s), told
        state, findings = self._closed(state, x.stream, over)
        if x.t_s - state.newest_s > self.silence_s and state.newest_s:
            findings += () if state.row is None else (state.row.finding(x.stream, ongoing=False),)
            state = replace(state, since=over + 1, row=None)
        state = replace(state, newest_s=max(x.t_s, state.newest_s))
        if x.kind == "activity":
            return replace(state, activity=(x.t_s, x.value)), findings
        if local_s % DAY_S < self.ends_h * HOUR_S and self._rests(state, x.t_s):
            at = self.reads.index(x.kind)
            track = self._with(state.tracks[at], x)
            a, b, c, d = (track if i == at else t for i, t in enumerate(state.tracks))
            state = replace(state, tracks=(a, b, c, d))
        return state, findings

    def _rests(self, state: State, t_s: float) -> bool:
        moved_s, moved_g = state.activity or (0.0, 0.0)
        return not (moved_g >= self.rest_g and 0 <= t_s - moved_s <= self.activity_age_s)

    def _with(self, track: Track, x: Vital) -> Track:
        """Return a track with one more reading of the night under way."""
        before_s = x.t_s if track.newest_s is None else track.newest_s
        covered_s = track.covered_s + min(max(x.t_s - before_s, 0.0), self.cover_s)
        return Track(track.nights, track.count + 1, track.total + x.value, covered_s, x.t_s)

    def _closed(self, state: State, stream: str, over: int) -> tuple[State, tuple[Finding, ...]]:
        """Close every night up to `over`; return what they lead to."""
        findings: tuple[Finding, ...] = ()
        newest = over if state.closed is None else state.closed
        for night in range(max(newest + 1, over - self.most_nights), over + 1):
            a, b, c, d = (
                self._kept(track, measure)
                for track, measure in zip(state.tracks, self._measures(), strict=True)
            )
            state = replace(state, closed=night, tracks=(a, b, c, d))
            row = self._row(state, night)
            if row is not None:
                findings += (row.finding(stream, ongoing=True),)
            elif state.row is not None:
                findings += (state.row.finding(stream, ongoing=False),)
            state = replace(state, row=row)
        return state, findings

    def _kept(self, track: Track, measure: Measure) -> Track:
        """Return a track whose night is over."""
        enough = track.covered_s >= self.least_covered_s - EPSILON and track.total > 0
        night = measure.kept(track.total / track.count) if enough else None
        most = self.most_rmssd_nights if measure.kind == "rmssd" else self.most_nights
        return Track((*track.nights, night)[-most:])

    def _row(self, state: State, night: int) -> Row | None:
        """Return the row of shifted nights that a night begins or goes on with."""
        worst, evidence = 0, list[tuple[str, float]]()
        for track, measure in zip(state.tracks, self._measures(), strict=True):
            known = sum(n is not None for n in track.nights)
            if known < self.least_nights or track.nights[-1] is None or night <= state.since:
                continue
            yellow, red = measure.limits(self.spreads * spread(track.nights))
            medians, alerts = night_signal(track.nights, yellow=yellow, red=red)
            if alerts[-1]:
                stem, _, unit = measure.evidence.partition(" ")
                usual = medians[-1] or 0
                evidence.append((f"{stem}_{unit}", measure.value(track.nights[-1])))
                evidence.append((f"usual_{stem}_{unit}", measure.value(usual)))
            worst = max(worst, alerts[-1])
        severity = _TOLD[worst]
        if severity is None:
            return None
        end_s = night * DAY_S + self.ends_h * HOUR_S - self.zone_offset_s
        row = state.row
        if row is None:
            begin_s = (night - 1) * DAY_S - self.zone_offset_s
            return Row(begin_s, end_s, severity, 2, tuple(evidence))
        graver: Severity = "amber" if "amber" in (row.severity, severity) else "info"
        return Row(row.t0_s, end_s, graver, row.nights + 1, tuple(evidence))

    def _measures(self) -> tuple[Measure, ...]:
        """Return the measures in the order of `reads`."""
        less, much = (-log(1 - s) for s in (self.rmssd_yellow_share, self.rmssd_red_share))
        hr = (self.heart_rate_yellow_bpm, self.heart_rate_red_bpm)
        warm = (self.temperature_yellow_c, self.temperature_red_c)
        rr = (self.respiratory_rate_yellow_per_min, self.respiratory_rate_red_per_min)
        return (
            Measure("heart_rate", "heart_rate bpm", 1, 1.0, *hr),
            Measure("rmssd", "rmssd ms", -1, 0.01, less, much, log=True),
            Measure("temperature", "temperature c", 1, 0.01, *warm),
            Measure("respiratory_rate", "respiratory_rate per_min", 1, 0.1, *rr),
        )


DETECTOR = BaselineShift()
