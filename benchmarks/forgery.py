"""The hand of who can write the card: what it does to a copy of the store, each way once.

Whoever does this has the files as they are, as they were, and those of another store; and no key.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.attacked import THIEF, Scene, whole
from benchmarks.operation import CLINICIAN
from healthslm.share import envelope

Look = Callable[[Path], None]


class Hand:
    """Who can write the card: the database of a copy of the store, and all that was kept."""

    def __init__(self, scene: Scene, folder: Path, rng: Random) -> None:
        self.scene, self.folder, self.rng = scene, folder, rng

    def sql(self, query: str, *values: Any, of: Path | None = None) -> list[tuple[Any, ...]]:
        """Run a statement on the store, or on the file of another."""
        with closing(sqlite3.connect(of or self.folder / "vault.db")) as db, db:
            return db.execute(query, values).fetchall()

    def draw(self, kind: str) -> tuple[int, int]:
        """Return (id, key) of a row of a kind."""
        return self.rng.choice(self.scene.rows(kind))

    def pair(self, kind: str) -> tuple[int, int]:
        """Return two rows that lie under one key, the first of a kind."""
        query = "SELECT a.id, b.id FROM row a JOIN row b ON a.key_id = b.key_id AND a.id != b.id"
        mine = {row for row, _ in self.scene.rows(kind)}
        row, other = self.rng.choice([found for found in self.sql(query) if found[0] in mine])
        return row, other

    def blob(self, row: int, of: Path | None = None) -> bytes:
        """Return the sealed bytes of a row."""
        ((blob,),) = self.sql("SELECT blob FROM row WHERE id = ?", row, of=of)
        return bytes(blob)

    def put(self, row: int, blob: bytes) -> None:
        """Write a row's bytes."""
        self.sql("UPDATE row SET blob = ? WHERE id = ?", blob, row)

    def copy(self, table: str, where: str, of: Path) -> None:
        """Put back what another database has."""
        found = self.sql(f"SELECT * FROM {table} WHERE {where}", of=of)  # noqa: S608 - ours
        for values in found:
            marks = ", ".join("?" * len(values))
            self.sql(f"REPLACE INTO {table} VALUES ({marks})", *values)  # noqa: S608 - ours


Act = Callable[[Hand], object]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing to try, and the word with which it must be refused."""

    what: str
    how: str
    word: str  # regular expression
    act: Act
    look: Look = whole


def cut(kind: str, left: int) -> Act:
    """Leave so many bytes of a row."""

    def act(hand: Hand) -> None:
        row, _ = hand.draw(kind)
        hand.put(row, hand.blob(row)[:left])

    return act


def splice(kind: str) -> Act:
    """Give a row the second half of another under the same key."""

    def act(hand: Hand) -> None:
        row, other = hand.pair(kind)
        hand.put(row, hand.blob(row)[:496] + hand.blob(other)[496:])

    return act


def swap(kind: str) -> Act:
    """Exchange two rows under one key."""

    def act(hand: Hand) -> None:
        row, other = hand.pair(kind)
        blob = hand.blob(row)
        hand.put(row, hand.blob(other))
        hand.put(other, blob)

    return act


def lose(kind: str) -> Act:
    """Take a row away."""
    return lambda hand: hand.sql("DELETE FROM row WHERE id = ?", hand.draw(kind)[0])


def move(kind: str, source: str, *, key: bool) -> Act:
    """Put a row of one kind into the place of one of another key; `key`  with its key's id."""

    def act(hand: Hand) -> None:
        place, own = hand.draw(kind)
        row, other = hand.rng.choice([r for r in hand.scene.rows(source) if r[1] != own])
        hand.put(place, hand.blob(row))
        if key:
            hand.sql("UPDATE row SET key_id = ? WHERE id = ?", other, place)

    return act


def foreign(*, wraps: bool) -> Act:
    """Put another store's row into the place of one; wraps  with its key, wrapped to the owner."""

    def act(hand: Hand) -> None:
        of = hand.scene.other / "vault.db"
        theirs = hand.sql("SELECT key_id, blob FROM row WHERE id >= 2048", of=of)
        key, blob = hand.rng.choice(theirs)
        place, _ = hand.rng.choice([*hand.scene.rows("raw"), *hand.scene.rows("derived")])
        hand.put(place, blob)
        if wraps:
            hand.sql("UPDATE row SET key_id = ? WHERE id = ?", key, place)
            query = "SELECT blob FROM wrap WHERE key_id = ? AND reader = ?"
            ((own,),) = hand.sql(query, key, _owner(hand, of), of=of)
            hand.sql("INSERT INTO wrap VALUES (?, ?, ?)", key, _owner(hand), own)

    return act


def plant(row: int | None) -> Act:
    """Add a true row under another id; None: behind all."""

    def act(hand: Hand) -> None:
        true, key = hand.draw("derived")
        ((newest,),) = hand.sql("SELECT max(id) FROM row")
        place = row or newest + 1
        hand.sql("INSERT INTO row VALUES (?, ?, ?)", place, key, hand.blob(true))

    return act


def wrap(change: str, reader: int | None) -> Act:
    """Change a wrap of a reader, the device itself if 0; None is the owner."""

    def act(hand: Hand) -> None:
        who = _owner(hand) if reader is None else reader
        mine = hand.sql("SELECT key_id, blob FROM wrap WHERE reader = ?", who)
        (key, blob), (_, second) = hand.rng.sample(mine, 2)
        query = "SELECT blob FROM wrap WHERE reader != 0"
        ((strange,), *_) = hand.sql(query, of=hand.scene.other / "vault.db")
        to = {
            "cut": blob[:-1],
            "spliced": blob[:60] + second[60:],
            "moved": second,
            "foreign": strange,
        }.get(change)
        hand.sql("DELETE FROM wrap WHERE key_id = ? AND reader = ?", key, who)
        if to is not None:
            hand.sql("INSERT INTO wrap (key_id, reader, blob) VALUES (?, ?, ?)", key, who, to)

    return act


