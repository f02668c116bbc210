"""The second judge itself: it reads all that may be said, passes what is true, catches lies."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from runpy import run_path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthslm.language.facts import gather
from healthslm.language.writer import Manner, summarise_all
from healthslm.records import Beat, Finding, Vital


def beside(name):
    return SimpleNamespace(**run_path(str(Path(__file__).with_name(name))))


oracle, days = beside("oracle.py"), beside("oracle_days.py")
facts, Told, Truth = oracle.facts, oracle.facts.Told, oracle.Truth
DAY, MINI = days.DAY, Path(__file__).parents[2] / "models" / "mini"
LANGS = ("en", "es")

SAID = {  # unit on the page: (en, es, as the truth writes it), all different
    "bpm": [("132 beats a minute", "132 latidos por minuto", ("bpm", "132")),
            ("120 beats a minute", "120 latidos por minuto", ("bpm", "120")),
            ("1 beat a minute", "1 latido por minuto", ("bpm", "1"))],
    "breaths": [("24 breaths a minute", "24 veces por minuto", ("br", "24")),
                ("1 breath a minute", "1 vez por minuto", ("br", "1"))],
    "percent": [("86 percent", "86 por ciento", ("pct", "86")),
                ("92 percent", "92 por ciento", ("pct", "92"))],
    "celsius": [("38.6 °C", "38,6 °C", ("deg", "38.6")), ("38.0 °C", "38,0 °C", ("deg", "38.0"))],
    "seconds": [("3.2 seconds", "3,2 segundos", ("sec", "3.2"))],
    "duration": [("at least 2 and a half hours", "al menos 2 horas y media", ("h", 2.5, True)),
                 ("42 minutes", "42 minutos", ("min", 42.0, False))],
    "clock": [("1:05 am", "la 1:05", ("clock", 1, 5)), ("2:50 pm", "las 14:50", ("clock", 14, 50))],
    "times": [("14 times", "14 veces", ("times", 14))],
    "range": [("58 to 66", "de 58 a 66", ("range", "58", "66")),
              ("about 97", "cerca de 97", ("range", "97", "97"))],
    "range_celsius": [("about 36.5", "cerca de 36,5", ("range", "36.5", "36.5"))],
    "names": [("pulse, heart rhythm and oxygen", "el pulso, el ritmo del corazón y el oxígeno",
               ("names", "pulse", "rhythm", "oxygen"))],
    "signals": [("heart and other", "corazón y otro sensor",
                 ("signals", frozenset({"heart", "other"})))],
    "findings": [("a possible fall, low sugar readings and extra heartbeats",
                  "una posible caída, una bajada de azúcar y un ritmo con latidos de más",
                  ("findings", "fall", "glucose_low", "ventricular_ectopy"))],
    "in_hundred": [("fewer than 1 in 100", "menos de 1 de cada 100", ("in_hundred", 0)),
                   ("12 in 100", "12 de cada 100", ("in_hundred", 12))],
    "per_hour": [("15 times an hour", "15 veces por hora", ("per_hour", 15))],
    "of_hour": [("1 minute of each hour", "1 minuto de cada hora", ("of_hour", 1))],
    "pressure": [("152 over 94", "152 sobre 94", ("pressure", 152, 94))],
    "mmhg": [("88", "88", ("mmhg", 88))],
    "glucose": [("62 mg/dL", "62 mg/dL", ("glucose", 62)),
                ("70 mg/dL", "70 mg/dL", ("glucose", 70))],
    "nights": [("3 nights", "3 noches", ("nights", 3))],
    "days": [("6 days", "6 días", ("days", 6))],
    "weekday": [("Thursday", "el jueves", ("weekday", 3))],
    "notes": [("3 more notes", "3 avisos más", ("notes", 3))],
}  # fmt: skip
NEGATED = {  # claim: what must be true of a fact for it to be a lie
    "one": {"count": 2},
    "several": {"count": 1},
    "night": {"parts": frozenset({"day"})},
    "day": {"parts": frozenset({"night"})},
    "serious": {"severity": "info"},
    "minor": {"severity": "red"},
    "above": {"vs": frozenset({"usual"})},
    "below": {"vs": frozenset({"usual"})},
    "within": {"vs": frozenset({"above"})},
    "rising": {"ways": frozenset({"falling"})},
    "falling": {"ways": frozenset({"rising"})},
}


def filled(tag, lang):
    """Return a tagged sentence with a value in each place, and the values."""
    used, said, held = {}, tag.key, []
    for unit in tag.units:
        n = used.get(unit, 0)
        used[unit] = n + 1
        said = said.replace(f"[{unit}]", SAID[unit][n][lang == "es"], 1)
        held.append(SAID[unit][n][2])
    return said, held


def world(tag, held, **changed):
    """Return a truth in which all is true that a tagged sentence says, but for what is changed."""
    claims = tag.claims
    same = oracle.SAME.get(tag.topic, {})
    values = {}
    for role, value in zip(tag.roles, held, strict=True):
        values[same.get(role, role)] = frozenset({value})
    if "again" in claims:
        values.setdefault("again", frozenset({("weekday", 0)}))
    if claims & {"above", "below"} and tag.topic in facts.ORDER:
        low = "1" if "above" in claims else "900"
        values.setdefault("usual", frozenset({("range", low, low)}))
    vs = [v for c, v in [("above",) * 2, ("below",) * 2, ("within", "usual")] if c in claims]
    told = Told(
        values,
        severity="info" if "minor" in claims else "red" if "serious" in claims else "amber",
        count=2 if "several" in claims else 1,
        vs=frozenset(vs or ["usual"]),
        parts=frozenset({"night" if "night" in claims else "day"}),
        ways=frozenset({"falling" if "falling" in claims else "rising"}),
    )
    told = replace(told, **changed)
    if tag.topic in facts.ORDER:
        return Truth(found={tag.topic: told})
    if tag.topic in facts.MEASURES:
        return Truth(measured={tag.topic: told})
    if tag.topic in ("coverage", "quiet"):
        return watched(values, 0.1 if "little" in claims else 0.5 if "partly" in claims else 1.0)
    if tag.topic == "missing":
        names = next(iter(values.get("what", {("names", "pulse")})))
        return Truth(missing=facts.NAMES if "all" in claims else names[1:])
    if tag.topic == "more":
        return Truth(found=dict.fromkeys(facts.ORDER[:6], told))
    if tag.topic == "learning":
        return Truth(measured={"pulse": Told({}, vs=frozenset({"unknown"}))})
    if tag.topic == "doubt":
        return Truth(found={"pause": told})
    return Truth(missing=("pulse",))


class Watched(Truth):
    """A truth whose watched time is as it was said, whatever the share."""

    @property
    def watch(self):
        return Told(self.said)


def watched(values, share):
    what = Watched(watched_s=share * 1000.0, period_s=1000.0)
    object.__setattr__(what, "said", values)
    return what


def levels_of(tag, lang):
    """Return the levels at which a tagged sentence may be told."""
    return oracle.READERS[lang].page.levels[tag.key]


def wrong_of(tag, said, what, lang, level=""):
    """Return what the judge says of a sentence, and of what it takes it for another topic."""
    level = level or min(levels_of(tag, lang))
    topic, wrong = oracle.judged(said, lang, what, (), level)
    right = topic == tag.topic or "?" in tag.claims
    return wrong or ([] if right else [f"taken for {topic}"])


def told_by_two(tag, lang):
    """Return whether the page has the same words for two facts."""
    return len(oracle.READERS[lang].page.facts.get(tag.key, ())) > 1


EVERY = [
    (lang, tag)
    for lang in LANGS
    for tag in oracle.TAGS[lang]
    if tag.key in oracle.READERS[lang].page.levels  # not what is no longer said
]
FEW = EVERY[:: max(1, len(EVERY) // 1200)]


def test_every_tagged_sentence_is_read_as_what_people_said():
    bad = []
    for lang, tag in EVERY:
        said, held = filled(tag, lang)
        what = world(tag, held)
        for level in levels_of(tag, lang):
            if wrong := wrong_of(tag, said, what, lang, level):
                bad.append(f"{lang} {tag.topic} {level} {wrong}: {said}")
    assert not bad, f"{len(bad)} wrong\n" + "\n".join(bad[:40])


def test_the_tags_are_of_topics_units_and_roles_that_there_are():
    bad = [
        f"{lang} {tag}"
        for lang, tag in EVERY
        if tag.topic not in oracle.GROUPS
        or len(tag.units) != len(tag.roles)
        or not set(tag.units) <= SAID.keys()
    ]
    assert not bad, "\n".join(bad[:20])
    for lang in LANGS:
        keys = [(tag.key, tag.topic) for tag in oracle.TAGS[lang]]
        assert len(keys) == len(set(keys))


def test_every_clause_of_the_page_was_tagged():
    bad = []
    for lang in LANGS:
        known = {tag.key for tag in oracle.TAGS[lang]}
        bad += [key for *_, key in oracle.READERS[lang].page.clauses if key not in known]
    assert not bad, f"{len(bad)} not tagged\n" + "\n".join(bad[:40])


def test_no_sentence_is_believed_with_a_denial_put_into_it():
    believed = []
    for lang, tag in FEW:
        said, held = filled(tag, lang)
        what = world(tag, held)
        for no, m in product(["no"] if lang == "es" else ["not", "no"], re.finditer(" ", said)):
            denied = f"{said[: m.end()]}{no} {said[m.end() :]}"
            if not wrong_of(tag, denied, what, lang):
                believed.append(denied)
    assert not believed, "\n".join(believed)


def test_no_sentence_is_believed_with_any_of_its_values_changed():
    believed = []
    for lang, tag in EVERY:
        said, held = filled(tag, lang)
        for n in range(len(held)):
            if tag.topic == "more":
                what = Truth(found=dict.fromkeys(facts.ORDER[:5], Told({}, "red")))
            else:
                lied = ("names", "breathing") if held[n][0] == "names" else ("another", "99", "99")
                what = world(tag, [*held[:n], lied, *held[n + 1 :]])
            if not wrong_of(tag, said, what, lang):
                believed.append(f"{tag.roles[n]}: {said}")
    assert not believed, "\n".join(believed)


def test_no_sentence_is_believed_with_two_of_its_values_changed_for_each_other():
    believed, n = [], 0
    for lang, tag in EVERY:
        said, held = filled(tag, lang)
        for i, unit in enumerate(tag.units):
            if unit in tag.units[:i] and tag.topic != "missing":
                j, n = tag.units.index(unit), n + 1
                swapped = [*held]
                swapped[i], swapped[j] = held[j], held[i]
                if not wrong_of(tag, said, world(tag, swapped), lang):
                    believed.append(said)
    assert n > 100
    assert not believed, "\n".join(believed)


def test_no_claim_is_believed_where_it_is_not_so():
    believed, seen = [], set()
    for lang, tag in EVERY:
        said, held = filled(tag, lang)
        for claim in tag.claims & NEGATED.keys():
            if claim == "night" and tag.topic in facts.NIGHTLY:
                continue
            if claim in ("above", "below") and tag.topic in facts.ORDER:
                continue
            if tag.topic in oracle.GROUPS and oracle.GROUPS[tag.topic] in ("knowledge", "frame"):
                continue
            seen.add(claim)
            if not wrong_of(tag, said, world(tag, held, **NEGATED[claim]), lang):
                believed.append(f"{claim}: {said}")
    assert seen == NEGATED.keys()
    assert not believed, "\n".join(believed)


@pytest.mark.parametrize(("claim", "share"), [("full", 0.6), ("partly", 1.0), ("little", 0.5)])
def test_no_share_of_watched_time_is_believed_where_another_is_so(claim, share):
    rows = [(lang, tag) for lang, tag in EVERY
            if tag.topic in ("coverage", "quiet") and claim in tag.claims]  # fmt: skip
    assert rows
    for lang, tag in rows:
        said, held = filled(tag, lang)
        values = {r: frozenset({v}) for r, v in zip(tag.roles, held, strict=True)}
        assert wrong_of(tag, said, watched(values, share), lang), said


def test_that_all_is_missing_is_not_believed_where_one_is_known():
    rows = [(lang, tag) for lang, tag in EVERY if tag.topic == "missing" and "all" in tag.claims]
    assert rows
    for lang, tag in rows:
        said, _held = filled(tag, lang)
        assert wrong_of(tag, said, Truth(missing=facts.NAMES[1:]), lang), said


def test_no_sentence_is_believed_of_another_kind_of_finding_or_measure():
    believed = []
    for lang, tag in EVERY:
        if tag.topic not in (*facts.ORDER, *facts.MEASURES) or told_by_two(tag, lang):
            continue
        said, held = filled(tag, lang)
        what = world(tag, held)
        for other in ("tachycardia", "bradycardia", "pulse", "oxygen", "no_data"):
            if other == tag.topic:
                continue
            told = next(iter({**what.found, **what.measured}.values()))
            mine = {"found" if other in facts.ORDER else "measured": {other: told}}
            if not wrong_of(tag, said, Truth(**mine), lang):
                believed.append(f"{other}: {said}")
    assert not believed, "\n".join(believed)


def test_no_sentence_is_believed_at_a_level_that_has_not_got_it():
    believed = []
    for lang, tag in EVERY:
        said, held = filled(tag, lang)
        for level in set(oracle.AUDIENCES) - set(levels_of(tag, lang)):
            if not wrong_of(tag, said, world(tag, held), lang, level):
                believed.append(f"{level}: {said}")
    assert not believed, "\n".join(believed)


# Records and whole texts ---------------------------------------------------------------


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


BUSY = [  # two fast spells, one pause, low oxygen for a while
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
WEEK = [calm(d, 54.0 + 2 * d, 36.0 + d / 10) for d in range(7)]
AGAIN = [  # as on a day of the week before, in one night
    Finding("bradycardia", "band/heart_rate", 7 * DAY + 3600.0, 7 * DAY + 4300.0, "amber",
            (("lowest_bpm", 38.0), ("limit_bpm", 40.0))),
]  # fmt: skip
WEEK[4] = [*WEEK[4], Finding("bradycardia", "band/heart_rate", 4 * DAY, 4 * DAY + 900.0, "info",
                             (("lowest_bpm", 39.0), ("limit_bpm", 40.0)))]  # fmt: skip
NAMED = [  # of every sort
    Finding("oxygen_dips", "band/spo2", 20000.0, 20600.0, "info", (("odi3_per_h", 14.5),)),
    Finding("never_heard_of", "chest/ecg", 20000.0, 20600.0, "red", ()),
    Finding("glucose_range", "arm/glucose", 0.0, DAY, "red", ()),
]
NUMBERS = [
    Finding("hypertension", "arm/systolic", 40000.0, 41000.0, "amber",
            (("systolic_mmhg", 152.0), ("diastolic_mmhg", 94.5))),
    Finding("ventricular_ectopy", "chest/ecg", 0.0, DAY - 1, "info", (("burden_pct", 0.4),)),
    Finding("glucose_low", "arm/glucose", 4000.0, 4900.0, "red",
            (("lowest_mgdl", 62.0), ("limit_mgdl", 70.0))),
]  # fmt: skip
HALF = [*minutes("heart_rate", 64.0, 400), *minutes("respiratory_rate", 14.0, 30)]
CASES = {  # records, day, earlier days
    "busy": (BUSY + calm(), 0, []),
    "rough": (ROUGH + calm(), 0, []),
    "trends": (calm(7, 70.0, 37.2), 7, WEEK),
    "again": (AGAIN + calm(7, 66.0, 36.4), 7, WEEK),
    "half": (HALF, 0, []),
    "empty": ([], 0, []),
    "list": (BUSY + ROUGH + calm(), 0, []),
    "named": (NAMED + calm(), 0, []),
    "numbers": (NUMBERS + HALF, 0, []),
}


@cache
def truth_of(case):
    """Return what is true of a case."""
    records, day, week = CASES[case]
    before = [oracle.truth(r, d * DAY, (d + 1) * DAY, "UTC") for d, r in enumerate(week)]
    return oracle.truth(records, day * DAY, (day + 1) * DAY, "UTC", before)


def states(what, topic, before=()):
    """Return the categories of the page that are so of a topic."""
    fact = what.found.get(topic) or what.measured.get(topic) or Told({})
    out = {
        "severity": fact.severity,
        "times": "one" if fact.count == 1 else "several",
        "usual": "known" if "usual" in fact.values else "unknown",
        "again": "yes" if fact.again else "no",
        "part": min(fact.parts),
        "way": min(fact.ways - {""}, default=""),
        "vs": min(fact.vs, default="unknown"),
        "share": what.share,
        "extent": "all" if what.nothing else "some",
        "ranges": oracle.ranges(before, what),
    }
    if topic == "noticed" or (topic in oracle.GROUPS and topic not in facts.OWN):
        del out["times"]
    return out


def plan(what, draw):
    """Return what a text may tell, in its order, some of it left out where that is allowed."""
    due, _, room = oracle._due(what)
    if len(what.found) > 3 or (what.nothing and not what.found):
        return due
    told = [m for m in oracle._planned(what, room)
            if what.measured[m].notable or not what.found or draw.random() < 0.8]  # fmt: skip
    learn = ["learning"] if any(oracle._new(m, what) for m in told) else []
    if not what.found:
        rest = [t for t in due if t != "quiet"]
        return ["quiet", *told, *learn, *rest]
    out = [*due, *told, *learn]
    if len(out) < 4 and what.share in ("part", "little"):
        out.insert(len(due), "coverage")
    if len(out) < 4 and what.missing and not (what.nothing and what.found.keys() & oracle.BODY):
        out.append("missing")
    return out


def clauses_of(what, topic, lang, level, before=()):
    """Return the clauses of the page that may tell a topic: words and roles of the values."""
    held, so = values_of(what, topic), states(what, topic, before)
    out = []
    for fact, levels, when, words, _ in oracle.READERS[lang].page.clauses:
        if fact != topic or level not in levels.split(" and "):
            continue
        parts = [] if when == "always" else when.split(" and ")
        wanted = [part.partition(" is ") for part in parts]
        if all(so.get(name) in values.split(" or ") for name, _, values in wanted) and set(
            re.findall(r"⟨(\w+)⟩", words)
        ) <= set(held):
            out.append(words)
    return out


def values_of(what, topic):
    """Return the values that may be told of a topic."""
    if topic in what.found or topic in what.measured:
        return (what.found.get(topic) or what.measured.get(topic)).values
    return oracle._framed(topic, what).values


def printed(value, lang):
    """Return a value as it is written; the inverse of what the judge reads."""
    en, words = lang == "en", oracle.WORDS[lang]

    def back(names, key):
        return next(said for said, name in names.items() if name == key)

    def listed(rows):
        last = f" {words.AND} "
        return rows[0] if len(rows) == 1 else ", ".join(rows[:-1]) + last + rows[-1]

    def counted(n, one, many):
        return f"{n} {one if str(n) == '1' else many}"

    unit, *rest = value
    number = str(rest[0]) if en else str(rest[0]).replace(".", ",")
    if unit in ("s", "min", "h"):
        n, half = int(rest[0]), rest[0] % 1
        word = {"s": ("second", "segundo"), "min": ("minute", "minuto"), "h": ("hour", "hora")}
        name = word[unit][not en]
        if en:
            said = f"{n} and a half {name}s" if half else counted(n, name, name + "s")
        else:
            said = counted(n, name, name + "s") + (" y media" if half else "")
        return f"{words.OPEN} {said}" if rest[1] else said
    if unit == "clock":
        hour, minute, *day = rest
        if en:
            said = f"{(hour - 1) % 12 + 1}:{minute:02d} {'pm' if hour > 11 else 'am'}"
            form = " on {}, {} {}"
        else:
            said = f"{'la' if hour == 1 else 'las'} {hour}:{minute:02d}"
            form = " el {0} {2} de {1}"
        if not day:
            return said
        weekday, month, number = day
        return said + form.format(words.DAYS[weekday], words.MONTHS[month - 1], number)
    if unit == "range":
        a, b = (r if en else r.replace(".", ",") for r in rest)
        same, two = ("about {}", "{} to {}") if en else ("cerca de {}", "de {} a {}")
        return same.format(a) if a == b else two.format(a, b)
    if unit == "names":
        return listed([back(words.NAMES, n) for n in rest])
    if unit == "signals":
        return listed(sorted(back(words.SIGNALS, n) for n in rest[0]))
    if unit == "findings":
        return listed([words.MORE if n == "more" else back(words.FINDINGS, n) for n in rest])
    if unit == "weekday":
        return ("" if en else "el ") + words.DAYS[rest[0]]
    if unit == "in_hundred":
        few = ("fewer than 1" if en else "menos de 1") if not rest[0] else number
        return f"{few} in 100" if en else f"{few} de cada 100"
    if unit == "pressure":
        return f"{rest[0]} {'over' if en else 'sobre'} {rest[1]}"
    forms = {
        "bpm": (("beat a minute", "beats a minute"), ("latido por minuto", "latidos por minuto")),
        "br": (("breath a minute", "breaths a minute"), ("vez por minuto", "veces por minuto")),
        "pct": (("percent",) * 2, ("por ciento",) * 2),
        "deg": (("°C",) * 2, ("°C",) * 2),
        "sec": (("seconds",) * 2, ("segundos",) * 2),
        "times": (("time", "times"), ("vez", "veces")),
        "per_hour": (("time an hour", "times an hour"), ("vez por hora", "veces por hora")),
        "of_hour": (
            ("minute of each hour", "minutes of each hour"),
            ("minuto de cada hora", "minutos de cada hora"),
        ),
        "glucose": (("mg/dL",) * 2, ("mg/dL",) * 2),
        "nights": (("night", "nights"), ("noche", "noches")),
        "days": (("day", "days"), ("día", "días")),
        "notes": (("more note", "more notes"), ("aviso más", "avisos más")),
    }
    return number if unit == "mmhg" else counted(number, *forms[unit][not en])


def sentences(what, lang, level, draw, framed=True):
    """Yield a text's topics and sentences, of clauses drawn from all that are true."""
    reader, told = oracle.READERS[lang], []
    for topic in plan(what, draw):
        held = values_of(what, topic)
        said = draw.choice(clauses_of(what, topic, lang, level, told))
        for role in re.findall(r"⟨(\w+)⟩", said):
            value = sorted(held[role], key=str)[0]
            said = said.replace(f"⟨{role}⟩", printed(value, lang))
        group, before = oracle.GROUPS[topic], oracle.GROUPS[told[-1]] if told else ""
        frames = [
            frame.words.replace("⟨day⟩", reader.day(what.days))
            for frame in (reader.page.links if told else reader.page.openings)
            if level in frame.levels and frame.group in ("", group) and before in ("", group)
        ]
        told.append(topic)
        if framed and frames and draw.random() < 0.5:
            said = f"{draw.choice(frames)} {said[:1].lower()}{said[1:]}"
        yield topic, said[:1].upper() + said[1:]


