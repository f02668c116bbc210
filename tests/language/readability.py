"""How easy a text is to read, counted in a small way of our own.

English: Flesch-Kincaid grade, .39 W/S + 11.8 Sy/W - 15.59 (Kincaid et al. 1975, US Navy
research branch report 8-75). Spanish: Fernández-Huerta 1959, as corrected, 206.84 -
60 Sy/W - 1.02 W/S; Szigriszt-Pazos 1993, 206.835 - 62.3 Sy/W - W/S. W words, S sentences,
Sy syllables. A numeral counts as one syllable for each digit, so that numbers are not free;
abbreviated units count as they are spoken.
"""

import re

_WORD = re.compile(r"[^\W_]+(?:[.,:'’-][^\W_]+)*|°C")
_SPOKEN = {"am": 2, "pm": 2, "°C": 3}
_STRONG, _WEAK = "aeoáéóíú", "iuü"


def words(text: str) -> list[str]:
    """Return the words of a text; a number with its decimals or minutes is one."""
    return _WORD.findall(text)


def sentences(text: str) -> list[str]:
    """Cut a text after full stops and question marks that a space or the end follows."""
    return [s for s in re.split(r"(?<=[.?])\s+", text.strip()) if s]


def flesch_kincaid(text: str) -> float:
    """Return the US school grade of an English text."""
    w, s = words(text), sentences(text)
    return 0.39 * len(w) / len(s) + 11.8 * sum(map(_english, w)) / len(w) - 15.59


def fernandez_huerta(text: str) -> float:
    """Return the ease of a Spanish text, 0 to 100 and over."""
    w, s = words(text), sentences(text)
    return 206.84 - 60 * sum(map(_spanish, w)) / len(w) - 1.02 * len(w) / len(s)


def szigriszt(text: str) -> float:
    """Return the perspicuity of a Spanish text (Inflesz scale): from 65 on fairly easy."""
    w, s = words(text), sentences(text)
    return 206.835 - 62.3 * sum(map(_spanish, w)) / len(w) - len(w) / len(s)


def _english(word: str) -> int:
    """Count the syllables of an English word: runs of vowels, less the silent endings."""
    if word in _SPOKEN:
        return _SPOKEN[word]
    if any(c.isdigit() for c in word):
        return sum(c.isdigit() for c in word)
    word = word.lower()
    runs = len(re.findall(r"[aeiouy]+", word))
    if re.search(r"[^l]e$|[^aeiouydt]ed$|[^cgsxzh]es$", word) and runs > 1:
        runs -= 1
    return max(runs, 1)


def _spanish(word: str) -> int:
    """Count the syllables of a Spanish word: vowels, less the weak ones that glide."""
    if word in _SPOKEN:
        return _SPOKEN[word] + 2
    if any(c.isdigit() for c in word):
        return sum(c.isdigit() for c in word)
    word = re.sub(r"(?<=[qg])u(?=[eiéí])", "", word.lower())
    count, before = 0, ""
    for c in re.sub(r"y$", "i", word):
        if c in _STRONG:
            glides = before in _WEAK and before != "" and c not in "íú"
            count += 0 if glides else 1
        elif c in _WEAK:
            count += 0 if before != "" and before in _STRONG + _WEAK else 1
        before = c if c in _STRONG + _WEAK else ""
    return max(count, 1)
