"""Who can open what: each class of data against each holder of keys, cell by cell.

A store of twelve days is written by a daemon that starts anew each day, but for the last, and
is at work still. Each
holder tries every secret that it holds on every wrap, and every key that this gives on every
row, in the files as they are byte by byte (what was deleted but lies there still is found);
then it asks the store, where it can open one. What must come of it, of RAW, of DERIVED in its
newest eight days and older, of STATE and of AUDIT:

    holder                                  | raw  | new  | old  | state | audit
    daemon before restart                   | now  | all  | none | all   | now
    daemon after restart                    | none | all  | none | all   | none
    owner                                   | all  | all  | all  | all   | all
    owner, without the device key           | all  | all  | all  | all   | all
    recovery sheet                          | all  | all  | all  | all   | all
    clinician without consent               | none | none | none | none  | none
    clinician with consent for derived      | none | all  | all  | none  | none
    clinician with consent for everything   | all  | all  | all  | none  | all
    clinician after consent                 | none | none | none | none  | none
    thief with the card, no device key      | none | none | none | none  | none
    thief with card and device key          | none | all  | none | all   | none
    ... and every older copy of the card    | none | all  | all  | all   | none

`now` is what lies under the key that is in use: a process that writes holds it, and the store lets
nobody read through it. The last row is what flash may keep of deleted wraps, at its worst:
the device's own old wraps open older derived days, and never a waveform.

- `cells`: compared. `wrong`: other than the table says, by the bytes or by the store.
- `opened`: cells that are open by the table; so that nothing is tested by a key that is blunt.
- `n`: stores, each with other data; one by default.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from healthslm import vault
from healthslm.bench import Goal, Result
from healthslm.errors import HealthslmError, IntegrityError
from healthslm.records import Frame, Summary, Vital
from healthslm.vault import consent
from healthslm.vault.chapters import for_device
from healthslm.vault.index import Row, open_row
from healthslm.vault.keys import Class, DataKey, Device, unwrap_for_device
from healthslm.vault.readers import Reader, unwrap
from healthslm.vault.seal import ROW_BYTES

WORDS = "an old boat on five slow rivers"
T0, DAY, HOUR = 1_699_956_000.0, 86_400.0, 3600.0  # 2023-11-14 10:00 UTC
DAYS = 12
PARTS = ("raw", "new", "old", "state", "audit")
EVERYTHING = (Class.RAW, Class.DERIVED, Class.AUDIT)
CARD = ("vault.db", "vault.db-wal", "vault.mark", "vault.spare", "ballast")

_LINE = re.compile(r"^    (\S[^|]*?) +\| (.*)$", re.MULTILINE)


def expected() -> dict[str, dict[str, str]]:
    """Return the table above: holder, part, and what is open of it."""
    rows = _LINE.findall(__doc__ or "")
    cells = {name: re.split(r"\s*\|\s*", rest.strip()) for name, rest in rows}
    head, *_ = cells.values()
    return {n: dict(zip(head, row, strict=True)) for n, row in cells.items() if n != "holder"}


@dataclass(slots=True)
class World:
    """A store at work, what lies in it, and everyone's secrets."""

    folder: Path
    daemon: vault.Store
    sheet: bytes
    readers: Mapping[str, Reader]  # clinicians, by what they were granted
    copies: Sequence[Path]  # of the card, as it was on some days
    now_s: float
    keys: Mapping[str, frozenset[int]] = field(default_factory=dict)  # ids, by part


@dataclass(frozen=True, slots=True)
class Holder:
    """Someone with some files, some secrets, and perhaps a way to open the store."""

    files: Sequence[Path]  # folders: whatever lies in them is tried
    device: bool = False
    readers: Sequence[Reader] = ()
    keys: Sequence[DataKey] = ()  # in memory
    ask: Callable[[], vault.Store] | None = None


def made(root: Path, rng: Random) -> World:
    """Write twelve days; the last of them by a daemon that works on."""
    folder, sheet = root / "store", rng.randbytes(32)
    cheapest = vault.PROFILES["cheapest"]
    vault.create(folder, WORDS, now_s=T0, profile=cheapest, sheet=sheet)
    names = ("never", "derived", "everything", "after")
    readers = {name: Reader(rng.randbytes(96)) for name in names}
    copies = []
    for day in range(DAYS - 1):
        t_s = T0 + day * DAY
        with vault.Store.open(folder) as store:
            _commit(store, rng, day * 10, t_s)
        if day == 1:
            _consents(folder, readers, t_s)
        if day == DAYS - 2:
            with vault.Store.unlock(folder, WORDS, now_s=t_s) as store:
                consent.revoke(store, "after", now_s=t_s)
        if day % 3 == 0 or day == DAYS - 2:  # each wrap of the device's own is in one of these
            copies.append(_copied(folder, root / f"day {day}"))
    now_s = T0 + (DAYS - 1) * DAY
    daemon = vault.Store.open(folder)
    for hour in (-20, 0, 1):  # it sees a day end
        _commit(daemon, rng, 900 + hour, now_s + hour * HOUR)
    text = Summary(now_s - DAY / 4, now_s, "en", "Text.", "template")  # goes on the audit trail too
    daemon.commit([], [text], b"state", now_s=now_s + HOUR)
    world = World(folder, daemon, sheet, readers, copies, now_s + HOUR)
    with vault.Store.unlock(folder, WORDS, now_s=world.now_s) as store:
        world.keys = _parts(store)
    return world


