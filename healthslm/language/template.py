"""The plain text that stands in for the model: of each item a true clause that tells enough.

It is chosen by the plan alone, so that the same facts always give the same words,
and it always passes the guard.
"""

from __future__ import annotations

from collections.abc import Sequence

from healthslm.language import slots, tokens
from healthslm.language.plan import Item, Plan
from healthslm.language.wording import Clause, Wording, load, meanings


def compose(plan: Plan, lang: str) -> list[str]:
    """Return the tokens of the text that stands in for the model, ending in `<end>`."""
    wording = load(lang)
    sentences = [_plainest(item, wording, plan.level).pieces for item in plan.items]
    return finished(sentences, plan)


def _plainest(item: Item, wording: Wording, level: str) -> Clause:
    """Return the first true clause that holds what its kind prefers, else the first one."""
    true = true_clauses(item, wording, level)
    wanted = {name for name in meanings().kinds[item.kind].prefers if slots.has(item, name)}
    return next((c for c in true if wanted <= set(c.fields)), true[0])


def finished(sentences: Sequence[Sequence[str]], plan: Plan) -> list[str]:
    """Return sentences as one text, with the action of the plan and `<end>`."""
    pieces = [piece for sentence in sentences for piece in sentence]
    return [*pieces, tokens.slot("action", plan.action), tokens.END]


def true_clauses(item: Item, wording: Wording, level: str) -> list[Clause]:
    """Return the clauses of an item's kind that are true of it, in the order written.

    Whose values it holds, and who speak to whom `level` says.
    """
    categories = dict(item.categories)
    return [
        c
        for c in wording.clauses[item.kind]
        if level in c.levels
        and c.holds(categories)
        and all(slots.has(item, name) for name in c.fields)
    ]
