"""What the fuzzer begins with: whole examples of everything that is read, and words of forms."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from functools import cache

import msgspec

from healthslm import ledger
from healthslm.records import Beat, Derived, Finding, Frame, Gap, Summary, Vital
from healthslm.vault import codec, index, keys, mark, readers, seal

KEY, STORE, LABEL = bytes(range(32)), bytes(range(16)), b"healthslm/row/1"
PASSPHRASE = "of the fuzzer"  # noqa: S105 - protects nothing
T0_S = 1.7e9
FRAME = Frame("chest", "ecg", 3, 7, 8750, T0_S, 250.0, "mV", 0.005, 0.0, b"\n\0\x0b\0", 6)
TOPIC = "healthslm/1/me/chest/ecg/frame"
RECORDS: tuple[Derived, ...] = (
    Beat("beat", "chest/ecg", T0_S, 0.8, True, "N", 0.09),
    Vital("spo2", "band/spo2", T0_S, 97.0),
    Finding("pause", "chest/ecg", T0_S, T0_S + 4, "red", (("longest_s", 3.5),), True),
    Gap("chest/ecg", T0_S, T0_S + 4, 750),
    Summary(T0_S, T0_S + 9, "en", "All is well.", "template"),
)

# Words of the formats: limits of numbers, and what opens something that never closes.
PACKED = tuple(bytes.fromhex(x) for x in ("90", "91", "9f", "c0", "c3", "c4ff", "cb", "d6ff"))
PACKED += (b"\xcf" + b"\xff" * 8, b"\xdd\xff\xff\xff\xff", b"\xa1\xff", b"\xd0")
WORDS = (b"{", b"}", b"[", b"]", b'"', b":", b",", b"=", b".", b"\\u0000", b"null", b"true", b"-1")
WORDS += (b"0", b"1e999", b"NaN", b"9" * 19)
LINES = (b"\n", b" ", b"/", b":", b"9", b"-", b"+", b"nan", b"inf", b"1e999", b"x", b"\xff", b"\0")
BINARY = tuple(bytes.fromhex(x) for x in ("00", "ff", "7f", "80", "0000", "ffff", "ff7f", "0080"))


def frames() -> list[bytes]:
    """Return contents of frames: three lanes, and one."""
    wave = struct.pack("<250h", *(i % 50 for i in range(250)))
    later, slow = replace(FRAME, seq=8, samples=wave), replace(FRAME, stream="spo2", unit="%")
    return [codec.encode_frames([FRAME, later, slow]), codec.encode_frames([later])]


def lanes() -> list[bytes]:
    """Return the heads of one lane, of ten samples in two frames."""
    pair = [replace(FRAME, seq=8 + i, samples=bytes(10)) for i in range(2)]
    return [codec.inflate(msgspec.msgpack.decode(codec.encode_frames(pair))[0])]


def rows() -> list[bytes]:
    """Return the opened rows of a content of one row, and of two."""
    return [b"".join(seal.split(bytes(n), 7, quantum)) for n, quantum in ((10, 1), (1500, 2))]


def seals() -> list[bytes]:
    """Return seals under `KEY` for `LABEL`."""
    return [seal.seal(KEY, LABEL, plain) for plain in (b"", b"hello", bytes(900))]


@cache
def device() -> keys.Device:
    """Return a device of known keys."""
    return keys.Device(STORE, KEY)


@cache
def owner() -> readers.Reader:
    """Return a reader of known keys."""
    return readers.Reader(bytes(64) + KEY)


def data_key() -> keys.DataKey:
    """Return a data key of known bytes."""
    return keys.DataKey(5, keys.Class.RAW, 0, KEY)


def identity() -> list[bytes]:
    """Return the owner under `PASSPHRASE`."""
    profile = readers.PROFILES["cheapest"]
    return [readers.seal_identity(device(), owner(), PASSPHRASE, profile)]


def mark_file() -> list[bytes]:
    """Return a mark of two equal slots."""
    slot = seal.seal(KEY, b"healthslm/mark/1" + STORE, (9).to_bytes(8, "big"))
    return [slot.ljust(mark.SLOT_BYTES, b"\0") * 2]


def head() -> list[bytes]:
    """Return the head of a store, packed."""
    return [msgspec.msgpack.encode(index.Head(pipeline=b"state", counts={"beat": 3}))]


def state() -> list[bytes]:
    """Return the daemon's state."""
    return [ledger.write(ledger.State(b"intake", b"pipeline", {"taken": 3}, T0_S, 0.0))]


TRACK = {
    "device": "chest", "stream": "ecg", "boot": 1, "start": 0, "epoch_s": T0_S, "fs": 250.0,
    "unit": "mV", "gain": 0.005, "offset": 0.0, "file": "a.i16", "count": 50,
}  # fmt: skip
RECORDING = json.dumps(
    {
        "format": "healthslm-recording/1",
        "name": "r",
        "tracks": [TRACK],
        "events": [{"kind": "pause", "t0_s": T0_S, "t1_s": T0_S + 4, "level": 3.5}],
        "beats": {"chest/ecg": {"steps": [10, 20], "symbols": "NV", "aux": {"1": "(AFIB"}}},
    }
).encode()
EXPECTED = b'[{"kind": "pause", "t0_s": 1.0, "t1_s": 2.0, "tolerance_s": 5}]'
HEADER = (
    b"r 2 250 20 10:00:00 01/02/2026\n"
    b"r.dat 212 200(0)/mV 12 0 0 0 0 MLII\n"
    b"r.dat 212 1/NU 12 0 0 0 0 PLETH\n"
)
PACKED_HEADER = HEADER.replace(b"r.dat 212", b"r.dat 16x2:1+2")
MARKS = bytes.fromhex("0a04 1404 00ec 0100 0000 06fc 2841464942 00 0000".replace(" ", ""))
TABLE = b"time_s,ecg,spo2\n" + b"".join(b"%.3f,%.3f,97\n" % (i / 50, i % 7 / 9) for i in range(40))
MANIFEST = json.dumps(
    {"form": 1, "name": "m", "files": {"model.onnx": "00", "tokenizer.json": "11"}, "parameters": 3}
).encode()
VOCABULARY = b'{"form": "words/1", "tokens": ["<pad>", "<end>", "pulse"]}'
REQUEST = json.dumps(
    {
        "model": "/nowhere",
        "jobs": [
            {
                "prompt": ["<en>"], "seed": None, "end": "<end>",
                "items": [{"group": 1, "required": True, "clauses": [["a", "b"]], "openings": [],
                           "links": [], "after": [[]]}],
            },
            {"prompt": "x", "seed": 3, "slots_allowed": ["<a.b>"], "slots_required": []},
        ],
    }
).encode()  # fmt: skip
