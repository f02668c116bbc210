"""What was planted in a day, in every form a program might write it in, and the search for it.

Each pattern is eight bytes or longer and has at least five different ones, so that none turns up
by chance: among a billion places, a pattern of eight random bytes is expected 5e-11 times.
"""

from __future__ import annotations

import base64
import gzip
import json
import mmap
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from healthslm.records import Beat, Derived, Finding, Frame, Summary, Vital

Patterns = Mapping[str, set[bytes]]

RUN = 8  # samples of a planted run
LEAST = 8  # bytes of a pattern
VARIED = 5  # different bytes in it
BLOCK = 1 << 22  # bytes looked at in one piece
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads what is similar
_BITS = 22  # of the table that lets most places pass at once


def patterns(
    words: Iterable[str], frames: Iterable[Frame], derived: Iterable[Derived]
) -> dict[str, set[bytes]]:
    """Return what must not be found, by what it would betray.

    `words` are names, topics, questions, a passphrase. "deflated" stands for the samples of a
    whole frame as zlib writes them at each of its usual levels.
    """
    found: dict[str, set[bytes]] = {
        kind: set() for kind in ("name", "sample", "deflated", "value", "time", "text")
    }
    found["name"] |= {form for word in words for form in text_forms(word)}
    for frame in frames:
        found["sample"] |= set(sample_forms(frame))
        found["deflated"] |= set(deflated_forms(frame))
        found["time"] |= set(time_forms(frame.t_s))
    for record in derived:
        if isinstance(record, Beat | Vital):
            found["time"] |= set(time_forms(record.t_s))
        if isinstance(record, Vital):
            found["value"] |= set(number_forms(record.value))
        if isinstance(record, Finding):
            found["name"] |= set(text_forms(record.kind))
            found["time"] |= set(time_forms(record.t0_s))
        if isinstance(record, Summary):
            parts = [p for p in record.text.split(". ") if len(p) >= LEAST]
            found["text"] |= {form for part in parts for form in text_forms(part)}
    return {kind: {p for p in forms if telling(p)} for kind, forms in found.items()}


def telling(pattern: bytes) -> bool:
    """Return whether a pattern is long and varied enough to be no chance."""
    return len(pattern) >= LEAST and len(set(pattern)) >= VARIED


def text_forms(text: str) -> list[bytes]:
    """Return a text plain, in UTF-16, as hexadecimal digits, and inside base64."""
    plain = text.encode()
    wide = [text.encode("utf-16-le"), text.encode("utf-16-be")]
    return [plain, *wide, *_digits(plain), *base64_forms(plain)]


