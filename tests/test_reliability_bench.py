"""`./dev bench reliability` sees what it looks for: loss, mixture, refusal, and states between."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from benchmarks import attacked, day, reliability
from benchmarks.apsw_sqlite3 import Connection
from benchmarks.disk import Disk, Op, cuts
from benchmarks.recorder import recording
from benchmarks.reliability_tasks import interrupted, power_cut, tamper
from benchmarks.reliability_tasks.interrupted import OPERATIONS, Operation, broken_off
from benchmarks.trees import put
from healthslm import vault, witness

FILE = Op("create", "f"), Op("entries", "")


def drawn(disk: Disk, n: int = 300) -> set[bytes | None]:
    """Return what the file `f` may hold after a cut, as far as `n` draws show; None: no file."""
    rng = Random(5)
    return {disk.cut(rng).get("f") for _ in range(n)}


def after(*ops: Op) -> Disk:
    disk = Disk({})
    for op in ops:
        disk.do(op)
    return disk


# --- the disk ---


def test_what_was_synced_stays_and_what_was_not_may_be_there_or_not() -> None:
    disk = after(*FILE, Op("write", "f", 0, b"one"), Op("sync", "f"), Op("write", "f", 3, b"two"))
    assert disk.synced()["f"] == b"one"
    assert disk.killed()["f"] == b"onetwo"
    found = drawn(disk)
    assert {b"one", b"onetwo", b"one\0\0\0"} <= found
    assert all(content is not None and content.startswith(b"one") for content in found)


def test_a_later_write_may_be_there_without_the_earlier() -> None:
    disk = after(*FILE, Op("write", "f", 0, b"a"), Op("write", "f", 1, b"b"))
    assert b"\0b" in drawn(disk)


def test_a_write_is_torn_at_sectors_and_harms_no_byte_beside_it() -> None:
    """Each sector is old, new, zeros or garbage; garbage ends where the write ends."""
    old, new = b"o" * 1536, b"n" * 1024
    disk = after(*FILE, Op("write", "f", 0, old), Op("sync", "f"), Op("write", "f", 256, new))
    found = {content for content in drawn(disk) if content}
    assert {c[:256] for c in found} == {b"o" * 256}
    assert {c[1280:] for c in found} == {b"o" * 256}
    middle = {c[512:1024] for c in found}
    assert {b"o" * 512, b"n" * 512, bytes(512)} < middle
    assert any(c[256:512] == b"o" * 256 and c[512:1024] == b"n" * 512 for c in found)


def test_a_truncation_that_was_not_synced_may_be_undone() -> None:
    disk = after(*FILE, Op("write", "f", 0, b"long"), Op("sync", "f"), Op("truncate", "f", 1))
    assert drawn(disk) == {b"long", b"l"}


def test_a_name_stays_only_once_its_folder_is_synced() -> None:
    made = Op("create", "f"), Op("write", "f", 0, b"x"), Op("sync", "f")
    assert drawn(after(*made)) == {None, b"x"}
    assert drawn(after(*made, Op("entries", ""))) == {b"x"}
    assert drawn(after(*made, Op("entries", ""), Op("delete", "f"))) == {None, b"x"}


def test_a_rename_is_whole_or_not_at_all() -> None:
    """The old content or the new one, never no file, and under one name."""
    disk = after(*FILE, Op("write", "f", 0, b"old"), Op("sync", "f"), Op("create", "g"))
    for op in (Op("write", "g", 0, b"new"), Op("sync", "g"), Op("entries", "")):
        disk.do(op)
    disk.do(Op("rename", "g", to="f"))
    rng = Random(1)
    trees = [dict(disk.cut(rng)) for _ in range(50)]
    assert {"f": b"new"} in trees
    assert {"f": b"old", "g": b"new"} in trees
    assert all(tree in ({"f": b"new"}, {"f": b"old", "g": b"new"}) for tree in trees)


def test_files_of_a_folder_move_with_it_and_are_gone_where_it_is() -> None:
    disk = after(
        *(Op("folder", "a"), Op("create", "a/f"), Op("entries", "a")), Op("rename", "a", to="b")
    )
    assert disk.killed() == {"b": None, "b/f": b""}
    assert disk.synced() == {}, "the folder's own name was never synced"


def test_a_program_is_killed_and_the_power_cut_at_each_step_and_each_state_comes_once() -> None:
    """With it, how many notes stood before: what was acknowledged by then."""
    ops = [
        Op("write", "f", 0, b"a"),
        Op("write", "f", 1, b"b"),
        Op("note", "told"),
        Op("sync", "f"),
    ]
    found = [(told, tree["f"]) for told, tree in cuts({"f": b""}, ops, Random(1), 0)]
    assert found == [(0, b"a"), (0, b""), (0, b"ab"), (1, b"ab"), (1, b"")]


def test_a_second_name_leads_to_the_same_file_whose_first_name_may_go() -> None:
    disk = after(*FILE, Op("write", "f", 0, b"x"), Op("link", "f", to="g"), Op("delete", "f"))
    assert disk.killed() == {"g": b"x"}
    disk.do(Op("entries", ""))
    assert disk.synced() == {"g": b""}, "the names are kept, what was written is not"


# --- the recorder ---


def test_every_way_of_changing_a_file_is_recorded(tmp_path: Path) -> None:
    """The recorder itself compares the folder with what it recorded; here, that it is complete."""
    with recording(tmp_path, {}) as recorder:
        (tmp_path / "text").write_text("one\n")
        with (tmp_path / "text").open("a") as text:
            text.write("two\n")
        with (tmp_path / "both").open("w+b") as both:
            both.write(b"1234")
            both.seek(1)
            both.truncate(2)
            os.fsync(both.fileno())
        (tmp_path / "text").rename(tmp_path / "moved")
        (tmp_path / "folder").mkdir()
        handle = os.open(tmp_path / "folder" / "raw", os.O_CREAT | os.O_WRONLY)
        os.write(handle, b"abc")
        os.pwrite(handle, b"d", 5)
        os.ftruncate(handle, 7)
        os.posix_fallocate(handle, 0, 9)
        os.close(handle)
        os.link(tmp_path / "both", tmp_path / "second")
        (tmp_path / "both").unlink()
        shutil.copytree(tmp_path / "folder", tmp_path / "copy")
        shutil.rmtree(tmp_path / "folder")
        with tempfile.NamedTemporaryFile(dir=tmp_path, delete=False) as temporary:
            temporary.write(b"x")
        Path(temporary.name).replace(tmp_path / "copy" / "x")
        with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as db:
            db.execute("CREATE TABLE t (x)")
    kinds = Counter(op.kind for op in recorder.ops)
    assert kinds["create"] == 7, "text, both, raw and its copy, x, db and its journal"
    assert min(kinds[k] for k in ("write", "truncate", "sync", "rename", "folder", "delete")) >= 1
    assert kinds["entries"] >= 1, "the journal's folder"
    assert kinds["link"] == 1


def test_a_change_that_is_not_recorded_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    plain = os.pwrite
    with (
        pytest.raises(RuntimeError, match="not what the recorded"),
        recording(tmp_path, {}),
        (tmp_path / "f").open("rb+") as file,
    ):
        plain(file.fileno(), b"unseen", 0)


@pytest.fixture(params=["sqlite3", "apsw"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection of Python's, then one of the benchmark's."""
    path = tmp_path / "db"
    if request.param == "sqlite3":
        made = sqlite3.connect(path, isolation_level=None)
    else:
        made = Connection(str(path), "unix", 5.0, {})
    with closing(made) as open_db:
        yield open_db


