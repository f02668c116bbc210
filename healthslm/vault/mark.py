"""The mark: the newest commit that was seen, kept outside the database.

A database that lost its newest commits (its `-wal` file deleted, an old copy put back) is
whole in itself; only something beside it can tell. The mark is written after each commit and
synced only where it moves from one slot to the other: after a power cut it may be older than the
database, never newer, and one slot always stands.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from healthslm.errors import IntegrityError
from healthslm.vault.seal import OVERHEAD, seal, unseal

SLOT_BYTES = 4096  # one page each: a torn write spoils one slot, and the other still stands
TURN = 1024  # commits in one slot before the other
_SEALED = 8 + OVERHEAD


def write_mark(path: Path, key: bytes, store_id: bytes, commit: int) -> None:
    """Note that `commit` is on disk."""
    handle = os.open(path, os.O_WRONLY)
    try:
        if commit % TURN == 0:
            os.fsync(handle)  # the slot that is left says what it says for good
        os.pwrite(handle, _slot(key, store_id, commit), commit // TURN % 2 * SLOT_BYTES)
    finally:
        os.close(handle)


def reset_mark(path: Path, key: bytes, store_id: bytes, commit: int) -> None:
    """Begin a mark, durably: both slots say `commit`."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        for slot in range(2):
            os.pwrite(handle, _slot(key, store_id, commit), slot * SLOT_BYTES)
        os.ftruncate(handle, 2 * SLOT_BYTES)
        os.fsync(handle)
    finally:
        os.close(handle)


def newest_slot(data: bytes, key: bytes, store_id: bytes) -> int:
    """Return which slot (0 or 1) knows the newest commit; raises IntegrityError as `read_mark`."""
    seen = read_mark(data, key, store_id)
    first = data[:SLOT_BYTES]
    with suppress(IntegrityError):
        return int(read_mark(first, key, store_id) < seen)
    return 1


def write_slot(path: Path, key: bytes, store_id: bytes, commit: int, slot: int) -> None:
    """Write one slot durably; the other is made durable before, so that one always stands."""
    handle = os.open(path, os.O_WRONLY)
    try:
        os.fsync(handle)
        os.pwrite(handle, _slot(key, store_id, commit), slot * SLOT_BYTES)
        os.fsync(handle)
    finally:
        os.close(handle)


def read_mark(data: bytes, key: bytes, store_id: bytes) -> int:
    """Return the newest commit that the bytes of a mark know of.

    Raises
    ------
    IntegrityError
        No slot can be read.
    """
    seen = []
    for at in (0, SLOT_BYTES):
        try:
            slot = unseal(key, _label(store_id), data[at : at + _SEALED], "vault.mark")
        except IntegrityError:
            continue
        seen.append(int.from_bytes(slot, "big"))
    if not seen:
        raise IntegrityError("vault.mark: lost: nothing says how new the store must be")
    return max(seen)


def _slot(key: bytes, store_id: bytes, commit: int) -> bytes:
    return seal(key, _label(store_id), commit.to_bytes(8, "big"))


def _label(store_id: bytes) -> bytes:
    return b"healthslm/mark/1" + store_id
