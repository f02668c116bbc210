"""Reading a text: its sentences, their values by the written forms, and the tags people gave.

A sentence is looked up among those that people tagged (`tags/en.tsv`, `tags/es.tsv`); one
that nobody tagged cannot be read. What openings, links and levels there are, stands on the
page. Returned values are written as `oracle_truth.py` writes them.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import SimpleNamespace

UNIT = re.compile(r"\[(\w+)\]")
NUMBER = {"bpm": "bpm", "breaths": "br", "percent": "pct", "celsius": "deg", "seconds": "sec"}


@dataclass(frozen=True)
class Tagged:
    """A sentence with units for its values, and what it says by those who read it alone."""

    key: str
    topic: str
    claims: frozenset[str]
    roles: tuple[str, ...]

    @property
    def units(self) -> list[str]:
        """Units of its values, in their order."""
        return UNIT.findall(self.key)


@dataclass(frozen=True)
class Frame:
    """An opening or a link: its words, the levels that use it, the group that must follow."""

    words: str
    levels: frozenset[str]
    group: str


@dataclass(frozen=True)
class Page:
    """What the reader takes from the page, in one language."""

    openings: tuple[Frame, ...]
    links: tuple[Frame, ...]
    levels: dict[str, frozenset[str]]  # key of a clause: the levels that may use it
    clauses: tuple[tuple[str, str, str, str, str], ...]  # fact, levels, when, words, key
    facts: dict[str, frozenset[str]]  # key of a clause: the facts that it may tell


def page_of(text: str, lang: str) -> Page:
    """Return what `docs/wording.md` says of one language."""
    levels: dict[str, set[str]] = defaultdict(set)
    told: dict[str, set[str]] = defaultdict(set)
    clauses = []
    fact, units, of, level, when = "", {}, "", "", ""
    body = text.partition("## Facts and clauses")[2].partition("\n## Openings")
    for line in body[0].splitlines():
        if line.startswith("### "):
            fact, units, of = line[4:], {}, ""
        elif m := re.match(r"\| `(\w+)` \| (\w+): ", line):
            units[m[1]] = m[2]
        elif m := re.match(r"\*(en|es), ([\w ]+), (.*):\*", line):
            of, level, when = m[1], m[2], m[3]
        elif line.startswith("- ") and of == lang:
            key = re.sub(r"⟨(\w+)⟩", lambda m, u=units: f"[{u[m[1]]}]", line[2:])
            levels[key] |= set(level.split(" and "))
            told[key].add(fact)
            clauses.append((fact, level, when, line[2:], key))
    frames: dict[str, list[Frame]] = {"Openings": [], "Links": []}
    for name, out in frames.items():
        for line in text.partition(f"\n## {name}\n")[2].partition("\n## ")[0].splitlines():
            if m := re.match(rf"- {lang}, ([\w ]+?)(?:, where group is (\w+))?: (.*)", line):
                out.append(Frame(m[3], frozenset(m[1].split(" and ")), m[2] or ""))
    return Page(
        tuple(frames["Openings"]),
        tuple(frames["Links"]),
        {key: frozenset(found) for key, found in levels.items()},
        tuple(clauses),
        {key: frozenset(found) for key, found in told.items()},
    )


def tagged(text: str) -> list[Tagged]:
    """Return the sentences of a file of tags."""
    rows = (line.split("\t") for line in text.splitlines() if line.strip())
    return [
        Tagged(
            key[:1].upper() + key[1:],
            topic,
            frozenset(claims.split()) - {"-"},
            () if roles == "-" else tuple(roles.split(",")),
        )
        for key, topic, claims, roles in rows
    ]


def lower(text: str) -> str:
    """Return the text with a small first letter."""
    return text[:1].lower() + text[1:]


class Reader:
    """Reads one language."""

    def __init__(self, words: SimpleNamespace, page: Page, tags: list[Tagged]) -> None:
        self.words, self.page = words, page
        self.units = words.UNITS | self._lists()
        self.tags: dict[str, list[Tagged]] = defaultdict(list)  # by the words before a value
        for tag in tags:
            self.tags[lower(tag.key).partition("[")[0]].append(tag)
        self.compiled = cache(self._compiled)
        self.openings, self.links = (
            [(frame, self._frame(frame.words)) for frame in frames]
            for frames in (page.openings, page.links)
        )

    def _lists(self) -> dict[str, str]:
        def one_of(names: dict[str, str]) -> str:
            return "(?:" + "|".join(sorted(map(re.escape, names), key=len, reverse=True)) + ")"

        words = self.words
        names, signals, found = map(one_of, (words.NAMES, words.SIGNALS, words.FINDINGS))
        last = f" {words.AND} "
        return {
            "names": rf"{names}(?:(?:, {names})*{last}{names})?",
            "signals": rf"{signals}(?:{last}{signals})?",
            "findings": rf"{found}(?:(?:, {found})?{last}{found}|, {found}{last}{words.MORE})?",
        }

    def _compiled(self, key: str) -> re.Pattern[str]:
        parts = UNIT.split(lower(key))
        return re.compile(
            "".join(
                f"({self.units[part]})" if n % 2 else re.escape(part)
                for n, part in enumerate(parts)
            )
        )

    def _frame(self, words: str) -> re.Pattern[str]:
        rx = f"({self.units['period']})".join(map(re.escape, words.split("⟨day⟩")))
        return re.compile(f"{rx} ", re.IGNORECASE)

    def split(self, text: str) -> list[str]:
        """Return the sentences."""
        return re.split(r"(?<=[.?!])\s+(?=[A-ZÁÉÍÓÚÑ¿¡])", text.strip())

    def read(self, sentence: str) -> Iterator[tuple[Tagged, tuple[tuple[object, ...], ...]]]:
        """Yield every tagged sentence that this is, with its values."""
        text = lower(sentence)
        for n in range(len(text) + 1):
            for tag in self.tags.get(text[:n], ()):
                m = self.compiled(tag.key).fullmatch(text)
                if m:
                    pairs = zip(tag.units, m.groups(), strict=True)
                    yield tag, tuple(self.value(unit, said) for unit, said in pairs)

    def framed(
        self, sentence: str, level: str, *, first: bool
    ) -> Iterator[tuple[str, Frame | None, str]]:
        """Yield the sentence as it stands, and without an opening or a link: frame and day."""
        if not sentence[:1].isupper() and sentence[:1] not in "¿¡":
            return
        yield sentence, None, ""
        for frame, rx in self.openings if first else self.links:
            m = rx.match(sentence)
            rest = sentence[m.end() :] if m else ""
            if rest and not rest[0].isupper() and level in frame.levels:
                yield rest, frame, m[1] if m.groups() else ""

    def value(self, unit: str, said: str) -> tuple[object, ...]:
        """Return a printed value as the truth would write it."""
        words = self.words
        numbers = [n.replace(",", ".") for n in re.findall(r"\d+(?:[.,]\d)?", said)]
        if unit in NUMBER:
            return (NUMBER[unit], numbers[0])
        if unit == "clock":
            hour, minute, *day = (int(n) for n in re.findall(r"\d+", said))
            if half := re.search(r"\b[ap]m\b", said):
                hour = hour % 12 + (12 if half[0] == "pm" else 0)
            if not day:
                return ("clock", hour, minute)
            weekday = next(n for n, name in enumerate(words.DAYS) if name in said)
            month = next(n for n, name in enumerate(words.MONTHS, 1) if name in said)
            return ("clock", hour, minute, weekday, month, day[0])
        if unit == "duration":
            span = next(s for word, s in words.SPANS.items() if word in said)
            half = 0.5 if words.HALF in said else 0.0
            return (span, float(numbers[0]) + half, said.startswith(words.OPEN))
        if unit in ("range", "range_celsius"):
            return ("range", numbers[0], numbers[-1])
        if unit == "in_hundred":
            return (unit, 0 if said.startswith(words.FEW) else int(numbers[0]))
        if unit == "weekday":
            return (unit, words.DAYS.index(said.rpartition(" ")[2]))
        if unit == "names":
            return (unit, *(words.NAMES[n] for n in self._each(words.NAMES, said)))
        if unit == "signals":
            return (unit, frozenset(words.SIGNALS[n] for n in self._each(words.SIGNALS, said)))
        if unit == "findings":
            known = {**words.FINDINGS, words.MORE: "more"}
            return (unit, *(known[n] for n in self._each(known, said)))
        return (unit, *(int(n) for n in numbers))

    def _each(self, names: dict[str, str], said: str) -> list[str]:
        return re.findall("|".join(sorted(map(re.escape, names), key=len, reverse=True)), said)

    def day(self, days: tuple[date, date]) -> str:
        """Return the period as an opening names it."""
        first, last = days
        week, months = self.words.DAYS, self.words.MONTHS
        a, b = months[first.month - 1], months[last.month - 1]
        if week[0] == "Monday":
            if first == last:
                return f"on {week[first.weekday()]}, {a} {first.day}"
            return f"from {a} {first.day} to {b} {last.day}"
        if first == last:
            return f"el {week[first.weekday()]} {first.day} de {a}"
        return f"del {first.day} de {a} al {last.day} de {b}"
