"""A whole store of a few rows, made by hand from the page, the same each time."""

import struct
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain

import msgspec

from healthslm.vault.keys import Class, DataKey
from healthslm.vault.readers import reader_record, wrap
from healthslm.vault.seal import digest, row_label, split

from .reproducible import (
    DEVICE,
    OWNER,
    SECOND,
    STORE,
    bytes_of,
    sealed,
    stored,
)
from .vectors_of_contents import block, packed, slot, trail
from .vectors_of_keys import identity, trust, u64

HOUR, TODAY = 1_699_999_200, 1_699_920_000  # of T0
T0 = 1_700_000_000.0


def _key(number, cls, epoch_s):
    return DataKey(number, cls, epoch_s, bytes_of(f"data key {number}", 32))


STATE_KEY = _key(11, Class.STATE, 0)
AUDIT_KEY = _key(12, Class.AUDIT, 1_698_796_800)
HOUR_1, HOUR_2 = _key(13, Class.RAW, HOUR), _key(14, Class.RAW, HOUR + 3600)
LONG_AGO, DAY = _key(15, Class.DERIVED, TODAY - 8 * 86_400), _key(16, Class.DERIVED, TODAY)
MARK_KEY = bytes_of("mark", 32)
PIPELINE = b"the pipeline's"
PACKED = (
    b"\1" + struct.pack(">H", len(PIPELINE) - 1) + PIPELINE + b"\0"
)  # LZMA2, one chunk as it is
KEYS = (STATE_KEY, AUDIT_KEY, HOUR_1, HOUR_2, LONG_AGO, DAY)

WAVE = [[seq, -seq, 40 * seq, -3000, 32767, -32768, 0] for seq in range(5)]
OLD_RECORDS = [["v", "spo2", "wrist/spo2", T0 - 8 * 86_400, 96.0]]
RECORDS = [
    ["v", "spo2", "wrist/spo2", T0, 97.5],
    ["b", "beat", "chest/ecg", T0 + 1, 0.8125, True, "N", 0.09],
    ["b", "pulse", "wrist/ppg", T0 + 1.25, None, False],
    ["g", "chest/ecg", T0 + 1, T0 + 4, 750],
    ["f", "pause", "chest/ecg", T0, T0 + 4, "red", [["longest_s", 3.5]], True],
    ["a", "pause", T0 + 5, "red", "asked", T0, 1, "a reason"],
    ["s", T0, T0 + 5, "es", "Todo va bien, ¿no?", "template"],
]
EVENTS = [[T0, "create", "owner", ""], [T0 + 9, "unlock", "owner", ""]]
LETTERS = [["bad unit", bytes_of("a long letter", 1000)], ["too late", b"\0\1"]]


@dataclass
class Made:
    """A store in the making."""

    rows: dict = field(default_factory=dict)
    meta: dict = field(default_factory=dict)
    wraps: dict = field(default_factory=dict)
    head: list = field(default_factory=list)
    mark: list = field(default_factory=lambda: [slot(n, MARK_KEY) for n in (4, 5)])

    def put(self, key, first, content, number, *, span=(0, 0), quantum=1, part_number=None):
        """Seal a content into rows from `first` on; return the entry that stands for it."""
        blobs = []
        for row, part in enumerate(split(content, part_number or number, quantum), first):
            self.rows[row] = key.id, sealed(key.secret, row_label(STORE, key.id, row), part)
            blobs.append(self.rows[row][1])
        return [first, len(blobs), *span, digest(key.id, blobs), number]

    def letter(self, k, reason, payload):
        """Put a letter into the ring, its first row the k-th."""
        for part in split(packed(6, [reason, payload]), k, 1):
            place = 64 + k % 1024
            label = row_label(STORE, HOUR_2.id, place)
            self.rows[place] = HOUR_2.id, sealed(HOUR_2.secret, label, part)
            k += 1
        return k


def frames(*lanes):
    """Return the content of lanes: (stream, codec, seqs)."""
    heads = [
        ["chest", stream, 1, 250.0, "mV", 0.005, 0.0,
         [[seq, 7 * seq, T0 + seq, 0 if seq else None, 7] for seq in seqs]]
        for stream, _, seqs in lanes
    ]  # fmt: skip
    blocks = [block(codec, list(chain(*(WAVE[seq] for seq in seqs)))) for _, codec, seqs in lanes]
    return b"\1" + msgspec.msgpack.encode([stored(msgspec.msgpack.encode(heads)), blocks])


