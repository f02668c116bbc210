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
from healthslm.vault.codec import deflate, inflate
from healthslm.vault.index import AUDIT, Draft, body_of
from healthslm.vault.keys import Class

Action = Literal["create", "unlock", "read raw", "summary", "loss accepted"]


class Event(NamedTuple):
    """One thing that was done."""

    number: int
    t_s: float
    action: str
    who: str


def record(draft: Draft, action: Action, who: str, now_s: float) -> None:
    """Add an event to the commit in the making."""
    number, previous = draft.head.audit
    body = msgspec.msgpack.encode((number, now_s, action, who, previous))
    draft.head.audit = (number + 1, hashlib.sha256(body).digest())
    draft.add(Class.AUDIT, AUDIT + deflate(body), now_s, now_s)


def chain(contents: Iterable[bytes], end: tuple[int, bytes]) -> Iterator[Event]:
    """Yield the events of a whole trail, oldest first.

    end  how many there are, and the hash of the newest, from the sealed head.

    Raises
    ------
    IntegrityError
        An event is missing or was changed.
    """
    due, newest = 0, bytes(32)
    for content in contents:
        body = inflate(body_of(content, AUDIT, f"audit entry {due}"))
        number, t_s, action, who, previous = msgspec.msgpack.decode(
            body, type=tuple[int, float, str, str, bytes]
        )
        if (number, previous) != (due, newest):
            raise IntegrityError(f"audit entry {due}: the chain is broken")
        due, newest = due + 1, hashlib.sha256(body).digest()
        yield Event(number, t_s, action, who)
    if (due, newest) != end:
        raise IntegrityError(f"audit entry {due}: lost")
