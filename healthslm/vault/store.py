"""One person's records, sealed, in one SQLite file.

The daemon opens the store with the device key: it may add, and read its own state and the
last eight days of derived records; what raw samples it wrote it cannot read again. The owner
unlocks it with a passphrase and may read everything. `docs/store-format.md` is the
specification. A time range is half open, t0_s <= t < t1_s; None is no bound.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Container, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType

from healthslm.errors import IntegrityError, LockedError
from healthslm.records import Beat, Derived, Frame, Summary, Vital
from healthslm.vault import audit, codec, joining, readers, recovery, source, upkeep
from healthslm.vault.chapters import FRAMES, LETTER, RECORDS, body_of
from healthslm.vault.database import (
    DATABASE,
    DEVICE_KEY,
    NEW_DEVICE_KEY,
    connect,
    read_meta,
    require,
)
from healthslm.vault.index import ERASED, RING_ROWS
from healthslm.vault.keys import Class, Device
from healthslm.vault.readers import Reader, Unlocked
from healthslm.vault.rows import Rows, Unlock
from healthslm.vault.seal import ROW_BYTES, needed

LETTER_BYTES = 65_536  # kept of one payload: no frame may be longer
ALL_DERIVED = frozenset(codec.TAGS.values())
HOUR_S = 3600
PENDING_BYTES = 1 << 20  # of letters that wait for a commit: what the ring holds


class Store:
    """A store, open: made by `Store.open` or `Store.unlock`; closes as a context."""

    def __init__(self, rows: Rows, *, audited: bool) -> None:
        self.rows = rows
        self._audited = audited
        self._letters: deque[tuple[str, bytes]] = deque()
        self._pending = 0  # bytes in them
        self._raw_was_read = False
        self.who = "device"  # in the audit trail
        self.upkeep: upkeep.Upkeep | None = None  # None: everything is kept

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open with the device key in `folder`, to commit and to go on.

        Raises
        ------
        ConfigError
            There is no store.
        LockedError
            The device key is missing, of another store, or others may read it.
        IntegrityError
            Altered, or older than it was: commits were lost.
        """
        require(folder / DATABASE)  # no store is said before no key
        rows = Rows(folder, device_of(folder), None)
        store = cls(rows, audited=True)
        with _closing_on_error(rows):
            rows.check_age()
        return store

    @classmethod
    def unlock(
        cls, folder: Path, passphrase: str, *, now_s: float | None = None, accept_loss: bool = False
    ) -> Store:
        """Open as the owner; the audit trail says so.

        Without a device key nothing can be added, not even to the audit trail: so a card is
        read on another machine. `accept_loss` opens a store whose newest commits or whose mark
        are lost, and goes on from what is there.

        Raises
        ------
        LockedError
            Wrong passphrase; or the device key is of another store, or others may read it.
        ConfigError, IntegrityError
            As `open`.
        """
        how = partial(readers.unlock, passphrase=passphrase)
        return cls._unlocked(folder, how, now_s, accept_loss=accept_loss)

    @classmethod
    def recover(cls, folder: Path, sheet: bytes, *, now_s: float | None = None) -> Store:
        """Open with the secret of the recovery sheet; as `unlock` does."""
        return cls._unlocked(folder, partial(recovery.unlock, secret=sheet), now_s)

    @classmethod
    def consult(cls, folder: Path, reader: Reader, *, now_s: float | None = None) -> Store:
        """Open as a clinician, on the board: what a consent that stands lets them read.

        Raises
        ------
        LockedError
            No consent stands for this key, or the device key is not here.
        ConfigError, IntegrityError
            As `open`.
        """
        return cls._unlocked(folder, lambda _: Unlocked(reader, whole=False), now_s)

    @classmethod
    def _unlocked(
        cls, folder: Path, how: Unlock, now_s: float | None, *, accept_loss: bool = False
    ) -> Store:
        require(folder / DATABASE)
        there = source.find(folder, os.environ).path.exists() or (folder / NEW_DEVICE_KEY).exists()
        device = device_of(folder) if there else None
        rows = Rows(folder, device, how)
        store = cls(rows, audited=device is not None)
        now_s = time.time() if now_s is None else now_s
        with _closing_on_error(rows):
            store.welcome(now_s)
            if accept_loss:
                rows.keep_log()
                store._audit("loss accepted", now_s)  # first: no loss is accepted unseen
                rows.accept_age()
            else:
                rows.check_age()
            store._audit("unlock", now_s)
        return store

    def welcome(self, now_s: float) -> None:
        """Let in only whom the sealed head names, and a clinician only while a consent stands."""
        held, head = self.rows.unlocked, self.rows.head()
        known = {r.id: r for r in head.readers}
        found = known.get(held.reader.id) if held else None
        if found is None or not any(found.may(cls, now_s) for cls in Class):
            raise LockedError("this key opens nothing here: no consent stands for it")
        if found.role == "owner" and head.identity:
            record = self.rows.header.get(f"identity/{found.id}", b"")
            if readers.identity_digest(record) != head.identity:
                raise IntegrityError(
                    "identity: rolled back: the passphrase was changed since, and the older record "
                    "was put back. The recovery sheet opens the store still"
                )
        self.who = found.name or found.role

    def commit(
        self, frames: Sequence[Frame], derived: Sequence[Derived], state: bytes, *, now_s: float
    ) -> None:
        """Add frames, derived records, letters, and the state they led to: all or nothing.

        All is on disk when this returns. One call is one sync: the caller groups.

        Raises
        ------
        IntegrityError
            Nothing was written: the database is damaged, full or busy. After a failed sync
            this object is of no more use, and says so.
        """
        raw, records = FRAMES + codec.encode_frames(frames), RECORDS + codec.encode_derived(derived)
        samples = sum(frame.count for frame in frames)
        letters = [LETTER + codec.encode_letter(*letter) for letter in self._letters]
        with self.rows.transaction(now_s) as draft:
            padding = draft.head.padding
            if frames:
                rows = padding.raw_rows(needed(raw), frames=len(frames), samples=samples)
                draft.add(Class.RAW, raw, *hull(frames), rows=rows)
            if derived:
                rows = padding.derived_rows(needed(records))
                draft.add(Class.DERIVED, records, *hull(derived), rows=rows)
            for letter in letters:
                draft.set_aside(letter)
            for record in derived:
                if isinstance(record, Summary):
                    audit.record(draft, "summary", self.who, now_s)
                draft.head.count(type(record).__name__.lower(), 1)
            draft.head.count("frames", len(frames))
            draft.head.count("set_aside", len(letters))
            draft.head.pipeline = codec.pack_state(state)
            new_hour, draft.head.hour = draft.head.hour != now_s // HOUR_S, int(now_s // HOUR_S)
            if new_hour:
                upkeep.keep_no_longer(self, draft, now_s)
        self._letters.clear()
        self._pending = 0
        if new_hour:
            joining.join(self.rows, now_s)

    def state(self) -> bytes | None:
        """Return the state of the newest commit; None before the first.

        Raises
        ------
        LockedError
            A clinician asks: no consent covers it.
        """
        held = self.rows.unlocked
        if held is not None and not held.whole:
            raise LockedError("the daemon's state: no consent covers it")
        packed = self.rows.head().pipeline
        return None if packed is None else codec.unpack_state(packed)

    def derived(
        self,
        t0_s: float | None = None,
        t1_s: float | None = None,
        kinds: Container[type[Derived]] = ALL_DERIVED,
        names: Container[str] | None = None,
    ) -> Iterator[Derived]:
        """Yield the derived records that touch a time range, in order of commit.

        kinds  only records of these classes: beats are most, and not always wanted.
        names  only kinds of vitals, beats or findings of these names, as for a trend.

        The device key yields what was committed in the last eight days; the rest needs the
        owner.
        """
        for content in self.rows.contents(Class.DERIVED, t0_s, t1_s):
            body = body_of(content, RECORDS, "records")
            for record in codec.decode_derived(body, kinds, names):
                if touches(record, t0_s, t1_s):
                    yield record

    def frames(
        self, t0_s: float | None = None, t1_s: float | None = None, stream: str | None = None
    ) -> Iterator[Frame]:
        """Return the frames that touch a time range, in order of commit, then lane by lane.

        stream  the lane, "chest/ecg"; None is all. Samples come as bytes. The first call is
        written to the audit trail.

        Raises
        ------
        LockedError
            Opened with the device key: only the owner may read raw samples.
        """
        self._readers_only("raw samples", Class.RAW)
        if not self._raw_was_read:
            self._audit("read raw", None)
            self._raw_was_read = True
        return (
            frame
            for content in self.rows.contents(Class.RAW, t0_s, t1_s)
            for frame in codec.decode_frames(body_of(content, FRAMES, "frames"))
            if stream in (None, frame.name) and touches(frame, t0_s, t1_s)
        )

    def set_aside(self, reason: str, payload: bytes) -> None:
        """Keep a payload that could not be used; it is sealed as raw with the next commit.

        The newest megabyte is kept, and the first 64 KiB of each.
        """
        self._letters.append((reason, payload[:LETTER_BYTES]))
        self._pending += len(self._letters[-1][1])
        while self._pending > PENDING_BYTES or len(self._letters) > len(RING_ROWS):
            self._pending -= len(self._letters.popleft()[1])

    def letters(self) -> Iterator[tuple[str, bytes]]:
        """Yield (reason, payload) of what was set aside and still is there; owner only."""
        self._readers_only("letters set aside", Class.RAW)
        parts = list[bytes]()
        for row in self.rows.ring():
            if row.part == 0:
                parts.clear()
            if row.part != len(parts):  # the beginning of this letter is overwritten
                continue
            parts.append(row.data)
            if len(parts) == row.parts:
                letter = codec.decode_letter(body_of(b"".join(parts), LETTER, "letter"))
                parts.clear()
                if letter[0] != ERASED:
                    yield letter

    def events(self, through: tuple[int, bytes] | None = None) -> Iterator[audit.Event]:
        """Yield the whole audit trail, oldest first, its chain checked; owner only.

        through  an earlier head of it, (entries, hash of the newest), that it must contain.
        """
        self._readers_only("audit trail", Class.AUDIT)
        end = self.rows.head().audit
        return audit.chain(self.rows.contents(Class.AUDIT, None, None), end, through)

    def counts(self) -> dict[str, int]:
        """Return how much there is, by name: rows, bytes sealed, commits, frames, beats ..."""
        head = self.rows.head()
        rows = self.rows.row_count(head)
        sizes = {"rows": rows, "bytes": rows * ROW_BYTES, "commits": head.commit}
        return sizes | {"audit": head.audit[0], "frames": 0, "set_aside": 0} | head.counts

    def verify(self) -> None:
        """Read everything that the keys at hand open, and count the rest.

        Raises
        ------
        IntegrityError
            Rows are lost, altered, moved, planted or rolled back: says which.
        """
        self.rows.check_rows()
        for cls in (Class.RAW, Class.DERIVED, Class.AUDIT):
            for _ in self.rows.contents(cls, None, None):
                pass
        if self.rows.unlocked is not None and self.rows.unlocked.whole:
            for found in (self.letters(), self.events()):
                deque(found, maxlen=0)

    @property
    def protection(self) -> str:
        """What the device key protects where it is, for `status` to say."""
        return source.find(self.rows.folder, os.environ).protects

    def close(self) -> None:
        """Let go of the files; what was committed stays."""
        self.rows.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _may(self, cls: Class) -> bool:
        """Say whether a class is open to whoever opened the store, its newest at least."""
        held = self.rows.unlocked
        if held is None:
            return cls in (Class.DERIVED, Class.STATE)
        return any(
            r.id == held.reader.id and r.classes & 1 << cls for r in self.rows.head().readers
        )

    def _readers_only(self, what: str, cls: Class) -> None:
        """Let in whoever may read a class, and the device never."""
        held = self.rows.unlocked
        if held is None:
            raise LockedError(f"{what}: only the owner's passphrase opens them")
        if not self._may(cls):
            raise LockedError(f"{what}: your consent does not cover them")

    def owners_only(self, what: str) -> None:
        """Let in the owner, or who holds the recovery sheet.

        Raises
        ------
        LockedError
            Neither has opened the store.
        """
        if self.rows.unlocked is None or not self.rows.unlocked.whole:
            raise LockedError(f"{what}: only the owner may; it needs the passphrase")

    def _audit(self, action: audit.Action, now_s: float | None) -> None:
        now_s = time.time() if now_s is None else now_s
        if self._audited:
            with self.rows.transaction(now_s) as draft:
                audit.record(draft, action, self.who, now_s)


