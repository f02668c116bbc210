"""What is true of a period: counted once, cut to it, rounded as printed, unknown where unknown."""

import random
import subprocess
import sys
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.language import facts, slots
from healthslm.language.facts import Fact, Facts, gather, printed
from healthslm.language.wording import meanings
from healthslm.records import Beat, Finding, Gap, Vital

corpus = SimpleNamespace(**run_path(str(Path(__file__).parents[2] / "models/recipe/corpus.py")))
DAY = 1_767_225_600.0  # a midnight, UTC
END = DAY + 86_400.0


def fast(t0=600.0, t1=1200.0, bpm=132.0, *, stream="chest/ecg", severity="amber", ongoing=False):
    """Return a tachycardia, its times counted from the beginning of the day."""
    evidence = (("highest_bpm", bpm), ("mean_bpm", bpm - 9), ("limit_bpm", 120.0))
    return Finding("tachycardia", stream, DAY + t0, DAY + t1, severity, evidence, ongoing=ongoing)


def pause(t0, rr_s):
    t0 += DAY
    return Finding("pause", "chest/ecg", t0, t0 + rr_s, "amber", (("rr_s", rr_s),))


def minutes(kind, values, *, first=0, stream="a/x"):
    """Return one reading a minute."""
    return [Vital(kind, stream, DAY + 60.0 * (first + n), v) for n, v in enumerate(values)]


def day(*records, earlier=()):
    return gather(records, DAY, END, zone="UTC", earlier=earlier)


def earlier_days(*typical):
    """Return days of which only the resting pulse is known."""
    return [day(*minutes("heart_rate", [t] * 3)) for t in typical]


def values(what: Facts, kind: str):
    fact = what.get(kind)
    return {} if fact is None else dict(fact.values)


# ---- findings ---------------------------------------------------------------------------


def test_an_event_seen_by_two_streams_counts_once_with_the_worst_of_both():
    found = day(
        fast(600, 1200, 132.0), fast(610, 1230, 141.4, stream="wrist/ppg", severity="red")
    ).get("tachycardia")
    told = dict(found.values)
    assert dict(found.categories)["times"] == "one"
    assert found.severity == "red"
    assert (told["highest"], told["start"], told["longest"]) == (141.0, DAY + 600, 630.0)
    assert "count" not in told


def test_episodes_apart_are_counted_and_the_worst_is_dated():
    told = values(
        day(fast(600, 1200, 132), fast(5000, 6000, 150), fast(9000, 9100, 150)), "tachycardia"
    )
    assert (told["count"], told["highest"], told["longest"]) == (3.0, 150.0, 1000.0)
    assert (told["start"], told["worst_at"]) == (DAY + 600, DAY + 5000)


def test_two_pauses_in_a_row_are_two():
    told = values(day(pause(100.0, 3.04), pause(103.04, 2.5)), "pause")
    assert (told["count"], told["longest"], told["worst_at"]) == (2.0, 3.0, DAY + 100)


def test_what_is_told_again_replaces_what_was_told_before():
    first = fast(600, 900, 132, ongoing=True)
    told = values(day(first, fast(600, 2000, 147)), "tachycardia")
    assert (told["longest"], told["highest"], told.get("open")) == (1400.0, 147.0, None)
    assert values(day(first), "tachycardia")["open"] == "yes"


@pytest.mark.parametrize(
    ("t0", "t1", "start", "longest"),
    [(-300, 600, 0, 600), (86_000, 87_000, 86_000, 400), (-50, 90_000, 0, 86_400)],
)
def test_a_finding_that_reaches_out_of_the_day_is_cut_to_it_and_lasts_at_least(
    t0, t1, start, longest
):
    told = values(day(fast(t0, t1)), "tachycardia")
    assert (told["longest"], told["open"]) == (longest, "yes")
    begun = None if t0 < 0 else DAY + start  # before the day: when in the day it began, none knows
    assert (told.get("start"), told.get("worst_at")) == (begun, begun)


