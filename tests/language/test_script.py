"""What may be said beside what: the clauses that a script leaves to choose from."""

import pytest

from healthslm.language.plan import Item, Plan
from healthslm.language.script import script
from healthslm.language.wording import languages, load, meanings

MILD = ("severity", ("info",))
every_language = pytest.mark.parametrize("lang", languages())


def told(kind: str, action: str, lang: str) -> tuple[set[object], set[object]]:
    """Return what a script says of a mild finding, and what its clauses for mild ones are."""
    rows = [c for c in load(lang).clauses[kind] if MILD in c.when and "plain" in c.levels]
    categories = {name: allowed[0] for name, allowed in rows[0].when}
    for name, values in meanings().categories.items():
        if name in meanings().kinds[kind].categories:
            categories.setdefault(name, next(iter(values)))
    values = {name: 1.0 for name in meanings().kinds[kind].slots}
    item = Item(kind, tuple(categories.items()), tuple(values.items()))
    plan = Plan(0.0, 86_400.0, "UTC", (item, Item("doubt")), action)
    return set(script(plan, lang, whole=True).clauses[0]), {c.pieces for c in rows}


@every_language
def test_nothing_waits_for_the_next_visit_where_the_action_asks_for_a_call(lang: str) -> None:
    """A clause for mild findings ("show it at your next visit") contradicts "call today"."""
    kinds = [
        kind
        for kind, rows in load(lang).clauses.items()
        if any(MILD in c.when and "plain" in c.levels for c in rows)
    ]
    assert kinds
    seen = False
    for kind in kinds:
        alone, mild = told(kind, "info", lang)
        beside, _ = told(kind, "red", lang)
        seen |= bool(alone & mild)
        assert not beside & mild or beside <= mild, kind  # or there is nothing else to say
    assert seen
