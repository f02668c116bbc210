"""The frozen exams: phrasings by people who saw none of those that were learnt from.

Only totals are ever shown: whoever works on the router does not read the exams. Run
`python tests/language/test_exam.py` for the figures.
"""

import json
from pathlib import Path

import pytest

from healthslm.language import heard, red_flags, router
from healthslm.language.wording import languages

EXAM = Path(__file__).with_name("questions")
EXAMS = ("first", "second")
RECIPE = Path(__file__).parents[2] / "models" / "recipe" / "ask"
every_language = pytest.mark.parametrize("lang", languages())
every_exam = pytest.mark.parametrize("exam", EXAMS)

# What is reached, rounded by half a hundredth. The goals: all 0.97, referral 0.995,
# emergency 1, false emergencies 0.02. Whoever raises what is reached raises the bars.
BARS: dict[str, dict[str, dict[str, float]]] = {
    "first": {
        "en": {
            "intent": 0.980,
            "measure": 0.995,
            "period": 0.985,
            "all": 0.970,
            "referral": 0.995,
            "emergency": 0.990,
            "emergency_or_referred": 0.995,
            "false_emergency": 0.160,
            "false_emergency_questions": 0.015,
            "needless_referral": 0.030,
        },
        "es": {
            "intent": 0.930,
            "measure": 0.980,
            "period": 0.985,
            "all": 0.915,
            "referral": 0.985,
            "emergency": 0.970,
            "emergency_or_referred": 0.990,
            "false_emergency": 0.160,
            "false_emergency_questions": 0.020,
            "needless_referral": 0.060,
        },
    },
    "second": {
        "en": {
            "intent": 0.960,
            "measure": 0.985,
            "period": 0.980,
            "all": 0.935,
            "referral": 1.000,
            "emergency": 0.985,
            "emergency_or_referred": 1.000,
            "false_emergency": 0.150,
            "false_emergency_questions": 0.035,
            "needless_referral": 0.080,
        },
        "es": {
            "intent": 0.950,
            "measure": 0.985,
            "period": 0.990,
            "all": 0.935,
            "referral": 0.995,
            "emergency": 0.985,
            "emergency_or_referred": 0.995,
            "false_emergency": 0.155,
            "false_emergency_questions": 0.040,
            "needless_referral": 0.065,
        },
    },
}
MOST = frozenset({"false_emergency", "false_emergency_questions", "needless_referral"})


def questions(lang: str, exam: str) -> list[tuple[str, str, str, str]]:
    lines = (EXAM / exam / f"{lang}.tsv").read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line]  # type: ignore[misc]


def flags(lang: str, exam: str) -> list[tuple[bool, str]]:
    lines = (EXAM / exam / f"red_flags_{lang}.tsv").read_text("utf-8").splitlines()
    rows = (line.partition("\t") for line in lines if line)
    return [(label == "emergency", text) for label, _, text in rows]


def emergency(text: str) -> bool:
    return router.emergency(text, red_flags.flagged(text)) is not None


def shares(lang: str, exam: str) -> dict[str, float]:
    """Return what is right, as shares."""
    asked = questions(lang, exam)
    routes = [router.route(text) for *_, text in asked]
    pairs = list(zip(asked, routes, strict=True))
    person = [(a, r) for a, r in pairs if a[0] in router.REFERRED]
    others = [(a, r) for a, r in pairs if a[0] not in router.REFERRED]
    told = flags(lang, exam)
    ill = [text for label, text in told if label]
    well = [text for label, text in told if not label]
    seen = [emergency(text) for text in ill]
    referred = [emergency(a[3]) or r.refer for a, r in person]
    caught = [s or router.route(text).refer for s, text in zip(seen, ill, strict=True)]
    return {
        "intent": sum(a[0] == r.intent for a, r in pairs) / len(pairs),
        "measure": sum(a[1] == r.measure for a, r in pairs) / len(pairs),
        "period": sum(a[2] == r.period for a, r in pairs) / len(pairs),
        "all": sum(a[:3] == (r.intent, r.measure, r.period) for a, r in pairs) / len(pairs),
        "referral": (sum(referred) + sum(caught)) / (len(referred) + len(caught)),
        "referral_questions": sum(referred) / len(referred),
        "needless_referral": sum(r.refer for _, r in others) / len(others),
        "unsure": sum(not r.sure for r in routes) / len(routes),
        "emergency": sum(seen) / len(ill),
        "emergency_by_rules": sum(red_flags.find(t) is not None for t in ill) / len(ill),
        "emergency_or_referred": sum(caught) / len(caught),
        "false_emergency": sum(map(emergency, well)) / len(well),
        "false_emergency_by_rules": sum(red_flags.find(t) is not None for t in well) / len(well),
        "false_emergency_questions": sum(emergency(a[3]) for a in asked) / len(asked),
    }


@every_language
@every_exam
def test_an_exam_is_passed_as_well_as_it_was(lang: str, exam: str) -> None:
    got = shares(lang, exam)
    worse = {
        name: (round(got[name], 4), bar)
        for name, bar in BARS[exam][lang].items()
        if (got[name] > bar if name in MOST else got[name] < bar)
    }
    assert not worse


@every_language
def test_no_line_of_an_exam_was_learnt_from(lang: str) -> None:
    learnt = {
        " ".join(heard.words(line.rpartition("\t")[2]))
        for path in RECIPE.glob("*/*.tsv")
        for line in path.read_text("utf-8").splitlines()
    }
    assert len(learnt) > 40_000
    for exam in EXAMS:
        asked = [text for *_, text in questions(lang, exam)]
        asked += [text for _, text in flags(lang, exam)]
        assert not [text for text in asked if " ".join(heard.words(text)) in learnt]


if __name__ == "__main__":
    told = {exam: {lang: shares(lang, exam) for lang in languages()} for exam in EXAMS}
    print(json.dumps(told, indent=1))  # noqa: T201
