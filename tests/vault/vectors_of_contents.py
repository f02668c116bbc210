"""Vectors of what rows hold together: parts, bodies of each kind, the trail, and the mark."""

import hashlib
import struct

import msgspec

from healthslm.vault.seal import split

from .reproducible import KEY, OTHER, STORE, bytes_of, flipped, sealed, stored

AUDIT = b"\5"
ENTRY = [2049, 2, 1_700_000_000, 1_700_000_005, bytes_of("digest", 16), 2]
NODE_ENTRY = [2080, 1, 1_699_999_200, 1_700_000_005, bytes_of("digest of a node", 16), 2]
CHAPTER = [13, 1, 1_699_999_200, 2049, 2081, 33, [[ENTRY], [NODE_ENTRY]]]
READERS = [[7, "owner", 30, "", 0, None], [8, "clinician", 20, "Dr. A", 1, 1_800_000_000]]
STATE = [
    5, 2082, 34, [CHAPTER], NODE_ENTRY, READERS, [2, bytes_of("trail", 32)], 3, {"frames": 9},
    b"of the caller", 1, "erase a day", bytes_of("mark", 32),
    2081, 472_222, 4, [16, 9, 2, 1, 0, 48], bytes_of("identity", 16),
]  # fmt: skip
NEW_STORE = [
    1, 2048, 0, [], None, [], [0, bytes(32)], 0, {}, None, 0, "", bytes(32), 0, 0, 0,
    [8, 8, 0, 1, 0, 16], bytes_of("identity", 16),
]  # fmt: skip
LATER = ["of a later version", 1]


def content_vectors():
    return [*part_vectors(), *body_vectors(), *sample_vectors(), *trail_vectors(), *mark_vectors()]


