"""Asleep or awake: five minutes without a turn."""

import numpy as np
import pytest

from healthslm.records import Vital
from healthslm.signals.sleep import SIGNAL
from healthslm.simulate.body import Person, live
from healthslm.simulate.plan import Plan

T0 = 1_700_000_100.0  # a whole five minutes


def readings(kind: str, *runs: tuple[float, int], step_s: float = 60.0) -> list[Vital]:
    values = [v for v, n in runs for _ in range(n)]
    return [Vital(kind, "wrist/x", T0 + step_s * (i + 1), v) for i, v in enumerate(values)]


def asleep(items: list[Vital]) -> list[tuple[float, float]]:
    """Return minutes since T0 and value of what is told."""
    state, out = SIGNAL.start(), list[Vital]()
    for x in items:
        state, new = SIGNAL.step(state, x)
        out += new
    assert all(v.kind == "asleep" and v.stream == "wrist/x" for v in out)
    return [((v.t_s - T0) / 60, v.value) for v in out]


def test_five_minutes_are_told_at_their_end() -> None:
    minutes = [m for m, _ in asleep(readings("posture_change", (30.0, 21)))]
    assert minutes == [5, 10, 15, 20]


@pytest.mark.parametrize(("deg", "value"), [(4.99, 1.0), (5.0, 0.0)])
def test_who_turns_by_five_degrees_is_awake(deg: float, value: float) -> None:
    said = asleep(readings("posture_change", (deg, 31)))
    assert [v for _, v in said[2:]] == [value] * 4


@pytest.mark.parametrize(("g", "value"), [(0.0119, 1.0), (0.012, 0.0)])
def test_a_device_that_tells_only_activity(g: float, value: float) -> None:
    assert [v for _, v in asleep(readings("activity", (g, 31)))[2:]] == [value] * 4


def test_sleep_begins_after_five_still_minutes() -> None:
    """The last turn is at minute 10; from 15 on he sleeps: most of 15 to 20, not of 10 to 15."""
    said = dict(asleep(readings("posture_change", (40.0, 10), (1.0, 20))))
    assert (said[15], said[20]) == (0, 1)


@pytest.mark.parametrize(("turn", "first", "then"), [(17, 0.0, 1.0), (19, 1.0, 0.0)])
def test_one_turn_wakes_for_five_minutes(turn: int, first: float, then: float) -> None:
    items = readings("posture_change", (1.0, 30))
    items[turn - 1] = Vital("posture_change", "wrist/x", T0 + 60 * turn, 30.0)
    said = dict(asleep(items))
    assert (said[20], said[25]) == (first, then)


def test_turns_are_believed_before_activity() -> None:
    moving = readings("activity", (0.2, 31))
    lying = readings("posture_change", (1.0, 31))
    both = [x for pair in zip(moving, lying, strict=True) for x in pair]
    assert asleep(both)[3:] == asleep(lying)[3:] != asleep(moving)[3:]


def test_a_hole_ends_what_is_known() -> None:
    items = readings("posture_change", (1.0, 60))
    for lost, value in ((9, 1.0), (10, 0.0)):  # 10 and 11 min between readings
        said = dict(asleep([x for i, x in enumerate(items, 1) if not 30 <= i < 30 + lost]))
        assert said[45] == value


def test_nobody_lies_for_three_hours_without_a_turn() -> None:
    said = asleep(readings("posture_change", (1.0, 300)))
    assert said[-1] == (185, 1.0)
    turning = asleep(readings("posture_change", *[(1.0, 170), (60.0, 1)] * 2))
    assert turning[-1][0] == 340
    by_activity = asleep(readings("activity", (0.001, 300)))  # it knows itself whether it is worn
    assert by_activity[-1][0] == 300


def test_a_simulated_night() -> None:
    """Nine in ten of the five minutes of a made-up day, whose sleep is known."""
    plan = Plan("a day", 86_400.0, 12.0)
    body = live(plan, Person.of(3), 3)
    g = body.activity_g[:86_400].reshape(-1, 10).mean(axis=1)
    items = readings("activity", *((float(v), 1) for v in g), step_s=10.0)
    right = [v == np.round(body.asleep[int(m * 60) - 150]) for m, v in asleep(items)]
    assert np.mean(right) > 0.9
