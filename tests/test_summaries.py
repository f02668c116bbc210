"""The words for a period, by the daemon's own path: what they are held against, and every failure.

A model that fails costs its words: the template's text is there within 5 s, with a finding for
the operator, which no text tells.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from healthslm import config, days, summaries
from healthslm.language import facts, reasons, slm, writer
from healthslm.language.plan import plan
from healthslm.records import Finding, Summary, Vital

MINI = Path(__file__).parents[1] / "models" / "mini"
DAY_S = 86_400.0
T0_S = 1_772_323_200.0  # Sunday 2026-03-01, midnight UTC


class Store:
    """Holds records, as a sealed store would, and yields those that touch a span."""

    def __init__(self, *records):
        self.records = records

    def derived(self, t0_s=None, t1_s=None):
        for x in self.records:
            first, last = (x.t_s, x.t_s) if isinstance(x, Vital) else (x.t0_s, x.t1_s)
            if (t1_s is None or first < t1_s) and (t0_s is None or last >= t0_s):
                yield x


def pulse(t0_s, bpm, minutes=60):
    return [Vital("heart_rate", "band/heart_rate", t0_s + 60 * n, bpm) for n in range(minutes)]


def fever(t0_s, hours=1.0):
    evidence = (("highest_c", 38.9), ("limit_c", 38.0))
    return Finding("fever", "band/temperature", t0_s, t0_s + 3600 * hours, "amber", evidence)


def settings(folder="none", **person):
    return config.Config(config.Person(**person), model=config.Model(str(folder)))


# ---- what a period is held against ----------------------------------------------------------


def test_a_night_is_held_against_nights():
    """The pulse of the day is another: it says nothing of what is usual at night."""
    night = T0_S - 2 * 3600
    records = []
    for n in range(8):
        at = night - n * DAY_S
        records += pulse(at, 55.0 if n else 60.0, 480) + pulse(at - 8 * 3600, 45.0, 400)
    known = summaries.gathered(Store(*records), "UTC", summaries.Period(night, night + 8 * 3600))
    fact = known.facts.get("pulse")
    assert fact.categories == (("vs", "above"),)
    assert dict(fact.values) == {"typical": 60.0, "usual_low": 55.0, "usual_high": 55.0}


def test_a_fever_of_tuesday_is_told_as_of_tuesday():
    """A text from evening to evening begins on the day before it is written."""
    evening = T0_S + 20 * 3600  # of Sunday
    tuesday, thursday = T0_S + 2 * DAY_S, T0_S + 4 * DAY_S
    store = Store(fever(tuesday + 10 * 3600), fever(thursday + 10 * 3600))
    period = summaries.Period(evening + 3 * DAY_S, evening + 4 * DAY_S)  # to Thursday evening
    again = summaries.gathered(store, "UTC", period).facts.get("fever").value("again")
    assert days.midnight_s(again, "UTC") == tuesday


def test_what_an_earlier_day_was_told_against_changes_nothing():
    spans = [(T0_S + n * DAY_S, T0_S + (n + 1) * DAY_S) for n in range(-7, 1)]
    records = [x for n, (t0_s, _) in enumerate(spans) for x in pulse(t0_s, 60.0 + 2 * n, 1440)]
    store = Store(*records, fever(spans[2][0]), fever(spans[7][0]))
    nested = []
    for span in spans:
        nested.append(facts.gather(store.derived(*span), *span, zone="UTC", earlier=nested))
    known = summaries.gathered(store, "UTC", summaries.Period(*spans[-1]))
    assert known.facts == nested[-1]
    assert known.facts.get("pulse_trend") is not None
    assert known.facts.get("fever").value("again") == spans[2][0]


def test_several_days_are_told_with_their_trends_and_without_earlier_ones():
    spans = tuple((T0_S + n * DAY_S, T0_S + (n + 1) * DAY_S) for n in range(7))
    records = [x for n, (t0_s, _) in enumerate(spans) for x in pulse(t0_s, 60.0 + 2 * n, 1440)]
    store = Store(*pulse(T0_S - DAY_S, 40.0), *records)
    known = summaries.gathered(store, "UTC", summaries.Period(T0_S, spans[-1][1], spans))
    assert dict(known.facts.get("pulse_trend").values) == {"first": 60.0, "last": 72.0, "days": 7.0}
    assert known.facts.get("pulse").categories == (("vs", "unknown"),)
    assert [day.t0_s for day in known.days] == [t0_s for t0_s, _ in spans]


def test_the_level_is_the_configurations():
    store = Store(*pulse(T0_S, 60.0))
    texts = {
        level: summaries.write(settings(level=level), store, T0_S, T0_S + DAY_S)[0].text
        for level in ("plain", "carer")
    }
    assert "Your" in texts["plain"] and "Your" not in texts["carer"]


# ---- a model that fails ---------------------------------------------------------------------

Spoil = Callable[[Path], None]


def missing(folder):
    shutil.rmtree(folder)


def half_there(folder):
    (folder / "model.onnx").unlink()


def flipped(folder):
    data = bytearray((folder / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "model.onnx").write_bytes(data)


def garbage(folder):
    sealed(folder, bytes(range(256)) * 4096)


def emptied(folder):
    sealed(folder, b"")


def cut(folder):
    sealed(folder, (folder / "model.onnx").read_bytes()[:100_000])


def a_pipe(folder):
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


def no_manifest_of_ours(folder):
    (folder / "manifest.json").write_text("[]")


def other_words(folder):
    rewritten(folder, "tokenizer.json", json.dumps({"form": "words/1", "tokens": ["<end>"]}))


def sealed(folder, graph):
    rewritten(folder, "model.onnx", graph)


def rewritten(folder, name, content):
    """Write a file and its hash: as sealed as any other."""
    content = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def of_these_words(folder):
    """Let the folder say that its model knows every word there is, if it is older than they."""
    from healthslm.language.wording import fingerprint, vocabulary

    tokens = json.dumps({"form": "words/1", "tokens": vocabulary().tokens})
    rewritten(folder, "tokenizer.json", tokens)
    manifest = json.loads((folder / "manifest.json").read_text()) | {"wording": fingerprint()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def folder(tmp_path):
    copy = Path(shutil.copytree(MINI, tmp_path / "mini"))
    of_these_words(copy)
    return copy


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Put another program in the model's place."""

    def put(program):
        path = tmp_path / "child.py"
        path.write_text("import json, os, sys, time\n" + program)
        monkeypatch.setattr(writer, "CHILD", path)

    return put


