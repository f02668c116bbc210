"""A backup: one sealed file with everything but raw samples, made while the daemon runs.

It is a store of its own kind: the same rows under the same data keys, wrapped to the same readers,
and a state that knows of no waveform and holds no pipeline. What it cannot do is write: it comes
without a device key. Restored, it gets a new one, so that two boards never pass for one.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from healthslm.durable import sync
from healthslm.errors import ConfigError, IntegrityError
from healthslm.vault import audit, readers, recovery, rekey
from healthslm.vault.chapters import Chapter
from healthslm.vault.creation import abandon, vacant
from healthslm.vault.database import (
    DATABASE,
    INSERT_ROW,
    INSERT_WRAP,
    MARK,
    SCHEMA,
    connect,
    read_meta,
    storage,
    write_meta,
)
from healthslm.vault.index import Draft, Head
from healthslm.vault.keys import Class, verify
from healthslm.vault.mark import reset_mark
from healthslm.vault.readers import PROFILES, Profile
from healthslm.vault.rows import Rows, Unlock
from healthslm.vault.store import Store

SUFFIX = ".hsb"
_MARKER = b"HSB1"
_RECORD = "backup"  # in the clear header: says that this is none to write to


def create(store: Store, path: Path, *, now_s: float) -> int:
    """Write a backup of an open store to a new file; return how many rows it has.

    The device key is enough: it opens what has to change, and no more.

    Raises
    ------
    ConfigError
        There is a file already.
    LockedError
        The device key is not here.
    IntegrityError
        The store is damaged.
    """
    if path.exists():
        raise ConfigError(f"{path}: is there already; a backup replaces nothing")
    rows, new = store.rows, path.with_name(f"{path.name}.new")
    with rows.transaction(now_s) as draft:
        audit.record(draft, "backup made", store.who, now_s)
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(connect(new)) as copy, storage(), rows.snapshot():
            copy.execute("PRAGMA page_size = 4096")
            copy.executescript(SCHEMA)
            copy.execute("BEGIN IMMEDIATE")
            count = _fill(copy, rows, now_s)
            copy.execute("COMMIT")
        sync(new)
        new.rename(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync(path.absolute().parent)
    return count


def _fill(copy: sqlite3.Connection, rows: Rows, now_s: float) -> int:
    """Copy all but raw rows, with their wraps and the header; return the number of rows."""
    head = rows.head()
    kept = [c for c in rows.chapters(head) if c.cls != Class.RAW]
    (state_key,) = rows.db.execute("SELECT key_id FROM row WHERE id = 1").fetchone()
    for chapter in kept:
        found = rows.db.execute(
            "SELECT id, key_id, blob FROM row WHERE id >= ? AND id < ? AND key_id = ?",
            (chapter.first, chapter.end, chapter.key),
        )
        copy.executemany(INSERT_ROW, found)
    for key_id in (state_key, *(c.key for c in kept)):
        wraps = rows.db.execute("SELECT key_id, reader, blob FROM wrap WHERE key_id = ?", (key_id,))
        copy.executemany(INSERT_WRAP, wraps)
    for name, value in read_meta(rows.db).items():
        write_meta(copy, name, value)
    draft = _without_raw(head, rows, kept, now_s)
    copy.executemany(INSERT_ROW, draft.rows)
    signature = rows.keys.device.sign(_signed(rows.id, draft.head.commit))
    write_meta(copy, _RECORD, _MARKER + signature + struct.pack(">Q", draft.head.commit))
    return int(copy.execute("SELECT count(*) FROM row").fetchone()[0])


def _without_raw(head: Head, rows: Rows, kept: list[Chapter], now_s: float) -> Draft:
    """Return a state that knows of no waveform, sealed under the key of the state."""
    growing = [c for c in kept if c in head.chapters]
    head.chapters, head.catalogue = growing, None
    head.rows, head.top = sum(c.rows for c in kept), max(c.end for c in kept) - 1
    head.letters, head.pipeline, head.job = 0, None, ""
    draft = Draft(head, rows.id, rows.keys.writing(head, now_s), list)
    draft.put_away([c for c in kept if c not in growing])
    draft.finish()
    return draft


def check(path: Path, unlock: Unlock, *, now_s: float) -> dict[str, int]:
    """Read a whole backup; return how much it holds, as `Store.counts` does.

    Raises
    ------
    ConfigError
        There is no file; or it is a store, or something else.
    LockedError
        The secret does not open it.
    IntegrityError
        It is damaged, or was altered.
    """
    with _opened(path, path.parent, unlock, now_s) as store:
        store.verify()
        return store.counts()


def restore(
    path: Path,
    folder: Path,
    passphrase: str,
    *,
    now_s: float,
    profile: Profile = PROFILES["standard"],
    sheet: bytes | None = None,
) -> None:
    """Make a store of a backup, with a new device key; the whole of it is checked before.

    passphrase  the owner's; with a sheet, the one that the owner shall have from now on.
    sheet       the secret of the recovery sheet, where the passphrase is lost.

    Raises
    ------
    ConfigError
        There is a store, or a device key, already: nothing is ever restored over one.
    LockedError, IntegrityError
        As `check`.
    """
    vacant(folder, "restore into an empty folder")
    how: Unlock = partial(readers.unlock, passphrase=passphrase)
    if sheet is not None:
        how = partial(recovery.unlock, secret=sheet)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    new, mark = folder / f"{DATABASE}.new", folder / MARK
    try:
        shutil.copyfile(path, new)
        new.chmod(0o600)
        with _opened(new, folder, how, now_s) as store:
            store.verify()
            head = store.rows.head()
            reset_mark(mark, head.mark, store.rows.id, head.commit)
            rekey.change_device(
                store, folder, passphrase, now_s=now_s, profile=profile, sheet=sheet
            )
            with store.rows.transaction(now_s) as draft:
                write_meta(store.rows.db, _RECORD, None)
                audit.record(draft, "restored", store.who, now_s)
            store.rows.db.execute("PRAGMA journal_mode = WAL")
        sync(new)
        sync(folder)
        new.rename(folder / DATABASE)  # from here on there is a store
    except BaseException:
        abandon(folder)
        raise
    sync(folder)
    sync(folder.absolute().parent)


@contextmanager
def _opened(path: Path, folder: Path, unlock: Unlock, now_s: float) -> Iterator[Store]:
    """Open a backup, or what is about to become a store."""
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file")
    rows = Rows(folder, None, unlock, database=path)
    with Store(rows, audited=False) as store:
        record = read_meta(rows.db).get(_RECORD, b"")
        if record[:4] != _MARKER or len(record) != 76:
            raise ConfigError(f"{path.name}: a store, and no backup of one")
        (commit,) = struct.unpack(">Q", record[68:])
        verify(rows.device_public, record[4:68], _signed(rows.id, commit), "backup")
        store.welcome(now_s)
        if rows.head().commit != commit:
            raise IntegrityError("backup: rolled back: its state is of another one")
        yield store


def _signed(store_id: bytes, commit: int) -> bytes:
    return b"healthslm/backup/1" + store_id + struct.pack(">Q", commit)
