"""Reading a sentence as claims: phrases that cover every word of it, and their values.

`Words` holds what one language is made of (`oracle_en.py`, `oracle_es.py`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import SimpleNamespace

CLASS = {  # role: units of the values that it may hold
    **dict.fromkeys(
        ("up", "top", "down", "bottom", "limit", "value", "rise", "sink", "low", "high", "mean"),
        ("bpm", "br", "pct", "deg"),
    ),
    "for": ("dur", "sec"),
    "watched": ("dur",),
    "unwatched": ("dur",),
    "at": ("clock",),
    "from": ("clock",),
    "times": ("times",),
    "usual": ("range",),
    "count": ("notes",),
}


@dataclass(frozen=True)
class Reading:
    """One way to read a sentence."""

    tags: frozenset[str]
    roles: tuple[tuple[str, tuple[object, ...]], ...]


class Reader:
    """Reads one language."""

    def __init__(self, words: SimpleNamespace) -> None:
        self.words = words
        self.units = [(unit, re.compile(rf"\b(?:{rx})(?!\w)")) for unit, rx in words.UNITS]
        names = "|".join(sorted(words.NAMES, key=len, reverse=True))
        signals = "|".join(sorted(words.SIGNALS, key=len, reverse=True))
        found = "|".join(sorted(words.FINDINGS, key=len, reverse=True))
        self.names = re.compile(names)
        self.found = re.compile(f"{found}|{words.MORE}")
        self.signals = re.compile(signals)
        self.lists = {
            "names": rf"(?:{names})(?: (?:{names}))*(?: {words.AND} (?:{names}))?",
            "found": (
                rf"(?:{found})(?:(?: (?:{found}))? {words.AND} (?:{found})"
                rf"| (?:{found}) {words.AND} {words.MORE})?"
            ),
            "what": rf"(?:{signals})(?: {words.AND} (?:{signals}))?",
        }
        self.phrases = [(self._compiled(rx), tags) for rx, tags in words.PHRASES]

    def _compiled(self, rx: str) -> re.Pattern[str]:
        seen: list[str] = []

        def role(m: re.Match[str]) -> str:
            name = m[1]
            seen.append(name)
            group = f"{name}_{seen.count(name)}"
            if name in self.lists:
                return f"(?P<{group}>{self.lists[name]})"
            return "(?P<" + group + ">§(?:" + "|".join(CLASS[name]) + r")\d+)"

        return re.compile(f"(?:{re.sub(r'{([a-z]+)}', role, rx)})(?= |$)")

    def split(self, text: str) -> list[str]:
        """Return the sentences."""
        return re.split(r"(?<=[.?!])\s+(?=[A-ZÁÉÍÓÚÑ¿¡])", text.strip())

    def read(self, sentence: str) -> list[Reading]:
        """Return every way to read a sentence; none where a word is left over."""
        if not sentence.endswith(".") or "\n" in sentence or "  " in sentence:
            return []
        values: list[tuple[object, ...]] = []
        text = sentence[:-1]
        for unit, rx in self.units:

            def keep(m: re.Match[str], unit: str = unit) -> str:
                values.append(self.value(unit, m[0]))
                return f"§{unit}{len(values) - 1}"

            text = rx.sub(keep, text)
        text = re.sub(r"[,;:](?= |$)", "", text)
        text = text[:1].lower() + text[1:]
        out: dict[Reading, None] = {}
        for tags, roles in self._tiles(text):
            out[self._reading(tags, roles, values)] = None
            if len(out) >= 40:
                break
        return list(out)

    def _reading(
        self, tags: tuple[str, ...], roles: tuple[tuple[str, str], ...], values: list
    ) -> Reading:
        held = []
        for role, said in roles:
            if role == "names":
                names = self.names.findall(said)
                held.append((role, ("names", *(self.words.NAMES[n] for n in names))))
            elif role == "found":
                kinds = (self.words.FINDINGS.get(n, "more") for n in self.found.findall(said))
                held.append((role, ("findings", *kinds)))
            elif role == "what":
                kinds = frozenset(self.words.SIGNALS[s] for s in self.signals.findall(said))
                held.append((role, ("signals", kinds)))
            else:
                held.append((role, values[int(re.sub(r"\D", "", said))]))
        return Reading(frozenset(" ".join(tags).split()), tuple(held))

    def _tiles(self, text: str) -> Iterator[tuple[tuple[str, ...], tuple[tuple[str, str], ...]]]:
        dead: set[int] = set()

        def walk(at: int) -> Iterator[tuple[tuple[str, ...], tuple[tuple[str, str], ...]]]:
            if at >= len(text):
                yield (), ()
                return
            if at in dead:
                return
            found = False
            for rx, tags in self.phrases:
                m = rx.match(text, at)
                if not m:
                    continue
                mine = tuple(
                    (name.rpartition("_")[0], said)
                    for name, said in m.groupdict().items()
                    if said is not None
                )
                for rest_tags, rest in walk(m.end() + 1):
                    found = True
                    yield (tags, *rest_tags), (*mine, *rest)
            if not found:
                dead.add(at)

        return walk(0)

    def value(self, unit: str, said: str) -> tuple[object, ...]:
        """Return a printed value as the truth would write it."""
        numbers = [n.replace(",", ".") for n in re.findall(r"\d+(?:[.,]\d)?", said)]
        if unit == "clock":
            hour, minute = (int(n) for n in re.findall(r"\d+", said))
            if said.endswith("m"):
                hour = hour % 12 + (12 if said.endswith("pm") else 0)
            return ("clock", hour, minute)
        if unit == "dur":
            span = next(s for word, s in self.words.SPANS.items() if word in said)
            half = 0.5 if self.words.HALF in said else 0.0
            return (span, float(numbers[0]) + half, said.startswith(self.words.OPEN))
        if unit == "range":
            return ("range", numbers[0], numbers[-1])
        if unit in ("times", "notes"):
            return (unit, int(numbers[0]))
        return (unit, numbers[0])

    def day(self, days: tuple[date, date]) -> str:
        """Return the period as an opening names it."""
        return _day(self.words.DAYS[0], days, tuple(self.words.DAYS), tuple(self.words.MONTHS))


@lru_cache(maxsize=8)
def _day(
    monday: str, days: tuple[date, date], week: tuple[str, ...], months: tuple[str, ...]
) -> str:
    first, last = days
    a, b = months[first.month - 1], months[last.month - 1]
    if monday == "Monday":
        if first == last:
            return f"on {week[first.weekday()]}, {a} {first.day}"
        return f"from {a} {first.day} to {b} {last.day}"
    if first == last:
        return f"el {week[first.weekday()]} {first.day} de {a}"
    return f"del {first.day} de {a} al {last.day} de {b}"
