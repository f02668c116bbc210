"""A new store: made whole, or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import closing
from pathlib import Path

from healthslm.durable import sync
from healthslm.errors import ConfigError
from healthslm.vault import audit, recovery
from healthslm.vault.database import (
    DATABASE,
    DEVICE_KEY,
    FORMAT,
    INSERT_ROW,
    MARK,
    NEW_DEVICE_KEY,
    SCHEMA,
    connect,
    read_meta,
    storage,
)
from healthslm.vault.index import Draft, Head
from healthslm.vault.keyring import Keyring
from healthslm.vault.keys import ALL_CLASSES, KEY_BYTES, Device
from healthslm.vault.mark import reset_mark
from healthslm.vault.readers import (
    PROFILES,
    Grantee,
    Profile,
    Reader,
    identity_digest,
    reader_record,
    seal_identity,
)


def create(
    folder: Path,
    passphrase: str,
    *,
    now_s: float,
    profile: Profile = PROFILES["standard"],
    sheet: bytes | None = None,
) -> None:
    """Make a store in `folder`: the database, the device key, and the mark.

    profile  the cost of each guess at the passphrase; tests take `PROFILES["cheapest"]`.
    sheet    the secret of a recovery sheet, `recovery.new_secret()`; None: there is none yet.

    Raises
    ------
    ConfigError
        There is a store, or a device key, already: nothing is ever made over one. Or the
        passphrase is empty.
    """
    if not passphrase:
        raise ConfigError("passphrase: empty; without one anybody could read everything")
    vacant(folder, "move it away, or use it")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    device, owner = Device(secrets.token_bytes(16), secrets.token_bytes(32)), Reader.new()
    meta = {
        "format": FORMAT,
        "store": device.store_id,
        "device": device.public,
        f"reader/{owner.id}": reader_record(device, owner.public),
        f"identity/{owner.id}": seal_identity(device, owner, passphrase, profile),
    }
    readers = [Grantee(owner.id, "owner", ALL_CLASSES)]
    if sheet is not None:
        second = recovery.reader(sheet)
        meta[f"reader/{second.id}"] = reader_record(device, second.public)
        meta[f"recovery/{second.id}"] = recovery.trust_record(device, sheet)
        readers.append(Grantee(second.id, "recovery", ALL_CLASSES))
    new, key, mark = folder / f"{DATABASE}.new", folder / DEVICE_KEY, folder / MARK
    whole = folder / NEW_DEVICE_KEY  # until then it has another name
    clear(whole)  # of an attempt that ended before it was the key
    try:
        mark_key = _write(new, meta, device, readers, now_s)
        sync(folder)  # never a key without what tells whose it is
        device.write(whole)
        whole.rename(key)
        reset_mark(mark, mark_key, device.store_id, 1)
        sync(folder)  # never a store without its key
        new.rename(folder / DATABASE)  # from here on there is a store
    except BaseException:
        abandon(folder)
        raise
    sync(folder)
    sync(folder.absolute().parent)


def vacant(folder: Path, advice: str) -> None:
    """See that a store may be made in `folder`, after what an interrupted attempt left is gone.

    Raises
    ------
    ConfigError
        There is a store, or a device key; `advice` says what to do then.
    """
    discard_attempt(folder)
    for name in (DATABASE, DEVICE_KEY):
        if (folder / name).exists():
            raise ConfigError(f"{folder / name}: is there already; {advice}")


def discard_attempt(folder: Path) -> None:
    """Take away what an attempt left that was killed before there was a store."""
    new, key = folder / f"{DATABASE}.new", folder / DEVICE_KEY
    if new.exists() and key.exists() and not (folder / DATABASE).exists():
        with closing(connect(new)) as db:
            meta, device = read_meta(db), Device.read(key)
        if (meta["store"], meta["device"]) == (device.store_id, device.public):
            abandon(folder)  # nobody has anything that these could open
    elif not key.exists():
        clear(new)


def abandon(folder: Path) -> None:
    """Take away what an attempt has made so far; where there is a store already, nothing."""
    if not (folder / DATABASE).exists():
        clear(folder / DEVICE_KEY, folder / NEW_DEVICE_KEY, folder / MARK)
        sync(folder)  # never a key without what tells whose it is
        clear(folder / f"{DATABASE}.new")


def clear(*paths: Path) -> None:
    """Take files away, and what SQLite has put beside them."""
    for path in paths:
        for left in (path, *path.parent.glob(f"{path.name}-*")):
            left.unlink(missing_ok=True)


def _write(
    path: Path, meta: dict[str, bytes], device: Device, readers: list[Grantee], now_s: float
) -> bytes:
    """Write the database with its first commit; return the key of the mark."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))  # -wal and -shm take its mode
    with closing(connect(path)) as db, storage():
        db.execute("PRAGMA page_size = 4096")
        db.executescript(SCHEMA)
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", meta.items())
        keys = Keyring(db, device.store_id, device.public, device=device, unlocked=None)
        head = Head(readers=readers, mark=secrets.token_bytes(KEY_BYTES))
        (record,) = (value for name, value in meta.items() if name.startswith("identity/"))
        head.identity = identity_digest(record)
        writing = keys.writing(head, now_s)
        draft = Draft(head, device.store_id, writing, list)
        audit.record(draft, "create", "owner", now_s)
        draft.finish()
        db.executemany(INSERT_ROW, draft.rows)
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode = WAL")
        return head.mark
