"""Vectors of a whole store: what it holds, and what a reader makes of each kind of damage."""

from base64 import b64decode, b64encode

from healthslm.vault.recovery import words
from healthslm.vault.seal import row_label, split

from .reproducible import (
    OWNER,
    PASSPHRASE,
    SECOND,
    SECRET,
    SHEET,
    STORE,
    THIEF,
    flipped,
    sealed,
)
from .store_by_hand import (
    AUDIT_KEY,
    DAY,
    EVENTS,
    HOUR_1,
    HOUR_2,
    LETTERS,
    MARK_KEY,
    OLD_RECORDS,
    RECORDS,
    STATE_KEY,
    WAVE,
    store,
    wraps_of,
)
from .vectors_of_contents import LATER, packed, plain, slot, trail
from .vectors_of_keys import identity

OWNS, FINDS, RUNS = "passphrase", "sheet", "device key"


def gone(row):
    return lambda made: made.rows.pop(row)


def bit(row, at):
    def damage(made):
        key_id, blob = made.rows[row]
        made.rows[row] = key_id, flipped(blob, at)

    return damage


def under(row, key_id):
    def damage(made):
        made.rows[row] = key_id, made.rows[row][1]

    return damage


def put_back(key, row, content, number):
    """Put a true seal of something else into a row, as one that is older would be."""
    return lambda made: made.put(key, row, content, number)


def swapped(table, one, two):
    def damage(made):
        each = getattr(made, table)
        each[one], each[two] = each[two], each[one]

    return damage


def no_wrap(key, reader):
    return lambda made: made.wraps.pop((key.id, reader))


def header(name, value=None):
    def damage(made):
        made.meta.pop(name)
        if value is not None:
            made.meta[name] = value

    return damage


def mark(*slots):
    return lambda made: made.mark.__setitem__(slice(None), slots)


def state_row_of_the_commit_before(made):
    part = split(bytes(3000), 4, 4)[1]
    made.rows[2] = STATE_KEY.id, sealed(STATE_KEY.secret, row_label(STORE, STATE_KEY.id, 2), part)


def foreign_chapter(made):
    made.head[3][2][0] = HOUR_1.id


def uncounted_row(made):
    made.put(HOUR_2, 2061, packed(3, []), 5)
    made.head[13] += 1


def wrong_catalogue(made):
    made.head[4] = made.put(STATE_KEY, 2058, packed(3, []), 5)


def retold(made):
    """Change the first event, and all that vouches for it but the chain."""
    told, _ = trail([[*EVENTS[0][:2], "device", ""], EVENTS[1]])
    entries = made.head[3][0][6][0]
    entries[0] = made.put(AUDIT_KEY, 2048, told[0], 1, span=tuple(entries[0][2:4]))


def event_too_few(made):
    made.head[6] = [3, made.head[6][1]]


def later_version(made):
    """Write as a version to come may: with more fields at the end of all that may grow."""
    made.head += LATER
    made.head[5] = [[*reader, *LATER] for reader in made.head[5]]
    chapter = made.head[3][1]
    content = packed(2, [[*RECORDS[0], *LATER], *RECORDS[1:3]])
    chapter[6][0][0] = [*made.put(DAY, 2052, content, 2, span=tuple(chapter[6][0][0][2:4])), *LATER]
    chapter += LATER


