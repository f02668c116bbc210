"""The plan: the gravest first, three findings at most, what is not known, one action."""

from pathlib import Path
from random import Random
from runpy import run_path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.language.facts import Fact, Facts, gather
from healthslm.language.plan import plan
from healthslm.language.wording import meanings
from healthslm.records import Finding

corpus = SimpleNamespace(**run_path(str(Path(__file__).parents[2] / "models/recipe/corpus.py")))
DAY = 1_767_225_600.0
FULL = Fact("coverage", "info", (("share", "full"),), (("watched", 86_400.0),))
PART = Fact(
    "coverage", "info", (("share", "part"),), (("watched", 43_200.0), ("unwatched", 43_200.0))
)
SOME = Fact("missing", "info", (("extent", "some"),), (("what", "oxygen"),))
ALL = Fact("missing", "info", (("extent", "all"),), (("what", "pulse,rhythm"),))


def finding(kind, severity="amber"):
    return Fact(kind, severity, (("times", "one"),), (("start", DAY),))


def measure(kind, vs="usual"):
    return Fact(kind, "info", (("vs", vs),), (("typical", 60.0),))


def planned(*facts):
    return plan(Facts(DAY, DAY + 86_400, "UTC", facts))


def kinds(*facts):
    return [item.kind for item in planned(*facts).items]


@given(st.integers(0, 2**32))
def test_whatever_happened_there_are_two_to_four_items_each_said_once(seed):
    facts = corpus.facts(Random(seed))
    what = plan(facts)
    names = [item.kind for item in what.items]
    assert 2 <= len(names) <= 4
    assert len(set(names)) == len(names)
    assert what.items[0].required
    told = [n for n in names if meanings().kinds[n].group == "finding"]
    assert len(told) == min(3, len(facts.findings))
    assert ("more" in names) == (len(facts.findings) > 3)
    assert ("quiet" in names) <= (not facts.findings)


def test_the_gravest_comes_first_and_of_equals_the_more_urgent():
    assert kinds(
        finding("fever", "info"), finding("tachycardia", "amber"), finding("pause", "amber")
    )[:3] == ["pause", "tachycardia", "fever"]
    assert kinds(finding("pause", "info"), finding("poor_signal", "amber"))[0] == "poor_signal"


def test_more_than_three_findings_are_told_by_their_number():
    four = [finding(k) for k in ("fever", "pause", "tachycardia", "bradycardia", "desaturation")]
    what = planned(*four, measure("pulse", "above"))
    assert [i.kind for i in what.items][3:] == ["more"]
    assert what.items[-1].values == (("count", 2.0),)


def test_three_findings_leave_room_for_doubt_only():
    three = [finding(k) for k in ("fever", "pause", "tachycardia")]
    assert kinds(*three, measure("pulse", "above"), PART)[3:] == ["doubt"]


@pytest.mark.parametrize("severity", ["info", "amber", "red"])
def test_a_kind_of_finding_that_nobody_foresaw_is_told_and_decides_the_action(severity):
    fall = [Finding(k, "a/x", DAY, DAY + 1, severity, ()) for k in ("novel", "of_tomorrow")]
    for found in (fall, fall[:1], fall[1:]):
        what = plan(gather(found, DAY, DAY + 86_400, zone="UTC"))
        assert (what.items[0].kind, what.items[0].required) == ("noticed", True)
        assert what.action == severity


def test_a_kind_that_only_counts_changes_no_plan():
    counts = [Finding("irregular_burden", "a/x", DAY, DAY + 1, "red", ())]
    assert plan(gather(counts, DAY, DAY + 86_400, zone="UTC")) == plan(
        gather([], DAY, DAY + 86_400, zone="UTC")
    )


def test_what_is_told_by_name_counts_among_the_findings_that_are_left_for_the_list():
    reds = [finding(k, "red") for k in ("pause", "tachycardia", "bradycardia")]
    what = planned(finding("noticed", "red"), *reds)
    assert [i.kind for i in what.items] == ["pause", "bradycardia", "tachycardia", "more"]
    assert what.items[-1].values == (("count", 1.0),)
    assert planned(finding("noticed", "red"), finding("pause")).items[0].kind == "noticed"


