"""A second judge of the summaries: every claim of a text against the records themselves.

`judge` reads the final text sentence by sentence with words of its own, works out what is
true from the records by the definitions in `docs/wording.md`, and returns what is wrong.
A sentence that it cannot read is wrong too, so nothing passes unread.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

from healthslm.records import Derived


def _beside(name: str) -> SimpleNamespace:
    return SimpleNamespace(**run_path(str(Path(__file__).with_name(name))))


facts = _beside("oracle_truth.py")
reading = _beside("oracle_reader.py")
WORDS = {"en": _beside("oracle_en.py"), "es": _beside("oracle_es.py")}
READERS = {lang: reading.Reader(words) for lang, words in WORDS.items()}
Truth, truth = facts.Truth, facts.truth

_UP = {"up": "highest", "top": "highest"}
_DOWN = {"down": "lowest", "bottom": "lowest"}
_WHEN = {"from": "start", "times": "count"}
_SPELL = {**_WHEN, "for": "longest", "at": "worst_at"}
_SIGNAL = {**_WHEN, "for": "total", "at": "start", "what": "what"}
_COMPARED = "is_usual is_above is_below not_only beside not_below"
_LEVEL = {"value": "typical", "rise": "typical", "sink": "typical", "usual": "usual"}
TOPICS: dict[str, tuple[str, str, dict[str, str], str]] = {
    # topic: tags that may stand, tags that must, role in the words: role in the truth, must tell
    "tachycardia": (
        "heart fast once several beside_rest began heart_up first",
        "heart",
        {**_SPELL, **_UP, "limit": "limit", "usual": "usual"},
        "highest",
    ),
    "bradycardia": (
        "heart slow once several beside_rest began went_down first",
        "heart",
        {**_SPELL, **_DOWN, "limit": "limit", "usual": "usual"},
        "lowest",
    ),
    "desaturation": (
        "oxygen low once several beside began lowest_seen went_down first",
        "oxygen",
        {**_SPELL, **_DOWN, "limit": "limit", "usual": "usual"},
        "lowest",
    ),
    "fever": (
        "temp hot once several beside began heart_up first",
        "temp",
        {**_SPELL, **_UP, "limit": "limit", "usual": "usual"},
        "highest",
    ),
    "pause": ("pause once several first", "pause", _SPELL, "longest"),
    "irregular_rhythm": (
        "uneven once several began first",
        "uneven",
        {**_SPELL, "at": "start", "mean": "rate"},
        "longest",
    ),
    "noticed": ("noticed", "noticed", {"found": "what", "from": "start"}, "what"),
    "poor_signal": ("poor gone once several began first", "poor", _SIGNAL, "total what"),
    "no_data": ("silent gone once several began first", "silent", _SIGNAL, "total what"),
    "pulse": (f"heart rest loosely measured {_COMPARED}", "heart rest", _LEVEL, "typical"),
    "oxygen": (f"oxygen loosely measured {_COMPARED}", "oxygen", _LEVEL, "typical"),
    "temperature": (f"temp loosely measured {_COMPARED}", "temp", _LEVEL, "typical"),
    "breathing": (f"breath loosely measured {_COMPARED}", "breath", _LEVEL, "typical"),
    "pulse_range": ("span in_all", "span", {"low": "low", "high": "high"}, "low high"),
    "oxygen_low": (
        "oxygen lowest low lowest_seen",
        "oxygen",
        {**_DOWN, "at": "at"},
        "lowest",
    ),
    "coverage": ("cov", "cov", {"watched": "watched", "unwatched": "unwatched"}, "watched"),
    "quiet": ("quiet", "quiet", {"watched": "watched", "unwatched": "unwatched"}, "watched"),
    "missing": ("missing all_missing", "", {"names": "what"}, ""),
    "more": ("more", "more", {"count": "count"}, "count"),
    "learning": ("learning", "learning", {}, ""),
    "doubt": ("doubt", "doubt", {}, ""),
    "caution": ("caution", "caution", {}, ""),
}
BODY = frozenset(facts.ORDER) - facts.SENSORS
LEVELS = frozenset({"pulse", "oxygen", "temperature", "breathing"})
GROUPS = {**dict.fromkeys(facts.ORDER, "finding"), **dict.fromkeys(facts.MEASURES, "measure")}


def judge(
    text: str,
    lang: str,
    records: Sequence[Derived],
    t0_s: float,
    t1_s: float,
    zone: str,
    emergency: str,
    earlier: Sequence[Truth] = (),
) -> list[str]:
    """Return what is wrong with a text: fixed words, and the sentence.

    `earlier` is what was true of the days before, each by `truth`.
    """
    return weigh(text, lang, truth(records, t0_s, t1_s, zone, earlier), emergency)


def weigh(text: str, lang: str, what: Truth, emergency: str) -> list[str]:
    """Return what is wrong with a text where `what` is true."""
    words, reader = WORDS[lang], READERS[lang]
    body, bad = _without_action(text, words, what.action, emergency)
    sentences = reader.split(body) if body else []
    if not 3 <= len(reader.split(text)) <= 6:
        bad.append("not 3 to 6 sentences: " + text)
    for rx in words.NEVER:
        bad += [f"forbidden word: {m[0]}" for m in re.finditer(rx, text, re.IGNORECASE)]
    topics: list[str] = []
    for sentence in sentences:
        topic, wrong = judged(sentence, lang, what, topics)
        topics.append(topic)
        bad += [f"{w}: {sentence}" for w in wrong]
    return bad + _whole(topics, what)


def _without_action(
    text: str, words: SimpleNamespace, right: str, emergency: str
) -> tuple[str, list[str]]:
    said = {
        name: line.replace("{emergency}", emergency or words.EMERGENCY)
        for name, line in words.ACTIONS.items()
    }
    for name, line in sorted(said.items(), key=lambda item: -len(item[1])):
        if text == line or text.endswith(" " + line):
            wrong = [] if name == right else [f"wrong action, {right} is due: {line}"]
            return text[: -len(line)].rstrip(" "), wrong
    return text, [f"no action, {right} is due"]


def judged(
    sentence: str, lang: str, what: Truth, before: Sequence[str] = ()
) -> tuple[str, list[str]]:
    """Return what a sentence is about and what is wrong with it, read in its kindest way."""
    reader, n = READERS[lang], len(before)
    best: tuple[int, str, list[str]] | None = None
    for rest, frame, days in _framed(sentence, lang, n):
        for told in reader.read(rest):
            for topic, spec in TOPICS.items():
                if not _about(told, spec):
                    continue
                wrong = _claims(topic, told, what)
                if days and days.lower() != reader.day(what.days).lower():
                    wrong.append("another day")
                if frame and (
                    GROUPS.get(topic, "") not in frame
                    or (n and GROUPS.get(before[-1], "") != GROUPS.get(topic, ""))
                ):
                    wrong.append("an opening or a link that does not fit")
                if topic in before:
                    wrong.append("told twice")
                if best is None or len(wrong) < best[0]:
                    best = (len(wrong), topic, wrong)
    return (best[1], best[2]) if best else ("", ["unreadable sentence"])


def _framed(sentence: str, lang: str, n: int) -> list[tuple[str, str, str]]:
    """Return the sentence as it stands, and without what may be an opening or a link."""
    words = WORDS[lang]
    day = (
        r"(?P<day>on \w+, \w+ \d+|from \w+ \d+ to \w+ \d+)"
        if lang == "en"
        else r"(?P<day>el \w+ \d+ de \w+|del \d+ de \w+ al \d+ de \w+)"
    )
    out = []
    if sentence[:1].isupper():
        out.append((sentence, "", ""))
    frames = words.LINKS if n else [(rx, "finding" if f else "") for rx, f in words.OPENINGS]
    for rx, groups in frames:
        m = re.match(rx.replace("{day}", day) + r" (?=[a-záéíóúñ\d])", sentence, re.IGNORECASE)
        if m and sentence[:1].isupper():
            out.append((sentence[m.end() :], groups, m.groupdict().get("day") or ""))
    return out


def _about(told: object, spec: tuple[str, str, dict[str, str], str]) -> bool:
    may, must, roles, tell = spec
    held = [role for role, _ in told.roles]
    if not told.tags or not told.tags <= set(may.split()) or not set(must.split()) <= told.tags:
        return False
    if len(held) != len(set(held)) or not set(held) <= roles.keys():
        return False
    return set(tell.split()) <= {roles[role] for role in held}


def _claims(topic: str, told: object, what: Truth) -> list[str]:
    values = {TOPICS[topic][2][role]: value for role, value in told.roles}
    if topic in facts.ORDER:
        return _finding(topic, told, values, what)
    if topic in facts.MEASURES:
        return _measured(topic, told, values, what)
    return _frame(topic, told, values, what)


def _untrue(values: dict[str, tuple], true: dict[str, frozenset]) -> list[str]:
    return [f"{role} is not so" for role, v in values.items() if v not in true.get(role, ())]


def _finding(topic: str, told: object, values: dict[str, tuple], what: Truth) -> list[str]:
    fact = what.found.get(topic)
    if fact is None:
        return ["a finding that was not made"]
    wrong = _untrue(values, fact.values)
    if "once" in told.tags and fact.count != 1:
        wrong.append("more than one episode")
    if "several" in told.tags and fact.count < 2:
        wrong.append("one episode only")
    many = "several" in told.tags or "first" in told.tags or "count" in values
    begun = "began" in told.tags or "start" in values
    if fact.count > 1 and begun and not many:
        wrong.append("sounds like one episode")
    return wrong


def _measured(topic: str, told: object, values: dict[str, tuple], what: Truth) -> list[str]:
    fact = what.measured.get(topic)
    if fact is None:
        return ["a measure that is not known"]
    wrong = _untrue(values, fact.values)
    if topic not in LEVELS:
        beside = {"pulse_range": {"tachycardia", "bradycardia"}, "oxygen_low": {"desaturation"}}
        if beside[topic] & what.found.keys():
            wrong.append("not told beside the finding")
        return wrong
    roles = {role for role, _ in told.roles}
    meant = {
        "is_usual": {"usual"},
        "is_above": {"above"},
        "is_below": {"below"},
    }
    claims = [meant[tag] for tag in told.tags & meant.keys()]
    claims += [{"above"}] if "rise" in roles else [{"below"}] if "sink" in roles else []
    if not claims and "not_only" in told.tags:  # what is below is told with "only"
        claims = [{"above"}]
    if not claims and "beside" in told.tags:
        claims = [{"usual", "above"} if "not_below" in told.tags else {"usual"}]
    if any(not claim & fact.vs for claim in claims):
        wrong.append("compared wrongly with the usual")
    if not claims and "unknown" not in fact.vs:
        wrong.append("not compared with the usual")
    return wrong


def _frame(topic: str, told: object, values: dict[str, tuple], what: Truth) -> list[str]:
    if topic in ("coverage", "quiet"):
        wrong = _untrue(values, what.watch.values)
        if topic == "quiet" and what.found:
            wrong.append("quiet, yet there are findings")
        if topic == "quiet" and what.share != "full" and "unwatched" not in values:
            wrong.append("the unwatched time is left out")
        return wrong
    if topic == "missing":
        if "all_missing" in told.tags:
            return [] if what.nothing else ["something was measured"]
        right = what.missing and not what.nothing and values["what"] == ("names", *what.missing)
        return [] if right else ["what is missing is not so"]
    if topic == "more":
        return [] if values["count"] == ("notes", len(what.found) - 3) else ["count is not so"]
    right = {
        "learning": any("unknown" in m.vs for m in what.measured.values()),
        "doubt": bool(what.found.keys() & BODY),
        "caution": bool(what.found.keys() & facts.SENSORS or what.missing or what.share != "full"),
    }[topic]
    return [] if right else ["not so"]


def _whole(topics: list[str], what: Truth) -> list[str]:
    """Return what the text as a whole leaves out or has out of its place."""
    if "" in topics:
        topics = [t for t in topics if t]
    due, first, room = _due(what)
    bad = [f"left out: {topic}" for topic in due if topic not in topics]
    if not topics or topics[0] != first:
        bad.append(f"the first sentence is not about {first}")
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
    shadow = {"pulse_range": {"tachycardia", "bradycardia"}, "oxygen_low": {"desaturation"}}
    return bool(shadow.get(measure, set()) & what.found.keys())


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
