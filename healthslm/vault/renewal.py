"""A new database and its mark, from the cells of a damaged one: header, wraps, head and trail.

What stands in the chapters is `rebuild`'s. The head is the newest one that opens; without any, the
new one says what header and contents tell, and the state of the pipeline is gone.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from healthslm.durable import sync
from healthslm.errors import IntegrityError, LockedError
from healthslm.vault import audit, seal
from healthslm.vault.chapters import Chapter, for_device
from healthslm.vault.database import (
    DATABASE,
    INSERT_WRAP,
    MARK,
    REPLACE_ROW,
    SCHEMA,
    connect,
    storage,
)
from healthslm.vault.index import STATE_ROWS, Draft, Head, open_row, thaw_head
from healthslm.vault.keyring import Keyring
from healthslm.vault.keys import (
    ALL_CLASSES,
    DEVICE_READER,
    KEY_BYTES,
    Class,
    DataKey,
    Device,
    unwrap_for_device,
    wrap_for_device,
)
from healthslm.vault.mark import read_mark, reset_mark
from healthslm.vault.readers import Grantee, Role, Unlocked, check_wrap, reader_record, wrap
from healthslm.vault.rebuild import Findings, Rebuild, Sealing
from healthslm.vault.salvage import Salvage


class Renewal:
    """One repair: from the cells that were found to a new database and its mark."""

    def __init__(
        self,
        salvage: Salvage,
        meta: dict[str, bytes],
        owner: Unlocked,
        device: Device | None,
        mark: bytes,
        now_s: float,
    ) -> None:
        self._salvage, self._meta, self._owner, self._device = salvage, meta, owner, device
        self._id, self._mark, self._now_s = meta["store"], mark, now_s

    def build(self, folder: Path) -> Findings:
        """Write database and mark into an empty folder."""
        path = folder / DATABASE
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        with closing(connect(path)) as db, storage():
            db.execute("PRAGMA page_size = 4096")
            db.executescript(SCHEMA)
            db.execute("BEGIN IMMEDIATE")
            made = self._share(db, self._header(db))
            ring = Keyring(
                db, self._id, self._meta["device"], device=self._device, unlocked=self._owner
            )
            rebuild = Rebuild(self._salvage, db, ring, self._id)
            rebuild.findings.wraps_made = made
            head = self._fill(db, ring, rebuild)
            db.execute("COMMIT")
            db.execute("PRAGMA journal_mode = WAL")
        reset_mark(folder / MARK, head.mark, self._id, head.commit)
        sync(folder)
        return rebuild.findings

    def _header(self, db: sqlite3.Connection) -> set[tuple[int, int]]:
        """Write the header, and every wrap that is true."""
        own, there = self._owner.reader, set[tuple[int, int]]()
        if f"reader/{own.id}" not in self._meta and self._device is not None:
            self._meta[f"reader/{own.id}"] = reader_record(self._device, own.public)
        db.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", self._meta.items())
        for name, versions in self._salvage.header().items():
            others = [v for v in versions if v != self._meta.get(name)]
            if name.startswith("recovery/") and others and name != f"recovery/{own.id}":
                # Nobody but the sheet knows which is true: both stay for it to choose from.
                values = others[0], name
                db.execute("UPDATE meta_spare SET value = ? WHERE name = ?", values)
        for key_id, reader, blob in self._salvage.wraps():
            with suppress(IntegrityError):
                if (key_id, reader) not in there:
                    self._check(key_id, reader, blob)
                    db.execute(INSERT_WRAP, (key_id, reader, blob))
                    there.add((key_id, reader))
        return there

    def _share(self, db: sqlite3.Connection, there: set[tuple[int, int]]) -> int:
        """Wrap to the owner what only the device can open still; return how many keys that is."""
        own, made = self._owner.reader, 0
        if self._device is None:
            return 0
        query = "SELECT key_id, blob FROM wrap WHERE reader = ?"
        for key_id, blob in db.execute(query, (DEVICE_READER,)).fetchall():
            if (key_id, own.id) not in there:
                key = unwrap_for_device(self._device, key_id, blob)
                db.execute(INSERT_WRAP, (key_id, own.id, wrap(self._device, own.public, key)))
                made += 1
        return made

    def _check(self, key_id: int, reader: int, blob: bytes) -> None:
        if reader != DEVICE_READER:
            check_wrap(self._id, self._meta["device"], reader, key_id, blob)
        elif self._device is not None:
            unwrap_for_device(self._device, key_id, blob)

    def _fill(self, db: sqlite3.Connection, ring: Keyring, rebuild: Rebuild) -> Head:
        """Write the rows: those that are left, the index and the head anew."""
        key, head, seen = self._newest(ring, rebuild.findings)
        ring.adopt(key)
        findings, since = rebuild.findings, head.commit
        if findings.head == "newest" and rebuild.goes_on(head.next_row):
            findings.head = "older"  # the mark is lost too: rows tell that there was a newer one
        done, growing = rebuild.catalogue(head, key), head.chapters
        if findings.head != "newest" or findings.catalogue_lost:
            growing = [*growing, *rebuild.strangers([*done, *growing])]
        head.next_row = max(head.next_row, self._salvage.last_row() + 1)
        head.chapters, head.catalogue, head.rows, head.commit = [], None, 0, max(since, seen)
        sealing = Sealing(ring, head, key, self._now_s, mint=self._device is not None)
        draft = Draft(head, self._id, sealing, list)
        draft.put_away([c for old in done if (c := rebuild.chapter(draft, old, since))])
        for chapter in draft.catalogue():
            draft.end(ring.get(chapter.key), chapter)
        left = [c for old in growing if (c := rebuild.chapter(draft, old, since))]
        head.chapters[:0] = sorted(left, key=lambda c: (c.epoch, c.first))
        head.commit = max(head.commit, rebuild.newest + 1)  # what comes is newer than all there is
        self._letters(ring, rebuild, draft)
        self._audit(draft, rebuild)
        head.top = max((c.end - 1 for c in draft.chapters() if c.rows), default=0)
        draft.finish()
        db.executemany(REPLACE_ROW, draft.rows)
        self._grant(db, ring, draft, key.id, findings)
        return head

    def _newest(self, ring: Keyring, findings: Findings) -> tuple[DataKey, Head, int]:
        """Return the newest head that opens, or an empty one; its key; and what the mark knows."""
        heads, seen = list(_heads(self._salvage, ring, self._id)), 0
        opened = [ring.at_hand(key_id) for key_id in {key_id for key_id, _ in ring.wraps()}]
        states = [key for key in opened if key is not None and key.cls is Class.STATE]
        for _, head, _ in heads:
            with suppress(IntegrityError):
                seen = max(seen, read_mark(self._mark, head.mark, self._id))
        sure = [found for found in heads if found[0] or found[1].commit <= seen]
        if sure:
            _, head, key = max(sure, key=lambda found: found[1].commit)
            findings.head = "older" if head.commit < seen else "newest"
            findings.commits_back = max(0, seen - head.commit)
            if findings.head == "older":
                head.identity = b""  # it does not know whether that was changed since
            known = [r for r in head.readers if f"reader/{r.id}" in self._meta]
            findings.readers_lost, head.readers = len(head.readers) - len(known), known
        else:
            findings.head, head = (
                "lost",
                Head(readers=self._readers(), mark=secrets.token_bytes(KEY_BYTES)),
            )
            key = states[0] if states else ring.mint(Class.STATE, head, 0, 0.0)
        if not any(r.id == self._owner.reader.id for r in head.readers):
            raise LockedError("this key opens nothing here: the store does not name its reader")
        return key, head, seen

    def _readers(self) -> list[Grantee]:
        """Return who owns the store, by the header alone; a consent is known to the head only."""
        ids = [name.partition("/")[2] for name in self._meta if name.startswith("reader/")]
        roles: dict[str, Role] = {"identity": "owner", "recovery": "recovery"}
        return [
            Grantee(int(number), role, ALL_CLASSES)
            for number in ids
            for kind, role in roles.items()
            if f"{kind}/{number}" in self._meta
        ]

    def _letters(self, ring: Keyring, rebuild: Rebuild, draft: Draft) -> None:
        """Bring over the ring; a key in it needs a chapter, for only that can be forgotten."""
        for key_id in rebuild.letters(draft) - {c.key for c in draft.chapters()}:
            key = ring.get(key_id)
            draft.head.chapters.insert(0, Chapter(key.id, int(key.cls), key.epoch_s, levels=[]))

    def _audit(self, draft: Draft, rebuild: Rebuild) -> None:
        """Go on with the trail where it ends, and say which of its entries are lost."""
        head, findings = draft.head, rebuild.findings
        links = {link.event.number: link for link in rebuild.links}
        last = max(links, default=-1)
        if last >= head.audit[0]:
            head.audit = (last + 1, links[last].hash)
        findings.audit_lost = sorted(set(range(head.audit[0])) - set(links))
        if findings.head == "lost":
            head.reports = sum(link.event.action == "report" for link in links.values())
        who = next(r.name or r.role for r in head.readers if r.id == self._owner.reader.id)
        audit.record(draft, "repaired", who, self._now_s, findings.told)

    def _grant(
        self,
        db: sqlite3.Connection,
        ring: Keyring,
        draft: Draft,
        state: int,
        findings: Findings,
    ) -> None:
        """Leave the wraps that should be there, and make those that are missing."""
        all_chapters = {c.key: c for c in draft.chapters()}
        keys = {state, *all_chapters}
        readers = {r.id: r for r in draft.head.readers}
        there = set(ring.wraps())
        for key_id, reader in there:
            chapter, grantee = all_chapters.get(key_id), readers.get(reader)
            wanted = reader == DEVICE_READER or (
                grantee is not None
                and (chapter is None or grantee.covers(Class(chapter.cls), chapter.epoch))
            )
            if key_id not in keys or not wanted:
                db.execute("DELETE FROM wrap WHERE key_id = ? AND reader = ?", (key_id, reader))
        ring.age_for_device(all_chapters.values())
        due = {(k, r.id) for k in keys for r in readers.values() if r.role != "clinician"}
        young = (c.key for c in for_device(all_chapters.values()))
        due |= {(k, DEVICE_READER) for k in (state, *young)}
        for key_id, reader in sorted(due - there):
            self._wrap(db, ring, key_id, readers.get(reader), findings)

    def _wrap(
        self,
        db: sqlite3.Connection,
        ring: Keyring,
        key_id: int,
        reader: Grantee | None,
        findings: Findings,
    ) -> None:
        """Make a wrap that is missing, to a reader or to the device itself."""
        if self._device is None:
            findings.wraps_missing += 1
            return
        if reader is None:
            blob = wrap_for_device(self._device, ring.get(key_id))
            db.execute(INSERT_WRAP, (key_id, DEVICE_READER, blob))
        else:
            ring.wrap_to(ring.get(key_id), [reader])
        findings.wraps_made += 1


def _heads(
    salvage: Salvage, ring: Keyring, store_id: bytes
) -> Iterator[tuple[bool, Head, DataKey]]:
    """Yield every head that opens, and whether it is known as committed."""
    found: dict[tuple[int, int], dict[int, tuple[seal.Part, bool]]] = {}
    for row_id in STATE_ROWS:
        for row, sure in salvage.rows(row_id):
            key = ring.at_hand(row.key_id)
            with suppress(IntegrityError):
                if key is not None and key.cls is Class.STATE:
                    part = open_row(key, store_id, row)
                    found.setdefault((key.id, part.number), {}).setdefault(row_id, (part, sure))
    for (key_id, _), parts in found.items():
        ordered = [parts[row_id] for row_id in sorted(parts)]
        with suppress(IntegrityError):
            head = thaw_head(seal.join([part for part, _ in ordered], "state"))
            yield all(sure for _, sure in ordered), head, ring.get(key_id)
