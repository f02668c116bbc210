"""Red flags: every kind is seen, in both languages, and what only sounds like one is not."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.language import red_flags, router
from healthslm.language.heard import MOST, Spelling, plain, words
from healthslm.language.wording import languages

Written = Callable[..., list[list[str]]]  # lines of the recipe, see conftest
FIRST = {"en": "[ab]", "es": "[abc]"}  # writers of whose lines the bars of the rules were set
every_language = pytest.mark.parametrize("lang", languages())

NOW = [
    "I have chest pain",
    "chst pain",
    "what was my pulse, my chest feels like an elephant is on it",
    "i cant breathe",
    "I CANNOT BREATHE",
    "my husband just fainted",
    "her lips are blue",
    "mum is suddenly confused",
    "one side of my face is drooping",
    "my heart is pounding and wont stop",
    "he is having a seizure",
    "my tongue is swelling up",
    "my sugar is low and I feel confused",
    "she wont wake up",
    "me duele el pecho",
    "no puedo respirar",
    "mi madre se desmayó",
    "tiene los labios azules",
    "mi marido está confundido de repente",
    "se le torció la boca",
    "el corazón me va a mil y no para",
    "está convulsionando",
    "se me hincha la lengua",
    "azúcar baja y no responde",
]
HARM = ["I want to die", "im going to kill myself", "quiero morirme", "me voy a matar"]
NOT = [
    "my chest strap hurts",
    "no chest pain, just checking",
    "I am not short of breath",
    "I fainted 10 years ago",
    "my heart skipped a beat when I saw her",
    "what are signs of a stroke",
    "did my heart race yesterday",
    "how low did my oxygen go last night",
    "la cinta del pecho me aprieta",
    "no me duele el pecho",
    "me muero de risa",
    "hubo pausas en mi respiración anoche",
    "me desmayé hace diez años",
]


@pytest.mark.parametrize("text", NOW)
def test_a_red_flag_is_seen_whatever_language_is_set(text: str) -> None:
    assert red_flags.find(text) == "emergency"


@pytest.mark.parametrize("text", HARM)
def test_thoughts_of_harm_have_a_text_of_their_own(text: str) -> None:
    assert red_flags.find(text) == "harm"


@pytest.mark.parametrize("text", NOT)
def test_what_only_sounds_like_one_is_none(text: str) -> None:
    assert red_flags.find(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "no chest pain yesterday but now my chest is crushing",
        "I fainted 10 years ago and I just fainted again",
        "the strap is off and I cannot breathe",
        "the dog is barking because he collapsed and wont wake up",
        "no tengo fiebre pero me duele el pecho",
        "how low did my oxygen go, my lips are blue",
    ],
)
def test_an_aside_takes_nothing_away_from_what_stands_beside_it(text: str) -> None:
    assert red_flags.find(text) is not None


@every_language
def test_most_lines_are_right_by_rules_alone(lang: str, written: Written) -> None:
    """Of several writers: the rules were written from the lines of one in each language."""
    pairs = written(lang, "red_flags", FIRST[lang])
    ill = [text for label, text in pairs if label == "emergency"]
    well = [text for label, text in pairs if label == "alike"]
    assert sum(red_flags.find(t) is not None for t in ill) >= 0.93 * len(ill)
    assert sum(red_flags.find(t) is not None for t in well) <= 0.11 * len(well)


@every_language
def test_questions_for_data_are_hardly_ever_taken_for_one(lang: str, written: Written) -> None:
    rows = written(lang, "questions", FIRST[lang])
    seen = sum(red_flags.find(text) is not None for *_, text in rows)
    assert seen <= 0.015 * len(rows)


@pytest.mark.parametrize(
    "text",
    [
        *("I cannot breathe", "i cant breathe please", "my chest hurts", "chest pain now"),
        *("call me an ambulance", "i think im having a stroke", "my husband stopped breathing"),
        *("no puedo respirar", "me falta el aire", "me duele el pecho", "llama a una ambulancia"),
        *("tengo un dolor en el pecho", "me muero, ayuda", *HARM),
    ],
)
def test_the_plainest_words_are_never_undone(text: str) -> None:
    flag = red_flags.flagged(text)
    assert flag is not None
    assert flag.certain
    assert router.weighed(flag, 0.0) == flag.say


def test_what_rules_find_is_undone_only_where_the_learnt_look_is_very_sure() -> None:
    flag = red_flags.Flag("emergency", certain=False)
    assert router.weighed(flag, 0.0) is None
    assert router.weighed(flag, router.VETO_BELOW) == "emergency"
    assert router.weighed(None, router.FLAG_FROM) is None
    assert router.weighed(None, 0.99) == "emergency"
    assert router.VETO_BELOW <= 0.02 < router.FLAG_FROM


@every_language
def test_rules_and_the_learnt_look_together_know_the_lines_they_come_from(
    lang: str, written: Written
) -> None:
    pairs = written(lang, "red_flags", FIRST[lang])
    found = [router.emergency(text, red_flags.flagged(text)) for _, text in pairs]
    ill = [f is not None for f, p in zip(found, pairs, strict=True) if p[0] == "emergency"]
    well = [f is not None for f, p in zip(found, pairs, strict=True) if p[0] == "alike"]
    assert sum(ill) >= 0.995 * len(ill)
    assert sum(well) <= 0.06 * len(well)


@given(st.text(max_size=700))
def test_any_text_has_an_answer(text: str) -> None:
    assert red_flags.find(text) in {None, "emergency", "harm"}


@given(st.sampled_from(NOW + HARM), st.sampled_from(["", "please tell me, ", "PULSE? ", "hola, "]))
def test_what_stands_before_it_hides_nothing(text: str, before: str) -> None:
    assert red_flags.find(before + text) is not None


@given(st.sampled_from(NOW), st.data())
def test_capitals_accents_and_doubled_letters_hide_nothing(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    said = text[:at] + text[at] * (3 if text[at].isalpha() else 1) + text[at + 1 :]
    assert red_flags.find(said.upper()) is not None


def test_a_long_text_is_read_to_its_limit() -> None:
    assert red_flags.find("a " * 200 + "chest pain") is not None
    assert len(words("a " * 9_000)) <= MOST


def test_typing_errors_are_mended_towards_words_that_count() -> None:
    spelling = Spelling(["breathe", "chest"], known=["cheat"], stems=["chop"])
    for wrong, right in [("breahte", "breathe"), ("breath", "breathe"), ("cheest", "chest")]:
        assert spelling.mended(wrong) == right
    for same in ("cheat", "chops", "the", "beathe1"):
        assert spelling.mended(same) == same


def test_plain_words() -> None:
    assert plain("¿Qué?? I'M  soooo—tired!") == "que | im so tired"


def test_rules_are_asked_without_numpy() -> None:
    """An emergency waits for nothing."""
    code = (
        "import sys; from healthslm.language import red_flags; "
        "assert red_flags.find('chest pain'); print('numpy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