def base64_forms(data: bytes) -> list[bytes]:
    """Return the digits of base64 that are sure, at each place of `data` in a longer text."""
    forms = []
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + data)
        forms.append(encoded[(0, 2, 3)[lead] : (lead + len(data)) * 8 // 6])
    return forms


def sample_forms(frame: Frame) -> Iterator[bytes]:
    """Yield the first varied run of a frame's samples, as raw numbers and as values in its unit."""
    raw = np.array(samples(frame), "<i2")
    starts = range(0, len(raw) - RUN + 1, RUN)
    start = next((s for s in starts if len(set(raw[s : s + RUN].tolist())) >= VARIED), None)
    if start is None:  # a flat run is no evidence
        return
    run = raw[start : start + RUN]
    for kind in ("<i2", ">i2", "<i4", ">i4", "<f4", ">f4", "<f8", ">f8"):
        data = run.astype(kind).tobytes()
        yield data
        if kind == "<i2":
            yield from base64_forms(data)
            yield from _digits(data)
    values = run * frame.gain + frame.offset
    for kind in ("<f4", ">f4", "<f8", ">f8"):
        yield values.astype(kind).tobytes()
    for numbers in (run.tolist(), values.tolist()):
        yield from (mark.join(map(str, numbers)).encode() for mark in (",", ", ", " ", "\n", "; "))
    yield ", ".join(f"{v:.2f}" for v in values.tolist()).encode()


def deflated_forms(frame: Frame) -> Iterator[bytes]:
    """Yield the beginning of the stream of deflate, without the two bytes of its header."""
    data = struct.pack(f"<{frame.count}h", *samples(frame))
    if frame.count >= 2 * RUN:
        for level in (1, 6, 9):
            yield zlib.compress(data, level)[2:26]


def number_forms(value: float) -> Iterator[bytes]:
    """Yield a value as the eight bytes of a float and as all its digits; 62.0 is too plain."""
    if value % 1:
        yield from (struct.pack("<d", value), struct.pack(">d", value))
        yield str(value).encode()


def time_forms(t_s: float) -> Iterator[bytes]:
    """Yield a time as a float, in milliseconds and microseconds, as digits, and as ISO 8601."""
    yield from (struct.pack("<d", t_s), struct.pack(">d", t_s))
    for scale in (1e3, 1e6):
        yield from (struct.pack("<q", round(t_s * scale)), struct.pack(">q", round(t_s * scale)))
    yield str(int(t_s)).encode()
    when = datetime.fromtimestamp(t_s, UTC)
    yield from (when.strftime(f"%Y-%m-%d{mark}%H:%M").encode() for mark in "T ")


def samples(frame: Frame) -> tuple[int, ...]:
    """Return a frame's samples as numbers, whichever way it holds them."""
    if isinstance(frame.samples, bytes):
        return struct.unpack(f"<{frame.count}h", frame.samples)
    return tuple(frame.samples)


def careless(frames: Iterable[Frame], derived: Iterable[Derived]) -> Iterator[bytes]:
    """Yield the day as careless programs would keep it: rows of JSON, raw bytes, packed, a log."""
    for frame in frames:
        raw = samples(frame)
        data = struct.pack(f"<{len(raw)}h", *raw)
        row = {"t": frame.t_s, "name": frame.name, "x": list(raw)}
        yield from (json.dumps(row).encode(), data, base64.b64encode(data), gzip.compress(data))
    for record in derived:
        yield repr(record).encode()
        if isinstance(record, Vital):
            yield struct.pack("<dd", record.t_s, record.value)


def search(path: Path, wanted: Patterns) -> dict[str, int]:
    """Return how many of the patterns, by kind, stand anywhere in the file at `path`."""
    if not path.stat().st_size:
        return dict.fromkeys(wanted, 0)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        there = present(content, {p for forms in wanted.values() for p in forms})
    return {kind: len(forms & there) for kind, forms in wanted.items()}


def present(content: bytes | mmap.mmap, wanted: set[bytes]) -> set[bytes]:
    """Return those patterns that stand in `content`, however many there are to look for.

    Every eight bytes, at every place, are looked up in a table of the patterns' keys: the most
    varied eight bytes of each, because zeros stand everywhere.
    """
    by_key: dict[int, list[tuple[bytes, int]]] = {}
    for pattern in wanted:
        at = _key_at(pattern)
        key = int.from_bytes(pattern[at : at + LEAST], "little")
        by_key.setdefault(key, []).append((pattern, at))
    keys = np.array(sorted(by_key), "<u8")
    table = np.zeros(1 << _BITS, bool)
    table[_slot(keys)] = True
    found: set[bytes] = set()
    for begin in range(0, len(content), BLOCK):
        piece = content[begin : begin + BLOCK + LEAST - 1]
        if not np.frombuffer(piece, np.uint8).any():  # a hole of a sparse image
            continue
        for shift in range(min(LEAST, len(piece))):
            windows = np.frombuffer(piece, "<u8", (len(piece) - shift) // LEAST, shift)
            maybe = np.flatnonzero(table[_slot(windows)])
            for place in maybe[np.isin(windows[maybe], keys)].tolist():
                for pattern, at in by_key[int(windows[place])]:
                    start = begin + shift + LEAST * place - at
                    if start >= 0 and content[start : start + len(pattern)] == pattern:
                        found.add(pattern)
    return found


def _key_at(pattern: bytes) -> int:
    """Return where the most varied eight bytes of a pattern begin."""
    if len(pattern) < LEAST:
        raise ValueError("a pattern is too short to be looked for")
    places = range(min(len(pattern) - LEAST, 64) + 1)
    return max(places, key=lambda i: len(set(pattern[i : i + LEAST])))


def _slot(windows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (windows * _MIX) >> np.uint64(64 - _BITS)


def _digits(data: bytes) -> tuple[bytes, bytes]:
    return data.hex().encode(), data.hex().upper().encode()
