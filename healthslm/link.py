"""A connection to the broker, driven by our own select loop: no thread, no queue, no lock.

paho's callbacks only subscribe, or append to a list. Each connection is a new paho client, so
nothing of an old one is sent again behind our back: who publishes keeps what is not acknowledged.
"""

from __future__ import annotations

import logging
import random
import select
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from healthslm.config import Address

KEEPALIVE_S = 60
BACKOFF_S = (0.1, 5.0)  # first and longest wait before connecting again
CONNECT_S = 5.0  # the broker is on this machine: it answers at once, or not at all
BATCH = 64  # messages handed over at a time

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Up:
    """Connected and subscribed; `resumed` if the broker kept our session."""

    resumed: bool


@dataclass(frozen=True, slots=True)
class Down:
    """The connection is lost; the link connects again by itself."""


@dataclass(frozen=True, slots=True)
class Message:
    """What came in. `topic` is empty where its bytes are not UTF-8."""

    topic: str
    payload: bytes
    ticket: tuple[int, int]  # connection and message id; (0, 0): nothing to acknowledge


Event = Up | Down | Message


class Link:
    """MQTT 3.1.1 to a broker on this machine.

    Parameters
    ----------
    address
        The broker.
    client_id
        Name of the session at the broker.
    topics
        Filters to subscribe to, QoS 1; at least one.
    lasting
        Whether the broker keeps the session, and queues for it, while we are away.
    """

    def __init__(
        self, address: Address, client_id: str, topics: Sequence[str], *, lasting: bool
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._topics = topics
        self._lasting = lasting
        self._client: mqtt.Client | None = None
        self._epoch = 0
        self._up = self._resumed = False
        self._events: list[Event] = []
        self._backoff_s = BACKOFF_S[0]
        self._again_s = 0.0  # monotonic time of the next attempt
        self._asked_s = 0.0  # ... and of the newest request that we wait on
        self._random = random.Random()  # noqa: S311  jitter, not a secret

    @property
    def up(self) -> bool:
        """Whether we are connected and subscribed."""
        return self._up

    def poll(self, timeout_s: float) -> list[Event]:
        """Wait for something to happen, at most `timeout_s`; return what did, oldest first."""
        if self._client is None:
            pause_s = self._again_s - time.monotonic()
            if pause_s > 0:
                time.sleep(min(pause_s, timeout_s))
                return []
            self._connect()
        deadline_s = time.monotonic() + timeout_s
        while self._client is not None and not self._events:
            left_s = max(0.0, deadline_s - time.monotonic())
            if not self._turn(left_s) and left_s == 0.0:
                break
        while 0 < len(self._events) < BATCH and self._turn(0.0):
            pass
        events, self._events = self._events, []
        return events

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> bool:
        """Send a message; return whether it went to the socket's buffer."""
        if self._client is None or not self._up:
            return False
        return (
            self._client.publish(topic, payload, qos, retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        )

    def ack(self, ticket: tuple[int, int]) -> None:
        """Tell the broker that a message is dealt with.

        Does nothing where its connection is gone: the same id may mean another message now.
        """
        epoch, mid = ticket
        if self._client is not None and epoch == self._epoch and mid:
            self._client.ack(mid, 1)

    def close(self, linger_s: float = 2.0) -> None:
        """Disconnect, when the broker has read what we sent; wait for that at most `linger_s`.

        We ask it for something: when it answers, it has read all that went before. To close
        at once would reset the connection if there were anything unread, and lose our words.
        """
        if self._client is not None and self._up:
            self._up, self._asked_s = False, time.monotonic()
            self._subscribe(self._client)
            deadline_s = self._asked_s + linger_s
            while self._client is not None and not self._up and time.monotonic() < deadline_s:
                self._turn(0.05)
        if self._client is not None:
            self._client.disconnect()
            self._turn(0.05)
        self._client, self._up, self._events = None, False, []

    def _connect(self) -> None:
        where = self._address
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            clean_session=not self._lasting,
            protocol=MQTTProtocolVersion.MQTTv311,
            transport="unix" if where.path else "tcp",
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if where.username is not None:
            client.username_pw_set(where.username, where.password)
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(0)  # who publishes has its own window
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._epoch += 1
        try:
            client.connect(where.path or where.host, where.port, KEEPALIVE_S)
        except OSError as exc:
            log.debug("broker: %s", type(exc).__name__)
            self._drop()
            return
        self._client = client
        self._asked_s = time.monotonic()

    def _turn(self, timeout_s: float) -> bool:
        """Read and write once; return whether there was anything to do."""
        client = self._client
        if client is None:
            return False
        sock: Any = client.socket()
        if sock is None:
            self._drop()
            return False
        writing = [sock] if client.want_write() else []
        readable, writable, _ = select.select([sock], writing, [], timeout_s)
        done = MQTTErrorCode.MQTT_ERR_SUCCESS
        if writable:
            done = client.loop_write()
        if readable and done == MQTTErrorCode.MQTT_ERR_SUCCESS:
            done = client.loop_read()
        if done == MQTTErrorCode.MQTT_ERR_SUCCESS:
            done = client.loop_misc()
        late = not self._up and time.monotonic() - self._asked_s > CONNECT_S
        if done != MQTTErrorCode.MQTT_ERR_SUCCESS or late:
            self._drop()
        return bool(readable or writable)

    def _drop(self) -> None:
        """Give the connection up, and try again after a pause."""
        if self._up:
            self._events.append(Down())
            self._backoff_s = BACKOFF_S[0]
        self._up = False
        client, self._client = self._client, None
        sock: Any = client.socket() if client is not None else None
        if sock is not None:
            sock.close()
        self._again_s = time.monotonic() + self._backoff_s * self._random.uniform(0.5, 1.0)
        self._backoff_s = min(2 * self._backoff_s, BACKOFF_S[1])

    def _on_connect(self, client: mqtt.Client, _: Any, flags: Any, code: Any, __: Any) -> None:
        if not code.is_failure:  # else the broker closes, and we try again
            self._resumed = bool(flags.session_present)
            self._subscribe(client)

    def _subscribe(self, client: mqtt.Client) -> None:
        client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(self, *_: Any) -> None:
        self._up = True
        self._events.append(Up(self._resumed))

    def _on_message(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        ticket = (self._epoch, message.mid) if message.qos else (0, 0)
        self._events.append(Message(topic, bytes(message.payload), ticket))
