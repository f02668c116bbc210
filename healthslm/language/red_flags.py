"""Whether a question tells of an emergency: rules in plain data, before anything that was learnt.

`wording/*/red_flags.toml` holds them, of every language; every language is asked, whatever
the question is written in. What speaks of devices, figures of speech or things long past is
taken out of the text first, and only that: in doubt it is an emergency. Harm to oneself and
the plainest words of an emergency stand as they are; of the rest, `router.emergency` may
know better.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from healthslm.language import terms
from healthslm.language.heard import Spelling, plain
from healthslm.language.wording import FOLDER, languages

Patterns = tuple[re.Pattern[str], ...]

_WORD = re.compile(r"[a-z]+")
_STEM = re.compile(r"[a-z]{3,}\*")


@dataclass(frozen=True, slots=True)
class Rule:
    """Some patterns under one name, and what undoes them."""

    name: str
    text: Patterns
    unless: Patterns = ()
    say: str = "emergency"

    def undone(self, heard: str) -> bool:
        """Tell whether the text holds what makes the rule void."""
        return any(p.search(heard) for p in self.unless)


@dataclass(frozen=True)
class Rules:
    """The rules of one language."""

    flags: tuple[Rule, ...]
    parts: tuple[Rule, ...]
    wholes: tuple[Rule, ...]
    plainest: Patterns
    spelling: Spelling

    def heard(self, text: str) -> str:
        """Return a plain text with its typing errors mended, a space at either end."""
        return _spaced(self.spelling.mended(word) for word in text.split())

    def none(self, heard: str) -> bool:
        """Tell whether the whole text is no emergency."""
        return any(not r.undone(heard) and _any(r.text, heard) for r in self.wholes)

    def left(self, heard: str) -> str:
        """Return the text without the parts that are none."""
        out = heard
        for rule in self.parts:
            if not rule.undone(heard):
                for pattern in rule.text:
                    out = _spaced(pattern.sub("|", out).split())
        return out

    def flag(self, left: str) -> str | None:
        """Return which text of `answers.toml` what is left asks for, or None."""
        return next((rule.say for rule in self.flags if _any(rule.text, left)), None)


@dataclass(frozen=True, slots=True)
class Flag:
    """A red flag that was found.

    Parameters
    ----------
    say
        "emergency" or "harm", the text of `answers.toml` that it asks for.
    certain
        Said in the plainest words, or of harm to oneself: nothing learnt may undo it.
    """

    say: str
    certain: bool


def find(text: str) -> str | None:
    """Return "emergency" or "harm", the text that a question's red flag asks for, or None."""
    flag = flagged(text)
    return flag.say if flag else None


def flagged(text: str) -> Flag | None:
    """Return the red flag of a question, or None.

    Words that two languages share ("angina", "confused") are weighed in both: the asides of
    every language are looked for before the flags of any.
    """
    words = plain(text)
    every = [rules(lang) for lang in languages()]
    if not any(one.flag(one.heard(words)) for one in every):
        return None  # of most questions, with no aside looked for
    if any(one.none(one.heard(words)) for one in every):
        return None
    for one in every:
        left = one.left(one.heard(words))
        for other in every:
            left = left if other is one else other.left(left)
        found = one.flag(left)
        if found is not None:
            return Flag(found, found != "emergency" or any(_any(o.plainest, left) for o in every))
    return None


@lru_cache(maxsize=8)
def rules(lang: str) -> Rules:
    """Read the rules of a language.

    Raises
    ------
    ValueError
        A key that is not known; `re.error` where a pattern is none.
    """
    data = tomllib.loads((FOLDER / lang / "red_flags.toml").read_text(encoding="utf-8"))
    if set(data) != {"words", "plainest", "flag", "part", "whole"}:
        raise ValueError(f"{lang}: red_flags.toml holds words, plainest, flag, part and whole")
    words: Mapping[str, list[str]] = data["words"]
    read = {
        kind: tuple(_rule(lang, row, words) for row in data[kind])
        for kind in ("flag", "part", "whole")
    }
    plainest = tuple(_compiled(p, words) for p in data["plainest"]["text"])
    phrases = [re.sub(r"\\w", " ", phrase) for phrase in _phrases(data)]
    counting = {w for p in phrases for w in _WORD.findall(re.sub(r"[a-z]+\*", " ", p))}
    stems = {w[:-1] for p in phrases for w in _STEM.findall(p)}
    spelling = Spelling(counting, _known(), stems)
    return Rules(read["flag"], read["part"], read["whole"], plainest, spelling)


def _phrases(data: Mapping[str, Any]) -> Iterable[str]:
    yield from (phrase for phrases in data["words"].values() for phrase in phrases)
    for kind in ("flag", "part", "whole"):
        yield from (phrase for row in data[kind] for phrase in row["text"])


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Return words that are no typing errors of others: what the lists of the router hold."""
    return frozenset(word for _, phrase in terms.listed() for word in phrase.rstrip("*").split())


def _rule(lang: str, row: Mapping[str, Any], words: Mapping[str, list[str]]) -> Rule:
    if not {"name", "text"} <= set(row) <= {"name", "text", "unless", "say"}:
        raise ValueError(f"{lang}: a rule holds name, text, unless and say")
    text, unless = (tuple(_compiled(p, words) for p in row.get(k, ())) for k in ("text", "unless"))
    return Rule(row["name"], text, unless, row.get("say", "emergency"))


def _compiled(pattern: str, words: Mapping[str, list[str]]) -> re.Pattern[str]:
    """Return the regular expression that a pattern stands for."""

    def listed(match: re.Match[str]) -> str:
        return f"(?:{'|'.join(words[match[1]])})"

    out = re.sub(r"<([a-z]+)>", listed, pattern)
    out = out.replace(" ... ", r" (?:[^ ]+ ){0,10}?").replace(" .. ", r" (?:[^ |]+ ){0,5}?")
    out = re.sub(r" \.\.$", r"(?: [^ |]+){0,5}", out)
    out = re.sub(r"(?<=[a-z])\*", "[a-z]*", out).replace("$", " ?$")
    begin = "^ " if out.startswith("^ ") else "(?<= )"
    return re.compile(f"{begin}(?:{out.removeprefix('^ ')})(?= |$)")


def _spaced(words: Iterable[str]) -> str:
    return f" {' '.join(words)} "


def _any(patterns: Patterns, text: str) -> bool:
    return any(p.search(text) for p in patterns)
