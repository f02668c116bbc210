"""What the demo can prove: nothing readable on disk, and no socket but the broker's."""

from __future__ import annotations

import base64
import sqlite3
import struct
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from healthslm.records import Derived, Finding, Frame, Summary, Vital

RUN = 16
"""Bytes of a planted run of samples: eight in a row do not turn up by chance."""


def needles(
    words: Iterable[str], frames: Iterable[Frame], derived: Iterable[Derived]
) -> dict[str, set[bytes]]:
    """Return what must not be found on disk, by what it would betray.

    `words` are names and topics. Values and times are looked for as the eight bytes of
    a float and as the digits a person would write; samples as runs of `RUN` bytes.
    """
    found: dict[str, set[bytes]] = {k: set() for k in ("name", "sample", "value", "time", "text")}
    found["name"] |= {form for word in words for form in _text_forms(word)}
    for frame in frames:
        data = _samples(frame)
        if len(set(data[:RUN])) > RUN // 4:  # a flat run is no evidence
            found["sample"].add(data[:RUN])
        found["time"] |= {struct.pack("<d", frame.t_s), struct.pack(">d", frame.t_s)}
    for record in derived:
        if isinstance(record, Vital) and record.value % 1:  # 62.0 is too plain a number
            found["value"] |= {struct.pack("<d", record.value), struct.pack(">d", record.value)}
        if isinstance(record, Finding):
            found["name"] |= set(_text_forms(record.kind))
            found["time"] |= {struct.pack("<d", record.t0_s), struct.pack(">d", record.t0_s)}
        if isinstance(record, Summary):
            parts = record.text.split(". ")
            found["text"] |= {form for part in parts if len(part) > 8 for form in _text_forms(part)}
    return found


def search(folder: Path, wanted: Mapping[str, set[bytes]]) -> dict[str, int]:
    """Return how many of the needles, by sort, stand in the files below `folder`."""
    contents = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        sort: len({needle for content in contents for needle in _present(content, patterns)})
        for sort, patterns in wanted.items()
    }


def _present(content: bytes, patterns: set[bytes]) -> set[bytes]:
    """Return those patterns that stand in `content`, however many there are to look for."""
    found = {p for p in patterns if len(p) < 8 and p in content}
    by_head: dict[int, list[bytes]] = {}
    for pattern in patterns:
        if len(pattern) >= 8:
            by_head.setdefault(int.from_bytes(pattern[:8], "little"), []).append(pattern)
    heads = np.array(sorted(by_head), "<u8")
    for shift in range(8):  # every eight bytes of the file, at every alignment
        windows = np.frombuffer(content, "<u8", max(0, len(content) - shift) // 8, shift)
        for at in np.flatnonzero(np.isin(windows, heads)).tolist():
            start = shift + 8 * at
            found |= {p for p in by_head[int(windows[at])] if content.startswith(p, start)}
    return found


def control(
    folder: Path, words: Iterable[str], frames: Iterable[Frame], derived: Iterable[Derived]
) -> None:
    """Write the same day into a plain database: what the search must be able to find."""
    frames, derived = list(frames), list(derived)
    with closing(sqlite3.connect(folder / "plain.db")) as db, db:
        db.execute("create table day (t real, kind text, body)")
        db.executemany("insert into day values (0, ?, '')", [(word,) for word in words])
        for frame in frames:
            db.execute("insert into day values (?, ?, ?)", (frame.t_s, frame.kind, _samples(frame)))
        for record in derived:
            if isinstance(record, Vital):
                db.execute("insert into day values (?, '', ?)", (record.t_s, record.value))
            if isinstance(record, Finding):
                db.execute("insert into day values (?, ?, '')", (record.t0_s, record.kind))
            if isinstance(record, Summary):
                db.execute("insert into day values (?, ?, ?)", (record.t0_s, "", record.text))


def sockets(pid: int) -> set[str]:
    """Return what a process and its children are connected to now: "tcp 127.0.0.1:1883".

    A process that has gone in the meantime has no sockets.
    """
    found: set[str] = set()
    for process in _family(pid):
        inodes = set()
        try:
            for fd in Path(f"/proc/{process}/fd").iterdir():
                target = fd.readlink().name
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
            for sort in ("tcp", "tcp6", "udp", "udp6", "raw", "unix"):
                found |= _connections(Path(f"/proc/{process}/net/{sort}"), sort, inodes)
        except OSError:  # it ended while we looked
            continue
    return found


def _connections(table: Path, sort: str, inodes: set[str]) -> set[str]:
    """Return the far ends of those connections of one kernel table that have these inodes."""
    ends = set()
    for line in table.read_text().splitlines()[1:]:
        columns = line.split()
        if sort == "unix":
            if columns[6] in inodes:
                ends.add("unix " + (columns[7] if len(columns) > 7 else "(pair)"))
        elif columns[9] in inodes:
            ends.add(f"{sort} {_address(columns[2])}")
    return ends


def _address(field: str) -> str:
    """Return "127.0.0.1:1883" for the kernel's "0100007F:075B"; other families as they stand."""
    host, port = field.split(":")
    if len(host) != 8:
        return f"{host}:{int(port, 16)}"
    return ".".join(str(b) for b in reversed(bytes.fromhex(host))) + f":{int(port, 16)}"


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        below = [int(c) for c in children.read_text().split()]
    except OSError:
        return []
    return [pid, *(p for child in below for p in _family(child))]


def _samples(frame: Frame) -> bytes:
    if isinstance(frame.samples, bytes):
        return frame.samples
    return struct.pack(f"<{len(frame.samples)}h", *frame.samples)


def _text_forms(text: str) -> list[bytes]:
    """Return a text as it would stand in a file: plain, UTF-16, and inside base64."""
    plain = text.encode()
    forms = [plain, text.encode("utf-16-le")]
    for lead in range(3):  # base64 shifts with what stands before
        encoded = base64.b64encode(b"\0" * lead + plain)
        certain = encoded[(0, 2, 3)[lead] : (lead + len(plain)) * 8 // 6]
        if len(certain) >= 12:
            forms.append(certain)
    return forms