def _owner(hand: Hand, of: Path | None = None) -> int:
    ((name,),) = hand.sql("SELECT name FROM meta WHERE name GLOB 'identity/*'", of=of)
    return int(name.partition("/")[2])


def header(kind: str, change: str) -> Act:
    """Change a record of the header: of the owner, or of the newest sheet."""

    def act(hand: Hand) -> None:
        query = "SELECT name, value FROM meta WHERE name GLOB ?"
        found = dict(hand.sql(query, f"{kind}/*"))
        name = f"reader/{_owner(hand)}" if kind == "reader" else next(iter(found))
        ((_, strange), *_) = hand.sql(query, f"{kind}/*", of=hand.scene.other / "vault.db")
        to = {
            "cut": found[name][:-1],
            "moved": next((v for n, v in found.items() if n != name), b""),
            "foreign": strange,
        }.get(change)
        hand.sql("DELETE FROM meta WHERE name = ?", name)
        if to is not None:
            hand.sql("INSERT INTO meta (name, value) VALUES (?, ?)", name, to)

    return act


def put_back(table: str, where: str) -> Act:
    """Put back what stood in a table before."""
    return lambda hand: hand.copy(table, where, hand.scene.before / "vault.db")


def other_device(hand: Hand) -> None:
    """Name another device."""
    other = hand.scene.other / "vault.db"
    hand.copy("meta", "name = 'device'", other)


def revoked(hand: Hand) -> None:
    """Put back the wraps of a consent that was taken back."""
    hand.copy("wrap", f"reader = {THIEF.id}", hand.scene.before / "vault.db")


def erased(hand: Hand) -> None:
    """Put back the rows and wraps of a key that was destroyed."""
    gone = hand.sql(
        "SELECT DISTINCT key_id FROM row WHERE id >= 2048", of=hand.scene.before / "vault.db"
    )
    key = hand.rng.choice([k for (k,) in gone])
    for table in ("row", "wrap"):
        hand.copy(table, f"key_id = {key}", hand.scene.before / "vault.db")


def letter(hand: Hand) -> None:
    """Put back a letter as it lay under a key that was destroyed, with the key's wraps."""
    of = hand.scene.before / "vault.db"
    found = hand.sql("SELECT id, key_id FROM row WHERE id BETWEEN 64 AND 2047", of=of)
    row, key = hand.rng.choice(found)
    hand.copy("row", f"id = {row}", of)
    hand.copy("wrap", f"key_id = {key}", of)


def files(*names: str, of: str = "before") -> Act:
    """Put files of another folder in the place of the store's."""

    def act(hand: Hand) -> None:
        for name in names:
            shutil.copy(getattr(hand.scene, of) / name, hand.folder / name)

    return act


def sent(*names: str, change: Callable[[bytes], bytes] = lambda data: data) -> Act:
    """Give the clinician reports in an order; change  what becomes of the last."""

    def act(hand: Hand) -> None:
        reports = [hand.scene.reports[name] for name in names]
        for k, data in enumerate([*reports[:-1], change(reports[-1])]):
            (hand.folder / f"report-{k}").write_bytes(data)

    return act


def forged(hand: Hand) -> None:
    """Seal a report with a higher counter, which the device did not sign, to its reader."""
    data = hand.scene.reports["newest"]
    opened = envelope.unseal(data, CLINICIAN.id, CLINICIAN.open)
    at = 16 + 32 + 8  # of the counter, behind store, device and reader
    signed = opened.signed[:at] + bytes([0, 0, 0, 0, 0, 0, 0, 99]) + opened.signed[at + 8 :]
    sealed = envelope.seal(opened.signature + signed, CLINICIAN.public, CLINICIAN.id)
    (hand.folder / "report-0").write_bytes(sealed)


def copied(name: str, query: str = "", *, short: int = 0) -> Act:
    """Lay a backup into the folder, and run a statement on it; short  bytes cut off."""

    def act(hand: Hand) -> None:
        path = hand.folder / "copy.hsb"
        data = (hand.scene.root / name).read_bytes()
        path.write_bytes(data[: len(data) - short])
        if query:
            hand.sql(query, of=path)

    return act


def swapped_in_backup(hand: Hand) -> None:
    """Exchange two rows of a backup under one key."""
    copied("now.hsb")(hand)
    path = hand.folder / "copy.hsb"
    query = "SELECT a.id, b.blob FROM row a JOIN row b ON a.key_id = b.key_id AND a.id != b.id"
    row, blob = hand.rng.choice(hand.sql(f"{query} WHERE a.id >= 2048", of=path))
    hand.sql("UPDATE row SET blob = ? WHERE id = ?", blob, row, of=path)


def other_record(hand: Hand) -> None:
    """Give a backup the record of another moment."""
    copied("now.hsb")(hand)
    ((value,),) = hand.sql(
        "SELECT value FROM meta WHERE name = 'backup'", of=hand.scene.root / "before.hsb"
    )
    path = hand.folder / "copy.hsb"
    hand.sql("UPDATE meta SET value = ? WHERE name = 'backup'", value, of=path)
