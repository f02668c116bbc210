"""What is committed can be read, by those who may, and by nobody else."""

import json
import math
import sqlite3
import subprocess
import sys
import time
from hashlib import sha256

import pytest

from healthslm import vault
from healthslm.errors import ConfigError, IntegrityError, LockedError
from healthslm.records import Finding, Summary
from healthslm.vault.keys import Class

from .given import (
    CHEAPEST,
    DAY,
    EVERY_KIND,
    PASSPHRASE,
    T0,
    commits,
    frame,
    new_store,
    owned,
    vital,
)


@pytest.fixture
def folder(tmp_path):
    return new_store(tmp_path / "store")


def test_a_new_store_is_empty_private_and_says_what_its_key_file_protects(folder):
    assert {p.name for p in folder.iterdir()} == {"vault.db", "device.key", "vault.mark"}
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    with vault.Store.open(folder) as store:
        assert store.state() is None
        assert list(store.derived()) == []
        assert store.counts() == {
            "rows": 9, "bytes": 8928, "commits": 1, "audit": 1, "frames": 0, "set_aside": 0,
        }  # fmt: skip
        assert "a 0600 key file on the same disk" in store.protection
        assert (folder / "vault.db-wal").stat().st_mode & 0o777 == 0o600
    with owned(folder) as store:
        assert list(store.frames()) == []
        assert list(store.letters()) == []


@pytest.mark.parametrize("name", ["vault.db", "device.key"])
def test_nothing_is_made_over_what_is_there(tmp_path, name):
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(ConfigError, match="is there already"):
        vault.create(tmp_path, PASSPHRASE, now_s=T0, profile=CHEAPEST)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {name: b"precious"}


def test_an_interrupted_creation_leaves_no_store_and_can_be_repeated(tmp_path, monkeypatch):
    monkeypatch.setattr("healthslm.vault.creation.reset_mark", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        vault.create(tmp_path / "s", PASSPHRASE, now_s=T0, profile=CHEAPEST)
    assert list((tmp_path / "s").iterdir()) == []
    monkeypatch.undo()
    with vault.Store.open(new_store(tmp_path / "s")):
        pass


def test_an_empty_passphrase_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="passphrase: empty"):
        vault.create(tmp_path / "s", "", now_s=T0, profile=CHEAPEST)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("opened", [vault.Store.open, lambda f: vault.Store.unlock(f, PASSPHRASE)])
