"""What is told where a key is wrong, lost or altered, and what that does to the store: nothing.

Each scenario takes a copy of a store, breaks one thing, and opens it in one way. The error must
be of the right kind and say the right thing; nothing may be made, changed or gone in the
tables or the folder but what the scenario itself broke.

- `scenarios`: opened. `wrong`: told as something else than what it is, or not told.
- `minted`: scenarios after which a file, a header, a wrap or a row is there that was not; making
  a store in the same place, which must be refused, is tried in each.
- `deleted`: scenarios after which one is gone. `n`: stores, each with other data; one by default.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from healthslm import vault
from healthslm.bench import Goal, Result
from healthslm.errors import (
    ConfigError,
    DeviceKeyError,
    HealthslmError,
    IntegrityError,
    LockedError,
    PassphraseError,
    ReaderLockedError,
    SheetError,
)
from healthslm.records import Frame, Vital
from healthslm.vault import consent, identity, recovery, rekey
from healthslm.vault.keys import Class
from healthslm.vault.readers import Reader

WORDS = "an old boat on five slow rivers"
T0, DAY = 1_700_000_000.0, 86_400.0
CHEAPEST = vault.PROFILES["cheapest"]
TABLES = {"row": "id, key_id, blob", "wrap": "key_id, reader, blob", "meta": "name, value"}


@dataclass(frozen=True, slots=True)
class World:
    """A store, and the secrets that belong to it and that do not."""

    store: Path
    other: Path  # another store, of the same passphrase
    sheet: bytes
    clinician: Reader
    key_file: Path  # of the clinician


Act = Callable[[World, Path], object]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is broken in a copy of the store, how it is opened, and what must be told then."""

    broken: Act
    opened: Act
    error: type[HealthslmError]
    says: str  # found in the message, as a regular expression


