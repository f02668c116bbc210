"""Which findings a person is told of at once, how loudly, and how often at most.

Alarms after section 4 of the clinical notes (in the manner of IEC 60601-1-8) [P]:

- red is told at once and latched: it stays until it is acknowledged, whatever the finding
  does. Unanswered it grows louder after 2 min and asks for a contact after 5 min. What
  repeats is merged, and told again after 15 min with its count. It is never held back;
- amber is told once a day for each kind and three times a day in all, clears by itself, and
  what is held back is recorded with the reason;
- two ambers of different kinds at once, or a NEWS2 of 5 and more, are red;
- technical findings (no data, poor signal) have a channel of their own: once a day for each
  kind; they use up nothing and make nothing graver;
- info is for the summary alone.

Pure: time comes with the findings and ticks. Acknowledging silences; it clears nothing
that still lasts, and nothing of another kind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from healthslm.records import TECHNICAL, Alert, Finding, Severity, Tick

MOST_HISTORY = 64  # newest alerts remembered: far above what three a day can be

MOST_KEYS = 64  # streams of one person: docs/wire-format.md

Key = tuple[str, str, float]


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A person answered: every alarm of `kind`, or of all kinds where it is empty."""

    t_s: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One kind of finding that is under way, or latched."""

    kind: str
    severity: Severity
    t0_s: float
    told_s: float | None  # None: held back
    count: int
    keys: tuple[Key, ...]  # findings that still last
    newest: Key
    step: str = "told"
    answered: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The alarms, and when ambers were told."""

    now_s: float = float("-inf")
    alarms: tuple[Alarm, ...] = ()  # by kind
    history: tuple[tuple[str, float], ...] = ()  # (kind, time) of what was told, oldest first


