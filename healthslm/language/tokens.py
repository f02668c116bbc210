"""A closed vocabulary of whole words: what the model reads and writes.

A prompt is special tokens only: a language, the facts in the order of the plan with
one token for each category, and `<text>`. A text is words, punctuation and slots,
and ends with `<end>`. No number is ever a token: code fills the slots afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PAD, TEXT, END = "<pad>", "<text>", "<end>"
PLAIN = "plain"
"""The level of a text where nothing else is asked."""

_PIECE = re.compile(r"<[^<>\s]+>|[^\W\d_]+(?:['’-][^\W\d_]+)*|\S")
_NO_SPACE_BEFORE = frozenset(".,;:?!)")
_NO_SPACE_AFTER = frozenset("¿¡(")


def language(lang: str) -> str:
    """Return the prompt token of a language, `<en>`."""
    return f"<{lang}>"


def fact(kind: str) -> str:
    """Return the prompt token that begins a fact, `<fact:fever>`."""
    return f"<fact:{kind}>"


def category(name: str, value: str) -> str:
    """Return the prompt token of one category, `<severity:amber>`."""
    return f"<{name}:{value}>"


def slot(kind: str, field: str) -> str:
    """Return the token that stands for a value in a text, `<fever.highest>`."""
    return f"<{kind}.{field}>"


def is_slot(token: str) -> bool:
    """Tell whether a token of a text stands for a value that code fills in."""
    return token.startswith("<") and "." in token


def tokenise(text: str) -> list[str]:
    """Split a written clause into words, punctuation marks and slots.

    >>> tokenise("¿Su pulso? Fue <pulse.typical>.")
    ['¿', 'Su', 'pulso', '?', 'Fue', '<pulse.typical>', '.']
    """
    return _PIECE.findall(text)


def detokenise(pieces: Iterable[str]) -> str:
    """Join words and punctuation with the spaces that people write.

    >>> detokenise(["¿", "Su", "pulso", "?", "Fue", "72", "."])
    '¿Su pulso? Fue 72.'
    """
    out: list[str] = []
    glued = True
    for piece in pieces:
        if not glued and piece not in _NO_SPACE_BEFORE:
            out.append(" ")
        out.append(piece)
        glued = piece in _NO_SPACE_AFTER
    return "".join(out)


def sentences(pieces: Sequence[str]) -> list[tuple[str, ...]]:
    """Cut a tokenised text after each full stop or question mark.

    >>> sentences(["Rest", ".", "Why", "?"])
    [('Rest', '.'), ('Why', '?')]
    """
    out, begin = [], 0
    for n, piece in enumerate(pieces, 1):
        if piece in {".", "?"} or n == len(pieces):
            out.append(tuple(pieces[begin:n]))
            begin = n
    return out


@dataclass(frozen=True)
class Vocabulary:
    """The tokens a model knows; a token's id is its place."""

    tokens: tuple[str, ...]
    ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", {t: n for n, t in enumerate(self.tokens)})
        if len(self.ids) != len(self.tokens):
            raise ValueError("a token stands twice in the vocabulary")

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self.ids

    def encode(self, pieces: Iterable[str]) -> list[int]:
        """Return the ids of tokens.

        Raises
        ------
        ValueError
            A token is not in the vocabulary: the model was trained on other words.
        """
        try:
            return [self.ids[p] for p in pieces]
        except KeyError:
            raise ValueError("a token is not in the vocabulary") from None

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of ids."""
        return [self.tokens[n] for n in ids]

    def save(self, path: Path) -> None:
        """Write the vocabulary as JSON."""
        text = json.dumps({"form": "words/1", "tokens": self.tokens}, ensure_ascii=False, indent=0)
        path.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            The file is of another form.
        """
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("form") != "words/1":
            raise ValueError("not a vocabulary of words")
        return cls(tuple(str(t) for t in data["tokens"]))
