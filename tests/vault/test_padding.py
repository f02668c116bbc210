"""The number of rows follows what is known without looking inside, and never falls."""

import random

from hypothesis import given
from hypothesis import strategies as st

from healthslm import vault
from healthslm.vault.padding import PATIENCE, RUNGS, Padding
from healthslm.vault.seal import PART_BYTES

from .given import T0, new_store


def test_frames_take_what_their_samples_would_half_compressed():
    padding = Padding()
    size = 1250 + 40
    assert {padding.raw_rows(n, frames=1, samples=1250) for n in (1, 2)} == {-(-size // PART_BYTES)}


def test_four_contents_that_needed_more_raise_all_that_follow():
    padding = Padding()
    before = padding.raw_rows(1, frames=8, samples=8000)
    for _ in range(PATIENCE):
        assert padding.raw_rows(before + 1, frames=8, samples=8000) == before + 1
    assert padding.raw_rows(1, frames=8, samples=8000) == before + 1
    for _ in range(100):
        padding.raw_rows(99, frames=8, samples=8000)
    assert padding.rung == RUNGS


def test_one_long_list_of_records_does_not_raise_what_follows_but_four_do():
    padding = Padding()
    assert [padding.derived_rows(n) for n in (1, 3, 1, 2, 2, 2, 1)] == [1, 3, 1, 2, 2, 2, 2]


@given(st.lists(st.integers(1, 63)))
def test_a_state_never_takes_fewer_rows_than_it_did(needs):
    padding, before = Padding(), 8
    for needed in needs:
        rows = padding.state_rows(needed)
        assert rows >= max(before, needed)
        assert rows % 8 == 0 or rows == 63
        before = rows


def test_a_state_that_grew_once_keeps_its_rows_in_the_very_next_commit(tmp_path):
    """What a commit learnt of sizes is in the state that it seals."""
    counts = []
    with vault.Store.open(new_store(tmp_path / "store")) as store:
        for size in (10, 12_000, 10):
            store.commit([], [], random.Random(size).randbytes(size), now_s=T0)
            counts.append(store.rows._count("id < ?", 64))
    assert counts[0] < counts[1] == counts[2]
