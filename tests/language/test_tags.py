"""Every clause was tagged a second time by somebody who saw the sentence alone: both agree."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from healthslm.language import tokens
from healthslm.language.wording import Clause, languages, load, meanings

FOLDER = Path(__file__).with_name("tags")
every_language = pytest.mark.parametrize("lang", languages())

Tag = tuple[str, frozenset[str], tuple[str, ...]]

GUARANTEED = {  # a claim, and the categories of which one must hold by the clause's `when`
    "one": ("times", {"one"}),
    "several": ("times", {"several"}),
    "night": ("part", {"night"}),
    "day": ("part", {"day"}),
    "again": ("again", {"yes"}),
    "above": ("vs", {"above"}),
    "within": ("vs", {"usual"}),
    "below": ("vs", {"below"}),
    "rising": ("way", {"rising"}),
    "falling": ("way", {"falling"}),
    "full": ("share", {"full"}),
    "partly": ("share", {"part", "little"}),
    "little": ("share", {"little"}),
    "all": ("extent", {"all"}),
    "serious": ("severity", {"red", "amber"}),
    "minor": ("severity", {"info"}),
}
ALWAYS = {  # what a kind means anyway
    "apnoea_night": {"night", "several"},
    "oxygen_dips": {"night", "several"},
    "baseline_shift": {"night", "several"},
    "bigeminy": {"several"},
    "inactivity": {"above"},
}


def written(lang: str) -> dict[str, Tag]:
    """Return the tags of a language by sentence."""
    rows = {}
    for line in (FOLDER / f"{lang}.tsv").read_text(encoding="utf-8").splitlines():
        key, topic, claims, roles = line.split("\t")
        assert key not in rows
        rows[key] = (
            topic,
            frozenset() if claims == "-" else frozenset(claims.split()),
            () if roles == "-" else tuple(roles.split(",")),
        )
    return rows


def key(kind: str, clause: Clause) -> str:
    """Return a clause with its values as units."""
    units = {name: slot.unit for name, slot in meanings().kinds[kind].slots.items()}
    return tokens.detokenise(
        f"[{units[p.partition('.')[2][:-1]]}]" if tokens.is_slot(p) else p for p in clause.pieces
    )


def disagreements(kind: str, clause: Clause, tag: Tag) -> Iterator[str]:
    """Yield what the reader took otherwise than the wording means it."""
    topic, claims, roles = tag
    if topic != kind:
        yield f"topic {topic}"
    if roles != clause.fields:
        yield f"roles {roles}"
    when = dict(clause.when)
    for claim in claims & set(GUARANTEED) - ALWAYS.get(kind, set()):
        name, values = GUARANTEED[claim]
        possible = when.get(name, tuple(meanings().categories[name]))
        if name not in meanings().kinds[kind].categories or not set(possible) <= values:
            yield f"claims {claim}"
    if "you" in claims and set(clause.levels) & {"clinician"}:
        yield "speaks to the person in a clinician's note"
    if "they" in claims and set(clause.levels) & {"plain", "plainer"}:
        yield "speaks of the person to the person"


def clauses(lang: str) -> list[tuple[str, Clause]]:
    return [(kind, c) for kind, rows in load(lang).clauses.items() for c in rows]


@every_language
def test_every_sentence_was_read_blind_and_is_taken_as_it_is_meant(lang: str) -> None:
    tags = written(lang)
    bad = []
    for kind, clause in clauses(lang):
        tag = tags.pop(key(kind, clause), None)
        wrong = ["not tagged"] if tag is None else list(disagreements(kind, clause, tag))
        bad += [f"{kind}, {w}: {key(kind, clause)}" for w in wrong]
    assert not bad, "\n".join(bad)
    assert not tags, f"{len(tags)} tags of sentences that are gone"


@every_language
def test_wrong_tags_that_are_planted_are_found(lang: str) -> None:
    """Another kind, a value for its neighbour, a condition taken away: hardly one is missed."""
    tags, draw = written(lang), Random(lang)
    found = planted = 0
    for kind, clause in clauses(lang):
        tag = tags[key(kind, clause)]
        for spoilt_kind, spoilt in spoilt_clauses(kind, clause, tag, draw):
            planted += 1
            found += any(True for _ in disagreements(spoilt_kind, spoilt, tag))
    assert planted > 5000
    assert found == planted


def spoilt_clauses(
    kind: str, clause: Clause, tag: Tag, draw: Random
) -> Iterator[tuple[str, Clause]]:
    """Yield the clause under another kind, with swapped values, without what it relies on."""
    yield draw.choice([k for k in meanings().kinds if k != kind]), clause
    at = [n for n, p in enumerate(clause.pieces) if tokens.is_slot(p)]
    if len(at) > 1:
        pieces = list(clause.pieces)
        pieces[at[0]], pieces[at[-1]] = pieces[at[-1]], pieces[at[0]]
        yield kind, replace(clause, pieces=tuple(pieces))
    relied = [GUARANTEED[c][0] for c in tag[1] & set(GUARANTEED) - ALWAYS.get(kind, set())]
    if relied and clause.when:
        yield kind, replace(clause, when=tuple(w for w in clause.when if w[0] not in relied))
