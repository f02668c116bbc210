"""MobileLLM's claims, tried on our task: one thing changed at a time, at equal weights and tokens.

The baseline is MobileLLM-125M in small (Liu et al. 2024, arXiv:2402.14905): deep and thin, three
query heads to a key head, SwiGLU, embeddings tied to the head. Every variant has as many weights
in all: what its change costs or spares is taken from or given to the feed-forward. It learns the
same texts in the same order as the baseline of its seed; seeds differ in texts, order and start.

One language, so that the embeddings are about as large a share of the weights as in MobileLLM
(a sixth), and so few texts that a run takes minutes: what is compared is how fast each learns.

    python models/recipe/ablate.py --out models/recipe

A run that stands in `ablation.json` is not done again; `ablation.md` is its part of the card.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import claims
import corpus
import evaluate
import numpy as np
import torch
import torch.nn.functional as F
from equal import faithful, fitted
from model import Decoder, Shape
from train import IGNORED, Pair, Plan, Trainer, batches, tensors
from writing import Asked, written

from healthslm.language import guard, tokens
from healthslm.language.tokens import Vocabulary
from healthslm.language.wording import load, meanings

LANG = "en"
BASE = {"layers": 6, "width": 96, "heads": 3, "kv_heads": 1, "ffn": 256, "context": 128}


@dataclass(frozen=True, slots=True)
class Variant:
    """What is changed of the baseline; a size that is not named here is the baseline's."""

    name: str
    sizes: dict[str, int] = field(default_factory=dict)


BASELINE = Variant("baseline")
VARIANTS = (
    BASELINE,
    Variant("wide and shallow", {"layers": 2, "width": 156, "head_dim": 52}),
    Variant("head of its own", {"tied": False}),
    Variant("full heads", {"kv_heads": 3}),
    Variant("GELU", {"gated": False}),
    Variant("each block twice", {"repeat": 2}),
)

LONGER, LOOKED_AT_LONGER = 2, ("baseline", "wide and shallow")
"""Times as many texts, with the first seed: does what is so at first stay so?"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all runs have in common; runs of other settings or other clauses are not compared."""

    texts: int = 12_800  # that a run learns
    batch: int = 16
    rate: float = 4e-3
    validation: int = 400  # texts held out whose loss is taken
    written: int = 300  # texts that each model writes, of facts held out
    lang: str = LANG
    base: dict[str, int] = field(default_factory=lambda: dict(BASE))
    wording: str = field(default_factory=corpus.wording_hash)


# ---- one run ------------------------------------------------------------------------------


def said(lang: str) -> Vocabulary:
    """Return the vocabulary without the words of other languages."""
    wording = load(lang)
    known = [*wording.known, *(p.pieces for p in (*wording.openings, *wording.links))]
    words = {piece for pieces in known for piece in pieces}
    return Vocabulary(
        tuple(t for t in corpus.vocabulary().tokens if t.startswith("<") or t in words)
    )


def examples(
    vocabulary: Vocabulary, lang: str, seed: int, count: int, *, held_out: bool = False
) -> list[Pair]:
    """Return pairs of one language; equal for equal seeds."""
    out = []
    for what, spoken, rng in corpus.plans(seed, count * len(corpus.languages()), held_out):
        if spoken == lang:
            prompt = what.prompt(lang)
            ids = vocabulary.encode([*prompt, *corpus.text(rng, what, lang)])
            out.append(Pair(np.array(ids, np.int16), len(prompt)))
    return out


@torch.no_grad()
def loss(model: Decoder, pairs: Sequence[Pair], batch: int = 50) -> float:
    """Return the loss per target token, in float32."""
    total, count = 0.0, 0
    ordered = sorted(pairs, key=lambda pair: len(pair.ids))
    for begin in range(0, len(pairs), batch):
        read, targets = tensors(ordered[begin : begin + batch])
        logits = model(read).flatten(0, 1)
        total += F.cross_entropy(
            logits, targets.flatten(), ignore_index=IGNORED, reduction="sum"
        ).item()
        count += int((targets != IGNORED).sum())
    return total / count


def refused(text: Sequence[str], what: Any, lang: str) -> tuple[int, int]:
    """Return how many sentences of a text the guard refuses, and how many there are."""
    pieces = [p for p in text if p != tokens.END and not p.startswith("<action.")]
    sentences, wrong, before = tokens.sentences(pieces), 0, None
    for sentence in sentences:
        found = guard._understood(sentence, what, load(lang), before)
        if isinstance(found, str):
            wrong += 1
        else:
            before = meanings().group(found.kind)
    return wrong, len(sentences)


def judged(model: Decoder, asked: Sequence[Asked], vocabulary: Vocabulary) -> dict[str, float]:
    """Return what the guard refuses, in %, of texts that are written freely."""
    texts = written(model, asked, vocabulary)
    pairs = [(text, *plan) for text, plan in zip(texts, asked, strict=True)]
    sentences = [refused(*pair) for pair in pairs]
    wrong, count = (sum(column) for column in zip(*sentences, strict=True))
    return {
        "sentences": count,
        "sentences_refused_pct": round(100 * wrong / max(count, 1), 3),
        "texts_refused_pct": round(
            100 * sum(bool(evaluate.reasons(*pair)) for pair in pairs) / len(pairs), 3
        ),
    }


