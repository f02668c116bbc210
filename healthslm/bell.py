"""Tells alerts to whatever on this board shows, sounds or speaks them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from healthslm.alerts import ALERTS, Acknowledge
from healthslm.errors import BadMessage
from healthslm.link import Link
from healthslm.records import Alert, Finding, Tick
from healthslm.stage import freeze, thaw

LOOK_S = 10.0  # an unanswered red is looked after so often
MAX_ANSWER = 64  # bytes


class Bell:
    """One person's alarms, published as they come: docs/wire-format.md, "Alerts".

    Parameters
    ----------
    person
        The level in topics.
    link
        Where alerts are published; connected or not.
    """

    def __init__(self, person: str, link: Link) -> None:
        self._topic = f"healthslm/1/{person}/alert"
        self._link = link
        self._state = ALERTS.start()
        self._looked_s = float("-inf")

    def rung(self, findings: Iterable[Finding]) -> list[Alert]:
        """Take findings; return what was done about them."""
        return [alert for finding in findings for alert in self._step(finding)]

    def waited(self, now_s: float) -> Sequence[Alert]:
        """Take the news that time has come so far."""
        if 0 <= now_s - self._looked_s < LOOK_S:
            return ()
        self._looked_s = now_s
        return self._step(Tick(now_s))

    def answered(self, payload: bytes, now_s: float) -> Sequence[Alert]:
        """Take a person's answer: the kind of a finding, or nothing for all.

        Raises
        ------
        BadMessage
            It is no such word.
        """
        word = payload.decode("ascii", "replace")
        if len(payload) > MAX_ANSWER or not (word or "x").replace("_", "").isalnum():
            raise BadMessage("malformed")
        return self._step(Acknowledge(now_s, word))

    def snapshot(self) -> bytes:
        """Return what `restore` takes."""
        return freeze(self._state)

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot; of another version of it the alarms begin anew."""
        with suppress(msgspec.DecodeError):
            self._state = thaw(ALERTS, data) if data else self._state

    def _step(self, x: Finding | Tick | Acknowledge) -> Sequence[Alert]:
        self._state, alerts = ALERTS.step(self._state, x)
        for alert in alerts:
            if alert.step != "held":
                said = {"kind": alert.kind, "severity": alert.severity, "step": alert.step}
                more = {"began": alert.t0_s, "count": alert.count}
                self._link.publish(self._topic, msgspec.json.encode({**said, **more}), qos=1)
        return alerts
