"""How values are written, in each language, at every limit of their form."""

import pytest

from healthslm.language import slots
from healthslm.language.plan import Item, Plan
from healthslm.language.wording import PERIOD, load

NIGHT = 1_767_225_600.0  # 2026-01-01 00:00 UTC, a Thursday


def write(kind, name, value, lang, *, zone="UTC", more=()):
    return slots.written(Item(kind, (), ((name, value), *more)), name, load(lang), zone)


@pytest.mark.parametrize(
    ("kind", "name", "value", "en", "es"),
    [
        ("pulse", "typical", 72.0, "72 beats a minute", "72 latidos por minuto"),
        ("oxygen", "typical", 97.0, "97 percent", "97 por ciento"),
        ("fever", "highest", 38.0, "38.0 °C", "38,0 °C"),
        ("pause", "longest", 3.2, "3.2 seconds", "3,2 segundos"),
        ("breathing", "typical", 14.0, "14 breaths a minute", "14 veces por minuto"),
        ("fever", "count", 2.0, "2 times", "2 veces"),
        ("more", "count", 1.0, "1 more note", "1 aviso más"),
        ("more", "count", 2.0, "2 more notes", "2 avisos más"),
        ("missing", "what", "pulse", "pulse", "el pulso"),
        ("missing", "what", "pulse,oxygen", "pulse and oxygen", "el pulso y el oxígeno"),
        (
            "missing",
            "what",
            "pulse,rhythm,oxygen",
            "pulse, heart rhythm and oxygen",
            "el pulso, el ritmo del corazón y el oxígeno",
        ),
        ("no_data", "what", "heart_rate,ppg", "pulse", "pulso"),
        ("no_data", "what", "ecg,ppg,spo2", "sensor", "varios sensores"),
        ("no_data", "what", "ecg,glucose", "heart and sugar", "corazón y azúcar"),
    ],
)
def test_a_value_is_written_with_its_unit(kind, name, value, en, es):
    assert (write(kind, name, value, "en"), write(kind, name, value, "es")) == (en, es)


@pytest.mark.parametrize(
    ("seconds", "en", "es", "at_least"),
    [
        (0.2, "1 second", "1 segundo", "at least 1 second"),
        (1.0, "1 second", "1 segundo", "at least 1 second"),
        (59.0, "59 seconds", "59 segundos", "at least 59 seconds"),
        (59.6, "1 minute", "1 minuto", "at least 59 seconds"),
        (60.0, "1 minute", "1 minuto", "at least 1 minute"),
        (89.9, "1 minute", "1 minuto", "at least 1 minute"),
        (90.0, "2 minutes", "2 minutos", "at least 1 minute"),
        (7169.0, "119 minutes", "119 minutos", "at least 119 minutes"),
        (7170.0, "2 hours", "2 horas", "at least 119 minutes"),
        (8099.0, "2 and a half hours", "2 horas y media", "at least 2 hours"),
        (8069.0, "2 hours", "2 horas", "at least 2 hours"),
        (9000.0, "2 and a half hours", "2 horas y media", "at least 2 and a half hours"),
        (35_940.0, "10 hours", "10 horas", "at least 9 and a half hours"),
        (36_000.0, "10 hours", "10 horas", "at least 10 hours"),
        (37_800.0, "11 hours", "11 horas", "at least 10 hours"),
    ],
)
def test_a_length_of_time_is_coarser_the_longer_and_never_more_than_at_least(
    seconds, en, es, at_least
):
    assert write("fever", "longest", seconds, "en") == en
    assert write("fever", "longest", seconds, "es") == es
    assert write("fever", "longest", seconds, "en", more=(("open", "yes"),)) == at_least


@pytest.mark.parametrize(
    ("hour", "minute", "en", "es"),
    [
        (0, 0, "12:00 am", "las 0:00"),
        (1, 5, "1:05 am", "la 1:05"),
        (11, 59, "11:59 am", "las 11:59"),
        (12, 0, "12:00 pm", "las 12:00"),
        (13, 5, "1:05 pm", "las 13:05"),
        (23, 59, "11:59 pm", "las 23:59"),
    ],
)
def test_a_clock_time_is_cut_down_to_its_minute(hour, minute, en, es):
    at = NIGHT + 3600.0 * hour + 60 * minute + 59.9
    assert (write("fever", "start", at, "en"), write("fever", "start", at, "es")) == (en, es)


def test_a_clock_time_is_that_of_the_persons_zone_summer_and_winter():
    for t_s, es in ((NIGHT, "la 1:00"), (NIGHT + 181 * 86_400.0, "las 2:00")):
        assert write("fever", "start", t_s, "es", zone="Europe/Madrid") == es