def test_a_finding_of_another_day_is_not_told():
    assert not day(fast(-900, -1), fast(86_400, 86_500)).findings
    assert day(fast(-900, 0)).findings


def test_lengths_of_silence_add_up_and_their_signals_are_named():
    silent = [
        Finding("no_data", "chest/ecg-v5", DAY, DAY + 300, "amber", (("silent_s", 300.0),)),
        Finding("no_data", "wrist/ppg", DAY + 900, DAY + 1000, "info", (("silent_s", 100.0),)),
    ]
    told = values(day(*silent), "no_data")
    assert (told["total"], told["what"], told["count"]) == (400.0, "ecg,ppg", 2.0)


def test_a_finding_without_its_numbers_is_a_fault_that_names_no_measurement():
    with pytest.raises(ValueError, match="fever holds no highest_c"):
        day(Finding("fever", "a/temperature", DAY, DAY + 60, "amber", (("x", 39.123),)))


def test_a_limit_is_that_of_the_worst_episode():
    lower = Finding(
        "bradycardia", "a/ecg", DAY, DAY + 60, "info", (("lowest_bpm", 44.0), ("limit_bpm", 50.0))
    )
    worst = Finding(
        "bradycardia",
        "a/ecg",
        DAY + 99,
        DAY + 200,
        "info",
        (("lowest_bpm", 37.5), ("limit_bpm", 40.0)),
    )
    told = values(day(lower, worst), "bradycardia")
    assert (told["lowest"], told["limit"]) == (38.0, 40.0)


def named(kind, t0=600.0, severity="amber"):
    return Finding(kind, "a/x", DAY + t0, DAY + t0 + 60, severity, ())


@pytest.mark.parametrize("kind", ["a_kind", "a_kind_of_tomorrow"])
@pytest.mark.parametrize("severity", ["info", "amber", "red"])
def test_a_kind_without_clauses_of_its_own_is_never_passed_over(kind, severity):
    what = day(named(kind, severity=severity))
    assert [f.kind for f in what.findings] == ["noticed"]
    assert what.findings[0].severity == severity
    assert values(what, "noticed") == {"what": kind, "start": DAY + 600}


def test_kinds_told_by_name_stand_by_severity_then_beginning_then_name():
    what = day(
        named("kind_f", 900, "info"),
        named("kind_t", 700),
        named("kind_n", 700),
        named("kind_b", 800, "red"),
        named("kind_g", 600),
        fast(),
    )
    assert sorted(f.kind for f in what.findings) == ["noticed", "tachycardia"]
    assert what.get("noticed").severity == "red"
    assert values(what, "noticed") == {
        "what": "kind_b,kind_g,kind_n,kind_t,kind_f",
        "start": DAY + 600,
    }


def test_what_is_told_by_name_has_no_time_where_it_began_before_the_day():
    assert "start" not in values(day(named("kind", -30.0)), "noticed")


def test_a_fall_before_midnight_keeps_its_time():
    """No clause of a fall goes without its time, so that is told even where the day cut it."""
    told = values(day(named("fall", -30.0)), "fall")
    assert told["start"] == DAY - 30


@pytest.mark.parametrize("kind", sorted(facts.TOLD))
def test_each_kind_has_the_categories_and_values_that_its_meaning_lists(kind):
    """On invented days of every shape, against the table that the clauses are written from."""
    seen, kind_means = set(), meanings().kinds[kind]
    for what, _, _ in corpus.plans(5, 1500):
        item = what.item(kind)
        if item is not None:
            assert tuple(name for name, _ in item.categories) == kind_means.categories
            seen |= {name for name in kind_means.slots if slots.has(item, name)}
            assert all(slots.has(item, name) for name in kind_means.needs)
    assert seen == set(kind_means.slots)


# ---- again, and when in the day -----------------------------------------------------------


