"""True texts as an automaton: at every token, what may come next.

A text is told item by item: the first item first, the others in any order that what they follow
allows, none twice, and none of the required left out. An item is told by one of its clauses,
before the first of which an opening may stand, and a link before one whose group was just
spoken of. Whoever walks along `allowed` can say nothing else, whatever the weights are that
choose.

The items, clauses, openings and links are numbered as they are given; a finished walk is a
row of such numbers, so that a choice holds no word at all.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Token = TypeVar("Token", bound=Hashable)

Choice = tuple[int, int, int]
"""Item, opening or link (-1: none), clause."""


@dataclass(frozen=True, slots=True)
class Item(Generic[Token]):
    """What can be said of one fact."""

    group: str
    required: bool
    clauses: Sequence[tuple[Sequence[Token], Sequence[Token]]]  # as it stands, after a prefix
    openings: Sequence[Sequence[Token]] = ()  # that may stand before it where it is first
    links: Sequence[Sequence[Token]] = ()  # and where its like was told just before
    after: Sequence[Sequence[int]] = ()  # of each of these groups of items, one was told before


@dataclass(eq=False, slots=True)
class _Node(Generic[Token]):
    """A place within a sentence."""

    next: dict[Token, _Node[Token]] = field(default_factory=dict)
    ends: Choice | None = None

    def add(self, tokens: Sequence[Token]) -> _Node[Token]:
        """Return the place that some tokens lead to."""
        node = self
        for token in tokens:
            node = node.next.setdefault(token, _Node())
        return node


class Texts(Generic[Token]):
    """Every text that a plan allows.

    Parameters
    ----------
    items
        In the order of the plan; the first is told first.
    end
        The token that ends a text.
    """

    def __init__(self, items: Sequence[Item[Token]], end: Token) -> None:
        self.items = items
        self.end = end
        self._roots: dict[tuple[int, str], _Node[Token]] = {}

    def root(self, n: int, before: str | None) -> _Node[Token]:
        """Return where the sentence of item `n` begins; `before`: the group told before it."""
        item = self.items[n]
        kind = "opening" if before is None else "link" if before == item.group else ""
        if (n, kind) not in self._roots:
            prefixes = {"opening": item.openings, "link": item.links, "": ()}[kind]
            self._roots[n, kind] = self._tree(n, prefixes)
        return self._roots[n, kind]

    def _tree(self, n: int, prefixes: Sequence[Sequence[Token]]) -> _Node[Token]:
        root: _Node[Token] = _Node()
        for c, (alone, after) in enumerate(self.items[n].clauses):
            root.add(alone).ends = (n, -1, c)
            for p, prefix in enumerate(prefixes):
                root.add((*prefix, *after)).ends = (n, p, c)
        return root


class Walk(Generic[Token]):
    """One text under way."""

    def __init__(self, texts: Texts[Token]) -> None:
        self._texts = texts
        self._nodes: tuple[_Node[Token], ...] = ()
        self.choices: list[Choice] = []
        self.ended = False
        self._may_end = False
        self._begin()

    @property
    def allowed(self) -> set[Token]:
        """The tokens that may come next; none where the text has ended."""
        if self.ended:
            return set()
        found = {token for node in self._nodes for token in node.next}
        return found | ({self._texts.end} if self._may_end else set())

    def take(self, token: Token) -> None:
        """Go on by one token.

        Raises
        ------
        ValueError
            The token is not allowed here.
        """
        if self._may_end and token == self._texts.end:
            self.ended = True
            return
        self._nodes = tuple(n.next[token] for n in self._nodes if token in n.next)
        if not self._nodes:
            raise ValueError("a token that no true text holds here")
        self._may_end = False  # but after a whole sentence
        told = next((n.ends for n in self._nodes if n.ends is not None), None)
        if told is not None:
            self.choices.append(told)
            self._begin()

    def _begin(self) -> None:
        """Stand before a sentence."""
        items, told = self._texts.items, [c[0] for c in self.choices]
        left = [n for n in range(len(items)) if n not in told]
        before = items[told[-1]].group if told else None
        free = (n for n in left if all(set(told) & set(group) for group in items[n].after))
        self._nodes = tuple(self._texts.root(n, before) for n in (free if told else left[:1]))
        self._may_end = bool(told) and not any(items[n].required for n in left)
