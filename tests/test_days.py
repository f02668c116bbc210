"""Simulated days from the sensor to the text, and a second judge of what it says.

Twenty persons, ten days each: every day is simulated, replayed through the pipeline and
told in both languages by the bundled model. From the sixth day on the usual values are
known. `python tests/test_days.py FIRST LAST` does some of the persons and prints JSON.
"""

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

from healthslm import config, replay, simulate
from healthslm.language import facts, writer

ZONE, EMERGENCY = "Europe/Madrid", "112"
FIRST_S = 1_767_222_000.0  # midnight in Madrid
DAY_S = 86400.0
DAYS = 10
PERSONS = 20


def person(first_seed: int) -> list[dict]:
    """Return what was written on ten days, and what the judge says of it."""
    beside = Path(__file__).parent / "language" / "oracle.py"
    oracle = SimpleNamespace(**run_path(str(beside)))
    model = config.resource("models/mini")
    out, told, true = [], [], []
    for n in range(DAYS):
        t0_s = FIRST_S + n * DAY_S
        span = (t0_s, t0_s + DAY_S)
        records = replay.direct(simulate.day(first_seed + n, start_s=t0_s))
        today = facts.gather(records, *span, zone=ZONE, earlier=told)
        what = oracle.truth(records, *span, ZONE, true)
        for written in writer.summarise_all(
            today, ("en", "es"), model, emergency=EMERGENCY, timeout_s=60.0
        ):
            text, lang = written.summary.text, written.summary.lang
            out.append(
                {
                    "seed": first_seed + n,
                    "lang": lang,
                    "text": text,
                    "source": written.summary.source.partition(":")[0],
                    "reason": written.reason,
                    "refusals": written.refusals,
                    "found": list(what.found),
                    "wrong": oracle.weigh(text, lang, what, EMERGENCY),
                }
            )
        told.append(today)
        true.append(what)
    return out


def _persons(first: int, last: int) -> list[dict]:
    done = subprocess.run(
        [sys.executable, __file__, str(first), str(last)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    return json.loads(done.stdout)


def test_two_hundred_days_are_told_without_a_complaint(record_property):
    half = PERSONS // 2
    with ThreadPoolExecutor(2) as pool:
        rows = [*pool.map(_persons, (0, half), (half, PERSONS))]
    texts = [text for row in rows for text in row]
    assert len(texts) == 2 * DAYS * PERSONS
    sources = Counter(t["source"] for t in texts)
    share = {
        lang: Counter(t["source"] for t in texts if t["lang"] == lang) for lang in ("en", "es")
    }
    reasons = Counter(t["reason"] for t in texts if t["reason"])
    refusals = Counter(r for t in texts for r in t["refusals"])
    record_property("texts", dict(sources))
    print(f"texts {dict(sources)}, { ({k: dict(v) for k, v in share.items()}) }")  # noqa: T201
    print(f"template because {dict(reasons)}, refused because {dict(refusals)}")  # noqa: T201
    wrong = [f"{t['seed']} {t['lang']} {t['source']}: {w}" for t in texts for w in t["wrong"]]
    assert not wrong, "\n".join(wrong)
    assert sources["model"] >= sources["template"]


if __name__ == "__main__":
    persons = range(int(sys.argv[1]), int(sys.argv[2]))
    json.dump([t for p in persons for t in person(p * DAYS)], sys.stdout)
