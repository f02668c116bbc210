"""Each change of keys shuts out whom it should, and loses nothing."""

import secrets
import shutil

import pytest

from healthslm import vault
from healthslm.errors import ConfigError, IntegrityError, LockedError
from healthslm.vault import consent, recovery, rekey
from healthslm.vault.keys import Class
from healthslm.vault.readers import Reader

from .given import CHEAPEST, DAY, PASSPHRASE, T0, commits, frame, vital

SHEET = bytes(range(32))
NEW = "another passphrase entirely"
CLINICIAN = Reader.new()


@pytest.fixture
def folder(tmp_path):
    """Three days with a clinician, and a payload that was set aside."""
    folder = tmp_path / "store"
    vault.create(folder, PASSPHRASE, now_s=T0, profile=CHEAPEST, sheet=SHEET)
    for day in range(3):
        commits(folder, 2, T0 + day * DAY)
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        consent.add(store, "A", CLINICIAN.public, now_s=T0)
        consent.grant(store, "A", [Class.DERIVED], now_s=T0 + 2 * DAY)
    with vault.Store.open(folder) as store:
        store.set_aside("cbor", b"payload")
        store.commit([], [], b"newest", now_s=T0 + 2 * DAY)
    return folder


def whole(store):
    """Check that everything is there."""
    assert [f.seq for f in store.frames()] == [0, 1] * 3
    assert len(list(store.derived())) == 6
    assert list(store.letters()) == [("cbor", b"payload")]
    assert store.state() == b"newest"
    store.verify()


def goes_on(folder):
    """Check that the daemon writes on, and its owner reads it."""
    with vault.Store.open(folder) as store:
        store.commit([frame(2, t_s=T0 + 3 * DAY)], [vital()], b"on", now_s=T0 + 3 * DAY)
        store.verify()


def records(folder, names):
    with vault.Store.open(folder) as store:
        query = "SELECT name, value FROM meta WHERE name GLOB ?"
        return store.rows.db.execute(query, (names,)).fetchall()


def raw_keys(folder):
    with vault.Store.open(folder) as store:
        return {c.key for c in store.rows.chapters(store.rows.head())}


def test_a_new_passphrase_shuts_out_the_old_and_rewraps_nothing(folder):
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        before = set(store.rows.keys.wraps())
        rekey.change_passphrase(store, NEW, now_s=T0, profile=CHEAPEST)
        assert before <= set(store.rows.keys.wraps())
    with pytest.raises(LockedError, match="wrong passphrase"):
        vault.Store.unlock(folder, PASSPHRASE)
    with vault.Store.unlock(folder, NEW) as store:
        whole(store)
    goes_on(folder)


def test_an_older_identity_that_is_put_back_opens_nothing(folder):
    """Who kept it, and knows the passphrase of that time, is told that it was changed."""
    before = records(folder, "identity/*")
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        rekey.change_passphrase(store, NEW, now_s=T0, profile=CHEAPEST)
    with vault.Store.open(folder) as store:
        store.rows.db.executemany("REPLACE INTO meta (name, value) VALUES (?, ?)", before)
    with pytest.raises(IntegrityError, match="identity: rolled back"):
        vault.Store.unlock(folder, PASSPHRASE)
    with vault.Store.recover(folder, SHEET) as store:
        whole(store)
    goes_on(folder)


def test_a_letter_of_a_destroyed_key_that_is_put_back_is_refused(folder):
    """With the wraps of its key, which nobody else could tell from true ones."""
    with vault.Store.open(folder) as store:
        row = store.rows.db.execute("SELECT * FROM row WHERE id = 64").fetchone()
        wraps = store.rows.db.execute("SELECT * FROM wrap WHERE key_id = ?", row[1:2]).fetchall()
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        rekey.change_data_keys(store, now_s=T0 + 2 * DAY)
        whole(store)
        store.rows.db.execute("REPLACE INTO row VALUES (?, ?, ?)", row)
        store.rows.db.executemany("INSERT INTO wrap VALUES (?, ?, ?)", wraps)
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        with pytest.raises(IntegrityError, match="row 64: wrong key"):
            list(store.letters())
        assert len(list(store.frames())) == 6


def test_a_new_owner_key_shuts_out_who_copied_the_old_one(folder):
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        copied = store.rows.unlocked.reader
        rekey.change_owner(store, NEW, now_s=T0, profile=CHEAPEST)
        assert copied.id not in {reader for _, reader in store.rows.keys.wraps()}
    with pytest.raises(LockedError):
        vault.Store.unlock(folder, PASSPHRASE)
    with vault.Store.unlock(folder, NEW) as store:
        whole(store)
    with vault.Store.recover(folder, SHEET) as store:
        whole(store)
    goes_on(folder)


def test_who_lost_the_passphrase_becomes_the_owner_again_by_the_sheet(folder):
    with vault.Store.recover(folder, SHEET) as store:
        with pytest.raises(ConfigError, match="only the owner's passphrase"):
            rekey.change_passphrase(store, NEW, now_s=T0, profile=CHEAPEST)
        rekey.change_owner(store, NEW, now_s=T0, profile=CHEAPEST)
    with vault.Store.unlock(folder, NEW) as store:
        whole(store)


