"""The child process: what it refuses, what it cannot say, what it can still reach."""

import io
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

from healthslm.language import guard, slm, slots
from healthslm.language.facts import Facts
from healthslm.language.plan import plan
from healthslm.language.script import script
from healthslm.language.tokens import END, Vocabulary, is_slot
from healthslm.language.wording import languages

ROOT = Path(__file__).parents[2]
corpus = SimpleNamespace(**run_path(str(ROOT / "models/recipe/corpus.py")))
MINI = Path(__file__).parents[2] / "models" / "mini"
CHILD = Path(slm.__file__)


def draws(seed: int | None) -> random.Random:
    """Return a source of choices that are the same each time."""
    return random.Random(seed if seed is not None else "greedy")


@pytest.fixture(scope="module")
def untrained(random_model: Path) -> slm.Model:
    """Return the bundled graph with random weights, ready to write."""
    return slm.Model(random_model)


def run(data: bytes) -> tuple[int, dict[str, object]]:
    """Run the child; return its exit status and its answer."""
    done = subprocess.run(
        [sys.executable, "-I", str(CHILD)], input=data, capture_output=True, timeout=60, env={}
    )
    assert done.stderr == b""
    return done.returncode, json.loads(done.stdout)


def vocabulary() -> Vocabulary:
    return Vocabulary.load(MINI / "tokenizer.json")


def some_slots(count: int) -> tuple[str, ...]:
    return tuple(t for t in vocabulary().tokens if is_slot(t))[:count]


def context() -> int:
    return json.loads((MINI / "manifest.json").read_text())["architecture"]["context"]


PROMPT = ("<en>", "<text>")
ROOM = context() + 1 - len(PROMPT)  # the last token is not read again


