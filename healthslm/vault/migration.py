"""A store of format 1 becomes one of today's format, in place and in one transaction.

Format 1 had one index for each class, over all its keys. Its contents stay where they are, under
the keys that they have; they are entered into a chapter for each key. What was damaged before
is so afterwards, and `store repair` then knows what to do with it. `docs/store-format.md`,
"Versions", is the specification.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from healthslm.errors import ConfigError, IntegrityError, LockedError
from healthslm.vault import audit, codec, readers, seal, wreckage
from healthslm.vault.chapters import NODE, STATE, Entry, thawed
from healthslm.vault.database import (
    BESIDE_ROWS,
    DATABASE,
    DEVICE_KEY,
    FORMAT,
    FORMAT_1,
    INSERT_ROW,
    MARK,
    blob_of,
    connect,
    read_header,
    require,
    storage,
    write_meta,
)
from healthslm.vault.index import (
    RING_ROWS,
    STATE_ROWS,
    Draft,
    Head,
    Row,
    open_row,
    open_rows,
)
from healthslm.vault.keyring import Keyring
from healthslm.vault.keys import ALL_CLASSES, KEY_BYTES, Class, DataKey, Device, verify
from healthslm.vault.mark import newest_slot, read_mark, write_slot
from healthslm.vault.readers import (
    PUBLIC_BYTES,
    Grantee,
    identity_digest,
    reader_id,
    reader_record,
)
from healthslm.vault.store import device_of


class _Entry(msgspec.Struct, array_like=True, frozen=True):
    """Where one content lies and which time it covers."""

    row: int
    parts: int
    t0: int
    t1: int
    digest: bytes


class _Head(msgspec.Struct, array_like=True):
    """What is known of the whole store."""

    commit: int
    next_row: int
    trees: dict[int, list[list[_Entry]]]
    device_keys: list[tuple[int, int]]
    readers: list[int]
    audit: tuple[int, bytes]
    letters: int
    counts: dict[str, int]
    pipeline: bytes | None


class _Old:
    """A store of format 1, open for its owner, within a transaction."""

    def __init__(self, db: sqlite3.Connection, store_id: bytes, keys: Keyring) -> None:
        self._db, self._id, self._keys = db, store_id, keys
        self.nodes: list[_Entry] = []  # those that `entries` has opened
        found = self._rows(STATE_ROWS[0], len(STATE_ROWS))
        if not found:
            raise IntegrityError("state: lost: its rows are not all there")
        self.state = keys.get(found[0].key_id)
        content = open_rows(self.state, store_id, found, "state")
        self.head = thawed(content, STATE, _Head, "state")

    def check_age(self, mark: bytes) -> None:
        """Raise IntegrityError where the store has not all that it ever acknowledged."""
        (newest,) = self._db.execute("SELECT max(id) FROM row").fetchone()
        old = self.head.commit < read_mark(mark, self.state.secret, self._id)
        if old or newest != self.head.next_row - 1:
            raise IntegrityError("state: rolled back: the newest commits are lost")

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Yield each content's key id and entry, class by class, in order of commit.

        Damage stays where it is: what no row tells of a content, its neighbour does.
        """
        for cls, levels in self.head.trees.items():
            found = [(old, *self._origin(Class(cls), old)) for old in self._leaves(levels)]
            key_id = next((k for _, k, _ in found if k), 0)
            number = next((n for _, _, n in found if n), 0)
            if found and not key_id:
                raise IntegrityError(f"row {found[0][0].row}: lost, and all of its class")
            for old, own, commit in found:
                key_id, number = own or key_id, commit or number
                yield key_id, Entry(old.row, old.parts, old.t0, old.t1, old.digest, number)

    def ring_keys(self) -> set[int]:
        """Return the ids of the keys that letters lie under, as far as they can be opened."""
        query = "SELECT DISTINCT key_id FROM row WHERE id BETWEEN ? AND ?"
        found = self._db.execute(query, (RING_ROWS[0], RING_ROWS[-1])).fetchall()
        return {key_id for (key_id,) in found if self._keys.at_hand(key_id) is not None}

    def _leaves(self, levels: list[list[_Entry]]) -> Iterator[_Entry]:
        def descend(some: Iterable[_Entry], level: int) -> Iterator[_Entry]:
            for entry in some:
                if level:
                    self.nodes.append(entry)
                    yield from descend(self._node(entry), level - 1)
                else:
                    yield entry

        for level in reversed(range(len(levels))):
            yield from descend(levels[level], level)

    def _node(self, entry: _Entry) -> list[_Entry]:
        what, rows = f"row {entry.row}", self._rows(entry.row, entry.parts)
        if not rows or seal.digest(rows[0].key_id, [row.blob for row in rows]) != entry.digest:
            raise IntegrityError(
                f"{what}: lost or altered, and what it leads to cannot be found; "
                "`healthslm store repair` makes a store of today's format of what is left"
            )
        content = open_rows(self._keys.get(rows[0].key_id), self._id, rows, what)
        return thawed(content, NODE, list[_Entry], what)

    def _origin(self, cls: Class, entry: _Entry) -> tuple[int, int]:
        """Return key id and commit of a content, as far as its rows tell; 0 where none does."""
        key_id = 0
        for row in self._rows(entry.row, entry.parts):
            key = self._keys.at_hand(row.key_id)
            if key is not None and key.cls is cls:
                key_id = key.id
                with suppress(IntegrityError):
                    return key_id, open_row(key, self._id, row).number
        return key_id, 0

    def _rows(self, first: int, n: int) -> list[Row]:
        query = "SELECT id, key_id, blob FROM row WHERE id >= ? AND id < ? ORDER BY id"
        rows = [Row(*row) for row in self._db.execute(query, (first, first + n))]
        for row in rows:
            blob_of(row.blob, f"row {row.id}")
        return rows


