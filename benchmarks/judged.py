"""Texts of invented days, as the model chose them and as the patient would read them, judged.

Two judges: the guard, which the product has, and the second judge of the tests, which works
out from the records what is true and shares no code with the words (`tests/language/oracle.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

from benchmarks.invented import Case, cases
from healthslm.language import guard, slm, slots, template, writer
from healthslm.language.plan import Plan, plan
from healthslm.language.script import Script, script
from healthslm.resources import resource

ROOT = Path(__file__).resolve().parent.parent
NUMBER = "112"
LEFT_OUT = ("left out", "no action")
"""How the second judge begins where something is not said that must be."""
SEEDED = (None, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class Judged:
    """One case and its texts."""

    case: Case
    plan: Plan
    true: object  # by the second judge
    chosen: str  # the model's first
    shown: str  # the first that the guard accepts, else the template's
    by_template: bool
    free: tuple[str, ...]  # why the guard refuses what the model writes freely
    untrue: tuple[str, ...]  # what the second judge says of the first
    untrue_shown: tuple[str, ...]  # and of the text that is shown


@lru_cache(maxsize=2)
def texts(seed: int, n: int) -> tuple[Judged, ...]:
    """Return the judged texts of `n` cases in each language."""
    return tuple(_texts(seed, n))


def model() -> slm.Model:
    """Return the bundled model."""
    return slm.Model(resource("models/mini"))


@lru_cache(maxsize=1)
def oracle() -> SimpleNamespace:
    """Return the second judge."""
    return SimpleNamespace(**run_path(str(ROOT / "tests" / "language" / "oracle.py")))


def reasons(text: str, case: Case, true: object) -> tuple[str, ...]:
    """Return what the second judge finds wrong with a text where `true` is true."""
    return tuple(oracle().weigh(text, case.lang, true, NUMBER, level=case.level))


def truth(case: Case) -> object:
    """Return what the second judge holds true of a case."""
    judge = oracle()
    before = [judge.truth(rows, t0, t1, case.zone, ()) for t0, t1, rows in case.before]
    return judge.truth(case.records, case.t0_s, case.t1_s, case.zone, before)


def read(pieces: Sequence[str], what: Plan, lang: str) -> str:
    """Return a text of tokens as the patient reads it."""
    return slots.render(pieces, what, lang, emergency=NUMBER)


def accepted(text: str, what: Plan, lang: str) -> bool:
    """Tell whether the guard lets a text through."""
    return guard.check_text(text, what, lang, emergency=NUMBER).ok


def share(count: int, of: int) -> float:
    """Return a share in percent; NaN of nothing."""
    return 100 * count / of if of else float("nan")


def wrong(rows: Sequence[tuple[str, ...]]) -> dict[str, float]:
    """Return `unsupported` and `missing`, % of texts, of what is wrong with each text."""
    left_out = [[reason.startswith(LEFT_OUT) for reason in why] for why in rows]
    return {
        "unsupported": share(sum(not all(each) for each in left_out), len(rows)),
        "missing": share(sum(map(any, left_out)), len(rows)),
    }


def _texts(seed: int, n: int) -> Iterator[Judged]:
    chooser = model()
    for number, case in enumerate(cases(seed, n)):
        what = plan(case.facts(), case.level)
        said = script(what, case.lang, what.day)
        first = _chosen(chooser, said, None)
        shown = first
        for again in SEEDED[1:]:
            if accepted(shown, what, case.lang):
                break
            shown = _chosen(chooser, said, again)
        by_template = not accepted(shown, what, case.lang)
        if by_template:
            shown = read(template.compose(what, case.lang), what, case.lang)
        free: tuple[str, ...] = ()
        if number % 5 == 0:  # a sample: it is no figure of the product
            job = slm.parsed(writer.free_job(what, case.lang))
            free = guard.check(chooser.write(job), what, case.lang).reasons or ("",)
        true = truth(case)
        untrue = reasons(first, case, true)
        untrue_shown = untrue if shown == first else reasons(shown, case, true)
        yield Judged(case, what, true, first, shown, by_template, free, untrue, untrue_shown)


def _chosen(chooser: slm.Model, said: Script, seed: int | None) -> str:
    return read(said.text(chooser.answer(slm.parsed(said.job(seed)))), said.plan, said.lang)
