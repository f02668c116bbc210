"""`store repair`: a damaged store is replaced by what is left of it, whole.

The new store is built and verified in a folder beside the old one; nothing is changed until it
stands. What it replaces is kept in `damaged-<n>`. `docs/store-format.md`, "Damage", is the
specification.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from healthslm.durable import sync
from healthslm.errors import DeviceKeyError, LockedError
from healthslm.vault.database import DATABASE, DEVICE_KEY, MARK
from healthslm.vault.header import true_headers, unlocked
from healthslm.vault.keys import (
    Device,
)
from healthslm.vault.readers import Unlocked
from healthslm.vault.rebuild import Findings
from healthslm.vault.renewal import Renewal
from healthslm.vault.rows import Rows, Unlock
from healthslm.vault.salvage import Salvage
from healthslm.vault.store import Store
from healthslm.vault.wreckage import HELD, INDEX, LOG, REPAIRED, set_apart, settle

_DMS = 128  # the byte of -shm that every connection holds a lock on: sqlite.org/walformat.html


def prepare(folder: Path, unlock: Unlock, *, now_s: float) -> Findings:
    """Build and verify, beside a damaged store, what can be brought back of it.

    Nothing of the store is changed; `replace` does that.

    Raises
    ------
    ConfigError
        There is no store in `folder`.
    LockedError
        The secret is not of this store; another process has the store open; or a key that is
        needed has to be signed, and the device key is not here.
    IntegrityError
        Nothing is left that the secret could open.
    """
    settle(folder)
    new = folder / f"{REPAIRED}.new"
    shutil.rmtree(new, ignore_errors=True)
    with _alone(folder), closing(Salvage(folder)) as salvage:
        key = folder / DEVICE_KEY
        device = Device.read(key) if key.exists() else None
        meta, owner = unlocked(true_headers(salvage.header(), device), unlock)
        if device and (device.store_id, device.public) != (meta["store"], meta["device"]):
            raise DeviceKeyError(
                "of another store",
                f"{DEVICE_KEY}: belongs to another store. Put the right one back, or move it away",
            )
        new.mkdir(mode=0o700)
        try:
            mark = (folder / MARK).read_bytes() if (folder / MARK).exists() else b""
            found = Renewal(salvage, meta, owner, device, mark, now_s).build(new)
            _verify(new, device, owner)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
    return found


def replace(folder: Path) -> Path:
    """Put what `prepare` built in the store's place; return where the damaged files are kept."""
    with _alone(folder):
        kept = set_apart(folder, (DATABASE, LOG, HELD, MARK))
        (folder / f"{REPAIRED}.new").rename(folder / REPAIRED)  # decided: from here on, onwards
        sync(folder)
        settle(folder)
    return kept


def forgo(folder: Path) -> None:
    """Drop what `prepare` built; the store stays as it is."""
    shutil.rmtree(folder / f"{REPAIRED}.new", ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make sure that no process has the database open, now and meanwhile."""
    try:
        handle = os.open(folder / INDEX, os.O_RDWR)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _DMS)
        yield
    except BlockingIOError:
        raise LockedError("another process has the store open: stop the daemon first") from None
    finally:
        os.close(handle)


def _verify(folder: Path, device: Device | None, owner: Unlocked) -> None:
    with Store(Rows(folder, device, lambda _: owner), audited=False) as store:
        store.rows.check_age()
        store.verify()
