"""The second judge itself: it reads all that may be said, passes what is true, catches lies."""

import re
import tomllib
from itertools import product
from pathlib import Path
from random import Random
from runpy import run_path
from types import SimpleNamespace

import pytest

from healthslm.language.facts import gather
from healthslm.language.writer import summarise_all
from healthslm.records import Beat, Finding, Vital

oracle = SimpleNamespace(**run_path(str(Path(__file__).with_name("oracle.py"))))
Told, facts = oracle.facts.Told, oracle.facts
PAGE = Path(__file__).parents[2] / "docs" / "wording.md"

SAID = {  # unit on the page: (en, es, as the truth writes it), three of each, all different
    "bpm": [("132 beats a minute", "132 latidos por minuto", ("bpm", "132")),
            ("120 beats a minute", "120 latidos por minuto", ("bpm", "120")),
            ("1 beat a minute", "1 latido por minuto", ("bpm", "1"))],
    "breaths": [("14 breaths a minute", "14 veces por minuto", ("br", "14"))],
    "percent": [("86 percent", "86 por ciento", ("pct", "86")),
                ("92 percent", "92 por ciento", ("pct", "92"))],
    "celsius": [("38.6 °C", "38,6 °C", ("deg", "38.6")), ("38.0 °C", "38,0 °C", ("deg", "38.0"))],
    "seconds": [("3.2 seconds", "3,2 segundos", ("sec", "3.2"))],
    "duration": [("at least 2 and a half hours", "al menos 2 horas y media", ("h", 2.5, True)),
             ("42 minutes", "42 minutos", ("min", 42.0, False))],
    "clock": [("1:05 am", "la 1:05", ("clock", 1, 5)), ("2:50 pm", "las 14:50", ("clock", 14, 50))],
    "times": [("14 times", "14 veces", ("times", 14))],
    "range": [("58 to 66", "de 58 a 66", ("range", "58", "66"))],
    "range_celsius": [("about 36.5", "cerca de 36,5", ("range", "36.5", "36.5"))],
    "names": [("pulse, heart rhythm and oxygen", "el pulso, el ritmo del corazón y el oxígeno",
               ("names", "pulse", "rhythm", "oxygen"))],
    "signals": [("heart and other", "corazón y otro sensor",
                 ("signals", frozenset({"heart", "other"})))],
    "findings": [("a possible fall, low sugar readings and extra heartbeats",
                  "una posible caída, una bajada de azúcar y un ritmo con latidos de más",
                  ("findings", "fall", "glucose_low", "ventricular_ectopy"))],
    "notes": [("3 more notes", "3 avisos más", ("notes", 3))],
}  # fmt: skip

SPANS = [("42 minutes", "42 minutos", ("min", 42.0, False)),
         ("119 minutes", "119 minutos", ("min", 119.0, False))]  # fmt: skip


def clauses():
    """Yield every clause of the page: fact, units of its slots, language, condition, words."""
    fact, units, lang, when = "", {}, "", ""
    for line in PAGE.read_text(encoding="utf-8").partition("## Facts and clauses")[2].splitlines():
        if line.startswith("## "):
            return
        if line.startswith("### "):
            fact, units = line[4:], {}
        elif m := re.match(r"\| `(\w+)` \| (\w+): ", line):
            units[m[1]] = m[2]
        elif m := re.match(r"\*(en|es), (.*):\*", line):
            lang, when = m[1], m[2]
        elif line.startswith("- "):
            yield fact, dict(units), lang, when, line[2:]


CLAUSES = list(clauses())


def filled(units, lang, words):
    """Return the clause with a value in each slot, and the values."""
    used, said, held = {}, words, {}
    for slot, unit in units.items():
        n = used.get(unit, 0)
        used[unit] = n + 1
        row = SPANS[n] if slot in ("watched", "unwatched") else SAID[unit][n]
        said = said.replace(f"⟨{slot}⟩", row[lang == "es"])
        held[slot] = row[2]
    return said[:1].upper() + said[1:], held


def states(fact, when):
    """Yield what the condition of a clause allows to be true: times, vs, share, extent."""
    name, _, values = when.partition(" is ")
    allowed = {"times": ["one", "several"], "share": ["full", "part"]}
    if fact == "noticed":  # its episodes are not counted
        allowed["times"] = ["one"]
    allowed["vs"] = ["unknown", "usual", "above", "below"] if fact in oracle.LEVELS else ["usual"]
    if name in allowed:
        allowed[name] = values.replace("little", "part").split(" or ")
    return [dict(zip(allowed, c, strict=True)) for c in product(*allowed.values())]


def world(fact, held, state):
    """Return a truth in which exactly the values held are true of one fact."""
    values = {slot: frozenset({v}) for slot, v in held.items()}
    values.setdefault("start", frozenset({SAID["clock"][0][2]}))
    if state["times"] == "one":
        values.pop("count", None)
        values["worst_at"] = values["start"]
    told = Told(
        values,
        "amber",
        1 if state["times"] == "one" else held.get("count", ("", 2))[1],
        frozenset({state["vs"]}),
    )
    full = {"watched_s": 2520.0, "period_s": 2520.0 if state["share"] == "full" else 9660.0}
    if fact in facts.ORDER:
        return oracle.Truth(found={fact: told})
    if fact in facts.MEASURES:
        return oracle.Truth(measured={fact: told})
    if fact == "missing":
        return oracle.Truth(missing=held["what"][1:])
    if fact == "more":
        return oracle.Truth(found=dict.fromkeys(facts.ORDER[:6], told))
    if fact == "learning":
        told = Told({}, vs=frozenset({"unknown"}))
        return oracle.Truth(measured={"pulse": told}, **full)
    if fact == "doubt":
        return oracle.Truth(found={"pause": told}, **full)
    if fact == "caution":
        return oracle.Truth(missing=("pulse",), **full)
    return oracle.Truth(**full)


