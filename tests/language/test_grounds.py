"""Each sentence of a text is shown with the fact, the values and the records it rests on."""

from dataclasses import replace

import pytest

from healthslm.language import guard, slots, template
from healthslm.language.facts import gather
from healthslm.language.grounds import Readings, grounds
from healthslm.language.plan import plan
from healthslm.language.wording import languages, meanings
from healthslm.records import Beat, Finding, Vital

DAY_S = 86_400.0
T0_S = 1_772_323_200.0  # Sunday 2026-03-01, midnight UTC
T1_S = T0_S + DAY_S
FAST = (("highest_bpm", 151.0), ("limit_bpm", 120.0))


def fast(t0_s, stream="band/ppg", *, ongoing=False, kind="tachycardia", evidence=FAST):
    return Finding(kind, stream, t0_s, t0_s + 600, "amber", evidence, ongoing)


def pulse(minutes=60, stream="band/heart_rate", t0_s=T0_S, bpm=62.0):
    return [Vital("heart_rate", stream, t0_s + 30 * n, bpm + n % 3) for n in range(2 * minutes)]


def rows(records, lang="en", level="plain", **more):
    """Return the grounds of the template's text of some records."""
    facts = gather(records, T0_S, T1_S, zone="UTC", earlier=more.get("days", ()))
    what = plan(facts, level)
    text = slots.render(template.compose(what, lang), what, lang, emergency="112")
    found = grounds(text, what, facts, records, lang, emergency="112", **more)
    assert " ".join(row.sentence for row in found) == text
    return {row.kind: row for row in found}


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("level", meanings().levels)
def test_a_finding_stands_under_its_sentence_as_last_told(lang, level):
    told = [
        fast(T0_S + 3600, ongoing=True),
        replace(fast(T0_S + 3600), t1_s=T0_S + 4800),
        fast(T0_S + 3630, "chest/ecg"),
        fast(T0_S - 3600),  # of the day before
        fast(T1_S),  # and of the day after
        fast(T0_S + 3600, kind="bradypnoea", evidence=(("lowest_per_min", 7.0),)),
    ]
    row = rows([*told[:5], *pulse()], lang, level)["tachycardia"]
    assert row.findings == (told[1], told[2])
    assert ("severity", "amber") in row.categories
    assert dict(row.values)["highest"].startswith("151")
    assert not row.readings


def test_a_measure_stands_on_its_readings_and_no_others():
    records = [
        *pulse(10),
        *pulse(5, "chest/ecg", T0_S + 600),
        *pulse(5, t0_s=T1_S),  # of the next day
        Vital("spo2", "band/spo2", T0_S, 97.0),
    ]
    row = rows(records)["pulse"]
    (read, still) = row.readings
    streams = ("band/heart_rate", "chest/ecg")
    assert read == Readings("heart_rate", 30, 15, streams, T0_S, T0_S + 600 + 9 * 30, 4)
    assert still == Readings("activity", 0, 0)
    assert row.values == (("typical", "63 beats a minute"),)


def test_minutes_at_rest_are_those_that_were_still():
    still = [Vital("activity", "band/activity", T0_S + 60 * n, 0.01) for n in range(40)]
    (read, activity) = rows([*pulse(60), *still])["pulse"].readings
    assert (read.resting, read.minutes, activity.minutes) == (40, 60, 40)


def test_what_was_watched_stands_under_what_says_so():
    beats = [Beat("beat", "chest/ecg", T0_S + n, 1.0, n % 2 == 0) for n in range(600)]
    found = rows([*pulse(10), *beats])
    (watched,) = found["quiet"].readings
    assert (watched.kind, watched.count, watched.minutes) == ("watched", 20 + 300, 10)
    assert watched.streams == ("band/heart_rate", "chest/ecg")
    assert {r.kind for r in found["missing"].readings} == {
        "spo2",
        "temperature",
        "respiratory_rate",
    }
    assert all(r.count == 0 and r.t0_s is None for r in found["missing"].readings)


def test_too_few_readings_are_shown_where_a_measure_is_missing():
    few = [Vital("spo2", "band/spo2", T0_S + 60 * n, 97.0) for n in range(2)]
    oxygen = rows([*pulse(10), *few])["missing"].readings
    assert [(r.kind, r.minutes) for r in oxygen if r.kind == "spo2"] == [("spo2", 2)]


