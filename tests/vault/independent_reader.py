"""Reads a whole store, written from docs/store-format.md alone.

It shares no code with the package: what this cannot read, the page does not say.
"""

import hashlib
import lzma
import sqlite3
import struct
import zlib

import msgspec

from .independent_keys import (
    Refused,
    keys_of,
    newest_mark,
    open_device_key,
    open_device_wrap,
    open_identity,
    open_reader,
    open_recovery,
    open_wrap,
    require,
    u64,
    unseal,
)


def signed_any(store, public, meta):
    """Say whether a device signed a reader record of this header."""
    for name, record in meta.items():
        if name.startswith("reader/"):
            try:
                open_reader(store, public, int(name[7:]), record)
            except Refused:
                continue
            return True
    return False


def head_of(part):
    """Return number, part, parts and data of one opened row."""
    number, n, parts, used = struct.unpack(">QHHH", part[:14])
    return number, n, parts, part[14 : 14 + used]


def join(parts):
    """Return the content of opened rows."""
    heads = [head_of(part) for part in parts]
    require(heads and len(heads) == heads[0][2], "lost")
    require(len({number for number, *_ in heads}) == 1, "rolled back")
    require([head[1:3] for head in heads] == [(i, len(parts)) for i in range(len(parts))], "lost")
    return b"".join(data for *_, data in heads)


def inflate(data):
    return zlib.decompress(data, wbits=-15)


def body(content, kind):
    require(content[0] == kind, "another kind")
    return inflate(content[1:])


def unpack(msgpack):
    return msgspec.msgpack.decode(msgpack)


def samples_of(block):
    """Return the int16 samples of a block, one by one, the slow obvious way."""
    require(block[0] <= 2, "unknown codec")
    if block[0] == 0:
        return list(struct.unpack(f"<{len(block) // 2}h", block[1:]))
    planes = inflate(block[1:])
    n = len(planes) // 2
    x = [planes[i] | planes[n + i] << 8 for i in range(n)]
    x = [z >> 1 ^ -(z & 1) for z in x]
    for _ in range(block[0]):
        total, out = 0, []
        for d in x:
            total = (total + d + 2**15) % 2**16 - 2**15
            out.append(total)
        x = out
    return x


def frames_of(content):
    """Yield (device, stream, seq, samples) of every frame."""
    require(content[0] == 1, "another kind")
    lanes, blocks = unpack(content[1:])
    for lane, block in zip(unpack(inflate(lanes)), blocks, strict=True):
        samples = samples_of(block)
        for seq, _start, _t_s, _kept, count, *_ in lane[7]:
            yield lane[0], lane[1], seq, samples[:count]
            samples = samples[count:]


def events_of(contents, entries, newest):
    """Yield (time, action, who, what) of a whole audit trail."""
    before = bytes(32)
    for number, content in enumerate(contents):
        packed = body(content, 5)
        entry = unpack(packed)
        require((entry[0], entry[4]) == (number, before), "broken chain")
        before = hashlib.sha256(packed).digest()
        entries -= 1
        yield entry[1], entry[2], entry[3], entry[5]
    require((entries, newest) == (0, before), "lost")


