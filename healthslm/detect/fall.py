"""A blow, another posture, and then no movement: a fall, until the wearer says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from healthslm.records import Chunk, Finding, Severity
from healthslm.signals.triaxial import (
    G_M_S2,
    Blocks,
    Feed,
    Vector,
    added,
    angle_deg,
    blocks,
    on_trunk,
    total,
)

_SECOND_S = 1.0
_WEIGHTLESS_G = 0.35
_RECENT = 6  # seconds that are remembered
_BLOW = 2  # seconds in which one is over, wherever their boundary falls
_CLUSTER_S = 4.0  # blows so close are one
_BEFORE = slice(-6, -3)  # of these, seen from the newest: the posture before a blow


@dataclass(frozen=True, slots=True)
class Second:
    """What a second of movement comes to; NaN throughout where it was not read."""

    end_s: float
    down: Vector  # mean acceleration, g: where gravity pulls, as the sensor sees it
    sway_g: float  # root mean square distance from that mean
    peak_g: float  # largest magnitude
    thrust_m_s: float  # what exceeds `thrust_g`, over time: how much speed a blow took away
    weightless_s: float

    @property
    def read(self) -> bool:
        """Return whether anything is known of this second."""
        return self.sway_g == self.sway_g


@dataclass(frozen=True, slots=True)
class Suspect:
    """A blow, and what is known of the time since."""

    t_s: float  # begin of the second of its peak
    struck_s: float  # end of the second that completed it
    seen_s: float  # end of the newest second that was read
    before: Vector
    peak_g: float
    dropped: bool  # weightless for longer than a person who falls
    waited: int = 0  # seconds until stillness began
    still: int = 0  # seconds of stillness
    moving: int = 0  # seconds of movement in a row, just now
    unread: int = 0  # seconds that were not read, in a row, just now
    sum: Vector = (0.0, 0.0, 0.0)  # of the still seconds' means
    told: Severity | None = None
    asked_s: int = 0  # seconds since the wearer was asked


@dataclass(frozen=True, slots=True)
class State:
    """The samples held, the newest seconds, and the blow that is being followed."""

    feed: Feed = field(default_factory=Feed)
    recent: tuple[Second, ...] = ()
    suspect: Suspect | None = None


@dataclass(frozen=True, slots=True)
class Fall:
    """A finding where a blow is followed by another posture and by stillness; ask first.

    Kangas et al. 2008 (doi:10.1016/j.gaitpost.2008.01.003) and Bourke et al. 2007
    (doi:10.1016/j.gaitpost.2006.09.012) judge by the height of the impact and by the posture
    after it; so do we, with these differences:

    - a blow is measured by its thrust, the magnitude above 1.2 g integrated over two
      seconds: the speed that it takes from the body (a fall from 0.5 m arrives with 3 m/s).
      A peak depends on sampling rate, filter and range of the sensor, a thrust hardly; and
      a wrist that is laid on a table peaks at 2.6 g but loses little speed;
    - posture is the angle between gravity before and after, so it does not matter how the
      sensor sits; no upright position has to be known;
    - 30 s of stillness are asked for, and then the wearer: the finding is told as amber,
      "are you OK?". Whoever moves within 60 s ends it (info). If not, it is red.

    On real falls a detector gave 0.56 false alarms an hour at a sensitivity above 80 %
    (Palmerini et al. 2020, doi:10.3390/s20226479): that is why it asks, and why it is not red
    before 90 s have gone by. All limits are proposals [P]: they lie in the middle of wide
    gaps in staged falls of young people, and no real fall has tested them.

    A trunk (by the name of the device) is struck less than a wrist; a device of which the
    place is not known is treated as a wrist, where more thrust is asked for. A sensor
    that was weightless for 0.3 s fell by itself (people reach 0.25 s): that asks, but never
    turns red; a fall from a ladder looks the same. Whoever gets up at once, or slides down
    softly, is not seen; neither is anything below 15 readings a second.
    """

    reads: ClassVar[tuple[str, ...]] = ("acceleration",)
    chunks: ClassVar[bool] = True

    thrust_g: float = 1.2  # what a body that rests or turns does not exceed
    trunk_m_s: float = 0.5
    wrist_m_s: float = 2.3
    turned_deg: float = 45.0
    still_g: float = 0.1  # sway of a second in which nothing moves
    settle_s: float = 3.0  # until stillness begins
    still_s: float = 30.0
    answer_s: float = 60.0
    moved_s: float = 3.0  # seconds of movement in a row that are no twitch ...
    over_s: float = 10.0  # ... and that end what is red
    max_gap_s: float = 10.0  # a longer hole ends all evidence
    drop_s: float = 0.3
    least_hz: float = 15.0

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk, /) -> tuple[State, tuple[Finding, ...]]:
        """Take samples; follow what every second of them says."""
        feed, found = blocks(state.feed, chunk, _SECOND_S)
        if chunk.fs / 3 < self.least_hz:
            return replace(state, feed=feed), ()
        limit_m_s = self.trunk_m_s if on_trunk(chunk.stream) else self.wrist_m_s
        recent, suspect = state.recent, state.suspect
        told: list[Finding] = []
        for second in seconds(found, self.thrust_g):
            hole_s = second.end_s - recent[-1].end_s - _SECOND_S if recent else 0.0
            if not -0.5 <= hole_s <= self.max_gap_s:
                told += _ended(suspect, chunk.stream)
                recent, suspect = (), None
            recent = (*recent[1 - _RECENT :], second)
            suspect, news = self._followed(suspect, recent, limit_m_s, chunk.stream)
            told += news
        return State(feed, recent, suspect), tuple(told)

    def _followed(
        self, suspect: Suspect | None, recent: tuple[Second, ...], limit_m_s: float, stream: str
    ) -> tuple[Suspect | None, tuple[Finding, ...]]:
        """Return what is suspected after one more second, and what is to be told."""
        now = recent[-1]
        if not now.read:
            if suspect and suspect.unread + 1 > self.max_gap_s:
                return None, _ended(suspect, stream)
            return suspect and replace(suspect, unread=suspect.unread + 1), ()
        if suspect is None or suspect.told is None:
            struck = self._struck(suspect, recent, limit_m_s)
            if struck:
                return struck, ()
        if suspect is None:
            return None, ()
        suspect = self._waited(suspect, now)
        if suspect.told:
            return self._asked(suspect, now, stream)
        return self._judged(suspect, now, stream)

    def _struck(
        self, suspect: Suspect | None, recent: tuple[Second, ...], limit_m_s: float
    ) -> Suspect | None:
        """Return the blow that the newest second completes, if it does."""
        now, near = recent[-1], [s for s in recent[-_BLOW:] if s.read]
        if now.thrust_m_s <= 0 or sum(s.thrust_m_s for s in near) < limit_m_s:
            return None
        peak_g = max(s.peak_g for s in near)
        falling = [s for s in recent[-1 - _BLOW :] if s.read]
        dropped = sum(s.weightless_s for s in falling) >= self.drop_s
        t_s = max(near, key=lambda s: s.peak_g).end_s - _SECOND_S
        if suspect and (suspect.still or now.end_s - suspect.struck_s <= _CLUSTER_S):
            return Suspect(t_s, now.end_s, now.end_s, suspect.before, peak_g, dropped)
        earlier = [s for s in recent[_BEFORE] if s.read] or [s for s in recent[:-1] if s.read][:1]
        if not earlier:
            return None
        before = added(*(s.down for s in earlier))
        return Suspect(t_s, now.end_s, now.end_s, before, peak_g, dropped)

    def _waited(self, suspect: Suspect, now: Second) -> Suspect:
        """Return the suspect after one second in which it was still, or moved."""
        asked_s = suspect.asked_s + (suspect.told is not None)
        suspect = replace(suspect, seen_s=now.end_s, unread=0)
        if now.sway_g > self.still_g:
            waited = suspect.waited + (suspect.still == 0)
            return replace(suspect, moving=suspect.moving + 1, waited=waited, asked_s=asked_s)
        still, down = suspect.still + 1, added(suspect.sum, now.down)
        return replace(suspect, moving=0, still=still, sum=down, asked_s=asked_s)

    def _judged(
        self, suspect: Suspect, now: Second, stream: str
    ) -> tuple[Suspect | None, tuple[Finding, ...]]:
        """Decide on a blow of which nothing was told yet."""
        resumed = suspect.still > 0 and suspect.moving >= self.moved_s
        if resumed or suspect.waited > self.settle_s:
            return None, ()
        if suspect.still < self.still_s:
            return suspect, ()
        if angle_deg(suspect.before, suspect.sum) < self.turned_deg:
            return None, ()
        suspect = replace(suspect, told="amber")
        return suspect, (_finding(suspect, now.end_s, stream, ongoing=True),)

    def _asked(
        self, suspect: Suspect, now: Second, stream: str
    ) -> tuple[Suspect | None, tuple[Finding, ...]]:
        """Decide on a fall that was told: movement ends it, time makes it graver."""
        red = suspect.told == "red"
        if suspect.moving >= (self.over_s if red else self.moved_s):
            ended = replace(suspect, told=suspect.told if red else "info")
            return None, (_finding(ended, now.end_s, stream, ongoing=False),)
        if red or suspect.dropped or suspect.asked_s < self.answer_s:
            return suspect, ()
        suspect = replace(suspect, told="red")
        return suspect, (_finding(suspect, now.end_s, stream, ongoing=True),)


def seconds(found: Blocks, thrust_g: float) -> list[Second]:
    """Return what each block of one second comes to."""
    down = found.mean(found.cells)
    away = found.cells - down[:, None]
    sway = np.sqrt(np.maximum(found.mean(total(np.moveaxis(away * away, 2, 1))), 0.0))
    magnitude = found.magnitude
    over = np.maximum(magnitude - thrust_g, 0.0) * found.good
    light = (magnitude < _WEIGHTLESS_G) & found.good
    peak = np.where(found.read, magnitude.max(axis=1, initial=0.0), np.nan)
    return [
        Second(found.end_s(i), (x, y, z), *values)
        for i, ((x, y, z), *values) in enumerate(
            zip(
                down.tolist(),
                sway.tolist(),
                peak.tolist(),
                (total(over) * (G_M_S2 / found.hz)).tolist(),
                (light.sum(axis=1) / found.hz).tolist(),
                strict=True,
            )
        )
    ]


def _ended(suspect: Suspect | None, stream: str) -> tuple[Finding, ...]:
    """Return the end of what was told: nothing more is known."""
    if suspect is None or suspect.told is None:
        return ()
    return (_finding(suspect, suspect.seen_s, stream, ongoing=False),)


def _finding(suspect: Suspect, t_s: float, stream: str, *, ongoing: bool) -> Finding:
    evidence = (
        ("peak_g", suspect.peak_g),
        ("turned_deg", angle_deg(suspect.before, suspect.sum)),
        ("still_s", float(suspect.still)),
    )
    severity = suspect.told or "info"
    return Finding("fall", stream, suspect.t_s, t_s, severity, evidence, ongoing)


DETECTOR = Fall()
