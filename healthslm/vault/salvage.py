"""Rows, wraps and header records, found in the bytes of a damaged database and its log.

A page whose head, cell pointers or place in the tree are lost still holds its cells. They are
found by what they begin with, and read by the record format (section 2.1 of
https://www.sqlite.org/fileformat2.html): none of them is long enough to overflow its page. Whether
a cell is what it says is not known here: it has to be opened.
"""

from __future__ import annotations

import mmap
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from healthslm.vault.database import DATABASE
from healthslm.vault.index import Row
from healthslm.vault.wreckage import HELD, LOG

_BEGINNINGS = re.compile(rb"HS[SW]1|format|store|device|(?:reader|identity|recovery)/[0-9]{1,19}")
_INTEGER = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}  # serial type: bytes
_LOG_HEAD, _FRAME_HEAD, _PAGE = 32, 24, 4096
_REACH = 21  # from a blob back to its record header: 5 bytes of header, two integers of 8


class Cell(NamedTuple):
    """A record of the database, by its place in the bytes."""

    kind: str  # "row", "wrap", or the name of a header record
    a: int  # row id, or key id of a wrap
    b: int  # key id of a row, or reader of a wrap
    at: int
    size: int


def cells(data: bytes | mmap.mmap) -> Iterator[Cell]:
    """Yield what looks like a cell of ours, wherever it lies."""
    for match in _BEGINNINGS.finditer(data):
        found = _sealed(data, match.start()) if match[0][:2] == b"HS" else _named(data, match)
        if found is not None:
            yield found


def _sealed(data: bytes | mmap.mmap, at: int) -> Cell | None:
    """Return the row or wrap whose blob begins here: two integers stand before it."""
    for header in range(at - 5, max(at - _REACH, 0) - 1, -1):
        if data[header] != 5 or data[header + 3] < 0x80:
            continue
        sizes = _INTEGER.get(data[header + 1]), _INTEGER.get(data[header + 2])
        size = (((data[header + 3] & 0x7F) << 7 | data[header + 4]) - 12) // 2
        if None in sizes or header + 5 + sum(s or 0 for s in sizes) != at:
            continue
        middle = header + 5 + (sizes[0] or 0)
        second = _integer(data, middle, at, data[header + 2])
        if data[header + 1] == 0:
            return Cell("row", _varint_before(data, header), second, at, size)
        return Cell("wrap", _integer(data, header + 5, middle, data[header + 1]), second, at, size)
    return None


def _integer(data: bytes | mmap.mmap, start: int, end: int, kind: int) -> int:
    return kind - 8 if kind >= 8 else int.from_bytes(data[start:end], "big", signed=True)


def _varint_before(data: bytes | mmap.mmap, end: int) -> int:
    """Return the number that ends here; the one before it ends with a byte below 0x80."""
    start = end - 1
    while start > 0 and end - start < 9 and data[start - 1] >= 0x80:
        start -= 1
    value = 0
    for byte in data[start:end]:
        value = value << 7 | byte & 0x7F
    return value if value < 1 << 63 else -1


