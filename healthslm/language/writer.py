"""Facts into a summary: the model's words where the guard accepts them, else the template's.

The model runs in a child process of its own (`slm`) that is given words without values and
gives numbers, the clauses it chose: no value, no time and no name ever reaches it, and no word
of its own comes back. Whatever goes wrong with it, the summary is written by the template
within the time allowed, and one fixed word says why.
"""

from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from healthslm.errors import ModelError
from healthslm.language import guard, slots, template, tokens, voice
from healthslm.language.facts import Facts
from healthslm.language.plan import Plan, plan
from healthslm.language.script import Script, script
from healthslm.language.seal import FORM, GRAPH, MANIFEST, TOKENIZER
from healthslm.language.wording import load, vocabulary
from healthslm.records import Summary

log = logging.getLogger(__name__)

CHILD = Path(__file__).with_name("slm.py")
MAX_ANSWER = 1 << 20  # bytes; a text is some 5 KiB
MAX_MANIFEST = 1 << 20  # bytes, and of a vocabulary of words
MODEL_S = 4.5  # of all the model's work for a summary: the text is there within 5 s, whoever wrote
CHILDS = frozenset(  # reasons of its own
    {"form", "hash", "memory", "missing", "prompt", "request", "tokenizers"}
)
ANSWERED = frozenset({0, 1})  # exit statuses: with texts, with a reason


@dataclass(frozen=True, slots=True)
class Manner:
    """How a text is to be.

    Parameters
    ----------
    level
        Whom it speaks to: plain, plainer, carer or clinician.
    turn
        Which of the clauses it may see, see `script`; None: by the day.
    free
        Let the model write words instead of choosing clauses. An experiment: what the guard
        does not know it refuses, and the template speaks more often.
    """

    level: str = tokens.PLAIN
    turn: int | None = None
    free: bool = False


PLAINLY = Manner()


@dataclass(frozen=True, slots=True)
class Written:
    """A summary, and what it took."""

    summary: Summary
    attempts: int  # texts the model wrote for it
    refusals: tuple[str, ...]  # why the guard refused, a fixed word each
    reason: str  # why the template spoke, a fixed word; "" where the model did
    cpu_ms: float  # of the child, this summary's share
    rss_mb: float  # largest memory of the child


@dataclass(frozen=True, slots=True)
class Answer:
    """What the child chose, for each job: clauses by number, or in the freer way tokens."""

    said: tuple[list[Any], ...]
    cpu_ms: float
    rss_mb: float


def summarise(
    facts: Facts,
    lang: str,
    model: Path | None,
    *,
    emergency: str,
    manner: Manner = PLAINLY,
    attempts: int = 4,
    timeout_s: float = MODEL_S,
    socket: Path | None = None,
) -> Written:
    """Return the summary of a period in one language; see `summarise_all`."""
    return summarise_all(
        facts,
        (lang,),
        model,
        emergency=emergency,
        manner=manner,
        attempts=attempts,
        timeout_s=timeout_s,
        socket=socket,
    )[0]


def summarise_all(
    facts: Facts,
    langs: Sequence[str],
    model: Path | None,
    *,
    emergency: str,
    manner: Manner = PLAINLY,
    attempts: int = 4,
    timeout_s: float = MODEL_S,
    socket: Path | None = None,
) -> tuple[Written, ...]:
    """Return the summary of a period in each language, in the order asked.

    Parameters
    ----------
    model
        Folder of the model; None: the template writes, reason "none".
    emergency
        Number to call, from the configuration; empty: the service is named instead.
    manner
        Whom the text speaks to, and how the model may write it.
    attempts
        Texts the model may write for a summary: the likeliest first, then seeded ones.
    timeout_s
        Of all the model's work together, and of what is made ready for it.
    socket
        Of the model's process under a user of its own; where none is, or nobody takes the
        connection, it is a child of this process.
    """
    deadline = time.monotonic() + timeout_s
    what = plan(facts, manner.level)
    turn = what.day if manner.turn is None else manner.turn
    drafts = [_Draft(script(what, lang, turn), emergency) for lang in langs]
    cost, source = [0.0, 0.0], ""
    try:
        if model is None:
            raise ModelError("none")
        known = identity(model)
        source = f"model:{known.weights[:12]}"
        for seeds in ((None,), tuple(range(1, attempts))):
            due = [(draft, seed) for draft in drafts if not draft.text for seed in seeds]
            if not due:
                continue
            answer = ask(
                model,
                [draft.job(seed, known, free=manner.free) for draft, seed in due],
                deadline - time.monotonic(),
                socket,
            )
            cost = [cost[0] + answer.cpu_ms, max(cost[1], answer.rss_mb)]
            for (draft, _), said in zip(due, answer.said, strict=True):
                draft.hear(said, known, free=manner.free)
        reason = "refused"
    except (ModelError, TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, ModelError) else "garbage"
        log.warning("the template writes instead of the model: %s", reason)
    return tuple(draft.written(source, reason, cost[0] / len(drafts), cost[1]) for draft in drafts)


def free_job(what: Plan, lang: str, seed: int | None = None) -> dict[str, object]:
    """Return what the child is told of a plan for the freer way: tokens, never a value."""
    allowed, required = slots.allowed(what), slots.required(what)
    prompt = what.prompt(lang)
    return {"prompt": prompt, "slots_allowed": allowed, "slots_required": required, "seed": seed}


@dataclass(frozen=True, slots=True)
class Identity:
    """Which model it is, and how it takes a text."""

    weights: str  # SHA-256
    spelt: bool  # its tokens are not our words: it is given strings