def test_the_shim_does_as_sqlite3_does(db: sqlite3.Connection) -> None:
    """Results, transactions, and the codes that errors carry."""
    db.executescript("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB); CREATE TABLE u (x)")
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT INTO t (id, b) VALUES (?, ?)", {1: b"a", 2: None}.items())
    assert db.in_transaction
    db.commit()
    assert not db.in_transaction
    db.rollback()
    cursor = db.execute("SELECT id, b FROM t WHERE id > ? ORDER BY id", (0,))
    assert (cursor.fetchone(), cursor.fetchall(), cursor.fetchone()) == (
        (1, b"a"),
        [(2, None)],
        None,
    )
    assert [*db.execute("SELECT id FROM t")] == [(1,), (2,)]
    for sql, kind, name in [
        ("SELECT * FROM none", sqlite3.OperationalError, "SQLITE_ERROR"),
        ("INSERT INTO t (id) VALUES (1)", sqlite3.IntegrityError, "SQLITE_CONSTRAINT_PRIMARYKEY"),
    ]:
        with pytest.raises(kind) as caught:
            db.execute(sql)
        assert caught.value.sqlite_errorname == name


# --- power_cut ---


@pytest.fixture(scope="module")
def recorded() -> power_cut.Day:
    return power_cut.recorded(2, power_cut.CHECKPOINT)


