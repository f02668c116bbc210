"""The recipe of models/ask: what a question asks for, and a second look for red flags.

    python models/recipe/ask.py --check     figures on each writer's lines, learnt from the others
    python models/recipe/ask.py             learn from everything, write weights.npz

Learnt from `healthslm/language/wording/*/questions.tsv` and `red_flags.tsv`, lines that
people wrote, and from lines made of the frames in `models/recipe/ask/`. A made line that is
near a written one is left out, so that a line held back is not known from its double.
Choices are judged on writers left out: lines of one writer tell too much of each other.
"""

import argparse
import json
import random
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

from healthslm.language import heard, red_flags, router, terms
from healthslm.language.wording import FOLDER, languages

FRAMES = Path(__file__).with_name("ask")
OUT = Path(__file__).parents[1] / "ask"
SEED = 20_260
PER_INTENT = 500  # lines made of the frames of one intent, in each language
MADE_WEIGHT = 0.5  # of a made line; a written one counts 1
L2 = 0.03
ROUNDS = 90
FIRST = {  # number of each writer's first line, in the files of written lines
    "en": {"questions": (0, 1689), "red_flags": (0, 795)},
    "es": {"questions": (0, 1519, 2504), "red_flags": (0, 731, 1491)},
}
NEAR = 0.75  # shared words of all words, from which two lines are doubles


@dataclass(frozen=True)
class Line:
    """One question, with what is right."""

    lang: str
    intent: str
    measure: str
    period: str
    text: str
    weight: float = 1.0
    written: bool = True


def written() -> list[Line]:
    """Return the questions that people wrote."""
    return [
        Line(lang, *line.split("\t"))
        for lang in languages()
        for line in (FOLDER / lang / "questions.tsv").read_text("utf-8").splitlines()
    ]


def flagged() -> list[tuple[str, bool, str]]:
    """Return language, whether it is an emergency, and the line, of red_flags.tsv."""
    out = []
    for lang in languages():
        for line in _lines(FOLDER / lang / "red_flags.tsv"):
            label, _, text = line.partition("\t")
            out.append((lang, label == "emergency", text))
    return out


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def flagged_more() -> list[tuple[str, bool, str]]:
    """Return further lines of the same kind, written for the recipe."""
    pairs = [
        (lang, *x.partition("\t")[::2])
        for lang in languages()
        for x in _lines(FRAMES / f"red_{lang}.tsv")
    ]
    return [(lang, label == "emergency", text) for lang, label, text in pairs]