def said_of(fact, units, lang, when, words, state):
    """Return what the judge says of one clause where its condition holds."""
    text, held = filled(units, lang, words)
    if state["times"] == "one" and "worst_at" in held and "start" in units:
        text = text.replace(SAID["clock"][1][lang == "es"], SAID["clock"][0][lang == "es"])
    what = world(fact, held, state)
    if "extent is all" in when:
        what = oracle.Truth(missing=facts.NAMES)
    topic, wrong = oracle.judged(text, lang, what)
    return [] if topic == fact and not wrong else [f"{topic or 'unread'} {wrong}: {text}"]


@pytest.mark.parametrize("lang", ["en", "es"])
def test_every_clause_of_the_page_is_read_as_what_its_heading_says(lang):
    bad = [
        f"{fact}, {when}, {state}: {line}"
        for fact, units, of, when, words in CLAUSES
        if of == lang
        for state in states(fact, when)
        for line in said_of(fact, units, lang, when, words, state)
    ]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize(("lang", "no"), [("en", "not"), ("en", "no"), ("es", "no")])
def test_no_clause_is_believed_with_a_denial_put_into_it(lang, no):
    believed = []
    for n, (fact, units, of, when, words) in enumerate(CLAUSES):
        if of != lang or (n % 3 and fact != "noticed"):
            continue
        state = states(fact, when)[0]
        heads = [m.start() for m in re.finditer(r"(?<= )", words)]
        for at in heads:
            denied = f"{words[:at]}{no} {words[at:]}"
            if not said_of(fact, units, lang, when, denied, state):
                believed.append(denied)
    assert not believed, "\n".join(believed)


@pytest.mark.parametrize("lang", ["en", "es"])
def test_no_clause_is_believed_with_any_of_its_values_changed(lang):
    believed = []
    for fact, units, of, when, words in CLAUSES:
        if of != lang:
            continue
        state = states(fact, when)[0]
        text, held = filled(units, lang, words)
        for slot in (s for s in held if f"⟨{s}⟩" in words):
            lied = held | {slot: ("names", "breathing") if fact == "missing" else ("another", 99)}
            if fact in ("coverage", "quiet"):
                what = oracle.Truth(watched_s=5000.0, period_s=50000.0)
            elif fact == "more":
                what = world("more", held, state)
                what = oracle.Truth(found=dict(list(what.found.items())[:5]))
            else:
                what = world(fact, lied, state)
            if not oracle.judged(text, lang, what)[1]:
                believed.append(f"{fact} {slot}: {text}")
    assert not believed, "\n".join(believed)


@pytest.mark.parametrize("lang", ["en", "es"])
def test_no_comparison_is_believed_where_another_is_true(lang):
    believed = []
    for fact, units, of, when, words in CLAUSES:
        if of != lang or not when.startswith("vs is "):
            continue
        meant = when.removeprefix("vs is ").split(" or ")
        told = [state for state in states(fact, when) if state["vs"] in meant]
        for vs in {"usual", "above", "below"} - set(meant):
            if not said_of(fact, units, lang, when, words, {**told[0], "vs": vs}):
                believed.append(f"{vs}: {words}")
    assert not believed, "\n".join(believed)


DAY = 86400.0
BUSY = [  # two fast spells, one pause, low oxygen for a while, beats all day
    Finding("tachycardia", "band/heart_rate", 36300.0, 37200.0, "amber",
            (("highest_bpm", 141.5), ("limit_bpm", 120.0))),
    Finding("tachycardia", "band/heart_rate", 50000.0, 50700.0, "amber",
            (("highest_bpm", 132.0), ("limit_bpm", 110.0))),
    Finding("pause", "chest/ecg", 40000.0, 40003.2, "red", (("rr_s", 3.24),)),
    Finding("desaturation", "band/spo2", 80000.0, 83000.0, "amber",
            (("lowest_pct", 84.5), ("limit_pct", 92.0)), ongoing=True),
]  # fmt: skip
ROUGH = [
    Finding("poor_signal", "chest/ecg", 3900.0, 3945.0, "info", ()),
    Finding("poor_signal", "chest/ecg-v5", 3920.0, 4000.0, "info", ()),
    Finding("poor_signal", "band/ppg", 7200.0, 7220.0, "info", ()),
]


def minutes(kind, value, n, day=0, every=60.0):
    """Return n readings, one each minute."""
    return [Vital(kind, f"band/{kind}", day * DAY + every * i, value) for i in range(n)]


def calm(day=0, pulse=61.0, temperature=36.6):
    """Return a day in which the band was read from midnight on, for 23 hours."""
    return [
        *minutes("heart_rate", pulse, 1380, day),
        *minutes("activity", 0.01, 1380, day),
        *minutes("spo2", 97.0, 700, day),
        *minutes("temperature", temperature, 90, day),
    ]


