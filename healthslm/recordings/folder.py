"""Our own form: a folder with `recording.json` and the samples of each track beside it.

    recording.json   names the tracks, labels what happened, lists reference beats
    *.i16            little-endian int16 samples, or ...
    *.i16z           ... the same as differences, low bytes before high bytes, deflated
    expected.json    findings that a replay must give (see `Expected`)
    SOURCE.md        where it comes from, for people

`recording.json` holds `"format": "healthslm-recording/1"`; unknown keys are refused.
"""

from __future__ import annotations

import errno
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from healthslm.errors import RecordingError
from healthslm.recordings.tracks import Event, Int16Array, Marks, Recording, Track

T = TypeVar("T")

FORMAT = "healthslm-recording/1"
MAX_JSON = 16 * 1024 * 1024  # bytes; the beats of a day are 1 MB
MAX_NAME = 100
MAX_SAMPLES = 2**27  # of one track: six days at 250 Hz

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}$")


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finding that must come: of this kind, touching this time."""

    kind: str
    t0_s: float
    t1_s: float
    tolerance_s: float


class _Track(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    device: str
    stream: str
    boot: int
    start: int
    epoch_s: float
    fs: float
    unit: str
    gain: float
    offset: float
    file: str
    count: int
    continuous: bool = True


class _Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    kind: str
    t0_s: float
    t1_s: float
    level: float | None = None


class _Marks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    steps: list[int]  # first sample index, then differences
    symbols: str
    aux: dict[str, str] = {}  # by position in `steps`


class _Recording(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    format: str
    name: str
    tracks: list[_Track]
    events: list[_Event] = []
    beats: dict[str, _Marks] = {}
    notes: dict[str, _Marks] = {}
    dated: bool = True


def load(path: Path) -> Recording:
    """Read the recording in the folder `path`.

    Raises
    ------
    RecordingError
        It breaks the form above, or a file of samples is of another length than stated.
    OSError
        A file is not there or cannot be read.
    """
    plain = _decode(path / "recording.json", _Recording)
    if plain.format != FORMAT or not plain.tracks:
        raise RecordingError(f"{path.name}: want format {FORMAT} and at least one track")
    if not plain.name.isprintable() or len(plain.name) > MAX_NAME:  # it goes to a terminal
        raise RecordingError(f"{path.name}: a name that cannot be shown")
    return Recording(
        plain.name,
        tuple(_load_track(path, track) for track in plain.tracks),
        tuple(Event(e.kind, e.t0_s, e.t1_s, e.level) for e in plain.events),
        {lane: _load_marks(marks) for lane, marks in plain.beats.items()},
        {lane: _load_marks(marks) for lane, marks in plain.notes.items()},
        plain.dated,
    )


def expected(path: Path) -> list[Expected]:
    """Return the findings that a replay of the folder must give.

    Raises
    ------
    RecordingError
        `expected.json` breaks the form.
    OSError
        It is not there or cannot be read.
    """
    return _decode(path / "expected.json", list[Expected])


def write(
    recording: Recording,
    path: Path,
    *,
    expect: Sequence[Expected] = (),
    source: str = "",
    packed: bool = True,
) -> None:
    """Write `recording` into the folder `path`, new or empty.

    Parameters
    ----------
    expect
        Findings that a replay must give.
    source
        Text of SOURCE.md.
    packed
        Deflate the samples.

    Raises
    ------
    FileExistsError
        There is something in `path` already.
    """
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise FileExistsError(errno.EEXIST, "the folder is not empty", str(path))
    tracks = []
    for n, t in enumerate(recording.tracks):
        file = f"{n:02d}-{t.device}-{t.stream}.i16{'z' if packed else ''}"
        data = t.samples.astype("<i2", copy=False)
        (path / file).write_bytes(_pack(data) if packed else data.tobytes())
        place = (t.device, t.stream, t.boot, t.start, t.epoch_s, t.fs, t.unit, t.gain, t.offset)
        tracks.append(_Track(*place, file, len(data), t.continuous))
    plain = _Recording(
        FORMAT,
        recording.name,
        tracks,
        [_Event(e.kind, e.t0_s, e.t1_s, e.level) for e in recording.events],
        {lane: _plain_marks(marks) for lane, marks in recording.beats.items()},
        {lane: _plain_marks(marks) for lane, marks in recording.notes.items()},
        recording.dated,
    )
    _encode(path / "recording.json", plain)
    _encode(path / "expected.json", list(expect))
    (path / "SOURCE.md").write_text(source or f"# {recording.name}\n", "utf-8")


def _decode(path: Path, kind: type[T]) -> T:
    if path.stat().st_size > MAX_JSON:
        raise RecordingError(f"{path.name} is too long")
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise RecordingError(f"{path.name} is not of the form {FORMAT}") from error


def _encode(path: Path, plain: object) -> None:
    data = msgspec.json.encode(plain)
    path.write_bytes(msgspec.json.format(data, indent=1 if len(data) < 4096 else 0) + b"\n")


def _load_track(path: Path, t: _Track) -> Track:
    """Return a track; what its numbers and names may be, `tracks.checked` says."""
    if not 0 < t.count <= MAX_SAMPLES or not _PLAIN_NAME.match(t.file):
        raise RecordingError(f"{path.name}: a track's count or file is out of bounds")
    file = path / t.file
    if file.stat().st_size > 2 * t.count + 1024:  # deflate may lengthen noise a little
        raise RecordingError(f"{t.file} is longer than its count says")
    data = file.read_bytes()
    samples = (
        _unpack(data, t.count)
        if file.suffix == ".i16z"
        else np.frombuffer(data[: len(data) // 2 * 2], "<i2")
    )
    if len(samples) != t.count:
        raise RecordingError(f"{t.file} is of another length than its count says")
    place = (t.device, t.stream, t.boot, t.start, t.epoch_s, t.fs, t.unit, t.gain, t.offset)
    return Track(*place, samples.astype(np.int16), t.continuous)


def _pack(samples: Int16Array) -> bytes:
    steps = np.diff(samples.view("<u2"), prepend=np.uint16(0))  # wraps around: exact
    return zlib.compress(steps.view(np.uint8).reshape(-1, 2).T.tobytes())


def _unpack(data: bytes, count: int) -> Int16Array:
    """Return the `count` samples that `_pack` wrote."""
    try:
        inflater = zlib.decompressobj()
        raw = inflater.decompress(data, 2 * count + 1)
    except zlib.error as error:
        raise RecordingError("samples do not inflate") from error
    if len(raw) != 2 * count or not inflater.eof:
        raise RecordingError("there are fewer or more samples than their count says")
    steps = np.frombuffer(raw, np.uint8).reshape(2, -1).T.copy().view("<u2")[:, 0]
    return np.cumsum(steps, dtype=np.uint16).view(np.int16)


def _plain_marks(marks: Marks) -> _Marks:
    steps = np.diff(marks.samples, prepend=0).tolist()
    aux = {str(i): text for i, text in enumerate(marks.aux) if text}
    return _Marks(steps, "".join(marks.symbols), aux)


def _load_marks(plain: _Marks) -> Marks:
    n = len(plain.steps)
    if len(plain.symbols) != n or any(abs(step) > 2**40 for step in plain.steps):
        raise RecordingError("beats: a symbol for each step, and steps within bounds")
    if any(not key.isdecimal() for key in plain.aux):
        raise RecordingError("beats: aux text stands under the position of its beat")
    aux = tuple(plain.aux.get(str(i), "") for i in range(n))
    return Marks(np.cumsum(plain.steps, dtype=np.int64), tuple(plain.symbols), aux)
