"""The model's child process: it chooses among true sentences, and nothing else is in reach.

Run as a program by `writer`: one JSON object on stdin, one on stdout, then it ends and the
board has its memory back. It needs only NumPy and onnxruntime, runs one thread at low
priority, and once the model is read it can open no file and no socket.

    {"model": folder, "jobs": [{"prompt": [token, ...], "items": [{"group": ..., "required": ...,
      "clauses": [[[token, ...], [token, ...]], ...], "openings": [...], "links": [...]}, ...],
      "end": token, "seed": null | int}, ...]}
    {"said": [[[item, prefix, clause], ...], ...], "ms_cpu": ..., "rss_mb": ...} | {"error": reason}

The model's words are no answer: what comes back are the numbers of the clauses it chose (see
`choices`). So whatever the weights are, or whoever altered this process, a text is made of true
clauses; the guard reads it back all the same.

A job may ask for the freer way instead, with `slots_allowed` and `slots_required` in the place
of `items` and `end`: the model then writes words as it likes, only its slots are bound, and the
answer is its tokens. It is an experiment, and a measure of what the model has learnt.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from healthslm.language.choices import Choice, Item, Texts, Walk

FloatArray = NDArray[np.float32]

END = "<end>"
FORM = 1  # of the model's folder
MAX_REQUEST = 1 << 20  # bytes
MAX_JOBS = 64
TEMPERATURE = 0.7  # of seeded texts; without a seed the likeliest token is taken
RUN_S = 60  # CPU time after which the kernel ends this process
MEMORY = 320 << 20  # bytes of data it may map beside the model: 112 MiB with the bundled one
TIMES = 4  # the model's files that it may hold in memory: as read, as parsed, packed, to spare


class Refusal(Exception):
    """The job cannot be done; `reason` is one fixed word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Job:
    """One text to choose."""

    prompt: tuple[str, ...]
    items: tuple[Item[str], ...]
    end: str
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class FreeJob:
    """One text to write in the freer way."""

    prompt: tuple[str, ...]
    slots_allowed: tuple[str, ...]
    slots_required: tuple[str, ...]
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """A model's folder, read once and verified."""

    graph: bytes
    tokens: tuple[str, ...]
    context: int  # tokens, prompt and text together


