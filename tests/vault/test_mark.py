"""The mark remembers the newest commit, through torn writes, and for one store only."""

import pytest

from healthslm.errors import IntegrityError
from healthslm.vault.mark import SLOT_BYTES, TURN, read_mark, reset_mark, write_mark

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