def _named(data: bytes | mmap.mmap, match: re.Match[bytes]) -> Cell | None:
    """Return the header record whose name stands here, if a record's header is before it."""
    at, end = match.span()
    for width in (3, 4):  # the blob's serial type has one byte, or two
        head = data[max(at - width, 0) : at]
        if len(head) == width and head[0] == width and head[1] == 13 + 2 * (end - at):
            kind = head[2] if width == 3 else (head[2] & 0x7F) << 7 | head[3]
            if kind >= 12 and not kind % 2:  # a blob: else it is an entry of the table's index
                return Cell(match[0].decode(), 0, 0, end, (kind - 12) // 2)
    return None


def committed_end(log: bytes | mmap.mmap) -> int:
    """Return where the frames of the newest transactions end in a log, whatever damage it has.

    Behind them lie frames of a transaction that was never finished, and of an older round.
    """
    span, end = _FRAME_HEAD + _PAGE, 0
    salts = log[_LOG_HEAD + 8 : _LOG_HEAD + 16]
    for at in range(_LOG_HEAD, len(log) - span + 1, span):
        if log[at + 8 : at + 16] == salts and any(log[at + 4 : at + 8]):
            end = at + span
    return end


@dataclass(frozen=True, slots=True)
class _Source:
    data: bytes | mmap.mmap
    base: int  # place of its first byte
    settled: int  # up to here, it is known to have been committed


class Salvage:
    """Everything found in the files of a store, newest first where it matters.

    The bytes stay in the files; what is kept of a cell is its ids and its place.
    """

    def __init__(self, folder: Path) -> None:
        self._sources: list[_Source] = []
        self._db = sqlite3.connect("")  # a temporary file of SQLite's own: ids and places
        self._db.execute("CREATE TABLE cell (kind, a, b, place, size, settled)")
        base = 0
        for name in (DATABASE, HELD, LOG):  # oldest first
            data = _mapped(folder / name)
            settled = len(data) if name == DATABASE else committed_end(data)
            source = _Source(data, base, settled)
            self._sources.append(source)
            found = ((*c[:3], base + c.at, c.size, c.at < settled) for c in cells(data))
            self._db.executemany("INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?)", found)
            base += len(data)
        self._db.execute("CREATE INDEX ids ON cell (kind, a)")
        self._db.execute("CREATE INDEX keys ON cell (kind, b, a)")

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()

    def rows(self, row_id: int, *, settled: bool = False) -> list[tuple[Row, bool]]:
        """Return what may be a row, each version once, and whether it is known as committed."""
        query = f"{_CELLS} WHERE kind = 'row' AND a = ? AND settled >= ? {_NEWEST}"
        found: dict[Row, bool] = {}
        for _, a, b, place, size, sure in self._db.execute(query, (row_id, settled)):
            row = Row(a, b, self._blob(place, size))
            found[row] = found.get(row, False) or bool(sure)
        return list(found.items())

    def ids_under(self, key_id: int) -> list[int]:
        """Return the ids of the committed rows that say they are of a key, in order."""
        query = "SELECT DISTINCT a FROM cell WHERE kind = 'row' AND b = ? AND settled ORDER BY a"
        return [row_id for (row_id,) in self._db.execute(query, (key_id,))]

    def rows_from(self, first: int) -> list[tuple[int, int]]:
        """Return (row id, key id) of committed rows from an id on."""
        query = "SELECT DISTINCT a, b FROM cell WHERE kind = 'row' AND a >= ? AND settled"
        return self._db.execute(query, (first,)).fetchall()

    def row_keys(self) -> list[int]:
        """Return the ids of the keys that committed rows say they are of."""
        query = "SELECT DISTINCT b FROM cell WHERE kind = 'row' AND settled"
        return [key_id for (key_id,) in self._db.execute(query)]

    def last_row(self) -> int:
        """Return the highest row id that a committed cell says it has."""
        query = "SELECT max(a) FROM cell WHERE kind = 'row' AND a < ? AND settled"
        return int(self._db.execute(query, (1 << 48,)).fetchone()[0] or 0)

    def wraps(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (key id, reader, blob) of what may be a wrap, the newest version first."""
        for _, a, b, place, size, _ in self._db.execute(f"{_CELLS} {_WRAPS} {_NEWEST}"):
            yield a, b, self._blob(place, size)

    def header(self) -> dict[str, list[bytes]]:
        """Return the versions of each header record, the newest first."""
        found: dict[str, list[bytes]] = {}
        for kind, _, _, place, size, _ in self._db.execute(f"{_CELLS} {_HEADER} {_NEWEST}"):
            blob = self._blob(place, size)
            if blob not in found.setdefault(kind, []):
                found[kind].append(blob)
        return found

    def _blob(self, place: int, size: int) -> bytes:
        source = next(s for s in reversed(self._sources) if s.base <= place)
        at = place - source.base
        return bytes(source.data[at : at + size])


_CELLS = "SELECT kind, a, b, place, size, settled FROM cell"
_WRAPS = "WHERE kind = 'wrap' AND settled"
_HEADER = "WHERE kind NOT IN ('row', 'wrap')"
_NEWEST = "ORDER BY settled DESC, place DESC"


def _mapped(path: Path) -> bytes | mmap.mmap:
    if not path.exists() or not path.stat().st_size:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