def read(folder: Path) -> Files:
    """Return the files of the model in `folder`.

    Raises
    ------
    Refusal
        "missing": a file is not there. "form": the manifest is not one of ours.
        "hash": a file is not the one that was sealed.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        sealed = {name: (folder / name).read_bytes() for name in ("model.onnx", "tokenizer.json")}
    except OSError:
        raise Refusal("missing") from None
    except ValueError:
        raise Refusal("form") from None
    try:
        if manifest["form"] != FORM:
            raise Refusal("form")
        for name, content in sealed.items():
            if hashlib.sha256(content).hexdigest() != manifest["files"][name]:
                raise Refusal("hash")
        tokens = tuple(json.loads(sealed["tokenizer.json"])["tokens"])
        context = int(manifest["architecture"]["context"])
    except (KeyError, TypeError, ValueError):
        raise Refusal("form") from None
    return Files(sealed["model.onnx"], tokens, context)


class Model:
    """The graph with its buffers; one text after another."""

    def __init__(self, files: Files) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            files.graph, options, providers=["CPUExecutionProvider"]
        )
        self._binding = self._session.io_binding()
        self._context = files.context
        self._tokens = files.tokens
        self._ids = {token: i for i, token in enumerate(files.tokens)}
        # Marks are written "<...>"; the rest are words, which may always be said.
        marks = [token.startswith("<") for token in files.tokens]
        self._words = np.where(marks, -np.inf, 0.0).astype(np.float32)  # (vocabulary,)
        self._buffers: dict[str, NDArray[Any]] = {}
        self._bind(len(files.tokens))

    def answer(self, job: Job | FreeJob) -> list[Choice] | list[str]:
        """Return what `job` asks for."""
        return self.choose(job) if isinstance(job, Job) else self.write(job)

    def choose(self, job: Job) -> list[Choice]:
        """Return which clauses tell the items of `job`, in the model's order.

        Where only one token may come next, nothing is asked of the model.

        Raises
        ------
        Refusal
            "prompt": a token that the vocabulary lacks, or no room for a text.
        """
        due, draw, seen = self._encoded(job.prompt), _draw(job.seed), 0
        walk = Walk(Texts([self._item(item) for item in job.items], self._encoded((job.end,))[0]))
        while not walk.ended:
            allowed = sorted(walk.allowed)
            if len(allowed) > 1:
                if seen + len(due) > self._context:
                    raise Refusal("prompt")
                logits = self._after(due, seen)[allowed]
                seen, due = seen + len(due), []
                allowed = [allowed[_choose(logits, draw)]]
            walk.take(allowed[0])
            due.append(allowed[0])
        return walk.choices

    def write(self, job: FreeJob) -> list[str]:
        """Return the text for `job`, with `<end>` unless it ran out of room.

        A slot named twice in `slots_allowed` may be written twice; one that is not named
        cannot be written, and `<end>` cannot while a required one is missing.

        Raises
        ------
        Refusal
            As `choose`.
        """
        due, draw = self._encoded(job.prompt), _draw(job.seed)
        left, missing = (
            Counter(self._encoded(job.slots_allowed)),
            set(self._encoded(job.slots_required)),
        )
        end, bias = self._ids[END], self._words.copy()
        bias[list(left)] = 0.0
        text: list[int] = []
        seen = 0
        while seen + len(due) <= self._context and end not in text[-1:]:
            bias[end] = -np.inf if missing else 0.0
            token = _choose(self._after(due, seen) + bias, draw)
            seen, due = seen + len(due), [token]
            text.append(token)
            missing.discard(token)
            if token in left:
                left[token] -= 1
                bias[token] = 0.0 if left[token] else -np.inf
        return [self._tokens[i] for i in text]

    def _encoded(self, tokens: Sequence[str]) -> list[int]:
        try:
            ids = [self._ids[token] for token in tokens]
        except KeyError:
            raise Refusal("prompt") from None
        if not 0 < len(ids) < self._context:
            raise Refusal("prompt")
        return ids

    def _item(self, item: Item[str]) -> Item[int]:
        say = self._encoded
        clauses = [(say(alone), say(after)) for alone, after in item.clauses]
        openings, links = list(map(say, item.openings)), list(map(say, item.links))
        return Item(item.group, item.required, clauses, openings, links)

    def _after(self, due: list[int], seen: int) -> FloatArray:
        """Read the tokens `due` behind the `seen` ones; return logits, shape (vocabulary,)."""
        total = seen + len(due)
        self._buffers["before_last"][0], self._buffers["total"][0] = total - 1, total
        if len(due) == 1:
            self._buffers["token"][0, 0] = due[0]
            self._binding.bind_ortvalue_input("tokens", self._token)
        else:
            self._binding.bind_cpu_input("tokens", np.array([due], np.int64))
        self._session.run_with_iobinding(self._binding)
        logits: FloatArray = self._buffers["logits"][0]
        return logits

    def _buffer(self, name: str, shape: Sequence[int], kind: type) -> onnxruntime.OrtValue:
        """Return a view for onnxruntime of a new array, which must be kept as long."""
        self._buffers[name] = np.zeros(shape, kind)
        return onnxruntime.OrtValue.ortvalue_from_numpy(self._buffers[name])

    def _bind(self, vocabulary: int) -> None:
        """Bind one buffer to each name; keys and values in place, past and present at once."""
        bound = self._binding
        self._token = self._buffer("token", (1, 1), np.int64)
        bound.bind_ortvalue_input("before_last", self._buffer("before_last", (1,), np.int32))
        bound.bind_ortvalue_input("total", self._buffer("total", (1,), np.int32))
        bound.bind_ortvalue_output("logits", self._buffer("logits", (1, vocabulary), np.float32))
        for past in self._session.get_inputs():
            if past.name.startswith("past."):
                cache = self._buffer(past.name, past.shape, np.float32)
                bound.bind_ortvalue_input(past.name, cache)
                bound.bind_ortvalue_output(past.name.replace("past.", "present."), cache)


def _draw(seed: int | None) -> random.Random | None:
    return None if seed is None else random.Random(seed)  # noqa: S311 - choice of words, not a secret


def _choose(logits: FloatArray, draw: random.Random | None) -> int:
    """Return the likeliest token, or one drawn at `TEMPERATURE`; -inf is never taken."""
    if draw is None:
        return int(logits.argmax())
    odds = np.exp((logits - logits.max()).astype(np.float64) / TEMPERATURE).cumsum()
    return int(odds.searchsorted(draw.random() * odds[-1], side="right"))


def request(stream: IO[bytes]) -> tuple[Path, list[Job | FreeJob]]:
    """Return the folder and the jobs that are asked for.

    Raises
    ------
    Refusal
        "request": not of the form above, or too long.
    """
    data = stream.read(MAX_REQUEST + 1)
    if len(data) > MAX_REQUEST:
        raise Refusal("request")
    try:
        asked = json.loads(data)
        jobs = [parsed(row) for row in asked["jobs"]]
        folder = Path(asked["model"])
    except (KeyError, TypeError, ValueError):
        raise Refusal("request") from None
    if len(jobs) > MAX_JOBS:
        raise Refusal("request")
    return folder, jobs


def parsed(row: dict[str, Any]) -> Job | FreeJob:
    """Return one job; KeyError, TypeError or ValueError where it is none."""
    prompt, seed = tuple(row["prompt"]), row["seed"]
    if "items" not in row:
        return FreeJob(prompt, tuple(row["slots_allowed"]), tuple(row["slots_required"]), seed)
    items = tuple(
        Item(
            item["group"],
            item["required"],
            [(alone, after) for alone, after in item["clauses"]],
            item["openings"],
            item["links"],
        )
        for item in row["items"]
    )
    if not items or not all(item.clauses for item in items):
        raise ValueError("nothing to say")
    return Job(prompt, items, row["end"], seed)


def close_the_doors() -> None:
    """Leave this process what it holds open: from here on no file and no socket can be opened."""
    _limit(resource.RLIMIT_NOFILE, 0)


def bound(graph: int) -> None:
    """Bound the memory of this process by the model's size: a spoilt one must not take the board's.

    What the kernel refuses ends in "memory", or in the end of this process.
    """
    _limit(resource.RLIMIT_DATA, MEMORY + TIMES * graph)


def _limit(name: int, most: int) -> None:
    """Lower a limit of this process for good."""
    _, hard = resource.getrlimit(name)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(name, (most, most))


def _peak_mb(status: IO[str]) -> float:
    """Return the most memory this process held; `ru_maxrss` would count the parent's too."""
    status.seek(0)
    line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main() -> int:
    """Answer the one request on stdin."""
    os.nice(10)
    _limit(resource.RLIMIT_CPU, RUN_S)
    _limit(resource.RLIMIT_CORE, 0)  # a core file would hold the prompt
    try:
        with Path("/proc/self/status").open() as status:
            folder, jobs = request(sys.stdin.buffer)
            files = read(folder)
            close_the_doors()
            bound(len(files.graph))
            model = Model(files)
            said = [model.answer(job) for job in jobs]
            answer: dict[str, object] = {
                "said": said,
                "ms_cpu": round(1000 * time.process_time(), 1),
                "rss_mb": round(_peak_mb(status), 1),
            }
    except Refusal as refusal:
        answer = {"error": refusal.reason}
    except MemoryError:
        answer = {"error": "memory"}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main())
