"""A day in miniature, and what a store must hold after any part of it.

Commits of frames, records and state by the device, over hours and a midnight, each of which brings
new keys, of the state too, and takes away the oldest waveforms; letters set aside; the owner
unlocking, reading and erasing; the device starting again. What was put in follows from the number
of the commit, so whatever a store says can be held against it.
"""

from __future__ import annotations

import shutil
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from healthslm import vault
from healthslm.errors import HealthslmError, IntegrityError
from healthslm.records import Beat, Derived, Frame, Summary, Vital
from healthslm.vault.erase import Scope, erase
from healthslm.vault.keys import Class
from healthslm.vault.retention import Policy
from healthslm.vault.upkeep import Ballast, Upkeep

T0 = 1_699_999_200.0  # 2023-11-14 22:00:00 UTC
EVERY_S = 300.0
PASSPHRASE = "three geese over the river"  # noqa: S105 - of an invented store
LONG_AFTER = T0 + 400 * 86_400.0
KEPT = Policy(quota_bytes=110_000)  # of 32 commits: the first hour goes
ERASED_AT = 23


class Moment(NamedTuple):
    """How far a store has come: commits, entries of its audit trail, and what is still there."""

    commits: int
    events: int
    frames: tuple[int, ...] = ()  # of which commits
    letters: tuple[int, ...] = ()
    job: str = ""  # begun and not done


@dataclass(frozen=True, slots=True)
class Found:
    """What is amiss with a store that was cut off."""

    lost: bool = False  # something acknowledged is not there
    wrong: str = ""  # what is there was never so, or not at one moment
    refused: str = ""  # the error, though nothing but a cut happened


def now_s(i: int) -> float:
    """Return the time of the i-th commit."""
    return T0 + i * EVERY_S


# Of the first hour, what the first commits brought; records stay.
TAKEN = Scope(T0, T0 + 4 * EVERY_S, frozenset({Class.RAW}))


@cache
def frame(i: int) -> Frame:
    """Return the frame of the i-th commit."""
    draw = Random(i)  # noqa: S311 - no secret
    samples = struct.pack("<250h", *(draw.randrange(-400, 400) for _ in range(250)))
    return Frame("chest", "ecg", 1, i, i * 250, now_s(i), 250.0, "mV", 0.005, 0.0, samples, 0)


@cache
def derived(i: int) -> tuple[Derived, ...]:
    """Return the records of the i-th commit."""
    records: list[Derived] = [Vital("spo2", "wrist/spo2", now_s(i), float(i))]
    records += [Beat("beat", "chest/ecg", now_s(i) + k, 0.5 + i / 1000, True) for k in range(i % 5)]
    if i % 10 == 0:
        records.append(Summary(T0, now_s(i), "en", f"Day {i} is well.", "template"))
    return tuple(records)


@cache
def letter(i: int) -> tuple[str, bytes] | None:
    """Return what is set aside with the i-th commit, if anything is."""
    return ("bad json", b"letter %d " % i * 40) if i % 4 == 0 else None


@cache
def state(i: int) -> bytes:
    """Return the pipeline's state after the i-th commit."""
    return b"state %d" % i + Random(-i).randbytes(i % 3 * 700)  # noqa: S311 - no secret


def commit(store: vault.Store, i: int) -> None:
    """Commit the i-th."""
    if aside := letter(i):
        store.set_aside(*aside)
    store.commit([frame(i)], derived(i), state(i), now_s=now_s(i))


def made(folder: Path, n: int = 0) -> Path:
    """Make a store with `n` commits; return its folder."""
    vault.create(folder, PASSPHRASE, now_s=T0, profile=vault.PROFILES["cheapest"])
    with vault.Store.open(folder) as store:
        for i in range(1, n + 1):
            commit(store, i)
    return folder


def live(folder: Path, n: int, told: Callable[[], None]) -> None:
    """Live through a day of `n` commits; say whenever something is acknowledged."""
    store = _started(folder)
    for i in range(1, n + 1):
        commit(store, i)
        told()
        if i % 15 == 8:  # the owner looks in while the device is at work
            with vault.Store.unlock(folder, PASSPHRASE, now_s=now_s(i)) as owner:
                told()
                list(owner.frames())
                told()
                if i == ERASED_AT:
                    erase(owner, TAKEN, now_s=now_s(i), told=lambda *_: told())
        if i % 25 == 20:
            store.close()
            store = _started(folder)
    store.close()


