"""A store of some days that something is done to, and what of it must be there afterwards."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from benchmarks import day
from healthslm import vault
from healthslm.vault import consent
from healthslm.vault.readers import Reader

Act = Callable[[Path], object]  # on a folder that has all the operation touches, also outside

LIVED = (1, 4, 289, 577)  # commits, on three days; the last has gone through two midnights
NEXT = 865  # on the fourth
OLD, NEW = day.PASSPHRASE, "four geese under the bridge"
SHEET, NEW_SHEET = bytes(range(32)), bytes(range(32, 64))
CLINICIAN = Reader(bytes(range(96)))
CHEAPEST = vault.PROFILES["cheapest"]


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that is done to a store and can be broken off.

    prepare  makes what must be there; act  is recorded; found  returns "old" or "new", "between"
    where that is allowed, and anything else, or an error of ours, is neither. All are given the
    same empty folder; the store is its `store`.
    """

    prepare: Act
    act: Act
    found: Callable[[Path], str]


def lived(root: Path) -> None:
    """Make a store of three days, with a sheet and a clinician who may read nothing yet."""
    folder = root / "store"
    vault.create(folder, OLD, now_s=day.T0, profile=CHEAPEST, sheet=SHEET)
    with vault.Store.open(folder) as device:
        for i in LIVED:
            day.commit(device, i)
    with owned(root) as owner:
        consent.add(owner, "A", CLINICIAN.public, now_s=day.now_s(LIVED[-1]))


def owned(root: Path, words: str = OLD, now_s: float = day.now_s(NEXT)) -> vault.Store:
    """Return the store, unlocked."""
    return vault.Store.unlock(root / "store", words, now_s=now_s)


def amiss(store: vault.Store, raw: Collection[int] = LIVED, of: Collection[int] = LIVED) -> str:
    """Return what of a store is not as it should be.

    raw  commits whose frames and letters are there; of  those whose records are.
    """
    store.verify()
    truth = {
        "frames": list(store.frames()) == [day.frame(i) for i in raw],
        "letters": list(store.letters()) == [a for i in raw if (a := day.letter(i))],
        "records": list(store.derived()) == [r for i in of for r in day.derived(i)],
        "state": store.state() == day.state(max(of)),
    }
    return ", ".join(name for name, true in truth.items() if not true)


def told(store: vault.Store, action: str) -> bool:
    """Say whether the audit trail tells of something."""
    return any(event.action == action for event in store.events())


def goes_on(root: Path) -> None:
    """Commit one more as the device, and read as it."""
    with vault.Store.open(root / "store") as device:
        device.verify()
        day.commit(device, NEXT)
        device.verify()
