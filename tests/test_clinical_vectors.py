"""Exact values from guidelines and published programs: all of them, to the last digit."""

from collections import Counter

import pytest

from benchmarks.tasks.vectors import SECTIONS, Compared, compare

COMPARED = list(compare())


@pytest.mark.parametrize("one", COMPARED, ids=lambda c: c.name)
def test_every_value_is_exact(one: Compared) -> None:
    assert one.have == one.want


def test_every_section_holds_values() -> None:
    seen = Counter(c.name.partition("[")[0] for c in COMPARED)
    assert set(SECTIONS) <= set(seen)
    assert len(COMPARED) >= 350


def test_a_wrong_value_is_not_exact() -> None:
    assert not Compared("x", 1.25, 1.26).exact
    assert not Compared("x", [0, 1], [0, 2]).exact
