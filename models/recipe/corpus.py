"""The corpus the bundled model learns from: plans of invented days, and ways to say them.

Nothing is downloaded and nothing is recorded: facts are drawn from a seed, the plan
and the clauses of `healthslm/language/wording` make the texts. One combination of
facts in ten is held out, by a hash that never changes: training never sees it.

    python models/recipe/corpus.py --seed 1 --count 3 --lang es
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator, Sequence
from random import Random
from typing import cast

from healthslm.language import slots, template, tokens
from healthslm.language.facts import (
    NOTICED,
    SENSOR_KINDS,
    TOLD,
    TREND_STEP,
    Fact,
    Facts,
    Value,
    printed,
)
from healthslm.language.plan import Item, Plan, plan
from healthslm.language.wording import Clause, languages, load, lowered, meanings
from healthslm.language.wording import fingerprint as wording_hash
from healthslm.language.wording import vocabulary as vocabulary
from healthslm.records import Severity

__all__ = ["facts", "is_held_out", "pairs", "plans", "text", "vocabulary", "wording_hash"]

HELD_OUT = 10  # one combination in so many
DAY_S = 86_400.0
MAX_WORDS = 20  # no opening and no link makes a sentence longer

_MEASURES = {  # kind: typical range to draw from, decimals, spread of the usual range
    "pulse": (38.0, 125.0, 0, 12.0),
    "oxygen": (82.0, 100.0, 0, 3.0),
    "temperature": (35.0, 39.9, 1, 0.6),
    "breathing": (7.0, 34.0, 0, 5.0),
}
_FINDINGS = {  # kind: (range of its worst value, decimals, limits)
    "tachycardia": ((100.0, 220.0), 0, (100.0, 120.0, 150.0)),
    "bradycardia": ((20.0, 50.0), 0, (40.0, 50.0)),
    "pause": ((2.0, 9.0), 1, ()),
    "ventricular_run": ((100.0, 260.0), 0, ()),
    "ventricular_ectopy": ((0.1, 45.0), 2, ()),
    "supraventricular_ectopy": ((0.1, 45.0), 2, ()),
    "desaturation": ((60.0, 94.0), 0, (92.0, 94.0)),
    "oxygen_dips": ((5.0, 80.0), 1, ()),
    "tachypnoea": ((21.0, 45.0), 0, (21.0, 25.0)),
    "bradypnoea": ((2.0, 8.0), 0, (8.0,)),
    "apnoea_night": ((5.0, 50.0), 1, ()),
    "glucose_low": ((30.0, 69.0), 0, (54.0, 70.0)),
    "glucose_high": ((180.0, 480.0), 0, (180.0, 250.0)),
    "fever": ((38.0, 41.5), 1, (38.0,)),
    "hypothermia": ((30.0, 35.0), 1, (35.0,)),
    "hypertension": ((130.0, 230.0), 0, ()),
    "hypotension": ((60.0, 90.0), 0, ()),
    "baseline_shift": ((2.0, 9.0), 0, ()),
}
_SEVERITIES: tuple[Severity, ...] = ("info", "amber", "amber", "red")
_KINDS = (*TOLD, NOTICED, *sorted(SENSOR_KINDS))
_LEVELS = ("plain",) * 7 + ("plainer", "carer", "clinician")
_PARTS = ("night", "day", "mixed")
_SIGNALS = ("activity", "ecg", "heart_rate", "ppg", "respiration", "spo2", "temperature", "weight")


def pairs(seed: int, n: int, held_out: bool = False) -> Iterator[tuple[list[str], list[str]]]:
    """Return prompts and texts, as tokens, half of them in each language.

    Parameters
    ----------
    seed
        The same seed gives the same corpus.
    n
        How many.
    held_out
        Only combinations of facts that training never sees, or only the others.
    """
    for what, lang, rng in plans(seed, n, held_out):
        yield what.prompt(lang), text(rng, what, lang)


def plans(seed: int, n: int, held_out: bool = False) -> Iterator[tuple[Plan, str, Random]]:
    """Return the plans behind `pairs`, with their language and the draw that goes on."""
    rng = Random(seed)  # noqa: S311 - a corpus, not a secret
    langs, done = languages(), 0
    while done < n:
        what = plan(facts(rng), rng.choice(_LEVELS))
        if is_held_out(what) == held_out:
            yield what, langs[done % len(langs)], rng
            done += 1


def is_held_out(what: Plan) -> bool:
    """Tell whether a plan's combination of facts is kept from training, in any language."""
    combination = " ".join(what.prompt("")[2:])  # whatever the language and the level
    return zlib.crc32(combination.encode()) % HELD_OUT == 0


