"""A store keeps what it should, no more; and goes on when its disk is full."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm import vault
from healthslm.errors import IntegrityError
from healthslm.records import Summary
from healthslm.vault import audit, retention, upkeep
from healthslm.vault.chapters import DAY_S, Chapter
from healthslm.vault.keys import Class
from healthslm.vault.retention import Policy

from .given import DAY, T0, commits, frame, new_store, owned, vital

HOUR = 3600
ROOM = 1e12


def hours(n, rows=100, cls=Class.RAW, first=0):
    return [Chapter(first + i, cls, i * HOUR, rows=rows) for i in range(n)]


def days(n, cls=Class.DERIVED):
    return [Chapter(10_000 + i, cls, i * DAY_S, rows=10) for i in range(n)]


@pytest.mark.parametrize(("kept", "gone"), [(1, 48), (2, 24), (3, 0)])
def test_raw_hours_go_when_as_many_newer_days_have_some(kept, gone):
    chapters = hours(72)
    old = retention.due(chapters, Policy(raw_days=kept), rows=7200, free_bytes=ROOM)
    assert old == chapters[:gone]


def test_a_clock_that_jumps_ten_years_ahead_costs_one_day():
    chapters = [*hours(14 * 24), Chapter(99, Class.RAW, 10 * 365 * DAY_S, rows=1)]
    old = retention.due(chapters, Policy(raw_days=14), rows=1, free_bytes=ROOM)
    assert old == chapters[:24]


def test_each_class_has_its_own_days():
    chapters = [*days(20), *days(20, Class.AUDIT)]
    old = retention.due(chapters, Policy(derived_days=10, audit_days=15), rows=1, free_bytes=ROOM)
    assert [c.cls for c in old].count(Class.DERIVED) == 10
    assert [c.cls for c in old].count(Class.AUDIT) == 5


def test_over_the_quota_the_oldest_waveforms_go_first_then_derived_days_out_of_the_devices_reach():
    chapters = [*hours(34, rows=1000), *days(20)]
    used = (34 * 1000 + 20 * 10) * 1024 + 54 * retention.WRAPS_DISK_BYTES
    policy = Policy(quota_bytes=used - 2000 * 1024)
    assert retention.due(chapters, policy, rows=34_200, free_bytes=ROOM) == chapters[:2]
    all_that_may = retention.due(chapters, Policy(quota_bytes=0), rows=34_200, free_bytes=ROOM)
    assert all_that_may == [*chapters[:10], *chapters[34:46]]


def test_a_disk_with_less_than_the_reserve_costs_as_much_as_is_missing():
    chapters = hours(34, rows=1000)
    policy = Policy(reserve_bytes=5_000_000)
    assert retention.due(chapters, policy, rows=34_000, free_bytes=5_000_000) == []
    old = retention.due(chapters, policy, rows=34_000, free_bytes=3_000_000)
    assert old == chapters[:2]


@given(st.integers(1, 5), st.integers(0, 200_000), st.integers(0, 10_000_000))
def test_the_newest_day_of_waveforms_the_devices_days_and_the_audit_trail_never_go_for_room(
    n, quota, free
):
    chapters = [*hours(24 * n), *days(12), *days(12, Class.AUDIT)]
    policy = Policy(quota_bytes=quota, reserve_bytes=5_000_000)
    old = retention.due(chapters, policy, rows=2400 * n, free_bytes=free)
    assert not set(map(str, hours(24 * n)[-24:])) & set(map(str, old))
    assert not [c for c in old if c.cls == Class.AUDIT]
    assert not [c for c in old if c.cls == Class.DERIVED and c.epoch >= 4 * DAY_S]


def test_a_store_with_upkeep_forgets_hours_that_are_kept_no_longer(tmp_path):
    folder = new_store(tmp_path / "store")
    with vault.Store.open(folder) as store:
        upkeep.begin(store, folder, Policy(raw_days=2, derived_days=3))
        for day in range(6):
            t_s = T0 + day * DAY
            store.commit([frame(day, t_s=t_s)], [vital(t_s)], b"state", now_s=t_s)
            store.verify()
    with owned(folder) as store:
        assert [f.seq for f in store.frames()] == [4, 5]
        assert len(list(store.derived())) == 3
        assert [e.action for e in store.events()].count("kept no longer") == 4
        store.verify()


def test_a_store_without_upkeep_keeps_everything(tmp_path):
    folder = new_store(tmp_path / "store")
    for day in range(20):
        commits(folder, 1, T0 + day * DAY)
    with owned(folder) as store:
        assert len(list(store.frames())) == 20


def test_the_state_gets_a_new_key_each_hour(tmp_path):
    folder, seen = new_store(tmp_path / "store"), set()
    with vault.Store.open(folder) as store:
        for hour in range(5):
            store.commit([frame()], [], b"state", now_s=T0 + hour * HOUR)
            seen |= set(store.rows.db.execute("SELECT key_id FROM row WHERE id = 1").fetchall())
            assert store.state() == b"state"
    assert len(seen) == 5
    with vault.Store.open(folder) as store:
        store.verify()


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 10 MB in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=10m", "none", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", place], check=True)


def test_on_a_full_disk_the_oldest_hours_make_room_and_the_newest_day_stays(small_disk):
    folder = new_store(small_disk / "store")
    with vault.Store.open(folder) as store:
        store.upkeep = upkeep.Upkeep(Policy(), upkeep.Ballast(folder / "ballast", 3 << 20))
        store.upkeep.ballast.lay()
        refused = 0
        for n in range(4000):
            t_s = T0 + 60 * n
            for _ in range(3):
                try:
                    store.commit([frame(n, t_s=t_s)], [], b"state", now_s=t_s)
                except IntegrityError as error:
                    assert "full" in str(error)
                    refused += 1
                    assert upkeep.make_room(store, now_s=t_s)
                else:
                    break
            else:
                pytest.fail("no room was made")
        assert refused
        store.verify()
    with owned(folder) as store:
        seqs = [f.seq for f in store.frames()]
        assert seqs[-1] == 3999
        assert seqs == list(range(seqs[0], 4000))
        assert len(seqs) > 24 * 60


def test_a_disk_that_a_day_fills_is_not_made_room_on(tmp_path):
    folder = new_store(tmp_path / "store")
    with vault.Store.open(folder) as store:
        upkeep.begin(store, folder, Policy())
        for hour in range(20):
            t_s = T0 + hour * HOUR
            store.commit([frame(hour, t_s=t_s)], [], b"state", now_s=t_s)
        assert not upkeep.make_room(store, now_s=t_s)
    with owned(folder) as store:
        assert len(list(store.frames())) == 20


def test_a_trail_whose_oldest_months_are_kept_no_longer_is_whole_all_the_same(tmp_path):
    """The entry that tells of it is what lets the chain begin later; without it, it is broken."""
    folder = new_store(tmp_path / "store")
    with vault.Store.open(folder) as store:
        upkeep.begin(store, folder, retention.Policy(audit_days=1))
        for month in range(4):
            t_s = T0 + month * 31 * DAY
            note = Summary(t_s - 9, t_s, "en", "Text.", "template")
            store.commit([], [note], b"", now_s=t_s)
            store.commit([], [vital(t_s + DAY)], b"", now_s=t_s + DAY)
    with owned(folder) as store:
        events = list(store.events())
        assert events[0].number > 0 and events[0].action != "create"
        contents = list(store.rows.contents(Class.AUDIT, None, None))
        untold = [c for c in contents if audit.OLDEST not in audit.thaw(c, "entry").event.what]
        assert len(untold) < len(contents)
        with pytest.raises(IntegrityError, match="the chain is broken"):
            list(audit.chain(untold, store.rows.head().audit))
