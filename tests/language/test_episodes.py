"""Findings into episodes: one event once, and the gravest of it found."""

import pytest

from healthslm.language.episodes import evidence, join, worst
from healthslm.records import Finding


def fever(t0, t1, highest=38.5, *, stream="ear/temperature", ongoing=False):
    told = (("highest_c", highest), ("limit_c", 38.0))
    return Finding("fever", stream, t0, t1, "amber", told, ongoing=ongoing)


def spans(*findings):
    return [(e.t0_s, e.t1_s) for e in join(findings, 0.0, 1000.0)]


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([fever(10, 20), fever(19, 30)], [(10, 30)]),
        ([fever(10, 20), fever(20, 30)], [(10, 20), (20, 30)]),
        ([fever(10, 90), fever(20, 30), fever(80, 95)], [(10, 95)]),
        ([fever(50, 60), fever(10, 20)], [(10, 20), (50, 60)]),
        ([fever(10, 10), fever(10, 10, stream="b/temperature")], [(10, 10)]),
        ([fever(-50, 5), fever(995, 2000)], [(0, 5), (995, 1000)]),
    ],
)
def test_what_overlaps_or_begins_together_is_one_event_and_what_touches_is_two(findings, expected):
    assert spans(*findings) == expected


@pytest.mark.parametrize(
    ("finding", "is_open"),
    [
        (fever(0, 1000), False),
        (fever(-1, 10), True),
        (fever(990, 1001), True),
        (fever(5, 10, ongoing=True), True),
    ],
)
def test_an_event_is_open_where_its_end_or_beginning_was_not_seen(finding, is_open):
    assert join([finding], 0.0, 1000.0)[0].open == is_open


def test_the_gravest_of_equals_is_the_first():
    episodes = join([fever(500, 600, 39.0), fever(10, 20, 39.0), fever(100, 200)], 0.0, 1000.0)
    episode, finding = worst(episodes)
    assert (episode.t0_s, evidence(finding, "highest_c")) == (10, 39.0)


def test_the_signals_of_an_event_are_named_by_kind():
    joined = join([fever(0, 9, stream="a/temperature-2"), fever(3, 9, stream="b/x/ppg")], 0.0, 9.0)
    assert joined[0].signals == {"temperature", "ppg"}
