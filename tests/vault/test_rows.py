"""What was acknowledged is there; what is lost, altered or put back is noticed."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from healthslm import vault
from healthslm.errors import HealthslmError, IntegrityError
from healthslm.vault.mark import SLOT_BYTES
from healthslm.vault.salvage import cells

from .given import (
    DERIVED_ROW,
    EVERY_KIND,
    PASSPHRASE,
    RAW_ROW,
    T0,
    commits,
    frame,
    new_store,
    owned,
    vital,
)

DERIVED = f"(SELECT key_id FROM row WHERE id = {DERIVED_ROW + 2051})"
RECORDS = f"(SELECT blob FROM row WHERE id = {DERIVED_ROW + 2051})"
FIRST, SECOND, FOURTH = RAW_ROW + 2049, RAW_ROW + 2050, RAW_ROW + 2052
WRITER = """
import sys
from pathlib import Path
from healthslm import vault
from healthslm.records import Frame, Vital
with vault.Store.open(Path(sys.argv[1])) as store:
    n = int(store.state() or b"0")
    while True:
        n += 1
        t_s = 1.7e9 + n
        frame = Frame("chest", "ecg", 1, n, n, t_s, 250.0, "mV", 1.0, 0.0, bytes(600), 0)
        store.commit([frame], [Vital("spo2", "a/b", t_s, n)], str(n).encode(), now_s=t_s)
        print(n, flush=True)
"""


@pytest.fixture
def folder(tmp_path):
    return new_store(tmp_path / "store")


def killed(folder, after_s, seen=1):
    """Let a process commit, kill it in the middle; return the last commit it acknowledged."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, folder], stdout=subprocess.PIPE, text=True
    )
    for _ in range(seen):
        assert writer.stdout.readline()
    try:
        writer.wait(after_s)
    except subprocess.TimeoutExpired:
        writer.send_signal(signal.SIGKILL)
    told, _ = writer.communicate()
    return int(told.split()[-1]) if told.strip() else None


def edit(folder, sql, *values):
    """Change the database behind the store's back."""
    with closing(sqlite3.connect(folder / "vault.db", isolation_level=None)) as db:
        return db.execute(sql, values).fetchall()


def test_kill_9_at_ten_random_moments_loses_nothing_acknowledged(folder):
    """State, frames and records are always of the same commit, and at least the last told."""
    moments, last = random.Random(20), 0
    for _ in range(10):
        last = killed(folder, moments.uniform(0, 0.12)) or last
        with owned(folder) as store:
            n = int(store.state())
            assert n >= last
            assert [f.seq for f in store.frames()] == list(range(1, n + 1))
            assert [int(v.value) for v in store.derived()] == list(range(1, n + 1))
            assert store.counts()["frames"] == n
            store.verify()
    assert last > 10


