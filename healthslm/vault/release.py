"""What the store gives out for one report: never a key, only what it takes to write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from healthslm.errors import ConfigError
from healthslm.vault import audit
from healthslm.vault.keys import Class

if TYPE_CHECKING:
    from healthslm.vault.store import Store


@dataclass(frozen=True, slots=True)
class Release:
    """One report that may leave, already counted and on the audit trail."""

    store_id: bytes  # 16
    reader_id: int
    public: bytes  # the reader's, 1216
    counter: int  # 1, 2, 3 ... for this store
    audit: tuple[int, bytes]  # entries so far, this release among them; hash of the newest (32)
    device_public: bytes  # 32
    sign: Callable[[bytes], bytes] = field(repr=False, compare=False)  # Ed25519, by the device


def release(store: Store, reader: str, build: Callable[[Release], bytes], *, now_s: float) -> bytes:
    """Return what `build` makes of a release to a reader, once that it was made is on disk.

    Raises
    ------
    ConfigError
        Nobody has this name, or no consent to derived records stands for them.
    LockedError
        The device key is not here: reports are signed with it.
    IntegrityError
        The reader's key was altered; or nothing could be written, and nothing is given out.
    """
    rows = store.rows
    with rows.transaction(now_s) as draft:
        known = [r for r in draft.head.readers if r.role == "clinician" and r.name == reader]
        if not known or not known[0].may(Class.DERIVED, now_s):
            raise ConfigError(
                "reader: no consent to derived records stands for this name; "
                "`healthslm consent grant` gives one"
            )
        public = rows.keys.public_of(known[0].id)
        draft.head.reports += 1
        audit.record(draft, "report", store.who, now_s, reader)
        data = build(
            Release(
                rows.id,
                known[0].id,
                public,
                draft.head.reports,
                draft.head.audit,
                rows.device_public,
                rows.keys.device.sign,
            )
        )
    return data