def store(wraps, damage=None, *, forged=None):
    """Return a store of five commits.

    forged  changes what is made before the state is sealed: what only a holder of keys can.
    damage  changes what is made, afterwards.
    """
    made, (told, end) = Made(meta=header(), wraps=dict(wraps)), trail(EVENTS)
    span = int(T0), int(T0) + 5
    created = made.put(AUDIT_KEY, 2048, told[0], 1, span=(int(T0), int(T0)))
    old = made.put(LONG_AGO, 2049, packed(2, OLD_RECORDS), 1, span=(int(T0) - 8 * 86_400,) * 2)
    two = made.put(HOUR_2, 2050, frames(("ecg", 2, [1])), 3, span=span, quantum=2)
    noon = made.put(DAY, 2052, packed(2, RECORDS[:3]), 2, span=span)
    # The first hour was sealed anew, and then went on: its rows are newer than its numbers.
    one = frames(("ecg", 0, [0]), ("ppg", 1, [0]))
    one = made.put(HOUR_1, 2053, one, 2, span=span, quantum=2, part_number=4)
    three = made.put(HOUR_1, 2055, frames(("ecg", 1, [2, 3, 4])), 4, span=span, quantum=2)
    assert made.letter(made.letter(0, *LETTERS[0]), *LETTERS[1]) == 3
    node = made.put(HOUR_1, 2057, packed(3, [one]), 2, span=span, part_number=5)
    done = [
        [LONG_AGO.id, 2, LONG_AGO.epoch_s, 2049, 2050, 1, [[old]]],
        [HOUR_1.id, 1, HOUR, 2053, 2058, 5, [[three], [node]]],
    ]
    catalogue = made.put(STATE_KEY, 2058, packed(7, done), 5)
    eve = made.put(DAY, 2059, packed(2, RECORDS[3:]), 5, span=span)
    opened = made.put(AUDIT_KEY, 2060, told[1], 5, span=(int(T0) + 9, int(T0) + 9))
    made.head = [
        5, 2061, 13,
        [
            [AUDIT_KEY.id, 4, AUDIT_KEY.epoch_s, 2048, 2061, 2, [[created, opened]]],
            [DAY.id, 2, DAY.epoch_s, 2052, 2060, 2, [[noon, eve]]],
            [HOUR_2.id, 1, HOUR + 3600, 2050, 2052, 2, [[two]]],
        ],
        catalogue,
        [[OWNER.id, "owner", 30, "", 0, None], [SECOND.id, "recovery", 30, "", 0, None]],
        end, 3, {"frames": 6}, PACKED, 0, "", MARK_KEY, 2060, 0, 0, [8, 8, 0, 1, 0, 16],
        sha256(identity()).digest()[:16],
    ]  # fmt: skip
    if forged:
        forged(made)
    made.put(STATE_KEY, 1, packed(4, made.head), 5, quantum=4)
    if damage:
        damage(made)
    return made


def header():
    return {
        "format": b"healthslm vault 2",
        "store": STORE,
        "device": DEVICE.public,
        f"reader/{OWNER.id}": reader_record(DEVICE, OWNER.public),
        f"reader/{SECOND.id}": reader_record(DEVICE, SECOND.public),
        f"identity/{OWNER.id}": identity(),
        f"recovery/{SECOND.id}": trust(),
    }


def wraps_of(before):
    """Return every wrap; those that HPKE made stay as they were published."""
    made = {}
    for key in KEYS:
        for reader in (OWNER, SECOND):
            place = key.id, reader.id
            made[place] = before.get(place) or wrap(DEVICE, reader.public, key)
    for key in (STATE_KEY, DAY):
        grant = struct.pack(">Bq", key.cls, key.epoch_s) + key.secret
        label = b"healthslm/device-wrap/1" + STORE + u64(key.id, 0)
        made[key.id, 0] = sealed(DEVICE.wrap_key, label, grant)
    return made