@pytest.mark.parametrize("damage", ["deleted", "cut in half", "emptied", "one byte"])
def test_commits_lost_with_the_wal_are_noticed(folder, damage):
    """The database alone is whole and older: only the mark tells."""
    killed(folder, 0.1, seen=3)
    wal = folder / "vault.db-wal"
    data = wal.read_bytes()
    if damage == "deleted":
        wal.unlink()
    elif damage == "one byte":
        wal.write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
    else:
        wal.write_bytes(data[: len(data) // 2 if damage == "cut in half" else 0])
    for opened in (vault.Store.open, owned):
        with pytest.raises(IntegrityError, match=r"rolled back: the newest \d+ commits are lost"):
            opened(folder)


def test_an_untouched_wal_is_no_loss(folder):
    """The control of the test above."""
    last = killed(folder, 0.1, seen=3)
    with vault.Store.open(folder) as store:
        assert int(store.state()) >= (last or 3)


def test_an_old_copy_of_the_database_is_noticed_and_the_owner_may_accept_it(folder, tmp_path):
    commits(folder, 3)
    shutil.copy(folder / "vault.db", tmp_path / "old.db")
    commits(folder, 5)
    shutil.copy(tmp_path / "old.db", folder / "vault.db")
    with pytest.raises(IntegrityError, match="the newest 5 commits are lost"):
        vault.Store.open(folder)
    with vault.Store.unlock(folder, PASSPHRASE, accept_loss=True) as store:
        assert [e.action for e in store.events()] == ["create", "loss accepted", "unlock"]
    commits(folder, 1)
    with vault.Store.open(folder) as store:
        store.verify()


def test_a_lost_mark_is_noticed(folder):
    (folder / "vault.mark").unlink()
    for opened in (vault.Store.open, owned):
        with pytest.raises(IntegrityError, match=r"vault\.mark: lost"):
            opened(folder)


@pytest.mark.parametrize("slot", [0, 1])
def test_one_torn_slot_of_the_mark_does_no_harm(folder, slot):
    commits(folder, 4)
    data = bytearray((folder / "vault.mark").read_bytes())
    data[slot * SLOT_BYTES + 30] ^= 1
    (folder / "vault.mark").write_bytes(data)
    with vault.Store.open(folder) as store:
        assert store.state() == b"state 3"


def test_a_mark_that_cannot_be_written_stops_nothing_and_is_logged(folder, caplog):
    with vault.Store.open(folder) as store:
        (folder / "vault.mark").unlink()
        store.commit([frame()], [], b"kept", now_s=T0)
        assert store.state() == b"kept"
    assert [r.getMessage() for r in caplog.records] == [
        "vault.mark: not written (errno 2)"
    ] * 2  # of the commit, and of the joining that a new hour brings


@pytest.mark.parametrize("cls", ["a raw row", "a derived row", "an index row", "the newest row"])
def test_a_lost_row_is_noticed_and_named(folder, cls):
    commits(folder, 20)
    row = {
        "a raw row": FIRST,
        "a derived row": DERIVED_ROW + 2051,
        "an index row": RAW_ROW + 2096,
    }.get(cls)
    row = row or edit(folder, "SELECT max(id) FROM row")[0][0]
    edit(folder, "DELETE FROM row WHERE id = ?", row)
    named = rf"row ({row - 1}|{row}): (lost|not the newest)"
    with pytest.raises(IntegrityError, match=named), owned(folder) as store:
        list(store.frames())
        list(store.derived())


def test_a_lost_row_is_counted_without_any_key_but_the_devices(folder):
    commits(folder, 20)
    edit(folder, "DELETE FROM row WHERE id = ?", FIRST)
    with (
        vault.Store.open(folder) as store,
        pytest.raises(IntegrityError, match="1 rows are lost"),
    ):
        store.verify()


def test_planted_rows_are_noticed(folder):
    commits(folder, 2)
    edit(folder, "INSERT INTO row SELECT 1500, key_id, blob FROM row WHERE id = ?", FIRST)
    with vault.Store.open(folder) as store, pytest.raises(IntegrityError, match="1 rows planted"):
        store.verify()
    edit(folder, "INSERT INTO row SELECT id + 9999, key_id, blob FROM row WHERE id = ?", FIRST)
    with pytest.raises(IntegrityError, match="rows lost or planted"):
        vault.Store.open(folder)


@pytest.mark.parametrize(
    ("rows", "change", "reason"),
    [
        (f"{FIRST}", f"blob = (SELECT blob FROM row WHERE id = {FOURTH})", "wrong label"),
        (f"{FIRST}, {SECOND}", f"key_id = {DERIVED}", "wrong key"),
        (f"{FIRST}", f"key_id = {DERIVED}, blob = {RECORDS}", "wrong label"),
        (f"{FIRST}", "blob = zeroblob(992)", "bad marker"),
        (f"{FIRST}", "blob = substr(blob, 1, 991)", "bad tag"),
        (f"{FIRST}", "blob = 'text'", "bad marker"),
        (f"{FIRST}", "key_id = -1", "wrong key"),
        (f"{FIRST}, {SECOND}", "key_id = 12345", "lost"),
        (f"{SECOND}", "blob = CAST(substr(blob, 1, 991) || x'00' AS BLOB)", "bad tag"),
    ],
)
def test_a_row_that_was_moved_or_changed_is_refused_for_the_right_reason(
    folder, rows, change, reason
):
    with vault.Store.open(folder) as store:
        for i in range(3):
            store.commit([frame(i)], [vital()], b"", now_s=T0)
    edit(folder, f"UPDATE row SET {change} WHERE id IN ({rows})")
    with owned(folder) as store, pytest.raises(IntegrityError, match=reason):
        list(store.frames())


def test_a_row_of_another_store_is_refused(folder, tmp_path):
    other = new_store(tmp_path / "other")
    for each in (folder, other):
        commits(each, 1)
    ((blob, key_id),) = edit(other, "SELECT blob, key_id FROM row WHERE id = ?", FIRST)
    edit(folder, "UPDATE row SET blob = ? WHERE id = ?", blob, FIRST)
    with owned(folder) as store, pytest.raises(IntegrityError, match=f"row {FIRST}: wrong key"):
        list(store.frames())
    ((wrap,),) = edit(other, "SELECT blob FROM wrap WHERE key_id = ?", key_id)
    edit(folder, "UPDATE row SET key_id = ? WHERE id IN (?, ?)", key_id, FIRST, SECOND)
    reader = edit(folder, "SELECT max(reader) FROM wrap")[0][0]
    edit(folder, "INSERT INTO wrap VALUES (?, ?, ?)", key_id, reader, wrap)
    with owned(folder) as store, pytest.raises(IntegrityError, match="bad signature"):
        list(store.frames())


def test_a_row_put_back_as_it_was_in_another_history_is_noticed(folder, tmp_path):
    """The same row id, the same data key, a true seal: only the digest in the index tells."""
    commits(folder, 1)
    shutil.copytree(folder, tmp_path / "fork")
    for each, value in ((folder, 97.0), (tmp_path / "fork", 55.0)):
        with vault.Store.open(each) as store:
            store.commit([], [vital(T0, value)], b"", now_s=T0)
    ((row, blob),) = edit(tmp_path / "fork", f"SELECT max(id), blob FROM row WHERE id < {RAW_ROW}")
    edit(folder, "UPDATE row SET blob = ? WHERE id = ?", blob, row)
    with (
        vault.Store.open(folder) as store,
        pytest.raises(IntegrityError, match=f"row {row}: rolled back"),
    ):
        list(store.derived())


def test_one_row_of_an_older_state_among_newer_ones_is_noticed(folder):
    with vault.Store.open(folder) as store:
        store.commit([], [], b"one", now_s=T0)
        ((old,),) = edit(folder, "SELECT blob FROM row WHERE id = 2")
        store.commit([], [], b"two", now_s=T0)
    edit(folder, "UPDATE row SET blob = ? WHERE id = 2", old)
    with pytest.raises(IntegrityError, match="state: rolled back"):
        vault.Store.open(folder)


def test_the_whole_state_put_back_is_noticed(folder):
    with vault.Store.open(folder) as store:
        store.commit([frame()], [], b"one", now_s=T0)
        old = edit(folder, "SELECT blob, id FROM row WHERE id < 64")
        store.commit([frame()], [], b"two", now_s=T0)
    for blob, row in old:
        edit(folder, "UPDATE row SET blob = ? WHERE id = ?", blob, row)
    with pytest.raises(IntegrityError, match="the newest 1 commits are lost"):
        vault.Store.open(folder)


def test_an_overwritten_letter_put_back_is_noticed(folder):
    with vault.Store.open(folder) as store:
        store.set_aside("old", bytes(100))
        store.commit([], [], b"", now_s=T0)
        old = edit(folder, "SELECT key_id, blob FROM row WHERE id = 64")[0]
        noise = random.Random(3)
        for _ in range(15):
            store.set_aside("flood", noise.randbytes(65_536))
            store.commit([], [], b"", now_s=T0)
    edit(folder, "UPDATE row SET key_id = ?, blob = ? WHERE id = 64", *old)
    with owned(folder) as store, pytest.raises(IntegrityError, match="row 64: rolled back"):
        list(store.letters())


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("DELETE FROM wrap WHERE reader = 0", "wrap of its key is lost"),
        ("UPDATE wrap SET blob = zeroblob(117) WHERE reader = 0", "bad marker"),
        ("UPDATE wrap SET blob = 5 WHERE reader = 0", "not a blob"),
        ("DELETE FROM row WHERE id = 1", "state: lost"),
        ("DELETE FROM row WHERE id < 64", "state: lost"),
        ("UPDATE row SET key_id = 77 WHERE id < 64", "wrap of its key is lost"),
        ("UPDATE meta SET value = x'00' WHERE name = 'format'", "meta format: bad marker"),
        ("DELETE FROM meta WHERE name = 'device'", "header is not whole"),
        ("UPDATE meta SET value = 5 WHERE name = 'store'", "not a blob"),
        ("DROP TABLE row", "SQLITE_ERROR"),
    ],
)
def test_damage_to_keys_and_header_is_told_to_the_daemon(folder, sql, reason):
    edit(folder, sql)
    with pytest.raises(IntegrityError, match=reason):
        vault.Store.open(folder)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("DELETE FROM wrap WHERE reader > 0", r"wrap of key \d+: lost"),
        ("UPDATE wrap SET blob = zeroblob(1245) WHERE reader > 0", "bad marker"),
        ("DELETE FROM meta WHERE name GLOB 'identity/*'", "identity: lost"),
        ("UPDATE meta SET value = zeroblob(300) WHERE name GLOB 'identity/*'", "bad marker"),
    ],
)
def test_damage_to_the_owners_keys_is_no_wrong_passphrase(folder, sql, reason):
    edit(folder, sql)
    with pytest.raises(IntegrityError, match=reason):
        owned(folder)


