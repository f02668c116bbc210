"""The frozen exam: phrasings by somebody who saw none of those that were learnt from.

Only totals are ever shown: whoever works on the router does not read the exam. Run
`python tests/language/test_exam.py` for the figures.
"""

import json
from pathlib import Path

import pytest

from healthslm.language import red_flags, router
from healthslm.language.wording import languages

EXAM = Path(__file__).with_name("questions")
every_language = pytest.mark.parametrize("lang", languages())

# What is reached, rounded by half a hundredth. The goals, not met: all 0.97, referral 0.995,
# emergency 1, false emergencies 0.02. Whoever raises what is reached raises the bars.
BARS: dict[str, dict[str, float]] = {
    "en": {
        "intent": 0.950,
        "measure": 0.990,
        "period": 0.985,
        "all": 0.930,
        "referral": 0.995,
        "emergency": 0.965,
        "emergency_or_referred": 1.000,
        "false_emergency": 0.210,
        "false_emergency_questions": 0.025,
        "needless_referral": 0.090,
    },
    "es": {
        "intent": 0.855,
        "measure": 0.965,
        "period": 0.980,
        "all": 0.830,
        "referral": 0.985,
        "emergency": 0.920,
        "emergency_or_referred": 0.995,
        "false_emergency": 0.205,
        "false_emergency_questions": 0.020,
        "needless_referral": 0.125,
    },
}
MOST = frozenset({"false_emergency", "false_emergency_questions", "needless_referral"})


def questions(lang: str) -> list[tuple[str, str, str, str]]:
    lines = (EXAM / f"{lang}.tsv").read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line]  # type: ignore[misc]


def flags(lang: str) -> list[tuple[bool, str]]:
    lines = (EXAM / f"red_flags_{lang}.tsv").read_text("utf-8").splitlines()
    rows = (line.partition("\t") for line in lines if line)
    return [(label == "emergency", text) for label, _, text in rows]


def emergency(text: str) -> bool:
    return router.emergency(text, red_flags.flagged(text)) is not None


def shares(lang: str) -> dict[str, float]:
    """Return what is right, as shares."""
    asked = questions(lang)
    routes = [router.route(text) for *_, text in asked]
    pairs = list(zip(asked, routes, strict=True))
    person = [(a, r) for a, r in pairs if a[0] in router.REFERRED]
    others = [(a, r) for a, r in pairs if a[0] not in router.REFERRED]
    told = flags(lang)
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
def test_the_exam_is_passed_as_well_as_it_was(lang: str) -> None:
    got = shares(lang)
    worse = {
        name: (round(got[name], 4), bar)
        for name, bar in BARS[lang].items()
        if (got[name] > bar if name in MOST else got[name] < bar)
    }
    assert not worse


if __name__ == "__main__":
    print(json.dumps({lang: shares(lang) for lang in languages()}, indent=1))  # noqa: T201