def days_before(*backs, kind="tachycardia", zone="UTC"):
    """Return the facts of days so many days back, each with a finding."""
    found = Fact(kind, "amber", (), ())
    return [Facts(DAY - 86_400 * b, DAY - 86_400 * (b - 1), zone, (found,)) for b in backs]


@pytest.mark.parametrize(
    ("backs", "again"),
    [((), None), ((6,), 6), ((7,), None), ((5, 2), 2), ((2, 5), 2), ((0,), None)],
)
def test_the_newest_of_six_days_before_that_had_it_is_named(backs, again):
    what = day(fast(), earlier=days_before(*backs))
    told = values(what, "tachycardia").get("again")
    assert told == (None if again is None else DAY - 86_400 * again)
    name = "no" if again is None else "yes"
    assert ("again", name) in what.get("tachycardia").categories


def test_what_goes_on_from_the_day_before_is_not_the_same_again():
    assert "again" not in values(day(fast(-60, 600), earlier=days_before(1)), "tachycardia")
    told = values(day(fast(-60, 600), earlier=days_before(1, 3)), "tachycardia")
    assert told["again"] == DAY - 3 * 86_400


def test_another_kind_on_another_day_is_not_this_one_again():
    what = day(fast(), earlier=days_before(1, kind="pause"))
    assert ("again", "no") in what.get("tachycardia").categories


@pytest.mark.parametrize(
    ("spans", "part"),
    [
        ([(0, 6)], "night"),
        ([(0, 6.001)], "mixed"),
        ([(5.99, 7)], "mixed"),
        ([(6, 22)], "day"),
        ([(21, 22.001)], "mixed"),
        ([(22, 23.9)], "night"),
        ([(1, 2), (22.5, 23)], "night"),
        ([(1, 2), (12, 13)], "mixed"),
        ([(9, 10), (20, 21)], "day"),
    ],
)
def test_by_night_and_by_day_hold_only_where_every_episode_lies_within(spans, part):
    what = day(*(fast(3600 * a, 3600 * b) for a, b in spans))
    assert ("part", part) in what.get("tachycardia").categories


def test_an_episode_across_midnight_lies_in_one_night_and_by_the_person_s_clock():
    late = gather([fast(-1800, 1800)], DAY - 43_200, DAY + 43_200, zone="UTC")
    assert ("part", "night") in late.get("tachycardia").categories
    there = gather([fast(-1800, 1800)], DAY - 43_200, DAY + 43_200, zone="Asia/Tokyo")
    assert ("part", "day") in there.get("tachycardia").categories


def test_what_goes_on_is_neither_of_the_night_nor_of_the_day():
    what = day(fast(3600, 7200, ongoing=True))
    assert ("part", "mixed") in what.get("tachycardia").categories


# ---- trends -------------------------------------------------------------------------------


def trend(*typical, now=None):
    """Return the trend of the pulse: typical values of the days before, oldest first."""
    rows = [
        Facts(
            DAY - 86_400 * n,
            DAY - 86_400 * (n - 1),
            "UTC",
            (Fact("pulse", "info", (), (("typical", float(v)),)),),
        )
        for n, v in zip(range(len(typical), 0, -1), typical, strict=True)
        if v is not None
    ]
    return day(*minutes("heart_rate", [float(now)] * 3), earlier=rows).get("pulse_trend")


@pytest.mark.parametrize(
    ("before", "now", "way"),
    [
        ((60, 62, 64, 66), 68, "rising"),
        ((68, 66, 64, 62), 60, "falling"),
        ((60, 61, 62, 63), 63, None),  # too little a change
        ((60, 66, 61, 67), 68, "rising"),  # S = 8 of 10
        ((60, 67, 66, 64), 68, None),  # S = 4
        ((60, 65, 70), 75, None),  # four days
        ((60, 63, None, 66), 69, None),
        ((60, None, 62, 64, 66), 68, "rising"),
        ((90, 60, 61, 62, 63, 64, 65), 66, "rising"),  # the eighth day is not looked at
        ((60, 60, 60, 60), 90, None),  # one high day is no trend
    ],
)
def test_a_trend_is_told_where_the_days_agree_and_the_change_counts(before, now, way):
    found = trend(*before, now=now)
    assert (found and dict(found.categories)["way"]) == way


