"""A store of format 1 becomes one of today's: with all it held, or not at all."""

import shutil
import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from benchmarks import store_1
from benchmarks.store_1 import COMMITS, PASSPHRASE, TRAIL, now_s
from healthslm import vault
from healthslm.errors import ConfigError, IntegrityError, LockedError
from healthslm.vault import migration, readers, repair
from healthslm.vault.check import check
from healthslm.vault.database import FORMAT
from healthslm.vault.keys import Device
from healthslm.vault.readers import reader_record

LATER = now_s(COMMITS + 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a store of format 1."""
    return store_1.frozen(tmp_path / "store")


def migrate(folder: Path) -> int:
    return migration.migrate(folder, PASSPHRASE, now_s=LATER)


def altered(folder: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "vault.db")) as db, db:
        db.execute(sql, values)


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.endswith("-shm")}


def everything() -> list[object]:
    """Return all that was put in."""
    return [
        [f for i in range(1, COMMITS + 1) for f in store_1.frames(i)],
        [r for i in range(1, COMMITS + 1) for r in store_1.derived(i)],
        [a for i in range(1, COMMITS + 1) if (a := store_1.letter(i))],
        store_1.state(COMMITS),
    ]


def found(folder: Path) -> list[object]:
    """Return all that the owner reads."""
    with vault.Store.unlock(folder, PASSPHRASE, now_s=LATER) as owner:
        owner.verify()
        return [list(owner.frames()), list(owner.derived()), list(owner.letters()), owner.state()]


def test_all_that_was_there_is_there_and_nothing_is_amiss(folder: Path) -> None:
    assert migrate(folder) == sum(
        (len(store_1.frames(i)) > 0) + 1 for i in range(1, COMMITS + 1)
    ) + len(TRAIL)
    assert found(folder) == everything()
    assert check(folder, None).whole
    with vault.Store.unlock(folder, PASSPHRASE, now_s=LATER) as owner:
        told = [(event.action, event.what) for event in owner.events()]
        assert owner.counts()["frames"] == len(everything()[0])  # type: ignore[arg-type]
    assert [action for action, _ in told[: len(TRAIL)]] == TRAIL
    assert told[len(TRAIL)] == ("migrated", "from format 1")


def test_contents_stay_byte_by_byte_and_nothing_else_stays(folder: Path) -> None:
    """No row is sealed anew but the state, and no node of the old index is left."""
    query = "SELECT id, key_id, blob FROM row WHERE id >= 64"
    with closing(sqlite3.connect(folder / "vault.db")) as db:
        before = set(db.execute(query))
    migrate(folder)
    with closing(sqlite3.connect(folder / "vault.db")) as db:
        after = set(db.execute(query))
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    assert len(before - after) == 1, "its one node"
    assert all(row[0] > max(before)[0] for row in after - before)
    assert not {name for name in tables if name.startswith("old")}


def test_the_device_goes_on_where_it_was(folder: Path) -> None:
    migrate(folder)
    with vault.Store.open(folder) as device:
        assert device.state() == store_1.state(COMMITS)
        before = list(device.derived())
        device.commit([], store_1.derived(COMMITS + 1), b"next", now_s=now_s(COMMITS + 1))
    with vault.Store.open(folder) as device:
        device.verify()
        assert list(device.derived()) == before + store_1.derived(COMMITS + 1)
        assert device.state() == b"next"


def test_the_day_goes_on_in_its_chapter(folder: Path) -> None:
    """The key of the day that the migration fell into is the key of its later records."""
    migrate(folder)
    with vault.Store.open(folder) as device:
        head = device.rows.head()
        known = {c.key for c in device.rows.chapters(head)}
        device.commit([], store_1.derived(COMMITS + 1), b"next", now_s=now_s(COMMITS + 1))
        assert {c.key for c in device.rows.chapters(device.rows.head())} == known


@pytest.mark.parametrize("act", [vault.Store.open, lambda f: vault.Store.unlock(f, PASSPHRASE)])
def test_a_store_of_format_1_is_told_as_one_and_stays_as_it_is(folder: Path, act: object) -> None:
    before = files(folder)
    with pytest.raises(ConfigError, match=r"format 1.*nothing was changed.*store migrate"):
        act(folder)  # type: ignore[operator]
    assert files(folder) == before


def test_a_wrong_passphrase_changes_nothing(folder: Path) -> None:
    before = files(folder)
    with pytest.raises(LockedError, match="wrong passphrase"):
        migration.migrate(folder, "wrong", now_s=LATER)
    assert files(folder) == before


def test_without_its_own_device_key_nothing_is_changed(folder: Path) -> None:
    (folder / "device.key").unlink()
    with pytest.raises(LockedError, match="no device key"):
        migrate(folder)
    Device(bytes(16), bytes(32)).write(folder / "device.key")
    before = files(folder)
    with pytest.raises(LockedError, match="another store"):
        migrate(folder)
    assert files(folder) == before


def test_what_is_of_todays_format_is_left_alone(folder: Path) -> None:
    migrate(folder)
    before = files(folder)
    with pytest.raises(ConfigError, match="already"):
        migrate(folder)
    assert files(folder) == before


def test_a_damaged_row_is_told_as_before_and_costs_its_content_alone(folder: Path) -> None:
    """Row 2060 opens no more; everything else comes over, and the check names it."""
    altered(folder, "UPDATE row SET blob = zeroblob(992) WHERE id = 2060")
    migrate(folder)
    with vault.Store.unlock(folder, PASSPHRASE, now_s=LATER) as owner:
        with pytest.raises(IntegrityError, match="row 2060: bad marker"):
            owner.verify()
        assert list(owner.letters()) == everything()[2]
    said = check(folder, None).damage
    assert [damage.what for damage in said] == ["row 2060"]


def test_a_lost_row_is_told_and_costs_its_content_alone(folder: Path) -> None:
    altered(folder, "DELETE FROM row WHERE id = 2060")
    migrate(folder)
    with (
        vault.Store.unlock(folder, PASSPHRASE, now_s=LATER) as owner,
        pytest.raises(IntegrityError, match="1 rows are lost"),
    ):
        owner.verify()


def test_an_index_that_is_damaged_is_refused_and_nothing_is_changed(folder: Path) -> None:
    """Row by row: only a node is the index; of all else the rest comes over."""
    with closing(sqlite3.connect(folder / "vault.db")) as db:
        rows = [row_id for (row_id,) in db.execute("SELECT id FROM row WHERE id >= 2048")]
    refused = []
    for row_id in rows:
        other = folder.parent / str(row_id)
        shutil.copytree(folder, other)
        altered(other, "UPDATE row SET blob = zeroblob(992) WHERE id = ?", row_id)
        before = files(other)
        try:
            migrate(other)
        except IntegrityError as error:
            refused.append(str(error))
            assert files(other) == before
        else:
            with vault.Store.unlock(other, PASSPHRASE, now_s=LATER) as owner:
                assert list(owner.letters()) == everything()[2]
                with pytest.raises(IntegrityError, match=f"row {row_id}: bad marker"):
                    owner.verify()
        shutil.rmtree(other)
    assert len(refused) == 1
    assert "what it leads to cannot be found" in refused[0]


def test_where_the_index_is_damaged_a_repair_brings_the_contents_over(folder: Path) -> None:
    """All but the state of the pipeline, which only a migration knows to read."""
    altered(folder, "UPDATE row SET blob = zeroblob(992) WHERE id = 2076")
    with pytest.raises(IntegrityError, match="healthslm store repair"):
        migrate(folder)
    repair.prepare(folder, partial(readers.unlock, passphrase=PASSPHRASE), now_s=LATER)
    repair.replace(folder)
    with vault.Store.unlock(folder, PASSPHRASE, now_s=LATER) as owner:
        owner.verify()
        assert [list(owner.frames()), list(owner.derived())] == everything()[:2]
        assert owner.state() is None


def test_an_older_store_beside_its_mark_is_refused(folder: Path, tmp_path: Path) -> None:
    """The mark of format 1 is asked before it is replaced."""
    altered(folder, "DELETE FROM row WHERE id = (SELECT max(id) FROM row)")
    before = files(folder)
    with pytest.raises(IntegrityError, match="rolled back"):
        migrate(folder)
    assert files(folder) == before
    (folder / "vault.mark").write_bytes(bytes(8192))
    with pytest.raises(IntegrityError, match=r"vault\.mark: lost"):
        migrate(folder)


def test_a_planted_reader_is_not_signed(folder: Path) -> None:
    """A record that the device did not sign is not made one that it did."""
    new = vault.readers.Reader.new()
    forged = b"HSP1" + bytes(64) + bytes([30]) + new.public
    altered(folder, "INSERT INTO meta (name, value) VALUES (?, ?)", f"reader/{new.id}", forged)
    migrate(folder)
    with closing(sqlite3.connect(folder / "vault.db")) as db:
        names = [name for (name,) in db.execute("SELECT name FROM meta")]
    assert len(names) == 5
    assert f"reader/{new.id}" not in names


def test_an_owners_record_that_the_device_did_not_sign_is_refused(folder: Path) -> None:
    altered(
        folder, "UPDATE meta SET value = CAST(value || x'00' AS BLOB) WHERE name GLOB 'reader/*'"
    )
    with pytest.raises(IntegrityError, match="reader"):
        migrate(folder)
    device = Device(bytes(16), bytes(range(32)))
    owner = vault.readers.Reader.new()
    today = reader_record(device, owner.public)
    altered(folder, "UPDATE meta SET value = ? WHERE name GLOB 'reader/*'", today)
    with pytest.raises(IntegrityError, match="bad marker"):
        migrate(folder)


def test_what_a_killed_daemon_left_in_the_log_comes_over(folder: Path, tmp_path: Path) -> None:
    """The log is part of the store: here, with the row that makes it whole."""
    with closing(sqlite3.connect(folder / "vault.db")) as db:
        (row,) = db.execute("SELECT * FROM row WHERE id = 2060").fetchall()
        db.execute("DELETE FROM row WHERE id = 2060")
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("INSERT INTO row (id, key_id, blob) VALUES (?, ?, ?)", row)
        db.commit()
        killed = tmp_path / "killed"
        shutil.copytree(folder, killed)
    migrate(killed)
    assert found(killed) == everything()
    assert not [p for p in killed.iterdir() if p.name.endswith(".held")]


def test_the_marker_is_that_of_today(folder: Path) -> None:
    migrate(folder)
    with closing(sqlite3.connect(folder / "vault.db")) as db:
        assert db.execute("SELECT value FROM meta WHERE name = 'format'").fetchone() == (FORMAT,)
        spare = "SELECT name, value FROM meta EXCEPT SELECT name, value FROM meta_spare"
        assert not db.execute(spare).fetchall()
    assert time.time() > LATER, "the frozen store is of the past"
