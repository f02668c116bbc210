"""Damaged bytes for every decoder: python benchmarks/fuzz.py [--target NAME] [--n N] [--seed S].

Each input is one of a target's seeds with a few edits: bits, bytes, cuts, copies, splices of two
seeds, numbers at their limits, words of the format. A decoder may return, or raise what it is
allowed to; anything else is a crash, and is written down with its input. One that works for more
than a second of processor time hangs.

`--atheris` hands one target to libFuzzer instead, which sees what code an input reaches
(pip install atheris; x86_64 only): python benchmarks/fuzz.py --atheris --target frame -- FLAGS.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.fuzz_targets import TARGETS, Target  # noqa: E402

HANG_S = 1.0  # of processor time
LONGEST = 1 << 17  # bytes of an input: twice the longest payload
EDITS = 4
NUMBERS = tuple(
    n.to_bytes(size, order, signed=n < 0)
    for size in (1, 2, 4, 8)
    for n in (0, 1, -1, 127, -128, (1 << 8 * size - 1) - 1, -(1 << 8 * size - 1))
    for order in ("little", "big")
)
MEMORY = 3 << 30  # bytes that the script's process may map: a bomb ends in MemoryError


class Hang(BaseException):
    """A decoder has worked for too long; no `except Exception` holds it up."""


@dataclass(slots=True)
class Outcome:
    """What came of the executions. Crashes and hangs: an input for each place and target."""

    executions: int = 0
    crashes: dict[tuple[str, str], bytes] = field(default_factory=dict)
    hangs: dict[str, bytes] = field(default_factory=dict)


def mutated(rng: random.Random, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """Return one of `seeds` after a few edits."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, EDITS)):
        rng.choice(MUTATORS)(rng, data, seeds, tokens)
    return bytes(data[:LONGEST])


def _at(rng: random.Random, data: bytearray) -> int:
    return int(rng.random() * (len(data) + 1))


def _bit(rng: random.Random, data: bytearray, seeds: object, tokens: object) -> None:
    if data:
        data[_at(rng, data) % len(data)] ^= 1 << rng.getrandbits(3)


def _byte(rng: random.Random, data: bytearray, seeds: object, tokens: object) -> None:
    at = _at(rng, data)
    data[at : at + 1] = bytes([rng.getrandbits(8)])


def _cut(rng: random.Random, data: bytearray, seeds: object, tokens: object) -> None:
    at = _at(rng, data)
    del data[at : at + rng.choice((1, 2, 4, 16, 1 << 20))]


def _copy(rng: random.Random, data: bytearray, seeds: object, tokens: object) -> None:
    at, size = _at(rng, data), rng.choice((1, 2, 8, 64))
    to = _at(rng, data)
    times = rng.choice((1, 1, 1, 40, 4000)) if len(data) < 2000 else 1
    data[to:to] = data[at : at + size] * times


def _number(rng: random.Random, data: bytearray, seeds: object, tokens: object) -> None:
    at, number = _at(rng, data), rng.choice(NUMBERS)
    data[at : at + len(number)] = number


def _token(rng: random.Random, data: bytearray, seeds: object, tokens: Sequence[bytes]) -> None:
    if tokens:
        at = _at(rng, data)
        token = rng.choice(tokens) * rng.choice((1, 1, 1, 1, 3, 2000))
        data[at : at + rng.choice((0, 0, len(token)))] = token


def _splice(rng: random.Random, data: bytearray, seeds: Sequence[bytes], tokens: object) -> None:
    other = rng.choice(seeds)
    data[_at(rng, data) :] = other[int(rng.random() * (len(other) + 1)) :]


MUTATORS: tuple[Callable[[random.Random, bytearray, Sequence[bytes], Sequence[bytes]], None], ...]
MUTATORS = (_bit, _byte, _cut, _copy, _number, _token, _splice)


def run(targets: Mapping[str, Target], seed: int, n: int) -> Outcome:
    """Execute about `n` times in all, in the targets' shares; the same seed gives the same."""
    outcome, whole = Outcome(), sum(target.share for target in targets.values())
    with _watched(lambda: outcome.executions):
        for name, target in targets.items():
            rng, seeds = random.Random(f"{seed} {name}"), target.seeds()  # noqa: S311
            for data in seeds:
                _execute(name, target, data, outcome)
            for _ in range(max(1, n * target.share // whole - len(seeds))):
                _execute(name, target, mutated(rng, seeds, target.tokens), outcome)
    return outcome


def _execute(name: str, target: Target, data: bytes, outcome: Outcome) -> None:
    outcome.executions += 1
    try:
        target.run(data)
    except target.allowed:
        pass
    except Hang:
        outcome.hangs.setdefault(name, data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        place = (name, where(error))
        if len(data) < len(outcome.crashes.get(place, data + b"+")):
            outcome.crashes[place] = data


def where(error: Exception) -> str:
    """Return the error's class and the line of ours that it came from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "healthslm" in f.filename]
    last = f" {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{last}"


@contextmanager
def _watched(count: Callable[[], int]) -> Iterator[None]:
    """Raise Hang in an execution during which the clock ticks twice: it took `HANG_S`, or more."""
    seen = -1

    def tick(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        if seen == count():
            raise Hang
        seen = count()

    before = signal.signal(signal.SIGVTALRM, tick)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG_S, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def main() -> int:
    """Fuzz what is asked for; exit with 1 where something was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="repeatable")
    parser.add_argument("--n", type=int, default=200_000, help="executions in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", action="store_true", help="libFuzzer, for one target")
    parser.add_argument("flags", nargs="*", help="of libFuzzer, behind --")
    wanted = parser.parse_args()
    targets = {name: TARGETS[name] for name in wanted.target or TARGETS}
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if wanted.atheris:
        return guided(targets, wanted.flags)
    total = Outcome()
    for name, target in targets.items():
        began = time.process_time()
        whole = sum(t.share for t in targets.values())
        found = run({name: target}, wanted.seed, wanted.n * target.share // whole)
        spent = time.process_time() - began
        total.executions += found.executions
        total.crashes |= found.crashes
        total.hangs |= found.hangs
        print(f"{name:<16} {found.executions:>10,} in {spent:7.1f} s", flush=True)
    for (name, place), data in total.crashes.items():
        print(f"CRASH {name}: {place}: {data[:120]!r} ({len(data)} bytes)")
    for name, data in total.hangs.items():
        print(f"HANG  {name}: {data[:120]!r} ({len(data)} bytes)")
    found_any = len(total.crashes) + len(total.hangs)
    print(f"{total.executions:,} executions of {len(targets)} decoders; {found_any} findings")
    return 1 if found_any else 0


def guided(targets: Mapping[str, Target], flags: Sequence[str]) -> int:
    """Let libFuzzer guide the inputs of the one target by the code that they reach."""
    import atheris  # optional, and only here

    if len(targets) != 1:
        sys.stderr.write("fuzz: error: --atheris takes one --target. Name it, and run it again\n")
        return 2
    ((name, target),) = targets.items()
    atheris.instrument_all()

    def once(data: bytes) -> None:
        with suppress(target.allowed):
            target.run(data)

    corpus = ROOT / ".fuzz" / name  # grows from run to run; what crashed lies beside it
    corpus.mkdir(parents=True, exist_ok=True)
    flags = [f"-artifact_prefix={corpus.parent}/{name}-", *flags]
    for i, data in enumerate(target.seeds()):
        (corpus / f"seed-{i}").write_bytes(data)
    atheris.Setup([sys.argv[0], *flags, str(corpus)], once)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