def action(what, lang, level, emergency="112"):
    words = oracle.WORDS[lang]
    lines = words.ACTIONS["person" if level in oracle.TO_THE_PERSON else level]
    return lines[what.action].replace("{emergency}", emergency or words.EMERGENCY)


def a_text(what, lang, level, draw):
    """Return the sentences of a true text, the action last."""
    body = [said for _, said in sentences(what, lang, level, draw)]
    return [*body, action(what, lang, level)]


def weighed(rows, case, lang, level):
    return oracle.weigh(" ".join(rows), lang, truth_of(case), "112", level)


TEXTS = [
    (case, lang, level, tuple(a_text(truth_of(case), lang, level, Random(f"{case}{lang}{level}"))))
    for case in CASES
    for lang in LANGS
    for level in oracle.AUDIENCES
]


def test_a_true_text_passes():
    bad = [(row, wrong) for row in TEXTS if (wrong := weighed(row[3], *row[:3]))]
    assert not bad, "\n".join(map(str, bad))


ADVICE = {
    "en": ["Take your tablets.", "Drink more water.", "You can stop worrying now.",
           "Everything looks normal.", "There is no need to call.", "You have a heart attack.",
           "Please lie down.", "Your ECG shows tachycardia.", "It was nothing."],
    "es": ["Tome una pastilla.", "Beba más agua.", "Ya puede estar tranquilo.", "Todo va bien.",
           "No hace falta que llame.", "No se preocupe.", "Acuéstese un rato.",
           "Usted padece una enfermedad.", "No fue nada."],
}  # fmt: skip
WORDS = {  # swapped for each other wherever they stand
    "en": [("am", "pm"), ("now", "later"), ("today", "tomorrow"), ("this week", "next month"),
           ("call", "do not call"), ("Call", "Do not call"), ("fast", "slow"), ("high", "low"),
           ("above", "below"), ("Thursday", "Friday"), ("January", "February"),
           ("at least ", ""), ("if you faint", "if you sleep"), ("pulse", "oxygen"),
           ("oxygen", "temperature"), ("up", "down"), ("night", "day")],
    "es": [("ya", "mañana"), ("hoy", "mañana"), ("esta semana", "este mes"), ("llame", "no llame"),
           ("Llame", "No llame"), ("rápido", "lento"), ("alto", "bajo"), ("más", "menos"),
           ("jueves", "viernes"), ("enero", "febrero"), ("al menos ", ""), ("no", "sí"),
           ("se desmaya", "se duerme"), ("pulso", "oxígeno"), ("oxígeno", "pulso"),
           ("noche", "mañana")],
}  # fmt: skip


