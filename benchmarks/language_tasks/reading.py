"""How easy the texts are to read, for the person (plain and plainer), action included.

Flesch-Kincaid grade (`fkgl`, mean, and `fkgl_p90`) of English; Szigriszt-Pazos and
Fernández-Huerta (mean and the lowest tenth) of Spanish. Numerals count a syllable a digit, so
they are not free. `sentences_min` and `sentences_max`; `longest`: words of the longest sentence.
"""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from statistics import mean
from types import SimpleNamespace

from benchmarks.judged import ROOT, texts
from healthslm.bench import Goal, Result

PERSON = frozenset({"plain", "plainer"})


def measure(seed: int, n: int, peers: object) -> list[Result]:
    """Return the figures of `n` days in each language."""
    scale = SimpleNamespace(**run_path(str(Path(ROOT, "tests", "language", "readability.py"))))
    shown = [(r.case.lang, r.shown) for r in texts(seed, n) if r.case.level in PERSON]
    english, spanish = ([t for lang, t in shown if lang == name] for name in ("en", "es"))
    grades = sorted(map(scale.flesch_kincaid, english))
    sp, fh = (sorted(map(f, spanish)) for f in (scale.szigriszt, scale.fernandez_huerta))
    counts = [len(scale.sentences(t)) for _, t in shown]
    lengths = [len(scale.words(s)) for _, t in shown for s in scale.sentences(t)]
    metrics = {
        "texts": float(len(shown)),
        "fkgl": mean(grades),
        "fkgl_p90": grades[len(grades) * 9 // 10],
        "szigriszt": mean(sp),
        "szigriszt_p10": sp[len(sp) // 10],
        "fernandez_huerta": mean(fh),
        "fernandez_huerta_p10": fh[len(fh) // 10],
        "sentences_min": float(min(counts)),
        "sentences_max": float(max(counts)),
        "longest": float(max(lengths)),
    }
    goals: dict[str, Goal] = {
        "fkgl": ("<=", 6.0),
        "fkgl_p90": ("<=", 7.0),
        "szigriszt": (">=", 65.0),
        "szigriszt_p10": (">=", 65.0),
        "fernandez_huerta": (">=", 70.0),
        "fernandez_huerta_p10": (">=", 70.0),
        "sentences_min": (">=", 3.0),
        "sentences_max": ("<=", 6.0),
    }
    return [Result("reading", "invented days", f"seed {seed}", metrics, goals)]
