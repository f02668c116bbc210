"""Alarms: red is never lost, amber is never a flood, an answer silences and clears nothing else."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthslm.alerts import ALERTS, Acknowledge, State
from healthslm.records import Finding, Tick
from healthslm.stage import freeze, thaw

DAY_S = 86_400.0
T0 = 1.7e9


def found(kind, at, severity="amber", *, ongoing=True, began=None, stream="x/y", **evidence):
    began = at if began is None else began
    return Finding(kind, stream, T0 + began, T0 + at, severity, tuple(evidence.items()), ongoing)


def tick(at):
    return Tick(T0 + at)


def answer(at, kind=""):
    return Acknowledge(T0 + at, kind)


def run(*items):
    """Return what was done, as (step, kind, severity, count)."""
    state, out = ALERTS.start(), []
    for x in items:
        state, new = ALERTS.step(state, x)
        out += new
    return [(a.step, a.kind, a.severity, a.count) for a in out]


def test_an_info_asks_for_nobody():
    assert run(found("pause", 0, "info"), tick(1e5)) == []


def test_a_red_is_told_once_grows_louder_and_asks_for_a_contact():
    steps = run(found("fall", 0, "red"), tick(119.9), tick(120), tick(299.9), tick(300), tick(9e3))
    assert [s[0] for s in steps] == ["told", "louder", "contact"]


def test_a_red_that_waited_long_unseen_goes_to_the_contact_at_once():
    assert [s[0] for s in run(found("fall", 0, "red"), tick(4000))] == ["told", "contact"]


def test_an_answer_stops_the_escalation():
    steps = run(found("fall", 0, "red"), tick(120), answer(130), tick(1000))
    assert [s[0] for s in steps] == ["told", "louder", "acknowledged"]


def test_a_red_stays_until_it_is_answered_though_the_finding_ends():
    over = found("fall", 60, "red", ongoing=False, began=0)
    assert [s[0] for s in run(found("fall", 0, "red"), over, tick(300))] == ["told", "contact"]
    steps = run(found("fall", 0, "red"), over, answer(70), tick(1000))
    assert [s[0] for s in steps] == ["told", "acknowledged", "cleared"]


def test_an_answered_red_clears_when_its_finding_ends():
    over = found("fall", 600, "red", ongoing=False, began=0)
    steps = run(found("fall", 0, "red"), answer(10), tick(500), over)
    assert [s[0] for s in steps] == ["told", "acknowledged", "cleared"]


def test_an_answer_to_one_kind_leaves_the_others():
    steps = run(found("fall", 0, "red"), found("pause", 1, "red"), answer(2, "fall"), tick(500))
    assert [s[:2] for s in steps][2:] == [("acknowledged", "fall"), ("contact", "pause")]


def test_repeated_reds_are_merged_and_told_again_with_their_count():
    items = [found("ventricular_run", t, "red", ongoing=False) for t in (0, 100, 200, 899.9, 900)]
    steps = [s for s in run(items[0], answer(1), *items[1:]) if s[0] == "told"]
    assert [s[3] for s in steps] == [1, 1]  # answered and over: the next is news
    steps = [s for s in run(*items) if s[0] == "told"]
    assert [s[3] for s in steps] == [1, 5]


def test_an_amber_is_told_once_a_day_for_each_kind():
    again = [found("fever", t, ongoing=False) for t in (0, DAY_S - 1, DAY_S)]
    assert [s[0] for s in run(*again)] == ["told", "held", "told"]


def test_three_ambers_a_day_are_told_and_the_reason_stands_with_the_fourth():
    state, out = ALERTS.start(), []
    for n, kind in enumerate(("a", "b", "c", "d")):
        state, new = ALERTS.step(state, found(kind, 10 * n, ongoing=False))
        out += new
    assert [(a.step, a.reason) for a in out] == [("told", "")] * 3 + [("held", "enough today")]


def test_a_red_is_never_held_back():
    items = [found(kind, n, ongoing=False) for n, kind in enumerate("abcdef")]
    assert run(*items, found("g", 50, "red"))[-1] == ("told", "g", "red", 1)


def test_an_amber_clears_by_itself():
    over = found("fever", 600, ongoing=False, began=0)
    assert [s[0] for s in run(found("fever", 0), over)] == ["told", "cleared"]


def test_an_amber_told_once_though_it_is_told_again_while_it_lasts():
    assert len(run(found("fever", 0), found("fever", 60, began=0), tick(500))) == 1


def test_an_amber_that_becomes_red_is_told_again():
    steps = run(found("desaturation", 0), found("desaturation", 60, "red", began=0))
    assert steps == [("told", "desaturation", "amber", 1), ("told", "desaturation", "red", 1)]


def test_two_ambers_at_once_are_red():
    assert run(found("fever", 0), found("tachycardia", 5))[-1] == ("told", "tachycardia", "red", 1)
    over = found("fever", 4, ongoing=False, began=0)
    assert run(found("fever", 0), over, found("tachycardia", 5))[-1][2] == "amber"


@pytest.mark.parametrize(("score", "severity"), [(4.0, "amber"), (5.0, "red")])
def test_news2_is_red_from_five_on(score, severity):
    assert run(found("news2", 0, score=score))[0][2] == severity


def test_technical_findings_use_up_nothing_and_make_nothing_graver():
    quiet = [found("no_data", 0), found("poor_signal", 1), found("no_data", 2, stream="z/y")]
    steps = run(*quiet, found("fever", 3), *(found(k, 4, ongoing=False) for k in "bc"))
    assert [s[:3] for s in steps[:3]] == [
        ("told", "no_data", "amber"),
        ("told", "poor_signal", "amber"),
        ("held", "no_data", "amber"),
    ]
    assert steps[3] == ("told", "fever", "amber", 1)
    assert [s[0] for s in steps[4:]] == ["told", "told"]


@pytest.mark.parametrize("kind", ["poor_signal", "no_data", "swinging_signal"])
def test_what_speaks_of_a_sensor_makes_no_amber_graver(kind):
    assert run(found(kind, 0), found("fever", 3))[-1] == ("told", "fever", "amber", 1)


def test_two_streams_that_see_one_thing_are_one_alarm_until_both_end():
    items = [
        found("fever", 0),
        found("fever", 1, stream="z/y"),
        found("fever", 100, ongoing=False, began=0),
    ]
    assert [s[0] for s in run(*items)] == ["told", "held"]
    end = found("fever", 200, ongoing=False, began=1, stream="z/y")
    assert [s[0] for s in run(*items, end)] == ["told", "held", "cleared"]


kinds = st.sampled_from(["fall", "fever", "pause", "no_data", "news2"])
items = st.lists(
    st.one_of(
        st.tuples(
            st.just("found"), kinds, st.sampled_from(["info", "amber", "red"]), st.booleans()
        ),
        st.tuples(st.just("answer"), st.one_of(st.just(""), kinds)),
        st.tuples(st.just("tick")),
    ),
    max_size=60,
)


def played(script, step_s):
    for n, (what, *rest) in enumerate(script):
        at = n * step_s
        if what == "found":
            yield found(rest[0], at, rest[1], ongoing=rest[2])
        else:
            yield answer(at, rest[0]) if what == "answer" else tick(at)


@settings(max_examples=60)
@given(items, st.sampled_from([1.0, 100.0, 5000.0]))
def test_a_restart_changes_nothing_and_memory_is_bounded(script, step_s):
    state, again, out, out_again = ALERTS.start(), ALERTS.start(), [], []
    for x in played(script, step_s):
        state, new = ALERTS.step(state, x)
        out += new
        again, new = ALERTS.step(thaw(ALERTS, freeze(again)), x)
        out_again += new
    assert (freeze(again), out_again) == (freeze(state), out)
    assert len(freeze(state)) < 8192


@settings(max_examples=60)
@given(items, st.sampled_from([1.0, 100.0, 5000.0]))
def test_no_red_is_silent_and_ambers_keep_to_their_number(script, step_s):
    """Each red is told, or merged into one told less than 15 minutes before."""
    state, ambers = ALERTS.start(), []
    told: dict[str, float] = {}
    for x in played(script, step_s):
        state, new = ALERTS.step(state, x)
        for a in new:
            if a.step == "told" and a.severity == "red":
                told[a.kind] = a.t_s
            if a.step == "told" and a.severity == "amber" and a.kind != "no_data":
                ambers.append(a.t_s)
        if isinstance(x, Finding) and x.severity == "red":
            assert x.t1_s - told[x.kind] < 900
    for first, fourth in zip(ambers, ambers[3:], strict=False):
        assert fourth - first >= DAY_S
    assert all(a <= b for a, b in pairwise(ambers))


def test_the_state_begins_empty():
    assert ALERTS.start() == State()
