"""What the words of a question are about: lists written by people, in every language at once.

A question becomes a row of numbers for the router. Of each: the letters (three to five
running, within a word), the words, and what the words are about (`wording/*/terms.toml`),
alone and side by side, so that "how low did my sugar go on Friday" and "how low did her
sats go overnight" look alike where they ask alike. Every feature has a number by its hash,
so that no list of them is kept.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

from healthslm.language.heard import Spelling, plain
from healthslm.language.wording import FOLDER, languages

LETTERS = (3, 4, 5)
MOST_WORDS = 120
APART = 6  # words: as far apart are pairs seen


@dataclass(frozen=True)
class Terms:
    """The lists of every language."""

    exact: Mapping[tuple[str, ...], tuple[str, ...]]  # words -> "measure:pulse" ...
    stems: Mapping[str, tuple[str, ...]]
    longest: int
    spelling: Spelling

    def about(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return what some words side by side are about."""
        found = self.exact.get(words, ())
        if len(words) == 1 and not found:
            word = words[0]
            for n in range(len(word), 2, -1):
                if word[:n] in self.stems:
                    return self.stems[word[:n]]
        return found


@lru_cache(maxsize=1)
def listed() -> tuple[tuple[str, str], ...]:
    """Return every phrase of every language behind its tag: ("measure:pulse", "heart rate").

    Phrases are written as `heard.plain` would write them.
    """
    read = (
        tomllib.loads((FOLDER / lang / "terms.toml").read_text("utf-8")) for lang in languages()
    )
    return tuple(
        (f"{group}:{name}", phrase)
        for tables in read
        for group, rows in tables.items()
        for name, phrases in rows.items()
        for phrase in phrases
    )


@lru_cache(maxsize=1)
def terms() -> Terms:
    """Read the lists of all languages."""
    exact: dict[tuple[str, ...], list[str]] = {}
    stems: dict[str, list[str]] = {}
    for tag, phrase in listed():
        if phrase.endswith("*") and " " not in phrase:
            found = stems.setdefault(phrase[:-1], [])
        else:
            found = exact.setdefault(tuple(phrase.rstrip("*").split()), [])
        if tag not in found:
            found.append(tag)
    counting = {w for words in exact for w in words} | set(stems)
    return Terms(
        {words: tuple(tags) for words, tags in exact.items()},
        {stem: tuple(tags) for stem, tags in stems.items()},
        max(map(len, exact)),
        Spelling(counting),
    )


def mended(text: str) -> list[str]:
    """Return the words of a question, typing errors mended; "|" stands between thoughts."""
    known = terms()

    def one(word: str) -> str:
        return word if known.about((word,)) else known.spelling.mended(word)

    return [one(word) for word in plain(text).split()[:MOST_WORDS]]


def tags(words: list[str]) -> list[tuple[tuple[str, ...], str]]:
    """Return what each stretch of words is about, and the words; the longest known first."""
    known, out, n = terms(), [], 0
    while n < len(words):
        for length in range(min(known.longest, len(words) - n), 0, -1):
            stretch = tuple(words[n : n + length])
            found = known.about(stretch)
            if found or length == 1:
                out.append((found, " ".join(stretch)))
                n += length
                break
    return out


def names(text: str) -> Iterator[str]:
    """Yield the features of a question, by name."""
    words = mended(text)
    spoken = [w for w in words if w != "|"]
    count = len(spoken)
    yield f"n{min(count, 4) if count < 5 else 5 + min(count // 5, 4)}"
    for word in spoken:
        yield f"w{word}"
        padded = f"<{word}>"
        for size in LETTERS:
            for n in range(len(padded) - size + 1):
                yield f"c{padded[n : n + size]}"
    edges = ["<", *spoken, ">"]
    for a, b in pairwise(edges):
        yield f"b{a} {b}"
    for a, b, c in zip(edges, edges[1:], edges[2:], strict=False):
        yield f"d{a} {b} {c}"
    yield from _of_tags(tags(words))


def _of_tags(found: list[tuple[tuple[str, ...], str]]) -> Iterator[str]:
    about = {tag for held, _ in found for tag in held}
    yield from (f"t{tag}" for tag in about)
    for group in ("measure", "period"):
        held = sorted(tag for tag in about if tag.startswith(group))
        yield f"k{group}{min(len(held), 3)}"
    shown = [held[0] if held else word for held, word in found if word != "|"]
    shown = [re.sub(r"^(measure|period):.*", r"\1", s) for s in shown]
    edges = ["<", *shown, ">"]
    for a, b in pairwise(edges):
        yield f"p{a} {b}"
    for a, b, c in zip(edges, edges[1:], edges[2:], strict=False):
        yield f"q{a} {b} {c}"
    cues = sorted(tag for tag in about if tag.startswith("cue"))
    for n, a in enumerate(cues):
        for b in cues[n + 1 :]:
            yield f"x{a} {b}"
    for tag in about:
        if tag.startswith("measure"):
            yield from (f"y{tag} {cue}" for cue in cues)


def apart(text: str) -> Iterator[str]:
    """Yield pairs of words that stand near each other and not side by side.

    "chest ... pub" is another thing than "chest ... arm": a red flag needs both in sight.
    """
    words = mended(text)
    for kind, row in (
        ("s", [w for w in words if w != "|"]),
        ("r", [held[0] if held else word for held, word in tags(words) if word != "|"]),
    ):
        for n, first in enumerate(row):
            yield from (f"{kind}{first} {second}" for second in row[n + 2 : n + APART])


def numbers(features: Iterable[str], size: int) -> list[int]:
    """Return the numbers of features below `size`, each once, sorted."""
    return sorted({crc32(name.encode()) % size for name in features})


def fingerprint() -> int:
    """Return a number that changes when features do: the model is then learnt anew."""
    lines = [phrase for _, phrase in listed()]
    some = [" ".join(lines[n : n + 9]) for n in range(0, len(lines), 300)]
    read = [name for line in some for name in sorted({*names(line), *apart(line)})]
    return crc32("\n".join([*lines, *read]).encode())
