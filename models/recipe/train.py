"""Train the bundled model: `python models/recipe/train.py --out DIR [--smoke] [--resume]`.

One pass over pairs that the corpus makes from a seed, with Muon for the matrices (Jordan
2024, as in `torch.optim.Muon`) and AdamW for embeddings and norms; the learning rate rises,
stays, and falls in a line to nothing. Everything is a function of the seed and the step, so
a run that was interrupted goes on where it stood.

Truth comes attribute by attribute, after fluency, and the loss hides it: checkpoints are
chosen by the claims that the exported model gets wrong on fact sets it has not seen.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import corpus
import evaluate
import numpy as np
import torch
import torch.nn.functional as F
from export import export, refuse, seal
from model import Decoder, Shape
from numpy.typing import NDArray
from torch import Tensor

from healthslm.language.tokens import TEXT, Vocabulary

IGNORED = -100  # a target that does not count: the prompt, and padding


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train."""

    seed: int = 1
    texts: int = 147_200
    batch: int = 32  # texts a step
    rate: float = 4e-3  # of AdamW; Muon's updates are scaled to match
    decay: float = 0.01
    rise: float = 0.03  # share of the steps in which the rate rises
    fall: float = 0.5  # share of the steps in which it falls
    checks: int = 5  # times the claims are counted, evenly over the fall
    check_texts: int = 400  # at each check, both languages together
    shape: dict[str, int] = field(default_factory=dict)  # sizes other than the usual

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.texts // self.batch

    def rate_at(self, step: int) -> float:
        """Return the share of the full learning rate at a step: a trapezoid."""
        done = (step + 0.5) / self.steps
        return min(1.0, done / self.rise, (1 - done) / self.fall)

    def checked(self, step: int) -> bool:
        """Tell whether claims are counted after this many steps."""
        every = max(1, round(self.fall * self.steps / self.checks))
        return step == self.steps or (
            step > (1 - self.fall) * self.steps and (self.steps - step) % every == 0
        )


SMOKE = Plan(texts=640, checks=1, check_texts=8, shape={"layers": 2, "width": 64, "ffn": 128})


@dataclass(frozen=True, slots=True)
class Pair:
    """One example as ids."""

    ids: NDArray[np.int16]  # (n,), prompt and text
    prompt: int  # tokens that are read, not learnt


def pairs(plan: Plan, vocabulary: Vocabulary) -> list[Pair]:
    """Return the training set; equal for equal seeds."""
    out = []
    for prompt, text in corpus.pairs(plan.seed, plan.texts):
        if prompt[-1] != TEXT:
            raise ValueError("a prompt must end where the text begins")
        ids = np.array(vocabulary.encode([*prompt, *text]), np.int16)
        out.append(Pair(ids, len(prompt)))
    return out


def batches(examples: Sequence[Pair], plan: Plan) -> list[list[int]]:
    """Return which examples each step takes: shuffled, then neighbours of like length together."""
    draw = random.Random(plan.seed)  # noqa: S311
    order = list(range(len(examples)))
    draw.shuffle(order)
    out = []
    for pool in (order[i : i + 32 * plan.batch] for i in range(0, len(order), 32 * plan.batch)):
        pool.sort(key=lambda i: len(examples[i].ids))
        out += [pool[i : i + plan.batch] for i in range(0, len(pool), plan.batch)]
    draw.shuffle(out)
    return out[: plan.steps]


def tensors(examples: Sequence[Pair]) -> tuple[Tensor, Tensor]:
    """Return tokens and targets, (batch, time) each; targets are the next tokens of the texts."""
    time_ = max(len(e.ids) for e in examples) - 1
    tokens = torch.zeros((len(examples), time_), dtype=torch.long)
    targets = torch.full((len(examples), time_), IGNORED)
    for row, e in enumerate(examples):
        ids = torch.from_numpy(e.ids.astype(np.int64))
        tokens[row, : len(ids) - 1] = ids[:-1]
        targets[row, e.prompt - 1 : len(ids) - 1] = ids[e.prompt :]
    return tokens, targets


