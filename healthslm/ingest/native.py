"""The native frame: topic and payload bytes to `Frame`, and back. See docs/wire-format.md.

Whatever the bytes are, `decode` returns a frame or raises `BadMessage`, never another error.
"""

from __future__ import annotations

import json
import math
import re
import struct
from typing import Literal

import cbor2
import msgspec

from healthslm.errors import BadMessage
from healthslm.ingest.units import UNITS
from healthslm.records import MAX_SPAN_S, Frame

MAX_PAYLOAD = 65_536  # bytes
MAX_FS_HZ = 2000.0  # the fastest clinical ECG is sampled at 1000 to 2000 Hz
MAX_INT = 2**53  # exact in every JSON reader
MAX_T_S = 1e11
MAX_SCALE = 1e12  # keeps every physical value finite
FAST_SPAN_S = 5.0
SLOW_FS_HZ = 1.0  # up to here a frame may span MAX_SPAN_S

_TOPIC = re.compile(r"healthslm/1/([^/]+)/([^/]+)/([^/]+)/frame")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class _Header(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    b: int
    s: int
    i: int
    t: float
    fs: float
    u: str
    g: float
    o: float = 0.0
    k: int | None = None


class _Binary(_Header):
    x: bytes


class _Text(_Header):
    x: list[int]


_JSON = msgspec.json.Decoder(_Text)


def topic(person: str, device: str, stream: str, leaf: str = "frame") -> str:
    """Return the topic of a stream's frames, or of its "meta" or "ack".

    >>> topic("ada", "chest", "ecg", "ack")
    'healthslm/1/ada/chest/ecg/ack'
    """
    return f"healthslm/1/{person}/{device}/{stream}/{leaf}"


def named(name: str) -> bool:
    """Tell whether `name` may stand in a topic as a person, device or stream."""
    return _NAME.fullmatch(name) is not None


def decode(where: str, payload: bytes) -> tuple[str, Frame]:
    """Return the person and the frame that came in on topic `where`.

    Raises
    ------
    BadMessage
        It breaks the wire format; the sender must mend it. Reasons: "topic", "kind",
        "oversized", "malformed", "unit", "range", "too long".
    """
    found = _TOPIC.fullmatch(where)
    if found is None or not all(map(named, found.groups())):
        raise BadMessage("topic")
    if len(payload) > MAX_PAYLOAD:
        raise BadMessage("oversized")
    person, device, stream = found.groups()
    head, samples = _fields(payload)
    frame = Frame(
        device, stream, head.b, head.s, head.i, head.t, head.fs, head.u, head.g, head.o,
        samples, head.k,
    )  # fmt: skip
    _check(frame)
    return person, frame


def encode(frame: Frame, form: Literal["cbor", "json"] = "cbor") -> bytes:
    """Return the payload that `decode` reads as `frame`."""
    fields: dict[str, object] = {
        "b": frame.boot,
        "s": frame.seq,
        "i": frame.start,
        "t": frame.t_s,
        "fs": frame.fs,
        "u": frame.unit,
        "g": frame.gain,
        "o": frame.offset,
    }
    if frame.kept is not None:
        fields["k"] = frame.kept
    data = _packed(frame.samples)
    if form == "cbor":
        return cbor2.dumps({**fields, "x": data})
    fields["x"] = struct.unpack(f"<{len(data) // 2}h", data)
    return json.dumps(fields, separators=(",", ":")).encode()


def _fields(payload: bytes) -> tuple[_Header, bytes]:
    """Return what the payload holds, types checked, samples as little-endian int16."""
    try:
        if payload[:1] == b"{":
            text = _JSON.decode(payload)
            return text, _packed(tuple(text.x))
        binary = msgspec.convert(_cbor(payload), _Binary)
    except (msgspec.MsgspecError, cbor2.CBORDecodeError, UnicodeError, OverflowError):
        raise BadMessage("malformed") from None  # theirs quote the payload
    except struct.error:  # beyond 16 bits
        raise BadMessage("range") from None
    if len(binary.x) % 2:
        raise BadMessage("malformed")
    return binary, binary.x


def _cbor(payload: bytes) -> dict[str, object]:
    """Return the map of numbers, strings and bytes that `payload` is, and nothing but is."""
    fields = _load(payload)
    if not isinstance(fields, dict) or not isinstance(fields.get("x"), bytes):
        raise BadMessage("malformed")  # msgspec would read text as base64
    try:
        _load(payload[:-1])
    except cbor2.CBORDecodeEOF:  # the last byte is needed: nothing stands after the map
        return fields
    raise BadMessage("malformed")


def _load(payload: bytes) -> object:
    return cbor2.loads(
        payload,
        max_depth=1,
        allow_indefinite=False,
        allow_duplicate_keys=False,
        strict_hashable_types=True,
    )


def _packed(samples: tuple[int, ...] | bytes) -> bytes:
    return samples if isinstance(samples, bytes) else struct.pack(f"<{len(samples)}h", *samples)


def _check(frame: Frame) -> None:
    """Raise BadMessage where a number is out of bounds or a word unknown."""
    if frame.kind not in UNITS:
        raise BadMessage("kind")
    if frame.unit not in UNITS[frame.kind]:
        raise BadMessage("unit")
    whole = (frame.boot, frame.seq, frame.start)
    scale = (frame.gain, frame.offset)
    if not (
        all(0 <= n <= MAX_INT for n in whole)
        and 0 <= frame.t_s <= MAX_T_S
        and 0 < frame.fs <= MAX_FS_HZ
        and all(math.isfinite(v) and abs(v) <= MAX_SCALE for v in scale)
        and frame.gain != 0
        and (frame.kept is None or 0 <= frame.kept <= frame.seq)
        and frame.count >= 1
    ):
        raise BadMessage("range")
    most_s = MAX_SPAN_S if frame.fs <= SLOW_FS_HZ else FAST_SPAN_S
    if frame.count > most_s * frame.fs * (1 + 1e-9):  # 120 s at 1/60 Hz is 2.0000000001 samples
        raise BadMessage("too long")
