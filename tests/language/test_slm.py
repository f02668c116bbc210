"""The child process: what it refuses, what its masks forbid, what it can still reach."""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from healthslm.language import slm
from healthslm.language.tokens import END, Vocabulary, is_slot

MINI = Path(__file__).parents[2] / "models" / "mini"
CHILD = Path(slm.__file__)


def draws(seed: int | None) -> random.Random:
    """Return a source of choices that are the same each time."""
    return random.Random(seed if seed is not None else "greedy")


@pytest.fixture(scope="module")
def untrained(random_model: Path) -> slm.Model:
    """Return the bundled graph with random weights, ready to write."""
    return slm.Model(slm.read(random_model))


def request(folder: Path, *jobs: slm.Job) -> bytes:
    """Return what the child is asked on stdin."""
    rows = [
        {
            "prompt": job.prompt,
            "slots_allowed": job.slots_allowed,
            "slots_required": job.slots_required,
            "seed": job.seed,
        }
        for job in jobs
    ]
    return json.dumps({"model": str(folder), "jobs": rows}).encode()


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


PROMPT = ("<en>", "<text>")


def test_the_child_writes_one_text_for_each_job_and_tells_what_it_took() -> None:
    slots = some_slots(2)
    jobs = [slm.Job(PROMPT, slots, slots[:1]), slm.Job(PROMPT, slots, slots[:1], seed=3)]
    code, answer = run(request(MINI, *jobs))
    assert code == 0
    assert set(answer) == {"texts", "ms_cpu", "rss_mb"}
    assert [slots[0] in text for text in answer["texts"]] == [True, True]
    assert 0 < answer["rss_mb"] <= 80
    assert 0 < answer["ms_cpu"] < 5_000


def test_the_likeliest_text_and_a_seeded_text_are_the_same_each_time() -> None:
    model = slm.Model(slm.read(MINI))
    slots = some_slots(8)
    for seed in (None, 1):
        first = model.write(slm.Job(PROMPT, slots, (), seed))
        model.write(slm.Job(("<es>", "<text>"), slots, ()))  # leaves nothing behind
        assert model.write(slm.Job(PROMPT, slots, (), seed)) == first


def test_seeds_give_different_texts(untrained: slm.Model) -> None:
    texts = {tuple(untrained.write(slm.Job(PROMPT, (), (), seed))) for seed in range(5)}
    assert len(texts) == 5


@pytest.mark.parametrize("seed", [None, *range(12)])
def test_whatever_the_weights_a_slot_is_written_only_if_allowed_and_as_often(
    untrained: slm.Model, seed: int | None
) -> None:
    draw = draws(seed)
    slots = [t for t in vocabulary().tokens if is_slot(t)]
    allowed = draw.choices(slots, k=5)
    text = untrained.write(slm.Job(PROMPT, tuple(allowed), (), seed))
    written = Counter(t for t in text if t.startswith("<") and t != END)
    assert written <= Counter(allowed)


@pytest.mark.parametrize("seed", [None, *range(12)])
def test_whatever_the_weights_no_text_ends_before_what_is_required_is_said(
    untrained: slm.Model, seed: int | None
) -> None:
    draw = draws(seed)
    required = draw.sample([t for t in vocabulary().tokens if is_slot(t)], 3)
    text = untrained.write(slm.Job(PROMPT, tuple(required), tuple(required), seed))
    assert END not in text or set(required) <= set(text)
    assert text.index(END) == len(text) - 1 if END in text else len(text) > 200


def test_a_text_that_runs_out_of_room_has_no_end(untrained: slm.Model) -> None:
    """A slot that is required and not allowed can never be written."""
    text = untrained.write(slm.Job(PROMPT, (), some_slots(1)))
    context = json.loads((MINI / "manifest.json").read_text())["architecture"]["context"]
    assert END not in text
    assert len(PROMPT) + len(text) == context + 1  # the last token is not read again


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_changed_file_is_refused(copied: Path, name: str) -> None:
    data = bytearray((copied / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / name).write_bytes(data)
    assert run(request(copied, slm.Job(PROMPT, (), ()))) == (1, {"error": "hash"})


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "manifest.json"])
def test_a_missing_file_is_refused(copied: Path, name: str) -> None:
    (copied / name).unlink()
    assert run(request(copied, slm.Job(PROMPT, (), ()))) == (1, {"error": "missing"})


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"form": 2}', b"\xff", b'{"form": 1}'])
def test_a_manifest_of_another_form_is_refused(copied: Path, content: bytes) -> None:
    (copied / "manifest.json").write_bytes(content)
    assert run(request(copied, slm.Job(PROMPT, (), ()))) == (1, {"error": "form"})


@pytest.mark.parametrize("prompt", [(), ("<en>", "no such token"), ("<en>",) * 256])
def test_a_prompt_it_cannot_read_is_refused(prompt: tuple[str, ...]) -> None:
    with pytest.raises(slm.Refusal) as refused:
        slm.Model(slm.read(MINI)).write(slm.Job(prompt, (), ()))
    assert refused.value.reason == "prompt"


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"jobs": [{}], "model": "/"}', b"\xff"])
def test_a_request_it_cannot_read_is_refused(data: bytes) -> None:
    assert run(data) == (1, {"error": "request"})


def test_a_request_too_long_is_refused() -> None:
    assert run(b" " * (slm.MAX_REQUEST + 1)) == (1, {"error": "request"})


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
    assert (MINI / "model.onnx").stat().st_size <= 3_000_000
