"""The summary is the model's where the guard accepts it, and the template's in every other case."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from healthslm.errors import ModelError
from healthslm.language import guard, template, writer
from healthslm.language.facts import Fact, Facts
from healthslm.language.plan import plan
from healthslm.language.tokens import END, Vocabulary
from healthslm.language.wording import fingerprint, languages, vocabulary

MINI = Path(__file__).parents[2] / "models" / "mini"
DAY = Facts(
    1_767_225_600.0,
    1_767_312_000.0,
    "UTC",
    (
        Fact(
            "tachycardia",
            "amber",
            (("times", "one"), ("usual", "unknown")),
            (
                ("start", 1_767_261_600.0),
                ("longest", 240.0),
                ("highest", 164.0),
                ("worst_at", 1_767_261_600.0),
                ("limit", 120.0),
            ),
        ),
        Fact("pulse", "info", (("vs", "unknown"),), (("typical", 63.0),)),
        Fact("coverage", "info", (("share", "full"),), (("watched", 86_400.0),)),
        Fact("missing", "info", (("extent", "some"),), (("what", "oxygen,breathing"),)),
    ),
)
QUIET = Facts(DAY.t0_s, DAY.t1_s, "UTC", DAY.facts[1:])


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put another program in the model's place."""

    def put(program: str) -> None:
        path = tmp_path / "child.py"
        path.write_text("import json, os, sys, time\n" + program)
        monkeypatch.setattr(writer, "CHILD", path)

    return put


def by_template(lang: str, day: Facts = DAY) -> str:
    """Return what the template says of a day."""
    return writer.summarise(day, lang, None, emergency="112").summary.text


@pytest.mark.parametrize("day", [DAY, QUIET], ids=["finding", "quiet"])
def test_the_bundled_model_writes_what_the_guard_accepts(day: Facts) -> None:
    both = writer.summarise_all(day, languages(), MINI, emergency="112", timeout_s=30)
    weights = writer.identity(MINI)
    for lang, written in zip(languages(), both, strict=True):
        assert written.summary.source == f"model:{weights[:12]}"
        assert (written.reason, written.summary.lang) == ("", lang)
        assert guard.check_text(written.summary.text, plan(day), lang, emergency="112").ok
        assert 1 <= written.attempts <= 4
        assert 0 < written.cpu_ms < 5_000
        assert 0 < written.rss_mb <= 80


def test_the_same_day_gives_the_same_words() -> None:
    texts = {writer.summarise(DAY, "en", MINI, emergency="", timeout_s=30) for _ in range(2)}
    assert len({written.summary for written in texts}) == 1


def test_the_bundled_model_learnt_the_clauses_that_are_here() -> None:
    """Train again after a change of wording: models/recipe/README has the command."""
    manifest = json.loads((MINI / "manifest.json").read_text())
    assert manifest["wording"] == fingerprint()
    assert Vocabulary.load(MINI / "tokenizer.json") == vocabulary()


def test_without_a_model_the_template_writes() -> None:
    written = writer.summarise(DAY, "es", None, emergency="112")
    assert written.summary.source == "template"
    assert (written.reason, written.attempts, written.cpu_ms) == ("none", 0, 0.0)
    assert written.summary.text.endswith("muéstreles esto.") or "112" in written.summary.text


def test_a_model_that_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    written = writer.summarise(DAY, "en", tmp_path / "none", emergency="")
    assert (written.summary.source, written.reason) == ("template", "missing")


