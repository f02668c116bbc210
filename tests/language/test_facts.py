"""What is true of a period: counted once, cut to it, rounded as printed, unknown where unknown."""

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.language import facts
from healthslm.language.facts import Facts, gather, printed
from healthslm.records import Beat, Finding, Gap, Vital

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
    assert (told["start"], told["longest"], told["open"]) == (DAY + start, longest, "yes")


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


@pytest.mark.parametrize("kind", ["fall", "glucose_low", "a_kind_of_tomorrow"])
@pytest.mark.parametrize("severity", ["info", "amber", "red"])
def test_a_kind_without_clauses_of_its_own_is_never_passed_over(kind, severity):
    what = day(named(kind, severity=severity))
    assert [f.kind for f in what.findings] == ["noticed"]
    assert what.findings[0].severity == severity
    assert values(what, "noticed") == {"what": kind, "start": DAY + 600}


def test_kinds_told_by_name_stand_by_severity_then_beginning_then_name():
    what = day(
        named("fall", 900, "info"),
        named("tachypnoea", 700),
        named("news2", 700),
        named("bigeminy", 800, "red"),
        named("glucose_high", 600),
        fast(),
    )
    assert sorted(f.kind for f in what.findings) == ["noticed", "tachycardia"]
    assert what.get("noticed").severity == "red"
    assert values(what, "noticed") == {
        "what": "bigeminy,glucose_high,news2,tachypnoea,fall",
        "start": DAY + 600,
    }


def test_what_is_told_by_name_begins_with_the_day_at_the_earliest():
    assert values(day(named("fall", -30.0)), "noticed")["start"] == DAY


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
