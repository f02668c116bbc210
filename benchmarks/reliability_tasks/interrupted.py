"""What is left where an operation on a store is broken off, at each of its steps.

Each operation is recorded, operation by operation; after each of these the program is killed (all
that it wrote stays), the power fails (only what was synced stays), and it fails in a way drawn
by the seed (`benchmarks/disk.py`). What is found must be as before or as after, by the meaning
that the operation's own `found` gives these, and usable. `steps`: changes of files that the
operations made; `states`: different states that were opened; `old`, `new`: as before, as after;
`between`: a part is done, all that should be there is whole, the store says that it is not done,
and the same again ends it; `neither`: the rest; `undone`: of states after the operation had
returned, those that are not as after. `n`: power cuts drawn at each step.

To add an operation: what it needs, what it does, how old and new are told apart, and a row of
`OPERATIONS` (or of `benchmarks/changes.py`).
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path
from random import Random

from benchmarks import day
from benchmarks.changes import CHANGES
from benchmarks.disk import cuts
from benchmarks.operation import Operation
from benchmarks.recorder import recording
from benchmarks.trees import put, scratch
from healthslm import vault
from healthslm.bench import Goal, Result
from healthslm.errors import HealthslmError, IntegrityError

CUTS = 5
KINDS = ("steps", "states", "old", "between", "new", "neither", "undone")


def _store(root: Path) -> None:
    day.made(root / "store", 3)


def _create(root: Path) -> None:
    day.made(root / "store")


def _created(root: Path) -> str:
    """Old: no store, and one can be made. New: it opens, and says that it was made."""
    old = not (root / "store" / "vault.db").exists()
    if old:
        day.made(root / "store")
    with vault.Store.open(root / "store") as device:
        day.commit(device, 1)
    return _unless(day.trail(root / "store") != ["create"], "old" if old else "new")


def _commit(root: Path) -> None:
    with vault.Store.open(root / "store") as device:
        day.commit(device, 4)


def _committed(root: Path) -> str:
    moments = [day.Moment(3, 1, (1, 2, 3)), day.Moment(4, 1, (1, 2, 3, 4), (4,))]
    found = day.examined(root / "store", 0, moments, ["create"])
    with vault.Store.open(root / "store") as device:
        frames = device.counts()["frames"] - 1  # `examined` has committed one more
    return found.refused or found.wrong or ("new" if frames == 4 else "old")


def _unlock(root: Path) -> None:
    vault.Store.unlock(root / "store", day.PASSPHRASE, now_s=day.now_s(4)).close()


def _unlocked(root: Path) -> str:
    told = day.trail(root / "store")
    with vault.Store.open(root / "store") as device:
        whole = device.state() == day.state(3)
    return _unless(not whole, {1: "old", 2: "new"}.get(len(told), "another trail"))


def _rolled_back(root: Path) -> None:
    """Put the database of three commits beside the mark of five."""
    _store(root)
    shutil.copy(root / "store" / "vault.db", root / "older")
    with vault.Store.open(root / "store") as device:
        day.commit(device, 4)
        day.commit(device, 5)
    (root / "older").replace(root / "store" / "vault.db")


def _accept_loss(root: Path) -> None:
    vault.Store.unlock(root / "store", day.PASSPHRASE, now_s=day.now_s(6), accept_loss=True).close()


def _accepted(root: Path) -> str:
    """Old: refused, until the loss is accepted. New: it opens, and the trail tells why."""
    try:
        vault.Store.open(root / "store").close()
    except IntegrityError:
        _accept_loss(root)
        found = "old"
    else:
        found = "new"
    told = day.trail(root / "store")
    with vault.Store.open(root / "store") as device:
        whole = device.state() == day.state(3)
    if "loss accepted" not in told:
        return "a loss accepted that the audit trail does not tell"
    return found if whole else "another state"


def _unless(amiss: bool, found: str) -> str:
    return "other contents" if amiss else found


OPERATIONS = {
    "create": Operation(lambda _: None, _create, _created),
    "commit": Operation(_store, _commit, _committed),
    "unlock": Operation(_store, _unlock, _unlocked),
    "accept_loss": Operation(_rolled_back, _accept_loss, _accepted),
    **CHANGES,
}


def measure(seed: int, n: int) -> list[Result]:
    """Return the figures of all operations, `n` power cuts drawn at each step."""
    totals, kinds = Counter[str](), KINDS
    metrics: dict[str, float] = {}
    for name, operation in OPERATIONS.items():
        counts, amiss = broken_off(operation, seed, n or CUTS)
        for what, times in amiss.items():
            sys.stderr.write(f"interrupted: {name}: {times} times: {what}\n")
        totals += counts
        metrics |= {f"{kind}_{name}": float(counts[kind]) for kind in kinds}
    goals: dict[str, Goal] = {
        "neither": ("<=", 0.0),
        "undone": ("<=", 0.0),
        **{f"{end}_{name}": (">=", 1.0) for name in OPERATIONS for end in ("old", "new")},
    }
    metrics = {kind: float(totals[kind]) for kind in kinds} | metrics
    return [Result("interrupted", "each operation", f"seed {seed}", metrics, goals)]


def broken_off(
    operation: Operation, seed: int, drawn: int, every: int = 1
) -> tuple[Counter[str], Counter[str]]:
    """Return the counts of one operation, and how often it ended as neither, by what was found.

    every  look at each so-manieth state only, until the operation has returned.
    """
    counts, amiss, rng = Counter[str](), Counter[str](), Random(seed)  # noqa: S311 - no secret
    with scratch() as folders:
        root = folders / "recorded"
        root.mkdir()
        operation.prepare(root)
        with recording(root, {}) as recorder:
            operation.act(root)
            recorder.note("returned")
        counts["steps"] = len(recorder.ops) - 1
        states = cuts(recorder.before, recorder.ops, rng, drawn)
        for k, (returned, tree) in enumerate(states):
            if k % every and not returned:
                continue
            root = put(tree, folders / str(k))
            try:
                found = operation.found(root)
            except HealthslmError as error:
                found = f"{type(error).__name__}: {str(error).replace(f'{root}/', '')}"
            known = found in {"old", "between", "new"}
            counts.update(["states", found if known else "neither"])
            counts["undone"] += returned and found in {"old", "between"}
            amiss.update([] if known else [found])
    return counts, amiss