def lies(rows, case, lang, level) -> Iterator[tuple[str, list[str]]]:
    """Yield texts that are not true, and how each was made."""
    text, what = " ".join(rows), truth_of(case)
    for m in re.finditer(r"\d+", text):
        for by in (1, 10, -1):
            n = int(m[0]) + by
            said = f"{text[: m.start()]}{max(n, 0):0{len(m[0])}d}{text[m.end() :]}"
            if n >= 0 or by > 0:
                yield f"number {m[0]} {by}", [said]
    for old, new in WORDS[lang]:
        for m in re.finditer(rf"\b{old}(?!\w)", text):
            yield f"{old} -> {new}", [text[: m.start()] + new + text[m.end() :]]
    draw = Random(text)
    for m in draw.sample(list(re.finditer(r"(?<=\w) (?=\w)", text)), 12):
        no = "no" if lang == "es" else "not"
        yield "denial", [f"{text[: m.end()]}{no} {text[m.end() :]}"]
    for n in range(len(rows) + 1):
        yield "advice", [*rows[:n], draw.choice(ADVICE[lang]), *rows[n:]]
    told = [topic for topic, _ in sentences(what, lang, level, Random(f"{case}{lang}{level}"))]
    due = oracle._due(what)[0]
    for n, row in enumerate(rows[:-1]):
        yield "twice", [*rows[:n], row, row, *rows[n + 1 :]]
        if n and told[n] != told[0]:
            yield "first", [row, *rows[:n], *rows[n + 1 :]]
        if told[n] in due or (what.measured and not what.found):
            yield "left out", [*rows[:n], *rows[n + 1 :]]
    yield "no action", [*rows[:-1]]
    for whom, name in product(
        ("person", "carer", "clinician"), oracle.WORDS[lang].ACTIONS["person"]
    ):
        line = oracle.WORDS[lang].ACTIONS[whom][name].replace("{emergency}", "112")
        if line != rows[-1]:
            yield f"action {whom} {name}", [*rows[:-1], line]
    for other in set(oracle.AUDIENCES) - {level}:
        line = next(said for _, said in sentences(what, lang, other, draw, framed=False))
        if level not in oracle.READERS[lang].page.levels.get(key_of(line, lang), ()):
            yield f"level {other}", [line, *rows[1:]]