def made(lang: str, rng: random.Random) -> list[Line]:
    """Return lines made of the frames of a language."""
    data = tomllib.loads((FRAMES / f"{lang}.toml").read_text("utf-8"))
    out = []
    frames = {(i, None): rows for i, rows in data["frame"].items()}
    frames |= {("coverage", "none"): data["coverage_any"]["none"]}
    for table, rows in data.items():
        if table.endswith("_of"):
            frames |= {(table[:-3], measure): said for measure, said in rows.items() if said}
    for (intent, measure), rows in frames.items():
        for _ in range(PER_INTENT if measure is None else PER_INTENT // 10):
            out.append(_line(lang, intent, measure, rng.choice(rows), data, rng))
    for intent, rows in data["lines"].items():
        out += [Line(lang, intent, "none", "none", text, 1.0, False) for text in rows]
    for row in data.get("said", {}).get("rows", ()):
        intent, measure, period, text = row.split("|")
        out.append(Line(lang, intent, measure, period, text, 1.0, False))
    return out


def _line(lang, intent, measure, frame, data, rng) -> Line:
    period = "none" if rng.random() < 0.3 else rng.choice(list(data["period"]))
    if "{p}" not in frame or (intent == "follow" and "{m}" not in frame and period == "none"):
        period = "none" if "{p}" not in frame else "yesterday"
    if measure is None:
        measure = rng.choice(list(data["measure"])) if "{m}" in frame else "none"
    fill = {
        "m": rng.choice(data["measure"].get(measure, [""])),
        "my": rng.choice(data["whose"]["my"]),
        "p": rng.choice(data["period"][period]),
    }
    text = " ".join(frame.format(**fill).split())
    if rng.random() < 0.15:
        text = _mistyped(text, rng)
    return Line(lang, intent, measure, period, text, MADE_WEIGHT, False)


def _mistyped(text: str, rng: random.Random) -> str:
    """Return a line with one typing error."""
    n, how = rng.randrange(len(text)), rng.randrange(3)
    if how == 0:
        return text[:n] + text[n + 1 :]
    if how == 1:
        return text[:n] + text[n : n + 2][::-1] + text[n + 2 :]
    return text[:n] + text[n] + text[n:]


def apart(lines: list[Line], from_: list[str]) -> list[Line]:
    """Return the lines that are no doubles of written ones; frames' own repeats go too."""
    by_word: dict[str, list[frozenset[str]]] = {}
    for text in from_:
        words = frozenset(heard.words(text))
        for word in words:
            by_word.setdefault(word, []).append(words)
    out, seen = [], set()
    for line in lines:
        words = frozenset(heard.words(line.text))
        key = (line.intent, tuple(heard.words(line.text)))
        near = (o for w in words for o in by_word.get(w, ()))
        if key in seen or any(len(words & o) >= NEAR * len(words | o) for o in near):
            continue
        seen.add(key)
        out.append(line)
    return out


@cache
def features(text: str) -> tuple[str, ...]:
    """Return the features of a line, by name."""
    return tuple(terms.names(text))


def matrix(texts: list[str], size: int) -> sparse.csr_matrix:
    """Return the features of lines, one row each, of length 1."""
    at, ends = [], [0]
    for text in texts:
        at += terms.numbers(features(text), size)
        ends.append(len(at))
    counts = np.diff(ends)
    values = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts)
    return sparse.csr_matrix((values, at, ends), shape=(len(texts), size))


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


def learn(lines: list[Line], flags: list[tuple[str, bool, str]]) -> dict[str, np.ndarray]:
    """Return the arrays of the model."""
    out: dict[str, np.ndarray] = {"features": np.array(terms.fingerprint())}
    weight = np.array([line.weight for line in lines])
    texts = [line.text for line in lines]
    ill = [text for _, emergency, text in flags if emergency]
    for head, size in router.SIZES.items():
        names = router.HEADS[head]
        if head == "flag":
            sure = [t for line in lines if line.written for t in [line.text]]
            all_texts = [*(t for _, _, t in flags), *sure]
            y = np.array([*(int(e) for _, e, _ in flags), *([0] * len(sure))])
            w = fit(matrix(all_texts, size), y, 2, np.ones(len(y)))
            w = w[:, 1:] - w[:, :1]
        else:
            more = ill if head == "intent" else []  # missed, it is at least referred
            y = [names.index(getattr(line, head)) for line in lines]
            y = np.array([*y, *(names.index("symptom") for _ in more)])
            all_weight = np.concatenate([weight, np.full(len(more), 0.3)])
            w = fit(matrix([*texts, *more], size), y, len(names), all_weight)
        out[head], out[f"{head}_step"] = rounded(w)
    return out


def writers(name: str) -> np.ndarray:
    """Return who wrote each line of a file, all languages one after the other, as numbers."""
    out: list[int] = []
    for lang in languages():
        first = FIRST[lang][name]
        count = len(_lines(FOLDER / lang / f"{name}.tsv"))
        before = max(out, default=-1)
        for n, (begin, end) in enumerate(zip(first, (*first[1:], count), strict=True)):
            out += [before + 1 + n] * (end - begin)
    return np.array(out)