def test_the_child_chooses_a_text_for_each_job_that_the_guard_accepts(day: Facts) -> None:
    what = plan(day)
    scripts = [script(what, lang, turn) for lang in languages() for turn in range(3)]
    rows = [s.job(seed) for s in scripts for seed in (None, 3)]
    code, answer = run(json.dumps({"model": str(MINI), "jobs": rows}).encode())
    assert code == 0
    assert set(answer) == {"said", "ms_cpu", "rss_mb", "uid"}
    assert len(answer["said"]) == len(rows)
    for n, choices in enumerate(answer["said"]):
        said = scripts[n // 2]
        assert guard.check(said.text(choices), what, said.lang).ok
    assert 0 < answer["rss_mb"] <= 80
    assert 0 < answer["ms_cpu"] < 5_000


@pytest.mark.parametrize("lang", languages())
def test_whatever_the_weights_every_text_is_true(untrained: slm.Model, lang: str) -> None:
    """A thousand in both languages together: no claim that the facts do not hold, none left out."""
    texts = set()
    for n, (what, _, _) in enumerate(corpus.plans(77, 500)):
        said = script(what, lang, n)
        text = said.text(untrained.answer(slm.parsed(said.job(n))))
        assert guard.check(text, what, lang) == guard.Verdict()
        shown = slots.render(text, what, lang, emergency="112")
        assert guard.check_text(shown, what, lang, emergency="112") == guard.Verdict()
        texts.add(shown)
    assert len(texts) > 450


def test_a_seeded_choice_is_the_same_each_time(untrained: slm.Model, day: Facts) -> None:
    job = slm.parsed(script(plan(day), "en", whole=True).job(5))
    assert untrained.answer(job) == untrained.answer(job)


def test_the_likeliest_text_and_a_seeded_text_are_the_same_each_time() -> None:
    model = slm.Model(MINI)
    slots = some_slots(8)
    for seed in (None, 1):
        first = model.write(slm.FreeJob(PROMPT, slots, (), seed))
        model.write(slm.FreeJob(("<es>", "<text>"), slots, ()))  # leaves nothing behind
        assert model.write(slm.FreeJob(PROMPT, slots, (), seed)) == first


def test_seeds_give_different_texts(untrained: slm.Model) -> None:
    slots = some_slots(8)  # all required: no text may end at once
    texts = {tuple(untrained.write(slm.FreeJob(PROMPT, slots, slots, seed))) for seed in range(5)}
    assert len(texts) == 5


@pytest.mark.parametrize("seed", [None, *range(12)])
def test_whatever_the_weights_a_slot_is_written_only_if_allowed_and_as_often(
    untrained: slm.Model, seed: int | None
) -> None:
    draw = draws(seed)
    slots = [t for t in vocabulary().tokens if is_slot(t)]
    allowed = draw.choices(slots, k=5)
    text = untrained.write(slm.FreeJob(PROMPT, tuple(allowed), (), seed))
    written = Counter(t for t in text if t.startswith("<") and t != END)
    assert written <= Counter(allowed)


@pytest.mark.parametrize("seed", [None, *range(12)])
def test_whatever_the_weights_no_text_ends_before_what_is_required_is_said(
    untrained: slm.Model, seed: int | None
) -> None:
    draw = draws(seed)
    required = draw.sample([t for t in vocabulary().tokens if is_slot(t)], 3)
    text = untrained.write(slm.FreeJob(PROMPT, tuple(required), tuple(required), seed))
    assert END not in text or set(required) <= set(text)
    assert text.index(END) == len(text) - 1 if END in text else len(text) == ROOM


def test_a_text_that_runs_out_of_room_has_no_end(untrained: slm.Model) -> None:
    """A slot that is required and not allowed can never be written."""
    text = untrained.write(slm.FreeJob(PROMPT, (), some_slots(1)))
    assert END not in text
    assert len(text) == ROOM


def reason(folder: Path) -> str:
    """Return why a model's folder is refused."""
    with pytest.raises(slm.Refusal) as refused:
        slm.Model(folder)
    return refused.value.reason


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_changed_file_is_refused(copied: Path, name: str) -> None:
    data = bytearray((copied / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / name).write_bytes(data)
    assert reason(copied) == "hash"


def test_the_child_tells_why_it_refuses(copied: Path) -> None:
    (copied / "model.onnx").write_bytes(b"")
    assert run(json.dumps({"model": str(copied), "jobs": []}).encode()) == (
        1,
        {"error": "hash", "uid": os.geteuid()},
    )


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "manifest.json"])
def test_a_missing_file_is_refused(copied: Path, name: str) -> None:
    (copied / name).unlink()
    assert reason(copied) == "missing"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"form": 2}', b"\xff", b'{"form": 1}'])
def test_a_manifest_of_another_form_is_refused(copied: Path, content: bytes) -> None:
    (copied / "manifest.json").write_bytes(content)
    assert reason(copied) == "form"


@pytest.mark.parametrize("prompt", [(), ("<en>", "no such token"), ("<en>",) * 400])
def test_a_prompt_it_cannot_read_is_refused(prompt: tuple[str, ...]) -> None:
    with pytest.raises(slm.Refusal) as refused:
        slm.Model(MINI).write(slm.FreeJob(prompt, (), ()))
    assert refused.value.reason == "prompt"


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[1]", b'{"jobs": [{}], "model": "/"}', b"\xff", b" " * (slm.MAX_REQUEST + 1)],
    ids=["none", "empty", "list", "half a job", "not text", "too long"],
)
def test_a_request_it_cannot_read_is_refused(data: bytes) -> None:
    with pytest.raises(slm.Refusal) as refused:
        slm.request(io.BytesIO(data))
    assert refused.value.reason == "request"


def test_once_the_model_is_read_no_file_and_no_socket_can_be_opened() -> None:
    """The limit is real: the same two calls work before it and fail after it."""
    program = f"""
import runpy, socket
slm = runpy.run_path({str(CHILD)!r})
def reach():
    reached = []
    for name, act in (("file", lambda: open("/dev/null").close()), ("socket", socket.socket)):
        try:
            act()
            reached.append(name)
        except OSError:
            pass
    return reached
before = reach()
slm["close_the_doors"]()
print(before, reach())
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "['file', 'socket'] []\n"


def test_the_bundled_files_are_small() -> None:
    assert (MINI / "model.onnx").stat().st_size <= 4_500_000