class Bench:
    """Trains and judges one variant after another on the same texts."""

    def __init__(self, settings: Settings) -> None:
        of, lang = evaluate.JUDGING, settings.lang
        self.settings, self.vocabulary = settings, said(lang)
        plans = corpus.plans(of, settings.written * len(corpus.languages()), held_out=True)
        self.asked = [(what, spoken) for what, spoken, _ in plans if spoken == lang]
        self.held = examples(self.vocabulary, lang, of, settings.validation, held_out=True)
        self._learnt: tuple[tuple[int, int], list[Pair]] = ((0, 0), [])

    def shape(self, variant: Variant) -> Shape:
        """Return the sizes of a variant."""
        return fitted(len(self.vocabulary), self.settings.base, variant.sizes)

    def run(self, variant: Variant, seed: int, texts: int) -> dict[str, Any]:
        """Return what came of one variant and one seed, after so many texts."""
        before = time.process_time()
        s, shape = self.settings, self.shape(variant)
        sizes = {k: v for k, v in asdict(shape).items() if k != "vocabulary"}
        trainer = Trainer(Plan(seed, texts, s.batch, s.rate, shape=sizes), self.vocabulary)
        weights, multiplications = faithful(trainer.model, shape)
        pairs = self._pairs(seed, texts)
        for chosen in batches(pairs, trainer.plan):
            trainer.advance([pairs[i] for i in chosen])
        return {
            "variant": variant.name,
            "seed": seed,
            "learnt": texts,
            "shape": asdict(shape),
            "parameters": weights,
            "multiplications": multiplications,
            "tokens": trainer.tokens,
            "loss": round(loss(trainer.model, self.held), 5),
            **judged(trainer.model, self.asked, self.vocabulary),
            "learning_cpu_s": round(trainer.cpu_s, 1),
            "cpu_s": round(time.process_time() - before, 1),
        }

    def _pairs(self, seed: int, texts: int) -> list[Pair]:
        if self._learnt[0] != (seed, texts):
            made = examples(self.vocabulary, self.settings.lang, seed, texts)
            self._learnt = (seed, texts), made
        return self._learnt[1]


# ---- all of them --------------------------------------------------------------------------


def ablate(
    out: Path, settings: Settings, seeds: int, variants: Sequence[Variant] = VARIANTS
) -> list[dict[str, Any]]:
    """Do the runs that are not yet in `out`, and write what came of all."""
    path, bench = out / "ablation.json", Bench(settings)
    common, done = {"settings": asdict(settings)}, _done(path, settings)
    wanted = [(v, seed, settings.texts) for seed in range(1, seeds + 1) for v in variants]
    wanted += [(v, 1, LONGER * settings.texts) for v in variants if v.name in LOOKED_AT_LONGER]
    runs = []
    for variant, seed, texts in wanted:
        asked = {"variant": variant.name, "seed": seed, "learnt": texts}
        asked["shape"] = asdict(bench.shape(variant))
        run = next((r for r in done if asked.items() <= r.items()), None)
        if run is None:
            run = bench.run(variant, seed, texts)
            done.append(run)
            _write(path, common | {"runs": done})
            print(_line(run), flush=True)
        runs.append(run)
    found = claims.compared([r for r in runs if r["learnt"] == settings.texts])
    others = [r for r in done if r not in runs]  # of more seeds than are asked for now
    _write(path, common | {"compared": found, "runs": runs + others})
    (out / "ablation.md").write_text(claims.page(common["settings"], runs, found))
    return runs


def _done(path: Path, settings: Settings) -> list[dict[str, Any]]:
    """Return the runs that were done with these settings."""
    if not path.exists():
        return []
    before = json.loads(path.read_text())
    return list(before["runs"]) if before["settings"] == asdict(settings) else []


def _write(path: Path, content: object) -> None:
    """Write JSON; the old file stands until the new one is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, indent=1) + "\n")
    new.replace(path)


def _line(run: dict[str, Any]) -> str:
    return (
        f"seed {run['seed']}  {run['learnt']:,} texts  {run['variant']:<18} "
        f"{run['parameters']:,} weights  loss {run['loss']:.4f}  "
        f"refused: {run['sentences_refused_pct']:.1f} % of sentences, "
        f"{run['texts_refused_pct']:.1f} % of texts  {run['cpu_s'] / 60:.1f} CPU min"
    )


def main() -> int:
    """Train what is missing; write the table."""
    parser = argparse.ArgumentParser(description="Try MobileLLM's claims on our task.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--texts", type=int, default=Settings().texts, help="that a run learns")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    ablate(asked.out, Settings(texts=asked.texts), asked.seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
