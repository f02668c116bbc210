"""The index finds all of a time range, opens little for it, and keeps the head small."""

from hypothesis import given
from hypothesis import strategies as st

from healthslm.vault.index import FAN_OUT, FRAMES, Draft, Head, find, open_rows
from healthslm.vault.keys import Class, DataKey

KEY = DataKey(1, Class.RAW, 0, bytes(32))
STORE = bytes(16)


def filled(spans):
    """Return a head, and its rows by id, after one content for each span."""
    head, rows = Head(), {}
    draft = Draft(head, STORE, lambda cls: KEY)
    for i, (t0, t1) in enumerate(spans):
        draft.add(Class.RAW, FRAMES + str(i).encode(), t0, t1)
    for row in draft.rows:
        rows[row.id] = row
    return head, rows


def found(head, rows, t0, t1):
    """Return the numbers of the contents found, and how many were opened for it."""
    opened = []

    def fetch(entry):
        opened.append(entry)
        parts = [rows[entry.row + i] for i in range(entry.parts)]
        return open_rows(KEY, STORE, parts, "row")

    contents = list(find(head.levels(Class.RAW), t0, t1, fetch))
    return [int(c[1:]) for c in contents], len(opened)


@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 50)), max_size=300),
    st.floats(-10, 560),
    st.floats(0, 100),
)
def test_all_contents_of_a_time_range_are_found_in_order_of_commit(times, t0, width):
    spans = [(start, start + length) for start, length in times]
    head, rows = filled(spans)
    numbers, _ = found(head, rows, t0, t0 + width)
    assert numbers == sorted(numbers)
    assert set(numbers) >= {i for i, (a, b) in enumerate(spans) if a < t0 + width and b >= t0}


def test_a_short_range_opens_little_of_a_long_history():
    head, rows = filled([(5 * i, 5 * i + 5) for i in range(3000)])
    numbers, opened = found(head, rows, 7000, 7010)
    assert numbers == [1399, 1400, 1401]
    assert opened < 12


def test_the_head_grows_with_the_logarithm_of_the_history():
    head, _ = filled([(i, i) for i in range(5000)])
    levels = head.levels(Class.RAW)
    assert len(levels) == 4
    assert all(len(level) < FAN_OUT for level in levels)


def test_row_ids_are_used_once_and_none_is_left_out():
    head, rows = filled([(i, i) for i in range(200)])
    assert sorted(rows) == list(range(2048, head.next_row))


def test_a_key_that_is_not_at_hand_hides_its_contents_alone():
    head, rows = filled([(i, i) for i in range(10)])

    def fetch(entry):
        if entry.row == 2048:
            return None
        return open_rows(KEY, STORE, [rows[entry.row + i] for i in range(entry.parts)], "row")

    assert len(list(find(head.levels(Class.RAW), 0, 10, fetch))) == 9
