"""How true, how fast and how large an exported model is, on fact sets it never saw.

    python models/recipe/evaluate.py models/mini --count 2000

Texts are chosen as the board chooses them: 8 bits, one thread, the likeliest token that leads
to a true clause. What the model has learnt shows where it is let free: then it writes any word,
only its slots are bound, and a text is wrong if the guard refuses it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import corpus

from healthslm.language import guard, slm, slots, writer
from healthslm.language.facts import Facts
from healthslm.language.plan import Plan, plan
from healthslm.language.script import script

CHOOSING, JUDGING = 1_000_003, 2_000_003  # seeds of fact sets: of checkpoints, of the figures
UNTRUE = frozenset({"unknown sentence", "not planned", "not true", "no value", "twice"})
MISSING = frozenset({"left out", "action"})


@dataclass(frozen=True, slots=True)
class Trial:
    """One text, judged."""

    lang: str
    reasons: tuple[str, ...]
    tokens: int
    cpu_s: float


def trials(
    model: slm.Model, count: int, *, of: int = JUDGING, seed: int | None = None, free: bool = False
) -> Iterator[Trial]:
    """Choose, or write freely, and judge `count` texts of fact sets held out, languages in turn."""
    for n, (what, lang, _) in enumerate(corpus.plans(of, count, held_out=True)):
        said = script(what, lang, n)
        job = slm.parsed(writer.free_job(what, lang, seed) if free else said.job(seed))
        before = time.process_time()
        answer = model.answer(job)
        cpu_s = time.process_time() - before
        text = answer if free else said.text(answer)
        yield Trial(lang, reasons(text, what, lang), len(text), cpu_s)


def reasons(text: Sequence[str], what: Plan, lang: str) -> tuple[str, ...]:
    """Return why the guard refuses a text, as tokens or as it will be read; none: it does not."""
    found = guard.check(text, what, lang).reasons
    return found or guard.check_text(slots.render(text, what, lang), what, lang).reasons


def wrong_texts(folder: Path, count: int) -> int:
    """Return how many of `count` texts, written freely, the guard refuses."""
    model = slm.Model(folder)
    return sum(bool(t.reasons) for t in trials(model, count, of=CHOOSING, free=True))


def figures(folder: Path, count: int) -> dict[str, object]:
    """Return everything that the model's card tells of its quality and cost."""
    model = slm.Model(folder)
    chosen, free = list(trials(model, count)), list(trials(model, count, free=True))
    cpu_ms = sorted(1000 * t.cpu_s for t in chosen)
    langs = sorted({t.lang for t in chosen})
    return {
        "texts": count,
        "chosen": {lang: _judged(chosen, lang) for lang in langs},
        "free": {lang: _judged(free, lang) for lang in langs},
        "free_tokens_per_cpu_s": round(sum(t.tokens for t in free) / sum(t.cpu_s for t in free)),
        "text_cpu_ms": {
            "p50": round(cpu_ms[count // 2], 1),
            "p95": round(cpu_ms[count * 95 // 100], 1),
        },
        "child": child(folder, min(count, 100)),
        "bytes": (folder / "model.onnx").stat().st_size,
    }


def _judged(texts: list[Trial], lang: str | None = None) -> dict[str, object]:
    texts = [t for t in texts if lang in (None, t.lang)]
    return {
        "texts": len(texts),
        "refused": sum(bool(t.reasons) for t in texts),
        "with_an_unsupported_claim": sum(bool(UNTRUE & set(t.reasons)) for t in texts),
        "with_a_claim_left_out": sum(bool(MISSING & set(t.reasons)) for t in texts),
        "reasons": dict(Counter(r for t in texts for r in t.reasons)),
    }


def child(folder: Path, count: int) -> dict[str, object]:
    """Return what summaries cost through the whole path: a process for both languages of each."""
    written, cpu_ms, rss_mb = [], [], 0.0
    for day in days(count):
        both = writer.summarise_all(day, corpus.languages(), folder, emergency="", timeout_s=60.0)
        written += both
        cpu_ms.append(sum(w.cpu_ms for w in both))
        rss_mb = max(rss_mb, *(w.rss_mb for w in both))
    cpu_ms.sort()
    return {
        "summaries": len(written),
        "by_the_template": sum(w.summary.source == "template" for w in written),
        "attempts": sum(w.attempts for w in written),
        "both_languages_cpu_ms": {
            "p50": round(cpu_ms[count // 2], 1),
            "p95": round(cpu_ms[count * 95 // 100], 1),
        },
        "rss_mb": rss_mb,
    }


def days(count: int) -> Iterator[Facts]:
    """Return invented days whose combination of facts training never saw."""
    draw = Random(JUDGING)  # noqa: S311 - invented days, not secrets
    while count:
        day = corpus.facts(draw)
        if corpus.is_held_out(plan(day)):
            yield day
            count -= 1


def write(folder: Path, count: int) -> None:
    """Put the figures and the card into the model's folder, and seal it."""
    from card import card
    from export import seal

    found = figures(folder, count)
    (folder / "evaluation.json").write_text(json.dumps(found, indent=1) + "\n")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "CARD.md").write_text(card(manifest, found))
    seal(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Judge a model on fact sets it never saw.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=4000, help="texts, both languages together")
    parser.add_argument("--write", action="store_true", help="into the model's folder, with a card")
    given = parser.parse_args()
    if given.write:
        write(given.folder, given.count)
    else:
        json.dump(figures(given.folder, given.count), sys.stdout, indent=1)
        sys.stdout.write("\n")