class Trainer:
    """The model, its optimisers, and how far they are."""

    def __init__(self, plan: Plan, vocabulary: Vocabulary) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.wording = plan, corpus.wording_hash()
        self.step, self.cpu_s, self.tokens = 0, 0.0, 0
        self.model = Decoder(Shape(len(vocabulary), **plan.shape))
        matrices = [w for w in self.model.blocks.parameters() if w.ndim == 2]
        held = {id(w) for w in matrices}
        others = [w for w in self.model.parameters() if id(w) not in held]
        self.optimisers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(matrices, plan.rate, plan.decay, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, plan.rate, (0.9, 0.98), weight_decay=0.0),
        ]
        self.history: list[dict[str, float]] = []

    def advance(self, examples: Sequence[Pair]) -> float:
        """Take one step; return the loss per target token."""
        before = time.process_time()
        tokens, targets = tensors(examples)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(tokens)  # (batch, time, vocabulary)
        loss = F.cross_entropy(
            logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.plan.rate * self.plan.rate_at(self.step)
            optimiser.step()
            optimiser.zero_grad()
        self.step += 1
        self.tokens += sum(len(e.ids) for e in examples)
        self.cpu_s += time.process_time() - before
        return loss.item()

    def save(self, path: Path) -> None:
        """Write everything that the next step depends on; the old file stands until then."""
        content = {
            "of": (self.wording, asdict(self.plan)),
            "at": (self.step, self.cpu_s, self.tokens),
            "history": self.history,
            "model": self.model.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers],
        }
        torch.save(content, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote; ValueError where it had another plan or other clauses."""
        content = torch.load(path, weights_only=True)
        if content["of"] != (self.wording, asdict(self.plan)):
            raise ValueError("the interrupted run had another plan, or other clauses")
        self.step, self.cpu_s, self.tokens = content["at"]
        self.history = content["history"]
        self.model.load_state_dict(content["model"])
        for optimiser, state in zip(self.optimisers, content["optimisers"], strict=True):
            optimiser.load_state_dict(state)


def train(plan: Plan, out: Path, *, resume: bool = False, stop: int | None = None) -> Trainer:
    """Train, keep the checkpoint with the fewest wrong claims in `out`, return the last state.

    `stop` ends after that many steps, as an interruption would.
    """
    out.mkdir(parents=True, exist_ok=True)
    vocabulary = corpus.vocabulary()
    trainer, state = Trainer(plan, vocabulary), out / "state.pt"
    refuse(trainer.model.shape)  # before hours are spent on it
    if resume and state.exists():
        trainer.load(state)
    examples = pairs(plan, vocabulary)
    losses = []
    for chosen in batches(examples, plan)[trainer.step : stop]:
        losses.append(trainer.advance([examples[i] for i in chosen]))
        if trainer.step % 100 == 0:
            print(_line(trainer, losses), flush=True)
            losses.clear()
        if plan.checked(trainer.step):
            _check(trainer, vocabulary, out)
        if trainer.step % 200 == 0 or trainer.step in {stop, plan.steps}:
            trainer.save(state)
    return trainer


def _line(trainer: Trainer, losses: Sequence[float]) -> str:
    mean = math.fsum(losses) / len(losses)
    return f"{trainer.step:6d} steps  loss {mean:.4f}  {trainer.cpu_s / 60:.1f} CPU min"


def _check(trainer: Trainer, vocabulary: Vocabulary, out: Path) -> None:
    """Export, count wrong claims on fact sets held out, and keep the model if none was better."""
    plan, candidate = trainer.plan, out / "candidate"
    training = {
        "seed": plan.seed,
        "texts": trainer.step * plan.batch,
        "tokens": trainer.tokens,
        "cpu_minutes": round(trainer.cpu_s / 60, 2),
    }
    about = {"corpus_seed": plan.seed, "training": training, "wording": trainer.wording}
    export(trainer.model, vocabulary.tokens, candidate, about)
    wrong = evaluate.wrong_texts(candidate, plan.check_texts)
    seal(candidate, free_texts=plan.check_texts, free_refused=wrong)
    print(f"{trainer.step:6d} steps  {wrong} texts with a wrong claim", flush=True)
    if all(wrong <= earlier["wrong"] for earlier in trainer.history):
        for file in candidate.iterdir():
            shutil.copy2(file, out / file.name)
    trainer.history.append({"step": trainer.step, "wrong": wrong})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train the bundled model.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--smoke", action="store_true", help="a tiny model in seconds")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    done = train(SMOKE if asked.smoke else Plan(), asked.out, resume=asked.resume)
    print(json.dumps({"cpu_minutes": round(done.cpu_s / 60, 2), "checks": done.history}))