def made(root: Path, rng: Random) -> World:
    """Make a store of three days with a sheet and a clinician's consent, and another beside it."""
    sheet, clinician = rng.randbytes(32), Reader(rng.randbytes(96))
    for name in ("store", "other"):
        vault.create(root / name, WORDS, now_s=T0, profile=CHEAPEST, sheet=sheet)
        for day in range(3):
            t_s = T0 + day * DAY
            raw = rng.randbytes(200)
            frame = Frame("chest", "ecg", 1, day, day * 100, t_s, 100.0, "mV", 0.005, 0.0, raw, 0)
            with vault.Store.open(root / name) as store:
                store.commit([frame], [Vital("spo2", "w/s", t_s, 97.0)], b"", now_s=t_s)
        with vault.Store.unlock(root / name, WORDS, now_s=T0) as store:
            consent.add(store, "A", clinician.public, now_s=T0 + 2 * DAY)
            consent.grant(store, "A", [Class.DERIVED], now_s=T0 + 2 * DAY)
        with closing(sqlite3.connect(root / name / "vault.db")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    key, _ = identity.write(root / "dr", clinician, WORDS, CHEAPEST)
    return World(root / "store", root / "other", sheet, clinician, key)


# --- how it is opened ---


def by_device(_: World, folder: Path) -> None:
    """Open as the daemon, and read what it may."""
    with vault.Store.open(folder) as store:
        list(store.derived())


def by_passphrase(_: World, folder: Path, words: str = WORDS) -> None:
    """Open as the owner, and read everything."""
    with closing(vault.Store.unlock(folder, words)) as store:
        store.verify()


def by_sheet(world: World, folder: Path, secret: bytes | None = None) -> None:
    """Rehearse the recovery sheet, which writes nothing."""
    rekey.rehearse(folder, world.sheet if secret is None else secret)


def by_words(change: Callable[[list[str]], list[str]]) -> Act:
    """Return what opens with the words of the sheet, changed."""

    def act(world: World, folder: Path) -> None:
        text = " ".join(change(recovery.words(world.sheet)))
        rekey.rehearse(folder, recovery.read(text))

    return act


def by_clinician(world: World, folder: Path, reader: Reader | None = None) -> None:
    """Open under a consent."""
    now_s = T0 + 2 * DAY
    with vault.Store.consult(folder, reader or world.clinician, now_s=now_s) as store:
        list(store.derived())


# --- what is broken ---


def intact(_: World, folder: Path) -> None:
    """Break nothing."""


def sql(query: str, *values: object) -> Act:
    """Return what changes the tables. `:owner`, `:sheet`, `:raw` and `:day` stand for ids."""

    def act(world: World, folder: Path) -> None:
        with vault.Store.unlock(world.store, WORDS) as store:
            known = store.rows.chapters(store.rows.head())
            owner = store.rows.unlocked
            named = {
                "owner": owner.reader.id if owner else 0,
                "sheet": recovery.reader(world.sheet).id,
                "raw": next(c.key for c in known if c.cls == Class.RAW),
                "day": max((c for c in known if c.cls == Class.DERIVED), key=lambda c: c.epoch).key,
            }
        with closing(sqlite3.connect(folder / "vault.db", isolation_level=None)) as db:
            db.execute(query, named)

    return act


def flipped(query: str) -> Act:
    """Return what flips one bit in the middle of each value that a query of the header finds."""

    def act(world: World, folder: Path) -> None:
        with closing(sqlite3.connect(folder / "vault.db", isolation_level=None)) as db:
            for table in ("meta", "meta_spare"):
                found = db.execute(f"SELECT name, value FROM {table} WHERE {query}").fetchall()  # noqa: S608
                for name, value in found:
                    half = len(value) // 2
                    new = value[:half] + bytes([value[half] ^ 1]) + value[half + 1 :]
                    db.execute(f"UPDATE {table} SET value = ? WHERE name = ?", (new, name))  # noqa: S608

    return act


def gone(query: str) -> Act:
    """Return what takes records out of the header and its copy."""

    def act(_: World, folder: Path) -> None:
        with closing(sqlite3.connect(folder / "vault.db", isolation_level=None)) as db:
            for table in ("meta", "meta_spare"):
                db.execute(f"DELETE FROM {table} WHERE {query}")  # noqa: S608

    return act


def elsewhere(act: Act) -> Act:
    """Return what also loses the device key, as a card on another machine: nothing is written."""

    def both(world: World, folder: Path) -> None:
        act(world, folder)
        no_device(world, folder)

    return both


def foreign_device(world: World, folder: Path) -> None:
    """Put another store's device key in."""
    shutil.copy(world.other / "device.key", folder / "device.key")


def foreign_identity(world: World, folder: Path) -> None:
    """Put another store's owner in the place of this one's."""
    with closing(sqlite3.connect(world.other / "vault.db")) as db:
        query = "SELECT value FROM meta WHERE name GLOB 'identity/*'"
        (theirs,) = db.execute(query).fetchone()
    with closing(sqlite3.connect(folder / "vault.db", isolation_level=None)) as db:
        for table in ("meta", "meta_spare"):
            db.execute(f"UPDATE {table} SET value = ? WHERE name GLOB 'identity/*'", (theirs,))  # noqa: S608


def no_device(_: World, folder: Path) -> None:
    """Lose the device key."""
    (folder / "device.key").unlink()


def open_device(_: World, folder: Path) -> None:
    """Let others read the device key."""
    (folder / "device.key").chmod(0o644)


def spoilt_device(_: World, folder: Path) -> None:
    """Write zeros over the device key."""
    (folder / "device.key").write_bytes(bytes(52))


def renewed_device(world: World, folder: Path) -> None:
    """Change the device key, and put the old one back."""
    with vault.Store.unlock(folder, WORDS) as store:
        rekey.change_device(store, folder, WORDS, now_s=T0 + 2 * DAY, profile=CHEAPEST)
    shutil.copy(world.store / "device.key", folder / "device.key")


def no_mark(_: World, folder: Path) -> None:
    """Lose the mark."""
    (folder / "vault.mark").unlink()


def no_store(_: World, folder: Path) -> None:
    """Lose the database, and leave the device key."""
    (folder / "vault.db").unlink()


def reader_file(change: Callable[[Path], object], words: str = WORDS) -> Act:
    """Return what reads a copy of the clinician's own key file, changed."""

    def act(world: World, folder: Path) -> None:
        with tempfile.TemporaryDirectory() as apart:
            copy = Path(shutil.copy(world.key_file, apart))
            change(copy)
            identity.read(copy, words)

    return act


WRAP = "DELETE FROM wrap WHERE reader = "

SCENARIOS: dict[str, Scenario] = {
    "wrong passphrase": Scenario(
        intact, partial(by_passphrase, words="x" * 20), PassphraseError, "^wrong passphrase$"
    ),
    "a word is none": Scenario(
        intact, by_words(lambda w: [*w[:3], "xyzzy", *w[4:]]), SheetError, "word 4 is none"
    ),
    "two words swapped": Scenario(
        intact, by_words(lambda w: [w[1], w[0], *w[2:]]), SheetError, "do not belong together"
    ),
    "a word is missing": Scenario(
        intact, by_words(lambda w: w[1:]), SheetError, "18 words, and 17"
    ),
    "another's sheet": Scenario(
        intact, partial(by_sheet, secret=bytes(32)), SheetError, "does not open this store"
    ),
    "a stranger's key": Scenario(
        intact, partial(by_clinician, reader=Reader(bytes(96))), LockedError, "no consent stands"
    ),
    "a clinician's wrong passphrase": Scenario(
        intact, reader_file(lambda _: 0, "x" * 20), ReaderLockedError, "wrong passphrase"
    ),
    "a clinician's key, open to others": Scenario(
        intact, reader_file(lambda p: p.chmod(0o644)), ReaderLockedError, "others may read it"
    ),
    "a clinician's key, damaged": Scenario(
        intact,
        reader_file(lambda p: p.write_bytes(p.read_bytes()[:-1] + b"\0")),
        IntegrityError,
        "bad checksum",
    ),
    "device key lost": Scenario(no_device, by_device, DeviceKeyError, "there is no device key"),
    "device key lost, a clinician asks": Scenario(
        no_device, by_clinician, IntegrityError, "the wrap of its key is lost"
    ),
    "device key of another store": Scenario(
        foreign_device, by_device, DeviceKeyError, "belongs to another store"
    ),
    "device key of another store, the owner asks": Scenario(
        foreign_device, by_passphrase, DeviceKeyError, "belongs to another store"
    ),
    "device key from before its change": Scenario(
        renewed_device, by_device, DeviceKeyError, "before its key was changed"
    ),
    "device key open to others": Scenario(
        open_device, by_device, DeviceKeyError, "others may read it"
    ),
    "device key overwritten": Scenario(
        spoilt_device, by_device, IntegrityError, "not a device key"
    ),
    "device's wraps lost": Scenario(
        sql(f"{WRAP} 0"), by_device, IntegrityError, "the wrap of its key is lost"
    ),
    "device's wrap of today lost": Scenario(
        sql(f"{WRAP} 0 AND key_id = :day"), by_device, IntegrityError, "wrap of its key is lost"
    ),
    "owner's wraps lost": Scenario(
        sql(f"{WRAP} :owner"), by_passphrase, IntegrityError, "wrap of key .* lost"
    ),
    "owner's wrap of one hour lost": Scenario(
        elsewhere(sql(f"{WRAP} :owner AND key_id = :raw")),
        by_passphrase,
        IntegrityError,
        "wrap of key .* lost",
    ),
    "sheet's wrap of one hour lost": Scenario(
        sql(f"{WRAP} :sheet AND key_id = :raw"), by_sheet, IntegrityError, "wrap of key .* lost"
    ),
    "an owner's wrap altered": Scenario(
        elsewhere(
            sql(
                "UPDATE wrap SET blob = CAST(substr(blob, 1, 99) || zeroblob(1) "
                "|| substr(blob, 101) AS BLOB) WHERE reader = :owner AND key_id = :raw"
            )
        ),
        by_passphrase,
        IntegrityError,
        "wrap of key .* bad signature",
    ),
    "identity altered": Scenario(
        flipped("name GLOB 'identity/*'"), by_passphrase, IntegrityError, "identity|altered"
    ),
    "identity lost": Scenario(
        gone("name GLOB 'identity/*'"), by_passphrase, IntegrityError, "identity.* lost"
    ),
    "identity of another store": Scenario(
        foreign_identity, by_passphrase, IntegrityError, "identity: bad signature"
    ),
    "device's public key altered": Scenario(
        flipped("name = 'device'"), by_device, IntegrityError, "altered"
    ),
    "store's id altered": Scenario(flipped("name = 'store'"), by_device, IntegrityError, "altered"),
    "the sheet's record lost": Scenario(
        gone("name GLOB 'recovery/*'"), by_sheet, IntegrityError, "recovery: lost"
    ),
    "the sheet's record altered": Scenario(
        flipped("name GLOB 'recovery/*'"), by_sheet, IntegrityError, "recovery"
    ),
    "mark lost": Scenario(no_mark, by_device, IntegrityError, "vault.mark: lost"),
    "no store": Scenario(no_store, by_device, ConfigError, "there is no store"),
}


def measure(seed: int, n: int) -> list[Result]:
    """Return the figures of every scenario on `n` stores; 0: one."""
    counts = dict.fromkeys(("scenarios", "wrong", "minted", "deleted"), 0.0)
    for number in range(n or 1):
        with tempfile.TemporaryDirectory() as root:
            world = made(Path(root), Random(seed * 1000 + number))  # noqa: S311 - to be made again
            for name in SCENARIOS:
                told, more, less = tried(world, SCENARIOS[name])
                counts["scenarios"] += 1
                counts["wrong"] += bool(told)
                counts["minted"] += more
                counts["deleted"] += less
    goals: dict[str, Goal] = {name: ("<=", 0.0) for name in ("wrong", "minted", "deleted")}
    return [Result("keys", "one store, one thing broken", f"seed {seed}", counts, goals)]


def tried(world: World, scenario: Scenario) -> tuple[str, bool, bool]:
    """Return what was told wrongly, "" for nothing; and whether something is new, or gone."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(shutil.copytree(world.store, Path(root) / "store"))
        scenario.broken(world, folder)
        before = contents(folder)
        told = _told(world, scenario, folder)
        try:
            vault.create(folder, WORDS, now_s=T0, profile=CHEAPEST)
            told = told or "a store was made over another"
        except ConfigError:
            pass
        after = contents(folder)
    return told, bool(after - before), bool(before - after)


def _told(world: World, scenario: Scenario, folder: Path) -> str:
    """Return what is wrong with what is told."""
    try:
        scenario.opened(world, folder)
    except HealthslmError as error:
        right = isinstance(error, scenario.error) and re.search(scenario.says, str(error))
        return "" if right else f"{type(error).__name__}: {error}"
    return "nothing was told"


def contents(folder: Path) -> set[tuple[object, ...]]:
    """Return every file but SQLite's own, and every record of the database."""
    files = {p for p in folder.iterdir() if not p.name.startswith("vault.db")}
    found: set[tuple[object, ...]] = {(p.name, p.read_bytes()) for p in files}
    if (folder / "vault.db").exists():
        with closing(sqlite3.connect(folder / "vault.db")) as db:
            for table, columns in TABLES.items():
                query = f"SELECT {columns} FROM {table}"  # noqa: S608 - ours
                found |= {(table, *row) for row in db.execute(query)}
    return found