def test_a_trend_tells_its_ends_and_its_days():
    told = dict(trend(60, None, 62, 64, 66, now=68).values)
    assert told == {"first": 60.0, "last": 68.0, "days": 6.0}


def test_without_a_value_of_the_day_itself_there_is_no_trend():
    rows = [
        Facts(
            DAY - 86_400 * n, DAY, "UTC", (Fact("pulse", "info", (), (("typical", 80.0 - 3 * n),)),)
        )
        for n in range(6, 0, -1)
    ]
    assert day(earlier=rows).get("pulse_trend") is None
    week = gather([], DAY - 6 * 86_400, DAY, zone="UTC", days=rows)
    assert dict(week.get("pulse_trend").values)["last"] == 77.0


@pytest.mark.parametrize("kind", ["glucose_range", "irregular_burden"])
def test_a_kind_that_only_counts_is_no_fact(kind):
    assert not day(named(kind, severity="red")).findings


# ---- measures ---------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "known"), [(2, False), (3, True)])
def test_a_measure_is_known_from_three_minutes_on(count, known):
    what = day(*minutes("spo2", [96.0] * count))
    assert (what.get("oxygen") is not None) == known
    assert ("oxygen" in str(values(what, "missing")["what"])) != known


def test_the_resting_pulse_is_the_median_of_the_still_minutes():
    pulse = [60.0] * 15 + [64.0] * 15 + [120.0] * 30
    still = [facts.REST_G] * 30 + [facts.REST_G * 1.01] * 30
    what = day(*minutes("heart_rate", pulse), *minutes("activity", still))
    assert values(what, "pulse")["typical"] == 62.0
    assert values(what, "pulse_range") == {"low": 60.0, "high": 120.0}


def test_without_thirty_still_minutes_the_lowest_quarter_stands_for_rest():
    pulse = [90.0] * 29 + [50.0, 52.0, 58.0] + [100.0] * 8
    what = day(*minutes("heart_rate", pulse), *minutes("activity", [0.0] * 29))
    assert values(what, "pulse")["typical"] == 90.0  # 10 of 40: 50, 52, 58 and seven of 90
    assert (
        values(day(*minutes("heart_rate", [50.0, 60.0, 70.0, 80.0, 90.0])), "pulse")["typical"]
        == 55.0
    )


def test_the_day_holds_its_first_moment_and_not_its_last():
    at_its_end = [Vital("spo2", "a/x", END, 80.0), Beat("beat", "a/ecg", END, 0.8, good=True)]
    what = day(*minutes("spo2", [96.0] * 3), *at_its_end)
    assert values(what, "oxygen_low") == {"lowest": 96.0, "at": DAY}
    assert values(what, "coverage")["watched"] == 180.0


def test_a_minute_is_the_mean_of_its_readings_whatever_the_stream():
    pair = [
        Vital("spo2", "a/spo2", DAY + 1, 90.0),
        Vital("spo2", "b/spo2", DAY + 59, 94.0),
    ]
    what = day(*pair, *minutes("spo2", [97.0, 97.0], first=1))
    assert values(what, "oxygen_low") == {"lowest": 92.0, "at": DAY}


@pytest.mark.parametrize(
    ("typical", "days", "vs"),
    [
        (60.0, (60, 61, 62, 63), "unknown"),
        (60.0, (60, 61, 62, 63, 64), "usual"),
        (64.4, (60, 61, 62, 63, 64), "usual"),  # printed 64, so it is not above 64
        (64.5, (60, 61, 62, 63, 64), "above"),
        (59.5, (60, 61, 62, 63, 64), "usual"),
        (59.4, (60, 61, 62, 63, 64), "below"),
    ],
)
def test_the_own_range_is_from_the_smallest_to_the_largest_of_five_days_or_more(typical, days, vs):
    what = day(*minutes("heart_rate", [typical] * 3), earlier=earlier_days(*days))
    assert dict(what.get("pulse").categories)["vs"] == vs
    told = values(what, "pulse")
    assert ("usual_low" in told) == (vs != "unknown")


