"""What daemon, sensors and status tell each other: acknowledgements, and the daemon's state.

Loads no NumPy, so that `healthslm status` answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from healthslm.errors import BadMessage, IntegrityError

UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""All that msgspec raises of bytes: text that is no UTF-8, and depth, have no class of its own."""


class Ack(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the daemon says of one boot of one stream."""

    boot: int
    seq: int  # stored up to here; -1: nothing yet
    due: int | None = None  # send again from here


class State(msgspec.Struct, frozen=True):
    """Everything the daemon's next step depends on: one object, in the commit of its samples."""

    intake: bytes
    pipeline: bytes
    counts: dict[str, int]
    data_s: float  # end of the newest sample taken; 0 before the first
    summary_s: float  # end of the newest period that daily summaries cover; 0: none yet
    alerts: bytes = b""  # the state of `alerts.Alerts`; empty: none yet


def read_ack(payload: bytes) -> Ack:
    """Return the acknowledgement that came in as JSON.

    Raises
    ------
    BadMessage
        It is none: whoever sent it is not our daemon.
    """
    try:
        return msgspec.json.decode(payload, type=Ack)
    except UNREADABLE:
        raise BadMessage("malformed") from None


def write(state: State) -> bytes:
    """Return the bytes that `read` takes; equal states give equal bytes."""
    return msgspec.msgpack.encode(state, order="deterministic")


def read(data: bytes) -> State:
    """Return the state that `write` wrote.

    Raises
    ------
    IntegrityError
        These are not such bytes: the store was opened, but holds another thing.
    """
    try:
        return msgspec.msgpack.decode(data, type=State)
    except UNREADABLE:
        raise IntegrityError("the daemon's state is of another version") from None


def counters(data: bytes) -> Mapping[str, int]:
    """Return the daemon's counts, by word: frames "taken", "repeat", "gap", refusals by reason."""
    return dict(sorted(read(data).counts.items()))
