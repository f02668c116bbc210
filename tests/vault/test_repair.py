"""Damage is told, costs no more than it must, and what is left comes back as it was sent."""

import os
import shutil
import sqlite3
import subprocess
import sys
from functools import partial

import pytest

from healthslm import vault
from healthslm.errors import HealthslmError, IntegrityError, LockedError
from healthslm.vault import readers, recovery, repair, salvage, wreckage
from healthslm.vault.check import check
from healthslm.vault.database import SCHEMA

from .given import (
    AUDIT_ROW,
    CHEAPEST,
    DAY,
    DERIVED_ROW,
    EVERY_KIND,
    PASSPHRASE,
    T0,
    frame,
    new_store,
    owned,
    vital,
)

GONE = DERIVED_ROW + 2051  # of the first commit's records

HOW = partial(readers.unlock, passphrase=PASSPHRASE)
SHEET = partial(recovery.unlock, secret=bytes(32))
PAGE = 4096
N = 20  # commits: an entry's level is full after 16, so there is a node


def sealed(folder):
    """Fill a store; return it as it lies after a crash, with its log, and what was sent."""
    vault.create(folder / "live", PASSPHRASE, now_s=T0, profile=CHEAPEST, sheet=bytes(32))
    with vault.Store.open(folder / "live") as store:
        store.set_aside("malformed", b"a letter")
        for i in range(N):
            t_s = T0 + 5 * i
            store.commit([frame(i, t_s=t_s)], [vital(t_s), *EVERY_KIND], b"%d" % i, now_s=t_s)
        shutil.copytree(folder / "live", folder / "crash", ignore=shutil.ignore_patterns("*-shm"))
    with owned(folder / "live") as store:
        return list(store.frames()), list(store.derived())


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Return the folder with a store that was closed ("live") and one after a crash."""
    folder = tmp_path_factory.mktemp("sealed")
    sent = sealed(folder)
    return folder, sent


@pytest.fixture
def damaged(stores, tmp_path):
    """Return what makes a copy of a store with a file changed."""

    def make(kind, name, change):
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(stores[0] / kind, copy)
        data = bytearray((copy / name).read_bytes())
        change(data)
        (copy / name).write_bytes(data)
        return copy

    return make


def repaired(folder, how=HOW):
    """Repair a store; return the findings. It must be whole afterwards."""
    found = repair.prepare(folder, how, now_s=T0 + DAY)
    repair.replace(folder)
    rest = check(folder, how).damage
    if how is HOW and [damage.what for damage in rest] == ["spare copies"]:
        repaired(folder, SHEET)  # the sheet's own record was hit: only the sheet can tell
        rest = check(folder, how).damage
    assert rest == []
    return found


def left(folder):
    """Return the frames and records of a store, and hold it to be whole."""
    with owned(folder) as store:
        store.verify()
        return list(store.frames()), list(store.derived())


def lacking(sent, there):
    """Return how many commits' frames and records are missing; what is there must be true."""
    frames, records = sent
    assert [f for f in frames if f in there[0]] == there[0]
    per = len(records) // N
    blocks = [records[i * per : (i + 1) * per] for i in range(N)]
    found = [there[1][i : i + per] for i in range(0, len(there[1]), per)]
    assert [b for b in blocks if b in found] == found
    return len(frames) - len(there[0]), N - len(found)


def zero(page):
    def change(data):
        data[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)

    return change


def flip(at):
    def change(data):
        data[at] ^= 0x10

    return change


def test_a_whole_store_is_said_to_be_whole_with_either_key(stores):
    folder, _ = stores
    assert check(folder / "live", None).damage == []
    found = check(folder / "live", HOW)
    assert found.damage == []
    assert found.read["RAW"] == 2 * N + 2  # rows of frames, a node, a letter
    assert check(folder / "live", None).counted["RAW"] == 2 * N + 2


