"""What may leave is on the page, and nothing else; `python tests/share/test_terms.py` writes it."""

from pathlib import Path

import pytest

from healthslm import detect
from healthslm.language.episodes import WORST
from healthslm.records import SLOW_KINDS
from healthslm.review.timeline import VITAL_UNITS
from healthslm.share import terms

PAGE = Path(__file__).parents[2] / "docs" / "report-format.md"
MARKS = (
    "<!-- terms: begin (written by tests/share/test_terms.py) -->\n",
    "<!-- terms: end -->\n",
)


def tables() -> str:
    """Return the page's tables of what may leave."""
    text = ""
    for title, rows in (("Measures", terms.MEASURES), ("Evidence", terms.EVIDENCE)):
        text += f"\n**{title}**\n\n| number | name | quantum | unit (UCUM) |\n|---|---|---|---|\n"
        text += "".join(
            f"| {n} | `{t.name}` | {t.quantum:g} | {t.unit or '1'} |\n" for n, t in enumerate(rows)
        )
    for title, names in (("Findings", terms.FINDINGS), ("Streams", terms.STREAMS)):
        text += f"\n**{title}**\n\n| number | name |\n|---|---|\n"
        text += "".join(f"| {n} | `{name}` |\n" for n, name in enumerate(names))
    return f"{text}\n"


def test_the_page_lists_what_may_leave() -> None:
    """Where this fails: `python tests/share/test_terms.py` writes it anew."""
    begin, end = MARKS
    assert PAGE.read_text("utf-8").partition(begin)[2].partition(end)[0] == tables()


def test_every_detector_of_today_is_told_by_its_name() -> None:
    assert set(detect.detectors()) == set(terms.FINDINGS) - {"other"}


def test_every_slow_stream_has_a_kind() -> None:
    assert set(SLOW_KINDS) < set(terms.STREAMS)


def test_the_worst_value_of_every_finding_is_told() -> None:
    assert {name for name, _ in WORST.values()} - set(terms.EVIDENCE_OF) == set()


def test_no_name_stands_twice() -> None:
    for names in (terms.MEASURE_OF, terms.FINDING_OF, terms.EVIDENCE_OF, terms.STREAM_OF):
        assert list(names.values()) == list(range(len(names)))
    assert len(terms.MEASURE_OF) == len(terms.MEASURES)
    assert len(terms.EVIDENCE_OF) == len(terms.EVIDENCE)


def test_measures_are_vitals_that_a_clinician_can_read() -> None:
    assert set(terms.MEASURE_OF) < set(VITAL_UNITS)


@pytest.mark.parametrize(
    ("value", "steps"), [(36.649, 366), (36.651, 367), (-0.04, 0), (-0.06, -1), (1e12, 1_000_000)]
)
def test_values_are_rounded_to_the_nearest_step_and_cut_at_the_limit(value, steps) -> None:
    assert terms.Term("x", 0.1).rounded(value) == steps


@pytest.mark.parametrize(("value", "steps"), [(0.5, 1), (2.5, 3), (-0.5, 0), (-1.5, -1)])
def test_a_half_is_rounded_up(value, steps) -> None:
    assert terms.Term("x", 1).rounded(value) == steps


if __name__ == "__main__":
    page = PAGE.read_text("utf-8")
    before, rest = page.split(MARKS[0])
    PAGE.write_text(f"{before}{MARKS[0]}{tables()}{MARKS[1]}{rest.split(MARKS[1])[1]}", "utf-8")