def test_a_usual_range_stands_on_the_days_before():
    days = [
        gather(pulse(t0_s=T0_S - n * DAY_S, bpm=60.0 + n), T0_S - n * DAY_S,
               T0_S - (n - 1) * DAY_S, zone="UTC")
        for n in range(6, 0, -1)
    ]  # fmt: skip
    row = rows(pulse(), days=days)["pulse"]
    assert [t_s for t_s, _ in row.days] == [T0_S - n * DAY_S for n in range(6, 0, -1)]
    assert row.days[0][1] == "67 beats a minute"
    assert rows(pulse())["pulse"].days == ()


def test_more_stands_on_what_the_text_does_not_name():
    kinds = {
        "desaturation": (("lowest_pct", 85.0), ("limit_pct", 92.0)),
        "fever": (("highest_c", 39.0), ("limit_c", 38.0)),
        "bradycardia": (("lowest_bpm", 41.0), ("limit_bpm", 50.0)),
        "tachycardia": FAST,
        "no_data": (),
        "unheard_of": (),
    }
    told = [fast(T0_S + 60, kind=kind, evidence=evidence) for kind, evidence in kinds.items()]
    found = rows(told)
    named = {f.kind for row in found.values() for f in row.findings if row.kind != "more"}
    assert {f.kind for f in found["more"].findings} == kinds.keys() - named
    assert len(named) == 3


def test_frames_and_actions_stand_on_a_rule():
    found = rows([fast(T0_S + 60), *pulse()])
    assert found["doubt"].rule == meanings().kinds["doubt"].means
    assert found["action"].rule == meanings().actions["amber"]
    assert not found["tachycardia"].rule


def test_the_operators_finding_stands_under_no_sentence():
    failed = fast(T0_S, "board/model", kind="summary_by_template", evidence=(("reason", 4.0),))
    found = rows([failed, fast(T0_S + 60), *pulse()])
    assert not any(f.kind == failed.kind for row in found.values() for f in row.findings)


def test_a_sentence_that_the_records_do_not_give_any_more_is_marked():
    """A text was written; then more came in, and its numbers are others."""
    facts = gather(pulse(10), T0_S, T1_S, zone="UTC")
    told = plan(facts)
    text = slots.render(template.compose(told, "en"), told, "en", emergency="112")
    later = [*pulse(10), *pulse(60, t0_s=T0_S + 600, bpm=90.0), fast(T0_S + 60)]
    now = gather(later, T0_S, T1_S, zone="UTC")
    found = grounds(text, plan(now), now, later, "en", emergency="112")
    assert " ".join(row.sentence for row in found) == text
    lost = " ".join(row.sentence for row in found if not row.kind)
    assert "10 minutes" in lost and "if you feel unwell" in lost.lower()
    assert all(
        row == replace(row, values=(), findings=(), rule="") for row in found if not row.kind
    )


# ---- guard.read -----------------------------------------------------------------------------


def test_reading_names_the_item_of_each_sentence_as_the_check_does():
    facts = gather([fast(T0_S + 60), *pulse()], T0_S, T1_S, zone="UTC")
    what = plan(facts)
    text = slots.render(template.compose(what, "en"), what, "en", emergency="112")
    said = guard.read(text, what, "en", emergency="112")
    assert [kind for kind, _ in said] == [*(i.kind for i in what.items), "action"]
    assert guard.check_text(text, what, "en", emergency="112").ok
    first = said[0][1]
    other = text.replace(first, "We saw you at 2:05 p.m. in the garden.")
    unread = guard.read(other, what, "en", emergency="112")
    assert unread[0] == ("", "We saw you at 2:05 p.m. in the garden.")
    assert unread[1:] == said[1:]
    assert "unknown sentence" in guard.check_text(other, what, "en", emergency="112").reasons


@pytest.mark.parametrize(
    "altered",
    [
        lambda text: text.replace(". ", ".  ", 1),  # a second space
        lambda text: " " + text,
        lambda text: text.replace(". ", ".", 1),
    ],
)
def test_the_check_still_takes_no_text_with_other_spaces(altered):
    facts = gather([fast(T0_S + 60), *pulse()], T0_S, T1_S, zone="UTC")
    what = plan(facts)
    text = slots.render(template.compose(what, "en"), what, "en", emergency="112")
    assert not guard.check_text(altered(text), what, "en", emergency="112").ok


def test_another_emergency_number_is_another_action():
    facts = gather(pulse(), T0_S, T1_S, zone="UTC")
    red = plan(gather([replace(fast(T0_S), severity="red"), *pulse()], T0_S, T1_S, zone="UTC"))
    text = slots.render(template.compose(red, "en"), red, "en", emergency="112")
    assert guard.read(text, red, "en", emergency="112")[-1][0] == "action"
    assert guard.read(text, red, "en", emergency="911")[-1][0] == ""
    assert guard.read("", plan(facts), "en") == []
