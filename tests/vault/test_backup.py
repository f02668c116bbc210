"""A backup holds all but waveforms, opens for the same people, and is put over nothing."""

import shutil
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from healthslm import vault
from healthslm.errors import ConfigError, HealthslmError, IntegrityError, LockedError
from healthslm.vault import backup, consent, readers, recovery
from healthslm.vault.keys import Class
from healthslm.vault.readers import Reader

from .given import CHEAPEST, DAY, PASSPHRASE, T0, commits, frame, vital

SHEET = bytes(range(32))
NEW = "another passphrase entirely"
CLINICIAN = Reader.new()
OWNER = partial(readers.unlock, passphrase=PASSPHRASE)


@pytest.fixture
def folder(tmp_path):
    """Twenty days and starts, so that there is a catalogue; a letter; a clinician."""
    folder = tmp_path / "store"
    vault.create(folder, PASSPHRASE, now_s=T0, profile=CHEAPEST, sheet=SHEET)
    for day in range(20):
        commits(folder, 2, T0 + day * DAY)
    with vault.Store.unlock(folder, PASSPHRASE, now_s=T0 + 20 * DAY) as store:
        store.set_aside("cbor", b"payload")
        consent.add(store, "A", CLINICIAN.public, now_s=T0)
        consent.grant(store, "A", [Class.DERIVED], now_s=T0 + 19 * DAY)
    return folder


@pytest.fixture
def copy(folder, tmp_path):
    with vault.Store.open(folder) as store:
        backup.create(store, tmp_path / "copy.hsb", now_s=T0 + 20 * DAY)
    return tmp_path / "copy.hsb"


def restored(copy, folder, passphrase=PASSPHRASE, sheet=None):
    backup.restore(copy, folder, passphrase, now_s=T0 + 21 * DAY, profile=CHEAPEST, sheet=sheet)
    return folder


def test_a_backup_is_made_while_the_daemon_writes_and_is_whole(folder, tmp_path):
    with vault.Store.open(folder) as daemon, vault.Store.open(folder) as other:
        daemon.commit([frame(5, t_s=T0 + 20 * DAY)], [vital(1e9)], b"x", now_s=T0 + 20 * DAY)
        backup.create(other, tmp_path / "copy", now_s=T0 + 20 * DAY)
        daemon.commit([], [vital(2e9)], b"y", now_s=T0 + 20 * DAY)
    assert backup.check(tmp_path / "copy", OWNER, now_s=T0)["vital"] == 41
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def test_no_raw_row_key_or_state_of_signals_is_in_a_backup(folder, copy):
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        raw = {c.key for c in store.rows.chapters(store.rows.head()) if c.cls == Class.RAW}
    with closing(sqlite3.connect(copy)) as db:
        found = {k for (k,) in db.execute("SELECT key_id FROM row UNION SELECT key_id FROM wrap")}
        assert not db.execute("SELECT 1 FROM row WHERE id BETWEEN 64 AND 1087").fetchone()
    assert raw and not raw & found
    with backup._opened(copy, copy.parent, OWNER, T0) as store:
        assert store.state() is None
        assert list(store.frames()) == []
        assert list(store.letters()) == []


@pytest.mark.parametrize(
    ("how", "passphrase", "sheet"),
    [("owner", PASSPHRASE, None), ("sheet", NEW, SHEET)],
)
def test_a_restored_store_has_everything_but_waveforms_and_goes_on(
    folder, copy, tmp_path, how, passphrase, sheet
):
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        sent = list(store.derived())
    other = restored(copy, tmp_path / "other", passphrase, sheet)
    with vault.Store.open(other) as store:
        assert store.state() is None
        store.commit([frame(7)], [vital(3e9)], b"on", now_s=T0 + 22 * DAY)
        store.verify()
    with vault.Store.unlock(other, passphrase) as store:
        assert list(store.derived()) == [*sent, vital(3e9)]
        assert [f.seq for f in store.frames()] == [7]
        assert {"backup made", "restored"} <= {e.action for e in store.events()}
        store.verify()
    with vault.Store.consult(other, CLINICIAN, now_s=T0 + 22 * DAY) as store:
        assert len(list(store.derived())) == 41
    if sheet:
        vault.Store.recover(other, SHEET).close()
        with pytest.raises(LockedError):
            vault.Store.unlock(other, PASSPHRASE)