def key_of(sentence, lang):
    return next((tag.key for tag, _ in oracle.READERS[lang].read(sentence)), "")


@pytest.mark.parametrize("lang", LANGS)
def test_a_planted_lie_is_caught(lang):
    believed, n = [], 0
    for case, of, level, rows in TEXTS:
        if of != lang:
            continue
        for how, lied in lies(rows, case, lang, level):
            if lied == [" ".join(rows)]:
                continue
            n += 1
            if not weighed(lied, case, lang, level):
                believed.append(f"{case} {level} {how}: {' '.join(lied)}")
    assert n > 2000
    assert not believed, f"{len(believed)} of {n}\n" + "\n".join(believed[:20])


def test_a_text_fits_no_other_day_language_or_level():
    for case, lang, level, rows in TEXTS:
        for other in CASES:
            if other != case:
                assert weighed(rows, other, lang, level), (rows, other)
        assert weighed(rows, case, "es" if lang == "en" else "en", level), rows
        for other in oracle.AUDIENCES:
            if other != level and not {other, level} <= set(oracle.TO_THE_PERSON):
                assert weighed(rows, case, lang, other), (rows, other)


@pytest.mark.parametrize(
    ("lang", "line"), [(lang, line) for lang in LANGS for line in ADVICE[lang]]
)
def test_what_must_never_be_said_is_not_read(lang, line):
    rows = next(row[3] for row in TEXTS if row[:3] == ("empty", lang, "plain"))
    assert weighed([line, *rows], "empty", lang, "plain")
    assert weighed([*rows, line], "empty", lang, "plain")


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en", "a heart attack"), ("en", "tablets"), ("en", "no need to call"), ("en", "tachycardia"),
     ("es", "una pastilla"), ("es", "no se preocupe"), ("es", "taquicardia"), ("es", "infarto")],
)  # fmt: skip
def test_what_must_never_be_said_is_named(lang, said):
    rows = next(row[3] for row in TEXTS if row[:3] == ("empty", lang, "plain"))
    assert any("forbidden" in w for w in weighed([f"X {said}.", *rows], "empty", lang, "plain"))


