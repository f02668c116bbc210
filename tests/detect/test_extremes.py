"""Intervals beyond a limit, on both sides of each."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.detect.extremes import (
    ASYSTOLE,
    BRADYCARDIA,
    EXTREME_BRADYCARDIA,
    EXTREME_TACHYCARDIA,
    PAUSE,
    TACHYCARDIA,
    Rule,
    episodes,
)
from healthslm.records import Beat

T0 = 1_700_000_000.0


def beats(*runs: tuple[float, int], bad=(), unread=()) -> list[Beat]:
    """Return beats whose intervals are (seconds, how many) in turn."""
    out, t_s = [Beat("beat", "chest/ecg", T0, None, good=True)], T0
    for rr in [rr for rr, n in runs for _ in range(n)]:
        t_s += rr
        i = len(out)
        out.append(Beat("beat", "chest/ecg", t_s, None if i in unread else rr, i not in bad))
    return out


@pytest.mark.parametrize(("count", "n"), [(4, 0), (5, 1), (6, 1)])
@pytest.mark.parametrize(("rr_s", "beyond"), [(1.49, 0), (1.5, 0), (1.501, 1)])
def test_five_intervals_of_more_than_a_second_and_a_half(rr_s, beyond, count, n) -> None:
    found = episodes(beats((0.8, 5), (rr_s, count), (0.8, 5)), EXTREME_BRADYCARDIA)
    assert len(found) == n * beyond


@pytest.mark.parametrize(("count", "n"), [(16, 0), (17, 1), (18, 1)])
@pytest.mark.parametrize(("rr_s", "beyond"), [(0.4286, 0), (60 / 140, 0), (0.4285, 1)])
def test_seventeen_intervals_of_more_than_140(rr_s, beyond, count, n) -> None:
    found = episodes(beats((0.8, 5), (rr_s, count), (0.8, 5)), EXTREME_TACHYCARDIA)
    assert len(found) == n * beyond


@pytest.mark.parametrize(("rr_s", "n"), [(3.999, 0), (4.0, 1), (4.001, 1)])
def test_four_seconds_without_a_beat(rr_s, n) -> None:
    assert len(episodes(beats((0.8, 5), (rr_s, 1), (0.8, 5)), ASYSTOLE)) == n


@pytest.mark.parametrize(("rr_s", "n"), [(1.999, 0), (2.0, 1), (2.001, 1)])
def test_two_seconds_are_a_pause(rr_s, n) -> None:
    assert len(episodes(beats((0.8, 5), (rr_s, 1), (0.8, 5)), PAUSE)) == n


@pytest.mark.parametrize(("rr_s", "n"), [(0.6, 0), (0.599, 1)])
def test_more_than_100_on_average(rr_s, n) -> None:
    assert len(episodes(beats((0.8, 5), (rr_s, 17), (0.8, 5)), TACHYCARDIA)) == n
    assert len(episodes(beats((0.8, 5), (rr_s, 16), (0.8, 5)), TACHYCARDIA)) == 0


@pytest.mark.parametrize(("count", "n"), [(8, 0), (9, 1)])
@pytest.mark.parametrize(("rr_s", "beyond"), [(1.2, 0), (1.201, 1)])
def test_less_than_50_on_average(rr_s, beyond, count, n) -> None:
    found = episodes(beats((0.8, 5), (rr_s, count), (0.8, 9)), BRADYCARDIA)
    assert len(found) == n * beyond


def test_one_ectopic_beat_ends_no_rate_and_ends_an_extreme() -> None:
    fast = beats((0.4, 30), (0.8, 1), (0.4, 30))
    assert len(episodes(fast, TACHYCARDIA)) == 1
    assert len(episodes(fast, EXTREME_TACHYCARDIA)) == 2


def test_where_it_begins_and_ends() -> None:
    items = beats((0.8, 5), (1.6, 7), (0.8, 5))
    assert episodes(items, EXTREME_BRADYCARDIA) == [
        (pytest.approx(items[5].t_s), pytest.approx(items[12].t_s))
    ]
    items = beats((0.8, 5), (2.5, 1), (0.8, 5))
    assert episodes(items, PAUSE) == [(pytest.approx(items[5].t_s), items[6].t_s)]


def test_what_is_under_way_ends_when_it_is_clear() -> None:
    """5/min clear of the limit; it would not begin so close to it."""
    hovering = beats((0.8, 20), (0.55, 20), (0.62, 60), (0.55, 20), (0.8, 20))
    assert len(episodes(hovering, TACHYCARDIA)) == 1
    assert len(episodes(beats((0.8, 20), (0.62, 60), (0.8, 20)), TACHYCARDIA)) == 0
    parted = beats((0.8, 20), (0.55, 20), (0.64, 60), (0.55, 20), (0.8, 20))
    assert len(episodes(parted, TACHYCARDIA)) == 2
    slow = beats((0.8, 20), (1.3, 20), (1.1, 60), (1.3, 20), (0.8, 20))
    assert len(episodes(slow, BRADYCARDIA)) == 1
    slow = beats((0.8, 20), (1.3, 20), (1.08, 60), (1.3, 20), (0.8, 20))
    assert len(episodes(slow, BRADYCARDIA)) == 2


@pytest.mark.parametrize(("hole", "n"), [(58, 1), (60, 0)])
def test_a_hole_of_a_minute_freezes_a_rate_and_a_longer_one_ends_it(hole, n) -> None:
    """Eight slow intervals before and five after: nine only where both count."""
    bad = range(9, 9 + hole)
    items = beats((1.3, 5), (1.3, 3), (1.0, hole + 1), (1.3, 5), (0.8, 9), bad=bad)
    assert len(episodes(items, BRADYCARDIA)) == n


@pytest.mark.parametrize("how", ["bad", "unread"])
def test_evidence_ends_where_nothing_was_read(how) -> None:
    items = beats((0.8, 5), (1.6, 8), (0.8, 5), **{how: (9,)})
    assert episodes(items, EXTREME_BRADYCARDIA) == []
    assert episodes(beats((0.8, 5), (4.5, 1), (0.8, 5), **{how: (6,)}), ASYSTOLE) == []


def test_the_beat_before_must_be_good_too() -> None:
    assert episodes(beats((0.8, 5), (4.5, 1), (0.8, 5), bad=(5,)), ASYSTOLE) == []


@given(st.lists(st.floats(0.2, 5.0), max_size=60))
def test_spans_are_in_order_and_apart(rr_s) -> None:
    for rule in (PAUSE, TACHYCARDIA, EXTREME_BRADYCARDIA, Rule(3, 1.0, mean=True)):
        spans = episodes(beats(*((rr, 1) for rr in rr_s)), rule)
        assert all(a < b for a, b in spans)
        assert all(one[1] < two[0] for one, two in pairwise(spans))


def test_no_beats_no_episodes() -> None:
    assert episodes([], PAUSE) == []
    assert episodes(beats(), TACHYCARDIA) == []