WEEK = [
    oracle.truth(calm(d, 58.0 + d, 36.0 + d / 10), d * DAY, (d + 1) * DAY, "UTC") for d in range(6)
]
FULL = calm(7, 70.0, 35.5)
NAMED = [  # four kinds told by name, one that only counts, and a pause
    Finding("hypothermia", "band/temperature", 20000.0, 20600.0, "info", (("lowest_c", 34.0),)),
    Finding("glucose_range", "arm/glucose", 0.0, DAY, "red", ()),
    Finding("tachypnoea", "band/respiratory_rate", 31000.0, 31600.0, "amber", ()),
    Finding("glucose_low", "arm/glucose", 30000.0, 30600.0, "amber", ()),
    Finding("fall", "band/activity", 36300.0, 36301.0, "red", ()),
    Finding("pause", "chest/ecg", 40000.0, 40003.2, "info", (("rr_s", 3.24),)),
]
HALF = [*minutes("heart_rate", 64.0, 400), *minutes("respiratory_rate", 14.0, 30)]
CASES = {  # records, day, earlier days
    "busy": (BUSY + calm(), 0, []),
    "rough": (ROUGH + calm(), 0, []),
    "full": (FULL, 7, WEEK),
    "half": (HALF, 0, []),
    "empty": ([], 0, []),
    "list": (BUSY + ROUGH + calm(), 0, []),
    "named": (NAMED + calm(), 0, []),
}
TOLD = {
    ("busy", "en"): (
        "The main thing on Thursday, January 1: once, at 11:06 am, your heart paused for 3.2 "
        "seconds. Your oxygen fell to 85 percent and stayed low for at least 50 minutes, from "
        "10:13 pm. Also, your heart beat fast 2 times, first at 10:05 am, and reached 142 beats a "
        "minute. We can see that it happened, but not why. Call 112 now if you have chest pain, "
        "trouble breathing, new confusion, or if you faint. If not, rest, and call your care team "
        "today, even if you feel well."
    ),
    ("busy", "es"): (
        "Lo más importante, el jueves 1 de enero: una vez, a las 11:06, su corazón hizo una pausa "
        "de 3,2 segundos. Desde las 22:13 tuvo el oxígeno bajo durante al menos 50 minutos, hasta "
        "un 85 por ciento. Además, tuvo el pulso rápido 2 veces; lo más alto fue 142 latidos por "
        "minuto. Vemos que pasó, pero no por qué. Llame al 112 ya si le duele el pecho, le falta "
        "el aire, está confuso o se desmaya. Si no, descanse y llame hoy a su centro de salud, "
        "aunque se sienta bien."
    ),
    ("rough", "en"): (
        "Your heart and pulse signal was too noisy to read 2 times, for 2 minutes in all. What we "
        "could not read, we do not know. Your resting pulse was 61 beats a minute. What is usual "
        "for you, we do not know yet. Are you all right? If you feel ill, call your care team; if "
        "not, check that your sensors are charged and sit well."
    ),
    ("rough", "es"): (
        "El ruido no dejó leer la señal de corazón y pulso 2 veces; en total, 2 minutos. Lo que no "
        "pudimos leer, no lo sabemos. Su pulso en reposo fue de 61 latidos por minuto. Aún no "
        "sabemos qué es lo normal para usted. ¿Se encuentra bien? Si se siente mal, llame a su "
        "centro de salud; si no, revise los sensores y su carga."
    ),
    ("full", "en"): (
        "No alert came up in 23 hours of data. Your resting pulse was 70 beats a minute, above "
        "your usual range of 58 to 63. Besides that, your temperature was lower than on other "
        "days, at 35.5 °C. We have too few readings of your heart rhythm and breathing. If you "
        "feel unwell, call your care team, whatever the sensors say."
    ),
    ("full", "es"): (
        "En 23 horas de datos no hubo ningún aviso. En reposo, su pulso subió a 70 latidos por "
        "minuto; lo normal para usted es de 58 a 63. Además, su temperatura fue de 35,5 °C, menos "
        "que otros días. Sus sensores no midieron bastante el ritmo del corazón y la respiración. "
        "Si se siente mal, llame a su centro de salud, digan lo que digan los sensores."
    ),
    ("half", "en"): (
        "In short, we could check 6 and a half hours and raised no alert; 17 hours stays unknown. "
        "At rest, your heart beat at about 64 beats a minute. It is too early to say what is "
        "usual for you. We could not measure your heart rhythm, oxygen and temperature well "
        "enough this time. If you feel unwell, call your care team, whatever the sensors say."
    ),
    ("half", "es"): (
        "En resumen, pudimos revisar 6 horas y media sin avisos; 17 horas quedan sin saber. "
        "Medimos en reposo un pulso de 64 latidos por minuto. Es pronto para decir qué es lo "
        "normal para usted. Nos falta el ritmo del corazón, el oxígeno y la temperatura: hubo muy "
        "pocas medidas. Si se siente mal, llame a su centro de salud, digan lo que digan los "
        "sensores."
    ),
    ("empty", "en"): (
        "Too little data came in, so there is nothing we can tell you. Not measured means not "
        "known. Please check that your sensors are charged and sit well. If you feel unwell, "
        "call your care team, whatever the sensors say."
    ),
    ("empty", "es"): (
        "Tenemos muy pocos datos suyos de este tiempo. Lo que no se mide no se sabe. Mire si los "
        "sensores tienen carga y están bien puestos. Si se siente mal, llame a su centro de salud, "
        "digan lo que digan los sensores."
    ),
    ("list", "en"): (
        "Your heart took 3.2 seconds from one beat to the next at 11:06 am. The lowest oxygen we "
        "saw was 85 percent, at 10:13 pm. The fastest pulse we saw was 142 beats a minute, at "
        "10:05 am. Please also read the list: it has 1 more note. Call 112 now if you have chest "
        "pain, trouble breathing, new confusion, or if you faint. If not, rest, and call your care "
        "team today, even if you feel well."
    ),
    ("list", "es"): (
        "Su corazón tardó 3,2 segundos de un latido al otro, a las 11:06. El oxígeno más bajo que "
        "vimos fue del 85 por ciento, hacia las 22:13. El pulso más rápido que vimos fue de 142 "
        "latidos por minuto, hacia las 10:05. Lea también la lista: hay 1 aviso más. Llame al 112 "
        "ya si le duele el pecho, le falta el aire, está confuso o se desmaya. Si no, descanse y "
        "llame hoy a su centro de salud, aunque se sienta bien."
    ),
}
TOLD |= {
    ("named", "en"): (
        "From 5:33 am on, we noticed a possible fall, low sugar readings and more besides. Also, "
        "once, at 11:06 am, your heart paused for 3.2 seconds. We can see that it happened, but "
        "not why. Call 112 now if you have chest pain, trouble breathing, new confusion, or if "
        "you faint. If not, rest, and call your care team today, even if you feel well."
    ),
    ("named", "es"): (
        "A las 5:33 empezamos a ver una posible caída, una bajada de azúcar y más cosas. Además, "
        "una vez, a las 11:06, su corazón hizo una pausa de 3,2 segundos. Vemos que pasó, pero no "
        "por qué. Llame al 112 ya si le duele el pecho, le falta el aire, está confuso o se "
        "desmaya. Si no, descanse y llame hoy a su centro de salud, aunque se sienta bien."
    ),
}
LIES = {  # (case, language): what stands in the true text, and what a lie puts there
    ("busy", "en"): [
        ("3.2 seconds", "3.3 seconds"),
        ("3.2 seconds", "32 seconds"),
        ("11:06 am", "11:06 pm"),
        ("11:06 am", "11:07 am"),
        ("85 percent", "84 percent"),
        ("85 percent", "95 percent"),
        ("85 percent", "85 beats a minute"),
        ("at least 50 minutes", "50 minutes"),
        ("at least 50 minutes", "at least 50 hours"),
        ("from 10:13 pm", "from 10:05 am"),
        ("fell to", "rose to"),
        ("Your oxygen fell", "Your temperature fell"),
        ("stayed low", "stayed high"),
        ("beat fast", "beat slowly"),
        ("beat fast", "did not beat fast"),
        ("2 times", "3 times"),
        ("2 times, first at", "from"),
        ("142", "141"),
        ("142 beats", "142 breaths"),
        ("reached 142", "went down to 142"),
        ("Thursday, January 1", "Friday, January 2"),
        ("The main thing", "The least thing"),
        ("Also,", "Over the same time,"),
        ("once, at 11:06 am, your heart paused", "more than once your heart paused"),
        ("but not why", "and it was the coffee"),
        ("We can see that it happened, but not why.", "It was nothing."),
        ("We can see that it happened, but not why. ", ""),
        (" Also, your heart beat fast 2 times, first at 10:05 am, and reached 142 beats a minute.",
         ""),
        ("Call 112", "Call 113"),
        ("today", "next month"),
        ("if you faint", "if you sleep"),
        ("even if you feel well", "if you like"),
        ("If not, rest,", "If not, rest, take an aspirin,"),
        ("We can see", "You are safe, and we can see"),
    ],
    ("busy", "es"): [
        ("3,2 segundos", "3,3 segundos"),
        ("3,2 segundos", "3.2 segundos"),
        ("las 11:06", "las 12:06"),
        ("85 por ciento", "58 por ciento"),
        ("al menos 50 minutos", "50 minutos"),
        ("las 22:13", "las 10:13"),
        ("bajo", "alto"),
        ("tuvo el oxígeno", "no tuvo el oxígeno"),
        ("pulso rápido", "pulso lento"),
        ("2 veces", "4 veces"),
        ("142 latidos", "124 latidos"),
        ("lo más alto", "lo más bajo"),
        ("Además", "En el mismo tiempo"),
        ("el jueves 1", "el jueves 8"),
        ("pero no por qué", "y no hay nada malo"),
        ("Vemos que pasó, pero no por qué. ", ""),
        ("hizo una pausa", "hizo pausas"),
        ("Llame al 112", "Llame al 061"),
        ("descanse y llame hoy", "descanse y llame mañana"),
        (" aunque se sienta bien", " si no se siente bien"),
        ("Vemos que", "Esto es una arritmia. Vemos que"),
    ],
    ("rough", "en"): [
        ("heart and pulse", "heart"),
        ("heart and pulse", "oxygen and pulse"),
        ("2 times", "3 times"),
        ("2 minutes", "3 minutes"),
        ("for 2 minutes", "for at least 2 minutes"),
        ("was too noisy to read", "went silent"),
        ("61", "60"),
        ("resting pulse", "pulse"),
        ("What is usual for you, we do not know yet.", "That is usual for you."),
        ("minute. What is", "minute, which is usual for you. What is"),
        ("we do not know. Your", "but you were fine. Your"),
        ("Are you all right? If you feel ill", "If you feel ill"),
    ],
    ("rough", "es"): [
        ("corazón y pulso", "pulso"),
        ("2 veces", "5 veces"),
        ("en total, 2 minutos", "en total, 1 minuto"),
        ("en total, 2 minutos", "en total, 2 horas"),
        ("61 latidos", "16 latidos"),
        ("en reposo fue", "fue"),
        ("no lo sabemos", "no importa"),
        ("Aún no sabemos", "Ya sabemos"),
    ],
    ("full", "en"): [
        ("23 hours", "24 hours"),
        ("No alert", "One alert"),
        ("70 beats", "71 beats"),
        ("above", "below"),
        ("above", "within"),
        ("58 to 63", "58 to 70"),
        ("58 to 63", "about 63"),
        (", above your usual range of 58 to 63", ""),
        ("lower", "higher"),
        ("35.5", "36.5"),
        (" Besides that, your temperature was lower than on other days, at 35.5 °C.", ""),
        ("Besides that", "Another thing we saw"),
        ("heart rhythm and breathing", "heart rhythm"),
        ("heart rhythm and breathing", "oxygen and breathing"),
        (" We have too few readings of your heart rhythm and breathing.", ""),
        ("We have too few readings of", "You need not know"),
        ("too few readings", "enough readings"),
        ("above your usual range of 58 to 63", "within your usual range of 58 to 63"),
        ("No alert came up", "Everything is fine"),
        ("whatever the sensors say", "if the sensors say so"),
    ],
    ("full", "es"): [
        ("23 horas", "22 horas"),
        ("subió", "bajó"),
        ("70", "63"),
        ("de 58 a 63", "de 58 a 71"),
        ("de 58 a 63", "de 63 a 58"),
        ("menos que otros días", "como otros días"),
        ("menos que otros días", "más que otros días"),
        ("35,5", "35,6"),
        ("el ritmo del corazón y la respiración", "la respiración"),
        ("no midieron bastante", "midieron bastante"),
        ("subió a 70", "fue de 70"),
        ("no hubo ningún aviso", "todo fue normal"),
        ("En reposo, su pulso", "Su oxígeno"),
    ],
    ("half", "en"): [
        ("6 and a half hours", "7 hours"),
        ("; 17 hours stays unknown", ""),
        ("17 hours", "7 hours"),
        ("about 64", "about 46"),
        ("In short", "One thing to know on Thursday, January 1:"),
        (" It is too early to say what is usual for you.", ""),
        ("oxygen and temperature", "oxygen and breathing"),
        ("raised no alert", "raised an alert"),
    ],
    ("half", "es"): [
        ("6 horas y media", "6 horas"),
        ("17 horas", "18 horas"),
        ("sin avisos", "con avisos"),
        ("64 latidos", "65 latidos"),
        ("un pulso", "una temperatura"),
        ("Es pronto", "No es pronto"),
        ("el oxígeno y la temperatura", "y la temperatura"),
        ("hubo muy pocas medidas", "hubo muchas medidas"),
    ],
    ("empty", "en"): [
        ("Too little data came in, so there is nothing we can tell you.", "All was calm."),
        (" Not measured means not known.", ""),
        ("Please check that your sensors are charged and sit well. ", ""),
        ("Too little data came in, so", "Too little data came in, but"),
        ("Too little data", "Enough data"),
    ],
    ("empty", "es"): [
        ("Tenemos muy pocos datos suyos de este tiempo.", "No hubo avisos en 24 horas de datos."),
        ("no se sabe", "se sabe"),
        ("Mire si los sensores tienen carga y están bien puestos. ", ""),
        ("digan lo que digan", "si lo dicen"),
    ],
    ("list", "en"): [
        ("1 more note", "2 more notes"),
        (" Please also read the list: it has 1 more note.", ""),
        ("The lowest oxygen", "The lowest pulse"),
        ("at 10:05 am", "at 1:53 pm"),
        ("10:13 pm", "10:14 pm"),
        ("Please also read the list: it has 1 more note.",
         "We could not read your heart signal for 2 minutes."),
    ],
    ("list", "es"): [
        ("1 aviso más", "3 avisos más"),
        (" Lea también la lista: hay 1 aviso más.", ""),
        ("las 10:05", "las 13:53"),
        ("más rápido", "más lento"),
    ],
    ("named", "en"): [
        ("5:33 am", "5:33 pm"),
        ("5:33 am", "10:05 am"),
        ("a possible fall, low sugar readings and", "low sugar readings, a possible fall and"),
        ("a possible fall, low", "no fall, low"),
        ("a possible fall,", "a fall,"),
        ("a possible fall", "extra heartbeats"),
        ("a possible fall", "something out of the ordinary"),
        ("low sugar", "high sugar"),
        (", low sugar readings and more besides", ""),
        (", low sugar readings and more besides", " and low sugar readings"),
        ("and more besides", "and fast breathing"),
        ("and more besides", "and nothing more"),
        (", low sugar readings and more", ", low sugar readings, fast breathing and more"),
        (", low sugar readings and more", " and more"),
        ("low sugar readings and more besides", "more besides and low sugar readings"),
        ("we noticed", "we did not notice"),
        ("From 5:33 am on, we noticed", "Fast breathing. We noticed"),
        ("From 5:33 am on, we noticed", "Once, we noticed"),
        ("now if you", "this week if you"),
    ],
    ("named", "es"): [
        ("las 5:33", "las 17:33"),
        ("las 5:33", "las 8:20"),
        ("una posible caída, una bajada de azúcar", "una bajada de azúcar, una posible caída"),
        ("una posible caída", "una caída"),
        ("una posible caída", "un ritmo con latidos de más"),
        ("una bajada", "una subida"),
        ("y más cosas", "y una respiración rápida"),
        ("y más cosas", "y nada más"),
        (", una bajada de azúcar y más cosas", ""),
        ("empezamos a ver", "no empezamos a ver"),
        ("Llame al 112 ya", "Llame al 112 mañana"),
    ],
}  # fmt: skip
PLANTED = [(*key, old, new) for key, rows in LIES.items() for old, new in rows]