def test_a_derived_key_that_should_be_there_is_missed(folder):
    commits(folder, 1)
    edit(folder, "DELETE FROM wrap WHERE reader = 0 AND key_id = "
                 + DERIVED)  # fmt: skip
    with (
        vault.Store.open(folder) as store,
        pytest.raises(
            IntegrityError, match=f"row {DERIVED_ROW + 2051}: the wrap of its key is lost"
        ),
    ):
        list(store.derived())


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM meta WHERE name GLOB 'reader/*'",
        "UPDATE meta SET value = CAST(x'48535031' || zeroblob(1281) AS BLOB) "
        "WHERE name GLOB 'reader/*'",
    ],
)
def test_no_key_is_minted_for_a_reader_that_was_changed_or_taken_away(folder, sql):
    edit(folder, sql)
    with vault.Store.open(folder) as store:
        with pytest.raises(IntegrityError, match="reader"):
            store.commit([frame()], [], b"", now_s=T0)
        assert store.state() is None


def test_bytes_flipped_anywhere_are_detected_or_change_nothing(folder, tmp_path):
    """A stride that is a prime visits headers, cells, keys and free space alike."""
    with vault.Store.open(folder) as store:
        for i in range(4):
            store.commit([frame(i)], EVERY_KIND, b"state", now_s=T0)
        sent = list(store.derived())
    data = (folder / "vault.db").read_bytes()
    detected, harmless = 0, []
    for at in [*range(0, 100, 3), *range(100, len(data), 101)]:
        copy = tmp_path / "copy"
        shutil.copytree(folder, copy)
        (copy / "vault.db").write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        try:
            with vault.Store.open(copy) as store:
                assert list(store.derived()) == sent
                store.verify()
            with owned(copy) as store:
                assert [f.seq for f in store.frames()] == [0, 1, 2, 3]
                store.verify()
            harmless.append(at)
        except HealthslmError:
            detected += 1
        shutil.rmtree(copy)
    assert detected > 250
    rows = [cell for cell in cells(data) if cell.kind == "row"]
    once = [c for c in rows if [r.a for r in rows].count(c.a) == 1]  # no stale copy of it about
    assert len(once) > 20
    assert not [at for at in harmless for c in once if c.at <= at < c.at + c.size]


def test_a_full_disk_loses_the_commit_and_nothing_else(folder):
    with vault.Store.open(folder) as store:
        store.commit([frame(0)], [vital()], b"0", now_s=T0)
        pages = store.rows.db.execute("PRAGMA page_count").fetchone()[0]
        store.rows.db.execute(f"PRAGMA max_page_count = {pages}")
        store.set_aside("kept", b"for later")
        with pytest.raises(IntegrityError, match="SQLITE_FULL"):
            store.commit([frame(i) for i in range(1, 9)], [vital()], b"1", now_s=T0 + 7200)
        assert store.state() == b"0"
        store.rows.db.execute("PRAGMA max_page_count = 100000")
        store.commit([frame(i) for i in range(1, 9)], [vital()], b"1", now_s=T0 + 7200)
        store.verify()
    with owned(folder) as store:
        assert [f.seq for f in store.frames()] == list(range(9))
        assert list(store.letters()) == [("kept", b"for later")]
