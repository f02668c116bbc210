"""The audit trail: who opened the store and read what, as a chain of hashes.

Pure. An entry is committed with what it records. The chain shows that none was left out
or changed; it cannot show what someone who holds a key read from a copy of the files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from healthslm.errors import IntegrityError
from healthslm.vault.chapters import AUDIT, body_of
from healthslm.vault.codec import deflate, inflate
from healthslm.vault.index import Draft
from healthslm.vault.keys import Class

Action = Literal[
    "create",
    "unlock",
    "read raw",
    "summary",
    "report",
    "export",
    "loss accepted",
    "reader added",
    "reader removed",
    "consent granted",
    "consent revoked",
    "passphrase changed",
    "recovery sheet made",
    "owner key changed",
    "device key changed",
    "data keys changed",
    "erasure begun",
    "erased",
    "kept no longer",
    "backup made",
    "restored",
    "repaired",
    "migrated",
]


class Event(NamedTuple):
    """One thing that was done."""

    number: int
    t_s: float
    action: str
    who: str
    what: str = ""


class _Body(msgspec.Struct, array_like=True, frozen=True):
    number: int
    t_s: float
    action: str
    who: str
    previous: bytes
    what: str = ""


def record(draft: Draft, action: Action, who: str, now_s: float, what: str = "") -> None:
    """Add an event to the commit in the making; `what` tells of what, if need be."""
    number, previous = draft.head.audit
    body = msgspec.msgpack.encode(_Body(number, now_s, action, who, previous, what))
    draft.head.audit = (number + 1, hashlib.sha256(body).digest())
    draft.add(Class.AUDIT, AUDIT + deflate(body), now_s, now_s)


class Link(NamedTuple):
    """An event with its place in the chain: its own hash, and that of the one before."""

    event: Event
    previous: bytes
    hash: bytes


def thaw(content: bytes, what: str) -> Link:
    """Return the event that a content holds; raises IntegrityError."""
    body = inflate(body_of(content, AUDIT, what))
    try:
        found = msgspec.msgpack.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise IntegrityError(f"{what}: of another form") from None
    event = Event(found.number, found.t_s, found.action, found.who, found.what)
    return Link(event, found.previous, hashlib.sha256(body).digest())


OLDEST = ", the oldest of the audit trail among them"
_LOST = "audit entries lost:"


def mended(lost: Iterable[int]) -> str:
    """Return how a "repaired" event names entries that are lost: "audit entries lost: 5 8-9"."""
    spans: list[list[int]] = []
    for number in sorted(lost):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    words = [str(a) if a == b else f"{a}-{b}" for a, b in spans]
    return " ".join([_LOST, *words]) if words else ""


def _told(events: Iterable[Event]) -> list[range]:
    """Return the numbers of entries of which a repair says that they are lost."""
    said = [e.what.partition(_LOST)[2].split() for e in events if e.action == "repaired"]
    ends = [word.split("-") for words in said for word in words]
    return [range(int(pair[0]), int(pair[-1]) + 1) for pair in ends if all(map(str.isdigit, pair))]


def chain(
    contents: Iterable[bytes],
    end: tuple[int, bytes],
    through: tuple[int, bytes] | None = None,
) -> Iterator[Event]:
    """Yield the events of a whole trail, oldest first.

    An entry may be missing only where a later entry says that a repair found it so, or the oldest
    where one says that they are kept no longer: then the chain goes on behind them, and what
    stood there is not vouched for.

    end      how many there are, and the hash of the newest, from the sealed head.
    through  the same of an earlier time, as somebody noted it then.

    Raises
    ------
    IntegrityError
        An event is missing or was changed; or the trail does not go through what was noted.
    """
    if through is not None and through[0] > end[0]:
        raise IntegrityError(
            f"audit trail: rolled back: {through[0] - end[0]} entries that were there are not"
        )
    links = [thaw(content, f"audit entry {n}") for n, content in enumerate(contents)]
    told = _told(link.event for link in links)
    cut = any(e.action == "kept no longer" and e.what.endswith(OLDEST) for e, _, _ in links)
    due, newest = 0, bytes(32)
    met = {due: newest}
    for event, previous, own in links:
        gap = range(due, event.number)
        known = all(any(n in span for span in told) for n in gap) or (due == 0 and cut)
        if gap and known:
            due, newest = event.number, previous
            met[due] = previous
        if (event.number, previous) != (due, newest):
            raise IntegrityError(f"audit entry {due}: the chain is broken")
        due, newest = due + 1, own
        met[due] = own
        yield event
    if (due, newest) != end:
        raise IntegrityError(f"audit entry {due}: lost")
    if through is not None and met.get(through[0]) != through[1]:
        raise IntegrityError(
            f"audit entry {through[0] - 1}: not the one that was noted, or it is gone"
        )