def text(rng: Random, what: Plan, lang: str) -> list[str]:
    """Return one way to say a plan: clauses, order, opening and links drawn at random."""
    wording = load(lang)
    sentences: list[Sequence[str]] = []
    before = ""
    for item in _order(rng, what.items):
        pieces = rng.choice(template.true_clauses(item, wording, what.level)).pieces
        group = meanings().group(item.kind)
        if not sentences:
            prefixes, share = wording.openings, 0.5
        else:
            prefixes, share = wording.links, 0.3 if group == before else 0.0
        if rng.random() < share:
            fitting = [p for p in prefixes if what.level in p.levels]
            pieces = _prefixed(rng, fitting, group, pieces)
        sentences.append(pieces)
        before = group
    return template.finished(sentences, what)


def _order(rng: Random, items: tuple[Item, ...]) -> list[Item]:
    """Return the items, sometimes with two neighbouring measures changed about."""
    out = list(items)
    groups = [meanings().group(i.kind) for i in out]
    free = [n for n in range(2, len(out)) if groups[n - 1] == groups[n] == "measure"]
    if free and rng.random() < 0.25:
        n = rng.choice(free)
        out[n - 1], out[n] = out[n], out[n - 1]
    return out


def _prefixed(
    rng: Random, prefixes: Sequence[Clause], group: str, pieces: tuple[str, ...]
) -> tuple[str, ...]:
    fitting = [p.pieces for p in prefixes if p.holds({"group": group})]
    fitting = [p for p in fitting if length((*p, *pieces)) <= MAX_WORDS]
    return (*rng.choice(fitting), *lowered(pieces)) if fitting else pieces


def length(pieces: Sequence[str]) -> int:
    """Return how many words a sentence has, about: a slot is read as three."""
    return sum(3 if tokens.is_slot(p) else p[0].isalpha() for p in pieces)


# ---- invented days ------------------------------------------------------------------------


def facts(rng: Random) -> Facts:
    """Return the facts of one invented day: quiet, grave, sparse or wholly unknown."""
    t0_s = 86_400.0 * rng.randrange(18_000, 30_000)
    if rng.random() < 0.2:
        t0_s += 900.0 * rng.randrange(96)
    t1_s = t0_s + (DAY_S if rng.random() < 0.8 else 60.0 * rng.randrange(10, 10_000))
    known = 0.0 if rng.random() < 0.06 else rng.choice((0.3, 0.7, 0.95, 1.0))
    usual = rng.choice((0.0, 0.5, 1.0))
    measures = _measures(rng, known, usual, t0_s, t1_s)
    count = rng.choices(range(9), (30, 25, 15, 10, 7, 5, 4, 2, 2))[0]
    kinds = sorted(rng.sample(_KINDS, count), key=_KINDS.index)
    kinds = kinds if known else [kind for kind in kinds if kind in SENSOR_KINDS]
    measures += _trends(rng, measures)
    found = [_finding(rng, kind, measures, t0_s, t1_s) for kind in kinds]
    rest = _knowledge(rng, measures, known, t1_s - t0_s)
    zone = rng.choice(("UTC", "Europe/Madrid", "America/New_York"))
    return Facts(t0_s, t1_s, zone, (*found, *measures, *rest))