def _started(folder: Path) -> vault.Store:
    """Return a store, open as the daemon opens it, that keeps little."""
    store = vault.Store.open(folder)
    store.upkeep = Upkeep(KEPT, Ballast(folder / "ballast", 4096))
    store.upkeep.ballast.lay()
    return store


def moment(folder: Path) -> Moment:
    """Return how far a store has come, which is not changed by this; all that it has must be true.

    Raises
    ------
    IntegrityError
        Something else is there than was put in.
    """
    with tempfile.TemporaryDirectory() as other:
        for file in folder.glob("vault.*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, other)
        with vault.Store.unlock(Path(other), PASSPHRASE, now_s=LONG_AFTER) as owner:
            found, wrong, _ = _contents(owner)
    if wrong:
        raise IntegrityError(f"a day that is wrong without any cut: {wrong}")
    return found


def trail(folder: Path) -> list[str]:
    """Return the actions of the audit trail."""
    with vault.Store.unlock(folder, PASSPHRASE, now_s=LONG_AFTER) as owner:
        return [event.action for event in owner.events()][:-1]


def examined(folder: Path, acked: int, moments: list[Moment], actions: list[str]) -> Found:
    """Open a store that was cut off and say what is amiss.

    actions  of the whole day's audit trail.
    acked    index in `moments` of the newest that was acknowledged; one more may be there.
    """
    refused = ""
    try:
        found, wrong = _read(folder, actions, accept_loss=False)
        wrong = wrong or _goes_on(folder, found.commits + 1)
    except HealthslmError as error:
        refused = f"{type(error).__name__}: {error}"
        try:
            found, wrong = _read(folder, actions, accept_loss=True)
        except HealthslmError:
            return Found(lost=True, refused=refused)
    if found not in moments[: acked + 2]:
        return Found(wrong=wrong or "a moment that never was", refused=refused)
    return Found(moments.index(found) < acked, wrong, refused)


def _read(folder: Path, actions: list[str], *, accept_loss: bool) -> tuple[Moment, str]:
    """Return how far a store has come, and what in it is not as it was then."""
    with vault.Store.unlock(folder, PASSPHRASE, now_s=LONG_AFTER, accept_loss=accept_loss) as owner:
        found, wrong, done = _contents(owner)
        own = 2 if accept_loss else 1  # entries of this look
        owner.verify()
    found = found._replace(events=found.events - own)
    if done[:-own] != actions[: found.events]:
        wrong = f"{wrong}, audit trail" if wrong else "audit trail"
    return found, wrong


def _contents(owner: vault.Store) -> tuple[Moment, str, list[str]]:
    """Return how far a store has come, what in it was never put in, and its audit trail."""
    done = [event.action for event in owner.events()]  # before frames are read: that is told too
    records, frames, letters = list(owner.derived()), list(owner.frames()), list(owner.letters())
    n = sum(isinstance(record, Vital) for record in records)
    shown = tuple(frame.seq for frame in frames)
    aside = tuple(i for i in range(1, n + 1) if letter(i) in letters)
    truth = {
        "state": owner.state() == (state(n) if n else None),
        "frames": frames == [frame(i) for i in shown] and list(shown) == sorted(set(shown)),
        "records": records == [r for i in range(1, n + 1) for r in derived(i)],
        "letters": letters == [letter(i) for i in aside],
    }
    wrong = ", ".join(name for name, true in truth.items() if not true)
    return Moment(n, len(done), shown, aside, owner.rows.head().job), wrong, done


def _goes_on(folder: Path, i: int) -> str:
    """Commit one more as the device; return what is then amiss."""
    with vault.Store.open(folder) as store:
        store.verify()
        commit(store, i)
    with vault.Store.open(folder) as store:
        store.verify()
        if store.state() != state(i):
            raise IntegrityError("state: not that of the commit after the cut")
        told = list(store.derived())
    return "" if told == [r for k in range(1, i + 1) for r in derived(k)] else "records after it"