def test_a_new_sheet_ends_the_old(folder):
    other = secrets.token_bytes(32)
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        rekey.change_sheet(store, other, now_s=T0)
    with pytest.raises(LockedError, match="a newer one"):
        vault.Store.recover(folder, SHEET)
    with vault.Store.recover(folder, other) as store:
        whole(store)


def changed_device(folder):
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        rekey.change_device(store, folder, PASSPHRASE, now_s=T0 + 2 * DAY, profile=CHEAPEST)


def test_a_new_device_key_ends_the_old_one_and_the_sheet(folder, tmp_path):
    shutil.copy(folder / "device.key", tmp_path / "old.key")
    changed_device(folder)
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        whole(store)
    with vault.Store.consult(folder, CLINICIAN, now_s=T0 + 2 * DAY) as store:
        assert len(list(store.derived())) == 6
    with pytest.raises(LockedError):
        vault.Store.recover(folder, SHEET)
    goes_on(folder)
    shutil.copy(tmp_path / "old.key", folder / "device.key")
    with pytest.raises(LockedError, match="another store"):
        vault.Store.open(folder)


def test_a_lost_device_key_is_made_anew_by_the_owner(folder):
    (folder / "device.key").unlink()
    with pytest.raises(LockedError, match="there is no device key"):
        vault.Store.open(folder)
    changed_device(folder)
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        whole(store)
    goes_on(folder)


def test_a_change_of_the_device_key_that_stopped_before_its_end_is_finished(folder):
    shutil.copy(folder / "device.key", folder / "old")
    changed_device(folder)
    (folder / "device.key").rename(folder / "device.key.new")
    (folder / "old").rename(folder / "device.key")
    goes_on(folder)
    assert not (folder / "device.key.new").exists()


def test_a_change_of_the_device_key_that_never_took_place_changes_nothing(folder):
    from healthslm.vault.keys import Device

    with vault.Store.open(folder) as store:
        Device(store.rows.id, bytes(32)).write(folder / "device.key.new")
    goes_on(folder)
    changed_device(folder)
    goes_on(folder)


def test_a_lost_wrap_stops_a_change_before_it_takes_place(folder):
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        raw = next(c.key for c in store.rows.chapters(store.rows.head()) if c.cls == Class.RAW)
        owner = store.rows.unlocked.reader.id
        store.rows.db.execute("DELETE FROM wrap WHERE key_id = ? AND reader = ?", (raw, owner))
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        for change in (rekey.change_owner,):
            with pytest.raises(IntegrityError, match="wrap of key"):
                change(store, NEW, now_s=T0, profile=CHEAPEST)
    vault.Store.unlock(folder, PASSPHRASE).close()


def test_new_data_keys_leave_none_of_the_old_and_lose_nothing(folder):
    before, steps = raw_keys(folder), []
    with vault.Store.open(folder) as daemon, vault.Store.unlock(folder, PASSPHRASE) as store:
        daemon.commit([], [], b"newest", now_s=T0 + 2 * DAY)
        state_key = store.rows.db.execute("SELECT key_id FROM row WHERE id = 1").fetchone()
        rekey.change_data_keys(store, now_s=T0 + 2 * DAY, told=lambda *n: steps.append(n))
        assert state_key != store.rows.db.execute("SELECT key_id FROM row WHERE id = 1").fetchone()
        assert not before & {key for key, _ in store.rows.keys.wraps()}
        assert steps[-1][0] == steps[-1][1] > 6
        daemon.commit([], [], b"newest", now_s=T0 + 2 * DAY)
        assert not before & {k for (k,) in store.rows.db.execute("SELECT key_id FROM row")}
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        assert [f.seq for f in store.frames()] == [0, 1] * 3
        assert len(list(store.derived())) == 6
        assert list(store.letters()) == [("cbor", b"payload")]
        store.verify()
    with vault.Store.recover(folder, SHEET) as store:
        assert len(list(store.derived())) == 6
    with vault.Store.consult(folder, CLINICIAN, now_s=T0 + 2 * DAY) as store:
        assert len(list(store.derived())) == 6
    goes_on(folder)


def test_a_daemon_that_wrote_under_a_key_which_is_gone_takes_a_new_one(folder):
    """The daemon is not asked, and loses nothing."""
    with vault.Store.open(folder) as daemon:
        daemon.commit([frame(7, t_s=T0 + 2 * DAY)], [vital()], b"a", now_s=T0 + 2 * DAY)
        with vault.Store.unlock(folder, PASSPHRASE) as store:
            rekey.change_data_keys(store, now_s=T0 + 2 * DAY)
        daemon.commit([frame(8, t_s=T0 + 2 * DAY)], [vital()], b"b", now_s=T0 + 2 * DAY)
        assert len(list(daemon.derived())) == 8
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        assert [f.seq for f in store.frames()][-2:] == [7, 8]
        store.verify()


def test_an_empty_passphrase_is_refused(folder):
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        with pytest.raises(ConfigError, match="empty"):
            rekey.change_passphrase(store, "", now_s=T0)
        with pytest.raises(ConfigError, match="empty"):
            rekey.change_owner(store, "", now_s=T0)


def test_a_sheet_of_another_secret_is_no_reader(folder):
    assert recovery.reader(SHEET).id != recovery.reader(bytes(32)).id