DAMAGED = [
    ("wrong label", "two rows changed over", OWNS, "records", swapped("rows", 2052, 2059)),
    ("bad marker", "a flipped marker", OWNS, "frames", bit(2053, 0)),
    ("wrong key", "a flipped salt", OWNS, "frames", bit(2053, 10)),
    ("wrong label", "a flipped label check", OWNS, "frames", bit(2053, 50)),
    ("bad tag", "a flipped byte", OWNS, "frames", bit(2053, 500)),
    ("wrong key", "a row under another key", OWNS, "records", under(2052, AUDIT_KEY.id)),
    ("lost", "a row under a key that never was", OWNS, "records", under(2052, 99)),
    ("lost", "a row of two", OWNS, "frames", gone(2054)),
    ("lost", "a row of records, to the device", RUNS, "records", gone(2052)),
    ("rolled back", "other records", RUNS, "records", put_back(DAY, 2052, packed(2, []), 2)),
    ("rolled back", "an older node", OWNS, "frames", put_back(HOUR_1, 2057, packed(3, []), 4)),
    ("rolled back", "an older catalogue", OWNS, "frames",
     put_back(STATE_KEY, 2058, packed(7, []), 4)),
    ("lost", "the catalogue", OWNS, "records", gone(2058)),
    ("rolled back", "a row of an older state", RUNS, "state", state_row_of_the_commit_before),
    ("lost", "the first row of the state", RUNS, "state", gone(1)),
    ("lost", "a later row of the state", OWNS, "state", gone(3)),
    ("rolled back", "a mark of a newer commit", OWNS, "state",
     mark(slot(6, MARK_KEY), slot(5, MARK_KEY))),
    ("lost", "a mark that nobody wrote", RUNS, "state", mark(bytes(84), bytes(84))),
    ("lost or planted", "the newest row gone", OWNS, "state", gone(2060)),
    ("lost or planted", "a newer row", RUNS, "state", put_back(DAY, 2061, packed(2, []), 5)),
    ("lost or planted", "a raw row gone, to the device", RUNS, "count", gone(2053)),
    ("lost", "the owner's wrap", OWNS, "frames", no_wrap(HOUR_2, OWNER.id)),
    ("lost", "the sheet's wrap", FINDS, "frames", no_wrap(HOUR_1, SECOND.id)),
    ("lost", "the device's wrap of today", RUNS, "records", no_wrap(DAY, 0)),
    ("lost", "the device's wrap of the state", RUNS, "state", no_wrap(STATE_KEY, 0)),
    ("bad signature", "wraps changed over", OWNS, "frames",
     swapped("wraps", (HOUR_1.id, OWNER.id), (HOUR_2.id, OWNER.id))),
    ("rolled back", "a letter of another round", OWNS, "letters",
     lambda made: made.letter(1026, "old", b"")),
    ("rolled back", "an identity from before", OWNS, "state",
     header(f"identity/{OWNER.id}", identity(cost=(64, 2, 2)))),
    ("lost", "a row of the ring", OWNS, "letters", gone(65)),
    ("bad marker", "another format", OWNS, "state", header("format", b"healthslm vault 3")),
    ("bad signature", "another device, to the owner", OWNS, "state",
     header("device", THIEF.public)),
    ("another device", "another device, to the sheet", FINDS, "state",
     header("device", THIEF.public)),
    ("altered", "another device, to the device", RUNS, "state",
     header("device", THIEF.public)),
    ("lost", "the identity", OWNS, "state", header(f"identity/{OWNER.id}")),
    ("lost", "the sheet's record", FINDS, "state", header(f"recovery/{SECOND.id}")),
    ("success", "a mark of which one slot is torn", OWNS, "state",
     mark(bytes(84), slot(5, MARK_KEY))),
    ("success", "a mark that lags", RUNS, "state",
     mark(slot(2, MARK_KEY), slot(3, MARK_KEY))),
]  # fmt: skip
FORGED = [
    ("success", "a store of a later version", OWNS, "records", later_version),
    ("success", "a later version, to the device", RUNS, "records", later_version),
    ("wrong key", "a chapter that claims another's rows", OWNS, "frames", foreign_chapter),
    ("another kind", "a node for a catalogue", OWNS, "records", wrong_catalogue),
    ("lost or planted", "a row that no chapter counts", OWNS, "count", uncounted_row),
    ("broken chain", "an event told otherwise", OWNS, "events", retold),
    ("lost", "an event less than the state counts", OWNS, "events", event_too_few),
]
SOUND = [
    *(("success", "as it is", who, read, None) for who in (OWNS, FINDS)
      for read in ("state", "frames", "records", "events", "letters", "count")),
    *(("success", "as it is", RUNS, read, None) for read in ("state", "records", "count")),
    *(("locked", "as it is", RUNS, read, None) for read in ("frames", "events", "letters")),
]  # fmt: skip


def store_vectors(before):
    """Return the vectors; `before` are those that were published, or None."""
    kept = {(k, int(r)): b64decode(blob) for k, r, blob in before["wraps"]} if before else {}
    wraps = wraps_of(kept)
    whole = store(wraps)
    cases = [(*case, store(wraps, case[4])) for case in [*SOUND, *DAMAGED]]
    cases += [(*case, store(wraps, forged=case[4])) for case in FORGED]
    return {
        "passphrase": PASSPHRASE,
        "sheet": " ".join(words(SHEET)),
        "device key": text(b"HSD1" + STORE + SECRET),
        **tables(whole),
        "holds": {
            "state": b"the pipeline's".hex(),
            "frames": [
                ["chest", stream, seq, WAVE[seq]]
                for stream, seq in [("ecg", 0), ("ppg", 0), *(("ecg", seq) for seq in range(1, 5))]
            ],
            "records": OLD_RECORDS + RECORDS,
            "records of the device": RECORDS,
            "events": EVENTS,
            "letters": plain(LETTERS),
            "count": None,
        },
        "cases": [
            {"expect": expect, "what": what, "with": who, "read": read,
             "change": difference(tables(whole), tables(made))}
            for expect, what, who, read, _, made in cases
        ],
    }  # fmt: skip


def text(blob):
    return b64encode(blob).decode()


def tables(made):
    """Return what is on disk as JSON holds it; ids of readers as text, for they pass 2^53."""
    return {
        "meta": [[name, text(value)] for name, value in sorted(made.meta.items())],
        "wraps": [[k, str(r), text(blob)] for (k, r), blob in sorted(made.wraps.items())],
        "rows": [[row, k, text(blob)] for row, (k, blob) in sorted(made.rows.items())],
        "mark": [text(each) for each in made.mark],
    }


def difference(whole, damaged):
    """Return what a damaged store lacks (without) and has instead (and)."""
    lost = {name: [x for x in whole[name] if x not in damaged[name]] for name in whole}
    new = {name: [x for x in damaged[name] if x not in whole[name]] for name in whole}
    change = {"without": {n: [x[:-1] for x in xs] for n, xs in lost.items() if n != "mark" and xs},
              "and": {n: xs for n, xs in new.items() if n != "mark" and xs}}  # fmt: skip
    if whole["mark"] != damaged["mark"]:
        change["mark"] = damaged["mark"]
    return {name: each for name, each in change.items() if each}
