"""The sealed head of a store, its index, and the rows that one commit adds.

Pure but for the random salts. `docs/store-format.md`, "State" and "Index", is the
specification.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

import msgspec

from healthslm.errors import IntegrityError
from healthslm.vault import seal
from healthslm.vault.codec import deflate, inflate
from healthslm.vault.keys import Class, DataKey

FAN_OUT = 16
STATE_ROWS = range(1, 64)
RING_ROWS = range(64, 64 + 1024)  # 1 MB of letters
FIRST_ROW = 2048

FRAMES, RECORDS, NODE, STATE, AUDIT, LETTER = b"\1", b"\2", b"\3", b"\4", b"\5", b"\6"

# Rows a content is filled up to, so that its size tells little: 5 s of ECG and PPG fit two.
_QUANTUM = {Class.RAW: 2, Class.DERIVED: 1, Class.STATE: 4, Class.AUDIT: 1}


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """Where one content lies and which time it covers."""

    row: int  # id of its first row
    parts: int
    t0: int  # UTC s, rounded down
    t1: int  # UTC s, rounded up
    digest: bytes


Levels = list[list[Entry]]


class Head(msgspec.Struct, array_like=True):
    """What is known of the whole store, sealed anew by each commit."""

    commit: int = 0
    next_row: int = FIRST_ROW
    trees: dict[int, Levels] = {}
    device_keys: list[tuple[int, int]] = []  # (key id, epoch) of DERIVED, newest last
    readers: list[int] = []  # whom new keys are wrapped to
    audit: tuple[int, bytes] = (0, bytes(32))  # entries, hash of the newest
    letters: int = 0  # rows ever written to the ring
    counts: dict[str, int] = {}
    pipeline: bytes | None = None

    def levels(self, cls: Class) -> Levels:
        """Return the index of a class."""
        return self.trees.setdefault(int(cls), [])

    def count(self, name: str, n: int) -> None:
        """Add to a count."""
        self.counts[name] = self.counts.get(name, 0) + n


class Row(NamedTuple):
    """One row of the table."""

    id: int
    key_id: int
    blob: bytes


def open_rows(key: DataKey, store_id: bytes, rows: Sequence[Row], what: str) -> bytes:
    """Return the content (kind and body) that `rows` hold.

    Raises
    ------
    IntegrityError
        A row is altered, moved, missing, or of another commit than the rest.
    """
    return seal.join([open_row(key, store_id, row) for row in rows], what)


def open_row(key: DataKey, store_id: bytes, row: Row) -> seal.Part:
    """Return the part that one row holds; raises IntegrityError as `open_rows` does."""
    what = f"row {row.id}"
    label = seal.row_label(store_id, row.key_id, row.id)
    return seal.unsplit(seal.unseal(key.secret, label, row.blob, what), what)


def thaw_head(content: bytes) -> Head:
    """Return the head in the content of the state rows."""
    return msgspec.msgpack.decode(inflate(body_of(content, STATE, "state")), type=Head)


def thaw_node(content: bytes, what: str) -> list[Entry]:
    """Return the entries of a node."""
    return msgspec.msgpack.decode(inflate(body_of(content, NODE, what)), type=list[Entry])


def body_of(content: bytes, kind: bytes, what: str) -> bytes:
    """Return the body of a content that must be of `kind`; raises IntegrityError."""
    if content[:1] != kind:
        raise IntegrityError(f"{what}: holds another kind of content")
    return content[1:]


def overlaps(entry: Entry, t0_s: float, t1_s: float) -> bool:
    """Say whether the content may hold something of t0_s <= t < t1_s."""
    return entry.t0 < t1_s and entry.t1 >= t0_s


def find(
    levels: Levels, t0_s: float, t1_s: float, fetch: Callable[[Entry], bytes | None]
) -> Iterator[bytes]:
    """Yield the contents that may hold something of a time range, oldest commit first.

    fetch  returns the verified content of an entry, or None where the key is not at hand.
    """

    def descend(entries: Iterable[Entry], level: int) -> Iterator[bytes]:
        for entry in entries:
            if overlaps(entry, t0_s, t1_s) and (content := fetch(entry)) is not None:
                if level:
                    yield from descend(thaw_node(content, f"row {entry.row}"), level - 1)
                else:
                    yield content

    for level in reversed(range(len(levels))):
        yield from descend(levels[level], level)


class Draft:
    """One commit in the making: a head that counts what `rows` hold.

    key_for  returns the data key that new rows of a class are sealed under.
    """

    def __init__(self, head: Head, store_id: bytes, key_for: Callable[[Class], DataKey]) -> None:
        self.head = head
        self.rows: list[Row] = []
        self._store_id = store_id
        self._key_for = key_for
        head.commit += 1

    def add(self, cls: Class, content: bytes, t0_s: float, t1_s: float) -> None:
        """Append a content, and its entry to the index of its class."""
        entry = self._append(cls, content, math.floor(t0_s), math.ceil(t1_s))
        levels = self.head.levels(cls)
        for level in count():
            if level == len(levels):
                levels.append([])
            levels[level].append(entry)
            if len(levels[level]) < FAN_OUT:
                return
            full, levels[level] = levels[level], []
            node = NODE + deflate(msgspec.msgpack.encode(full))
            entry = self._append(cls, node, min(e.t0 for e in full), max(e.t1 for e in full))

    def set_aside(self, content: bytes) -> None:
        """Append a letter to the ring; the oldest make room."""
        key, ring = self._key_for(Class.RAW), len(RING_ROWS)
        parts = seal.split(content, self.head.letters, 1)
        for number, part in enumerate(parts, self.head.letters):
            self._seal(key, RING_ROWS[number % ring], part)
        self.head.letters += len(parts)

    def finish(self) -> None:
        """Seal the head over the one before it.

        Raises
        ------
        ValueError
            The state does not fit its 63 rows (56 KB).
        """
        content = STATE + deflate(msgspec.msgpack.encode(self.head))
        key = self._key_for(Class.STATE)
        parts = seal.split(content, self.head.commit, _QUANTUM[Class.STATE])
        if len(parts) > len(STATE_ROWS):
            raise ValueError(f"a state of {len(content)} bytes does not fit its rows")
        for row_id, part in zip(STATE_ROWS, parts, strict=False):
            self._seal(key, row_id, part)

    def _append(self, cls: Class, content: bytes, t0: int, t1: int) -> Entry:
        key, first = self._key_for(cls), self.head.next_row
        parts = seal.split(content, self.head.commit, _QUANTUM[cls] if content[:1] != NODE else 1)
        blobs = [self._seal(key, first + i, part) for i, part in enumerate(parts)]
        self.head.next_row += len(parts)
        return Entry(first, len(parts), t0, t1, seal.digest(key.id, blobs))

    def _seal(self, key: DataKey, row_id: int, part: bytes) -> bytes:
        blob = seal.seal(key.secret, seal.row_label(self._store_id, key.id, row_id), part)
        self.rows.append(Row(row_id, key.id, blob))
        return blob