# The definitions ----------------------------------------------------------------------


def found_of(*findings, kind="", t0=0.0, t1=DAY, zone="UTC", earlier=()):
    what = oracle.truth(list(findings), t0, t1, zone, earlier)
    return what.found[kind or findings[0].kind]


def spell(begin, end, highest=132.0, limit=120.0, severity="amber", ongoing=False):
    return Finding("tachycardia", "band/heart_rate", begin, end, severity,
                   (("highest_bpm", highest), ("limit_bpm", limit)), ongoing)  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "ongoing", "told"),
    [(0.0, False, ("s", 1.0, False)), (0.4, True, ("s", 1.0, True)),
     (59.4, False, ("s", 59.0, False)), (59.5, False, ("min", 1.0, False)),
     (59.9, True, ("s", 59.0, True)),
     (89.7, False, ("min", 1.0, False)), (90.0, False, ("min", 2.0, False)),
     (7170.0, False, ("h", 2.0, False)), (9100.0, True, ("h", 2.5, True)),
     (36000.0, False, ("h", 10.0, False))],
)  # fmt: skip
def test_a_length_of_time_is_told_in_one_way_only(seconds, ongoing, told):
    fact = found_of(spell(3600.0, 3600.0 + seconds, ongoing=ongoing))
    assert fact.values["longest"] == {told}