class Reader:
    """A store: read with the passphrase, with the secret of the sheet, or as the device."""

    def __init__(self, folder, passphrase=None, secret=None):
        mark = (folder / "vault.mark").read_bytes()  # before the state
        self.db = sqlite3.connect(folder / "vault.db", isolation_level=None)
        self.db.execute("BEGIN")  # all that is read is of one moment
        self.meta = dict(self.db.execute("SELECT name, value FROM meta"))
        require(self.meta.get("format") == b"healthslm vault 2", "bad marker")
        self.store, self.device = self.meta["store"], self.meta["device"]
        self.private, self.reader, self.opened = None, 0, {}
        if passphrase is not None:
            self.private = self.by_passphrase(passphrase)
        elif secret is not None:
            self.private = open_recovery(self.store, self.device, secret, self.meta)
        else:
            path = folder / "device.key"
            require(path.stat().st_mode & 0o077 == 0, "open to others")
            store, self.wrap_key, public = open_device_key(path.read_bytes())
            if (store, public) != (self.store, self.device):
                raise Refused(
                    "altered" if signed_any(store, public, self.meta) else "another store"
                )
        if self.private:
            self.reader, _, _ = keys_of(self.private)
        rows = self.rows(1, 63)
        require(rows, "lost")
        self.state = unpack(body(self.joined(rows), 4))
        self.state_key = rows[0][1]
        if passphrase is not None and self.state[17:]:
            record = self.meta[f"identity/{self.reader}"]
            require(self.state[17] == hashlib.sha256(record).digest()[:16], "rolled back")
        self.seen = newest_mark(mark, self.state[12], self.store)
        require(self.state[0] >= self.seen, "rolled back")
        (newest,) = next(self.db.execute("SELECT max(id) FROM row WHERE id >= 2048"))
        require((newest or 0) == self.state[13], "lost or planted")
        self.chapters = self.state[3]
        if self.state[4] is not None:
            kept = self.fetch(self.state_key, self.state[4])
            self.chapters = unpack(body(kept, 7)) + self.chapters

    def pipeline(self):
        """Return the bytes of the caller."""
        filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 18}]
        packed = self.state[9]
        return None if packed is None else lzma.decompress(packed, lzma.FORMAT_RAW, None, filters)

    def reader_record(self, number):
        """Return the public key of a reader that the state names."""
        return open_reader(self.store, self.device, number, self.meta[f"reader/{number}"])

    def close(self):
        self.db.close()

    def by_passphrase(self, passphrase):
        require(any(name.startswith("identity/") for name in self.meta), "lost")
        for name, record in self.meta.items():
            if name.startswith("identity/"):
                try:
                    number = int(name[9:])
                    return open_identity(self.store, self.device, number, record, passphrase)
                except Refused as refused:
                    require(str(refused) == "wrong key", str(refused))
        raise Refused("wrong key")

    def key(self, key_id):
        """Return a data key."""
        if key_id not in self.opened:
            query = "SELECT blob FROM wrap WHERE key_id = ? AND reader = ?"
            found = self.db.execute(query, (key_id, self.reader)).fetchone()
            require(found, "lost")
            if self.private:
                granted = open_wrap(self.store, self.device, self.private, key_id, *found)
            else:
                granted = open_device_wrap(self.store, self.wrap_key, key_id, *found)
            self.opened[key_id] = granted[2]
        return self.opened[key_id]

    def rows(self, first, last):
        query = "SELECT id, key_id, blob FROM row WHERE id BETWEEN ? AND ? ORDER BY id"
        return self.db.execute(query, (first, last)).fetchall()

    def part(self, row_id, key_id, blob):
        label = b"healthslm/row/1" + self.store + u64(key_id, row_id) + b"\0\1"
        return unseal(self.key(key_id), label, blob)

    def joined(self, rows):
        return join([self.part(*row) for row in rows])

    def fetch(self, key_id, entry):
        """Return the content that an entry stands for."""
        first, parts, _t0, _t1, digest, *_ = entry
        rows = self.rows(first, first + parts - 1)
        require(len(rows) == parts, "lost")
        content = self.joined(rows)
        known = u64(rows[0][1]) + b"".join(blob for _, _, blob in rows)
        require(hashlib.sha256(known).digest()[:16] == digest, "rolled back")
        require(rows[0][1] == key_id, "wrong key")
        return content

    def under(self, key_id, entries, level):
        """Yield (number, row, content) below some entries of a level."""
        for entry in entries:
            content = self.fetch(key_id, entry)
            if level == 0:
                yield entry[5], entry[0], content
            else:
                children = unpack(body(content, 3))
                require(children[0][5] == entry[5], "rolled back")
                yield from self.under(key_id, children, level - 1)

    def contents(self, cls):
        """Return the contents of a class in order of commit; the device's newest days only."""
        require(self.private or cls == 2, "locked")
        found = []
        newest = max((c[2] for c in self.chapters if c[1] == 2), default=0)
        for key_id, of, epoch, _first, _end, _rows, levels, *_ in self.chapters:
            if of == cls and (self.private or epoch > newest - 8 * 86400):
                for level in reversed(range(len(levels))):
                    found += self.under(key_id, levels[level], level)
        return [content for *_, content in sorted(found, key=lambda f: f[:2])]

    def count(self):
        """Compare all counts with the rows that are there."""
        sql = "SELECT count(*) FROM row WHERE id >= ? AND id < ? AND key_id = ?"
        for key_id, _, _, first, end, rows, *_ in self.chapters:
            require(
                self.db.execute(sql, (first, end, key_id)).fetchone() == (rows,), "lost or planted"
            )
        there = self.db.execute("SELECT count(*) FROM row WHERE id >= 2048").fetchone()[0]
        catalogue = self.state[4][1] if self.state[4] else 0
        require(
            there == self.state[2] == catalogue + sum(c[5] for c in self.chapters),
            "lost or planted",
        )

    def frames(self):
        return [frame for content in self.contents(1) for frame in frames_of(content)]

    def records(self):
        return [record for content in self.contents(2) for record in unpack(body(content, 2))]

    def events(self):
        return list(events_of(self.contents(4), *self.state[6]))

    def letters(self):
        """Return (reason, payload) of what still is in the ring."""
        require(self.private, "locked")
        found, parts, end = [], [], self.state[7]
        known = {chapter[0] for chapter in self.chapters}
        for k in range(max(0, end - 1024), end):
            place = 64 + k % 1024
            rows = self.rows(place, place)
            require(rows, "lost")
            require(rows[0][1] in known, "wrong key")
            opened = self.part(*rows[0])
            number, n, of, _ = head_of(opened)
            require(number + n == k, "rolled back")
            parts = [opened] if n == 0 else [*parts, opened]
            if n + 1 == of == len(parts):  # or else its beginning is overwritten
                found.append(tuple(unpack(body(join(parts), 6))))
        return found
