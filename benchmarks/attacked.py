"""What an attacker of a store has: it, as it was before, another one, reports, backups.

Between `before` and now the passphrase, the sheet and all data keys were changed, a consent was
taken back, a day was erased: so an attacker who kept a copy has something of everything.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import day, operation
from benchmarks.changes import FIRST_DAY
from benchmarks.operation import CHEAPEST, CLINICIAN, NEW, NEW_SHEET, NEXT
from healthslm import vault, witness
from healthslm.share import digest, envelope
from healthslm.vault import backup, consent, erase, identity, readers, rekey
from healthslm.vault.keys import Class, Device
from healthslm.vault.readers import Reader
from healthslm.vault.release import Release, release

THIEF = Reader(bytes(range(1, 97)))
NOW_S = day.now_s(NEXT)
MORE = range(578, 583)  # commits of the third day, behind those of `operation.lived`
TOMORROW = NEXT + 288  # a commit that needs new keys of every class
PERIOD = digest.Period(int(day.T0 // 60), int(day.T0 // 60) + 1440)


@dataclass(frozen=True, slots=True)
class Scene:
    """Folders, files and reports below `root`."""

    root: Path
    reports: dict[str, bytes]

    @property
    def now(self) -> Path:
        """The store."""
        return self.root / "now" / "store"

    @property
    def before(self) -> Path:
        """The same, before much was done to it."""
        return self.root / "before"

    @property
    def other(self) -> Path:
        """Another store."""
        return self.root / "other" / "store"

    @property
    def device(self) -> Device:
        """The store's device key."""
        return Device.read(self.now / "device.key")

    def rows(self, kind: str) -> list[tuple[int, int]]:
        """Return (row id, key id) of all rows of a kind: a class, catalogue, letter or state."""
        with vault.Store.unlock(self._aside(), NEW, now_s=NOW_S) as owner:
            head = owner.rows.head()
            known = {c.key: Class(c.cls).name.lower() for c in owner.rows.chapters(head)}
        first = head.catalogue.row if head.catalogue else 0
        with closing(sqlite3.connect(self.now / "vault.db")) as db:
            found = db.execute("SELECT id, key_id FROM row ORDER BY id").fetchall()

        def kind_of(row: int, key: int) -> str:
            if row < 64:
                return "state"
            if row < 2048:
                return "letter"
            return "catalogue" if row == first else known.get(key, "catalogue")

        return [(row, key) for row, key in found if kind_of(row, key) == kind]

    def _aside(self) -> Path:
        """Return a copy without the device key: to look into it tells nothing in the trail."""
        aside = self.root / "aside"
        if not aside.exists():
            shutil.copytree(self.now, aside, ignore=lambda *_: ["device.key"])
        return aside


def scene(root: Path) -> Scene:
    """Make one."""
    for name in ("now", "other"):
        (root / name).mkdir()
        operation.lived(root / name)
        with vault.Store.open(root / name / "store") as device:
            for i in MORE:
                day.commit(device, i)
    now, reports = root / "now", dict[str, bytes]()
    with operation.owned(now) as owner:
        consent.add(owner, "B", THIEF.public, now_s=NOW_S)
        for name in "AB":
            consent.grant(owner, name, [Class.DERIVED], now_s=NOW_S)
        reports["first"] = written(owner)
        for letter in (b"one", b"two"):
            owner.set_aside("bad json", letter)
        owner.commit([], [], day.state(MORE[-1]), now_s=NOW_S)
        backup.create(owner, root / "before.hsb", now_s=NOW_S)
    shutil.copytree(now / "store", root / "before")
    with operation.owned(now) as owner:
        _moved_on(owner)
        reports["newest"] = written(owner)
        backup.create(owner, root / "now.hsb", now_s=NOW_S)
    with operation.owned(root / "other") as owner:
        backup.create(owner, root / "other.hsb", now_s=NOW_S)
    shutil.copytree(root / "before", root / "rewound" / "store")
    with operation.owned(root / "rewound") as owner:
        reports["rewound"], reports["rewound further"] = written(owner), written(owner)
    return Scene(root, reports)


def _moved_on(owner: vault.Store) -> None:
    rekey.change_passphrase(owner, NEW, now_s=NOW_S, profile=CHEAPEST)
    rekey.change_sheet(owner, NEW_SHEET, now_s=NOW_S)
    consent.revoke(owner, "B", now_s=NOW_S)
    erase.erase(owner, FIRST_DAY, now_s=NOW_S)
    rekey.change_data_keys(owner, now_s=NOW_S)


def written(owner: vault.Store) -> bytes:
    """Return a report to the clinician."""
    records = list(owner.derived())

    def build(given: Release) -> bytes:
        return envelope.write(records, PERIOD, given, NOW_S)

    return release(owner, "A", build, now_s=NOW_S)


def whole(folder: Path) -> None:
    """Read a store to the end as its owner, as its device, by the sheet; and let it go on."""
    with vault.Store.unlock(folder, NEW, now_s=NOW_S) as owner:
        owner.verify()
    with vault.Store.recover(folder, NEW_SHEET, now_s=NOW_S) as sheet:
        sheet.verify()
    with vault.Store.open(folder) as device:
        device.verify()
        day.commit(device, TOMORROW)


def by_device(folder: Path) -> None:
    """Read a store as its device."""
    with vault.Store.open(folder) as device:
        device.verify()


def consulted(reader: Reader) -> Callable[[Path], None]:
    """Return what reads a store as a clinician."""

    def look(folder: Path) -> None:
        with vault.Store.consult(folder, reader, now_s=NOW_S) as store:
            if not list(store.derived()):
                raise RuntimeError("a clinician who may read finds nothing")

    return look


def old_passphrase(folder: Path) -> None:
    """Open a store with the passphrase that was changed."""
    vault.Store.unlock(folder, operation.OLD, now_s=NOW_S).close()


def old_sheet(folder: Path) -> None:
    """Open a store with the sheet that was replaced."""
    vault.Store.recover(folder, operation.SHEET, now_s=NOW_S).close()


def backed_up(folder: Path) -> None:
    """Check the backup in a folder."""
    how = partial(readers.unlock, passphrase=NEW)
    backup.check(folder / "copy.hsb", how, now_s=NOW_S)


def read_all(reader: Reader = CLINICIAN, trusted: bytes = b"") -> Callable[[Path], None]:
    """Return what opens the reports in a folder in order, as a reader who remembers.

    trusted  the device key whose fingerprint the owner has told; empty is the true one.
    """

    def look(folder: Path) -> None:
        seen = None
        for path in sorted(folder.glob("report-*")):
            opened = envelope.unseal(path.read_bytes(), reader.id, reader.open)
            told = identity.fingerprint(trusted or opened.device_public)
            seen = witness.judge(opened, seen, lambda _, told=told: told).seen

    return look