def test_what_overlaps_is_one_episode_and_what_touches_is_not():
    a, b, c = spell(0.0, 100.0), spell(99.0, 200.0, 140.0, 110.0), spell(200.0, 300.0)
    fact = found_of(a, b, c)
    assert (fact.count, fact.values["count"]) == (2, {("times", 2)})
    assert fact.values["highest"] == {("bpm", "140")}
    assert fact.values["limit"] == {("bpm", "110")}
    assert fact.values["worst_at"] == {("clock", 0, 0)}
    assert found_of(a, b).count == 1
    assert "count" not in found_of(a, b).values


def test_where_an_episode_began_before_the_period_its_beginning_is_not_told():
    early, late = spell(-600.0, 100.0, 150.0), spell(7200.0, 7300.0)
    fact = found_of(early, late)
    assert not {"start", "worst_at"} & fact.values.keys()
    assert fact.parts == {"mixed"}  # an open episode
    fact = found_of(spell(-600.0, 100.0), spell(7200.0, 7300.0, 150.0))
    assert fact.values["worst_at"] == {("clock", 2, 0)}
    assert "start" not in fact.values


@pytest.mark.parametrize(
    ("spans", "parts"),
    [([(1.0, 5.9)], {"night"}), ([(22.0, 23.0)], {"night"}), ([(21.9, 23.0)], {"mixed"}),
     ([(6.0, 21.9)], {"day"}), ([(5.0, 6.0)], {"night", "mixed"}), ([(5.0, 6.1)], {"mixed"}),
     ([(1.0, 2.0), (23.0, 23.5)], {"night"}), ([(1.0, 2.0), (12.0, 13.0)], {"mixed"}),
     ([(8.0, 9.0), (12.0, 13.0)], {"day"}), ([(21.0, 22.0)], {"day", "mixed"})],
)  # fmt: skip
def test_the_part_of_the_day_is_that_of_every_episode(spans, parts):
    assert found_of(*(spell(a * 3600.0, b * 3600.0) for a, b in spans)).parts == parts


def test_a_span_from_one_night_into_the_next_is_of_no_part():
    long = found_of(spell(3600.0, DAY + 3600.0), t1=2 * DAY)
    assert long.parts == {"mixed"}
    assert found_of(spell(DAY - 3600.0, DAY + 3600.0), t1=2 * DAY).parts == {"night"}
    assert found_of(spell(46800.0, DAY + 46800.0), t1=2 * DAY).parts == {"mixed"}