@dataclass(frozen=True, slots=True)
class Alerts:
    """Findings, ticks and answers in; alerts out."""

    reads: ClassVar[tuple[str, ...]] = ("finding", "tick", "acknowledge")

    red_repeat_s: float = 900.0
    louder_s: float = 120.0
    contact_s: float = 300.0
    amber_kind_s: float = 86_400.0
    amber_day_s: float = 86_400.0
    amber_a_day: int = 3
    red_score: float = 5.0  # NEWS2: urgent review (RCP 2017)

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(
        self, state: State, x: Finding | Tick | Acknowledge
    ) -> tuple[State, tuple[Alert, ...]]:
        """Take one thing that happened; return what is to be done about it."""
        t_s = x.t1_s if isinstance(x, Finding) else x.t_s
        state = replace(state, now_s=max(state.now_s, t_s))
        if isinstance(x, Acknowledge):
            return self._answered(state, x.kind)
        state, out = self._waited(state)
        if isinstance(x, Finding) and x.severity != "info":
            state, more = self._heard(state, x)
            out += more
        return state, out

    def _heard(self, state: State, x: Finding) -> tuple[State, tuple[Alert, ...]]:
        """Take a finding that asks for a person, or the news that it ended."""
        before = _of(state, x.kind)
        severity = self._graver(state, x)
        alarm = _with(before, x, severity)
        graver = before is not None and (before.severity, severity) == ("amber", "red")
        if before is None or graver or before.newest != x.key:
            if not x.ongoing and before is not None and x.key in before.keys:
                return self._settled(state, alarm)
            state, alarm, out = self._raised(state, alarm, new=before is None or graver)
            state, _ = self._settled(state, alarm)  # what is over at once needs no second word
            return state, out
        return self._settled(state, alarm)

    def _graver(self, state: State, x: Finding) -> Severity:
        """Return the severity that counts: an amber is red beside another, or by its score."""
        if x.severity != "amber" or x.kind in TECHNICAL:
            return x.severity
        score = dict(x.evidence).get("score", 0.0) if x.kind == "news2" else 0.0
        beside = [
            a for a in state.alarms if a.keys and a.kind != x.kind and a.kind not in TECHNICAL
        ]
        return "red" if score >= self.red_score or (x.ongoing and beside) else "amber"

    def _raised(
        self, state: State, alarm: Alarm, *, new: bool
    ) -> tuple[State, Alarm, tuple[Alert, ...]]:
        """Tell an alarm, or hold it back and say why."""
        now_s = state.now_s
        if alarm.severity == "red":
            told_s = alarm.told_s
            if not new and told_s is not None and now_s - told_s < self.red_repeat_s:
                return state, alarm, ()  # merged: the count has grown
            reason = ""
        else:
            reason = self._why_held(state, alarm.kind)
        if reason:
            held = alarm if alarm.told_s is not None else replace(alarm, step="held")
            return state, held, (_alert(held, now_s, "held", reason),)
        alarm = replace(alarm, told_s=now_s, step="told", answered=False)
        history = (*state.history, (alarm.kind, now_s))[-MOST_HISTORY:]
        return replace(state, history=history), alarm, (_alert(alarm, now_s, "told"),)

    def _why_held(self, state: State, kind: str) -> str:
        ago = [(k, state.now_s - t) for k, t in state.history]
        if any(k == kind and s < self.amber_kind_s for k, s in ago):
            return "once a day"
        if kind in TECHNICAL:
            return ""
        today = [k for k, s in ago if s < self.amber_day_s and k not in TECHNICAL]
        return "enough today" if len(today) >= self.amber_a_day else ""

    def _settled(self, state: State, alarm: Alarm) -> tuple[State, tuple[Alert, ...]]:
        """Keep an alarm that lasts or is latched; let go of one that is over."""
        latched = alarm.severity == "red" and not alarm.answered
        if alarm.keys or latched:
            return _put(state, alarm), ()
        told = alarm.told_s is not None
        out = (_alert(alarm, state.now_s, "cleared"),) if told else ()
        return _put(state, None, alarm.kind), out

    def _waited(self, state: State) -> tuple[State, tuple[Alert, ...]]:
        """Grow louder where a red has been waiting for an answer."""
        out: list[Alert] = []
        for alarm in state.alarms:
            if alarm.severity != "red" or alarm.answered or alarm.told_s is None:
                continue
            waited_s = state.now_s - alarm.told_s
            step = "contact" if waited_s >= self.contact_s else "louder"
            if waited_s >= self.louder_s and alarm.step not in (step, "contact"):
                state = _put(state, replace(alarm, step=step))
                out.append(_alert(alarm, state.now_s, step))
        return state, tuple(out)

    def _answered(self, state: State, kind: str) -> tuple[State, tuple[Alert, ...]]:
        """Silence the reds of a kind; what still lasts stays known."""
        out: list[Alert] = []
        for alarm in state.alarms:
            if alarm.severity == "red" and not alarm.answered and kind in ("", alarm.kind):
                out.append(_alert(alarm, state.now_s, "acknowledged"))
                state, more = self._settled(state, replace(alarm, answered=True))
                out += more
        return state, tuple(out)


def _of(state: State, kind: str) -> Alarm | None:
    return next((a for a in state.alarms if a.kind == kind), None)


def _put(state: State, alarm: Alarm | None, kind: str = "") -> State:
    """Return the state with an alarm in its place, or with none of `kind`."""
    name = alarm.kind if alarm else kind
    others = [a for a in state.alarms if a.kind != name]
    kept = sorted([*others, alarm] if alarm else others, key=lambda a: a.kind)
    return replace(state, alarms=tuple(kept))


def _with(before: Alarm | None, x: Finding, severity: Severity) -> Alarm:
    """Return the alarm of a kind after one more finding, or the end of one."""
    lasts: tuple[Key, ...] = (x.key,) if x.ongoing else ()
    if before is None:
        return Alarm(x.kind, severity, x.t0_s, None, 1, lasts, x.key)
    keys = (*(k for k in before.keys if k != x.key), *lasts)[-MOST_KEYS:]
    known = x.key == before.newest or x.key in before.keys
    gravest: Severity = "red" if "red" in (before.severity, severity) else "amber"
    return replace(
        before,
        severity=gravest,
        count=before.count + (not known),
        keys=keys,
        newest=before.newest if known else x.key,
    )


def _alert(alarm: Alarm, now_s: float, step: str, reason: str = "") -> Alert:
    return Alert(alarm.kind, now_s, alarm.severity, step, alarm.t0_s, alarm.count, reason)


ALERTS = Alerts()
