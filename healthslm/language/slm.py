"""The model's child process: it chooses among true sentences, and nothing else is in reach.

Run as a program by `writer`: one JSON object on stdin, one on stdout, then it ends and the
board has its memory back. It needs only NumPy and onnxruntime (and tokenizers for a model that
was imported), runs one thread at low priority, and once the model is read it can open no file
and no socket.

    {"model": folder, "jobs": [{"prompt": text, "items": [{"group": ..., "required": ...,
      "clauses": [[text, text after a prefix], ...], "openings": [text, ...], "links": [...],
      "after": [[item, ...], ...]}, ...],
      "end": text, "seed": null | int}, ...]}
    {"said": [[[item, prefix, clause], ...], ...], "ms_cpu": ..., "rss_mb": ..., "uid": ...}
    {"error": reason, "uid": ...}

A text is a row of words where the model's tokens are words, and a string where they are not.

The model's words are no answer: what comes back are the numbers of the clauses it chose (see
`choices`). So whatever the weights are, or whoever altered this process, a text is made of true
clauses; the guard reads it back all the same.

A job may ask for the freer way instead, with `slots_allowed` and `slots_required` in the place
of `items` and `end`: the model then writes words as it likes, only its slots are bound, and the
answer is its tokens (of an imported model, its one line of text). It is an experiment, and a
measure of what the model has learnt.
"""

from __future__ import annotations

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
from numpy.typing import NDArray

from healthslm.language.choices import Choice, Item, Texts, Walk
from healthslm.language.decoder import Decoder
from healthslm.language.seal import GRAPH, TOKENIZER, Spoilt, sealed

FloatArray = NDArray[np.float32]

END = "<end>"
MAX_REQUEST = 1 << 20  # bytes
MAX_JOBS = 64
MAX_LINE = 200  # tokens of a line that an imported model writes freely
TEMPERATURE = 0.7  # of seeded texts; without a seed the likeliest token is taken
RUN_S = 60  # CPU time after which the kernel ends this process
MEMORY = 320 << 20  # bytes of data it may map beside the model: 112 MiB with the bundled one
TIMES = 4  # the model's files that it may hold in memory: as read, as parsed, packed, to spare

Text = Sequence[str] | str
"""A row of words, or, for a model whose tokens are not words, a string."""


class Refusal(Exception):
    """The job cannot be done; `reason` is one fixed word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Job:
    """One text to choose."""

    prompt: Text
    items: tuple[Item[Any], ...]  # whose clauses, openings and links are texts
    end: str
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class FreeJob:
    """One text to write in the freer way."""

    prompt: Text
    slots_allowed: tuple[str, ...] = ()
    slots_required: tuple[str, ...] = ()
    seed: int | None = None


class Words:
    """Tokens that are whole words, marks and slots."""

    def __init__(self, content: bytes) -> None:
        self.tokens = tuple(map(str, json.loads(content)["tokens"]))
        self._ids = {token: i for i, token in enumerate(self.tokens)}

    def encode(self, text: Text, *, goes_on: bool = True) -> list[int]:
        """Return the ids of words; KeyError for one that the vocabulary lacks."""
        return [self._ids[word] for word in text]

    def end(self, name: str) -> int:
        """Return the token that ends a text."""
        return self._ids[name]


class Pieces:
    """Tokens that are pieces of words, as published models have them."""

    def __init__(self, content: bytes) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise Refusal("tokenizers") from None
        self._tokenizer = Tokenizer.from_str(content.decode())

    def encode(self, text: Text, *, goes_on: bool = True) -> list[int]:
        """Return the ids of a string; one that `goes_on` stands behind a space."""
        said = f" {text}" if goes_on else str(text)
        return list(self._tokenizer.encode(said, add_special_tokens=not goes_on).ids)

    def end(self, name: str) -> int:
        """Return the token of a new line, which ends a text."""
        return self.encode("\n", goes_on=False)[-1]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the string of some ids."""
        return str(self._tokenizer.decode(list(ids)))


