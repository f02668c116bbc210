"""The index finds all of a time range, opens little for it, and keeps the head small."""

from hypothesis import given
from hypothesis import strategies as st

from healthslm.vault.chapters import FAN_OUT, FRAMES, Chapter, entries, find
from healthslm.vault.index import OPEN_CHAPTERS, STRETCH, Draft, Head, open_rows
from healthslm.vault.keys import Class, DataKey

STORE = bytes(16)


class Keys:
    """A key for RAW and one for all else; all are at hand."""

    def __init__(self, head):
        self.raw = DataKey(1, Class.RAW, 0, bytes(32))
        head.chapters.append(Chapter(1, Class.RAW, 0, levels=[]))

    def current(self, cls):
        return self.raw if cls is Class.RAW else DataKey(2, cls, 0, bytes(32))

    def at_hand(self, key_id):
        return DataKey(key_id, Class.RAW, 0, bytes(32))


def filled(spans):
    """Return a draft, and its rows by id, after one content for each span."""
    head = Head()
    draft = Draft(head, STORE, Keys(head), list)
    for i, (t0, t1) in enumerate(spans):
        draft.add(Class.RAW, FRAMES + str(i).encode(), t0, t1)
    return draft


def fetching(draft, opened):
    rows = {row.id: row for row in draft.rows}

    def fetch(chapter, entry):
        opened.append(entry)
        parts = [rows[entry.row + i] for i in range(entry.parts)]
        return open_rows(draft.keys.at_hand(chapter.key), STORE, parts, "row")

    return fetch


def found(draft, t0, t1):
    """Return the numbers of the contents found, and how many were opened for it."""
    opened = []
    fetch = fetching(draft, opened)
    places = list(find(draft.chapters(), t0, t1, fetch))
    return [int(fetch(*place)[1:]) for place in places], len(opened)


@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 50)), max_size=300),
    st.floats(-10, 560),
    st.floats(0, 100),
)
def test_all_contents_of_a_time_range_are_found_in_order_of_commit(times, t0, width):
    spans = [(start, start + length) for start, length in times]
    numbers, _ = found(filled(spans), t0, t0 + width)
    assert numbers == sorted(numbers)
    assert set(numbers) >= {i for i, (a, b) in enumerate(spans) if a < t0 + width and b >= t0}


def test_a_short_range_opens_little_of_a_long_history():
    numbers, opened = found(filled([(5 * i, 5 * i + 5) for i in range(3000)]), 7000, 7010)
    assert numbers == [1399, 1400, 1401]
    assert opened < 12


def test_the_head_grows_with_the_logarithm_of_the_history():
    (chapter,) = filled([(i, i) for i in range(5000)]).chapters()
    assert len(chapter.levels) == 4
    assert all(len(level) < FAN_OUT for level in chapter.levels)


def test_row_ids_are_used_once_none_is_left_out_and_the_head_counts_them():
    draft = filled([(i, i) for i in range(200)])
    ids = [STRETCH[Class.RAW] + n for n in range(2048, draft.head.next_row)]
    assert sorted(row.id for row in draft.rows) == ids
    assert draft.head.rows == len(draft.rows) == draft.chapters()[0].rows


@given(st.integers(0, 700))
def test_a_folded_chapter_is_one_entry_that_leads_to_all_in_order(n):
    draft = filled([(i, i) for i in range(n)])
    (chapter,) = draft.chapters()
    draft.end(draft.keys.raw, chapter)
    assert sum(map(len, chapter.levels)) == min(n, 1)
    fetch = fetching(draft, [])
    assert [int(fetch(chapter, e)[1:]) for e in entries(chapter, fetch)] == list(range(n))


def test_contents_of_chapters_that_grew_in_turn_come_in_order_of_commit():
    draft = filled([])
    other = draft.begin(DataKey(9, Class.RAW, 3600, bytes(32)), done=False)
    (first, _) = draft.chapters()
    for i in range(100):
        draft.head.commit += 1
        chapter = other if i % 3 else first
        key = draft.keys.at_hand(chapter.key)
        draft.add_to(key, chapter, FRAMES + str(i).encode(), (i, i), draft.head.commit)
    assert found(draft, 0, 1000)[0] == list(range(100))


def test_a_head_with_many_chapters_puts_all_but_the_newest_of_a_class_away():
    draft = filled([(i, i) for i in range(20)])
    for n in range(OPEN_CHAPTERS):
        key = DataKey(10 + n, Class.RAW, n, bytes(32))
        draft.add_to(key, draft.begin(key, done=False), FRAMES + b"x", (n, n), 1)
    draft.finish()
    assert [c.key for c in draft.head.chapters] == [9 + OPEN_CHAPTERS]
    assert len(draft.catalogue()) == OPEN_CHAPTERS
    assert all(sum(map(len, c.levels)) == 1 for c in draft.catalogue())
    assert draft.head.catalogue is not None
    assert draft.head.rows == sum(row.id >= 2048 for row in draft.rows)
