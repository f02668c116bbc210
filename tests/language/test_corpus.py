"""The corpus: the same from a seed, true, varied, and never of what is held out."""

from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random
from runpy import run_path
from types import SimpleNamespace

from healthslm.language import slots, tokens
from healthslm.language.wording import languages, load, meanings, vocabulary

HELD_OUT = (
    "<fact:inactivity> <severity:red> <times:one> <again:yes> <part:mixed> "
    "<fact:bradypnoea> <severity:info> <times:several> <again:yes> <part:mixed> "
    "<fact:doubt> <fact:pulse> <vs:above> <action:red> <text>"
)
corpus = SimpleNamespace(**run_path(str(Path(__file__).parents[2] / "models/recipe/corpus.py")))


def test_a_seed_gives_one_corpus_and_another_seed_another():
    assert list(corpus.pairs(5, 40)) == list(corpus.pairs(5, 40))
    assert list(corpus.pairs(5, 40)) != list(corpus.pairs(6, 40))
    assert list(islice(corpus.pairs(5, 400), 40)) == list(corpus.pairs(5, 40))


def test_prompts_and_texts_have_the_form_the_model_learns():
    for n, (prompt, text) in enumerate(corpus.pairs(7, 300)):
        assert prompt[0] == tokens.language(languages()[n % len(languages())])
        assert (prompt[-1], text[-1]) == (tokens.TEXT, tokens.END)
        assert prompt[-2] == "<" + text[-2][1:-1].replace(".", ":") + ">"  # the same action
        assert len(prompt) + len(text) <= 128


def test_the_slots_of_a_text_are_allowed_and_all_that_are_required_are_there():
    for what, lang, rng in corpus.plans(8, 300):
        held = {p for p in corpus.text(rng, what, lang) if tokens.is_slot(p)}
        assert set(slots.required(what)) <= held <= set(slots.allowed(what))


def test_one_combination_in_ten_is_held_out_and_training_never_sees_it():
    held = {" ".join(what.prompt("")) for what, _, _ in corpus.plans(9, 300, held_out=True)}
    seen = {" ".join(what.prompt("")) for what, _, _ in corpus.plans(9, 3000)}
    assert held
    assert not held & seen
    drawn = Counter(corpus.is_held_out(corpus.plan(corpus.facts(Random(n)))) for n in range(3000))
    assert 0.06 < drawn[True] / 3000 < 0.16


def test_what_is_held_out_does_not_change_with_the_language_or_the_run():
    (what, _, _) = next(corpus.plans(1, 1, held_out=True))
    assert corpus.is_held_out(what)
    assert " ".join(what.prompt("")[2:]) == HELD_OUT


def test_every_kind_action_and_clause_is_taught():
    kinds: set[str] = set()
    actions: set[str] = set()
    said: set[tuple[str, ...]] = set()
    for what, lang, rng in corpus.plans(10, 14_000):
        kinds |= {item.kind for item in what.items}
        actions.add(what.action)
        said |= {(lang, *s) for s in tokens.sentences(corpus.text(rng, what, lang)[:-2])}
    assert kinds == set(meanings().kinds)
    assert actions == set(meanings().actions)
    clauses = [
        (lang, *c.pieces) for lang in languages() for r in load(lang).clauses.values() for c in r
    ]
    assert sum(c in said for c in clauses) >= 0.9 * len(clauses)
    assert sum(len(r) for r in load("en").clauses.values()) >= 2400
    assert len(vocabulary()) < 3072


def test_one_day_can_be_told_in_many_ways():
    """Two hundred tellings of one day, at least half of them different."""
    what, lang, rng = next(corpus.plans(11, 1))
    assert len({tuple(corpus.text(rng, what, lang)) for _ in range(200)}) > 100