class Model:
    """A decoder with its tokens; one text after another.

    Parameters
    ----------
    folder
        Of the model. Every file is compared with its hash before it is used.

    Raises
    ------
    Refusal
        "missing", "form" or "hash", as `seal.sealed`; "tokenizers": the package that an
        imported model needs is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            manifest = sealed(folder)
            content = (folder / TOKENIZER).read_bytes()
            self._tokens = Pieces(content) if manifest.get("tokenizer") == "bpe" else Words(content)
        except Spoilt as spoilt:
            raise Refusal(spoilt.reason) from None
        except OSError:
            raise Refusal("missing") from None
        except (KeyError, TypeError, ValueError, RecursionError):
            raise Refusal("form") from None
        try:
            self._decoder = Decoder(folder / GRAPH)
        except MemoryError:
            raise Refusal("memory") from None
        except Exception:  # noqa: BLE001 - of onnxruntime, which has no error of its own
            raise Refusal("form") from None

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
        try:
            items = [self._item(item) for item in job.items]
            walk = Walk(Texts(items, self._tokens.end(job.end)))
            due = self._tokens.encode(job.prompt, goes_on=False)
        except KeyError:
            raise Refusal("prompt") from None
        draw = _draw(job.seed)
        self._decoder.rewind()
        while not walk.ended:
            allowed = sorted(walk.allowed)
            if len(allowed) > 1:
                logits, due = self._after(due)[allowed], []
                allowed = [allowed[_choose(logits, draw)]]
            walk.take(allowed[0])
            due.append(allowed[0])
        return walk.choices

    def write(self, job: FreeJob) -> list[str]:
        """Return the text for `job`; one that ran out of room has no `<end>`.

        A slot named twice in `slots_allowed` may be written twice; one that is not named
        cannot be written, and `<end>` cannot while a required one is missing.

        Raises
        ------
        Refusal
            As `choose`.
        """
        self._decoder.rewind()
        if isinstance(self._tokens, Pieces):
            return [self._line(self._tokens, job)]
        words, draw = self._tokens, _draw(job.seed)
        try:
            due = words.encode(job.prompt)
            left = Counter(words.encode(job.slots_allowed))
            missing = set(words.encode(job.slots_required))
        except KeyError:
            raise Refusal("prompt") from None
        # Marks are written "<...>"; the rest are words, which may always be said.
        marks = [token.startswith("<") for token in words.tokens]
        bias = np.where(marks, -np.inf, 0.0).astype(np.float32)  # (vocabulary,)
        bias[list(left)] = 0.0
        end, text = words.end(END), list[int]()
        while end not in text[-1:]:
            bias[end] = -np.inf if missing else 0.0
            token = _choose(self._after(due) + bias, draw)
            due = [token]
            text.append(token)
            missing.discard(token)
            if token in left:
                left[token] -= 1
                bias[token] = 0.0 if left[token] else -np.inf
            if self._decoder.seen == self._decoder.context:
                break
        return [words.tokens[i] for i in text]

    def _line(self, pieces: Pieces, job: FreeJob) -> str:
        """Return the line that a model of pieces writes."""
        due, draw, end = pieces.encode(job.prompt, goes_on=False), _draw(job.seed), pieces.end("")
        text: list[int] = []
        while len(text) < MAX_LINE and end not in text[-1:]:
            due = [_choose(self._after(due), draw)]
            text += due
        return pieces.decode(text).strip()

    def _after(self, due: list[int]) -> FloatArray:
        """Read the tokens `due`; return the logits of the next, shape (vocabulary,)."""
        try:
            return self._decoder.read(due)
        except ValueError:
            raise Refusal("prompt") from None

    def _item(self, item: Item[Any]) -> Item[int]:
        say = self._tokens.encode
        clauses = [(say(alone), say(after)) for alone, after in item.clauses]
        openings, links = list(map(say, item.openings)), list(map(say, item.links))
        return Item(item.group, item.required, clauses, openings, links, item.after)


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
    except (KeyError, TypeError, ValueError, RecursionError):
        raise Refusal("request") from None
    if len(jobs) > MAX_JOBS:
        raise Refusal("request")
    return folder, jobs


def parsed(row: dict[str, Any]) -> Job | FreeJob:
    """Return one job; KeyError, TypeError or ValueError where it is none."""
    prompt, seed = row["prompt"], row["seed"]
    if "items" not in row:
        return FreeJob(prompt, tuple(row["slots_allowed"]), tuple(row["slots_required"]), seed)
    items = tuple(
        Item(
            item["group"],
            item["required"],
            [(alone, after) for alone, after in item["clauses"]],
            item["openings"],
            item["links"],
            item["after"],
        )
        for item in row["items"]
    )
    if not items or not all(item.clauses for item in items):
        raise ValueError("nothing to say")
    return Job(prompt, items, row["end"], seed)


def close_the_doors() -> None:
    """Leave this process what it holds open: from here on no file and no socket can be opened."""
    _limit(resource.RLIMIT_NOFILE, 0)


def bound(folder: Path) -> None:
    """Bound this process's memory by the model's size: a spoilt one must not take the board's.

    What the kernel refuses ends in "memory" or "form", or in the end of this process.
    """
    size = sum(path.stat().st_size for path in folder.glob("*") if path.is_file())
    _limit(resource.RLIMIT_DATA, MEMORY + TIMES * size)


def _limit(name: int, most: int) -> None:
    """Lower a limit of this process for good."""
    _, hard = resource.getrlimit(name)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(name, (most, most))


def peak_mb(status: IO[str]) -> float:
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
            bound(folder)
            model = Model(folder)
            close_the_doors()
            said = [model.answer(job) for job in jobs]
            answer: dict[str, object] = {
                "said": said,
                "ms_cpu": round(1000 * time.process_time(), 1),
                "rss_mb": round(peak_mb(status), 1),
            }
    except Refusal as refusal:
        answer = {"error": refusal.reason}
    except MemoryError:
        answer = {"error": "memory"}
    answer["uid"] = os.geteuid()  # `status` tells whether it is the daemon's
    sys.stdout.write(json.dumps(answer) + "\n")
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main())