@pytest.mark.parametrize(
    ("kind", "low", "high", "en", "es"),
    [
        ("pulse", 58.0, 66.0, "58 to 66", "de 58 a 66"),
        ("pulse", 58.0, 58.0, "about 58", "cerca de 58"),
        ("temperature", 36.2, 36.9, "36.2 to 36.9", "de 36,2 a 36,9"),
    ],
)
def test_a_range_is_written_from_end_to_end(kind, low, high, en, es):
    item = Item(kind, (), (("usual_low", low), ("usual_high", high)))
    assert slots.written(item, "usual", load("en"), "UTC") == en
    assert slots.written(item, "usual", load("es"), "UTC") == es


@pytest.mark.parametrize(
    ("t1_s", "zone", "en", "es"),
    [
        (NIGHT + 86_400, "UTC", "on Thursday, January 1", "el jueves 1 de enero"),
        (
            NIGHT + 86_401,
            "UTC",
            "from January 1 to January 2",
            "del 1 de enero al 2 de enero",
        ),
        (
            NIGHT + 86_400,
            "America/New_York",
            "from December 31 to January 1",
            "del 31 de diciembre al 1 de enero",
        ),
    ],
)
def test_the_period_is_told_by_its_local_days(t1_s, zone, en, es):
    what = Plan(NIGHT, t1_s, zone, (), "none")
    assert slots.filled(PERIOD, what, load("en"), "") == en
    assert slots.filled(PERIOD, what, load("es"), "") == es


def test_a_text_is_filled_spaced_and_begun_with_capitals():
    item = Item("fever", (), (("start", NIGHT + 7.0), ("highest", 38.6)))
    what = Plan(NIGHT, NIGHT + 86_400, "UTC", (item,), "none")
    pieces = [PERIOD, ",", "up", "to", "<fever.highest>", ".", "<fever.start>", ".", "<end>"]
    assert slots.render(pieces, what, "en") == "On Thursday, January 1, up to 38.6 °C. 12:00 am."


@pytest.mark.parametrize(("number", "said"), [("112", "112"), ("", "the emergency number")])
def test_the_action_names_the_number_or_the_service(number, said):
    what = Plan(NIGHT, NIGHT + 1, "UTC", (), "red")
    text = slots.render(["<action.red>"], what, "en", emergency=number)
    assert text.startswith(f"Call {said} now if")


@pytest.mark.parametrize(
    "piece", ["<action.amber>", "<fever.lowest>", "<fever.usual>", "<pulse.typical>", "<x.y>"]
)
def test_a_slot_that_the_plan_does_not_hold_is_never_filled(piece):
    item = Item("fever", (), (("highest", 38.6),))
    what = Plan(NIGHT, NIGHT + 1, "UTC", (item,), "red")
    with pytest.raises(ValueError, match="does not hold"):
        slots.render([piece], what, "en")


def test_the_slots_allowed_and_required_are_those_of_the_plan():
    fever = Item("fever", (), (("highest", 38.6), ("start", NIGHT)))
    pulse = Item("pulse", (), (("typical", 60.0),), required=False)
    what = Plan(NIGHT, NIGHT + 1, "UTC", (fever, pulse), "amber")
    assert slots.allowed(what) == [
        "<fever.highest>",
        "<fever.start>",
        "<pulse.typical>",
        "<period.day>",
        "<action.amber>",
    ]
    assert slots.required(what) == ["<fever.highest>", "<action.amber>"]


def test_a_word_where_a_number_belongs_is_refused():
    item = Item("fever", (), (("highest", "high"),))
    what = Plan(NIGHT, NIGHT + 1, "UTC", (item,), "red")
    with pytest.raises(ValueError, match="does not hold"):
        slots.render(["<fever.highest>"], what, "en")


def test_a_time_of_day_has_its_day_beside_it_where_the_period_is_longer_than_a_day():
    start = 1_772_323_200.0 + 15 * 3600  # Sunday 2026-03-01, 15:00
    item = Item("fall", (), (("start", start),))
    texts = {}
    for hours in (25.0, 25.1):
        what = Plan(start - 3600, start - 3600 + hours * 3600, "UTC", (item,), "red")
        for lang in ("en", "es"):
            text = slots.render(("at", "<fall.start>", "."), what, lang)
            texts[hours, lang] = text.removeprefix("At ")
    assert texts == {
        (25.0, "en"): "3:00 pm.",
        (25.0, "es"): "las 15:00.",
        (25.1, "en"): "3:00 pm on Sunday, March 1.",
        (25.1, "es"): "las 15:00 el domingo 1 de marzo.",
    }