def judged(case, text, lang):
    """Return what the judge says of a text about a case."""
    records, day, earlier = CASES[case]
    return oracle.judge(text, lang, records, day * DAY, (day + 1) * DAY, "UTC", "112", earlier)


@pytest.mark.parametrize(("case", "lang"), TOLD)
def test_a_true_text_passes(case, lang):
    assert judged(case, TOLD[case, lang], lang) == []


@pytest.mark.parametrize(("case", "lang", "old", "new"), PLANTED)
def test_a_planted_lie_is_caught(case, lang, old, new):
    text = TOLD[case, lang]
    assert text.count(old) >= 1
    assert judged(case, text.replace(old, new, 1), lang)


@pytest.mark.parametrize(("case", "lang"), TOLD)
def test_a_text_in_the_other_language_is_not_read(case, lang):
    other = {"en": "es", "es": "en"}[lang]
    assert judged(case, TOLD[case, other], lang)


@pytest.mark.parametrize(("case", "lang"), TOLD)
def test_a_text_fits_no_other_day(case, lang):
    assert all(judged(other, TOLD[case, lang], lang) for other in CASES if other != case)


@pytest.mark.parametrize(("case", "lang"), TOLD)
def test_no_sentence_can_be_left_out_moved_to_the_front_or_told_twice(case, lang):
    reader = oracle.READERS[lang]
    sentences = reader.split(TOLD[case, lang])
    for n in range(len(sentences)):
        rest = sentences[:n] + sentences[n + 1 :]
        may_go = {("rough", 2), ("rough", 3)}  # a measure may be left out; so may the learning
        if (case, n) not in may_go - {("rough", 2)}:
            assert judged(case, " ".join(rest), lang)
        assert judged(case, " ".join([*sentences[: n + 1], *sentences[n:]]), lang)
        if n:
            assert judged(case, " ".join([sentences[n], *rest]), lang)


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "You have a heart attack."),
        ("en", "Take your tablets."),
        ("en", "There is no need to call."),
        ("en", "Everything looks normal."),
        ("en", "Your ECG shows tachycardia."),
        ("es", "Todo va bien."),
        ("es", "Tome una pastilla."),
        ("es", "Usted padece una enfermedad."),
        ("es", "No se preocupe."),
        ("es", "No pasa nada."),
    ],
)
def test_what_must_never_be_said_is_named(lang, sentence):
    bad = judged("empty", f"{sentence} {TOLD['empty', lang]}", lang)
    assert any("forbidden word" in line for line in bad)


