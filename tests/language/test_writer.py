"""The summary is the model's where the guard accepts it, and the template's in every other case."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from healthslm.errors import ModelError
from healthslm.language import guard, template, writer
from healthslm.language.facts import Fact, Facts
from healthslm.language.plan import plan
from healthslm.language.script import script
from healthslm.language.tokens import END, Vocabulary
from healthslm.language.wording import languages, load, vocabulary

Put = Callable[[str], None]


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Put another program in the model's place."""

    def put(program: str) -> None:
        path = tmp_path / "child.py"
        path.write_text("import json, os, sys, time\n" + program)
        monkeypatch.setattr(writer, "CHILD", path)

    return put


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a folder that says it is a model of these clauses, for a child that reads none."""
    folder = tmp_path / "model"
    folder.mkdir()
    manifest = {"form": 1, "files": {"model.onnx": "c0ffee" * 8}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    vocabulary().save(folder / "tokenizer.json")
    return folder


def by_template(day: Facts, lang: str) -> str:
    """Return what the template says of a day."""
    return writer.summarise(day, lang, None, emergency="112").summary.text


@pytest.mark.parametrize("which", ["day", "quiet"])
def test_the_bundled_model_writes_what_the_guard_accepts(
    which: str, mini: Path, request: pytest.FixtureRequest
) -> None:
    facts: Facts = request.getfixturevalue(which)
    both = writer.summarise_all(facts, languages(), mini, emergency="112", timeout_s=30)
    weights = writer.identity(mini).weights
    for lang, written in zip(languages(), both, strict=True):
        assert written.summary.source == f"model:{weights[:12]}"
        assert (written.reason, written.summary.lang) == ("", lang)
        assert guard.check_text(written.summary.text, plan(facts), lang, emergency="112").ok
        assert 1 <= written.attempts <= 4
        assert 0 < written.cpu_ms < 5_000
        assert 0 < written.rss_mb <= 80


def test_a_day_has_its_own_words_for_the_same_facts(day: Facts, mini: Path) -> None:
    """A fortnight of the same facts: no sentence comes twice."""
    usual = (("typical", 63.0), ("usual_low", 58.0), ("usual_high", 66.0))
    known = (*day.facts[:1], Fact("pulse", "info", (("vs", "usual"),), usual), *day.facts[2:])
    day = replace(day, facts=known)  # a stranger is told in fewer words, for five days
    sentences: list[str] = []
    for turn in range(14):
        manner = writer.Manner(turn=turn)
        text = writer.summarise(
            day, "en", mini, emergency="112", manner=manner, timeout_s=30
        ).summary.text
        action = load("en").action("amber", "plain", "112")
        sentences += text.removesuffix(action).strip().split(". ")
    assert len(set(sentences)) == len(sentences)


def test_the_bundled_model_knows_the_words_that_are_here(mini: Path) -> None:
    """After a new word in the wording it has to be trained again; its card has the command."""
    known = set(Vocabulary.load(mini / "tokenizer.json").tokens)
    assert not set(vocabulary().tokens) - known


def test_without_a_model_the_template_writes(day: Facts) -> None:
    written = writer.summarise(day, "es", None, emergency="112")
    assert written.summary.source == "template"
    assert (written.reason, written.attempts, written.cpu_ms) == ("none", 0, 0.0)
    assert guard.check_text(written.summary.text, plan(day), "es", emergency="112").ok


def test_a_model_that_is_not_there_is_not_waited_for(day: Facts, tmp_path: Path) -> None:
    written = writer.summarise(day, "en", tmp_path / "none", emergency="")
    assert (written.summary.source, written.reason) == ("template", "missing")


def test_a_changed_model_does_not_speak(day: Facts, copied: Path) -> None:
    data = bytearray((copied / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (copied / "model.onnx").write_bytes(data)
    written = writer.summarise(day, "en", copied, emergency="112", timeout_s=30)
    assert (written.summary.source, written.reason) == ("template", "hash")
    assert written.summary.text == by_template(day, "en")


def test_a_model_that_lacks_words_does_not_speak(day: Facts, copied: Path) -> None:
    known = json.loads((copied / "tokenizer.json").read_text())
    known["tokens"].remove("Your")
    (copied / "tokenizer.json").write_text(json.dumps(known))
    assert writer.summarise(day, "en", copied, emergency="").reason == "wording"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"files": {"model.onnx": 1}}'])
def test_a_manifest_of_another_form_is_refused(copied: Path, content: bytes) -> None:
    (copied / "manifest.json").write_bytes(content)
    with pytest.raises(ModelError, match="form"):
        writer.identity(copied)


def test_a_child_that_hangs_is_ended_within_the_time_allowed(
    child: Put, day: Facts, model: Path, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    child(f"open({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    before = time.monotonic()
    both = writer.summarise_all(day, ("en", "es"), model, emergency="112", timeout_s=2.0)
    assert time.monotonic() - before < 5.0
    assert {w.reason for w in both} == {"timeout"}
    assert [w.summary.text for w in both] == [by_template(day, "en"), by_template(day, "es")]
    assert not Path("/proc", pid.read_text()).exists()


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("os.abort()", "crash"),
        ("sys.exit(1)", "crash"),
        ("raise MemoryError", "crash"),
        ("print('x')", "garbage"),
        ("print('[' * 100000)", "garbage"),
        ("print('[]')", "garbage"),
        ("print('3')", "garbage"),
        ("sys.stdout.buffer.write(b'\\xff')", "garbage"),
        ("print(json.dumps({'said': [], 'ms_cpu': 1, 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'said': [3], 'ms_cpu': 1, 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'said': [[]], 'ms_cpu': 'b', 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'said': [[[0]]], 'ms_cpu': 1, 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'said': [['text']], 'ms_cpu': 1, 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'said': [[[99, -1, 0]]], 'ms_cpu': 1, 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'said': [[[0, 99, 0]]], 'ms_cpu': 1, 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'said': [[[0, -1, -1]]], 'ms_cpu': 1, 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'said': [[[0, -1, 0.5]]], 'ms_cpu': 1, 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'error': 'the pulse was 164'}))", "garbage"),
        ("print(json.dumps({'error': ['hash']}))", "garbage"),
        ("print(json.dumps({'error': 'memory'}))", "memory"),
        ("while True: sys.stdout.write('x' * 65536)", "garbage"),
    ],
)
def test_whatever_the_child_does_the_template_writes(
    child: Put, day: Facts, model: Path, program: str, reason: str
) -> None:
    child(program)
    written = writer.summarise(day, "en", model, emergency="112", timeout_s=20)
    assert (written.summary.source, written.reason) == ("template", reason)
    assert written.summary.text == by_template(day, "en")


FREE = writer.Manner(free=True)
SAYS = """
asked = json.load(sys.stdin)["jobs"]
said = json.loads({said!r})
texts = [said.get(str(job["seed"]), ["No", "."]) for job in asked]
print(json.dumps({{"said": texts, "ms_cpu": 10.0, "rss_mb": 50.0 + len(texts)}}))
"""


def test_a_refused_text_is_followed_by_seeded_ones_and_the_first_accepted_is_shown(
    child: Put, day: Facts, model: Path
) -> None:
    good = template.compose(plan(day), "en")
    child(SAYS.format(said=json.dumps({"2": good, "3": good})))
    written = writer.summarise(day, "en", model, emergency="112", manner=FREE, timeout_s=20)
    assert written.summary.source.startswith("model:")
    assert written.summary.text == by_template(day, "en")
    assert (written.attempts, written.cpu_ms, written.rss_mb) == (3, 20.0, 53.0)
    assert "unknown sentence" in written.refusals


def test_a_text_is_shown_only_if_every_claim_is_true(
    child: Put, day: Facts, quiet: Facts, model: Path
) -> None:
    """The right value in the wrong sentence, another day, another language, no action."""
    lies = {
        "None": ["Your", "pulse", "was", "<tachycardia.longest>", ".", "<action.amber>", END],
        "1": template.compose(plan(quiet), "en"),
        "2": template.compose(plan(day), "es"),
        "3": [p for p in template.compose(plan(day), "en") if p != "<action.amber>"],
    }
    child(SAYS.format(said=json.dumps(lies)))
    written = writer.summarise(day, "en", model, emergency="112", manner=FREE, timeout_s=20)
    assert (written.summary.source, written.reason) == ("template", "refused")
    assert written.attempts == 4
    assert {"unknown sentence", "left out", "action"} <= set(written.refusals)


def test_one_attempt_means_one_text(child: Put, day: Facts, model: Path) -> None:
    child(SAYS.format(said="{}"))
    written = writer.summarise(
        day, "en", model, emergency="", manner=FREE, attempts=1, timeout_s=20
    )
    assert (written.attempts, written.reason, written.cpu_ms) == (1, "refused", 10.0)


def test_only_a_language_that_was_refused_is_asked_again(
    child: Put, day: Facts, model: Path
) -> None:
    good = template.compose(plan(day), "es")
    child(SAYS.format(said=json.dumps({"None": good})))
    en, es = writer.summarise_all(day, ("en", "es"), model, emergency="", manner=FREE, timeout_s=20)
    assert (en.summary.source, en.attempts) == ("template", 4)
    assert (es.reason, es.attempts) == ("", 1)
    assert en.rss_mb == 53.0  # the second call wrote the three seeded texts of one language


def test_the_model_is_told_words_and_never_a_value(day: Facts) -> None:
    known = set(vocabulary().tokens)
    for lang in languages():
        row = script(plan(day), lang).job(1)
        clauses = [w for i in row["items"] for pair in i["clauses"] for c in pair for w in c]
        before = [w for i in row["items"] for p in (*i["openings"], *i["links"]) for w in p]
        assert {*row["prompt"], *clauses, *before, row["end"]} <= known
        spelt = json.dumps(script(plan(day), lang).job(1, spelt=True), ensure_ascii=False)
        values = [v for item in plan(day).items for _, v in item.values if isinstance(v, float)]
        assert values
        assert not [v for v in values if re.search(rf"\b{v:g}\b", spelt)]
        row = writer.free_job(plan(day), lang, 1)
        told = {*row["prompt"], *row["slots_allowed"], *row["slots_required"]}
        assert told <= known
        assert set(row["slots_required"]) <= set(row["slots_allowed"])
        assert not any(c.isdigit() for token in told for c in token)


def test_the_child_gets_no_environment_and_no_open_file(
    child: Put, day: Facts, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTHSLM_PASSPHRASE", "canary")
    monkeypatch.setenv("HOME", "/home/canary")
    out = tmp_path / "seen"
    look = "[dict(os.environ), os.listdir('/proc/self/fd')]"
    child(f"open({str(out)!r}, 'w').write(json.dumps({look}))")
    with (tmp_path / "held").open("w") as held:
        held.write("x")
        writer.summarise(day, "en", model, emergency="", timeout_s=20)
    environment, files = json.loads(out.read_text())
    assert set(environment) <= {"OPENBLAS_NUM_THREADS", "LC_CTYPE", "HOME"}
    assert environment["HOME"] == "/"  # none, and Python would ask the system who runs it
    assert len(files) <= 5  # three, the one it writes, and the folder it lists


def test_the_parent_loads_neither_onnxruntime_nor_numpy(mini: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from healthslm.language import writer
from healthslm.language.facts import Fact, Facts
facts = Facts(0.0, 86400.0, "UTC", (Fact("fever", "amber",
    (("times", "one"), ("usual", "unknown"), ("again", "no"), ("part", "night")),
    (("start", 60.0), ("longest", 7200.0), ("highest", 38.6), ("worst_at", 60.0),
     ("limit", 38.0))),))
written = writer.summarise(facts, "en", Path({str(mini)!r}), emergency="112", timeout_s=30)
print(written.cpu_ms > 0, "onnxruntime" in sys.modules, "numpy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "True False False\n", done.stderr


def test_random_weights_write_freely_and_nothing_of_it_passes(
    day: Facts, quiet: Facts, random_model: Path
) -> None:
    """In the freer way weights decide how often the template has to speak, never what is true."""
    asked = [
        (plan(f), lang, n or None) for f in (day, quiet) for lang in languages() for n in range(52)
    ]
    texts: list[list[str]] = []
    for n in range(0, len(asked), 52):
        rows = [writer.free_job(*one) for one in asked[n : n + 52]]
        texts += writer.ask(random_model, rows, timeout_s=60).said
    assert len(set(map(tuple, texts))) >= 200
    for text, (what, lang, _) in zip(texts, asked, strict=True):
        assert not guard.check(text, what, lang).ok
    written = writer.summarise(day, "en", random_model, emergency="112", manner=FREE, timeout_s=60)
    assert (written.summary.source, written.reason) == ("template", "refused")
    assert written.summary.text == by_template(day, "en")


def test_random_weights_choose_what_is_true(day: Facts, random_model: Path) -> None:
    written = writer.summarise(day, "en", random_model, emergency="112", timeout_s=60)
    assert (written.reason, written.attempts) == ("", 1)
    assert guard.check_text(written.summary.text, plan(day), "en", emergency="112").ok
