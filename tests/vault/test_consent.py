"""A clinician opens what was granted while it was granted, and nothing else."""

import pytest

from healthslm import vault
from healthslm.errors import ConfigError, IntegrityError, LockedError
from healthslm.vault import consent
from healthslm.vault.keys import Class
from healthslm.vault.readers import Reader

from .given import DAY, PASSPHRASE, T0, commits, frame, new_store, owned, vital

CLINICIAN = Reader.new()
NAME = "Dr Ruiz"


@pytest.fixture
def folder(tmp_path):
    """Three days, a frame and a vital each; the clinician's key is known."""
    folder = new_store(tmp_path / "store")
    for day in range(3):
        commits(folder, 1, T0 + day * DAY)
    with owned(folder) as store:
        consent.add(store, NAME, CLINICIAN.public, now_s=T0)
    return folder


def granted(folder, *classes, **bounds):
    with owned(folder) as store:
        consent.grant(store, NAME, classes, now_s=T0 + 2 * DAY, **bounds)


def seen(folder, now_s=T0 + 2 * DAY):
    """Return how many records and frames the clinician reads; -1 where refused."""
    with vault.Store.consult(folder, CLINICIAN, now_s=now_s) as store:
        try:
            frames = len(list(store.frames()))
        except LockedError:
            frames = -1
        return len(list(store.derived())), frames


def test_a_known_key_without_a_consent_opens_nothing(folder):
    with pytest.raises(LockedError, match="no consent stands"):
        vault.Store.consult(folder, CLINICIAN)


def test_a_stranger_is_not_let_in(folder):
    granted(folder, Class.DERIVED)
    with pytest.raises(LockedError, match="no consent stands"):
        vault.Store.consult(folder, Reader.new())


@pytest.mark.parametrize(
    ("classes", "read"),
    [
        ((Class.DERIVED,), (3, -1)),
        ((Class.RAW,), (0, 3)),
        ((Class.RAW, Class.DERIVED), (3, 3)),
        ((Class.AUDIT,), (0, -1)),
    ],
)
def test_a_consent_opens_its_classes_alone(folder, classes, read):
    """DERIVED of today would open with the device key; a clinician gets none of it by that."""
    granted(folder, *classes)
    assert seen(folder) == read
    with vault.Store.consult(folder, CLINICIAN) as store:
        if Class.AUDIT in classes:
            assert [e.who for e in store.events()][-1] == NAME
        else:
            with pytest.raises(LockedError, match="does not cover"):
                list(store.events())


def test_a_consent_since_a_day_opens_nothing_older(folder):
    granted(folder, Class.DERIVED, since_s=int(T0 + DAY) // 86_400 * 86_400)
    assert seen(folder) == (2, -1)


def test_what_comes_later_is_opened_too(folder):
    granted(folder, Class.DERIVED)
    commits(folder, 1, T0 + 3 * DAY)
    assert seen(folder) == (4, -1)


def test_a_consent_that_is_replaced_by_a_narrower_one_opens_less(folder):
    granted(folder, Class.RAW, Class.DERIVED)
    granted(folder, Class.DERIVED)
    assert seen(folder) == (3, -1)


def test_a_revoked_consent_opens_nothing_old_or_new_and_leaves_no_wrap(folder):
    granted(folder, Class.DERIVED)
    with owned(folder) as store:
        consent.revoke(store, NAME, now_s=T0 + 2 * DAY)
        assert CLINICIAN.id not in {reader for _, reader in store.rows.keys.wraps()}
    commits(folder, 1, T0 + 3 * DAY)
    with pytest.raises(LockedError, match="no consent stands"):
        vault.Store.consult(folder, CLINICIAN)
    with owned(folder) as store:
        assert CLINICIAN.id not in {reader for _, reader in store.rows.keys.wraps()}


def test_a_consent_whose_time_is_over_gets_no_new_key_and_loses_the_old(folder):
    granted(folder, Class.DERIVED, until_s=int(T0 + 2.5 * DAY))
    assert seen(folder) == (3, -1)
    with pytest.raises(LockedError, match="no consent stands"):
        vault.Store.consult(folder, CLINICIAN, now_s=T0 + 3 * DAY)
    commits(folder, 1, T0 + 3 * DAY)
    with owned(folder) as store:
        assert CLINICIAN.id not in {reader for _, reader in store.rows.keys.wraps()}
        assert [e.what for e in store.events() if e.action == "consent revoked"] == [
            f"{NAME}: its time is over"
        ]


def test_a_removed_reader_is_gone_from_the_header(folder):
    granted(folder, Class.DERIVED)
    with owned(folder) as store:
        consent.remove(store, NAME, now_s=T0)
        assert [r.role for r in consent.readers(store)] == ["owner"]
    with pytest.raises(LockedError):
        vault.Store.consult(folder, CLINICIAN)


def test_an_old_signed_reader_record_gives_nobody_more_than_the_sealed_state_says(folder):
    """Who can write the card puts back the record of a removed reader: no key is wrapped to it."""
    with owned(folder) as store:
        name = f"reader/{CLINICIAN.id}"
        (old,) = store.rows.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        consent.remove(store, NAME, now_s=T0)
        store.rows.db.execute("INSERT INTO meta VALUES (?, ?)", (name, old))
    commits(folder, 1, T0 + 3 * DAY)
    with owned(folder) as store:
        assert CLINICIAN.id not in {reader for _, reader in store.rows.keys.wraps()}


@pytest.mark.parametrize("name", ["", "owner", "a\nb", "x" * 65, NAME])
def test_a_name_that_would_mislead_is_refused(folder, name):
    with owned(folder) as store, pytest.raises(ConfigError, match="reader"):
        consent.add(store, name, Reader.new().public, now_s=T0)


def test_what_cannot_be_granted_is_refused(folder):
    with owned(folder) as store:
        for classes, bounds in (((), {}), ((Class.STATE,), {}), ((Class.RAW,), {"until_s": 5})):
            with pytest.raises(ConfigError, match="consent"):
                consent.grant(store, NAME, classes, now_s=T0, **bounds)
        with pytest.raises(ConfigError, match="nobody has this name"):
            consent.grant(store, "Dr Who", [Class.RAW], now_s=T0)


def test_each_change_is_in_the_audit_trail_with_the_reader(folder):
    granted(folder, Class.DERIVED)
    with owned(folder) as store:
        consent.revoke(store, NAME, now_s=T0)
        told = [(e.action, e.what) for e in store.events() if e.what]
    assert told == [
        ("reader added", NAME),
        ("consent granted", f"{NAME}: derived"),
        ("consent revoked", NAME),
    ]


def test_a_clinician_needs_the_board_to_find_anything(folder):
    granted(folder, Class.DERIVED)
    (folder / "device.key").unlink()
    with pytest.raises(IntegrityError, match="the wrap of its key is lost"):
        vault.Store.consult(folder, CLINICIAN)
    with vault.Store.unlock(folder, PASSPHRASE) as store:
        assert len(list(store.derived())) == 3


def test_rewriting_gives_a_clinician_nothing_older_than_granted(folder):
    from healthslm.vault import rekey

    granted(folder, Class.DERIVED, since_s=int(T0 + DAY) // 86_400 * 86_400)
    with owned(folder) as store:
        rekey.change_data_keys(store, now_s=T0 + 2 * DAY)
    assert seen(folder) == (2, -1)
    with vault.Store.open(folder) as store:
        store.commit([frame(9, t_s=T0 + 2 * DAY)], [vital(T0 + 2 * DAY)], b"", now_s=T0 + 2 * DAY)
        store.verify()
    assert seen(folder) == (3, -1)