@pytest.mark.parametrize(
    ("before", "begin", "weekday"),
    [([1], 60.0, 2), ([1], -60.0, None), ([1, 3], -60.0, 0), ([2, 5], 60.0, 1), ([6], 60.0, 4),
     ([7], 60.0, None), ([], 60.0, None)],
)  # fmt: skip
def test_again_names_the_newest_of_the_six_days_before(before, begin, weekday):
    earlier = [
        oracle.truth([spell(600.0 - n * DAY, 900.0 - n * DAY)], -n * DAY, (1 - n) * DAY, "UTC")
        for n in before
    ]
    fact = found_of(spell(begin, 600.0), earlier=earlier)
    told = {("weekday", weekday)} if weekday is not None else None
    assert fact.values.get("again") == told  # 1 January 1970 was a Thursday


@pytest.mark.parametrize(
    ("kind", "numbers", "role", "told"),
    [("ventricular_ectopy", {"burden_pct": 0.9}, "share", ("in_hundred", 0)),
     ("ventricular_ectopy", {"burden_pct": 1.5}, "share", ("in_hundred", 2)),
     ("oxygen_dips", {"odi3_per_h": 0.2}, "rate", ("per_hour", 1)),
     ("apnoea_night", {"pattern_per_h": 14.5}, "rate", ("of_hour", 15)),
     ("baseline_shift", {"nights": 3.0}, "nights", ("nights", 3)),
     ("ventricular_run", {"fastest_bpm": 180.5}, "fastest", ("bpm", "181")),
     ("glucose_high", {"highest_mgdl": 300.0, "limit_mgdl": 250.0}, "limit", ("glucose", 250)),
     ("hypotension", {"lowest_mmhg": 87.5}, "lowest", ("mmhg", 88)),
     ("hypertension", {"systolic_mmhg": 152.0, "diastolic_mmhg": 94.0}, "reading",
      ("pressure", 152, 94)),
     ("hypertension", {"systolic_mmhg": 152.0}, "reading", None)],
)  # fmt: skip
def test_each_kind_tells_the_numbers_that_the_page_names(kind, numbers, role, told):
    fact = found_of(Finding(kind, "a/b", 60.0, 90.0, "amber", tuple(numbers.items())))
    assert fact.values.get(role) == ({told} if told else None)


def week(values, kind="heart_rate", n=5):
    """Return what is true of days from the first on, and of the last of them."""
    out = []
    for d, value in enumerate(values):
        records = minutes(kind, value, n, d) if value is not None else []
        out.append(oracle.truth(records, d * DAY, (d + 1) * DAY, "UTC", out))
    return out


@pytest.mark.parametrize(
    ("values", "way", "told"),
    [([60.0, 62, 64, 66, 68], {"rising"}, ("60", "68", 5)),
     ([60.0, 61, 62, 63, 64], set(), None),  # less than 4 from middle to middle
     ([66.0, 64, 62, 60, 57], {"falling"}, ("66", "57", 5)),
     ([60.0, 66, 67, 68, 69, 61, 69], set(), None),
     ([60.0, None, 62, 64, 66, 68], {"rising"}, ("60", "68", 6)),
     ([60.0, 62, 64, 66], set(), None),
     ([90.0, 60, 61, 62, 63, 64, 66, 69], {"rising"}, ("60", "69", 7))],
)  # fmt: skip
def test_a_trend_is_told_by_kendalls_s_and_the_middle_of_three(values, way, told):
    trend = week(values)[-1].measured.get("pulse_trend")
    assert (set(trend.ways) if trend else set()) == way
    if told:
        first, last, span = told
        assert trend.values == {
            "first": {("bpm", first)},
            "last": {("bpm", last)},
            "days": {("days", span)},
        }


def test_the_trend_of_a_longer_period_is_that_of_its_newest_seven_days():
    single = week([90.0, 60, 61, 62, 63, 64, 66, 69])
    records = minutes("heart_rate", 63.0, 50)
    what = oracle.truth(records, 0.0, 8 * DAY, "UTC", (), single)
    assert what.measured["pulse_trend"].values["first"] == {("bpm", "60")}


def test_what_is_off_the_usual_comes_first_and_then_the_trends():
    what = truth_of("trends")
    assert [*what.measured] == [
        "pulse", "temperature", "pulse_trend", "temperature_trend", "oxygen", "oxygen_low",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "vs"),
    [([60.0] * 6, "usual"), ([60.0] * 5 + [61.0], "above"), ([60.0] * 5 + [59.0], "below"),
     ([60.0] * 4 + [70.0], "unknown"), ([60.0] * 5 + [60.4], "usual")],
)  # fmt: skip
def test_a_value_is_compared_as_printed_from_five_days_on(values, vs):
    assert week(values)[-1].measured["pulse"].vs == {vs}


@pytest.mark.parametrize(("least", "most", "known"), [(61.0, 61.0, False), (60.6, 61.4, False),
                                                      (61.4, 61.6, True)])  # fmt: skip
def test_a_pulse_that_stayed_the_same_has_no_range(least, most, known):
    rows = [Vital("heart_rate", "b/c", 60.0 * i, (least, most)[i % 2]) for i in range(600)]
    assert ("pulse_range" in oracle.truth(rows, 0.0, DAY, "UTC").measured) == known


def other(kind, t0, severity="amber"):
    return Finding(kind, "chest/other", t0, t0 + 3600.0, severity, ())


