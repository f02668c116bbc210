"""What who can write the card tries with it, and whether that is refused for the right reason.

Rows, wraps and records are cut, spliced, swapped, moved between keys, classes and stores, left
out, put back as they were; then the store is read to the end by its owner, its sheet and its
device, which goes on. `attempts`: how many; `accepted`: those after which nothing was refused;
`wrong_reason`: those that were refused with another word than the table has;
`control_accepted`: of the same looks at what nobody touched, how many went well. `n`: draws of
rows for each attempt.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from random import Random

from benchmarks import attacked, forgery
from benchmarks.attacked import (
    THIEF,
    Scene,
    backed_up,
    by_device,
    consulted,
    old_passphrase,
    old_sheet,
    read_all,
)
from benchmarks.forgery import Attempt, Hand
from benchmarks.operation import CLINICIAN
from benchmarks.trees import scratch
from healthslm.bench import Goal, Result
from healthslm.errors import HealthslmError

DRAWS = 3


def _rows() -> Iterator[Attempt]:
    for kind in ("raw", "derived", "audit", "letter", "catalogue", "state"):
        yield Attempt(kind, "a row cut by a byte", "bad tag", forgery.cut(kind, 991))
        yield Attempt(kind, "a row cut to its head", "bad marker", forgery.cut(kind, 60))
        yield Attempt(kind, "two rows spliced", "bad tag", forgery.splice(kind))
        yield Attempt(kind, "two rows of a key swapped", "wrong label", forgery.swap(kind))
        yield Attempt(kind, "a row lost", "lost", forgery.lose(kind))


_WRAPS = [
    Attempt("wrap", "cut", "bad signature", forgery.wrap("cut", None)),
    Attempt("wrap", "two spliced", "bad signature", forgery.wrap("spliced", None)),
    Attempt("wrap", "of another key", "bad signature", forgery.wrap("moved", None)),
    Attempt("wrap", "of another store", "bad signature", forgery.wrap("foreign", None)),
    Attempt("wrap", "lost", "wrap of key .* lost", forgery.wrap("lost", None)),
    Attempt("device's wrap", "cut", "bad tag", forgery.wrap("cut", 0)),
    Attempt("device's wrap", "of another key", "wrong label", forgery.wrap("moved", 0)),
    Attempt("device's wrap", "lost", "wrap of its key is lost", forgery.wrap("lost", 0)),
]


_HEADER = [
    Attempt("reader", "cut", "bad marker", forgery.header("reader", "cut")),
    Attempt("reader", "another's", "bad signature", forgery.header("reader", "moved")),
    Attempt("reader", "of another store", "bad signature", forgery.header("reader", "foreign")),
    Attempt("reader", "lost", "lost", forgery.header("reader", "lost")),
    Attempt("identity", "cut", "bad signature", forgery.header("identity", "cut")),
    Attempt("identity", "of another store", "bad signature", forgery.header("identity", "foreign")),
    Attempt("identity", "lost", "lost", forgery.header("identity", "lost")),
    Attempt(
        *(
            "identity",
            "as it was",
            "rolled back",
            forgery.put_back("meta", "name GLOB 'identity/*'"),
        ),
        old_passphrase,
    ),
    Attempt("recovery", "cut", "bad tag", forgery.header("recovery", "cut")),
    Attempt("recovery", "of another store", "altered", forgery.header("recovery", "foreign")),
    Attempt("recovery", "lost", "recovery: lost", forgery.header("recovery", "lost")),
    Attempt(
        *(
            "recovery",
            "as it was",
            "wrap of key .* lost",
            forgery.put_back("meta", "name GLOB 're*/*'"),
        ),
        old_sheet,
    ),
    Attempt("device", "another's", "signed the rest", forgery.other_device),
]


_OLDER = [
    Attempt(
        "wrap", "of a consent taken back", "no consent stands", forgery.revoked, consulted(THIEF)
    ),
    Attempt(
        "row", "of a key destroyed", "(planted|another chapter|not the newest)", forgery.erased
    ),
    Attempt("letter", "as it was", "key was destroyed", forgery.letter),
    Attempt("state", "as it was", "(rolled back|lost)", forgery.put_back("row", "id < 64")),
    Attempt("store", "as it was", "rolled back", forgery.files("vault.db"), by_device),
    Attempt(
        *("store", "as it was, with the old passphrase", "rolled back"),
        *(forgery.files("vault.db"), old_passphrase),
    ),
    Attempt("store", "another's", "another store", forgery.files("vault.db", of="other")),
    Attempt("mark", "another store's", "vault.mark: lost", forgery.files("vault.mark", of="other")),
    Attempt("row", "of another key", "wrong key", forgery.move("raw", "raw", key=False)),
    Attempt(
        "row", "of another chapter", "wrong label", forgery.move("derived", "derived", key=True)
    ),
    Attempt("row", "of another class", "wrong label", forgery.move("derived", "raw", key=True)),
    Attempt("row", "of another store", "wrong key", forgery.foreign(wraps=False)),
    Attempt("row", "of another store, wraps too", "bad signature", forgery.foreign(wraps=True)),
    Attempt("row", "planted behind all", "planted", forgery.plant(None)),
    Attempt("row", "planted between", "planted", forgery.plant(1500)),
]

_SENT = [
    Attempt(
        "report", "cut", "bad marker", forgery.sent("newest", change=lambda d: d[:-1]), read_all()
    ),
    Attempt(
        *("report", "altered", "bad tag"),
        forgery.sent("newest", change=lambda d: d[:2000] + bytes(1) + d[2001:]),
        read_all(),
    ),
    Attempt("report", "forged", "bad signature", forgery.forged, read_all()),
    Attempt("report", "to another", "bad tag", forgery.sent("newest"), read_all(THIEF)),
    Attempt(
        "report",
        "of another device",
        "unknown device",
        forgery.sent("newest"),
        read_all(trusted=bytes(32)),
    ),
    Attempt("report", "twice", "replayed", forgery.sent("newest", "newest"), read_all()),
    Attempt("report", "older", "replayed", forgery.sent("newest", "first"), read_all()),
    Attempt(
        "store and mark", "as they were", "replayed", forgery.sent("newest", "rewound"), read_all()
    ),
    Attempt(
        *("store and mark", "as they were, with more reports", "rolled back"),
        forgery.sent("newest", "rewound further"),
        read_all(),
    ),
]

_LOST = "DELETE FROM row WHERE id = (SELECT min(id) FROM row WHERE id >= 2048)"
_BARE = "DELETE FROM meta WHERE name = 'backup'"
_BACKUPS = [
    Attempt(
        "backup",
        "cut",
        "(damaged|lost|not the|bad)",
        forgery.copied("now.hsb", short=8192),
        backed_up,
    ),
    Attempt(
        "backup",
        "a row of another place",
        "wrong label",
        forgery.swapped_in_backup,
        backed_up,
    ),
    Attempt(
        "backup",
        "a row lost",
        "lost",
        forgery.copied("now.hsb", _LOST),
        backed_up,
    ),
    Attempt(
        "backup", "with the record of an older one", "rolled back", forgery.other_record, backed_up
    ),
    Attempt(
        "backup",
        "without its record",
        "no backup",
        forgery.copied("now.hsb", _BARE),
        backed_up,
    ),
    Attempt(
        "backup", "of another store", "wrong passphrase", forgery.copied("other.hsb"), backed_up
    ),
]

ATTEMPTS = [*_rows(), *_WRAPS, *_HEADER, *_OLDER, *_SENT, *_BACKUPS]
CONTROLS = [
    Attempt("store", "untouched", "", lambda _: None),
    Attempt("store", "a consent that stands", "", lambda _: None, consulted(CLINICIAN)),
    Attempt("report", "in order", "", forgery.sent("first", "newest"), read_all()),
    Attempt("backup", "untouched", "", forgery.copied("now.hsb"), backed_up),
]


def measure(seed: int, n: int) -> list[Result]:
    """Return the figures of all attempts, `n` draws of each."""
    counts = Counter[str]()
    with scratch() as root:
        scene = attacked.scene(root)
        for attempt in ATTEMPTS:
            for draw in range(n or DRAWS):
                said = tried(scene, attempt, Random(f"{seed} {draw}"))  # noqa: S311 - no secret
                counts.update(["attempts", *judged(attempt, said)])
        untouched = [not tried(scene, control, Random(seed)) for control in CONTROLS]  # noqa: S311
    metrics = {
        **{k: float(counts[k]) for k in ("attempts", "accepted", "wrong_reason")},
        "control_accepted": sum(untouched) / len(untouched),
    }
    goals: dict[str, Goal] = {
        "attempts": (">=", float(len(ATTEMPTS))),
        "accepted": ("<=", 0.0),
        "wrong_reason": ("<=", 0.0),
        "control_accepted": (">=", 1.0),
    }
    return [Result("tamper", "what can write the card", f"seed {seed}", metrics, goals)]


def tried(scene: Scene, attempt: Attempt, rng: Random) -> str:
    """Return the error with which an attempt on a copy of the store is refused; "" is accepted."""
    folder = scene.root / "tried"
    shutil.copytree(scene.now, folder)
    try:
        attempt.act(Hand(scene, folder, rng))
        attempt.look(folder)
    except HealthslmError as error:
        return f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder)
    return ""


def judged(attempt: Attempt, said: str) -> list[str]:
    """Return what an attempt counts as; tell of what should not be."""
    if said and re.search(attempt.word, said):
        return []
    sys.stderr.write(f"tamper: {attempt.what}, {attempt.how}: {said or 'accepted'}\n")
    return ["wrong_reason" if said else "accepted"]
