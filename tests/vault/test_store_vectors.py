"""The package and the independent reader make the same of a whole store, sound or damaged."""

import sqlite3
from base64 import b64decode
from contextlib import closing

import msgspec
import pytest

from healthslm.errors import HealthslmError
from healthslm.vault import Store, codec, recovery
from healthslm.vault.mark import SLOT_BYTES

from .independent_keys import Refused, secret_of
from .independent_reader import Reader
from .make_vectors import published
from .refusals import word_for
from .test_vectors import without_defaults
from .vectors_of_contents import plain

VECTOR = published("store")
# As it stands on the page.
SCHEMA = """
CREATE TABLE row  (id INTEGER PRIMARY KEY, key_id INTEGER NOT NULL, blob BLOB NOT NULL);
CREATE TABLE wrap (key_id INTEGER NOT NULL, reader INTEGER NOT NULL, blob BLOB NOT NULL,
                   PRIMARY KEY (key_id, reader));
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
TABLES = {"meta": "meta", "wraps": "wrap", "rows": "row"}
MARKS = {"meta": "?, ?", "wraps": "?, ?, ?", "rows": "?, ?, ?"}


def changed(name, change):
    """Return the rows of a table after a change."""
    gone = change.get("without", {}).get(name, [])
    return [x for x in VECTOR[name] if x[:-1] not in gone] + change.get("and", {}).get(name, [])


def written(folder, case):
    """Write the store of a case; the device's key only where it is read as the device."""
    change = case["change"]
    with closing(sqlite3.connect(folder / "vault.db")) as db, db:
        db.executescript(SCHEMA)
        for name, table in TABLES.items():
            rows = [[*place, b64decode(blob)] for *place, blob in changed(name, change)]
            db.executemany(f"INSERT INTO {table} VALUES ({MARKS[name]})", rows)  # noqa: S608
    slots = [b64decode(slot) for slot in change.get("mark", VECTOR["mark"])]
    (folder / "vault.mark").write_bytes(b"".join(s.ljust(SLOT_BYTES, b"\0") for s in slots))
    if case["with"] == "device key":
        key = folder / "device.key"
        key.touch(0o600)
        key.write_bytes(b64decode(VECTOR["device key"]))
    return folder


def ours(folder, case):
    """Return what the package reads, as the vector tells it."""
    opened = {
        "passphrase": lambda: Store.unlock(folder, VECTOR["passphrase"]),
        "sheet": lambda: Store.recover(folder, recovery.read(VECTOR["sheet"])),
        "device key": lambda: Store.open(folder),
    }[case["with"]]
    with opened() as store:
        return {
            "state": lambda: store.state().hex(),
            "frames": lambda: [
                [f.device, f.stream, f.seq, list(memoryview(f.samples).cast("h"))]
                for f in store.frames()
            ],
            "records": lambda: msgspec.msgpack.decode(
                codec.inflate(codec.encode_derived(list(store.derived())))
            ),
            "events": lambda: [[e.t_s, e.action, e.who, e.what] for e in store.events()],
            "letters": lambda: plain(list(store.letters())),
            "count": store.verify,
        }[case["read"]]()


def theirs(folder, case):
    """Return what the independent reader reads."""
    how = {
        "passphrase": {"passphrase": VECTOR["passphrase"]},
        "sheet": {"secret": secret_of(VECTOR["sheet"])},
        "device key": {},
    }[case["with"]]
    with closing(Reader(folder, **how)) as reader:
        read = {"state": lambda: reader.state[9]}.get(case["read"]) or getattr(reader, case["read"])
        return plain(read())


def due(case):
    name = case["read"]
    if (case["with"], name) == ("device key", "records"):
        name = "records of the device"
    return VECTOR["holds"][name]


@pytest.mark.parametrize(
    ("reader", "refusal", "word"),
    [(ours, HealthslmError, word_for), (theirs, Refused, str)],
    ids=["ours", "theirs"],
)
@pytest.mark.parametrize(
    "case",
    VECTOR["cases"],
    ids=[f"{c['expect']}: {c['what']}: {c['read']} with the {c['with']}" for c in VECTOR["cases"]],
)
def test_a_published_store_is_read_or_refused_for_the_stated_reason(
    case, reader, refusal, word, tmp_path
):
    folder = written(tmp_path, case)
    if case["expect"] == "success":
        found = reader(folder, case)
        if case["read"] == "records":
            found = without_defaults(found, due(case))
        assert found == due(case)
    else:
        with pytest.raises(refusal) as refused:
            reader(folder, case)
        assert word(refused.value) == case["expect"]
