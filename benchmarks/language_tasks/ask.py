"""Whether questions are understood, on phrasings by somebody who saw none of those learnt from.

`all`: intent, measure and period right together, the worse of the two languages; `referral`:
of what needs a person, what names one; `red_flags`: of emergencies, those told at once;
`red_flags_or_referred`: told at once or referred; `false_emergencies`: of sentences that only look
like one. All in percent; by language beside them. The exams lie in `tests/language/questions`: the
first was run several times while the router was made, the second once it stood. The seed and the
number of days change nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from runpy import run_path

from benchmarks.invented import LANGUAGES
from benchmarks.judged import ROOT
from healthslm.bench import Goal, Result

WORST = {  # metric: of the exam, and which end is the worse one
    "all": ("all", min),
    "intent": ("intent", min),
    "referral": ("referral", min),
    "red_flags": ("emergency", min),
    "red_flags_or_referred": ("emergency_or_referred", min),
    "false_emergencies": ("false_emergency", max),
    "false_emergencies_questions": ("false_emergency_questions", max),
    "needless_referrals": ("needless_referral", max),
}


def measure(seed: int, n: int, peers: object) -> list[Result]:
    """Return the figures of the frozen exams."""
    exam = run_path(str(ROOT / "tests" / "language" / "test_exam.py"))
    return [_result(name, exam["shares"]) for name in exam["EXAMS"]]


def _result(exam: str, shares: Callable[[str, str], dict[str, float]]) -> Result:
    found = {lang: shares(lang, exam) for lang in LANGUAGES}
    metrics = {
        name: 100 * worse(row[of] for row in found.values()) for name, (of, worse) in WORST.items()
    }
    metrics |= {
        f"{name}_{lang}": 100 * row[of]
        for name, (of, _) in WORST.items()
        for lang, row in found.items()
    }
    goals: dict[str, Goal] = {
        "all": (">=", 97.0),
        "referral": (">=", 99.5),
        "red_flags": (">=", 100.0),
        "false_emergencies": ("<=", 2.0),
    }
    return Result("ask", f"{exam} exam", "held out", metrics, goals)
