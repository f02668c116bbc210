"""The recipe of models/ask: what a question asks for, and a second look for red flags.

    python models/recipe/ask.py --check     figures on each writer's lines, learnt from the others
    python models/recipe/ask.py             learn from everything, write weights.npz

Learnt from lines written for it, `models/recipe/ask/<language>/<writer>_questions.tsv`
(intent, measure, period, question) and `<writer>_red_flags.tsv` (emergency or alike, sentence);
none is a line of the exams in `tests/language/questions/`. Choices are judged on writers left
out: lines of one writer tell too much of each other. A writer who is added makes the model
better for people whom no writer knew, more than anything else that was tried.
"""

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

from healthslm.language import red_flags, router, terms
from healthslm.language.wording import languages

LINES = Path(__file__).with_name("ask")
OUT = Path(__file__).parents[1] / "ask"
L2 = 0.03
ROUNDS = 90
ILL_WEIGHT = 0.3  # of an emergency among the questions: missed, it is at least referred


@dataclass(frozen=True)
class Line:
    """One question, with what is right."""

    lang: str
    writer: str
    intent: str
    measure: str
    period: str
    text: str


@dataclass(frozen=True)
class Flagged:
    """One sentence, and whether it tells of an emergency."""

    lang: str
    writer: str
    emergency: bool
    text: str


def questions() -> list[Line]:
    """Return the questions, with who wrote each."""
    return [Line(lang, writer, *cells) for lang, writer, cells in _rows("questions")]


def flagged() -> list[Flagged]:
    """Return emergencies, and what only sounds like one."""
    rows = _rows("red_flags")
    return [
        Flagged(lang, writer, label == "emergency", text) for lang, writer, (label, text) in rows
    ]


def _rows(kind: str) -> Iterator[tuple[str, str, list[str]]]:
    for lang in languages():
        for path in sorted((LINES / lang).glob(f"*_{kind}.tsv")):
            writer = f"{lang} {path.name.partition('_')[0]}"
            for line in path.read_text("utf-8").splitlines():
                yield lang, writer, line.split("\t")


@cache
def numbers(text: str, size: int, *, apart: bool) -> list[int]:
    """Return the numbers of a line's features; `apart`: words that stand apart too."""
    names = [*terms.names(text), *(terms.apart(text) if apart else ())]
    return terms.numbers(names, size)


def matrix(texts: list[str], head: str) -> sparse.csr_matrix:
    """Return the features of lines, one row each, of length 1."""
    at: list[int] = []
    ends = [0]
    for text in texts:
        at += numbers(text, router.SIZES[head], apart=head == "flag")
        ends.append(len(at))
    counts = np.diff(ends)
    values = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts)
    return sparse.csr_matrix((values, at, ends), shape=(len(texts), router.SIZES[head]))


def fit(x, y, outputs: int, weight, l2: float = L2):
    """Return the weights of a multinomial logistic regression, shape (features, outputs)."""
    n, d = x.shape
    right, xt = np.eye(outputs)[y], x.T.tocsr()

    def loss(flat):
        w = flat.reshape(d, outputs)
        z = x @ w
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(axis=1, keepdims=True)
        cost = -(weight * np.log(p[np.arange(n), y] + 1e-12)).sum() + l2 / 2 * (flat @ flat)
        return cost, (xt @ (weight[:, None] * (p - right)) + l2 * w).ravel()

    begin = np.zeros(d * outputs)
    options = {"maxiter": ROUNDS}
    return minimize(loss, begin, jac=True, method="L-BFGS-B", options=options).x.reshape(d, outputs)


def rounded(w) -> tuple[np.ndarray, np.ndarray]:
    """Return weights as int8, and what one step is worth, for each output."""
    step = np.abs(w).max(axis=0) / 127
    return np.round(w / step).astype(np.int8), step.astype(np.float32)


