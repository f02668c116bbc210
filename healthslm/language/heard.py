"""What was asked, made plain: small letters, no accents, no typing errors within reason.

Questions are typed in haste and dictated. `plain` brings spellings together, `Spelling`
mends words that are one error away from a word that counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

MOST = 500
"""Characters of a question that are read: some eighty words."""

MOST_HEARD = 10_000  # words whose meaning is kept

LONG = 5  # letters from which a word is mended: shorter ones are near too many others

_APOSTROPHES = re.compile("['’‘`´ʼ]")
_THRICE = re.compile(r"([a-z])\1{2,}")


def plain(text: str) -> str:
    """Return a question as words with single spaces between.

    Accents and apostrophes go ("can't" is "cant"), a letter that stands thrice stands once,
    marks between words become "|" where a thought may end, and are left out elsewhere.

    >>> plain("¿Qué   tal mi PULSOOO? No sé, can't say")
    'que tal mi pulso | no se | cant say'
    """
    text = unicodedata.normalize("NFKD", text[:MOST]).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = _APOSTROPHES.sub("", text)
    text = _THRICE.sub(r"\1", text)
    text = re.sub(r"(?<=\d)[.,:](?=\d)", "p", text)
    text = re.sub(r"[.,;:!?()\n\r]+", " | ", text)
    text = re.sub(r"[^a-z0-9|%]+", " ", text)
    text = re.sub(r"(\| )+", "| ", f" {text} ")
    return text.strip(" |")


def words(text: str) -> list[str]:
    """Return the words of a question, without the marks between them."""
    return [w for w in plain(text).split() if w != "|"]


class Spelling:
    """Words that count, and how to find them one typing error away.

    A letter too many, too few, another one, or two that changed places; the first letter
    is right, or the first two changed places. A word in `known`, or that begins with one of
    `stems`, is what it is.
    """

    def __init__(
        self, count: Iterable[str], known: Iterable[str] = (), stems: Iterable[str] = ()
    ) -> None:
        self._right = frozenset(count)
        self._known = self._right | frozenset(known)
        self._stems = frozenset(stems)
        self._long = frozenset(word for word in self._right if len(word) >= LONG)
        self._letters = sorted({letter for word in self._long for letter in word})
        self._heard: dict[str, str] = {}

    def mended(self, word: str) -> str:
        """Return the word that was meant, or the word as it is."""
        if word in self._known or len(word) < LONG - 1 or not word.isalpha():
            return word
        if any(word[:n] in self._stems for n in range(3, len(word) + 1)):
            return word
        if word not in self._heard:
            if len(self._heard) >= MOST_HEARD:
                self._heard.clear()
            self._heard[word] = self._meant(word)
        return self._heard[word]

    def _meant(self, word: str) -> str:
        """Try a letter more, then each letter left out, and another in its place or elsewhere."""
        for form in (word, *_shorter(word)):
            near = self._long.intersection([form, *self._longer(form)])
            right = next((r for r in sorted(near) if _one_error(word, r)), None)
            if right is not None:
                return right
        return word

    def _longer(self, form: str) -> Iterator[str]:
        """Yield the form with one letter more, each at each place."""
        for n in range(len(form) + 1):
            before, after = form[:n], form[n:]
            yield from [before + letter + after for letter in self._letters]


def _shorter(word: str) -> Iterator[str]:
    """Yield the word without each of its letters in turn."""
    return (word[:n] + word[n + 1 :] for n in range(len(word)))


def _one_error(a: str, b: str) -> bool:
    """Tell whether one error makes `a` of `b`, the first letter apart."""
    if sorted(a[:2]) != sorted(b[:2]) and a[:1] != b[:1]:
        return False
    if len(a) == len(b):
        wrong = [n for n in range(len(a)) if a[n] != b[n]]
        if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
            return a[wrong[0]] == b[wrong[1]] and a[wrong[1]] == b[wrong[0]]
        return len(wrong) <= 1
    long, short = (a, b) if len(a) > len(b) else (b, a)
    return len(long) == len(short) + 1 and short in _shorter(long)