def test_a_finding_is_told_with_the_own_range_only_where_it_is_known():
    earlier = earlier_days(60, 61, 62, 63, 64)
    with_range = day(fast(), *minutes("heart_rate", [62.0] * 3), earlier=earlier)
    assert values(with_range, "tachycardia")["usual_high"] == 64.0
    assert ("usual", "unknown") in day(fast(), earlier=earlier).get("tachycardia").categories


@given(st.randoms(use_true_random=False))
def test_the_order_in_which_records_come_does_not_matter(shuffler):
    records = [
        fast(),
        fast(700, 800, 150, stream="b/ppg"),
        *minutes("heart_rate", [60.0, 61.5, 99.25]),
        *minutes("activity", [0.25, 0.0, 0.5]),
        Beat("beat", "a/ecg", DAY + 5, None, good=True),
        Gap("a/ecg", DAY, DAY + 1, 250),
    ]
    expected = day(*records)
    shuffler.shuffle(records)
    assert day(*records) == expected


@pytest.mark.parametrize(
    ("value", "decimals", "result"),
    [(62.5, 0, 63.0), (62.49, 0, 62.0), (-0.5, 0, 0.0), (38.25, 1, 38.3), (3.04, 1, 3.0)],
)
def test_halves_are_rounded_upwards(value, decimals, result):
    assert printed(value, decimals) == result


# ---- how much is known ------------------------------------------------------------------


@pytest.mark.parametrize(("gap", "watched"), [(10, 11.0), (11, 2.0)])
def test_breaks_of_ten_minutes_are_bridged_and_longer_ones_are_not(gap, watched):
    what = day(*minutes("spo2", [96.0]), *minutes("spo2", [96.0], first=gap))
    assert values(what, "coverage")["watched"] == watched * 60


@pytest.mark.parametrize(
    ("watched", "share"), [(1296, "full"), (1295, "part"), (360, "part"), (359, "little")]
)
def test_the_share_that_was_watched_has_three_names(watched, share):
    what = day(*minutes("temperature", [36.6] * watched))
    assert what.get("coverage").categories == (("share", share),)
    unwatched = values(what, "coverage").get("unwatched")
    assert unwatched == (None if share == "full" else 86_400.0 - 60 * watched)


def test_rhythm_is_known_from_three_minutes_of_good_beats():
    def beats(count, good):
        return [Beat("beat", "a/ecg", DAY + 60.0 * n, 0.8, good=good) for n in range(count)]

    assert "rhythm" in str(values(day(*beats(2, True), *beats(9, False)), "missing")["what"])
    assert "rhythm" not in str(values(day(*beats(3, True)), "missing")["what"])


def test_a_day_without_records_is_wholly_unknown():
    what = day()
    assert [f.kind for f in what.facts] == ["missing"]
    assert what.get("missing").categories == (("extent", "all"),)
    assert values(what, "missing")["what"] == "pulse,rhythm,oxygen,temperature,breathing"


def test_records_are_read_once_and_not_kept():
    """A day of 40,000 records leaves cells for its minutes, from a generator."""
    draw = random.Random(3)
    records = (
        Vital("heart_rate", "a/ppg", DAY + n * 2.16, draw.uniform(50, 90)) for n in range(40_000)
    )
    what = gather(records, DAY, END, zone="UTC")
    assert values(what, "coverage")["watched"] == 86_400.0
    assert next(records, None) is None


@pytest.mark.parametrize("name", ["facts", "plan", "wording", "guard", "template", "slots"])
def test_words_are_found_without_numpy(name):
    program = f"import sys, healthslm.language.{name}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
