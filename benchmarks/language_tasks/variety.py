"""Whether one person would read the same words again.

`distinct`: different texts among 1,000 renderings of one fact set, all of them accepted by the
guard (`correct`, %). `repeats`: sentences in a fortnight of one person's summaries that stood
in an earlier one of them, though the facts left other words; over 40 persons whose days
resemble each other, in each language. `forced`: those for which there were no other words.
"""

from __future__ import annotations

from random import Random

from benchmarks.invented import LANGUAGES, cases
from benchmarks.judged import accepted, model, read, share
from healthslm.bench import Goal, Result
from healthslm.language import slm
from healthslm.language.facts import Facts
from healthslm.language.plan import Plan, plan
from healthslm.language.script import script

RENDERINGS, PERSONS, DAYS, DAY_S = 1000, 40, 14, 86_400.0


def measure(seed: int, n: int, peers: object) -> list[Result]:
    """Return the figures; `n` is not used."""
    chooser = model()
    found, correct = [], 0
    for lang in LANGUAGES:
        what = next(p for c in cases(seed, 200) if len((p := plan(c.facts())).items) == 4)
        texts = set()
        for turn in range(RENDERINGS):
            said = script(what, lang, turn)
            pieces = said.text(chooser.answer(slm.parsed(said.job(turn))))
            texts.add(shown := read(pieces, what, lang))
            correct += accepted(shown, what, lang)
        found.append(len(texts))
    repeats = [
        fortnight(chooser, seed + person, lang) for person in range(PERSONS) for lang in LANGUAGES
    ]
    metrics = {
        "distinct": float(min(found)),
        "correct": share(correct, RENDERINGS * len(LANGUAGES)),
        "repeats": float(sum(free for free, _ in repeats)),
        "forced": float(sum(forced for _, forced in repeats)),
        "sentences": float(PERSONS * len(LANGUAGES) * DAYS * 4),
    }
    goals: dict[str, Goal] = {
        "distinct": (">=", 200.0),
        "correct": (">=", 100.0),
        "repeats": ("<=", 0.0),
    }
    return [Result("variety", "invented days", f"seed {seed}", metrics, goals)]


def fortnight(chooser: slm.Model, seed: int, lang: str) -> tuple[int, int]:
    """Return the sentences that came again within a fortnight: needlessly, and of necessity."""
    draw, free, forced = Random(seed), 0, 0  # noqa: S311 - invented days
    said_before: set[tuple[str, ...]] = set()
    for what in days(seed, draw):
        told = script(what, lang, what.day)
        choices = chooser.answer(slm.parsed(told.job()))
        for item, _, clause in choices:
            pieces = told.clauses[item][clause]
            if pieces in said_before:
                if said_before.issuperset(script(what, lang, whole=True).clauses[item]):
                    forced += 1
                else:
                    free += 1
            said_before.add(pieces)
    return free, forced


def days(seed: int, draw: Random) -> list[Plan]:
    """Return a fortnight of one person: two kinds of day that take turns, as draws have it.

    The person is no stranger: after five days every value has its usual range.
    """
    every = (c.facts() for c in cases(seed, 60) if c.lang == "en")
    kinds = [f for f in every if plan(f).item("learning") is None][:2]
    out = []
    for n in range(DAYS):
        facts = draw.choice(kinds)
        t0_s = 1_800_000_000.0 + n * DAY_S
        moved = Facts(t0_s, t0_s + DAY_S, "UTC", facts.facts)
        out.append(plan(moved))
    return out