def wrong_of(sentence, lang, what):
    """Return what the judge says of one sentence."""
    return oracle.judged(sentence, lang, what)[1]


@pytest.mark.parametrize(
    ("lang", "sentence", "true_of"),
    [
        ("en", "Your resting pulse was 70 beats a minute, which is usual for you.", "usual"),
        ("en", "Your resting pulse of 70 beats a minute is within your own range of {}.", "usual"),
        ("en", "Your pulse at rest, 70 beats a minute, fits your usual range of {}.", "usual"),
        ("en", "With 70 beats a minute, your resting pulse was in your usual range.", "usual"),
        ("en", "At rest, your pulse was 70 beats a minute; your usual range is {}.", "usual above"),
        ("en", "At rest your heart beat at 70 beats a minute; on other days it was {}.",
         "usual above"),
        ("en", "At rest, your pulse was only 70 beats a minute; your usual range is {}.", "below"),
        ("en", "We measured a resting pulse of 70 beats a minute, but {} is usual for you.",
         "above"),
        ("es", "Su pulso en reposo fue de 70 latidos por minuto, lo normal para usted.", "usual"),
        ("es", "En reposo, su pulso fue de 70 latidos por minuto; lo normal para usted es {}.",
         "usual"),
        ("es", "En reposo, su corazón dio 70 latidos por minuto, y otros días fue {}.", "above"),
        ("es", "En reposo, su corazón dio solo 70 latidos por minuto, y otros días fue {}.",
         "below"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("vs", "low", "high"), [("usual", 60, 75), ("above", 58, 63), ("below", 75, 80)]
)
def test_a_value_is_told_beside_the_usual_only_as_it_stands_to_it(
    lang, sentence, true_of, vs, low, high
):
    week = [oracle.truth(calm(d, float(p)), d * DAY, (d + 1) * DAY, "UTC")
            for d, p in enumerate([low, low, high, high, high])]  # fmt: skip
    what = oracle.truth(FULL, 7 * DAY, 8 * DAY, "UTC", week)
    said = sentence.format(f"{low} to {high}" if lang == "en" else f"de {low} a {high}")
    assert (not wrong_of(said, lang, what)) == (vs in true_of.split())


def test_too_little_is_told_both_of_two_minutes_and_of_nothing():
    little = oracle.truth(minutes("heart_rate", 61.0, 2), 0.0, DAY, "UTC")
    nothing = oracle.truth([], 0.0, DAY, "UTC")
    enough = oracle.truth(minutes("heart_rate", 61.0, 3), 0.0, DAY, "UTC")
    for lang, said in [("en", "Too little data came in, so there is nothing we can tell you."),
                       ("es", "Se midió muy poco, así que no sabemos cómo estuvo.")]:  # fmt: skip
        assert not wrong_of(said, lang, little)
        assert not wrong_of(said, lang, nothing)
        assert wrong_of(said, lang, enough) == ["something was measured"]
    rest = "heart rhythm, oxygen, temperature and breathing"
    assert not wrong_of(f"We have too few readings of your {rest}.", "en", enough)
    assert wrong_of(f"We have too few readings of your pulse, {rest}.", "en", enough)


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "Nothing was measured, so we do not know how you were."),
        ("en", "We have no readings of your pulse."),
        ("en", "About your pulse we know nothing, since nothing was measured."),
        ("es", "No se midió nada, así que no sabemos cómo estuvo."),
        ("es", "Sus sensores no midieron el pulso."),
    ],
)
def test_that_nothing_at_all_was_measured_is_no_longer_read(lang, sentence):
    what = oracle.truth([], 0.0, DAY, "UTC")
    assert wrong_of(sentence, lang, what) == ["unreadable sentence"]


