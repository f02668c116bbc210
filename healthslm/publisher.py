"""The sensor's side: keeps each frame until the daemon says that it is stored.

`Outbox` decides what is sent and when (pure); `Publisher` carries it over MQTT.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, Self
from uuid import uuid4

from healthslm import config, ingest
from healthslm.errors import BadMessage, BrokerError
from healthslm.ledger import Ack, read_ack
from healthslm.link import Event, Link, Message, Up
from healthslm.records import Frame

WINDOW = 64  # frames under way; two of the daemon's commits
PATIENCE_S = 15.0  # three of the daemon's commits
ASKED_S = 0.5  # what was under way when we sent again asks once more: not an answer to heed


@dataclass(slots=True)
class _Entry:
    number: int
    frame: Frame
    done: bool = False


class Outbox:
    """Frames in the order they were made, until they are acknowledged.

    Frames of all streams are sent in that one order, and sent again from one place on, so
    the daemon sees them as they were made. Pure: the time is an argument.

    Parameters
    ----------
    window
        Frames under way at most.
    patience_s
        After so long without an acknowledgement everything is sent again.
    """

    def __init__(self, window: int = WINDOW, patience_s: float = PATIENCE_S) -> None:
        self.window = window
        self.patience_s = patience_s
        self.submitted = self.acknowledged = self.again = 0
        self._entries: deque[_Entry] = deque()
        self._kept: dict[tuple[str, int], deque[_Entry]] = {}  # by lane and boot
        self._sent = 0  # entries at the left that were sent
        self._progress_s = 0.0
        self._asked = (float("-inf"), 0)  # when we last went back when asked, and where to

    @property
    def waiting(self) -> int:
        """Frames not yet acknowledged."""
        return self.submitted - self.acknowledged

    def submit(self, frame: Frame) -> None:
        """Keep `frame` for sending; within a stream and boot, sequence numbers must rise."""
        entry = _Entry(self.submitted, frame)
        self._entries.append(entry)
        self._kept.setdefault((frame.name, frame.boot), deque()).append(entry)
        self.submitted += 1

    def due(self, now_s: float) -> list[Frame]:
        """Return what is to be sent now, each with the oldest number its stream still keeps."""
        if not self._sent:
            self._progress_s = now_s
        elif now_s - self._progress_s > self.patience_s:
            self.restart(now_s)
        fresh = []
        while self._sent < min(self.window, len(self._entries)):
            entry = self._entries[self._sent]
            name, boot = entry.frame.name, entry.frame.boot
            if any(lane == name and older < boot for lane, older in self._kept):
                break  # the daemon would take the new boot for the end of the old one
            self._sent += 1
            if not entry.done:
                fresh.append(replace(entry.frame, kept=self._kept[name, boot][0].frame.seq))
        return fresh

    def acked(self, name: str, ack: Ack, now_s: float) -> None:
        """Let go of what is stored; send again what is asked for."""
        lane = self._kept.get((name, ack.boot))
        while lane and lane[0].frame.seq <= ack.seq:
            lane.popleft().done = True
            self.acknowledged += 1
            self._progress_s = now_s
        if lane is not None and not lane:
            del self._kept[name, ack.boot]
        while self._entries and self._entries[0].done:
            self._entries.popleft()
            self._sent = max(0, self._sent - 1)
        if ack.due is not None and lane:
            entry = next((e for e in lane if e.frame.seq >= ack.due), lane[-1])
            since_s, number = self._asked
            if entry.number < number or now_s - since_s > ASKED_S:
                self._asked = (now_s, entry.number)
                self._go_back(entry)

    def restart(self, now_s: float) -> None:
        """Send everything again: nobody knows what became of it."""
        self._progress_s = now_s
        if self._entries:
            self._go_back(self._entries[0])

    def _go_back(self, entry: _Entry) -> None:
        at = entry.number - self._entries[0].number
        if at < self._sent:
            self.again += sum(not e.done for e in islice(self._entries, at, self._sent))
            self._sent = at


class Publisher:
    """Sends frames of one person to the daemon, through a broker, until they are stored.

    Parameters
    ----------
    url
        The broker.
    person
        The person's level in the topics.
    window, patience_s
        See `Outbox`.
    form
        How frames are written.

    Raises
    ------
    ConfigError
        `url` does not lead to this machine.
    """

    def __init__(
        self,
        url: str,
        person: str,
        *,
        window: int = WINDOW,
        patience_s: float = PATIENCE_S,
        form: Literal["cbor", "json"] = "cbor",
    ) -> None:
        self.outbox = Outbox(window, patience_s)
        self._person = person
        self._form = form
        self._ready = f"healthslm/1/{person}/ready"
        topics = [ingest.topic(person, "+", "+", "ack"), self._ready]
        self._link = Link(config.address(url), f"sensor-{uuid4().hex[:12]}", topics, lasting=False)
        self._meta: dict[str, bytes] = {}

    def meet(self, timeout_s: float = 10.0) -> None:
        """Return when the broker answers.

        Raises
        ------
        BrokerError
            It did not, for `timeout_s`.
        """
        until_s = time.monotonic() + timeout_s
        while not self._link.up:
            if time.monotonic() > until_s:
                raise BrokerError("the broker does not answer")
            self.poll(0.05)

    def describe(self, device: str, stream: str, meta: Mapping[str, str | float]) -> None:
        """Say, retained at the broker, what a stream is."""
        topic = ingest.topic(self._person, device, stream, "meta")
        self._meta[topic] = json.dumps(meta).encode()
        self._link.publish(topic, self._meta[topic], qos=1, retain=True)

    def send(self, frame: Frame, timeout_s: float = 60.0) -> None:
        """Take `frame` for sending; returns when it is under way, not when it is stored.

        Raises
        ------
        BadMessage
            The daemon would refuse it: our own fault, and better seen here.
        BrokerError
            For `timeout_s` the frames before it were not acknowledged.
        """
        payload = ingest.encode(replace(frame, kept=None), self._form)
        ingest.decode(ingest.topic(self._person, frame.device, frame.stream), payload)
        self.outbox.submit(frame)
        self.poll(0.0)
        self._wait(self.outbox.window, timeout_s)

    def flush(self, timeout_s: float = 60.0) -> None:
        """Return when every frame is stored.

        Raises
        ------
        BrokerError
            `timeout_s` passed without any acknowledgement.
        """
        self._wait(1, timeout_s)

    def poll(self, timeout_s: float) -> None:
        """Send what is due and hear what is acknowledged."""
        for event in self._link.poll(timeout_s):
            self._hear(event)
        if not self._link.up:
            return
        for frame in self.outbox.due(time.monotonic()):
            topic = ingest.topic(self._person, frame.device, frame.stream)
            self._link.publish(topic, ingest.encode(frame, self._form), qos=1)

    def close(self) -> None:
        """Disconnect; what is not acknowledged is lost with this object."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait(self, fewer_than: int, timeout_s: float) -> None:
        newest, since_s = self.outbox.acknowledged, time.monotonic()
        while self.outbox.waiting >= fewer_than:
            self.poll(0.05)
            if self.outbox.acknowledged != newest:
                newest, since_s = self.outbox.acknowledged, time.monotonic()
            elif time.monotonic() - since_s > timeout_s:
                raise BrokerError(
                    f"for {timeout_s:.0f} s the daemon stored nothing; "
                    f"{self.outbox.waiting} frames wait"
                )

    def _hear(self, event: Event) -> None:
        now_s = time.monotonic()
        if isinstance(event, Up):
            self.outbox.restart(now_s)
            for topic, meta in self._meta.items():
                self._link.publish(topic, meta, qos=1, retain=True)
        elif isinstance(event, Message):
            self._link.ack(event.ticket)
            if event.topic == self._ready:
                self.outbox.restart(now_s)
            parts = event.topic.split("/")
            if len(parts) != 6 or parts[5] != "ack":
                return
            try:
                ack = read_ack(event.payload)
            except BadMessage:
                return  # not from our daemon
            self.outbox.acked(f"{parts[3]}/{parts[4]}", ack, now_s)
