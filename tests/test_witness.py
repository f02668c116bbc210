"""A reader's machine knows an old report for one, and a store that went back."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm import witness
from healthslm.errors import IntegrityError, ReportError
from healthslm.share.envelope import Opened, unseal
from healthslm.vault.identity import fingerprint
from tests.share.given import DEVICE, READER, bytes_of, written
from tests.share.make_vectors import THIEF

SHOWN = fingerprint(DEVICE.public)


def report(counter: int = 1, size: int = 7, newest: bytes | None = None, **more: object) -> Opened:
    """Return a report that its reader opened."""
    data = written(counter=counter, size=size, newest=newest, **more)
    return unseal(data, READER.id, READER.open)


def seen(*reports: Opened) -> witness.Seen | None:
    """Return what is remembered after some reports."""
    known = None
    for each in reports:
        known = witness.judge(each, known, lambda _: SHOWN).seen
    return known


def refusal(opened: Opened, known: witness.Seen | None, told: str | None = None, **more) -> str:
    with pytest.raises(ReportError) as caught:
        witness.judge(opened, known, lambda _: told, **more)
    return caught.value.reason


def test_a_device_is_pinned_by_its_fingerprint_at_its_first_report() -> None:
    read = witness.judge(report(), None, lambda public: fingerprint(public))
    assert read.seen.device == DEVICE.public and read.head.counter == 1


@pytest.mark.parametrize("told", [None, "", SHOWN[:-1], fingerprint(THIEF.public)])
def test_a_device_that_is_not_confirmed_is_unknown(told) -> None:
    assert refusal(report(), None, told) == "unknown device"


def test_another_device_in_the_name_of_a_known_store_is_unknown_whatever_is_told() -> None:
    forged = report(2, 9, device=THIEF)
    assert refusal(forged, seen(report()), fingerprint(THIEF.public)) == "unknown device"


def test_a_new_report_moves_everything_on() -> None:
    known = seen(report(1, 7), report(4, 12))
    assert known is not None
    assert (known.counter, known.audit_size, known.audit_hash) == (4, 12, bytes_of("entry 12", 32))
    assert len(known.reports) == 2


def test_reports_that_never_came_are_counted() -> None:
    assert witness.judge(report(4, 12), seen(report(1, 7)), lambda _: None).missing == 2


@pytest.mark.parametrize("counter", [1, 3, 4])
def test_a_report_that_is_not_newer_is_replayed(counter) -> None:
    assert refusal(report(counter, 30), seen(report(4, 12))) == "replayed"


@pytest.mark.parametrize(("size", "same"), [(11, True), (1, True), (12, False)])
def test_a_store_that_went_back_is_rolled_back(size, same) -> None:
    newest = None if same else bytes(32)
    assert refusal(report(5, size, newest), seen(report(4, 12))) == "rolled back"


def test_an_audit_trail_that_did_not_grow_is_the_same_one() -> None:
    assert witness.judge(report(5, 12), seen(report(4, 12)), lambda _: None).head.counter == 5


def test_a_report_may_be_shown_again_if_asked_and_if_it_is_the_very_same() -> None:
    first, second = report(1, 7), report(2, 9)
    known = seen(first, second)
    read = witness.judge(first, known, lambda _: None, again=True)
    assert read.again and read.seen == known
    other = report(1, 8)
    assert refusal(other, known, again=True) == "replayed"
    assert not witness.judge(report(3, 20), known, lambda _: None, again=True).again


def test_a_bounded_number_of_reports_is_known_again() -> None:
    known = witness.Seen(DEVICE.public, 1, 1, bytes(32), (bytes(16),) * witness.KEPT)
    after = witness.judge(report(2, 9), known, lambda _: None).seen
    assert len(after.reports) == witness.KEPT and after.reports[-1] == report(2, 9).digest


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), max_size=8))
def test_counter_and_audit_never_go_back(steps) -> None:
    known = witness.Seen(DEVICE.public)
    for counter, size in steps:
        try:
            after = witness.judge(report(counter, size), known, lambda _: None).seen
        except ReportError:
            assert counter <= known.counter or size < known.audit_size
            continue
        assert after.counter > known.counter and after.audit_size >= known.audit_size
        known = after


def test_what_is_remembered_comes_back_and_is_nobody_elses(tmp_path) -> None:
    known = seen(report())
    assert known is not None
    folder = tmp_path / "dr.seen"
    assert witness.recall(folder, DEVICE.store_id) is None
    witness.remember(folder, DEVICE.store_id, known)
    witness.remember(folder, DEVICE.store_id, known)
    (file,) = folder.iterdir()
    assert witness.recall(folder, DEVICE.store_id) == known
    assert file.stat().st_mode & 0o077 == 0
    assert witness.recall(folder, bytes(16)) is None


@pytest.mark.parametrize("damage", ["", "{", '{"device": 3}', '{"device": "", "more": 1}', "\xff"])
def test_a_damaged_memory_is_said_and_not_begun_anew(tmp_path, damage) -> None:
    known = seen(report())
    assert known is not None
    witness.remember(tmp_path, DEVICE.store_id, known)
    (file,) = tmp_path.iterdir()
    file.write_text(damage, "latin-1")
    with pytest.raises(IntegrityError, match="damaged"):
        witness.recall(tmp_path, DEVICE.store_id)
    assert file.read_text("latin-1") == damage


def test_a_memory_half_written_leaves_the_old_one(tmp_path, monkeypatch) -> None:
    first, second = seen(report(1, 7)), seen(report(1, 7), report(2, 9))
    assert first is not None and second is not None
    witness.remember(tmp_path, DEVICE.store_id, first)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="space"):
            witness.remember(tmp_path, DEVICE.store_id, second)
    assert witness.recall(tmp_path, DEVICE.store_id) == first