def migrate(folder: Path, passphrase: str, *, now_s: float) -> int:
    """Make a store of format 1 one of today's; return how many contents it has.

    Interrupted, it is of one format or of the other, and whole. The daemon must be stopped.

    Raises
    ------
    ConfigError
        There is no store, or it is not of format 1.
    LockedError
        Wrong passphrase; or the device key is missing, or of another store.
    IntegrityError
        It is damaged where its index is, or older than it was; nothing was changed.
    """
    require(folder / DATABASE)
    device = device_of(folder)
    wreckage.hold(folder)
    path = folder / MARK
    mark = path.read_bytes() if path.exists() else b""
    with closing(connect(folder / DATABASE)) as db, storage():
        meta = read_header(db, FORMAT_1)
        if meta["format"] != FORMAT_1:
            raise ConfigError("this store is of today's format already; nothing was changed")
        unlocked = readers.unlock(meta, passphrase)
        if (device.store_id, device.public) != (meta["store"], meta["device"]):
            raise LockedError(f"{DEVICE_KEY}: belongs to another store")
        _begin(db)
        keys = Keyring(db, device.store_id, device.public, device=device, unlocked=unlocked)
        old = _Old(db, device.store_id, keys)
        old.check_age(mark)
        _renew_header(db, meta, old, device, owner := unlocked.reader.id)
        identity = identity_digest(meta[f"identity/{owner}"])
        head, contents = _fill(db, device, keys, old, identity, now_s)
        # One slot stands for either outcome; what the database then is decides which.
        stands = newest_slot(mark, old.state.secret, device.store_id)
        write_slot(path, head.mark, device.store_id, head.commit, 1 - stands)
        db.execute("COMMIT")
    write_slot(path, head.mark, device.store_id, head.commit, stands)
    wreckage.release(folder)
    return contents


def _begin(db: sqlite3.Connection) -> None:
    """Begin the transaction, with today's tables and the wraps in them; the rows stay."""
    old = "BEGIN IMMEDIATE; ALTER TABLE wrap RENAME TO old_wrap; DROP TABLE meta;"
    db.executescript(old + BESIDE_ROWS)  # which would commit what was begun before it
    db.execute("INSERT INTO wrap (key_id, reader, blob) SELECT key_id, reader, blob FROM old_wrap")
    db.execute("DROP TABLE old_wrap")


def _renew_header(
    db: sqlite3.Connection, meta: dict[str, bytes], old: _Old, device: Device, owner: int
) -> None:
    """Write the header, the record of its one reader signed anew."""
    if old.head.readers != [owner]:
        raise IntegrityError("state: altered: it names others than the owner")
    public = _public(device, owner, meta.get(f"reader/{owner}", b""))
    identity = f"identity/{owner}"
    records = {f"reader/{owner}": reader_record(device, public), identity: meta[identity]}
    kept = {name: meta[name] for name in ("store", "device")}
    for name, value in {"format": FORMAT, **kept, **records}.items():
        write_meta(db, name, value)


def _public(device: Device, reader: int, record: bytes) -> bytes:
    """Return the public key in a reader record of format 1, which the device signed."""
    what, body = f"reader {reader}", record[68:]
    if record[:4] != b"HSP1" or len(body) != 1 + PUBLIC_BYTES:
        raise IntegrityError(f"{what}: bad marker: not a reader record")
    place = b"healthslm/reader/1" + device.store_id + reader.to_bytes(8, "big")
    verify(device.public, record[4:68], place + body, what)
    if reader_id(body[1:]) != reader:
        raise IntegrityError(f"{what}: wrong label: the record of another reader")
    return body[1:]


def _fill(
    db: sqlite3.Connection,
    device: Device,
    keys: Keyring,
    old: _Old,
    identity: bytes,
    now_s: float,
) -> tuple[Head, int]:
    """Write chapters, trail and state; return the state, and how many contents there are."""
    was = old.head
    owners = [Grantee(reader, "owner", ALL_CLASSES) for reader in was.readers]
    head = Head(was.commit, was.next_row, readers=owners, audit=was.audit, letters=was.letters)
    head.counts = was.counts
    head.pipeline = None if was.pipeline is None else codec.pack_state(was.pipeline)
    head.top = was.next_row - 1  # until a row of today's comes, whose id is higher
    head.mark, head.identity = secrets.token_bytes(KEY_BYTES), identity
    draft = Draft(head, device.store_id, keys.writing(head, now_s), list)
    found: dict[int, list[Entry]] = {key_id: [] for key_id in old.ring_keys()}
    for key_id, entry in old.entries():
        found.setdefault(key_id, []).append(entry)

    def age(key: DataKey) -> tuple[int, int]:
        return key.epoch_s, min((entry.row for entry in found[key.id]), default=0)

    for key in sorted(map(keys.get, found), key=age):
        chapter = draft.begin(key, done=False)
        for entry in found[key.id]:
            draft.keep(key, chapter, entry)
    wrapped = {key_id for key_id, _ in keys.wraps()}
    keys.destroy(sorted(wrapped - set(found) - {old.state.id}))  # of letters long overwritten
    keys.age_for_device(draft.chapters())
    audit.record(draft, "migrated", "owner", now_s, "from format 1")
    draft.finish()
    for node in old.nodes:
        db.execute("DELETE FROM row WHERE id >= ? AND id < ?", (node.row, node.row + node.parts))
    db.execute("DELETE FROM row WHERE id < ?", (RING_ROWS[0],))
    db.executemany(INSERT_ROW, draft.rows)
    return head, sum(map(len, found.values()))