def hurried(recorded: power_cut.Day, early: Callable[[Op], bool]) -> list[day.Found]:
    """Return what is found where some operations come before the sync that they waited for."""
    ops: list[Op] = []
    for op in recorded.ops:
        at = len(ops)
        if early(op):
            at = max((k for k, before in enumerate(ops) if before.kind == "sync"), default=at)
        ops.insert(at, op)
    return power_cut.examined(replace(recorded, ops=ops), seed=1)


def test_the_store_loses_nothing_acknowledged(recorded: power_cut.Day) -> None:
    found = power_cut.examined(recorded, seed=1)
    assert len(found) > 50
    assert not any(f.lost or f.wrong for f in found)


def test_an_acknowledgement_before_the_sync_is_seen_as_loss(recorded: power_cut.Day) -> None:
    assert any(f.lost for f in hurried(recorded, lambda op: op.kind == "note"))


def test_a_mark_before_its_commit_is_seen_as_refusal(recorded: power_cut.Day) -> None:
    found = hurried(recorded, lambda op: op.path.endswith("mark"))
    assert any("rolled back" in f.refused for f in found)


def test_a_state_committed_apart_from_its_samples_is_seen_as_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def apart(store: vault.Store, i: int) -> None:
        store.commit([day.frame(i)], day.derived(i), b"", now_s=day.now_s(i))
        store.commit([], [], day.state(i), now_s=day.now_s(i))

    monkeypatch.setattr(day, "commit", apart)
    found = power_cut.examined(power_cut.recorded(1, power_cut.CHECKPOINT), seed=1)
    assert any("state" in f.wrong for f in found)


def test_a_cut_that_spoils_all_of_the_mark_that_was_not_synced_leaves_a_store_that_opens(
    recorded: power_cut.Day, tmp_path: Path
) -> None:
    """Nothing but the power failed, so nothing but a restart may be needed."""
    disk = Disk(recorded.before)
    for op in recorded.ops:
        disk.do(op)
    tree = dict(disk.killed())
    mark = bytearray(tree["store/vault.mark"] or b"")
    for op in recorded.ops:
        if op.path == "store/vault.mark":
            assert op.kind == "write", "where the mark is synced now, look from there on"
            mark[op.at : op.at + len(op.data)] = bytes(len(op.data))
    folder = put({**tree, "store/vault.mark": bytes(mark)}, tmp_path / "cut")
    vault.Store.open(folder / "store").close()