def _commit(store: vault.Store, rng: Random, seq: int, t_s: float) -> None:
    raw = rng.randbytes(400)
    frame = Frame("chest", "ecg", 1, seq, seq * 200, t_s, 100.0, "mV", 0.005, 0.0, raw, 0)
    store.commit([frame], [Vital("spo2", "w/s", t_s, 97.0)], b"state", now_s=t_s)


def _consents(folder: Path, readers: Mapping[str, Reader], now_s: float) -> None:
    with vault.Store.unlock(folder, WORDS, now_s=now_s) as store:
        for name, reader in readers.items():
            consent.add(store, name, reader.public, now_s=now_s)
            classes = (Class.DERIVED,) if name == "derived" else EVERYTHING
            if name != "never":
                consent.grant(store, name, classes, now_s=now_s)


def _copied(folder: Path, to: Path) -> Path:
    """Copy the card without the device key."""
    to.mkdir()
    for name in CARD:
        if (folder / name).exists():
            shutil.copy(folder / name, to / name)
    return to


def _parts(store: vault.Store) -> dict[str, frozenset[int]]:
    """Return the ids of all data keys, by what lies under them."""
    known = [c for c in store.rows.chapters(store.rows.head()) if c.rows]
    young = {c.key for c in for_device(known)}
    (state,) = store.rows.db.execute("SELECT key_id FROM row WHERE id = 1").fetchone()

    def of(cls: Class) -> Iterator[int]:
        return (c.key for c in known if c.cls == cls)

    return {
        "raw": frozenset(of(Class.RAW)),
        "new": frozenset(of(Class.DERIVED)) & young,
        "old": frozenset(of(Class.DERIVED)) - young,
        "state": frozenset({state}),
        "audit": frozenset(of(Class.AUDIT)),
    }


def holders(world: World) -> dict[str, Holder]:
    """Return everyone in the table, by the name they have there."""
    card, f = [world.folder], world.folder
    away = [world.copies[-1].with_name("away")]
    shutil.rmtree(away[0], ignore_errors=True)
    _copied(world.folder, away[0])
    owner = vault.Store.unlock(away[0], WORDS)
    sheet = vault.Store.recover(away[0], world.sheet)
    both = [held.reader for s in (owner, sheet) if (held := s.rows.unlocked) is not None]
    for store in (owner, sheet):
        store.close()

    def clinician(name: str) -> Holder:
        reader = world.readers[name]
        return Holder(
            away, readers=[reader], ask=lambda: vault.Store.consult(f, reader, now_s=world.now_s)
        )

    ids = {key for part in world.keys.values() for key in part}
    memory = [k for i in ids if (k := world.daemon.rows.keys.at_hand(i)) is not None]
    return {
        "daemon before restart": Holder(card, device=True, keys=memory, ask=lambda: world.daemon),
        "daemon after restart": Holder(card, device=True, ask=lambda: vault.Store.open(f)),
        "owner": Holder(card, True, both[:1], ask=lambda: vault.Store.unlock(f, WORDS)),
        "owner, without the device key": Holder(
            away, readers=both[:1], ask=lambda: vault.Store.unlock(away[0], WORDS)
        ),
        "recovery sheet": Holder(
            away, readers=both[1:], ask=lambda: vault.Store.recover(away[0], world.sheet)
        ),
        "clinician without consent": clinician("never"),
        "clinician with consent for derived": clinician("derived"),
        "clinician with consent for everything": clinician("everything"),
        "clinician after consent": clinician("after"),
        "thief with the card, no device key": Holder(
            [*away, *world.copies],
            readers=[Reader(bytes(96))],
            ask=lambda: vault.Store.unlock(away[0], ""),
        ),
        "thief with card and device key": Holder(card, True, ask=lambda: vault.Store.open(f)),
        "... and every older copy of the card": Holder([*card, *world.copies], device=True),
    }


# --- by the bytes ---


def opened(world: World, holder: Holder) -> frozenset[int]:
    """Return the ids of the data keys under which a holder opens every row that is there."""
    device = Device.read(world.folder / "device.key")
    public, rows = device.public, list(_rows(holder.files))
    blobs = [m for path in _files(holder.files) for m in _carved(path.read_bytes())]
    keys = {key.id: key for key in holder.keys}
    for key_id in {row.key_id for row in rows} | {k for part in world.keys.values() for k in part}:
        for blob in blobs:
            with suppress(HealthslmError, ValueError):
                if blob[:4] == b"HSS1" and holder.device:
                    keys[key_id] = unwrap_for_device(device, key_id, blob)
            for reader in holder.readers:
                if blob[:4] == b"HSW1":
                    with suppress(HealthslmError, ValueError):
                        keys[key_id] = unwrap(device.store_id, public, reader, key_id, blob)
    return frozenset(
        key_id
        for key_id, key in keys.items()
        if all(_opens(key, device.store_id, row) for row in rows if row.key_id == key_id)
    )


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    return (f for folder in folders for f in folder.iterdir() if f.name != "device.key")


