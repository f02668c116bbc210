"""Answers: nothing but true clauses of the facts and fixed texts; nothing of the question."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.language import answers, slots, tokens
from healthslm.language.answers import Answer, Manner, answer, fixed, follow, span
from healthslm.language.facts import Fact, Facts
from healthslm.language.plan import Item, Plan
from healthslm.language.router import INTENTS, MEASURES, PERIODS, REFERRED, Route
from healthslm.language.wording import languages, load, lowered, meanings

reading = SimpleNamespace(**run_path(str(Path(__file__).with_name("readability.py"))))
every_language = pytest.mark.parametrize("lang", languages())

T0 = 1_767_225_600.0  # 2026-01-01 00:00 UTC, a Thursday
WATCHED = Fact("coverage", "info", (("share", "full"),), (("watched", 86_400.0),))
PULSE = Fact("pulse", "info", (("vs", "unknown"),), (("typical", 63.0),))
USUAL = Fact(
    "pulse",
    "info",
    (("vs", "above"),),
    (("typical", 71.0), ("usual_low", 58.0), ("usual_high", 66.0)),
)
RANGE = Fact("pulse_range", "info", (), (("low", 51.0), ("high", 118.0)))
OXYGEN = Fact("oxygen", "info", (("vs", "unknown"),), (("typical", 96.0),))
LOW = Fact("oxygen_low", "info", (), (("lowest", 91.0), ("at", T0 + 10_800)))
MISSING = Fact("missing", "info", (("extent", "some"),), (("what", "temperature,breathing"),))
TREND = Fact(
    "pulse_trend", "info", (("way", "rising"),), (("first", 60.0), ("last", 71.0), ("days", 6.0))
)
NONE_AGAIN = (("times", "one"), ("again", "no"), ("part", "day"))
PAUSE = Fact(
    "pause",
    "red",
    NONE_AGAIN,
    (("start", T0 + 43_200), ("longest", 3.4), ("worst_at", T0 + 43_200)),
)
FAST = Fact(
    "tachycardia",
    "amber",
    (("times", "one"), ("usual", "unknown"), ("again", "no"), ("part", "day")),
    (("start", T0 + 36_000), ("longest", 240.0), ("highest", 164.0), ("limit", 120.0)),
)
QUIET = (PULSE, RANGE, OXYGEN, LOW, WATCHED, MISSING)
DAY = (PAUSE, FAST, *QUIET)


def facts(*held: Fact) -> Facts:
    return Facts(T0, T0 + 86_400, "UTC", held)


def say(route: Route, held: Facts | None, **manner: object) -> Answer:
    return answer(route, held, Manner("en", emergency="112", **manner))  # type: ignore[arg-type]


# ---- an own reader: each sentence is a true clause of those facts, or a fixed text ------------


def true_sentences(held: Facts, lang: str, level: str) -> Iterator[str]:
    """Yield every sentence that is true of some facts, read from the wording alone."""
    items = [Item(f.kind, (("severity", f.severity), *f.categories), f.values) for f in held.facts]
    found = held.findings
    items += [Item(k) for k in ("learning", "doubt", "caution")]
    coverage = held.get("coverage")
    if coverage is not None and not found:
        items.append(Item("quiet", coverage.categories, coverage.values))
    items += [Item("more", (), (("count", float(n)),)) for n in range(1, len(found))]
    for item in items:
        what = Plan(held.t0_s, held.t1_s, held.zone, (item,), "none", level)
        for clause in load(lang).clauses[item.kind]:
            fits = level in clause.levels and clause.holds(dict(item.categories))
            if fits and all(slots.has(item, name) for name in clause.fields):
                yield slots.render(clause.pieces, what, lang)
                yield slots.render((",", *lowered(clause.pieces)), what, lang)[2:]


def fixed_texts(lang: str) -> set[str]:
    held, number = answers.texts(lang), "112"
    out = {text.format(emergency=number) for text in held.safety.values()}
    out |= {text for rows in held.text.values() for text in rows}
    wording = load(lang)
    for level in meanings().levels:
        out |= {wording.action(name, level, number) for name in meanings().actions}
    return out


def holds(told: Answer, held: Facts, lang: str, level: str) -> bool:
    """Tell whether every sentence is true or fixed, and nothing stands beside them."""
    true = set(true_sentences(held, lang, level)) | fixed_texts(lang)
    leads = {"", *answers.texts(lang).lead.values()}
    whole = " ".join([told.lead, *(s.text for s in told.sentences)]).strip()
    return all(s.text in true for s in told.sentences) and told.lead in leads and told.text == whole


FACTS = st.lists(st.sampled_from([*DAY, TREND]), unique=True).map(lambda rows: facts(*rows))
ROUTES = st.builds(
    Route,
    st.sampled_from(INTENTS),
    st.sampled_from(MEASURES),
    st.sampled_from(PERIODS),
    st.booleans(),
    st.booleans(),
)
MANNERS = st.builds(
    Manner,
    st.sampled_from(languages()),
    st.sampled_from(["plain", "plainer", "carer", "clinician"]),
    st.just("112"),
    st.integers(0, 400),
)


@given(ROUTES, FACTS, MANNERS)
def test_every_sentence_is_a_true_clause_or_a_reviewed_text(
    route: Route, held: Facts, manner: Manner
) -> None:
    told = answer(route, held, manner)
    assert holds(told, held, manner.lang, manner.level)
    assert told.sentences


@given(ROUTES, MANNERS)
def test_without_facts_nothing_is_claimed(route: Route, manner: Manner) -> None:
    told = answer(route, None, manner)
    assert all(s.item is None for s in told.sentences)
    assert all(s.text in fixed_texts(manner.lang) for s in told.sentences)


def test_the_reader_sees_what_is_not_so() -> None:
    held = facts(*QUIET)
    told = say(Route("level", "pulse", "today"), held)
    assert holds(told, held, "en", "plain")
    for wrong in ("63", "pulse"):
        other = told.sentences[0].text.replace(wrong, "64")
        spoilt = replace(told, sentences=(replace(told.sentences[0], text=other),))
        assert not holds(spoilt, held, "en", "plain")


# ---- what is answered ------------------------------------------------------------------------


def test_a_level_tells_the_typical_value() -> None:
    told = say(Route("level", "pulse", "yesterday"), facts(*QUIET))
    assert told.source == "facts"
    assert told.lead == "Yesterday:"
    assert "63 beats a minute" in told.text
    assert [s.kind for s in told.sentences] == ["pulse"]


def test_the_lowest_oxygen_is_told() -> None:
    told = say(Route("lowest", "oxygen", "night"), facts(*QUIET))
    assert "91 percent" in told.text


def test_the_usual_is_told_beside_what_was() -> None:
    for turn in range(8):
        told = say(Route("compare", "pulse", "today"), facts(USUAL, WATCHED), turn=turn)
        assert "58 to 66" in told.text
    told = say(Route("usual", "pulse"), facts(PULSE, WATCHED))
    assert [s.kind for s in told.sentences] == ["pulse", "learning"]


def test_a_trend_is_told_or_not_known() -> None:
    assert say(Route("trend", "pulse"), facts(TREND, PULSE)).sentences[0].kind == "pulse_trend"
    assert say(Route("trend", "pulse"), facts(PULSE)).sentences[0].kind == "steady"
    assert say(Route("trend", "pulse", "today"), facts(PULSE)).sentences[0].kind == "days"
    assert say(Route("trend", "weight"), facts(PULSE)).sentences[0].kind == "untold"


def test_a_grave_finding_stands_first_and_brings_its_action() -> None:
    told = say(Route("level", "pulse", "today"), facts(*DAY))
    assert [s.kind for s in told.sentences] == ["tachycardia", "pulse", "action"]
    assert told.sentences[-1].text == load("en").action("amber", "plain", "112")
    red = say(Route("found", "none", "today"), facts(*DAY))
    assert red.sentences[-1].text == load("en").action("red", "plain", "112")
    assert [s.kind for s in red.sentences] == ["pause", "tachycardia", "action"]


def test_nothing_found_says_how_much_was_watched_and_never_that_all_is_well() -> None:
    told = say(Route("found", "none", "today"), facts(*QUIET))
    assert [s.kind for s in told.sentences] == ["quiet", "missing"]
    assert "24 hours" in told.text
    rhythm = say(Route("found", "rhythm", "today"), facts(*QUIET))
    assert [s.kind for s in rhythm.sentences] == ["none_found", "coverage"]


def test_nothing_of_one_kind_is_never_said_as_nothing_at_all() -> None:
    told = say(Route("found", "oxygen", "today"), facts(*DAY))
    assert "quiet" not in [s.kind for s in told.sentences]


def test_what_was_not_measured_is_not_known() -> None:
    for intent in ("level", "lowest", "found", "compare"):
        told = say(Route(intent, "temperature", "today"), facts(*QUIET))
        assert [s.kind for s in told.sentences] == ["missing", "caution"], intent
    assert say(Route("level", "sleep", "night"), facts(*QUIET)).source == "untold"
    assert say(Route("found", "fall", "today"), facts(*QUIET)).sentences[0].kind == "none_known"
    assert say(Route("level", "pulse", "month"), facts(*QUIET)).source == "month"
    assert say(Route("level", "pulse", "today"), None).source == "empty"


def test_what_to_do_next_is_the_reviewed_action_of_the_period() -> None:
    told = say(Route("next", "none", "today"), facts(*DAY))
    assert told.sentences[0].kind == "pause"
    assert told.sentences[-1].text == load("en").action("red", "plain", "112")


@pytest.mark.parametrize("intent", sorted(REFERRED))
def test_a_person_s_matter_is_referred_to_one(intent: str) -> None:
    told = say(Route(intent, refer=True), facts(*DAY))
    assert told.source == intent
    assert "care team" in told.text


def test_where_it_may_be_a_person_s_matter_the_answer_names_one() -> None:
    told = say(Route("level", "pulse", "today", refer=True), facts(*QUIET))
    assert told.sentences[-1].kind == "refer"
    for route in (Route("level", sure=False, refer=True), Route("device", refer=True)):
        assert say(route, None).sentences[-1].kind == "refer"


def test_unsure_says_so_with_examples() -> None:
    told = say(Route("level", "pulse", sure=False), facts(*DAY))
    assert told.source == "unsure"
    assert told.text.count("?") >= 2


# ---- the question before -----------------------------------------------------------------------


def test_a_question_that_leans_takes_over_what_the_one_before_asked() -> None:
    before = Route("lowest", "oxygen", "night")
    assert follow(Route("follow", "none", "yesterday"), before) == Route(
        "lowest", "oxygen", "yesterday"
    )
    assert follow(Route("follow", "pulse", "none"), before) == Route("lowest", "pulse", "night")
    assert follow(Route("follow"), before) == before
    assert follow(Route("follow"), None) is None
    assert follow(before, Route("level")) == before
    told = follow(Route("follow", "pulse"), Route("summary", "none", "today"))
    assert told == Route("level", "pulse", "today")


def test_a_matter_for_a_person_stays_one_when_it_leans() -> None:
    told = follow(Route("follow", refer=True), Route("level", "pulse"))
    assert told is not None
    assert told.refer


# ---- periods -------------------------------------------------------------------------------------

NOON = datetime(2026, 3, 4, 12, tzinfo=ZoneInfo("Europe/Madrid")).timestamp()  # a Wednesday


def local(period: str, now_s: float = NOON) -> tuple[str, str]:
    found = span(period, now_s, now_s - 60, "Europe/Madrid")
    assert found is not None
    begin, end = (datetime.fromtimestamp(t, ZoneInfo("Europe/Madrid")) for t in found)
    return f"{begin:%a %H:%M}", f"{end:%a %H:%M}"


@pytest.mark.parametrize(
    ("period", "begin", "end"),
    [
        ("now", "Wed 11:30", "Wed 12:00"),
        ("today", "Wed 00:00", "Wed 12:00"),
        ("none", "Wed 00:00", "Wed 12:00"),
        ("yesterday", "Tue 00:00", "Wed 00:00"),
        ("night", "Tue 22:00", "Wed 06:00"),
        ("week", "Thu 00:00", "Wed 12:00"),
        ("thursday", "Thu 00:00", "Fri 00:00"),
        ("tuesday", "Tue 00:00", "Wed 00:00"),
        ("wednesday", "Wed 00:00", "Wed 12:00"),
    ],
)
def test_periods_lie_where_the_person_lives(period: str, begin: str, end: str) -> None:
    assert local(period) == (begin, end)


def test_months_are_not_kept() -> None:
    assert span("month", NOON, NOON, "UTC") is None


def test_without_a_period_the_newest_day_is_told() -> None:
    assert span("none", NOON, NOON - 3 * 86_400, "Europe/Madrid") == (
        NOON - 3.5 * 86_400,
        NOON - 2.5 * 86_400,
    )


# ---- fixed texts ------------------------------------------------------------------------


@every_language
def test_fixed_texts_are_easy_to_read(lang: str) -> None:
    for text in fixed_texts(lang) - {
        load(lang).action(name, level, "112")
        for name in meanings().actions
        for level in meanings().levels
    }:
        spelt = text.replace("112", "one one two" if lang == "en" else "uno uno dos")
        if lang == "en":
            assert reading.flesch_kincaid(spelt) <= 6, text
        else:
            assert reading.fernandez_huerta(spelt) >= 65, text


@every_language
def test_fixed_texts_name_no_disease_no_medicine_and_do_not_reassure(lang: str) -> None:
    held = answers.texts(lang)
    said = [*held.safety.values(), *(t for rows in held.text.values() for t in rows)]
    assert not [t for t in said if any(p.search(t) for p in load(lang).deny[tokens.PLAIN])]


@every_language
def test_an_emergency_names_the_number_or_the_service(lang: str) -> None:
    for name in ("emergency", "harm", "symptom"):
        assert "999" in fixed(name, Manner(lang, emergency="999")).text
        assert "{" not in fixed(name, Manner(lang)).text
        assert load(lang).names["emergency"] in fixed(name, Manner(lang)).text


@every_language
def test_each_language_has_the_same_texts(lang: str) -> None:
    assert answers.texts(lang).lead.keys() == set(PERIODS) - {"month"}
    assert not re.search(r"\bTODO\b", str(answers.texts(lang)))
