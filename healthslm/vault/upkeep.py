"""Keeping a store from growing for ever, and from standing still on a full disk."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from healthslm.vault import audit, consent, retention
from healthslm.vault.keys import Class

if TYPE_CHECKING:
    from healthslm.vault.index import Draft
    from healthslm.vault.store import Store

RESERVE_PART = 10  # of its disk the store leaves a tenth at most, however much is to be left
BALLAST = "ballast"
BALLAST_BYTES = 8 << 20  # deleting an hour writes 2 MB to the write-ahead log


@dataclass(frozen=True, slots=True)
class Ballast:
    """A file that takes room while there is some, so that there is some when there is none."""

    path: Path
    size_bytes: int = BALLAST_BYTES

    def lay(self) -> None:
        """Take the room, as far as there is any; zeros, so nothing is told by them."""
        with suppress(OSError):
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(handle, 0, self.size_bytes)
            except OSError:
                self.path.unlink()
            finally:
                os.close(handle)

    def drop(self) -> None:
        """Give the room back."""
        self.path.unlink(missing_ok=True)

    def held_bytes(self) -> int:
        """Return how much room it holds."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What the daemon keeps, and what lets it go on when the disk is full."""

    policy: retention.Policy
    ballast: Ballast


def begin(store: Store, folder: Path, policy: retention.Policy) -> None:
    """From here on let each new hour take away what is kept no longer."""
    store.upkeep = Upkeep(policy, Ballast(folder / BALLAST))
    store.upkeep.ballast.lay()


def keep_no_longer(store: Store, draft: Draft, now_s: float) -> None:
    """Destroy, in a commit in the making, what is kept no longer; end consents that are over.

    The state gets a new key, so that what a disk has kept of earlier states opens with nothing
    that is here.
    """
    consent.expire(store, draft, now_s)
    store.rows.renew_state_key(draft, now_s)
    if store.upkeep is None:
        return
    free = store.rows.free_bytes() + store.upkeep.ballast.held_bytes()
    policy = store.upkeep.policy
    most = min(policy.reserve_bytes, store.rows.disk_bytes() // RESERVE_PART)
    policy = replace(policy, reserve_bytes=most)
    old = retention.due(draft.chapters(), policy, rows=draft.head.rows, free_bytes=free)
    for chapter in old:
        store.rows.forget(draft, chapter)
    if old:
        what = f"{len(old)} keys destroyed"
        if any(chapter.cls == Class.AUDIT for chapter in old):
            what += audit.OLDEST
        audit.record(draft, "kept no longer", store.who, now_s, what)


def make_room(store: Store, *, now_s: float) -> bool:
    """Destroy the oldest waveforms, as when the disk is full; return whether there were any.

    The newest day stays. The ballast gives the room that deleting takes.

    Raises
    ------
    IntegrityError
        Not even that could be written.
    """
    if store.upkeep is not None:
        store.upkeep.ballast.drop()
    store.rows.settle()
    with store.rows.transaction(now_s) as draft:
        known = draft.chapters()
        stay = {c.key for c in retention.newest_day(known)}
        raw = [c for c in known if c.cls == Class.RAW and c.key not in stay]
        for chapter in sorted(raw, key=attrgetter("epoch"))[:1]:
            store.rows.forget(draft, chapter)
            audit.record(draft, "kept no longer", store.who, now_s, "1 key destroyed for room")
    store.rows.settle()
    if store.upkeep is not None:
        store.upkeep.ballast.lay()
    return bool(raw)
