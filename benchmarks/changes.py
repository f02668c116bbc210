"""What is done to a store of some days that can be broken off, and how old and new are told apart.

Keys, consent, erasing, what is kept, backups, the migration. Everything that is left must be
whole: nothing is gone but what should go.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import day, store_1
from benchmarks.operation import (
    CHEAPEST,
    CLINICIAN,
    LIVED,
    NEW,
    NEW_SHEET,
    NEXT,
    OLD,
    SHEET,
    Act,
    Operation,
    amiss,
    goes_on,
    lived,
    owned,
    told,
)
from healthslm import vault
from healthslm.errors import ConfigError, LockedError
from healthslm.vault import backup, consent, erase, migration, readers, rekey
from healthslm.vault.keys import Class
from healthslm.vault.retention import Policy
from healthslm.vault.upkeep import Ballast, Upkeep

FIRST_DAY = erase.Scope(day.T0, day.T0 + 3600.0)
DAYS = Policy(raw_days=1)


def _as_owner(act: Callable[[vault.Store], object]) -> Act:
    def acted(root: Path) -> None:
        with owned(root) as owner:
            act(owner)

    return acted


def _opened_by(how: dict[str, Callable[[Path], vault.Store]], action: str) -> Callable[[Path], str]:
    """Return what finds which of two secrets opens a store: one does, and the trail agrees."""

    def found(root: Path) -> str:
        opened = []
        for name, unlock in how.items():
            try:
                with unlock(root) as store:
                    wrong = amiss(store)
                    if wrong or told(store, action) != (name == "new"):
                        return wrong or "a trail that tells something else"
            except LockedError:
                continue
            opened.append(name)
        goes_on(root)
        return " and ".join(opened) or "nothing opens it"

    return found


_WORDS = {"old": owned, "new": partial(owned, words=NEW)}


def _by_sheet(root: Path, sheet: bytes) -> vault.Store:
    return vault.Store.recover(root / "store", sheet, now_s=day.now_s(NEXT))


_SHEETS: dict[str, Callable[[Path], vault.Store]] = {
    "old": partial(_by_sheet, sheet=SHEET),
    "new": partial(_by_sheet, sheet=NEW_SHEET),
}


def _change_device(root: Path) -> None:
    with owned(root) as owner:
        rekey.change_device(owner, root / "store", OLD, now_s=day.now_s(NEXT), profile=CHEAPEST)


def _by_trail(action: str, again: Act | None = None) -> Callable[[Path], str]:
    """Return what finds by the audit trail whether something was done.

    again  what ends it where it was begun.
    """

    def found(root: Path) -> str:
        with owned(root) as owner:
            wrong, done, job = amiss(owner), told(owner, action), owner.rows.head().job
        if job:
            if again is None or done:
                return f"an unfinished job: {job}"
            again(root)
            with owned(root) as owner:
                wrong = wrong or amiss(owner) or owner.rows.head().job
        goes_on(root)
        return wrong or ("new" if done else "between" if job else "old")

    return found


_change_data_keys = _as_owner(lambda s: rekey.change_data_keys(s, now_s=day.now_s(NEXT)))


def _granted(root: Path) -> None:
    lived(root)
    _grant(root)


def _grant(root: Path) -> None:
    with owned(root) as owner:
        consent.grant(owner, "A", [Class.DERIVED], now_s=day.now_s(NEXT))


_revoke = _as_owner(lambda s: consent.revoke(s, "A", now_s=day.now_s(NEXT)))


def _consulted(granted: str, shut: str) -> Callable[[Path], str]:
    """Return what finds whether the clinician may read: all of the records, or nothing."""

    def found(root: Path) -> str:
        with owned(root) as owner:
            wrong = amiss(owner)
            wraps = [reader for _, reader in owner.rows.keys.wraps() if reader == CLINICIAN.id]
        try:
            with vault.Store.consult(root / "store", CLINICIAN, now_s=day.now_s(NEXT)) as store:
                if list(store.derived()) != [r for i in LIVED for r in day.derived(i)]:
                    return "a consent to a part"
            right = granted
        except LockedError:
            right = shut if not wraps else "wraps without a consent"
        goes_on(root)
        return wrong or right

    return found


_erase = _as_owner(lambda s: erase.erase(s, FIRST_DAY, now_s=day.now_s(NEXT)))


def _erased(root: Path) -> str:
    """Between: some of what should go is gone, nothing else is, and the job says so."""
    gone = [i for i in LIVED if day.now_s(i) >= FIRST_DAY.t1_s]
    with owned(root) as owner:
        raw = [frame.seq for frame in owner.frames()]
        of = sorted({round(r.value) for r in owner.derived() if hasattr(r, "value")})
        job, done = owner.rows.head().job, told(owner, "erased")
        wrong = amiss(owner, raw, of)
    if wrong or {tuple(raw), tuple(of)} - {LIVED, tuple(gone)}:
        return wrong or "other records are gone"
    left = tuple(raw) == LIVED or tuple(of) == LIVED
    begun = (tuple(raw), tuple(of)) != (LIVED, LIVED)
    if (done and (left or job)) or (begun and not done and not job):
        return "what is gone, and what is told of it, are not of one moment"
    if not done:
        _erase(root)
        with owned(root) as owner:
            wrong = amiss(owner, gone, gone) or owner.rows.head().job
    goes_on(root)
    return wrong or ("new" if done else "between" if job else "old")


def _back_up(root: Path) -> None:
    with vault.Store.open(root / "store") as device:
        backup.create(device, root / "copy.hsb", now_s=day.now_s(NEXT))


def _backed_up(root: Path) -> str:
    found = "new" if (root / "copy.hsb").exists() else "old"
    if found == "old":
        _back_up(root)
    backup.check(root / "copy.hsb", partial(readers.unlock, passphrase=OLD), now_s=day.now_s(NEXT))
    with owned(root) as owner:
        wrong = amiss(owner)
    goes_on(root)
    return wrong or found


def _kept_apart(root: Path) -> None:
    lived(root)
    _back_up(root)
    shutil.rmtree(root / "store")


def _restore(root: Path) -> None:
    now_s = day.now_s(NEXT)
    backup.restore(root / "copy.hsb", root / "store", OLD, now_s=now_s, profile=CHEAPEST)


def _restored(root: Path) -> str:
    """Old: no store, and the backup still makes one."""
    found = "new" if (root / "store" / "vault.db").exists() else "old"
    if found == "old":
        _restore(root)
    with owned(root) as owner:
        owner.verify()
        right = list(owner.derived()) == [r for i in LIVED for r in day.derived(i)]
        right = right and told(owner, "restored")
    goes_on(root)
    return found if right else "other contents"


def _migrate(root: Path) -> None:
    migration.migrate(root / "store", store_1.PASSPHRASE, now_s=day.LONG_AFTER)


def _migrated(root: Path) -> str:
    """Old: a store of format 1, which can be migrated."""
    try:
        vault.Store.open(root / "store").close()
        found = "new"
    except ConfigError:
        _migrate(root)
        found = "old"
    numbers = range(1, store_1.COMMITS + 1)
    with owned(root, store_1.PASSPHRASE, day.LONG_AFTER) as owner:
        owner.verify()
        right = (
            list(owner.frames()) == [f for i in numbers for f in store_1.frames(i)]
            and list(owner.derived()) == [r for i in numbers for r in store_1.derived(i)]
            and list(owner.letters()) == [a for i in numbers if (a := store_1.letter(i))]
            and owner.state() == store_1.state(store_1.COMMITS)
        )
    return found if right else "other contents"


def _keep_no_longer(root: Path) -> None:
    with vault.Store.open(root / "store") as device:
        device.upkeep = Upkeep(DAYS, Ballast(root / "store" / "ballast", 4096))
        device.upkeep.ballast.lay()
        day.commit(device, NEXT)


def _kept(root: Path) -> str:
    """Old: all days' waveforms. New: the newest day's alone; the records of all."""
    with owned(root) as owner:
        new = told(owner, "kept no longer")
        wrong = amiss(owner, [NEXT], (*LIVED, NEXT)) if new else amiss(owner)
    if not new:
        _keep_no_longer(root)
    return wrong or ("new" if new else "old")


CHANGES = {
    "passphrase": Operation(
        lived,
        _as_owner(
            lambda s: rekey.change_passphrase(s, NEW, now_s=day.now_s(NEXT), profile=CHEAPEST)
        ),
        _opened_by(_WORDS, "passphrase changed"),
    ),
    "owner_key": Operation(
        lived,
        _as_owner(lambda s: rekey.change_owner(s, NEW, now_s=day.now_s(NEXT), profile=CHEAPEST)),
        _opened_by(_WORDS, "owner key changed"),
    ),
    "sheet": Operation(
        lived,
        _as_owner(lambda s: rekey.change_sheet(s, NEW_SHEET, now_s=day.now_s(NEXT))),
        _opened_by(_SHEETS, "recovery sheet made"),
    ),
    "device_key": Operation(lived, _change_device, _by_trail("device key changed")),
    "data_keys": Operation(
        lived, _change_data_keys, _by_trail("data keys changed", _change_data_keys)
    ),
    "grant": Operation(lived, _grant, _consulted("new", "old")),
    "revoke": Operation(_granted, _revoke, _consulted("old", "new")),
    "erase": Operation(lived, _erase, _erased),
    "backup": Operation(lived, _back_up, _backed_up),
    "restore": Operation(_kept_apart, _restore, _restored),
    "migrate": Operation(lambda root: store_1.frozen(root / "store"), _migrate, _migrated),
    "retention": Operation(lived, _keep_no_longer, _kept),
}
