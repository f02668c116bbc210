"""The stand-in text: for any records whatever, true, complete, and the same each time."""

from pathlib import Path
from random import Random
from runpy import run_path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.language import guard, slots, template
from healthslm.language.facts import Facts, gather
from healthslm.language.plan import plan
from healthslm.language.wording import languages
from healthslm.records import Beat, Finding, Vital

corpus = SimpleNamespace(**run_path(str(Path(__file__).parents[2] / "models/recipe/corpus.py")))
DAY = 1_767_225_600.0
EVIDENCE = {
    "tachycardia": ("highest_bpm", "mean_bpm", "limit_bpm"),
    "bradycardia": ("lowest_bpm", "mean_bpm", "limit_bpm"),
    "pause": ("rr_s",),
    "irregular_rhythm": ("mean_bpm", "beats"),
    "desaturation": ("lowest_pct", "limit_pct"),
    "fever": ("highest_c", "limit_c"),
    "poor_signal": ("quality",),
    "no_data": ("silent_s",),
}

QUIET = {"pulse", "coverage"}

number = st.floats(0, 300)
at = st.floats(-4000, 90_000).map(lambda t: DAY + t)
vitals = st.builds(
    lambda kind, t, values: [Vital(kind, "a/x", t + 60 * n, v) for n, v in enumerate(values)],
    st.sampled_from(["heart_rate", "spo2", "temperature", "respiratory_rate", "activity"]),
    at,
    st.lists(number, min_size=1, max_size=40),
)


@st.composite
def found(draw):
    kind = draw(st.sampled_from(sorted(EVIDENCE)))
    begin = draw(at)
    return [
        Finding(
            kind,
            draw(st.sampled_from(["chest/ecg", "wrist/ppg-1", "x/glucose"])),
            begin,
            begin + draw(st.floats(0, 50_000)),
            draw(st.sampled_from(["info", "amber", "red"])),
            tuple((name, draw(number)) for name in EVIDENCE[kind]),
            ongoing=draw(st.booleans()),
        )
    ]


beats = st.builds(
    lambda t, good: [Beat("beat", "chest/ecg", t + 50 * n, 0.8, good=good) for n in range(6)],
    at,
    st.booleans(),
)
records = st.lists(st.one_of(vitals, found(), beats), max_size=12).map(
    lambda rows: [r for row in rows for r in row]
)


@given(records, records, st.sampled_from(["UTC", "Europe/Madrid", "America/New_York"]))
def test_whatever_the_records_the_stand_in_text_is_accepted(today, before, zone):
    earlier = [gather(before, DAY + n, DAY + n + 43_200, zone=zone) for n in range(0, 36_000, 6000)]
    check(gather(today, DAY, DAY + 86_400, zone=zone, earlier=earlier))


@given(st.integers(0, 2**32))
def test_whatever_the_facts_the_stand_in_text_is_accepted(seed):
    check(corpus.facts(Random(seed)))


def check(facts: Facts) -> None:
    what = plan(facts)
    for lang in languages():
        pieces = template.compose(what, lang)
        assert pieces == template.compose(what, lang)
        assert guard.check(pieces, what, lang) == guard.Verdict()
        text = slots.render(pieces, what, lang, emergency="112")
        assert guard.check_text(text, what, lang, emergency="112") == guard.Verdict()


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        (
            "en",
            "No alert came up in the 23 hours that we could watch. Your resting pulse was 63 beats "
            "a minute. We need a few more days to learn all of your usual ranges. If you feel "
            "unwell, call your care team, whatever the sensors say.",
        ),
        (
            "es",
            "No saltó ningún aviso en lo que pudimos mirar, 23 horas. Su pulso en reposo fue de 63 "
            "latidos por minuto. Todavía no tenemos bastantes días para conocer del todo lo "
            "habitual en usted. Si se siente mal, llame a su centro de salud, digan lo que digan "
            "los sensores.",
        ),
    ],
)
def test_a_quiet_day_reads_so(lang, text):
    pulse = [Vital("heart_rate", "a/x", DAY + 60 * n, 63.0) for n in range(1380)]
    known = gather(pulse, DAY, DAY + 86_400, zone="UTC").facts
    quiet = plan(Facts(DAY, DAY + 86_400, "UTC", tuple(f for f in known if f.kind in QUIET)))
    assert slots.render(template.compose(quiet, lang), quiet, lang) == text
