"""Which failures of the store are waited for, and how often they are told."""

import errno
import logging
import sqlite3
import time
from pathlib import Path

import pytest

from healthslm import outage
from healthslm.errors import ConfigError, IntegrityError, LockedError
from healthslm.outage import Outage, passes
from healthslm.vault import database


def raised(work):
    """Return what the store makes of an error of SQLite."""
    with pytest.raises(IntegrityError) as caught, database.storage():
        work()
    return caught.value


def of_sqlite(code):
    error = sqlite3.OperationalError("told by SQLite")
    error.sqlite_errorcode, error.sqlite_errorname = code, "SQLITE_WORD"

    def fail():
        raise error

    return raised(fail)


def test_a_full_database_passes():
    with sqlite3.connect(":memory:") as db:
        db.execute("PRAGMA max_page_count = 2")
        db.execute("CREATE TABLE t (x)")
        error = raised(lambda: db.execute("INSERT INTO t VALUES (zeroblob(100000))"))
    db.close()
    assert "full" in str(error)
    assert passes(error)


@pytest.mark.parametrize("name", ["BUSY", "CANTOPEN", "FULL", "IOERR", "IOERR_FSYNC", "READONLY"])
def test_what_sqlite_says_of_the_disk_passes(name):
    assert passes(of_sqlite(getattr(sqlite3, f"SQLITE_{name}")))


@pytest.mark.parametrize("name", ["CORRUPT", "NOTADB", "CONSTRAINT", "ERROR"])
def test_what_sqlite_says_of_the_content_does_not_pass(name):
    assert not passes(of_sqlite(getattr(sqlite3, f"SQLITE_{name}")))


@pytest.mark.parametrize("kind", [IntegrityError, LockedError, ConfigError])
def test_damage_a_wrong_key_and_a_wrong_configuration_do_not_pass(kind):
    assert not passes(kind("row 7: rolled back"))


def test_of_the_kernels_errors_only_those_of_the_disk_pass():
    assert passes(OSError(errno.EIO, "Input/output error"))
    assert passes(OSError(errno.EROFS, "Read-only file system"))
    assert not passes(OSError(errno.EACCES, "Permission denied"))
    assert not passes(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))


def test_each_state_is_told_once(caplog):
    caplog.set_level(logging.INFO)
    out = Outage()
    out.ended()  # there was none
    for _ in range(3):
        out.began(IntegrityError("vault.db: the disk is full"))
    out.began(IntegrityError("vault.db: the disk failed"))
    out.ended()
    out.ended()
    told = [record.getMessage() for record in caplog.records]
    assert [text.partition(";")[0] for text in told] == [
        "vault.db: the disk is full",
        "vault.db: the disk failed",
        "the store can be written again",
    ]


def test_a_path_or_a_word_of_the_kernel_is_not_told(caplog):
    Outage().began(OSError(errno.EIO, "Input/output error", "/home/ada/store/vault.mark"))
    assert "ada" not in caplog.text


def pauses(out, monkeypatch, times):
    """Return how long `times` waits take, by a clock of their own."""
    now, waited = [1000.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda s: now.__setitem__(0, now[0] + s))
    for _ in range(times):
        since_s = now[0]
        out.began(IntegrityError("vault.db: the disk is full"))
        out.wait(lambda: False, Path())
        waited.append(now[0] - since_s)
        out.ended()  # but only for a moment
    return waited


def test_the_pauses_grow_to_a_bound_also_where_it_only_seems_to_be_over(monkeypatch):
    waited = pauses(Outage(), monkeypatch, 9)
    assert waited[:3] == pytest.approx([0.5, 1.0, 2.0])
    assert waited[-1] == outage.PAUSE_S[1]


def test_who_is_asked_to_end_does_not_wait(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda s: pytest.fail("it slept"))
    Outage().wait(lambda: True, Path("/nowhere"))


def test_a_disk_that_was_unmounted_is_waited_for(monkeypatch, tmp_path):
    folder, slept = tmp_path / "store", []
    monkeypatch.setattr(time, "sleep", lambda s: slept.append(s) or mounts())

    def mounts():
        if len(slept) == 100:  # 25 s, in the test's own time
            folder.mkdir()
        assert len(slept) <= 200

    monkeypatch.setattr(time, "monotonic", lambda: 0.25 * len(slept))
    Outage().wait(lambda: False, folder)
    assert len(slept) == 100