def operated(records, word):
    """Hold what came of a failure: the template's text, and one finding that says why."""
    text, finding = records
    assert isinstance(text, Summary) and text.source == "template" and text.text
    assert finding == replace(
        finding, kind="summary_by_template", stream="board/model", severity="info", ongoing=False
    )
    assert (finding.t0_s, finding.t1_s) == (text.t0_s, text.t1_s)
    assert set(dict(finding.evidence)) == {"reason", "attempts"}
    assert summaries.why(finding) == word


def asked(folder, **more):
    """Return the records of a day, as the daemon asks for them."""
    store = Store(*pulse(T0_S, 60.0), fever(T0_S))
    return summaries.write(settings(folder), store, T0_S, T0_S + DAY_S, **more)


def timed(folder):
    """Return the same, with all the time that a loaded machine takes to start a child."""
    return asked(folder, timeout_s=60.0)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (missing, "missing"),
        (half_there, "missing"),
        (a_pipe, "missing"),
        (flipped, "hash"),
        (garbage, "form"),
        (emptied, "form"),
        (cut, "form"),
        (no_manifest_of_ours, "form"),
        (other_words, "wording"),
    ],
)
def test_a_spoilt_model_costs_its_words_and_tells_the_operator(folder, spoil, word):
    spoil(folder)
    operated(timed(folder), word)