@pytest.mark.parametrize(
    ("seconds", "ongoing", "en", "es"),
    [
        (0.0, False, "1 second", "1 segundo"),
        (0.4, False, "1 second", "1 segundo"),
        (0.4, True, "at least 1 second", "al menos 1 segundo"),
        (59.4, False, "59 seconds", "59 segundos"),
        (59.5, False, "1 minute", "1 minuto"),
        (59.9, True, "at least 59 seconds", "al menos 59 segundos"),
        (60.0, False, "1 minute", "1 minuto"),
        (89.7, False, "1 minute", "1 minuto"),
        (90.0, False, "2 minutes", "2 minutos"),
        (7170.0, False, "2 hours", "2 horas"),
    ],
)
def test_a_length_of_time_is_told_in_one_way_only(seconds, ongoing, en, es):
    found = Finding("poor_signal", "chest/ecg", 3600.0, 3600.0 + seconds, "info", (), ongoing)
    what = oracle.truth([found], 0.0, DAY, "UTC")
    spans = ["0 seconds", "1 second", "59 seconds", "60 seconds", "1 minute", "2 minutes",
             "120 minutes", "2 hours"]  # fmt: skip
    for span in [*spans, *(f"at least {span}" for span in spans)]:
        wrong = wrong_of(f"We could not read your heart signal for {span}.", "en", what)
        assert (not wrong) == (span == en), span
    assert not wrong_of(f"No pudimos leer la señal de corazón durante {es}.", "es", what)
    for span in ("60 segundos", "0 segundos"):
        assert wrong_of(f"No pudimos leer la señal de corazón durante {span}.", "es", what)


@pytest.mark.parametrize("others", [[], minutes("activity", 0.01, 600)])
def test_where_nothing_was_watched_no_time_is_told(others):
    found = Finding("no_data", "chest/ecg", 0.0, DAY, "info", ())
    what = oracle.truth([found, *others], 0.0, DAY, "UTC")
    assert wrong_of("We could watch 1 second of this time.", "en", what)
    assert wrong_of("Pudimos seguirle 1 segundo; del resto, 24 horas, no sabemos nada.", "es", what)


@pytest.mark.parametrize(("least", "most", "known"), [(61.0, 61.0, False), (60.6, 61.4, False),
                                                      (61.4, 61.6, True)])  # fmt: skip
def test_a_pulse_that_stayed_the_same_has_no_range(least, most, known):
    beats = [*minutes("heart_rate", least, 300), *minutes("heart_rate", most, 300, every=120.0)]
    beats = [Vital(v.kind, v.stream, v.t_s + (n >= 300) * 40000.0, v.value)
             for n, v in enumerate(beats)]  # fmt: skip
    what = oracle.truth(beats, 0.0, DAY, "UTC")
    assert ("pulse_range" in what.measured) == known
    top = "62" if known else "61"
    said = f"Your pulse went from 61 beats a minute to {top} beats a minute."
    assert (not wrong_of(said, "en", what)) == known