def _rows(folders: Iterable[Path]) -> Iterator[Row]:
    for folder in folders:
        with closing(sqlite3.connect(folder / "vault.db")) as db:
            query = "SELECT id, key_id, blob FROM row"
            yield from (Row(*found) for found in db.execute(query).fetchall())


def _opens(key: DataKey, store_id: bytes, row: Row) -> bool:
    try:
        open_row(key, store_id, row)
    except IntegrityError:
        return False
    return len(row.blob) == ROW_BYTES


DEVICE_WRAP = 76 + 9 + 32  # a seal of a grant
READER_WRAP = 68 + 1088 + 32 + 16 + 9 + 32  # signed: ML-KEM-768 and X25519, and a sealed grant


def _carved(data: bytes) -> Iterator[bytes]:
    """Yield what could be a wrap, wherever it lies: in a table, in free space, in the log."""
    seen = set[bytes]()
    for marker, size in ((b"HSS1", DEVICE_WRAP), (b"HSW1", READER_WRAP)):
        at = data.find(marker)
        while at >= 0:
            blob = data[at : at + size]
            if blob not in seen:
                seen.add(blob)
                yield blob
            at = data.find(marker, at + 1)


# --- by asking ---


def told(world: World, holder: Holder) -> dict[str, str]:
    """Return of which parts the store itself gives a holder "all", and of which "none"."""
    if holder.ask is None:
        return {}
    try:
        store = holder.ask()
    except HealthslmError:
        return dict.fromkeys(PARTS, "none")
    since_s = world.now_s // DAY * DAY - 7 * DAY
    counts = {
        "raw": (lambda: sum(1 for _ in store.frames()), DAYS + 2),
        "new": (lambda: sum(1 for _ in store.derived(since_s)), 8 + 2 + 1),
        "old": (lambda: sum(1 for _ in store.derived(None, since_s)), DAYS - 8),
        "state": (lambda: int(store.state() == b"state"), 1),
        "audit": (lambda: sum(1 for _ in store.events()) >= 5, True),
    }
    answers = {part: _answer(*counts[part]) for part in PARTS}
    if store is not world.daemon:
        store.close()
    return answers


def _answer(count: Callable[[], int], whole: int) -> str:
    try:
        found = count()
    except HealthslmError:
        return "none"
    return "all" if found == whole else f"{found} of {whole}" if found else "none"


# --- the table ---


def compared(world: World, name: str, holder: Holder) -> Iterator[tuple[str, str, str, str]]:
    """Yield (part, expected, by the bytes, by asking) of one holder."""
    want, keys, asked = expected()[name], opened(world, holder), told(world, holder)
    for part in PARTS:
        yield part, want[part], _cell(world, part, keys), asked.get(part, "")


def _cell(world: World, part: str, keys: frozenset[int]) -> str:
    """Return how much of a part some keys open."""
    there = world.keys[part]
    found = there & keys
    if not found:
        return "none"
    return "all" if found == there else "now" if found == _now(world, part) else "some"


def _now(world: World, part: str) -> frozenset[int]:
    """Return the key that the daemon seals a class under now, as a set."""
    cls = {"raw": Class.RAW, "audit": Class.AUDIT}.get(part, Class.DERIVED)
    key = world.daemon.rows.keys.current(cls, world.daemon.rows.head(), world.now_s)
    return frozenset({key.id})


def right(want: str, by_bytes: str, by_asking: str) -> bool:
    """Say whether a cell is what the table says. What is open `now`, the store does not show."""
    shown = "none" if want == "now" else want
    return by_bytes == want and by_asking in ("", shown)


def measure(seed: int, n: int) -> list[Result]:
    """Return the figures of the table on `n` stores; 0: one."""
    counts = dict.fromkeys(("cells", "wrong", "opened"), 0.0)
    for number in range(n or 1):
        with tempfile.TemporaryDirectory() as root:
            world = made(Path(root), Random(seed * 1000 + number))  # noqa: S311 - to be made again
            with world.daemon:
                for name, holder in holders(world).items():
                    for _, want, by_bytes, by_asking in compared(world, name, holder):
                        counts["cells"] += 1
                        counts["wrong"] += not right(want, by_bytes, by_asking)
                        counts["opened"] += want != "none"
    goals: dict[str, Goal] = {"wrong": ("<=", 0.0), "opened": (">=", 28.0)}
    return [Result("access", "classes and holders", f"seed {seed}", counts, goals)]
