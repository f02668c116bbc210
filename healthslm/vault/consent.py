"""Who else may read: clinicians whose public key is known, and what they were granted.

Consent is the set of data keys that are wrapped to someone. Taking it back destroys the
wraps; it cannot take back what was read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from healthslm.errors import ConfigError
from healthslm.vault import audit
from healthslm.vault.database import write_meta
from healthslm.vault.index import Draft
from healthslm.vault.keys import Class
from healthslm.vault.readers import PUBLIC_BYTES, Grantee, reader_id, reader_record

if TYPE_CHECKING:
    from healthslm.vault.store import Store

GRANTABLE = (Class.DERIVED, Class.RAW, Class.AUDIT)


def readers(store: Store) -> tuple[Grantee, ...]:
    """Return everyone to whom data keys may be wrapped."""
    return tuple(store.rows.head().readers)


def add(store: Store, name: str, public: bytes, *, now_s: float) -> Grantee:
    """Make a clinician's public key known; it opens nothing yet.

    Raises
    ------
    ConfigError
        The name or the key is known already, or is none.
    """
    if (
        not name
        or len(name) > 64
        or not name.isprintable()
        or name in ("owner", "recovery", "device")
    ):
        raise ConfigError(
            "reader: a name of 1 to 64 printable characters, not owner, recovery or device"
        )
    if len(public) != PUBLIC_BYTES:
        raise ConfigError("reader: this is no public key of a reader")
    rows = store.rows
    with rows.transaction(now_s) as draft:
        new = Grantee(reader_id(public), "clinician", 0, name)
        if any(new.id == r.id or name == r.name for r in draft.head.readers):
            raise ConfigError("reader: this name or this key is known already; remove it first")
        write_meta(rows.db, f"reader/{new.id}", reader_record(rows.keys.device, public))
        draft.head.readers.append(new)
        audit.record(draft, "reader added", store.who, now_s, name)
    return new


def grant(
    store: Store,
    name: str,
    classes: Iterable[Class],
    *,
    now_s: float,
    since_s: int = 0,
    until_s: int | None = None,
) -> Grantee:
    """Let a clinician read some classes, and nothing else from here on.

    since_s  nothing recorded in an earlier day (of RAW: hour) is opened to them.
    until_s  from then on no new key is wrapped to them, and the wraps they have are destroyed.

    Raises
    ------
    ConfigError
        Nobody has this name; or nothing, or what cannot be granted, is to be.
    LockedError, IntegrityError
        The keys that should be wrapped cannot be opened.
    """
    wanted = set(classes)
    if not wanted or not wanted <= set(GRANTABLE):
        raise ConfigError("consent: name some of derived, raw and audit")
    if until_s is not None and until_s <= now_s:
        raise ConfigError("consent: it would be over already")
    rows, mask = store.rows, sum(1 << cls for cls in wanted)
    with rows.transaction(now_s) as draft:
        old = _named(draft, name)
        new = msgspec.structs.replace(old, classes=mask, since_s=since_s, until_s=until_s)
        draft.head.readers[draft.head.readers.index(old)] = new
        rows.keys.unwrap_from(new.id)  # what it had before and shall not have now
        for chapter in draft.chapters():
            if new.may(Class(chapter.cls), now_s, chapter.epoch):
                rows.keys.wrap_to(rows.keys.get(chapter.key), [new])
        what = f"{name}: {', '.join(sorted(cls.name.lower() for cls in wanted))}"
        audit.record(draft, "consent granted", store.who, now_s, what)
    return new


def revoke(store: Store, name: str, *, now_s: float) -> None:
    """Let a clinician read nothing any more; their key stays known.

    Raises
    ------
    ConfigError
        Nobody has this name.
    """
    with store.rows.transaction(now_s) as draft:
        _shut(store, draft, _named(draft, name))
        audit.record(draft, "consent revoked", store.who, now_s, name)


def remove(store: Store, name: str, *, now_s: float) -> None:
    """Forget a clinician's key, and all that was wrapped to it.

    Raises
    ------
    ConfigError
        Nobody has this name.
    """
    rows = store.rows
    with rows.transaction(now_s) as draft:
        old = _named(draft, name)
        draft.head.readers.remove(_shut(store, draft, old))
        write_meta(rows.db, f"reader/{old.id}", None)
        audit.record(draft, "reader removed", store.who, now_s, name)


def expire(store: Store, draft: Draft, now_s: float) -> None:
    """Take back, in a commit in the making, each consent whose time is over."""
    for reader in list(draft.head.readers):
        if reader.classes and reader.until_s is not None and reader.until_s <= now_s:
            _shut(store, draft, reader)
            audit.record(
                draft, "consent revoked", store.who, now_s, f"{reader.name}: its time is over"
            )


def _shut(store: Store, draft: Draft, reader: Grantee) -> Grantee:
    shut = msgspec.structs.replace(reader, classes=0, since_s=0, until_s=None)
    draft.head.readers[draft.head.readers.index(reader)] = shut
    store.rows.keys.unwrap_from(reader.id)
    return shut


def _named(draft: Draft, name: str) -> Grantee:
    for reader in draft.head.readers:
        if reader.role == "clinician" and reader.name == name:
            return reader
    raise ConfigError("reader: nobody has this name here; `key status` lists who is known")