def check() -> dict[str, object]:
    """Return what is found of written lines, each learnt from other writers' only."""
    lines, flags = written(), flagged()
    extra = everything(lines)[len(lines) :]
    fold, flag_fold = writers("questions"), writers("red_flags")
    got: list = [None] * len(lines)
    scores = np.zeros(len(flags))
    false = np.zeros(len(lines))
    for k in range(fold.max() + 1):
        held = learn(
            [line for line, f in zip(lines, fold, strict=True) if f != k] + extra,
            [x for x, f in zip(flags, flag_fold, strict=True) if f != k] + flagged_more(),
        )
        model = router.Model.of(held)
        for n in np.flatnonzero(fold == k):
            got[n] = model.route(lines[n].text)
            false[n] = model.flag(lines[n].text)
        for n in np.flatnonzero(flag_fold == k):
            scores[n] = model.flag(flags[n][2])
    return {"lines": lines, "routes": got, "flags": flags, "scores": scores, "false": false}


def everything(lines: list[Line]) -> list[Line]:
    """Return written lines and made ones."""
    rng = random.Random(SEED)  # noqa: S311 - made lines, not secrets
    texts = [line.text for line in lines]
    return [*lines, *(x for lang in languages() for x in apart(made(lang, rng), texts))]


def figures(found: dict) -> dict[str, object]:
    """Return what the cards and tests speak of, by language."""
    out: dict[str, object] = {}
    for lang in languages():
        pairs = [
            (line, r)
            for line, r in zip(found["lines"], found["routes"], strict=True)
            if line.lang == lang
        ]
        out[lang] = {
            **router_figures(
                [(x.intent, x.measure, x.period, x.text) for x, _ in pairs], [r for _, r in pairs]
            ),
            "flags": flag_figures(found, lang),
        }
    return out


def router_figures(right: list[tuple], routes: list) -> dict[str, float]:
    """Return shares of questions, by what is right of their route."""
    refer = [(w, r) for w, r in zip(right, routes, strict=True) if w[0] in router.REFERRED]
    data = [(w, r) for w, r in zip(right, routes, strict=True) if w[0] not in router.REFERRED]
    n = len(right)
    pairs = list(zip(right, routes, strict=True))
    return {
        "questions": n,
        "intent": round(sum(w[0] == r.intent for w, r in pairs) / n, 4),
        "measure": round(sum(w[1] == r.measure for w, r in pairs) / n, 4),
        "period": round(sum(w[2] == r.period for w, r in pairs) / n, 4),
        "all": round(sum(w[:3] == (r.intent, r.measure, r.period) for w, r in pairs) / n, 4),
        "referred": round(sum(r.refer for _, r in refer) / max(1, len(refer)), 4),
        "needless": round(sum(r.refer for _, r in data) / max(1, len(data)), 4),
        "unsure": round(sum(not r.sure for _, r in pairs) / n, 4),
    }


def flag_figures(found: dict, lang: str) -> dict[str, float]:
    """Return recall and false emergencies: of the rules, and with the learnt look."""
    rows = [
        (e, *_flagged(t, s))
        for (of, e, t), s in zip(found["flags"], found["scores"], strict=True)
        if of == lang
    ]
    ill, well = [r for r in rows if r[0]], [r for r in rows if not r[0]]
    questions = [
        _flagged(x.text, s)[1]
        for x, s in zip(found["lines"], found["false"], strict=True)
        if x.lang == lang
    ]
    return {
        "recall_rules": round(sum(r for _, r, _ in ill) / len(ill), 4),
        "recall": round(sum(s for *_, s in ill) / len(ill), 4),
        "false_rules": round(sum(r for _, r, _ in well) / len(well), 4),
        "false": round(sum(s for *_, s in well) / len(well), 4),
        "false_questions": round(sum(questions) / len(questions), 4),
    }


def _flagged(text: str, chance: float) -> tuple[bool, bool]:
    """Return whether the rules find an emergency, and whether the two together do."""
    flag = red_flags.flagged(text)
    return flag is not None, router.weighed(flag, chance) is not None


def main() -> None:
    """Check, or learn and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="cross-validate, write cv.json")
    OUT.mkdir(exist_ok=True)
    if options.parse_args().check:
        told = figures(check())
        (OUT / "cv.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
        print(json.dumps(told, indent=1))
        return
    arrays = learn(everything(written()), [*flagged(), *flagged_more()])
    np.savez_compressed(OUT / "weights.npz", **arrays)
    print((OUT / "weights.npz").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
