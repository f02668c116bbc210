"""`./dev bench language` counts what a text says wrongly apart from what it leaves out."""

from __future__ import annotations

import re

import pytest

from benchmarks import judged
from benchmarks.invented import Case, cases
from healthslm.language import template
from healthslm.language.plan import plan


def told(case: Case) -> list[str]:
    """Return the sentences of the template's text."""
    what = plan(case.facts(), case.level)
    text = judged.read(template.compose(what, case.lang), what, case.lang)
    return re.split(r"(?<=[.?!]) ", text)


@pytest.fixture(scope="module")
def grave() -> Case:
    """Return a day with something to do about it, told in few sentences."""
    return next(c for c in cases(7, 40) if c.shape == "grave" and c.level == "plain")


def wrong(sentences: list[str], case: Case) -> dict[str, float]:
    return judged.wrong([judged.reasons(" ".join(sentences), case, judged.truth(case))])


def test_a_true_text_has_neither(grave: Case) -> None:
    assert wrong(told(grave), grave) == {"unsupported": 0.0, "missing": 0.0}


def test_a_sentence_left_out_is_missing_and_not_unsupported(grave: Case) -> None:
    """The last finding left out, the first one, and the action: whichever, it is missed."""
    whole = told(grave)
    missed = [wrong(whole[:n] + whole[n + 1 :], grave)["missing"] for n in range(len(whole))]
    assert missed[-1] == 100.0, "the action"
    assert missed.count(100.0) >= 2, "the action and a finding"


def test_a_finding_left_out_alone_is_no_wrong_claim() -> None:
    """Where two findings are told and the second is dropped, all that stands is true."""
    found = set()
    for case in cases(7, 40):
        whole = told(case)
        for n in range(1, len(whole) - 1):
            figures = wrong(whole[:n] + whole[n + 1 :], case)
            found.add((figures["missing"] > 0, figures["unsupported"] > 0))
    assert (True, False) in found


def test_a_number_that_no_record_holds_is_unsupported() -> None:
    case = next(c for c in cases(7, 40) if re.search(r"\d", " ".join(told(c))))
    lie = [re.sub(r"\d+", "987", s) for s in told(case)]
    assert wrong(lie, case)["unsupported"] == 100.0


def test_shares_are_of_texts_not_of_reasons() -> None:
    assert judged.wrong([(), ("left out: fever", "left out: pulse"), ("number",), ()]) == {
        "unsupported": 25.0,
        "missing": 25.0,
    }