def _measures(rng: Random, known: float, usual: float, t0_s: float, t1_s: float) -> list[Fact]:
    out = []
    for kind, (low, high, decimals, spread) in _MEASURES.items():
        if rng.random() >= known:
            continue
        typical = printed(rng.uniform(low, high), decimals)
        values: list[tuple[str, Value]] = [("typical", typical)]
        vs = "unknown"
        if rng.random() < usual:
            at = typical + rng.uniform(-2.0, 2.0) * spread
            ends = [printed(at + rng.random() * spread * s, decimals) for s in (-1, 1)]
            ends = [min(end, 100.0) for end in ends]  # of oxygen, no more can be
            vs = "below" if typical < ends[0] else "above" if typical > ends[1] else "usual"
            values += [("usual_low", ends[0]), ("usual_high", ends[1])]
        out.append(Fact(kind, "info", (("vs", vs),), tuple(values)))
        if kind == "pulse":
            ends = [printed(typical - rng.uniform(0, 15)), printed(typical + rng.uniform(0, 90))]
            out.append(Fact("pulse_range", "info", (), (("low", ends[0]), ("high", ends[1]))))
        if kind == "oxygen":
            lowest = printed(typical - rng.uniform(0, 12))
            at = 60.0 * (rng.uniform(t0_s, t1_s) // 60)
            out.append(Fact("oxygen_low", "info", (), (("lowest", lowest), ("at", at))))
    return out


def _trends(rng: Random, measures: list[Fact]) -> list[Fact]:
    out = []
    for fact in measures:
        if fact.kind in TREND_STEP and rng.random() < 0.25:
            way = rng.choice(("rising", "falling"))
            step = TREND_STEP[fact.kind] * rng.uniform(1.0, 4.0) * (1 if way == "rising" else -1)
            last = cast("float", fact.value("typical"))
            first = printed(last - step, _MEASURES[fact.kind][2])
            values = (("first", first), ("last", last), ("days", float(rng.randint(5, 7))))
            out.append(Fact(f"{fact.kind}_trend", "info", (("way", way),), values))
    return out


def _finding(rng: Random, kind: str, measures: list[Fact], t0_s: float, t1_s: float) -> Fact:
    severity = _SEVERITIES[rng.randrange(len(_SEVERITIES))]
    at = sorted(rng.uniform(t0_s, t1_s) for _ in range(2))
    categories: list[tuple[str, str]] = []
    if kind == NOTICED:  # no name is in a text: any kind stands for all
        return Fact(kind, severity, (), (("what", "other"), ("start", at[0])))
    told, values = TOLD.get(kind), dict[str, Value](start=at[0])
    several = rng.random() < 0.5
    if told is None or not told.whole:
        categories.append(("times", "several" if several else "one"))
        if several:
            values["count"] = float(rng.randint(2, 40))
    length = rng.choice((rng.uniform(5.0, 3000.0), rng.uniform(600.0, 30_000.0)))
    is_open = rng.random() < 0.2
    if told is None:
        what = ",".join(sorted(rng.sample(_SIGNALS, rng.choice((1, 1, 2, 3)))))
        values |= {"what": what, "total": length} | ({"open": "yes"} if is_open else {})
        return Fact(kind, severity, tuple(categories), tuple(values.items()))
    if told.longest:
        values |= {"longest": length} | ({"open": "yes"} if is_open else {})
    values |= _worst(rng, kind, at[1] if several else at[0])
    if told.usual:
        own = next((m for m in measures if m.kind == told.usual), None)
        ends = [] if own is None else [v for v in own.values if v[0].startswith("usual")]
        values |= dict(ends)
        categories.append(("usual", "known" if ends else "unknown"))
    again = rng.random() < 0.3
    categories.append(("again", "yes" if again else "no"))
    if again:
        values["again"] = t0_s - DAY_S * rng.randint(1, 6)
    if not told.whole:
        categories.append(("part", "mixed" if is_open else rng.choice(_PARTS)))
    return Fact(kind, severity, tuple(categories), tuple(values.items()))


def _worst(rng: Random, kind: str, at_s: float) -> dict[str, Value]:
    told = TOLD[kind]
    if kind == "irregular_rhythm":
        return {"rate": printed(rng.uniform(40.0, 170.0))}
    if told.worst is None or (told.more and rng.random() < 0.1):
        return {}
    (low, high), decimals, limits = _FINDINGS[kind]
    values: dict[str, Value] = {}
    if limits:
        limit = rng.choice(limits)
        values["limit"] = limit
        low, high = (limit, high) if told.worst == "highest" else (low, limit)
    values[told.worst] = printed(rng.uniform(low, high), decimals)
    values |= {slot: printed(rng.uniform(60.0, 120.0)) for slot, _ in told.more}
    return values | ({"worst_at": at_s} if told.at else {})


def _knowledge(rng: Random, measures: list[Fact], known: float, span_s: float) -> list[Fact]:
    have = {m.kind for m in measures} | ({"rhythm"} if rng.random() < known else set())
    missing = [k for k in ("pulse", "rhythm", *list(_MEASURES)[1:]) if k not in have]
    out = []
    if have:
        share, part = rng.choice(
            (("full", (0.9, 1.0)), ("part", (0.25, 0.9)), ("little", (0.0, 0.25)))
        )
        watched = max(60.0, 60.0 * (rng.uniform(*part) * span_s // 60))
        values = [("watched", watched)]
        if share != "full":
            values.append(("unwatched", span_s - watched))
        out.append(Fact("coverage", "info", (("share", share),), tuple(values)))
    if missing:
        extent = "some" if have else "all"
        what: tuple[str, Value] = ("what", ",".join(missing))
        out.append(Fact("missing", "info", (("extent", extent),), (what,)))
    return out


def main(argv: list[str] | None = None) -> int:
    """Print some texts, as a patient would read them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--lang", choices=languages())
    args = parser.parse_args(argv)
    for what, lang, rng in plans(args.seed, args.count):
        lang = args.lang or lang
        written = slots.render(text(rng, what, lang), what, lang, emergency="112")
        sys.stdout.write(written + "\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