@pytest.mark.parametrize(
    ("facts", "action"),
    [
        ((finding("fever", "info"), finding("pause", "red")), "red"),
        ((finding("fever", "amber"), finding("no_data", "info")), "amber"),
        ((finding("fever", "info"), finding("poor_signal", "amber")), "technical"),
        ((finding("no_data", "red"),), "technical"),
        ((finding("fever", "info"),), "info"),
        ((ALL,), "unknown"),
        ((FULL, SOME, measure("pulse")), "none"),
    ],
)
def test_the_severity_decides_the_action(facts, action):
    assert planned(*facts).action == action


def test_a_quiet_day_tells_what_was_measured_and_what_is_not_known():
    assert kinds(FULL, measure("pulse"), measure("temperature"), SOME) == [
        "quiet",
        "pulse",
        "temperature",
        "missing",
    ]
    assert all(i.required for i in planned(FULL, measure("pulse"), SOME).items)


def test_a_day_without_data_is_never_quiet():
    assert kinds(ALL) == ["missing", "caution"]
    assert kinds(finding("no_data"), ALL) == ["no_data", "caution", "missing"]


def test_nothing_is_said_to_be_unmeasured_beside_a_finding_in_the_body():
    assert kinds(finding("pause"), ALL) == ["pause", "doubt"]


def test_a_day_watched_but_not_measured_warns_that_this_is_no_good_sign():
    assert kinds(FULL, SOME) == ["quiet", "missing", "caution"]


def test_a_value_without_its_usual_range_comes_with_the_reason():
    assert kinds(FULL, measure("pulse", "unknown"), measure("oxygen", "unknown"), SOME) == [
        "quiet",
        "pulse",
        "learning",
        "missing",
    ]
    assert "learning" not in kinds(FULL, measure("pulse"))


def test_what_is_unusual_is_told_before_the_rest_and_must_be():
    what = planned(finding("fever"), measure("pulse"), measure("breathing", "above"))
    assert [i.kind for i in what.items] == ["fever", "doubt", "breathing", "pulse"]
    assert [i.required for i in what.items] == [True, True, True, False]


@pytest.mark.parametrize("vs", ["above", "below"])
@pytest.mark.parametrize("others", [(), (measure("oxygen", "unknown"), measure("breathing"))])
def test_what_is_unusual_has_its_place_before_what_is_not_known(vs, others):
    """However little room: before coverage, before `missing`, before a value without a range."""
    what = planned(finding("desaturation"), PART, SOME, measure("pulse", vs), *others)
    assert [i.kind for i in what.items] == ["desaturation", "doubt", "coverage", "pulse"]
    three = (finding("desaturation"), finding("fever"), PART, SOME, measure("pulse", vs), *others)
    assert kinds(*three) == ["desaturation", "fever", "doubt", "pulse"]


@pytest.mark.parametrize(
    ("found", "hidden"),
    [
        ("tachycardia", "pulse_range"),
        ("bradycardia", "pulse_range"),
        ("desaturation", "oxygen_low"),
    ],
)
def test_an_extreme_is_told_once(found, hidden):
    extreme = Fact(hidden, "info", (), ())
    assert hidden not in kinds(finding(found), extreme)
    assert hidden in kinds(finding("fever"), extreme)


def test_beside_a_finding_the_unwatched_time_is_told():
    assert kinds(finding("fever"), PART) == ["fever", "doubt", "coverage"]
    assert kinds(finding("fever"), FULL) == ["fever", "doubt"]


def test_a_prompt_is_one_token_for_each_fact_and_category():
    assert planned(finding("fever"), FULL).prompt("es") == [
        "<es>",
        "<level:plain>",
        "<fact:fever>",
        "<severity:amber>",
        "<times:one>",
        "<fact:doubt>",
        "<action:amber>",
        "<text>",
    ]
