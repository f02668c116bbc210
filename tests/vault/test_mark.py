"""The mark remembers the newest commit, through torn writes, and for one store only."""

import pytest

from healthslm.errors import IntegrityError
from healthslm.vault.mark import (
    SLOT_BYTES,
    TURN,
    newest_slot,
    read_mark,
    reset_mark,
    write_mark,
    write_slot,
)

KEY, STORE = bytes(32), b"s" * 16


@pytest.mark.parametrize("first", [8, TURN - 2, TURN, 5 * TURN - 1])
def test_the_newest_of_both_slots_counts_and_a_torn_one_leaves_the_other(tmp_path, first):
    """The other says what was true when the mark moved on from it."""
    path = tmp_path / "vault.mark"
    reset_mark(path, KEY, STORE, first - 1)
    left = first - 1
    for commit in range(first, first + 4):
        if commit % TURN == 0:
            left = commit - 1
        write_mark(path, KEY, STORE, commit)
        data = path.read_bytes()
        assert len(data) == 2 * SLOT_BYTES
        assert read_mark(data, KEY, STORE) == commit
        torn = bytearray(data)
        at = commit // TURN % 2 * SLOT_BYTES
        torn[at : at + 512] = bytes(512)
        assert read_mark(bytes(torn), KEY, STORE) == left


def test_a_reset_forgets_a_higher_commit(tmp_path):
    path = tmp_path / "vault.mark"
    reset_mark(path, KEY, STORE, 9)
    write_mark(path, KEY, STORE, 10)
    reset_mark(path, KEY, STORE, 3)
    assert read_mark(path.read_bytes(), KEY, STORE) == 3


@pytest.mark.parametrize("length", [0, 83, 4000])
def test_a_mark_that_is_not_there_is_lost(tmp_path, length):
    path = tmp_path / "vault.mark"
    reset_mark(path, KEY, STORE, 9)
    with pytest.raises(IntegrityError, match="lost"):
        read_mark(path.read_bytes()[:length] if length < 84 else bytes(length), KEY, STORE)


def test_a_mark_of_another_store_or_key_is_none(tmp_path):
    path = tmp_path / "vault.mark"
    reset_mark(path, KEY, STORE, 9)
    for key, store in ((b"k" * 32, STORE), (KEY, b"o" * 16)):
        with pytest.raises(IntegrityError, match="lost"):
            read_mark(path.read_bytes(), key, store)


@pytest.mark.parametrize("slot", [0, 1])
def test_the_newest_slot_is_found_also_where_the_other_cannot_be_read(tmp_path, slot):
    path = tmp_path / "vault.mark"
    reset_mark(path, KEY, STORE, 3)
    write_slot(path, KEY, STORE, 4, slot)
    assert newest_slot(path.read_bytes(), KEY, STORE) == slot
    write_slot(path, bytes(range(32)), STORE, 9, 1 - slot)
    assert newest_slot(path.read_bytes(), KEY, STORE) == slot


def test_two_keys_may_share_a_mark_each_with_its_own_slot(tmp_path):
    """So a store may change the key of its mark, whichever of both it then is under."""
    path, other = tmp_path / "vault.mark", bytes(range(32))
    reset_mark(path, KEY, STORE, 7)
    write_slot(path, other, STORE, 8, 1)
    data = path.read_bytes()
    assert (read_mark(data, KEY, STORE), read_mark(data, other, STORE)) == (7, 8)
