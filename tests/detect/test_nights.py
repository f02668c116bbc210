"""NightSignal, to the letter; the published golden values are in the clinical vectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.detect.nights import night_signal, spread

CALM = [60] * 10


def alerts(*nights, **limits):
    return night_signal([*CALM, *nights], **limits)[1][len(CALM) :]


@pytest.mark.parametrize(
    ("nights", "want"),
    [
        ((62, 62), (0, 0)),
        ((63, 63), (0, 1)),
        ((63, 64), (0, 1)),
        ((64, 63), (0, 1)),
        ((64, 64), (0, 2)),
        ((64, 60, 64), (0, 0, 0)),
        ((64, 64, 64, 63), (0, 2, 2, 1)),
    ],
)
def test_two_nights_in_a_row_make_an_alert(nights, want) -> None:
    assert alerts(*nights) == want


def test_the_limits_can_be_wider() -> None:
    assert alerts(64, 64, yellow=5, red=6) == (0, 0)
    assert alerts(65, 65, yellow=5, red=6) == (0, 1)
    assert alerts(65, 65, yellow=5, red=4) == (0, 2)  # red is never easier than yellow
    assert alerts(64, 64, yellow=5, red=4) == (0, 0)


@pytest.mark.parametrize(
    ("nights", "want"),
    [
        ((64, None, 64), (0, 2, 2)),
        ((64, None, None, 64), (0, 0, 0, 0)),
        ((66, None, 60), (0, 1, 0)),  # the hole becomes 63, below red and not below yellow
        ((65, None, 60), (0, 0, 0)),  # 62.5 is cut to 62
    ],
)
def test_a_single_missing_night_lies_between_its_neighbours(nights, want) -> None:
    assert alerts(*nights) == want


def test_a_hole_between_two_lone_nights_stays_one() -> None:
    assert night_signal([60, None, 60])[0] == (60, None, 60)
    assert night_signal([60, 60, None, 60])[0] == (60, 60, 60, 60)
    assert night_signal([60, None, 60, 60])[0] == (60, 60, 60, 60)


def test_no_night_is_no_alert() -> None:
    assert night_signal([]) == ((), ())
    assert night_signal([None, None]) == ((None, None), (0, 0))


@given(st.lists(st.none() | st.integers(40, 90), max_size=30), st.integers(1, 20))
def test_what_comes_later_changes_no_alert_that_no_hole_waits_for(nights, n) -> None:
    """Only a hole is filled in afterwards."""
    head = nights[:n]
    if head and None not in nights:
        assert night_signal(nights)[1][: len(head)] == night_signal(head)[1]


def test_the_spread_is_that_of_a_normal_distribution() -> None:
    assert spread([60, None, 58, 62, 60, 64]) == pytest.approx(1.4826 * 2)
    assert spread([60, 60, 60, 90]) == 0