def test_a_wrong_passphrase_is_no_damage_and_changes_nothing(stores, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(stores[0] / "live", copy)
    before = {p.name: p.read_bytes() for p in copy.iterdir()}
    for act in (check, partial(repair.prepare, now_s=T0)):
        with pytest.raises(LockedError, match="wrong passphrase"):
            act(copy, partial(readers.unlock, passphrase="another"))  # noqa: S106
    assert {p.name: p.read_bytes() for p in copy.iterdir()} == before


@pytest.mark.parametrize("kind", ["live", "crash"])
def test_a_flip_anywhere_is_harmless_or_told_and_repair_loses_at_most_one_content(
    stores, damaged, kind
):
    folder, sent = stores
    name = "vault.db" if kind == "live" else "vault.db-wal"
    size = (folder / kind / name).stat().st_size
    told = 0
    for at in [*range(0, 100, 19), *range(100, size, 4099 if kind == "live" else 16_411)]:
        copy = damaged(kind, name, flip(at))
        found = check(copy, HOW)
        if found.whole:
            assert left(copy) == sent
            continue
        told += 1
        repaired(copy)
        assert sum(lacking(sent, left(copy))) <= 1
    assert told > 10


def test_a_flip_in_the_body_of_a_row_costs_the_content_that_it_holds(stores, damaged):
    folder, sent = stores
    data = (folder / "live" / "vault.db").read_bytes()
    bodies = [c for c in salvage.cells(data) if c.kind == "row" and c.a >= 2048]
    for cell in bodies[::5]:
        copy = damaged("live", "vault.db", flip(cell.at + 500))
        found = check(copy, HOW)
        assert [(d.how, d.what) for d in found.damage][:1] != []
        findings = repaired(copy)
        assert sum(lacking(sent, left(copy))) <= 1
        assert findings.lost.total() + len(findings.audit_lost) <= 2  # a raw content has two rows


def test_every_page_of_the_database_may_go_and_the_rest_comes_back(stores, damaged):
    """Four rows are in a page: at most four contents go with it; nothing does with any other."""
    folder, sent = stores
    data = (folder / "live" / "vault.db").read_bytes()
    rows = [c for c in salvage.cells(data) if c.kind == "row"]
    for page in range(len(data) // PAGE):
        copy = damaged("live", "vault.db", zero(page))
        gone = {c.a for c in rows if c.at // PAGE == page}
        assert not check(copy, HOW).whole or not gone
        findings = repaired(copy)
        lost = sum(lacking(sent, left(copy)))
        assert lost <= len([i for i in gone if i >= 2048]), page
        assert (findings.head == "newest") == all(i >= 64 for i in gone), page


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_database_that_was_cut_off_gives_back_what_the_rest_of_it_holds(stores, damaged, share):
    folder, sent = stores
    data = (folder / "live" / "vault.db").read_bytes()
    end = int(len(data) * share)
    there = {c.a for c in salvage.cells(data[:end]) if c.kind == "row" and c.a >= 2048}
    copy = damaged("live", "vault.db", lambda d: d.__delitem__(slice(end, None)))
    assert not check(copy, HOW).whole
    findings = repaired(copy)
    lacking(sent, left(copy))
    assert findings.kept.total() >= len(there) - 4  # nodes are made anew; one content is cut


def test_opening_a_store_with_a_damaged_log_destroys_nothing(stores, damaged):
    """SQLite forgets every frame behind the damaged one, and deletes the log when it is closed."""
    _, sent = stores
    copy = damaged("crash", "vault.db-wal", flip(32 + 4120 * 20 + 2000))
    for _ in range(2):
        with pytest.raises(IntegrityError, match=r"rolled back.*store repair"):
            vault.Store.open(copy)
    assert not (copy / "vault.db-wal").exists()
    findings = repaired(copy)
    assert findings.head == "newest"
    assert sum(lacking(sent, left(copy))) <= 1
    with vault.Store.open(copy) as store:
        assert store.state() == b"%d" % (N - 1)


def test_a_log_that_was_deleted_is_told_and_what_is_in_the_database_comes_back(stores, damaged):
    _, sent = stores
    copy = damaged("crash", "vault.db", lambda _: None)
    (copy / "vault.db-wal").unlink()
    found = check(copy, HOW)
    assert [(d.what, d.how) for d in found.damage] == [("state", "rolled back")]
    assert repaired(copy).commits_back == N  # an hour joined, and all but the first, which
    # destroyed a key and so emptied the log
    assert lacking(sent, left(copy)) == (N - 1, N - 1)


def test_the_owner_may_accept_a_loss_and_the_log_is_kept_all_the_same(stores, damaged):
    copy = damaged("crash", "vault.db-wal", flip(32 + 4120 * 20 + 2000))
    before = (copy / "vault.db-wal").read_bytes()
    vault.Store.unlock(copy, PASSPHRASE, now_s=T0 + DAY, accept_loss=True).close()
    assert (copy / "damaged-1" / "vault.db-wal.held").read_bytes() == before
    vault.Store.open(copy).close()
    assert not (copy / "vault.db-wal.held").exists()


def test_a_log_is_let_go_where_the_store_is_whole(stores, damaged):
    copy = damaged("crash", "vault.db", lambda _: None)
    with vault.Store.open(copy):
        assert not (copy / "vault.db-wal.held").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM wrap WHERE reader = 0",
        "DELETE FROM wrap WHERE reader > 0 AND key_id = (SELECT key_id FROM row WHERE id = 1)",
        "DELETE FROM wrap; INSERT INTO wrap SELECT * FROM wrap_spare",
        "DELETE FROM meta",
        "UPDATE meta SET value = zeroblob(16) WHERE name = 'store'",
        "UPDATE meta SET value = zeroblob(32) WHERE name = 'device'",
        "DROP TABLE wrap_spare; DROP TABLE meta_spare",
    ],
)
def test_what_opens_the_store_has_a_second_copy(stores, damaged, sql):
    copy = damaged("live", "vault.db", lambda _: None)
    db = sqlite3.connect(copy / "vault.db")
    for table in ("meta", "wrap"):
        for what in ("added", "changed", "removed"):
            db.execute(f"DROP TRIGGER {table}_{what}")  # so that one copy alone is hit
    db.executescript(sql)
    db.close()
    assert not check(copy, HOW).whole
    repaired(copy)
    assert left(copy) == stores[1]


@pytest.mark.parametrize(
    ("sql", "how", "what"),
    [
        (f"DELETE FROM row WHERE id = {GONE}", "lost", f"row {GONE}"),
        (f"UPDATE row SET blob = zeroblob(992) WHERE id = {GONE}", "altered", f"row {GONE}"),
        (f"UPDATE row SET blob = (SELECT blob FROM row WHERE id > {GONE} LIMIT 1) "
         f"WHERE id = {GONE}",
         "moved", f"row {GONE}"),
        (f"INSERT INTO row SELECT 99, key_id, blob FROM row WHERE id = {GONE}", "planted", "rows"),
        ("DELETE FROM row WHERE id = 64", "lost", "row 64"),
        ("UPDATE meta SET value = zeroblob(1284) WHERE name GLOB 'reader/*'", "altered", None),
        ("DELETE FROM wrap WHERE reader > 0 AND key_id = "
         f"(SELECT key_id FROM row WHERE id = {AUDIT_ROW + 2048})", "lost", None),
        ("CREATE TRIGGER x AFTER INSERT ON row BEGIN DELETE FROM row; END", "altered", "structure"),
    ],
)  # fmt: skip
def test_damage_is_told_by_what_happened(stores, damaged, sql, how, what):
    copy = damaged("live", "vault.db", lambda _: None)
    db = sqlite3.connect(copy / "vault.db")
    db.executescript(sql)
    db.close()
    told = [(d.how, d.what) for d in check(copy, HOW).damage]
    assert (how, what) in told if what else how in [h for h, _ in told]


def test_what_was_forgotten_does_not_come_back(tmp_path, monkeypatch):
    """The log still holds the pages of before: a head that stands does not name them."""
    monkeypatch.setattr("healthslm.vault.rows.Rows.settle", lambda rows: None)
    folder = new_store(tmp_path / "s")
    with vault.Store.open(folder) as store:
        store.commit([frame()], [vital()], b"0", now_s=T0)
        with store.rows.transaction(T0) as draft:
            raw = next(c for c in draft.chapters() if c.cls == 1)
            key = raw.key
            store.rows.forget(draft, raw)
        shutil.copytree(folder, tmp_path / "t", ignore=shutil.ignore_patterns("*-shm"))
    left_over = (tmp_path / "t" / "vault.db-wal").read_bytes()
    assert [c for c in salvage.cells(left_over) if c.kind == "wrap" and c.a == key]
    repaired(tmp_path / "t")
    assert left(tmp_path / "t") == ([], [vital()])
    data = (tmp_path / "t" / "vault.db").read_bytes()
    assert not [c for c in salvage.cells(data) if key in (c.a, c.b)]


def test_a_transaction_that_was_never_finished_is_not_taken_for_a_commit(tmp_path):
    """Its state may be in the log and its samples not: the state before it stands."""
    folder = new_store(tmp_path / "s")
    with vault.Store.open(folder) as store:
        store.commit([frame(0)], [vital()], b"0", now_s=T0)
        mark = (folder / "vault.mark").read_bytes()
        store.commit([frame(1)], [vital()], b"1", now_s=T0)
        shutil.copytree(folder, tmp_path / "t", ignore=shutil.ignore_patterns("*-shm"))
    log = (tmp_path / "t" / "vault.db-wal").read_bytes()
    (tmp_path / "t" / "vault.db-wal").write_bytes(log[:-4120])
    (tmp_path / "t" / "vault.mark").write_bytes(mark)
    findings = repaired(tmp_path / "t")
    assert (findings.head, findings.lost.total()) == ("newest", 0)
    with owned(tmp_path / "t") as store:
        assert store.state() == b"0"
        assert [f.seq for f in store.frames()] == [0]


def test_a_store_whose_state_is_lost_begins_anew_with_all_that_was_in_it(stores, damaged):
    data = (stores[0] / "live" / "vault.db").read_bytes()
    cell = next(c for c in salvage.cells(data) if c.kind == "row" and c.a == 1)
    copy = damaged("live", "vault.db", flip(cell.at + 500))
    assert repaired(copy).head == "lost"
    assert left(copy) == stores[1]
    with vault.Store.open(copy) as store:
        assert store.state() is None
        assert store.counts()["frames"] == N
        store.commit([frame(99)], [], b"on", now_s=T0 + DAY)
    frames, records = left(copy)
    assert frames[:-1] == stores[1][0]
    assert (frames[-1].seq, records) == (99, stores[1][1])


def test_without_state_and_mark_commits_are_numbered_on(stores, damaged):
    """Contents are in order of their commits' numbers: a new one must not come before the old."""
    data = (stores[0] / "live" / "vault.db").read_bytes()
    cell = next(c for c in salvage.cells(data) if c.kind == "row" and c.a == 1)
    copy = damaged("live", "vault.db", flip(cell.at + 500))
    (copy / "vault.mark").unlink()
    repaired(copy)
    with vault.Store.open(copy) as store:
        store.commit([frame(99)], [], b"on", now_s=T0 + DAY)
    assert [f.seq for f in left(copy)[0]] == [*range(N), 99]


def test_a_second_copy_follows_every_change_of_the_first():
    db = sqlite3.connect(":memory:")
    db.executescript(SCHEMA)
    db.execute("INSERT INTO meta VALUES ('a', x'01'), ('b', x'02'), ('c', x'03')")
    db.execute("UPDATE meta SET value = x'04' WHERE name = 'a'")
    db.execute("REPLACE INTO meta VALUES ('b', x'05')")
    db.execute("DELETE FROM meta WHERE name = 'c'")
    db.execute("INSERT INTO wrap VALUES (1, 0, x'01'), (1, 2, x'02'), (3, 2, x'03')")
    keep = "INSERT INTO wrap VALUES (1, 2, x'09') ON CONFLICT DO UPDATE SET blob = excluded.blob"
    db.execute(keep)
    db.execute("DELETE FROM wrap WHERE key_id = 3")
    for table, rows in (("meta", 2), ("wrap", 2)):
        first, second = (
            db.execute(f"SELECT * FROM {t} ORDER BY 1, 2").fetchall()
            for t in (table, f"{table}_spare")
        )
        assert first == second
        assert len(first) == rows


def test_the_recovery_sheet_repairs_as_the_owner_does(stores, damaged):
    copy = damaged("live", "vault.db", zero(0))
    repaired(copy, SHEET)
    assert left(copy) == stores[1]
    with owned(copy) as store:
        assert ("repaired", "recovery") in [(e.action, e.who) for e in store.events()]


def test_a_sheet_whose_record_was_hit_in_one_copy_still_opens_the_store(stores, damaged):
    """Nobody else can tell which copy is true: a repair by the owner leaves both."""
    data = (stores[0] / "live" / "vault.db").read_bytes()
    places = [c.at for c in salvage.cells(data) if c.kind.startswith("recovery/")]
    assert len(places) == 2
    for at in places:
        copy = damaged("live", "vault.db", flip(at + 80))
        repair.prepare(copy, HOW, now_s=T0 + DAY)
        repair.replace(copy)
        repaired(copy, SHEET)
        vault.Store.recover(copy, bytes(32), now_s=T0 + DAY).close()


def test_without_a_device_key_a_card_is_repaired_elsewhere(stores, damaged):
    data = (stores[0] / "live" / "vault.db").read_bytes()
    cell = next(c for c in salvage.cells(data) if c.kind == "row" and c.a == GONE)
    copy = damaged("live", "vault.db", flip(cell.at + 99))
    key = (copy / "device.key").read_bytes()
    (copy / "device.key").unlink()
    repaired(copy)
    (copy / "device.key").write_bytes(key)
    (copy / "device.key").chmod(0o600)
    assert sum(lacking(stores[1], left(copy))) == 1
    vault.Store.open(copy).close()


def test_a_trail_with_a_lost_entry_is_read_and_says_so(tmp_path):
    folder = new_store(tmp_path / "s")
    for _ in range(4):
        owned(folder).close()
    db = sqlite3.connect(folder / "vault.db")
    assert db.execute(f"DELETE FROM row WHERE id = {AUDIT_ROW + 2050}").rowcount == 1
    db.commit()
    db.close()
    assert not check(folder, HOW).whole
    findings = repaired(folder)
    assert findings.audit_lost == [2]
    with owned(folder) as store:
        events = list(store.events())
    assert [e.number for e in events][:5] == [0, 1, 3, 4, 5]
    assert (events[4].action, events[4].what) == ("repaired", "1 rows lost; audit entries lost: 2")


def test_what_is_not_told_by_a_repair_stays_a_broken_chain(tmp_path):
    folder = new_store(tmp_path / "s")
    for _ in range(4):
        owned(folder).close()
    with owned(folder) as store:
        contents = list(store.rows.contents(vault.store.Class.AUDIT, None, None))
        end = store.rows.head().audit
    del contents[2]
    with pytest.raises(IntegrityError, match="audit entry 2: the chain is broken"):
        list(vault.store.audit.chain(contents, end))


def test_the_damaged_files_are_kept_whole(stores, damaged):
    copy = damaged("crash", "vault.db-wal", flip(32 + 4120 * 20 + 2000))
    before = {n: (copy / n).read_bytes() for n in ("vault.db", "vault.db-wal", "vault.mark")}
    repaired(copy)
    for name, data in before.items():
        assert (copy / "damaged-1" / name).read_bytes() == data
    repaired(copy)
    assert wreckage.kept(copy) == [copy / "damaged-1", copy / "damaged-2"]


def test_a_repair_that_is_forgone_changes_nothing(stores, damaged):
    copy = damaged("live", "vault.db", zero(20))
    before = {p.name: p.read_bytes() for p in copy.iterdir()}
    repair.prepare(copy, HOW, now_s=T0)
    repair.forgo(copy)
    assert {p.name: p.read_bytes() for p in copy.iterdir()} == before


def test_a_repaired_store_goes_on(stores, damaged):
    copy = damaged("live", "vault.db", zero(20))
    repaired(copy)
    with vault.Store.open(copy) as store:
        for i in range(40):
            store.commit([frame(i)], [vital()], b"on", now_s=T0 + DAY + i)
        store.verify()
    left(copy)


def test_a_store_that_another_process_has_open_is_not_repaired(stores, damaged):
    copy = damaged("live", "vault.db", lambda _: None)
    code = (
        "import sys, pathlib; from healthslm import vault\n"
        "with vault.Store.open(pathlib.Path(sys.argv[1])): print('open', flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(copy)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(LockedError, match="stop the daemon"):
            repair.prepare(copy, HOW, now_s=T0)
        other.stdin.close()


STEPS = ("os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate")


def killed_at(step, folder):
    """Repair in a process that dies at the given change of the disk; say whether it got there."""
    child = os.fork()
    if not child:
        seen = 0

        def watch(event, args):
            nonlocal seen
            if event in STEPS or (event == "open" and isinstance(args[2], int) and args[2] & 3):
                seen += 1
                if seen == step:
                    os._exit(9)

        sys.addaudithook(watch)
        try:
            repair.prepare(folder, HOW, now_s=T0 + DAY)
            repair.replace(folder)
        except BaseException:  # noqa: BLE001 - a child must not go on as the test
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def test_a_repair_that_is_killed_anywhere_leaves_the_old_store_or_the_new(stores, damaged):
    _, sent = stores
    step, old, new = 1, 0, 0
    while killed_at(step, copy := damaged("crash", "vault.db-wal", flip(32 + 4120 * 20 + 2000))):
        try:
            vault.Store.open(copy).close()
            new += 1
        except HealthslmError:
            old += 1
            repaired(copy)
        assert sum(lacking(sent, left(copy))) <= 1, step
        assert not (copy / "repaired").exists()
        step += 1
    assert old > 5
    assert new > 3