def plain(value):
    """Return a value as JSON holds it: bytes as hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def packed(kind, value):
    """Return a content: kind, and msgpack deflated."""
    return bytes([kind]) + stored(msgspec.msgpack.encode(value))


def part_vectors():
    text = bytes_of("content", 1000)
    first, second, empty, _ = split(text, 8, 4)
    of_three, older = split(bytes(2000), 8, 1), split(bytes(2000), 7, 1)[1]
    cases = [
        ("success", "two parts", split(text, 8, 1), text),
        ("success", "filled up with an empty part", split(b"short", 8, 2), b"short"),
        ("success", "nothing", split(b"", 8, 1), b""),
        ("rolled back", "one of the commit before", [of_three[0], older, of_three[2]], None),
        ("lost", "the first missing", [second, empty], None),
        ("lost", "the last missing", [first, second], None),
        ("lost", "changed over", [of_three[1], of_three[0], of_three[2]], None),
        ("lost", "one twice", [of_three[0], of_three[0], of_three[2]], None),
        ("lost", "one too many", [*of_three, of_three[2]], None),
        ("lost", "none", [], None),
    ]  # fmt: skip
    return [
        {
            "kind": "parts",
            "expect": expect,
            "what": what,
            "parts": [part.hex() for part in parts],
            "content": None if content is None else content.hex(),
        }
        for expect, what, parts, content in cases
    ]


def body_vectors():
    later_entry, later_node = [*ENTRY, *LATER], [*NODE_ENTRY, *LATER]
    chapter = [*CHAPTER[:6], [[later_entry], [later_node]], *LATER]
    state = [*STATE[:3], [chapter], later_node, [[*r, *LATER] for r in READERS], *STATE[6:], *LATER]
    records = [["v", "spo2", "a/b", 1.5, 97.0], ["b", "beat", "a/b", 2.5, None, True]]
    cases = [
        ("success", "state", "of a store in use", packed(4, STATE), STATE),
        ("success", "state", "of a new store", packed(4, NEW_STORE), NEW_STORE),
        ("success", "state", "with later fields", packed(4, state), STATE),
        ("another kind", "state", "a catalogue", packed(7, STATE), None),
        ("success", "catalogue", "one chapter", packed(7, [CHAPTER]), [CHAPTER]),
        ("success", "catalogue", "nothing", packed(7, []), []),
        ("success", "catalogue", "with later fields", packed(7, [chapter]), [CHAPTER]),
        ("another kind", "catalogue", "a node", packed(3, [CHAPTER]), None),
        ("success", "node", "two entries", packed(3, [ENTRY, NODE_ENTRY]), [ENTRY, NODE_ENTRY]),
        ("success", "node", "with later fields", packed(3, [later_entry]), [ENTRY]),
        ("another kind", "node", "records", packed(2, [ENTRY]), None),
        ("success", "records", "a vital and a beat", packed(2, records), records),
        ("success", "records", "with later fields", packed(2, [[*records[0], 1]]), records[:1]),
        ("another kind", "records", "of a kind unknown", packed(8, records), None),
        ("success", "letter", "a letter", packed(6, ["bad", b"\0\1"]), ["bad", b"\0\1"]),
        ("another kind", "letter", "records", packed(2, ["bad", b""]), None),
    ]
    return [
        {
            "kind": kind,
            "expect": expect,
            "what": what,
            "content": content.hex(),
            "value": plain(value),
        }
        for expect, kind, what, content, value in cases
    ]


def block(codec, samples):
    """Return samples packed by hand."""
    x = list(samples)
    if codec == 0:
        return b"\0" + struct.pack(f"<{len(x)}h", *x)
    for _ in range(codec):
        steps = [b - a for a, b in zip([0, *x], x, strict=False)]
        x = [(d + 2**15) % 2**16 - 2**15 for d in steps]
    zigzag = [(d << 1 ^ d >> 15) & 0xFFFF for d in x]
    return bytes([codec]) + stored(bytes(z & 255 for z in zigzag) + bytes(z >> 8 for z in zigzag))


def sample_vectors():
    wide = [0, 1, -1, 32767, -32768, 0, -32768, 32767, 300, -300]
    return [
        *(
            {
                "kind": "samples",
                "expect": "success",
                "what": f"codec {codec}, {len(samples)} samples",
                "content": block(codec, samples).hex(),
                "value": samples,
            }
            for codec in range(3)
            for samples in (wide, [])
        ),
        {
            "kind": "samples",
            "expect": "unknown codec",
            "what": "codec 3",
            "content": "03" + block(1, wide).hex()[2:],
            "value": None,
        },
    ]


def trail(events, numbers=range(1000)):
    """Return the contents of an audit trail, and where it ends."""
    contents, newest, number = [], bytes(32), -1
    for number, (t_s, action, who, what) in zip(numbers, events, strict=False):
        body = msgspec.msgpack.encode([number, t_s, action, who, newest, what])
        contents.append(AUDIT + stored(body))
        newest = hashlib.sha256(body).digest()
    return contents, [number + 1, newest]


EVENTS = [
    [1.0, "create", "owner", ""],
    [2.0, "unlock", "owner", ""],
    [3.5, "read raw", "Dr. A", ""],
    [4.0, "erased", "owner", "a day"],
]


def trail_vectors():
    told, end = trail(EVENTS)
    retold, _ = trail([*EVENTS[:1], [2.0, "unlock", "device", ""], *EVENTS[2:]])
    before, _ = trail(EVENTS[:3])
    skipped, end_of_skipped = trail(EVENTS, numbers=(0, 1, 3, 4))
    cases = [
        ("success", "four events", told, end, EVENTS),
        ("success", "none yet", [], [0, bytes(32)], []),
        ("broken chain", "the first left out", told[1:], end, None),
        ("broken chain", "one left out", [told[0], *told[2:]], end, None),
        ("broken chain", "one changed", [told[0], retold[1], *told[2:]], end, None),
        ("broken chain", "two changed over", [told[0], told[2], told[1], told[3]], end, None),
        ("broken chain", "one told twice", [*told, told[3]], end, None),
        ("broken chain", "a number left out", skipped, end_of_skipped, None),
        ("lost", "the newest left out", before, end, None),
        ("lost", "the newest changed", [*told[:3], changed(told[3])], end, None),
        ("another kind", "a letter", [b"\6" + told[0][1:], *told[1:]], end, None),
    ]
    return [
        {
            "kind": "trail",
            "expect": expect,
            "what": what,
            "contents": [content.hex() for content in contents],
            "end": plain(end),
            "events": events,
        }
        for expect, what, contents, end, events in cases
    ]


def changed(content):
    """Return an entry of the trail with other words at its end."""
    return content.replace(b"a day", b"a wee")


def slot(commit, key=KEY, store=STORE):
    return sealed(key, b"healthslm/mark/1" + store, commit.to_bytes(8, "big"))


def mark_vectors():
    other, torn = bytes_of("another", 32), flipped(slot(9), 70)
    cases = [
        ("success", "the odd one newer", [slot(8), slot(9)], 9),
        ("success", "the even one newer", [slot(10), slot(9)], 10),
        ("success", "a new store", [slot(1), slot(1)], 1),
        ("success", "a big number", [slot(2**40), slot(2**40 - 1)], 2**40),
        ("success", "one torn", [slot(8), torn], 8),
        ("success", "one empty", [bytes(84), slot(7)], 7),
        ("success", "one under the key to come", [slot(9, other), slot(9)], 9),
        ("lost", "both torn", [torn, bytes(84)], None),
        ("lost", "under another key", [slot(8, other), slot(9, other)], None),
        ("lost", "of another store", [slot(8, KEY, OTHER), slot(9, KEY, OTHER)], None),
    ]
    return [
        {
            "kind": "mark",
            "expect": expect,
            "what": what,
            "store": STORE.hex(),
            "key": KEY.hex(),
            "slots": [each.hex() for each in slots],
            "commit": commit,
        }
        for expect, what, slots, commit in cases
    ]