def test_what_is_off_the_usual_has_its_place_before_coverage_and_what_is_missing():
    spells = [f for f in BUSY if f.kind in ("pause", "desaturation")]
    records = [
        *(Finding(f.kind, f.stream, f.t0_s + 7 * DAY, f.t1_s + 7 * DAY, f.severity, f.evidence)
          for f in spells),
        *minutes("heart_rate", 70.0, 400, 7),
    ]  # fmt: skip
    two = ("Once, at 11:06 am, your heart paused for 3.2 seconds. Your oxygen fell to 85 percent "
           "and stayed low for 50 minutes, from 10:13 pm. We can see that it happened, but not "
           "why. ")  # fmt: skip
    pulse = "Your resting pulse was 70 beats a minute, higher than is usual for you. "
    watched = "We could watch 6 and a half hours of this time. "
    missing = "We have too few readings of your heart rhythm, oxygen, temperature and breathing. "
    act = oracle.WORDS["en"].ACTIONS["red"].replace("{emergency}", "112")

    def said(*rest, earlier=WEEK, kinds=two):
        return oracle.judge("".join([kinds, *rest, act]), "en", records, 7 * DAY, 8 * DAY, "UTC",
                            "112", earlier)  # fmt: skip

    assert said(pulse) == []
    assert said() == ["left out: pulse"]
    assert said(watched) == ["left out: pulse"]
    assert said(missing) == ["left out: pulse"]
    assert "more than four sentences before the action" in said(pulse, watched)
    assert said(watched, earlier=[]) == []  # nothing is off the usual: coverage may stand
    assert said(earlier=[]) == []


def test_a_measure_has_no_place_where_there_is_none_for_what_must_follow_it():
    records = [*minutes("heart_rate", 61.0, 1380), *minutes("spo2", 97.0, 1380)]
    records += [Vital("heart_rate", "band/heart_rate", 82800.0, 66.0),
                Finding("pause", "chest/ecg", 40000.0, 40003.2, "red", (("rr_s", 3.24),)),
                Finding("fever", "band/temperature", 40000.0, 40600.0, "amber",
                        (("highest_c", 38.6), ("limit_c", 38.0)))]  # fmt: skip
    text = ("Once, at 11:06 am, your heart paused for 3.2 seconds. Your temperature was high and "
            "reached 38.6 °C. We can see that it happened, but not why. ")  # fmt: skip
    act = oracle.WORDS["en"].ACTIONS["red"].replace("{emergency}", "112")

    def said(rest):
        return oracle.judge(text + rest + act, "en", records, 0.0, DAY, "UTC", "112")

    assert said("Your pulse went from 61 beats a minute to 66 beats a minute. ") == []
    assert said("Your resting pulse was 61 beats a minute. ") == ["not planned: pulse"]


PERIOD = (7 * DAY, 8 * DAY)


def other(kind, t0, severity="amber", hours=1.0):
    """Return a finding of a kind without clauses of its own, `t0` from the seventh day on."""
    begin = PERIOD[0] + t0
    return Finding(kind, "chest/other", begin, begin + 3600.0 * hours, severity, ())


@pytest.mark.parametrize(
    ("records", "what", "start", "severity"),
    [
        ([other("fall", 60.0, "red")], "fall", (0, 1), "red"),
        ([other("fall", 60.0, "info"), other("news2", 30.0, "amber"), other("apnoea_night", 0.0)],
         "apnoea_night news2 fall", (0, 0), "amber"),
        ([other("tachypnoea", 60.0), other("fall", 60.0)], "fall tachypnoea", (0, 1), "amber"),
        # both began before the day: of equals as cut to it, by name
        ([other("tachypnoea", -900.0), other("fall", -60.0)], "fall tachypnoea", (0, 0), "amber"),
        # a kind stands where the first of its gravest stands
        ([other("fall", 0.0, "info"), other("fall", 7200.0, "red"), other("news2", 60.0, "red")],
         "news2 fall", (0, 0), "red"),
        ([other("fall", 0.0), other("fall", 0.0, "info")], "fall", (0, 0), "info"),
        ([other("fall", 0.0), other("bigeminy", 1.0), other("news2", 2.0), other("fever_x", 3.0)],
         "fall bigeminy more", (0, 0), "amber"),
        ([other("unheard_of", 0.0, "red"), other("fall", 1.0), other("never_seen", 2.0),
          other("news2", 3.0)], "other fall news2", (0, 0), "red"),
        ([other("glucose_range", 0.0, "red"), other("fall", 60.0, "info")], "fall", (0, 1), "info"),
    ],
)  # fmt: skip
def test_findings_told_by_name_are_one_fact_the_gravest_kind_first(records, what, start, severity):
    found = oracle.truth(records, *PERIOD, "UTC").found
    assert list(found) == ["noticed"]
    assert found["noticed"].values == {
        "what": frozenset({("findings", *what.split())}),
        "start": frozenset({("clock", *start)}),
    }
    assert found["noticed"].severity == severity
    told = gather(records, *PERIOD, zone="UTC")
    for written in summarise_all(told, ("en", "es"), None, emergency="112"):
        text, lang = written.summary.text, written.summary.lang
        assert oracle.judge(text, lang, records, *PERIOD, "UTC", "112") == []


@pytest.mark.parametrize("kind", sorted(facts.COUNTS))
def test_a_kind_that_only_counts_is_no_finding_of_a_text(kind):
    what = oracle.truth([other(kind, 0.0, "red"), *FULL], *PERIOD, "UTC")
    assert (what.found, what.action) == ({}, "none")


def test_what_is_told_by_name_is_one_of_the_findings_that_are_left_for_the_list():
    reds = [Finding(f.kind, f.stream, f.t0_s, f.t1_s, "red", f.evidence) for f in BUSY]
    named = [Finding("fall", "band/activity", 9.0, 10.0, "red", ()),
             Finding("news2", "band/activity", 9.0, 10.0, "red", ())]  # fmt: skip
    what = oracle.truth(reds + named + ROUGH, 0.0, DAY, "UTC")
    assert list(what.found)[3:] == ["noticed", "poor_signal"]
    assert not wrong_of("Your list holds 2 more notes.", "en", what)
    assert wrong_of("Your list holds 3 more notes.", "en", what)