def test_a_restored_store_has_another_device_key(folder, copy, tmp_path):
    other = restored(copy, tmp_path / "other")
    assert (other / "device.key").read_bytes() != (folder / "device.key").read_bytes()
    shutil.copy(folder / "device.key", other / "device.key")
    with pytest.raises(LockedError, match="another store"):
        vault.Store.open(other)


@pytest.mark.parametrize("name", ["vault.db", "device.key"])
def test_nothing_is_restored_over_what_is_there(copy, tmp_path, name):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / name).write_bytes(b"precious")
    with pytest.raises(ConfigError, match="already"):
        restored(copy, tmp_path / "other")
    assert (tmp_path / "other" / name).read_bytes() == b"precious"
    assert len(list((tmp_path / "other").iterdir())) == 1


def test_a_backup_replaces_no_file(folder, copy):
    before = copy.read_bytes()
    with vault.Store.open(folder) as store, pytest.raises(ConfigError, match="already"):
        backup.create(store, copy, now_s=T0)
    assert copy.read_bytes() == before


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        (partial(readers.unlock, passphrase=NEW), LockedError, "wrong passphrase"),
        (partial(recovery.unlock, secret=bytes(32)), LockedError, "does not open"),
    ],
)
def test_a_wrong_secret_is_no_damage(copy, how, error, words):
    with pytest.raises(error, match=words):
        backup.check(copy, how, now_s=T0)


def test_a_store_is_no_backup_and_another_file_is_none(folder, tmp_path):
    with pytest.raises(ConfigError, match="no backup"):
        backup.check(folder / "vault.db", OWNER, now_s=T0)
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam")
    with pytest.raises(IntegrityError, match="not a database"):
        backup.check(tmp_path / "letter.txt", OWNER, now_s=T0)
    with pytest.raises(ConfigError, match="no such file"):
        backup.check(tmp_path / "nothing", OWNER, now_s=T0)


def test_a_wrong_passphrase_leaves_nothing_in_the_folder(copy, tmp_path):
    with pytest.raises(LockedError):
        restored(copy, tmp_path / "other", "wrong")
    assert list((tmp_path / "other").iterdir()) == []
    restored(copy, tmp_path / "other")


def test_flipped_bytes_are_detected_or_change_nothing(folder, copy, tmp_path):
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        sent = list(store.derived())
    data, detected, total = copy.read_bytes(), 0, 0
    for at in [*range(0, 100, 7), *range(100, len(data), 2003)]:
        bad = tmp_path / "bad"
        bad.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        total += 1
        try:
            with backup._opened(bad, tmp_path, OWNER, T0) as store:
                store.verify()
                assert list(store.derived()) == sent
        except HealthslmError:
            detected += 1
    assert detected > total / 3


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_backup_that_was_cut_is_refused(copy, tmp_path, share):
    data = copy.read_bytes()
    (tmp_path / "cut").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(HealthslmError):
        backup.check(tmp_path / "cut", OWNER, now_s=T0)
    with pytest.raises(HealthslmError):
        restored(tmp_path / "cut", tmp_path / "other")
    assert not (tmp_path / "other" / "vault.db").exists()


def test_the_state_of_an_older_backup_in_a_newer_one_is_refused(folder, copy, tmp_path):
    commits(folder, 1, T0 + 20.5 * DAY)
    with vault.Store.open(folder) as store:
        backup.create(store, tmp_path / "newer", now_s=T0 + 20.5 * DAY)
    with closing(sqlite3.connect(tmp_path / "newer")) as db:
        db.execute("ATTACH ? AS old", (str(copy),))
        db.execute("DELETE FROM row WHERE id < 64")
        db.execute("INSERT INTO row SELECT * FROM old.row WHERE id < 64")
        db.execute("INSERT OR IGNORE INTO wrap SELECT * FROM old.wrap")
        db.commit()
    with pytest.raises(IntegrityError):
        backup.check(tmp_path / "newer", OWNER, now_s=T0)
