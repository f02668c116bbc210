"""What a model may say of a plan: the true clauses, and the numbers by which it chooses them.

Of a wording's many clauses a text sees those of its turn. Turns go round in `TURNS`, a day
each: what was said on one day is not said on the next thirteen, as far as there are other
words for the same facts. Nothing has to be remembered for that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from healthslm.language import template, tokens
from healthslm.language.choices import Choice
from healthslm.language.plan import Item, Plan
from healthslm.language.wording import Clause, Pieces, Wording, load, lowered, meanings, prefixes

TURNS = 14
_LANGUAGES = {"en": "English", "es": "Spanish"}
PREFIX_TURNS = 3  # there are few openings and links, and a text may go without


@dataclass(frozen=True, slots=True)
class Script:
    """Every text that is true of a plan, this turn."""

    plan: Plan
    lang: str
    clauses: tuple[tuple[Pieces, ...], ...]  # of each item
    openings: tuple[tuple[Pieces, ...], ...]  # of each item, were it the first
    links: tuple[tuple[Pieces, ...], ...]  # of each item, were its like before it

    def job(self, seed: int | None = None, *, spelt: bool = False) -> dict[str, object]:
        """Return what the child is told: words and slots, never a value.

        `spelt`: as written text, for a model whose tokens are not our words.
        """
        say = _spelt if spelt else list
        return {
            "prompt": _asked(self) if spelt else self.plan.prompt(self.lang),
            "items": [
                {
                    "group": meanings().group(item.kind),
                    "required": item.required,
                    "clauses": [[say(c), say(lowered(c))] for c in clauses],
                    "openings": list(map(say, openings)),
                    "links": list(map(say, links)),
                    "after": self._before(item),
                }
                for item, clauses, openings, links in zip(
                    self.plan.items, self.clauses, self.openings, self.links, strict=True
                )
            ],
            "end": tokens.slot("action", self.plan.action),
            "seed": seed,
        }

    def _before(self, item: Item) -> list[list[int]]:
        """Return what is told before an item: graver findings; a value that it speaks of."""
        items, group = self.plan.items, meanings().group
        graver = items[: items.index(item)]
        after = [[n] for n, x in enumerate(graver) if group(x.kind) == "finding"]
        if item.kind == "learning":
            after.append([n for n, x in enumerate(items) if x.category("vs") == "unknown"])
        return after

    def free_job(self, told: str, seed: int | None = None) -> dict[str, object]:
        """Return the freer job of a model whose tokens are not our words; `told`: a true text."""
        lang, who = _LANGUAGES.get(self.lang, self.lang), meanings().levels[self.plan.level]
        prompt = f"{told}\n\nThe same in other words, in {lang}, for {who}, on one line:\n"
        return {"prompt": prompt, "slots_allowed": [], "slots_required": [], "seed": seed}

    def text(self, choices: Sequence[Choice]) -> list[str]:
        """Return the tokens of the text that was chosen, ending in `<end>`.

        Raises
        ------
        ValueError
            A number that stands for nothing.
        """
        sentences: list[Pieces] = []
        for n, (item, prefix, clause) in enumerate(choices):
            if not all(type(x) is int for x in (item, prefix, clause)):
                raise ValueError("a choice that is no number")
            if not (0 <= item < len(self.clauses) and 0 <= clause < len(self.clauses[item])):
                raise ValueError("a choice that was not given")
            pieces, prefixes = (
                self.clauses[item][clause],
                (self.links if n else self.openings)[item],
            )
            if prefix >= len(prefixes):
                raise ValueError("a choice that was not given")
            sentences.append(pieces if prefix < 0 else (*prefixes[prefix], *lowered(pieces)))
        return template.finished(sentences, self.plan)


def script(plan: Plan, lang: str, turn: int = 0, *, whole: bool = False) -> Script:
    """Return what may be said of a plan on a turn; `whole`: on any turn."""
    wording = load(lang)
    clauses = [_fitting(item, plan, wording) for item in plan.items]
    if not whole:
        rows = zip(plan.items, clauses, strict=True)
        clauses = [_on(turn, wording.clauses[i.kind], held, TURNS) for i, held in rows]
    begins = [
        _prefixes(wording.openings, i, plan.level, None if whole else turn) for i in plan.items
    ]
    links = [
        _prefixes(wording.links, item, plan.level, None if whole else turn + n)
        for n, item in enumerate(plan.items)  # each its own: none comes twice in a text
    ]
    if turn % 2 and not whole:  # a text need not have an opening
        begins = [() for _ in plan.items]
    spoken = tuple(tuple(c.pieces for c in held) for held in clauses)
    return Script(plan, lang, spoken, tuple(begins), tuple(links))


def _fitting(item: Item, plan: Plan, wording: Wording) -> list[Clause]:
    """Return the true clauses of an item that go with the rest of the text.

    What another item will say is not said twice, and nothing waits for the next visit where
    the action asks for a call.
    """
    unfit = []
    if plan.item("learning") is not None:
        unfit.append(("vs", ("unknown",)))
    if plan.action != "info":
        unfit.append(("severity", ("info",)))
    true = template.true_clauses(item, wording, plan.level)
    return [c for c in true if not set(unfit) & set(c.when)] or true


def _on(turn: int, rows: Sequence[Clause], held: Sequence[Clause], turns: int) -> list[Clause]:
    """Return those of `held` whose turn it is, or comes next.

    Turns go by the place among the `rows` of one condition, so that where these are enough
    for every turn, a clause comes back after all of them, whatever else is true meanwhile.
    Conditions with fewer rows share theirs.
    """
    if len(held) <= turns:
        return [held[turn % len(held)]]
    alike: dict[object, list[Clause]] = defaultdict(list)
    for clause in rows:
        if clause.levels == held[0].levels or clause in held:
            alike[clause.when].append(clause)
    few = [c for c in held if len(alike[c.when]) < turns]
    place = {c: n for group in alike.values() if len(group) >= turns for n, c in enumerate(group)}
    place |= {c: n for n, c in enumerate(few)}
    wait = {c: (place[c] - turn) % turns for c in held}
    first = min(wait.values())
    return [c for c in held if wait[c] == first]


def _prefixes(
    rows: Sequence[Clause], item: Item, level: str, turn: int | None
) -> tuple[Pieces, ...]:
    held = prefixes(rows, level, meanings().group(item.kind))
    if held and turn is not None:
        held = _on(turn, rows, held, PREFIX_TURNS)
    return tuple(c.pieces for c in held)


def _spelt(pieces: Pieces) -> str:
    """Return pieces as text; a slot by its name, which is all that a model is told of a value."""
    return tokens.detokenise(p.partition(".")[2][:-1] if tokens.is_slot(p) else p for p in pieces)


def _asked(script: Script) -> str:
    """Return a prompt in words, for a model that was taught elsewhere."""
    kinds, plan = meanings().kinds, script.plan
    told = [f"- {kinds[i.kind].means}" for i in plan.items]
    lang = _LANGUAGES.get(script.lang, script.lang)
    who = meanings().levels[plan.level]
    return (
        f"A health monitor at home saw this:\n{chr(10).join(told)}\n\n"
        f"A short summary in {lang} for {who}:\n"
    )
