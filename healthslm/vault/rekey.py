"""Changing keys, in verbs that must not be mistaken for each other.

A new passphrase seals the owner's private key anew, and changes nothing else. A new owner key,
sheet or device key wraps every data key anew: whoever had the old one opens nothing that is here
now. New data keys seal every row anew: only that helps where a data key itself came out. Each is
one transaction, or one for each chapter: whenever it is interrupted, old or new holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from healthslm.durable import sync
from healthslm.errors import ConfigError, SheetError
from healthslm.vault import audit, recovery
from healthslm.vault.chapters import entries, for_device
from healthslm.vault.database import DEVICE_KEY, NEW_DEVICE_KEY, write_meta
from healthslm.vault.index import Draft
from healthslm.vault.keys import ALL_CLASSES, Class, DataKey, Device
from healthslm.vault.readers import (
    PROFILES,
    Grantee,
    Profile,
    Reader,
    Role,
    identity_digest,
    reader_record,
    seal_identity,
)
from healthslm.vault.rows import Rows
from healthslm.vault.store import Store

STANDARD = PROFILES["standard"]
JOB = "new data keys"


def change_passphrase(
    store: Store, passphrase: str, *, now_s: float, profile: Profile = STANDARD
) -> None:
    """Seal the owner's private key under a new passphrase.

    Raises
    ------
    ConfigError
        The passphrase is empty; or the store was not opened by its owner.
    """
    owner = _owner(store)
    with store.rows.transaction(now_s) as draft:
        record = seal_identity(store.rows.keys.device, owner, _given(passphrase), profile)
        write_meta(store.rows.db, f"identity/{owner.id}", record)
        draft.head.identity = identity_digest(record)
        audit.record(draft, "passphrase changed", store.who, now_s)


def change_owner(
    store: Store, passphrase: str, *, now_s: float, profile: Profile = STANDARD
) -> None:
    """Give the owner a new private key under a passphrase; the old one opens nothing any more.

    Whoever opened the store with the recovery sheet becomes its owner again by this.
    """
    new = Reader.new()
    record = seal_identity(store.rows.keys.device, new, _given(passphrase), profile)
    _change(store, "owner", new, "identity", record, now_s)


def change_sheet(store: Store, secret: bytes, *, now_s: float) -> None:
    """Make a new recovery sheet; the one before it opens nothing any more."""
    record = recovery.trust_record(store.rows.keys.device, secret)
    _change(store, "recovery", recovery.reader(secret), "recovery", record, now_s)


def _change(store: Store, role: Role, new: Reader, kind: str, record: bytes, now_s: float) -> None:
    rows = store.rows
    with rows.transaction(now_s) as draft:
        keys = list(_data_keys(store, draft))
        for old in [r for r in draft.head.readers if r.role == role]:
            rows.keys.unwrap_from(old.id)
            write_meta(rows.db, f"reader/{old.id}", None)
            write_meta(rows.db, f"{kind}/{old.id}", None)
            draft.head.readers.remove(old)
        write_meta(rows.db, f"reader/{new.id}", reader_record(rows.keys.device, new.public))
        write_meta(rows.db, f"{kind}/{new.id}", record)
        if kind == "identity":
            draft.head.identity = identity_digest(record)
        grantee = Grantee(new.id, role, ALL_CLASSES)
        draft.head.readers.append(grantee)
        for key in keys:
            rows.keys.wrap_to(key, [grantee])
        action: audit.Action = "owner key changed" if role == "owner" else "recovery sheet made"
        audit.record(draft, action, store.who, now_s)


def change_device(
    store: Store,
    folder: Path,
    passphrase: str,
    *,
    now_s: float,
    profile: Profile = STANDARD,
    sheet: bytes | None = None,
) -> None:
    """Give the board a new key of its own, as when the old one is lost or was seen by others.

    Everything is signed and wrapped anew, and clinicians must compare the new fingerprint. The
    recovery sheet trusted the old key: opened with the passphrase, a new one must be made; opened
    with the sheet, it goes on, and the owner has a new key under `passphrase`. The store must be
    closed and opened again after it.

    sheet  the secret of the sheet, where it is what opened the store.

    Raises
    ------
    ConfigError
        The passphrase is empty.
    LockedError
        The store was opened by neither.
    IntegrityError
        A wrap is lost or altered: `store repair` first.
    """
    store.owners_only("a new device key")
    rows, new = store.rows, Device(store.rows.id, secrets.token_bytes(32))
    made = folder / NEW_DEVICE_KEY
    made.unlink(missing_ok=True)  # of an attempt that changed nothing
    owner = Reader.new() if store.who == "recovery" else _owner(store)
    record = seal_identity(new, owner, _given(passphrase), profile)
    new.write(made)
    sync(folder)
    with rows.transaction(now_s) as draft:
        keys = list(_data_keys(store, draft))
        stay = [r for r in draft.head.readers if r.role == "clinician"]
        publics = {r.id: rows.keys.public_of(r.id) for r in stay}
        stay.append(Grantee(owner.id, "owner", ALL_CLASSES))
        publics[owner.id] = owner.public
        rows.db.execute("DELETE FROM wrap")
        rows.db.execute("DELETE FROM meta WHERE name GLOB '*/*'")  # readers, identities, sheets
        if sheet is not None:
            second = recovery.reader(sheet)
            stay.append(Grantee(second.id, "recovery", ALL_CLASSES))
            publics[second.id] = second.public
            trust = recovery.trust_record(new, sheet)
            write_meta(rows.db, f"recovery/{second.id}", trust)
        rows.keys.renew(new)
        draft.head.readers[:] = stay
        write_meta(rows.db, "device", new.public)
        write_meta(rows.db, f"identity/{owner.id}", record)
        draft.head.identity = identity_digest(record)
        for reader, public in publics.items():
            write_meta(rows.db, f"reader/{reader}", reader_record(new, public))
        own = {c.key for c in for_device(draft.chapters())}
        for key in keys:
            rows.keys.wrap_to(key, [r for r in stay if r.may(key.cls, now_s, key.epoch_s)])
            if key.cls is Class.STATE or key.id in own:
                rows.keys.wrap_to_device(key)
        audit.record(draft, "device key changed", store.who, now_s)
    made.rename(folder / DEVICE_KEY)
    sync(folder)


def rehearse(folder: Path, sheet: bytes) -> int:
    """Return how many data keys a recovery sheet opens: all of them. Nothing is written.

    Raises
    ------
    SheetError
        The sheet is not of this store, or a newer one has taken its place.
    IntegrityError
        A key does not open, or something is damaged.
    """
    rows = Rows(folder, None, partial(recovery.unlock, secret=sheet))
    with closing(rows):
        head, held = rows.head(), rows.unlocked
        if held is None or all(r.id != held.reader.id for r in head.readers):
            raise SheetError("this sheet opens nothing here: the store does not name it")
        known = rows.chapters(head)
        for chapter in known:
            rows.keys.get(chapter.key)
        return len(known) + 1


def change_data_keys(
    store: Store, *, now_s: float, told: Callable[[int, int], None] = lambda done, of: None
) -> int:
    """Seal every row anew under new data keys; return how many keys there were.

    told  is called with how many chapters are done, and of how many. When it is interrupted,
          some chapters have new keys and some the old: run it again.
    """
    rows = store.rows
    with rows.transaction(now_s) as draft:
        due = [c.key for c in draft.chapters()]
        draft.head.job = JOB
    for done, key_id in enumerate(due):
        told(done, len(due))
        rewrite(store, key_id, lambda content: content, now_s=now_s, letters=True)
    with rows.transaction(now_s) as draft:
        rows.renew_state_key(draft, now_s)
        draft.head.job = ""
        audit.record(draft, "data keys changed", store.who, now_s)
    told(len(due), len(due))
    return len(due) + 1


def rewrite(
    store: Store,
    key_id: int,
    keep: Callable[[bytes], bytes | None],
    *,
    now_s: float,
    letters: bool = False,
) -> None:
    """Seal what is kept of a chapter under a new key, and destroy the old one.

    keep     returns what remains of a content, or None for nothing.
    letters  keep the letters that lie under the same key, too.
    """
    rows = store.rows
    with rows.transaction(now_s) as draft:
        old = next((c for c in draft.chapters() if c.key == key_id), None)
        if old is None:
            return
        cls = Class(old.cls)
        found = [(e, keep(rows.fetch(old, e))) for e in entries(old, rows.fetch)]
        kept = [(entry, content) for entry, content in found if content is not None]
        key = None
        if kept or (letters and rows.letters_of(old)):
            key = rows.keys.mint(cls, draft.head, old.epoch, now_s)
            new = draft.begin(key, done=True)
            for entry, content in kept:
                span = entry.t0, entry.t1
                draft.add_to(key, new, content, span, entry.number, rows=entry.parts)
            draft.end(key, new)
        rows.forget(draft, old, key if letters else None)


def _data_keys(store: Store, draft: Draft) -> Iterator[DataKey]:
    """Yield every data key; raises IntegrityError where one cannot be opened."""
    yield store.rows.keys.current(Class.STATE, draft.head, 0.0)
    for chapter in draft.chapters():
        yield store.rows.keys.get(chapter.key)


def _owner(store: Store) -> Reader:
    held, head = store.rows.unlocked, store.rows.head()
    if held is None or not any(r.id == held.reader.id and r.role == "owner" for r in head.readers):
        raise ConfigError("only the owner's passphrase may change this")
    return held.reader


def _given(passphrase: str) -> str:
    if not passphrase:
        raise ConfigError("passphrase: empty; without one anybody could read everything")
    return passphrase
