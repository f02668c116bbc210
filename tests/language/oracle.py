"""A second judge of the summaries: every claim of a text against the records themselves.

`judge` reads the final text sentence by sentence by the tags that people gave each sentence
blind, works out what is true from the records by the definitions in `docs/wording.md`, and
returns what is wrong. A sentence that nobody tagged cannot be read and is wrong, so nothing
passes unread.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

from healthslm.records import Derived


def _beside(name: str) -> SimpleNamespace:
    return SimpleNamespace(**run_path(str(Path(__file__).with_name(name))))


facts = _beside("oracle_truth.py")
reading = _beside("oracle_reader.py")
Truth, truth = facts.Truth, facts.truth
HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "wording.md").read_text(encoding="utf-8")
WORDS = {lang: _beside(f"oracle_{lang}.py") for lang in ("en", "es")}
TAGS = {
    lang: reading.tagged((HERE / "tags" / f"{lang}.tsv").read_text(encoding="utf-8"))
    for lang in WORDS
}
READERS = {
    lang: reading.Reader(words, reading.page_of(PAGE, lang), TAGS[lang])
    for lang, words in WORDS.items()
}

TO_THE_PERSON = ("plain", "plainer")
AUDIENCES = (*TO_THE_PERSON, "carer", "clinician")
NEVER = {
    (lang, level): re.compile(
        "|".join(words.NEVER + (() if level == "clinician" else words.ONLY_TO_CLINICIANS)),
        re.IGNORECASE,
    )
    for lang, words in WORDS.items()
    for level in AUDIENCES
}
BODY = frozenset(facts.ORDER) - facts.SENSORS
GROUPS = {
    **dict.fromkeys(facts.ORDER, "finding"),
    **dict.fromkeys(facts.MEASURES, "measure"),
    **dict.fromkeys(("coverage", "missing", "learning"), "knowledge"),
    **dict.fromkeys(("quiet", "more", "doubt", "caution"), "frame"),
}
SHADOWS = {  # measure: findings that tell it already
    "pulse_range": frozenset({"tachycardia", "bradycardia"}),
    "oxygen_low": frozenset({"desaturation", "oxygen_dips"}),
}
SAME = {  # topic: a role as people may call it, and as the page does
    "pulse_range": {"lowest": "low", "highest": "high"},
    "oxygen_low": {"low": "lowest", "start": "at", "worst_at": "at"},
    "more": {"notes": "count"},
}


def judge(
    text: str,
    lang: str,
    records: Sequence[Derived],
    t0_s: float,
    t1_s: float,
    zone: str,
    emergency: str,
    earlier: Sequence[Truth] = (),
    days: Sequence[Truth] = (),
    level: str = "plain",
) -> list[str]:
    """Return what is wrong with a text: fixed words, and the sentence.

    `earlier` is what was true of the days before, `days` of the single days of a longer
    period, each by `truth`.
    """
    return weigh(text, lang, truth(records, t0_s, t1_s, zone, earlier, days), emergency, level)


def weigh(text: str, lang: str, what: Truth, emergency: str, level: str = "plain") -> list[str]:
    """Return what is wrong with a text where `what` is true."""
    return min((_weigh(text, lang, sure, emergency, level) for sure in _surely(what)), key=len)


def _surely(what: Truth) -> Iterator[Truth]:
    """Yield what may be true, where the page leaves it open.

    That is whether there is a trend, or how a value that lies on a half compares.
    """
    ways = [
        [replace(told, vs=frozenset({vs})) for vs in sorted(told.vs)]
        if told.vs
        else [told] + [None] * ("" in told.ways)
        for told in what.measured.values()
    ]
    for row in itertools.product(*ways):
        kinds = zip(what.measured, row, strict=True)
        yield replace(what, measured=facts.in_order({k: t for k, t in kinds if t}))


def _weigh(text: str, lang: str, what: Truth, emergency: str, level: str) -> list[str]:
    words, reader = WORDS[lang], READERS[lang]
    body, bad = _without_action(text, words, what.action, emergency, level)
    sentences = reader.split(body) if body else []
    if not 3 <= len(reader.split(text)) <= 6:
        bad.append("not 3 to 6 sentences: " + text)
    bad += [f"forbidden word: {m[0]}" for m in NEVER[lang, level].finditer(text)]
    topics: list[str] = []
    for sentence in sentences:
        topic, wrong = judged(sentence, lang, what, topics, level)
        topics.append(topic)
        bad += [f"{w}: {sentence}" for w in wrong]
    return bad + _whole(topics, what)


def _without_action(
    text: str, words: SimpleNamespace, right: str, emergency: str, level: str
) -> tuple[str, list[str]]:
    said = {
        (whom, name): line.replace("{emergency}", emergency or words.EMERGENCY)
        for whom, lines in words.ACTIONS.items()
        for name, line in lines.items()
    }
    due = ("person" if level in TO_THE_PERSON else level, right)
    # longest first; of the same words to two audiences, the one that is due
    for key, line in sorted(said.items(), key=lambda row: (-len(row[1]), row[0] != due)):
        if text == line or text.endswith(" " + line):
            wrong = [] if key == due else [f"wrong action, {right} is due: {line}"]
            return text[: -len(line)].rstrip(" "), wrong
    return text, [f"no action, {right} is due"]


def judged(
    sentence: str, lang: str, what: Truth, before: Sequence[str] = (), level: str = "plain"
) -> tuple[str, list[str]]:
    """Return what a sentence is about and what is wrong with it, read in its kindest way."""
    reader = READERS[lang]
    best: tuple[int, str, list[str]] | None = None
    for rest, frame, days in reader.framed(sentence, level, first=not before):
        for tag, said in _readings(reader, rest):
            topic = tag.topic
            wrong = [*_spoken(tag, level, lang), *_claims(tag, said, what, before)]
            if days and days.lower() != reader.day(what.days).lower():
                wrong.append("another day")
            group = GROUPS.get(topic, "")
            like = not before or GROUPS.get(before[-1], "") == group
            if frame and not (frame.group in ("", group) and like):
                wrong.append("an opening or a link that does not fit")
            if topic in before:
                wrong.append("told twice")
            if best is None or len(wrong) < best[0]:
                best = (len(wrong), topic, wrong)
    return (best[1], best[2]) if best else ("", ["unreadable sentence"])


def _readings(reader: object, sentence: str) -> Iterator[tuple]:
    """Yield what a sentence says.

    Where the page has the same words for two facts, it may be of both, and where people were
    in doubt ("?") also of the fact that has it on the page; what they said of a measure is
    then not held against words that tell none.
    """
    for tag, said in reader.read(sentence):
        of_page = reader.page.facts.get(tag.key, frozenset())
        doubt = "?" in tag.claims or (tag.topic in of_page and len(of_page) > 1)
        for topic in sorted({tag.topic} | (of_page if doubt else set())):
            other = topic != tag.topic and GROUPS[topic] not in ("finding", "measure")
            claims = tag.claims & {"you", "they", "?"} if other else tag.claims
            yield replace(tag, topic=topic, claims=claims), said


def _spoken(tag: object, level: str, lang: str) -> list[str]:
    """Return what is wrong with whom a sentence speaks to."""
    you, they = "you" in tag.claims, "they" in tag.claims
    levels = READERS[lang].page.levels.get(tag.key, frozenset({level}))
    body = GROUPS[tag.topic] in ("finding", "measure")
    astray = {
        "plain": they,
        "plainer": they,
        "carer": you and not they and body,  # a carer may be thanked or shown the list
        "clinician": you,
    }[level]
    return ["speaks to somebody else"] if astray or level not in levels else []


def _claims(tag: object, said: Sequence[tuple], what: Truth, before: Sequence[str]) -> list[str]:
    topic = tag.topic
    if topic in facts.ORDER:
        fact, told = what.found.get(topic), _finding(tag, what)
        missing = "a finding that was not made"
    elif topic in facts.MEASURES:
        fact, told = what.measured.get(topic), _measured(tag, what)
        missing = "a measure that is not known"
    else:
        fact, told = _framed(topic, what), _frame(tag, what, before)
        missing = "not so"
    if fact is None:
        return [missing]
    same = SAME.get(topic, {})
    roles = [same.get(role, role) for role in tag.roles]
    wrong = [
        f"{role} is not so"
        for role, value in zip(roles, said, strict=True)
        if value not in fact.values.get(role, ())
    ]
    return wrong + told


def _known(tag: object, true: dict[str, bool]) -> list[str]:
    """Return the claims that are not so; one that is not of this topic never is."""
    about = tag.claims - {"you", "they", "?"}
    return [f"claim {claim} is not so" for claim in sorted(about) if not true.get(claim, False)]


def _finding(tag: object, what: Truth) -> list[str]:
    fact = what.found.get(tag.topic)
    if fact is None:
        return []
    nightly = tag.topic in facts.NIGHTLY
    still = tag.topic == "inactivity"  # longer, and less moved, than usual: by its meaning
    true = {
        "one": fact.count == 1,
        "several": fact.count > 1,
        "night": "night" in fact.parts or nightly,
        "day": "day" in fact.parts,
        "again": fact.again,
        "serious": fact.severity == "red",
        "minor": fact.severity == "info",
        "above": still or _beyond(fact, "highest", 2, 1),
        "below": still or _beyond(fact, "lowest", 1, -1),
    }
    return _known(tag, true)


def _beyond(fact: object, role: str, end: int, sign: int) -> bool:
    """Return whether the worst value may lie beyond that end of the usual range."""
    pairs = itertools.product(fact.values.get(role, ()), fact.values.get("usual", ()))
    return any(sign * (float(value[1]) - float(usual[end])) > 0 for value, usual in pairs)


def _measured(tag: object, what: Truth) -> list[str]:
    fact = what.measured.get(tag.topic)
    if fact is None:
        return []
    true = {
        "above": "above" in fact.vs,
        "below": "below" in fact.vs,
        "within": "usual" in fact.vs,
        "rising": "rising" in fact.ways,
        "falling": "falling" in fact.ways,
    }
    wrong = _known(tag, true)
    if _beside_finding(tag.topic, what):
        wrong.append("not told beside the finding")
    return wrong


def _framed(topic: str, what: Truth) -> object | None:
    """Return the values of what is neither a finding nor a measure; None where it is not so."""
    if topic in ("coverage", "quiet"):
        return None if topic == "quiet" and what.found else what.watch
    if topic == "missing":
        names = frozenset({("names", *what.missing)})
        return facts.Told({"what": names}) if what.missing else None
    if topic == "more":
        left = len(what.found) - 3
        return facts.Told({"count": frozenset({("notes", left)})}) if left > 0 else None
    so = {
        "learning": any(_new(m, what) for m in what.measured),
        "doubt": bool(what.found.keys() & BODY),
        "caution": bool(what.found.keys() & facts.SENSORS or what.missing or what.share != "full"),
    }[topic]
    return facts.Told({}) if so else None


def _frame(tag: object, what: Truth, before: Sequence[str]) -> list[str]:
    true = {
        "coverage": {
            "full": what.share == "full",
            "partly": what.share in ("part", "little"),
            "little": what.share == "little",
        },
        "missing": {"all": what.nothing},
        "learning": {"all": ranges(before, what) == "none"},
    }
    true["quiet"] = true["coverage"]
    return _known(tag, true.get(tag.topic, {}))


def ranges(told: Sequence[str], what: Truth) -> str:
    """Return the category `ranges`: whether a measure that is told has a known usual range."""
    compared = [what.measured[m].vs for m in told if m in what.measured and what.measured[m].vs]
    return "some" if any("unknown" not in vs for vs in compared) else "none"


def _whole(topics: list[str], what: Truth) -> list[str]:
    """Return what the text as a whole leaves out or has out of its place."""
    if "" in topics:
        topics = [t for t in topics if t]
    due, first, room = _due(what)
    bad = [f"left out: {topic}" for topic in due if topic not in topics]
    if not topics or topics[0] != first:
        bad.append(f"the first sentence is not about {first}")
    told = [t for t in dict.fromkeys(topics) if t in what.found]
    if told != [t for t in what.found if t in told]:
        bad.append("not in their order: " + " ".join(told))
    if what.found and any(t not in what.found for t in topics[: len(told)]):
        bad.append("a finding after something else")
    told = [t for t in topics if t in what.measured]
    planned = _planned(what, room)
    bad += [f"not planned: {t}" for t in told if t not in planned]
    unsaid = [m for m in planned if m not in told and (what.measured[m].notable or not what.found)]
    bad += [f"left out: {m}" for m in unsaid]
    new = [m for m in told if _new(m, what)]
    if new and not what.found and "learning" not in topics:
        bad.append("left out: learning")
    if "learning" in topics and not any(t in new for t in topics[: topics.index("learning")]):
        bad.append("learning without a value it speaks of")
    extra = set(topics) - set(due) - set(facts.MEASURES) - {"learning"}
    allowed = {"coverage", "missing"} if what.found and len(what.found) <= 3 else set()
    if what.nothing and what.found.keys() & BODY:
        allowed -= {"missing"}
    if what.share in ("", "full"):
        allowed -= {"coverage"}
    bad += [f"not planned: {t}" for t in sorted(extra - allowed)]
    if len(topics) > 4:
        bad.append("more than four sentences before the action")
    return bad


def _new(measure: str, what: Truth) -> bool:
    return "unknown" in what.measured[measure].vs


def _planned(what: Truth, room: int) -> list[str]:
    """Return the measures that are told, as far as they and `learning` after them have room."""
    out: list[str] = []
    for m in what.measured:
        row = [*out, m]
        if len(row) + any(_new(n, what) for n in row) <= room and not _beside_finding(m, what):
            out = row
    return out


def _beside_finding(measure: str, what: Truth) -> bool:
    return bool(SHADOWS.get(measure, frozenset()) & what.found.keys())


def _due(what: Truth) -> tuple[list[str], str, int]:
    """Return what must be told, what comes first, and the room there is for measures."""
    kinds = list(what.found)
    if len(kinds) > 3:
        return [*kinds[:3], "more"], kinds[0], 0
    if kinds:
        frame = "doubt" if what.found.keys() & BODY else "caution"
        room = 3 - len(kinds)
        off = sum(
            told.notable and not _beside_finding(m, what) for m, told in what.measured.items()
        )
        rest = room - (what.share in ("part", "little"))
        return [*kinds, frame], kinds[0], max(min(off, room), rest)
    if what.nothing:
        return ["missing", "caution"], "missing", 0
    due = ["quiet", *(["missing"] if what.missing else [])]
    if not what.measured:
        return [*due, "caution"], "quiet", 0
    return due, "quiet", 4 - len(due)
