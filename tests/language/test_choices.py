"""The automaton: it walks along every text that is allowed, and along no other."""

from itertools import permutations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.language.choices import Item, Texts, Walk

END = "<end>"


def item(name: str, group: str = "a", *, required: bool = True) -> Item[str]:
    """Return an item of two clauses, an opening and a link."""
    clauses = [([w, name, "."], [w.lower(), name, "."]) for w in ("We", "The")]
    return Item(group, required, clauses, [["So", ","]], [["Also", ","], ["And", ","]])


def every_text(items: list[Item[str]]) -> dict[tuple[str, ...], list[tuple[int, int, int]]]:
    """Return all texts that the rules of the module's docstring allow, worked out by hand."""
    out = {}
    others = range(1, len(items))
    for size in range(len(items)):
        for rest in permutations(others, size):
            order = (0, *rest)
            if any(x.required and n not in order for n, x in enumerate(items)):
                continue
            ways = []
            for place, n in enumerate(order):
                like = place and items[order[place - 1]].group == items[n].group
                prefixes = items[n].openings if not place else items[n].links if like else []
                ways.append(
                    [
                        ((*(prefixes[p] if p >= 0 else ()), *clause[p >= 0]), (n, p, c))
                        for p in range(-1, len(prefixes))
                        for c, clause in enumerate(items[n].clauses)
                    ]
                )
            for told in product(*ways):
                words = tuple(w for sentence, _ in told for w in sentence)
                out[*words, END] = [choice for _, choice in told]
    return out


def walked(items: list[Item[str]]) -> dict[tuple[str, ...], list[tuple[int, int, int]]]:
    """Return all texts that the automaton allows."""
    out, due = {}, [()]
    texts = Texts(items, END)
    while due:
        said = due.pop()
        walk = Walk(texts)
        for word in said:
            walk.take(word)
        if walk.ended:
            out[said] = walk.choices
        due += [(*said, word) for word in walk.allowed]
    return out


@pytest.mark.parametrize(
    "items",
    [
        [item("one")],
        [item("one"), item("two")],
        [item("one"), item("two", "b")],
        [item("one", required=False), item("two", required=False)],
        [item("one"), item("two", required=False), item("three", "b", required=False)],
    ],
)
def test_it_allows_exactly_the_texts_of_the_rules(items: list[Item[str]]) -> None:
    assert walked(items) == every_text(items)


@given(seed=st.integers(0, 10**6), required=st.lists(st.booleans(), min_size=1, max_size=5))
def test_whoever_chooses_tells_what_is_required_once_and_first_things_first(
    seed: int, required: list[bool]
) -> None:
    draw = Random(seed)
    items = [item(f"n{n}", draw.choice("ab"), required=r) for n, r in enumerate(required)]
    walk = Walk(Texts(items, END))
    while not walk.ended:
        walk.take(draw.choice(sorted(walk.allowed)))
    told = [n for n, _, _ in walk.choices]
    assert told[0] == 0
    assert len(set(told)) == len(told)
    assert {n for n, r in enumerate(required) if r} <= set(told)


def test_a_word_that_no_true_text_holds_is_refused() -> None:
    walk = Walk(Texts([item("one")], END))
    with pytest.raises(ValueError, match="no true text"):
        walk.take("nothing")


def test_it_cannot_end_before_what_is_required_is_said() -> None:
    walk = Walk(Texts([item("one"), item("two")], END))
    for word in ("We", "one", "."):
        assert END not in walk.allowed
        walk.take(word)
    assert END not in walk.allowed


def test_sentences_that_begin_alike_are_told_apart_where_they_part() -> None:
    """Two items may share their first words; what is said is known at the full stop."""
    first = Item("a", True, [(["Your", "pulse", "."],) * 2])
    other = Item("a", True, [(["Your", "pulse", "rose", "."],) * 2])
    third = Item("a", True, [(["Your", "breath", "."],) * 2])
    walk = Walk(Texts([first, other, third], END))
    for word in ("Your", "pulse", ".", "Your", "breath", ".", "Your", "pulse", "rose", ".", END):
        walk.take(word)
    assert [n for n, _, _ in walk.choices] == [0, 2, 1]


def test_what_speaks_of_others_comes_after_one_of_them() -> None:
    first, value, other = item("one"), item("two", required=False), item("three", required=False)
    late = Item("b", True, item("late").clauses, after=[[0], [1, 2]])
    found = [[n for n, _, _ in choices] for choices in walked([first, value, other, late]).values()]
    assert found
    assert all(min(row.index(n) for n in (1, 2) if n in row) < row.index(3) for row in found)
