"""A day in miniature, and what a store must hold after any part of it.

Commits of frames, records and state by the device, over an hour and a midnight; letters set
aside; the owner unlocking and reading; the device starting again. Everything follows from the
number of the commit, so whatever a store says can be held against what was put in.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from healthslm import vault
from healthslm.errors import HealthslmError, IntegrityError
from healthslm.records import Beat, Derived, Frame, Summary, Vital

T0 = 1_699_999_200.0  # 2023-11-14 22:00:00 UTC
EVERY_S = 300.0
PASSPHRASE = "three geese over the river"  # noqa: S105 - of an invented store
LONG_AFTER = T0 + 400 * 86_400.0


class Moment(NamedTuple):
    """How far a store has come: commits, and entries of its audit trail."""

    commits: int
    events: int


@dataclass(frozen=True, slots=True)
class Found:
    """What is amiss with a store that was cut off."""

    lost: bool = False  # something acknowledged is not there
    wrong: str = ""  # what is there was never so, or not at one moment
    refused: str = ""  # the error, though nothing but a cut happened


def now_s(i: int) -> float:
    """Return the time of the i-th commit."""
    return T0 + i * EVERY_S


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


def live(folder: Path, n: int, told: Callable[[Moment], None]) -> None:
    """Live through a day of `n` commits; say each moment once it is acknowledged."""
    events = 1  # of the creation
    store = vault.Store.open(folder)
    for i in range(1, n + 1):
        commit(store, i)
        events += i % 10 == 0
        told(Moment(i, events))
        if i % 15 == 8:  # the owner looks in while the device is at work
            with vault.Store.unlock(folder, PASSPHRASE, now_s=now_s(i)) as owner:
                told(Moment(i, events := events + 1))
                list(owner.frames())
                told(Moment(i, events := events + 1))
        if i % 25 == 20:
            store.close()
            store = vault.Store.open(folder)
    store.close()


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
        moment, wrong = _read(folder, actions, accept_loss=False)
        wrong = wrong or _goes_on(folder, moment.commits + 1)
    except HealthslmError as error:
        refused = f"{type(error).__name__}: {error}"
        try:
            moment, wrong = _read(folder, actions, accept_loss=True)
        except HealthslmError:
            return Found(lost=True, refused=refused)
    if moment not in moments[: acked + 2]:
        return Found(wrong=wrong or "a moment that never was", refused=refused)
    return Found(moments.index(moment) < acked, wrong, refused)


def _read(folder: Path, actions: list[str], *, accept_loss: bool) -> tuple[Moment, str]:
    """Return how far a store has come, and what in it is not as it was then."""
    with vault.Store.unlock(folder, PASSPHRASE, now_s=LONG_AFTER, accept_loss=accept_loss) as owner:
        done = [event.action for event in owner.events()][: -2 if accept_loss else -1]
        pipeline, frames = owner.state(), list(owner.frames())
        n = len(frames)
        truth = {
            "state": pipeline == (state(n) if n else None),
            "frames": frames == [frame(i) for i in range(1, n + 1)],
            "records": list(owner.derived()) == [r for i in range(1, n + 1) for r in derived(i)],
            "letters": list(owner.letters()) == [a for i in range(1, n + 1) if (a := letter(i))],
            "audit trail": done == actions[: len(done)],
        }
        owner.verify()
    return Moment(n, len(done)), ", ".join(name for name, true in truth.items() if not true)


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