def test_a_folder_without_a_store_is_said_and_stays_empty(tmp_path, opened):
    with pytest.raises(ConfigError, match="there is no store"):
        opened(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_default_profile_opens_too(tmp_path):
    vault.create(tmp_path / "s", PASSPHRASE, now_s=T0)
    with owned(tmp_path / "s") as store:
        assert store.state() is None


def test_all_that_was_committed_comes_back_to_the_owner(folder):
    sent = [frame(i, stream, T0 + 5 * i) for i in range(8) for stream in ("ecg", "ppg-left")]
    with vault.Store.open(folder) as store:
        store.commit(sent, EVERY_KIND, b"state", now_s=T0 + 60)
    with owned(folder) as store:
        assert set(store.frames()) == set(sent)
        assert tuple(store.derived()) == EVERY_KIND
        assert store.state() == b"state"
        store.verify()


def test_the_device_reads_its_state_and_derived_records_again_but_never_raw(folder):
    commits(folder, 3)
    with vault.Store.open(folder) as store:
        assert store.state() == b"state 2"
        assert list(store.derived()) == [vital(T0), vital(T0 + 5), vital(T0 + 10)]
        store.commit([frame(9)], [], b"", now_s=T0)
        for read in (store.frames, lambda: list(store.letters()), lambda: list(store.events())):
            with pytest.raises(LockedError, match="owner"):
                read()
        store.verify()


def test_what_the_device_holds_opens_no_raw_key_and_no_derived_day_but_the_last_eight(folder):
    """Not by politeness of the API: no wrap on disk opens to the device key."""
    for day in range(12):
        commits(folder, 2, T0 + day * DAY)
    with vault.Store.open(folder) as store:
        days = sorted({math.floor(r.t_s / DAY) for r in store.derived()})
        assert days == [math.floor(T0 / DAY) + d for d in range(4, 12)]
        store.verify()
        opened = [
            store.rows.keys.get(key_id)
            for (key_id,) in store.rows.db.execute("SELECT key_id FROM wrap WHERE reader = 0")
        ]
        assert sorted(key.cls for key in opened) == [Class.DERIVED] * 8 + [Class.STATE]
    with owned(folder) as store:
        assert len(list(store.derived())) == 24
        assert len(list(store.frames())) == 24


@pytest.mark.parametrize(("days", "left"), [(7, 2), (8, 1)])
def test_the_eighth_day_is_still_open_and_the_ninth_is_not(folder, days, left):
    commits(folder, 1, T0)
    commits(folder, 1, T0 + days * DAY)
    with vault.Store.open(folder) as store:
        assert len(list(store.derived())) == left


def test_each_start_and_each_hour_has_its_own_raw_key(folder):
    hour = T0 - T0 % 3600
    commits(folder, 2, hour, 1800)
    commits(folder, 2, hour, 1800)
    commits(folder, 2, hour, 3600)
    with owned(folder) as store:
        query = "SELECT count(DISTINCT key_id) FROM wrap"
        (keys,) = store.rows.db.execute(query).fetchone()
    assert keys == 1 + 1 + 4 + 2  # state, one derived day, raw, audit of creation and unlocking


def test_time_ranges_are_half_open_and_spans_count_where_they_touch(folder):
    finding = Finding("pause", "chest/ecg", T0 + 100, T0 + 200, "red", ())
    with vault.Store.open(folder) as store:
        for t_s in (0, 10, 20):
            store.commit([frame(0, t_s=T0 + t_s)], [vital(T0 + t_s)], b"", now_s=T0)
        store.commit([], [finding], b"", now_s=T0)
        assert list(store.derived(T0 + 10, T0 + 20)) == [vital(T0 + 10)]
        assert list(store.derived(T0 + 10.001, T0 + 20.001)) == [vital(T0 + 20)]
        assert list(store.derived(T0 + 200)) == [finding]
        assert list(store.derived(T0 + 200.001)) == []
        assert list(store.derived(T0 + 50, T0 + 100)) == []
        assert list(store.derived(None, T0 + 10)) == [vital(T0)]
    with owned(folder) as store:
        assert [f.t_s - T0 for f in store.frames(T0 + 5, T0 + 20)] == [0, 10]
        assert [f.t_s - T0 for f in store.frames(T0 + 5.001, T0 + 20.001)] == [10, 20]


def test_a_range_cuts_through_a_commit(folder):
    with vault.Store.open(folder) as store:
        sent = [frame(0, t_s=T0 + t_s) for t_s in (0, 10, 20)]
        store.commit(sent, [vital(T0 + t_s) for t_s in (0, 10, 20)], b"", now_s=T0)
        assert list(store.derived(T0 + 10, T0 + 20)) == [vital(T0 + 10)]
    with owned(folder) as store:
        assert [f.t_s - T0 for f in store.frames(T0 + 6, T0 + 20)] == [10]


def test_one_lane_can_be_asked_for(folder):
    with vault.Store.open(folder) as store:
        store.commit([frame(0, "ecg"), frame(0, "ppg")], [], b"", now_s=T0)
    with owned(folder) as store:
        assert [f.stream for f in store.frames(stream="chest/ppg")] == ["ppg"]
        assert list(store.frames(stream="ppg")) == []


def test_what_was_set_aside_waits_for_the_next_commit(folder):
    with vault.Store.open(folder) as store:
        store.set_aside("bad unit", b"\0\1\2")
        assert store.counts()["set_aside"] == 0
        store.commit([], [], b"", now_s=T0)
        store.set_aside("too late", bytes(70_000))
        store.commit([], [], b"", now_s=T0)
        assert store.counts()["set_aside"] == 2
        store.commit([], [], b"", now_s=T0)
        assert store.counts()["set_aside"] == 2
    with owned(folder) as store:
        assert list(store.letters()) == [("bad unit", b"\0\1\2"), ("too late", bytes(65_536))]


def test_letters_are_bounded_to_the_newest_megabyte(folder):
    payloads = [
        b"".join(sha256(b"%d %d" % (i, j)).digest() for j in range(2000)) for i in range(40)
    ]
    with vault.Store.open(folder) as store:
        for payload in payloads:
            store.set_aside("flood", payload)
        store.commit([], [], b"", now_s=T0)
        for payload in payloads:
            store.set_aside("flood", payload)
            store.commit([], [], b"", now_s=T0)
        ring = store.rows._count("id >= ? AND id < ?", 64, 2048)
        assert ring == 1024
        store.verify()
    with owned(folder) as store:
        kept = [payload for _, payload in store.letters()]
        assert kept == payloads[-len(kept) :]
        assert 12 <= len(kept) <= 16
        store.verify()


def test_counts_are_known_without_a_passphrase(folder):
    with vault.Store.open(folder) as store:
        store.commit([frame(0), frame(1)], EVERY_KIND, bytes(3000), now_s=T0)
        counts = store.counts()
    assert counts["frames"] == 2
    assert counts["beat"] == 2
    assert counts["summary"] == 1
    assert counts["commits"] == 3  # with that which joins a new hour
    assert counts["rows"] == counts["bytes"] // 992


def test_every_row_has_the_same_size_whatever_it_holds(folder):
    with vault.Store.open(folder) as store:
        store.commit([frame(0)], EVERY_KIND, bytes(10_000), now_s=T0)
        store.commit([], [vital()], b"", now_s=T0)
        store.set_aside("x", b"y")
        store.commit([frame(1, samples=bytes(2500))], [], b"z", now_s=T0)
        sizes = store.rows.db.execute("SELECT DISTINCT length(blob) FROM row").fetchall()
    assert sizes == [(992,)]


def test_quiet_and_busy_five_seconds_take_the_same_rows(folder):
    flat, noisy = frame(0, samples=bytes(2500)), frame(1)
    with vault.Store.open(folder) as store:
        taken = []
        for sent in (flat, noisy):
            before = store.counts()["rows"]
            store.commit([sent], [vital()], b"", now_s=T0)
            taken.append(store.counts()["rows"] - before)
    assert taken == [3, 3]


def test_state_is_replaced_grows_and_shrinks(folder):
    states = [b"", b"a" * 10, sha256(b"").digest() * 500, b"b", sha256(b"").digest() * 1, b""]
    for state in states:
        with vault.Store.open(folder) as store:
            store.commit([], [], state, now_s=T0)
            assert store.state() == state
            store.verify()


def test_a_state_beyond_its_rows_is_our_own_mistake_and_leaves_the_last(folder):
    random = b"".join(sha256(b"%d" % i).digest() for i in range(2000))
    with vault.Store.open(folder) as store:
        store.commit([frame()], [], b"good", now_s=T0)
        with pytest.raises(ValueError, match="does not fit"):
            store.commit([frame()], [vital()], random, now_s=T0)
        assert store.state() == b"good"
        store.commit([frame()], [], b"better", now_s=T0)
        store.verify()
    with owned(folder) as store:
        assert len(list(store.frames())) == 2
        assert list(store.derived()) == []


def test_a_wrong_passphrase_is_said_as_such(folder):
    with pytest.raises(LockedError, match=r"^wrong passphrase$"):
        vault.Store.unlock(folder, "guess")


def test_a_missing_device_key_is_said_and_the_owner_still_reads(folder):
    commits(folder, 2)
    (folder / "device.key").unlink()
    with pytest.raises(LockedError, match="no device key"):
        vault.Store.open(folder)
    with owned(folder) as store:
        assert len(list(store.frames())) == 2
        assert [e.action for e in store.events()] == ["create"]
        with pytest.raises(LockedError, match=r"device\.key is needed to write"):
            store.commit([frame()], [], b"", now_s=T0)
        assert len(list(store.frames())) == 2


def test_the_device_key_of_another_store_is_refused(folder, tmp_path):
    other = new_store(tmp_path / "other")
    (folder / "device.key").unlink()
    (other / "device.key").rename(folder / "device.key")
    for opened in (vault.Store.open, owned):
        with pytest.raises(LockedError, match="belongs to another store"):
            opened(folder)


def test_a_device_key_that_others_may_read_is_refused(folder):
    (folder / "device.key").chmod(0o644)
    for opened in (vault.Store.open, owned):
        with pytest.raises(LockedError, match="others may read it"):
            opened(folder)


def test_the_owner_may_read_while_the_daemon_writes_and_both_see_whole_commits(folder):
    with vault.Store.open(folder) as daemon:
        daemon.commit([frame(0)], [vital(T0)], b"0", now_s=T0)
        with owned(folder) as owner:
            for i in range(1, 40):
                t_s = T0 + i
                daemon.commit([frame(i, t_s=t_s)], [vital(t_s)], b"%d" % i, now_s=t_s)
                assert owner.state() == b"%d" % i
                assert len(list(owner.derived())) == i + 1
            assert len(list(owner.frames())) == 40
            owner.verify()
            daemon.commit([], [], b"after", now_s=T0 + 40)
            assert owner.state() == b"after"
        assert daemon.counts()["audit"] == 3
        daemon.verify()


def test_a_reader_needs_no_write_lock_once_it_is_open(folder):
    with vault.Store.open(folder) as daemon, owned(folder) as owner:
        daemon.commit([frame(0)], [vital()], b"0", now_s=T0)
        assert len(list(owner.frames())) == 1
        with daemon.rows.transaction(T0):
            assert len(list(owner.frames())) == 1
            assert list(owner.derived()) == [vital()]
            assert owner.state() == b"0"


def test_a_store_in_use_for_too_long_is_said(folder, monkeypatch):
    monkeypatch.setattr("healthslm.vault.database.BUSY_S", 0.01)
    with vault.Store.open(folder) as one, vault.Store.open(folder) as two:
        with one.rows.transaction(T0), pytest.raises(IntegrityError, match="SQLITE_BUSY"):
            two.commit([frame()], [], b"", now_s=T0)
        two.commit([frame()], [], b"then", now_s=T0)
        assert one.state() == b"then"


def test_unlocking_reading_raw_and_summaries_are_in_the_audit_trail(folder):
    summary = Summary(T0, T0 + DAY, "en", "Fine.", "template")
    with vault.Store.open(folder) as store:
        store.commit([frame()], [summary], b"", now_s=T0 + 5)
    with vault.Store.unlock(folder, PASSPHRASE, now_s=T0 + 9) as store:
        list(store.frames())
        list(store.frames())
        seen = list(store.events())
    assert [(e.number, e.action, e.who) for e in seen] == [
        (0, "create", "owner"),
        (1, "summary", "device"),
        (2, "unlock", "owner"),
        (3, "read raw", "owner"),
    ]
    assert [e.t_s for e in seen[:3]] == [T0, T0 + 5, T0 + 9]
    assert abs(seen[3].t_s - time.time()) < 60


def test_the_audit_trail_outlives_many_months_and_starts(folder):
    for month in range(20):
        now_s = T0 + month * 31 * DAY
        summary = Summary(now_s, now_s, "en", "Fine.", "template")
        with vault.Store.open(folder) as store:
            store.commit([], [summary], b"", now_s=now_s)
    with owned(folder) as store:
        assert [e.number for e in store.events()] == list(range(22))


def test_after_a_failed_sync_the_object_is_of_no_more_use(folder):
    class Failing:
        """A connection whose disk fails at the commit."""

        def __init__(self, db):
            self.db = db

        def __getattr__(self, name):
            return getattr(self.db, name)

        def execute(self, sql, *values):
            if sql == "COMMIT":
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode, error.sqlite_errorname = 1034, "SQLITE_IOERR_FSYNC"
                raise error
            return self.db.execute(sql, *values)

    with vault.Store.open(folder) as store:
        store.commit([frame()], [], b"good", now_s=T0)
        store.rows.db = Failing(store.rows.db)
        with pytest.raises(
            IntegrityError, match=r"the disk failed \(SQLITE_IOERR_FSYNC\): not committed"
        ):
            store.commit([frame()], [], b"lost", now_s=T0)
        store.rows.db = store.rows.db.db
        for use in (store.state, lambda: store.commit([], [], b"", now_s=T0)):
            with pytest.raises(IntegrityError, match="close the store and open it again"):
                use()
    with vault.Store.open(folder) as store:
        assert store.state() == b"good"


def test_every_connection_syncs_each_commit_and_overwrites_what_it_deletes(folder, monkeypatch):
    """Whatever the defaults of the SQLite at hand: Debian's overwrites, others do not."""
    plain = sqlite3.connect

    def careless(*args, **kwargs):
        db = plain(*args, **kwargs)
        db.executescript("PRAGMA secure_delete = OFF; PRAGMA synchronous = OFF")
        return db

    monkeypatch.setattr(sqlite3, "connect", careless)
    with vault.Store.open(folder) as store:
        pragma = {
            name: store.rows.db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete", "page_size")
        }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "page_size": 4096,
    }


def test_a_flood_of_small_letters_keeps_no_more_than_the_ring_holds(folder):
    with vault.Store.open(folder) as store:
        for i in range(3000):
            store.set_aside("flood", b"%d" % i)
        store.commit([], [], b"", now_s=T0)
        assert store.counts()["set_aside"] == 1024
    with owned(folder) as store:
        assert [int(payload) for _, payload in store.letters()] == list(range(1976, 3000))


def test_opening_and_reading_the_state_loads_no_numpy(folder):
    commits(folder, 2)
    code = (
        "import sys, json; from pathlib import Path; from healthslm import vault\n"
        "with vault.Store.open(Path(sys.argv[1])) as store:\n"
        "    counts, state = store.counts(), store.state()\n"
        "    records = len(list(store.derived()))\n"
        "print(json.dumps([counts['frames'], state.decode(), records, 'numpy' in sys.modules]))"
    )
    ran = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, check=True)
    assert json.loads(ran.stdout) == [2, "state 1", 2, False]
