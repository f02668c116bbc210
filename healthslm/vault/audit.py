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


def chain(
    contents: Iterable[bytes],
    end: tuple[int, bytes],
    through: tuple[int, bytes] | None = None,
) -> Iterator[Event]:
    """Yield the events of a whole trail, oldest first.

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
    due, newest = 0, bytes(32)
    for content in contents:
        body = inflate(body_of(content, AUDIT, f"audit entry {due}"))
        try:
            event = msgspec.msgpack.decode(body, type=_Body)
        except msgspec.MsgspecError:
            raise IntegrityError(f"audit entry {due}: of another form") from None
        if (event.number, event.previous) != (due, newest):
            raise IntegrityError(f"audit entry {due}: the chain is broken")
        due, newest = due + 1, hashlib.sha256(body).digest()
        if through is not None and through[0] == due and through[1] != newest:
            raise IntegrityError(f"audit entry {due - 1}: not the one that was noted")
        yield Event(event.number, event.t_s, event.action, event.who, event.what)
    if (due, newest) != end:
        raise IntegrityError(f"audit entry {due}: lost")
