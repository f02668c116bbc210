"""What is erased opens with no key that is left; all else stays as it was."""

import itertools
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthslm import vault
from healthslm.errors import LockedError
from healthslm.records import Beat, Gap, Summary, Vital
from healthslm.vault import erase as erasing
from healthslm.vault.erase import Scope
from healthslm.vault.keys import Class

from .given import DAY, PASSPHRASE, T0, frame, new_store, owned

HOUR = 3600.0


def recorded(folder, hours=30, every_s=900.0):
    """Commit two streams and their records for some hours; return what was sent."""
    frames, records = [], []
    with vault.Store.open(folder) as store:
        for i in range(int(hours * HOUR / every_s)):
            t_s = T0 + i * every_s
            two = [frame(i, "ecg", t_s), frame(i, "ppg", t_s)]
            some = [
                Vital("spo2", "wrist/spo2", t_s, 97.0),
                Beat("beat", "chest/ecg", t_s + 1, 0.8, True),
                Gap("chest/ppg", t_s + 2, t_s + 3, 25),
            ]
            if i % 40 == 39:
                some.append(Summary(t_s - 10 * HOUR, t_s, "en", f"Text {i}.", "template"))
            store.commit(two, some, b"state", now_s=t_s)
            frames += two
            records += some
        store.set_aside("cbor", b"payload")
        store.commit([], [], b"state", now_s=T0 + hours * HOUR)
    return frames, records


def there(folder):
    with owned(folder) as store:
        store.verify()
        return list(store.frames()), list(store.derived())


def erased(folder, scope):
    with owned(folder) as store:
        return erasing.erase(store, scope, now_s=T0 + 3 * DAY)


@pytest.mark.parametrize(
    "scope",
    [
        Scope(),
        Scope(classes=frozenset({Class.RAW})),
        Scope(classes=frozenset({Class.DERIVED})),
        Scope(T0 + 5 * HOUR, T0 + 9.3 * HOUR),
        Scope(T0 + 20 * HOUR, T0 + 90 * HOUR, frozenset({Class.RAW})),
        Scope(stream="chest/ecg"),
        Scope(T0 + 3 * HOUR, T0 + 4 * HOUR, stream="chest/ppg"),
        Scope(T0 - 9 * HOUR, T0),
        Scope(stream="nobody/has-it"),
    ],
    ids=str,
)
def test_what_is_in_the_scope_goes_and_the_rest_stays_in_order(tmp_path, scope):
    """Held against the obvious way: each record that was sent, asked one by one."""
    folder = new_store(tmp_path / "store")
    frames, records = recorded(folder)
    own = [r for r in [*frames, *records] if not isinstance(r, Summary)]
    hull = [erasing.span(r) for r in own if scope.stream and scope.takes(r, (0.0, 0.0))]
    texts = (min((a for a, _ in hull), default=9e99), max((b for _, b in hull), default=-9e99))
    raw, derived = Class.RAW in scope.classes, Class.DERIVED in scope.classes
    told = erased(folder, scope)
    left = there(folder)
    assert left[0] == [f for f in frames if not (raw and scope.takes(f, texts))]
    assert left[1] == [r for r in records if not (derived and scope.takes(r, texts))]
    assert told.frames == len(frames) - len(left[0])
    assert told.records == len(records) - len(left[1])


def test_the_device_goes_on_after_an_erasure_while_it_was_open(tmp_path):
    folder = new_store(tmp_path / "store")
    recorded(folder, 2)
    with vault.Store.open(folder) as daemon:
        daemon.commit([frame(1, t_s=T0 + DAY)], [], b"before", now_s=T0 + DAY)
        erased(folder, Scope())
        daemon.commit([frame(2, t_s=T0 + DAY)], [], b"after", now_s=T0 + DAY)
    frames, records = there(folder)
    assert [f.seq for f in frames] == [2]
    assert records == []


def test_everything_erased_takes_the_pipelines_state_with_it(tmp_path):
    folder = new_store(tmp_path / "store")
    recorded(folder, 2)
    erased(folder, Scope())
    with vault.Store.open(folder) as store:
        assert store.state() is None