@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_names_of_findings_are_those_that_the_texts_use(lang):
    """Typed here by hand, so that a name changed by mistake is found."""
    frame = PAGE.parents[1] / "healthslm/language/wording" / lang / "frame.toml"
    names = tomllib.loads(frame.read_text(encoding="utf-8"))["names"]["findings"]
    words = oracle.WORDS[lang]
    assert names == {kind: said for said, kind in words.FINDINGS.items()} | {"more": words.MORE}
    assert names.keys() - {"other", "more"} == facts.NAMED


def test_the_page_counts_the_kinds_and_orders_them_as_the_judge_does():
    page = PAGE.read_text(encoding="utf-8")
    (counts,) = re.findall(r"(?m)^\*\*Counts\.\*\* (.*) only count", page)
    (order,) = re.findall(r"then in the order\n(.*)\. All told are required", page)
    assert frozenset(re.findall(r"`(\w+)`", counts)) == facts.COUNTS
    assert tuple(re.findall(r"`(\w+)`", order)) == facts.ORDER


ZONES = ("UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires", "Asia/Kathmandu")
EVIDENCE = {
    "tachycardia": lambda r: (
        ("highest_bpm", r.uniform(101, 230)),
        ("limit_bpm", 100.0 + r.randrange(30)),
    ),
    "bradycardia": lambda r: (("lowest_bpm", r.uniform(19, 55)), ("limit_bpm", 50.0)),
    "pause": lambda r: (("rr_s", r.uniform(2, 15)),),
    "irregular_rhythm": lambda r: (("mean_bpm", r.uniform(40, 180)), ("beats", 60.0)),
    "desaturation": lambda r: (
        ("lowest_pct", r.uniform(50, 93)),
        ("limit_pct", r.choice([92.0, 94.0])),
    ),
    "fever": lambda r: (("highest_c", r.uniform(38, 42)), ("limit_c", 38.0)),
    "poor_signal": lambda r: (("quality", 0.0),),
    "no_data": lambda r: (("silent_s", 7200.0),),
}  # fmt: skip
LANES = {
    "desaturation": ("band/spo2", "finger/spo2"),
    "fever": ("band/temperature",),
    "poor_signal": ("chest/ecg", "chest/ecg-v5", "band/ppg", "skin/glucose"),
    "no_data": ("band/heart_rate", "band/spo2", "band/temperature", "band/activity", "chest/ecg"),
}
OTHERS = (*sorted(facts.NAMED), *sorted(facts.COUNTS), "unheard_of", "never_seen")
HEART = ("band/heart_rate", "chest/ecg")
LEVELS = {  # kind: (low, high, spread from minute to minute)
    "heart_rate": (35.0, 150.0, 20.0),
    "spo2": (75.0, 100.0, 4.0),
    "temperature": (34.0, 41.0, 0.4),
    "respiratory_rate": (6.0, 40.0, 5.0),
    "activity": (0.0, 0.3, 0.2),
}


def someones_day(seed, t0_s, span_s):
    """Return the records of a random day: full, sparse, many-finding or empty."""
    r = Random(seed)
    out = []
    for kind, (low, high, spread) in LEVELS.items():
        if r.random() < 0.25:
            continue
        level = r.uniform(low, high)
        first, n = r.uniform(0, span_s), r.choice([1, 2, 3, 4, 29, 30, 31, 300, 1300])
        step = r.choice([20.0, 60.0, 600.0, 660.0])
        times = [t0_s + (first + step * i) % span_s for i in range(n)]
        out += [
            Vital(kind, f"band/{kind}", t, round(level + r.uniform(0, spread), 1)) for t in times
        ]
    for _ in range(r.choice([0, 0, 2, 3, 50])):
        kind = r.choice(["beat", "pulse"])
        out.append(Beat(kind, "chest/ecg", t0_s + r.uniform(0, span_s), 0.8, r.random() < 0.8))
    kinds = r.sample(sorted(EVIDENCE), r.choice([0, 0, 1, 1, 2, 3, 4, 8]))
    kinds += r.sample(OTHERS, r.choice([0, 0, 0, 1, 2, 3, 4, 6]))
    for kind in kinds:
        for _ in range(r.choice([1, 1, 2, 5])):
            begin = t0_s + r.choice([r.uniform(-9000, span_s), r.randrange(0, 86400, 600)])
            length = r.choice([0.0, 3.5, 45.0, 59.4, 600.0, 7170.0, r.uniform(1, 90000)])
            for told in range(r.choice([1, 2])):  # told again under the same key
                out.append(Finding(
                    kind, r.choice(LANES.get(kind, HEART)), begin, begin + length * (1 + told),
                    r.choice(["info", "amber", "red"]), EVIDENCE.get(kind, lambda _: ())(r),
                    r.random() < 0.2,
                ))  # fmt: skip
    return out


@pytest.mark.parametrize("block", range(6))
def test_the_template_says_nothing_untrue_of_random_days(block):
    bad = []
    for seed in range(50 * block, 50 * block + 50):
        r = Random(-seed)
        zone, emergency = r.choice(ZONES), r.choice(["", "112", "+34 112"])
        span_s = r.choice([DAY, DAY, DAY, 7200.0, 90000.0, 3 * DAY])
        t0_s = 1.7e9 + r.randrange(400) * DAY + r.choice([0.0, 0.0, 33.0])
        person = r.randrange(1000)
        before = r.choice([0, 4, 5, 9])
        told, earlier = [], []
        for n in range(before, 0, -1):
            spot = t0_s - n * DAY
            records = someones_day(person * 100 + n, spot, DAY)
            told.append(gather(records, spot, spot + DAY, zone=zone))
            earlier.append(oracle.truth(records, spot, spot + DAY, zone))
        records = someones_day(seed, t0_s, span_s)
        facts = gather(records, t0_s, t0_s + span_s, zone=zone, earlier=told)
        for written in summarise_all(facts, ("en", "es"), None, emergency=emergency):
            text, lang = written.summary.text, written.summary.lang
            wrong = oracle.judge(text, lang, records, t0_s, t0_s + span_s, zone, emergency, earlier)
            bad += [f"{seed} {lang}: {line}" for line in wrong]
    assert not bad, "\n".join(bad)