@pytest.mark.parametrize(
    ("records", "what", "start", "severity"),
    [
        ([other("a", 60.0, "red")], "other", (0, 1), "red"),
        ([other("a", -60.0, "info"), other("b", 60.0)], "other", None, "amber"),
        ([other("a", 60.0), other("glucose_range", 0.0, "red")], "other", (0, 1), "amber"),
    ],
)
def test_findings_without_clauses_of_their_own_are_one_fact(records, what, start, severity):
    found = oracle.truth(records, 0.0, DAY, "UTC").found
    assert list(found) == ["noticed"]
    assert found["noticed"].values == {
        "what": frozenset({("findings", *what.split())}),
        **({"start": frozenset({("clock", *start)})} if start else {}),
    }
    assert found["noticed"].severity == severity


@pytest.mark.parametrize("kind", sorted(facts.COUNTS))
def test_a_kind_that_only_counts_is_no_finding_of_a_text(kind):
    what = oracle.truth([other(kind, 0.0, "red"), *calm()], 0.0, DAY, "UTC")
    assert (what.found, what.action) == ({}, "none")


@pytest.mark.parametrize("others", [[], minutes("activity", 0.01, 600)])
def test_where_nothing_was_watched_no_time_is_told(others):
    what = oracle.truth(
        [Finding("no_data", "chest/ecg", 0.0, DAY, "info", ()), *others], 0.0, DAY, "UTC"
    )
    assert (what.share, what.watch.values, what.action) == ("", {}, "technical")


def test_the_beats_of_three_minutes_tell_the_rhythm():
    beats = [Beat("beat", "chest/ecg", 60.0 * i, 0.8, i < 3) for i in range(9)]
    assert "rhythm" not in oracle.truth(beats, 0.0, DAY, "UTC").missing
    assert "rhythm" in oracle.truth(beats[1:], 0.0, DAY, "UTC").missing


def test_the_judge_has_the_kinds_their_order_and_their_values_from_the_page():
    page = oracle.PAGE
    (counts,) = re.findall(r"(?m)^\*\*Counts\.\*\* (.*) only count", page)
    (order,) = re.findall(r"then in the order\s(.*?)\. All told", page, re.DOTALL)
    (measures,) = re.findall(r"are told in the order\s(.*?);\n", page, re.DOTALL)
    assert frozenset(re.findall(r"`(\w+)`", counts)) == facts.COUNTS
    assert tuple(re.findall(r"`(\w+)`", order)) == facts.ORDER
    assert tuple(re.findall(r"`(\w+)`", measures)) == facts.MEASURES
    roles = {}
    for line in page.partition("## Facts and clauses")[2].splitlines():
        if m := re.match(r"### (\w+)", line):
            kind = m[1]
        elif m := re.match(r"\| `(\w+)` \| \w+: ", line):
            roles.setdefault(kind, set()).add(m[1])
    told = {kind: set() for kind in roles}
    for seed in range(60):
        draw = Random(seed)
        records = [f for kind in days.EVIDENCE for f in days.found(kind, draw, 0.0, DAY)]
        old = [f for kind in days.EVIDENCE for f in days.found(kind, draw, -3 * DAY, DAY)]
        before = [
            *week([60.0 + n for n in range(5)]),
            oracle.truth(old, -3 * DAY, -2 * DAY, "UTC"),
        ]
        records += calm(0, 50.0 + seed)
        what = oracle.truth(records, 0.0, DAY, "UTC", before)
        for kind, fact in {**what.found, **what.measured}.items():
            told[kind] |= fact.values.keys()
    for kind in facts.ORDER:
        optional = {"usual"} if kind in ("desaturation", "fever") else {"worst_at"}
        assert told[kind] | optional == roles[kind] | optional, kind


# The whole writer ----------------------------------------------------------------------


def judged_day(day, model=None):
    """Return what is wrong with the texts of a day, in all languages and at all levels."""
    told, earlier = [], []
    for spot, records in day.before:
        told.append(gather(records, spot, spot + DAY, zone=day.zone))
        earlier.append(oracle.truth(records, spot, spot + DAY, day.zone))
    single = [(t, t + DAY) for t in day.singles]
    what = oracle.truth(
        day.records,
        *(day.t0_s, day.t1_s, day.zone, earlier),
        [oracle.truth(day.records, a, b, day.zone) for a, b in single],
    )
    known = gather(
        *(day.records, day.t0_s, day.t1_s),
        zone=day.zone,
        earlier=told,
        days=[gather(day.records, a, b, zone=day.zone) for a, b in single],
    )
    bad = []
    for level in oracle.AUDIENCES:
        for written in summarise_all(
            known, LANGS, model, emergency=day.emergency, manner=Manner(level=level)
        ):
            text, lang = written.summary.text, written.summary.lang
            wrong = oracle.weigh(text, lang, what, day.emergency, level)
            bad += [f"{level} {line} in: {text}" for line in wrong]
    return bad


def examples(n):
    return settings(
        max_examples=n,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@examples(120)
@given(days.days())
def test_the_template_says_nothing_untrue_of_any_day(day):
    assert not judged_day(day)


@examples(25)
@given(days.days())
def test_the_bundled_model_says_nothing_untrue_of_any_day(day):
    assert not judged_day(day, MINI)


@examples(100)
@given(days.days(), st.randoms(use_true_random=False), st.sampled_from(oracle.AUDIENCES))
def test_every_choice_of_clauses_that_the_page_allows_passes(day, draw, level):
    earlier = [oracle.truth(records, t0, t0 + DAY, day.zone) for t0, records in day.before]
    what = oracle.truth(day.records, day.t0_s, day.t1_s, day.zone, earlier)
    what = next(oracle._surely(what))
    for lang in LANGS:
        rows = a_text(what, lang, level, draw)
        assert not oracle.weigh(" ".join(rows), lang, what, "112", level), rows