def test_the_command_says_the_figures_of_its_tasks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And that a small exam has not the states that are asked for.

    The first commit of an hour empties the log, and is synced by that; the second may be lost.
    """
    asked = ["--task", "power_cut", "--n", "2", "--check", "--json", "-"]
    monkeypatch.setattr(sys, "argv", ["reliability", *asked])
    assert reliability.main() == 1
    (row,) = json.loads(capsys.readouterr().out)["results"]
    assert row["metrics"]["lost"] == row["metrics"]["wrong"] == 0
    assert row["metrics"]["control_lost"] >= 1


# --- interrupted ---


def broken(operation: Operation) -> Counter[str]:
    return broken_off(operation, seed=1, drawn=2)[0]


def written(root: Path, name: str, content: bytes) -> None:
    with (root / name).open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def synced(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def both(root: Path) -> str:
    there = [(root / name).exists() for name in "ab"]
    return "new" if all(there) else "half" if any(there) else "old"


def swapped(root: Path) -> str:
    return {b"old": "old", b"new": "new"}.get((root / "f").read_bytes(), "neither")


def test_an_operation_in_two_steps_is_seen_as_neither() -> None:
    def act(root: Path) -> None:
        written(root, "a", b"x")
        written(root, "b", b"x")
        synced(root)

    counts = broken(Operation(lambda _: None, act, both))
    assert counts["neither"] and counts["old"] and counts["new"] and not counts["undone"]


@pytest.mark.parametrize("durable", [True, False])
def test_a_swap_is_old_or_new_and_stays_only_where_its_folder_is_synced(durable: bool) -> None:
    def act(root: Path) -> None:
        written(root, "g", b"new")
        (root / "g").rename(root / "f")
        if durable:
            synced(root)

    counts = broken(Operation(lambda root: written(root, "f", b"old"), act, swapped))
    assert counts["old"] and counts["new"] and not counts["neither"]
    assert bool(counts["undone"]) is not durable


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_that_is_broken_off_leaves_old_or_new(name: str) -> None:
    """A few dozen of the states; the benchmark looks at all."""
    every = {"data_keys": 23, "backup": 5, "restore": 3, "erase": 5}.get(name, 2)
    counts, amiss = broken_off(OPERATIONS[name], seed=1, drawn=0, every=every)
    assert counts["old"] and counts["new"]
    assert counts["states"] > 15
    assert not amiss
    assert not counts["undone"]
    assert not counts["between"] or name in ("data_keys", "erase")


def test_the_figures_of_the_task_are_those_of_its_operations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interrupted, "OPERATIONS", {"unlock": OPERATIONS["unlock"]})
    (result,) = interrupted.measure(1, 1)
    assert result.holds
    assert result.metrics["states"] == result.metrics["states_unlock"] > 20


# --- tamper ---


@pytest.fixture(scope="module")
def attacked_scene(tmp_path_factory: pytest.TempPathFactory) -> attacked.Scene:
    return attacked.scene(tmp_path_factory.mktemp("attacked"))


def judged(scene: attacked.Scene, what: str, how: str) -> list[str]:
    (attempt,) = [a for a in tamper.ATTEMPTS if (a.what, a.how) == (what, how)]
    return tamper.judged(attempt, tamper.tried(scene, attempt, Random(1)))


def test_everything_that_is_tried_is_refused_for_the_right_reason(
    attacked_scene: attacked.Scene,
) -> None:
    """Each once; and nothing is refused where nothing was touched."""
    for attempt in tamper.ATTEMPTS:
        said = tamper.tried(attacked_scene, attempt, Random(1))
        assert not tamper.judged(attempt, said), (attempt.what, attempt.how, said)
    for control in tamper.CONTROLS:
        assert not tamper.tried(attacked_scene, control, Random(1)), control.what


ANYBODY = SimpleNamespace(from_public_bytes=lambda _: SimpleNamespace(verify=lambda *_: None))
FAULTS: dict[tuple[str, str], tuple[str, object]] = {  # what goes through without which check
    ("store", "as it was"): ("healthslm.vault.rows.read_mark", lambda *_: 0),
    ("identity", "as it was"): ("healthslm.vault.store.Store.welcome", lambda *_: None),
    ("row", "planted between"): ("healthslm.vault.rows.Rows.check_rows", lambda _: None),
    ("report", "forged"): ("healthslm.share.envelope.Ed25519PublicKey", ANYBODY),
    ("report", "twice"): (
        "healthslm.witness.judge",
        lambda opened, _, told, judge=witness.judge: judge(opened, None, told),
    ),
}


@pytest.mark.parametrize(("what", "how"), FAULTS)
def test_a_check_that_is_switched_off_is_seen(
    what: str, how: str, attacked_scene: attacked.Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(attacked_scene, what, how) == []
    where, off = FAULTS[what, how]
    monkeypatch.setattr(where, off)
    assert judged(attacked_scene, what, how) == ["accepted"]


def test_the_figures_of_tampering_are_those_of_its_attempts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is taken, one for another reason, one that is refused as it should be."""
    tries = [a for a in tamper.ATTEMPTS if a.what == "mark"]
    harmless = replace(tries[0], act=lambda _: None)
    monkeypatch.setattr(tamper, "ATTEMPTS", [*tries, harmless, replace(tries[0], word="other")])
    (result,) = tamper.measure(1, 1)
    assert result.metrics == {
        "attempts": 3.0,
        "accepted": 1.0,
        "wrong_reason": 1.0,
        "control_accepted": 1.0,
    }