def test_letters_go_with_the_hour_that_they_came_in(tmp_path):
    folder = new_store(tmp_path / "store")
    recorded(folder, 2)
    with owned(folder) as store:
        assert len(list(store.letters())) == 1
    erased(folder, Scope(classes=frozenset({Class.RAW})))
    with owned(folder) as store:
        assert list(store.letters()) == []
        store.verify()


def test_no_old_row_opens_with_any_key_that_a_thief_of_everything_finds(tmp_path):
    """The rows as they were, kept by the flash; every wrap that is left, and every secret."""
    folder = new_store(tmp_path / "store")
    recorded(folder, 3)
    with closing(sqlite3.connect(folder / "vault.db")) as db:
        old = db.execute("SELECT id, key_id, blob FROM row WHERE id >= 2048").fetchall()
    erased(folder, Scope(stream="chest/ecg"))
    with owned(folder) as store:
        left = {key for key, _ in store.rows.keys.wraps()}
        gone = [row for row in old if row[1] not in left]
        assert len(gone) > 20
        for _, key_id, _ in gone:
            assert store.rows.keys.at_hand(key_id) is None
    data = b"".join(path.read_bytes() for path in folder.iterdir())
    assert not [row for row in gone if row[2] in data]


def test_the_audit_trail_says_what_was_erased_before_and_after(tmp_path):
    folder = new_store(tmp_path / "store")
    recorded(folder, 2)
    erased(folder, Scope(T0, T0 + HOUR, frozenset({Class.RAW})))
    with owned(folder) as store:
        told = [(e.action, e.what) for e in store.events() if e.action.startswith("eras")]
        assert store.rows.head().job == ""
    span = f"raw of {T0:.0f} to {T0 + HOUR:.0f}"
    assert told == [("erasure begun", span), ("erased", f"{span}: 1 keys destroyed")]


def test_an_erasure_that_is_interrupted_says_so_and_the_same_again_ends_it(tmp_path):
    folder = new_store(tmp_path / "store")
    recorded(folder, 6)

    class Killed(Exception):
        pass

    def told(done, of):
        if done == 3:
            raise Killed

    with owned(folder) as store, pytest.raises(Killed):
        erasing.erase(store, Scope(), now_s=T0 + DAY, told=told)
    with owned(folder) as store:
        assert store.rows.head().job == "erasure"
        assert 0 < len(list(store.frames())) < 48
        store.verify()
    erased(folder, Scope())
    assert there(folder) == ([], [])
    with owned(folder) as store:
        assert store.rows.head().job == ""


def test_the_device_may_not_erase(tmp_path):
    folder = new_store(tmp_path / "store")
    recorded(folder, 1)
    with vault.Store.open(folder) as store, pytest.raises(LockedError, match="only the owner"):
        erasing.erase(store, Scope(), now_s=T0)


numbers = itertools.count()


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.floats(-2, 8), st.floats(0, 6), st.booleans()), min_size=1, max_size=4)
)
def test_any_erasures_one_after_another_leave_what_none_of_them_took(tmp_path_factory, spans):
    folder = new_store(tmp_path_factory.mktemp("many") / str(next(numbers)))
    frames, records = recorded(folder, 6, 1200.0)
    scopes = [
        Scope(T0 + a * HOUR, T0 + (a + b) * HOUR, stream="chest/ppg" if one else None)
        for a, b, one in spans
    ]
    for scope in scopes:
        own = [s for r in [*frames, *records] if not isinstance(r, Summary)
               and scope.takes(r, (0.0, 0.0)) for s in erasing.span(r)]  # fmt: skip
        texts = (min(own, default=9e99), max(own, default=-9e99))
        frames = [f for f in frames if not scope.takes(f, texts)]
        records = [r for r in records if not scope.takes(r, texts)]
        erased(folder, scope)
    assert there(folder) == (frames, records)
    vault.Store.unlock(folder, PASSPHRASE).close()