def identity(model: Path) -> Identity:
    """Return what a model's folder says of itself.

    Raises
    ------
    ModelError
        "missing" or "form", as in `slm`; "wording": there are words that it does not know.
    """
    try:
        manifest = _read(model / MANIFEST)
        weights, spelt = str(manifest["files"][GRAPH]), manifest.get("tokenizer") == "bpe"
        if manifest["form"] != FORM:
            raise ModelError("form")
        known = None if spelt else set(_read(model / TOKENIZER)["tokens"])
    except OSError:
        raise ModelError("missing") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise ModelError("form") from None
    if known is not None and not known.issuperset(vocabulary().tokens):
        raise ModelError("wording")
    return Identity(weights, spelt)


def _read(path: Path) -> Any:
    if not path.is_file():  # a pipe would be waited for
        raise ModelError("missing")
    with path.open("rb") as file:
        return json.loads(file.read(MAX_MANIFEST))


@dataclass(slots=True)
class _Draft:
    """A summary under way."""

    script: Script
    emergency: str
    text: str = ""
    attempts: int = 0
    refusals: tuple[str, ...] = ()

    def job(self, seed: int | None, model: Identity, *, free: bool) -> dict[str, object]:
        """Return what the child is asked."""
        if free and model.spelt:
            told = self._rendered(template.compose(self.script.plan, self.script.lang))
            return self.script.free_job(told, seed)
        if free:
            return free_job(self.script.plan, self.script.lang, seed)
        return self.script.job(seed, spelt=model.spelt)

    def hear(self, said: list[Any], model: Identity, *, free: bool) -> None:
        """Take what the model said if the guard accepts it and nothing was taken yet.

        Raises
        ------
        ValueError
            It is no answer.
        """
        if self.text:
            return
        self.attempts += 1
        what, lang = self.script.plan, self.script.lang
        reasons: tuple[str, ...] = ()
        if free and model.spelt:
            action = slots.filled(
                tokens.slot("action", what.action), what, load(lang), self.emergency
            )
            text = f"{' '.join(map(str, said))} {action}"
        else:
            pieces = list(map(str, said)) if free else self.script.text(said)
            reasons = guard.check(pieces, what, lang).reasons
            text = "" if reasons else self._rendered(pieces)
        if not reasons:
            reasons = guard.check_text(text, what, lang, emergency=self.emergency).reasons
            self.text = "" if reasons else text
        self.refusals += reasons

    def written(self, source: str, reason: str, cpu_ms: float, rss_mb: float) -> Written:
        """Return the summary: the model's text, or the template's."""
        what, lang, text = self.script.plan, self.script.lang, self.text
        if text:
            reason = ""
        else:
            source, text = "template", self._rendered(template.compose(what, lang))
        summary = Summary(what.t0_s, what.t1_s, lang, text, source)
        return Written(summary, self.attempts, self.refusals, reason, cpu_ms, rss_mb)

    def _rendered(self, pieces: Sequence[str]) -> str:
        return slots.render(pieces, self.script.plan, self.script.lang, emergency=self.emergency)


def ask(
    model: Path,
    jobs: Sequence[dict[str, object]],
    timeout_s: float,
    socket: Path | None = None,
) -> Answer:
    """Have the child choose a text for each job.

    Raises
    ------
    ModelError
        Its message is one fixed word: "timeout", "crash", "garbage", "start", or a reason
        of the child's own, see `slm`.
    """
    request = json.dumps({"model": str(model.absolute()), "jobs": jobs}).encode()
    deadline = time.monotonic() + timeout_s
    data = voice.said(socket, request, timeout_s, MAX_ANSWER) if socket else None
    if data is None:
        if socket:
            log.warning("the voice does not answer: its words are made under our own user")
        data = _run(request, deadline - time.monotonic())
    try:
        answer = json.loads(data)
        if "error" in answer:
            raise ModelError(answer["error"] if answer["error"] in CHILDS else "garbage")
        said = tuple(map(list, answer["said"]))
        cpu_ms, rss_mb = float(answer["ms_cpu"]), float(answer["rss_mb"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ModelError("garbage") from None
    if len(said) != len(jobs):
        raise ModelError("garbage")
    return Answer(said, cpu_ms, rss_mb)


def _run(request: bytes, timeout_s: float) -> bytes:
    """Give `request` to a child and return what it says; both lie in memory, of fixed size."""
    with _memory(request) as stdin, _memory(bytes(MAX_ANSWER)) as stdout:
        try:
            child = subprocess.Popen(  # noqa: S603 - our own file, no shell
                [sys.executable, "-I", str(CHILD)],
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.DEVNULL,  # a traceback could hold a token
                # Without HOME, Python asks the system who we are: that may be a directory far away.
                env={"OPENBLAS_NUM_THREADS": "1", "HOME": "/"},
                cwd="/",
            )
        except OSError:
            raise ModelError("start") from None
        with child:
            try:
                code = child.wait(max(0.0, timeout_s))
            except subprocess.TimeoutExpired:
                raise ModelError("timeout") from None
            finally:
                child.kill()
        stdout.seek(0)
        said = stdout.read().rstrip(b"\0")
    if code not in ANSWERED or not said:
        raise ModelError("crash")
    return said


def _memory(content: bytes) -> io.FileIO:
    """Return a file that is nowhere on disk and cannot grow; whoever writes more fails."""
    file = io.FileIO(os.memfd_create("child", os.MFD_ALLOW_SEALING), "r+")
    file.write(content)
    file.seek(0)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
    return file