@pytest.mark.parametrize(
    ("program", "word"),
    [
        ("os.abort()", "crash"),
        ("print('{}')", "garbage"),
        ("print(json.dumps({'error': 'memory'}))", "memory"),
    ],
)  # fmt: skip
def test_a_child_that_fails_costs_its_words_and_tells_the_operator(folder, child, program, word):
    child(program)
    operated(timed(folder), word)


@pytest.mark.parametrize(
    "program",
    [
        "time.sleep(60)",
        "while True: pass",
        "import signal\nfor n in range(1, 32):\n  n in (9, 19) or signal.signal(n, signal.SIG_IGN)"
        "\ntime.sleep(60)",
    ],
)
def test_the_templates_text_is_there_within_five_seconds(folder, child, program):
    asked("none")  # the words are read once
    child(program)
    before = time.monotonic()
    records = asked(folder)
    assert time.monotonic() - before < 5.0
    operated(records, "timeout")


def test_a_model_that_wants_more_memory_than_it_may_have_fails_alone(folder, child):
    child(
        "from healthslm.language import slm\n"
        f"slm.MEMORY, slm.TIMES = {1 << 20}, 0\nsys.exit(slm.main())"
    )
    text, finding = timed(folder)
    assert text.source == "template"
    assert summaries.why(finding) in {"memory", "form", "crash"}


def test_the_memory_of_a_child_is_bounded_before_it_reads_the_model(folder, child, tmp_path):
    child(
        "import resource\nfrom healthslm.language import slm\n"
        "def model(folder):\n"
        f"    open({str(tmp_path / 'limit')!r}, 'w')"
        ".write(str(resource.getrlimit(resource.RLIMIT_DATA)[0]))\n"
        "    raise slm.Refusal('form')\n"
        "slm.Model = model\nsys.exit(slm.main())"
    )
    timed(folder)
    size = sum(p.stat().st_size for p in folder.iterdir())
    assert int((tmp_path / "limit").read_text()) == slm.MEMORY + slm.TIMES * size


def test_no_model_on_purpose_is_no_failure():
    (text,) = timed("none")
    assert text.source == "template"


def test_a_model_that_speaks_is_no_failure(folder, child):
    child(
        "asked = json.load(sys.stdin)['jobs']\n"
        "said = [[[n, -1, 0] for n in range(len(job['items']))] for job in asked]\n"
        "print(json.dumps({'said': said, 'ms_cpu': 1.0, 'rss_mb': 1.0}))"
    )
    (text,) = timed(folder)
    assert text.source.startswith("model:")


def test_no_text_tells_the_operators_finding():
    """It is on the list; a person's text is the same with it and without."""
    day = T0_S, T0_S + DAY_S
    records = [*pulse(T0_S, 60.0), fever(T0_S)]
    failure = Finding("summary_by_template", "board/model", *day, "info", (("reason", 4.0),))
    told = [
        summaries.gathered(Store(*held), "UTC", summaries.Period(*day)).facts
        for held in (records, [*records, failure], [failure])
    ]
    assert told[0] == told[1]
    assert not told[2].findings
    assert plan(told[2]).action == "unknown"


def test_the_same_text_written_again_is_one_finding(folder):
    missing(folder)
    found = [timed(folder)[1] for _ in range(2)]
    assert summaries.failed([*found, *pulse(T0_S, 60.0, 3), fever(T0_S)]) == (found[1],)


def test_every_reason_has_a_number_of_its_own_and_a_line():
    rows = reasons.REASONS.values()
    assert len({row.code for row in rows}) == len({row.means for row in rows}) == len(rows)
    assert reasons.REASONS.keys() >= writer.CHILDS
    source = "".join(Path(m.__file__).read_text() for m in (writer, slm))
    raised = set(re.findall(r'(?:ModelError|Refusal)\("(\w+)"\)', source))
    assert raised <= reasons.REASONS.keys()
    assert {reasons.word(float(row.code)) for row in rows} == reasons.REASONS.keys()
    assert reasons.means("never heard of") == reasons.UNKNOWN
