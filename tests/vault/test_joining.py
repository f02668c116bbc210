"""An hour's derived contents become one, in order, and nothing else changes."""

import logging

import pytest

from healthslm import vault
from healthslm.records import Beat, Vital
from healthslm.vault import erase as erasing
from healthslm.vault.chapters import entries
from healthslm.vault.keys import Class

from .given import DAY, T0, frame, new_store, owned

HOUR_S = 3600.0
START = T0 - T0 % DAY


def recorded(folder, hours, every_s=60.0):
    sent = []
    with vault.Store.open(folder) as store:
        for i in range(int(hours * HOUR_S / every_s)):
            t_s = START + i * every_s
            two = [
                Vital("spo2", "wrist/spo2", t_s, 97.0),
                Beat("beat", "chest/ecg", t_s, 0.8, True),
            ]
            store.commit([frame(i, t_s=t_s)], two, b"state %d" % i, now_s=t_s)
            sent += two
        store.verify()
    return sent


def contents(folder):
    """Return how many derived contents there are in each chapter."""
    with owned(folder) as store:
        known = [c for c in store.rows.chapters(store.rows.head()) if c.cls == Class.DERIVED]
        return [len(list(entries(c, store.rows.fetch))) for c in known]


def test_each_hour_is_one_content_and_every_record_is_there_in_order(tmp_path):
    folder = new_store(tmp_path / "store", START)
    sent = recorded(folder, 50)
    assert contents(folder) == [24 + 1, 24 + 1, 2 + 59]
    with owned(folder) as store:
        assert list(store.derived()) == sent
        assert [f.seq for f in store.frames()] == list(range(3000))
        store.verify()
        some = list(store.derived(START + 5 * HOUR_S, START + 6 * HOUR_S))
        assert some == [r for r in sent if 5 * HOUR_S <= r.t_s - START < 6 * HOUR_S]
        assert all(isinstance(r, Vital) for r in store.derived(kinds={Vital}))
        assert len(list(store.derived(kinds={Vital}))) == len(sent) / 2
    with vault.Store.open(folder) as store:
        assert list(store.derived()) == sent


def test_joined_hours_take_the_same_rows_whatever_they_hold(tmp_path):
    sizes = []
    for name, beats in (("calm", 50), ("busy", 90)):
        folder = new_store(tmp_path / name, START)
        with vault.Store.open(folder) as store:
            for i in range(61):
                t_s = START + 60.0 * i
                some = [Beat("beat", "chest/ecg", t_s + n / 2, 0.8, True) for n in range(beats)]
                store.commit([], some, b"state", now_s=t_s)
            sizes.append([c.rows for c in store.rows.head().chapters if c.cls == Class.DERIVED])
    assert sizes[0] == sizes[1]


def test_a_chapter_that_is_damaged_is_left_and_the_daemon_goes_on(tmp_path, caplog):
    folder = new_store(tmp_path / "store", START)
    caplog.set_level(logging.WARNING)
    with vault.Store.open(folder) as store:
        for i in range(30):
            store.commit([], [Vital("spo2", "a/b", START + i, 97.0)], b"s", now_s=START + i)
        (row,) = store.rows.db.execute("SELECT max(id) FROM row").fetchone()
        store.rows.db.execute("UPDATE row SET blob = zeroblob(992) WHERE id = ?", (row,))
        store.commit([frame()], [], b"next hour", now_s=START + HOUR_S)
        assert store.state() == b"next hour"
        with pytest.raises(vault.store.IntegrityError, match=f"row {row}"):
            list(store.derived())
    assert [r.getMessage() for r in caplog.records] == ["derived contents were not joined"]


def test_whoever_reads_while_hours_are_joined_and_erased_sees_one_commit_to_the_end(tmp_path):
    folder = new_store(tmp_path / "store", START)
    sent = recorded(folder, 1)
    with owned(folder) as reader, vault.Store.open(folder) as daemon:
        seen = reader.derived()
        first = [next(seen) for _ in range(5)]
        t_s = START + HOUR_S
        daemon.commit([], [Vital("spo2", "a/b", t_s, 97.0)], b"s", now_s=t_s)
        with owned(folder) as owner:
            erasing.erase(owner, erasing.Scope(), now_s=t_s)
        assert first + list(seen) == sent
        assert list(reader.derived()) == []
    with vault.Store.open(folder) as store:
        store.verify()
