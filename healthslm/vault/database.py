"""The SQLite file: its schema, how it is opened, and whose fault an error is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from healthslm.errors import ConfigError, IntegrityError

DATABASE, DEVICE_KEY, MARK = "vault.db", "device.key", "vault.mark"
NEW_DEVICE_KEY = "device.key.new"  # waits for the commit from which on it is the key
FORMAT = b"healthslm vault 2"
FORMAT_1 = b"healthslm vault 1"  # `migration` makes it the format of today
INSERT_ROW = "INSERT INTO row (id, key_id, blob) VALUES (?, ?, ?)"
REPLACE_ROW = "REPLACE INTO row (id, key_id, blob) VALUES (?, ?, ?)"
INSERT_WRAP = "INSERT INTO wrap (key_id, reader, blob) VALUES (?, ?, ?)"
BUSY_S = 10.0  # another process commits in milliseconds; a slow card in a second or two

_META = "name TEXT PRIMARY KEY, value BLOB NOT NULL"
_WRAP = """key_id INTEGER NOT NULL, reader INTEGER NOT NULL, blob BLOB NOT NULL,
                   PRIMARY KEY (key_id, reader)"""
_ROW = "CREATE TABLE row  (id INTEGER PRIMARY KEY, key_id INTEGER NOT NULL, blob BLOB NOT NULL);\n"

# A second copy of what opens all else, on other pages: kept equal by SQLite itself.
_SPARE = """
CREATE TABLE {0}_spare ({columns});
CREATE TRIGGER {0}_added AFTER INSERT ON {0} BEGIN
  REPLACE INTO {0}_spare SELECT * FROM {0} WHERE rowid = NEW.rowid; END;
CREATE TRIGGER {0}_changed AFTER UPDATE ON {0} BEGIN
  DELETE FROM {0}_spare WHERE {old};
  REPLACE INTO {0}_spare SELECT * FROM {0} WHERE rowid = NEW.rowid; END;
CREATE TRIGGER {0}_removed AFTER DELETE ON {0} BEGIN
  DELETE FROM {0}_spare WHERE {old}; END;
"""
BESIDE_ROWS = (
    f"CREATE TABLE wrap ({_WRAP});\nCREATE TABLE meta ({_META});\n"
    + _SPARE.format("meta", columns=_META, old="name = OLD.name")
    + _SPARE.format("wrap", columns=_WRAP, old="key_id = OLD.key_id AND reader = OLD.reader")
)
SCHEMA = _ROW + BESIDE_ROWS


def connect(path: Path, *, mode: str = "rw") -> sqlite3.Connection:
    """Return a connection that never creates a file, and syncs each commit.

    Raises
    ------
    ConfigError
        There is no store at `path`.
    IntegrityError
        It is not a database.
    """
    require(path)
    with storage():
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            timeout=BUSY_S,
        )
        for pragma in ("synchronous = FULL", "secure_delete = ON", "cell_size_check = ON"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("PRAGMA trusted_schema = OFF")
    return db


def require(path: Path) -> None:
    """Raise ConfigError where there is no store at `path`."""
    if not path.exists():
        raise ConfigError(f"{path.name}: there is no store in {path.parent}; make one with init")


def read_meta(db: sqlite3.Connection) -> dict[str, bytes]:
    """Return the clear header of a store.

    Raises
    ------
    ConfigError
        A store of the format before this one.
    IntegrityError
        Bad marker: another format, or not a store; or a part of the header is lost.
    """
    meta = read_header(db, FORMAT_1)
    if meta["format"] == FORMAT_1:
        raise ConfigError(
            f"{DATABASE}: a store of format 1, and nothing was changed; "
            "`healthslm store migrate` makes it one of format 2"
        )
    return meta


def read_header(db: sqlite3.Connection, *others: bytes) -> dict[str, bytes]:
    """Return the clear header of a store of this format or of `others`.

    Raises
    ------
    IntegrityError
        Bad marker: another format, or not a store; or a part of the header is lost.
    """
    with storage():
        found = db.execute("SELECT name, value FROM meta").fetchall()
    meta = {name: blob_of(value, "meta") for name, value in found}
    if meta.get("format") not in (FORMAT, *others):
        raise IntegrityError("meta format: bad marker: not a store of this version")
    if len(meta.get("store", b"")) != 16 or len(meta.get("device", b"")) != 32:
        raise IntegrityError("meta: lost: the header is not whole")
    return meta


def write_meta(db: sqlite3.Connection, name: str, value: bytes | None) -> None:
    """Set a record of the clear header, or take it out; within a transaction."""
    if value is None:
        db.execute("DELETE FROM meta WHERE name = ?", (name,))
    else:
        db.execute("REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))


def blob_of(value: object, what: str) -> bytes:
    """Return a blob; raises IntegrityError where damage has made it another type."""
    if not isinstance(value, bytes):
        raise IntegrityError(f"{what}: bad marker: not a blob")
    return value


@contextmanager
def storage() -> Iterator[None]:
    """Turn SQLite's errors into ours; they name no content.

    Raises
    ------
    IntegrityError
        The database is damaged, full, busy or cannot be written.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise IntegrityError(f"{DATABASE}: {why(error)}") from None


_WHY = {
    sqlite3.SQLITE_BUSY: "another process is writing",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: may this user read and write its folder?",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_NOTADB: "not a database",
    sqlite3.SQLITE_READONLY: "it cannot be written: may this user write its folder?",
}


def why(error: Exception) -> str:
    """Return what an error of SQLite means, with SQLite's own name for it."""
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    words = _WHY.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    return f"{words} ({name})" if words else name