def learn(lines: list[Line], flags: list[Flagged]) -> dict[str, np.ndarray]:
    """Return the arrays of the model."""
    out: dict[str, np.ndarray] = {"features": np.array(terms.fingerprint())}
    texts = [line.text for line in lines]
    ill = [f.text for f in flags if f.emergency]
    for head, names in router.HEADS.items():
        if head == "flag":
            y = np.array([*(int(f.emergency) for f in flags), *(0 for _ in texts)])
            x = matrix([*(f.text for f in flags), *texts], head)
            w = fit(x, y, 2, np.ones(len(y)))
            w = w[:, 1:] - w[:, :1]
        else:
            more = ill if head == "intent" else []
            right = [getattr(line, head) for line in lines] + ["symptom"] * len(more)
            y = np.array([names.index(name) for name in right])
            weight = np.array([1.0] * len(lines) + [ILL_WEIGHT] * len(more))
            w = fit(matrix([*texts, *more], head), y, len(names), weight)
        out[head], out[f"{head}_step"] = rounded(w)
    return out


def check() -> dict[str, dict[str, float]]:
    """Return what is found of each writer's lines, learnt from the other writers' only."""
    writers = sorted({x.writer for x in (*questions(), *flagged())})
    with ProcessPoolExecutor(2) as pool:
        found = dict(zip(writers, pool.map(held_out, writers), strict=True))
    for lang in languages():
        own = [row for writer, row in found.items() if writer.startswith(lang)]
        found[lang] = mean(own)
    return found


def held_out(writer: str) -> dict[str, float]:
    """Return the figures of one writer's lines, who was not learnt from."""
    lines, flags = questions(), flagged()
    model = router.Model.of(
        learn(
            [x for x in lines if x.writer != writer],
            [x for x in flags if x.writer != writer],
        )
    )
    own = [x for x in lines if x.writer == writer]
    own_flags = [x for x in flags if x.writer == writer]
    out: dict[str, float] = {"questions": len(own), "red_flags": len(own_flags)}
    if own:
        out |= router_figures(model, own)
    if own_flags:
        out |= flag_figures(model, own_flags)
    print(writer, json.dumps(out), flush=True)
    return out


def mean(rows: list[dict[str, float]]) -> dict[str, float]:
    """Return the figures of several writers together, each line counting the same."""
    out: dict[str, float] = {}
    for of in ("questions", "red_flags"):
        out[of] = sum(r[of] for r in rows)
    for name in dict.fromkeys(name for r in rows for name in r if name not in out):
        of = "red_flags" if name in FLAG_FIGURES else "questions"
        held = [r for r in rows if name in r]
        out[name] = round(sum(r[name] * r[of] for r in held) / sum(r[of] for r in held), 4)
    return out


def router_figures(model: router.Model, lines: list[Line]) -> dict[str, float]:
    """Return shares of questions, by what is right of their route."""
    pairs = [(x, model.route(x.text)) for x in lines]
    refer = [r.refer for x, r in pairs if x.intent in router.REFERRED]
    data = [r.refer for x, r in pairs if x.intent not in router.REFERRED]
    right = {
        "all": [
            (x.intent, x.measure, x.period) == (r.intent, r.measure, r.period) for x, r in pairs
        ],
        "intent": [x.intent == r.intent for x, r in pairs],
        "measure": [x.measure == r.measure for x, r in pairs],
        "period": [x.period == r.period for x, r in pairs],
        "referred": refer,
        "needless": data,
        "unsure": [not r.sure for _, r in pairs],
        "false_questions": [_found(model, x.text)[1] for x in lines],
    }
    return {name: round(float(np.mean(held)), 4) for name, held in right.items() if held}


FLAG_FIGURES = ("recall_rules", "recall", "false_rules", "false")


def flag_figures(model: router.Model, flags: list[Flagged]) -> dict[str, float]:
    """Return recall and false emergencies: of the rules, and with the learnt look."""
    ill, well = ([_found(model, x.text) for x in flags if x.emergency is e] for e in (True, False))
    shares = [np.mean([row[n] for row in rows]) for rows in (ill, well) for n in (0, 1)]
    return {name: round(float(x), 4) for name, x in zip(FLAG_FIGURES, shares, strict=True)}


def _found(model: router.Model, text: str) -> tuple[bool, bool]:
    """Return whether the rules find an emergency, and whether the two together do."""
    flag = red_flags.flagged(text)
    return flag is not None, router.weighed(flag, model.flag(text)) is not None


def main() -> None:
    """Check, or learn and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="leave out each writer in turn")
    OUT.mkdir(exist_ok=True)
    if options.parse_args().check:
        told = check()
        (OUT / "cv.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
        return
    np.savez_compressed(OUT / "weights.npz", **learn(questions(), flagged()))
    print((OUT / "weights.npz").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