def test_a_changed_model_does_not_speak(copied: Path) -> None:
    data = bytearray((copied / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (copied / "model.onnx").write_bytes(data)
    written = writer.summarise(DAY, "en", copied, emergency="112", timeout_s=30)
    assert (written.summary.source, written.reason) == ("template", "hash")
    assert written.summary.text == by_template("en")


def test_a_model_of_other_clauses_does_not_speak(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["wording"] = "0" * 64
    (copied / "manifest.json").write_text(json.dumps(manifest))
    assert writer.summarise(DAY, "en", copied, emergency="").reason == "wording"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"files": {"model.onnx": 1}}'])
def test_a_manifest_of_another_form_is_refused(copied: Path, content: bytes) -> None:
    (copied / "manifest.json").write_bytes(content)
    with pytest.raises(ModelError, match="form"):
        writer.identity(copied)


def test_a_child_that_hangs_is_ended_within_the_time_allowed(child, tmp_path: Path) -> None:
    child(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    before = time.monotonic()
    both = writer.summarise_all(DAY, ("en", "es"), MINI, emergency="112", timeout_s=1.0)
    assert time.monotonic() - before < 3.0
    assert {w.reason for w in both} == {"timeout"}
    assert [w.summary.text for w in both] == [by_template("en"), by_template("es")]
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()


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
        ("print(json.dumps({'texts': [], 'ms_cpu': 1, 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'texts': [3], 'ms_cpu': 1, 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'texts': [['a']], 'ms_cpu': 'b', 'rss_mb': 1}))", "garbage"),
        ("print(json.dumps({'error': 'the pulse was 164'}))", "garbage"),
        ("print(json.dumps({'error': ['hash']}))", "garbage"),
        ("print(json.dumps({'error': 'memory'}))", "memory"),
        ("while True: sys.stdout.write('x' * 65536)", "crash"),
    ],
)
def test_whatever_the_child_does_the_template_writes(child, program: str, reason: str) -> None:
    child(program)
    written = writer.summarise(DAY, "en", MINI, emergency="112", timeout_s=20)
    assert (written.summary.source, written.reason) == ("template", reason)
    assert written.summary.text == by_template("en")


SAYS = """
asked = json.load(sys.stdin)["jobs"]
said = json.loads({said!r})
texts = [said.get(str(job["seed"]), ["No", "."]) for job in asked]
print(json.dumps({{"texts": texts, "ms_cpu": 10.0, "rss_mb": 50.0 + len(texts)}}))
"""


def test_a_refused_text_is_followed_by_seeded_ones_and_the_first_accepted_is_shown(child) -> None:
    good = template.compose(plan(DAY), "en")
    child(SAYS.format(said=json.dumps({"2": good, "3": good})))
    written = writer.summarise(DAY, "en", MINI, emergency="112", timeout_s=20)
    assert written.summary.source.startswith("model:")
    assert written.summary.text == by_template("en")
    assert (written.attempts, written.cpu_ms, written.rss_mb) == (3, 20.0, 53.0)
    assert "unknown sentence" in written.refusals


def test_a_text_is_shown_only_if_every_claim_is_true(child) -> None:
    """The right value in the wrong sentence, and a fact that is not of this day."""
    lies = {
        "None": ["Your", "pulse", "was", "<tachycardia.longest>", ".", "<action.amber>", END],
        "1": template.compose(plan(QUIET), "en"),
        "2": template.compose(plan(DAY), "es"),
        "3": [p for p in template.compose(plan(DAY), "en") if p != "<action.amber>"],
    }
    child(SAYS.format(said=json.dumps(lies)))
    written = writer.summarise(DAY, "en", MINI, emergency="112", timeout_s=20)
    assert (written.summary.source, written.reason) == ("template", "refused")
    assert written.attempts == 4
    assert {"unknown sentence", "left out", "action"} <= set(written.refusals)


def test_one_attempt_means_one_text(child) -> None:
    child(SAYS.format(said="{}"))
    written = writer.summarise(DAY, "en", MINI, emergency="", attempts=1, timeout_s=20)
    assert (written.attempts, written.reason, written.cpu_ms) == (1, "refused", 10.0)


def test_only_a_language_that_was_refused_is_asked_again(child) -> None:
    good = template.compose(plan(DAY), "es")
    child(SAYS.format(said=json.dumps({"None": good})))
    en, es = writer.summarise_all(DAY, ("en", "es"), MINI, emergency="", timeout_s=20)
    assert (en.summary.source, en.attempts) == ("template", 4)
    assert (es.reason, es.attempts) == ("", 1)
    assert en.rss_mb == 53.0  # the second call held the three seeded texts of one language


def test_the_model_is_told_tokens_and_never_a_value() -> None:
    known = set(vocabulary().tokens)
    for lang in languages():
        row = writer.job(plan(DAY), lang, 1)
        assert set(row["prompt"]) | set(row["slots_allowed"]) <= known
        assert set(row["slots_required"]) <= set(row["slots_allowed"])
        assert not any(c.isdigit() for t in (*row["prompt"], *row["slots_allowed"]) for c in t)


def test_the_child_gets_no_environment_and_no_open_file(
    child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTHSLM_PASSPHRASE", "canary")
    out = tmp_path / "seen"
    look = "[dict(os.environ), os.listdir('/proc/self/fd')]"
    child(f"open({str(out)!r}, 'w').write(json.dumps({look}))")
    with (tmp_path / "held").open("w") as held:
        held.write("x")
        writer.summarise(DAY, "en", MINI, emergency="", timeout_s=20)
    environment, files = json.loads(out.read_text())
    assert set(environment) <= {"OPENBLAS_NUM_THREADS", "LC_CTYPE"}
    assert len(files) <= 5  # three, the one it writes, and the folder it lists


def test_the_parent_loads_neither_onnxruntime_nor_numpy() -> None:
    program = f"""
import sys
from pathlib import Path
from healthslm.language import writer
from healthslm.language.facts import Fact, Facts
facts = Facts(0.0, 86400.0, "UTC", (Fact("fever", "amber",
    (("times", "one"), ("usual", "unknown")),
    (("start", 60.0), ("longest", 7200.0), ("highest", 38.6), ("worst_at", 60.0),
     ("limit", 38.0))),))
written = writer.summarise(facts, "en", Path({str(MINI)!r}), emergency="112", timeout_s=30)
print(written.summary.source[:6], "onnxruntime" in sys.modules, "numpy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "model: False False\n", done.stderr


def test_no_text_of_random_weights_passes_the_guard(random_model: Path) -> None:
    """Weights decide nothing about truth: only how often the template has to speak."""
    draw = random.Random(5)
    jobs, told = [], []
    for seed in range(104):
        day = draw.choice((DAY, QUIET))
        for lang in languages():
            jobs.append(writer.job(plan(day), lang, seed or None))
            told.append((plan(day), lang))
    texts = [
        t for n in range(0, 208, 52) for t in writer.ask(random_model, jobs[n : n + 52], 60).texts
    ]
    assert len({tuple(t) for t in texts}) >= 200
    assert not any(guard.check(t, *of).ok for t, of in zip(texts, told, strict=True))
    written = writer.summarise(DAY, "en", random_model, emergency="112", timeout_s=60)
    assert (written.summary.source, written.reason) == ("template", "refused")
    assert written.summary.text == by_template("en")
