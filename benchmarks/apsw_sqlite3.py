"""The part of Python's sqlite3 that the vault uses, on APSW, whose file system can be replaced.

Only for the benchmark. What the vault does not use is not here, and fails loudly. The SQLite is
APSW's own, of another version than Python's: the state that a cut leaves is opened by Python's.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import apsw

_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
_NAMES = {**apsw.mapping_result_codes, **apsw.mapping_extended_result_codes}
_PRAGMA = re.compile(r"\s*PRAGMA\s+(\w+)\s*=", re.IGNORECASE)
_BROKEN = {apsw.SQLITE_CORRUPT, apsw.SQLITE_NOTADB}


class Cursor:
    """The rows of one statement, which has begun."""

    def __init__(self, cursor: apsw.Cursor) -> None:
        self._cursor = cursor

    def __iter__(self) -> Cursor:
        return self

    def __next__(self) -> tuple[Any, ...]:
        with _as_sqlite3():
            return next(self._cursor)

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None."""
        return next(self, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows that are left."""
        return list(self)


class Connection:
    """A connection in autocommit mode, as `isolation_level=None` gives.

    instead  the value to set a pragma to, by its name, whatever the caller sets it to.
    """

    def __init__(self, uri: str, vfs: str, timeout: float, instead: Mapping[str, str]) -> None:
        self._instead = instead
        with _as_sqlite3():
            self._db = apsw.Connection(uri, flags=_FLAGS, vfs=vfs)
        self._db.set_busy_timeout(round(timeout * 1000))
        for name, value in instead.items():
            self._db.execute(f"PRAGMA {name} = {value}")

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._db.in_transaction

    def execute(self, sql: str, values: Any = ()) -> Cursor:
        """Run one statement."""
        found = _PRAGMA.match(sql)
        if found and found[1].lower() in self._instead:
            sql = f"PRAGMA {found[1]} = {self._instead[found[1].lower()]}"
        with _as_sqlite3():
            return Cursor(self._db.execute(sql, values))

    def executemany(self, sql: str, rows: Iterable[Any]) -> Cursor:
        """Run one statement for each of `rows`."""
        with _as_sqlite3():
            return Cursor(self._db.executemany(sql, rows))

    def executescript(self, sql: str) -> Cursor:
        """Run statements."""
        return self.execute(sql)

    def commit(self) -> None:
        """End the transaction that is open, if there is one."""
        if self.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction that is open, if there is one."""
        if self.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the files."""
        with _as_sqlite3():
            self._db.close()


@contextmanager
def _as_sqlite3() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        code = getattr(error, "extendedresult", apsw.SQLITE_ERROR)
        kind: type[sqlite3.Error] = sqlite3.OperationalError
        if code & 0xFF in _BROKEN:
            kind = sqlite3.DatabaseError
        elif code & 0xFF == apsw.SQLITE_CONSTRAINT:
            kind = sqlite3.IntegrityError
        said = kind(str(error))
        said.sqlite_errorcode, said.sqlite_errorname = code, str(_NAMES.get(code, "SQLITE_ERROR"))
        raise said from None