def device_of(folder: Path) -> Device:
    """Return the device's key, after finishing a change of it that was interrupted.

    Raises
    ------
    LockedError, IntegrityError
        As `Device.read`.
    """
    new = folder / NEW_DEVICE_KEY
    if new.exists():
        with suppress(IntegrityError), closing(connect(folder / DATABASE)) as db:
            if Device.read(new).public == read_meta(db)["device"]:
                new.rename(folder / DEVICE_KEY)
    found = source.find(folder, os.environ)
    return Device.read(found.path, forbidden=found.forbidden)


def span(record: Frame | Derived) -> tuple[float, float]:
    """Return the time that a record is of, UTC s."""
    if isinstance(record, Frame):
        return record.t_s, record.t_s + record.count / record.fs
    if isinstance(record, Beat | Vital):
        return record.t_s, record.t_s
    return record.t0_s, record.t1_s


def hull(records: Sequence[Frame] | Sequence[Derived]) -> tuple[float, float]:
    """Return the first and the last moment of some records."""
    spans = [span(record) for record in records]
    return min(t0 for t0, _ in spans), max(t1 for _, t1 in spans)


def touches(record: Frame | Derived, t0_s: float | None, t1_s: float | None) -> bool:
    """Say whether a record is of t0_s <= t < t1_s."""
    first_s, last_s = span(record)
    return (t1_s is None or first_s < t1_s) and (t0_s is None or last_s >= t0_s)


@contextmanager
def _closing_on_error(rows: Rows) -> Iterator[None]:
    try:
        yield
    except BaseException:
        rows.close()
        raise
