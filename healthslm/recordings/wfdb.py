"""WFDB records: the header, and signals in formats 16 and 212.

Written from the format's description: header(5) and signal(5) of the WFDB
Applications Guide, https://physionet.org/physiotools/wag/.

Where we differ: no multi-segment records, no EDF, no other signal format; a signal whose
unit or name says nothing we know is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from healthslm.errors import RecordingError
from healthslm.recordings.atr import BEATS, read_marks
from healthslm.recordings.tracks import Int16Array, Marks, Recording, Track
from healthslm.records import MISSING

MAX_HEADER = 64 * 1024  # bytes; a 12-lead header with comments is 2 KiB
MAX_SIGNALS = 64
MAX_DATA = 512 * 1024 * 1024  # bytes; a 25-hour two-lead Holter is 67 MB

_GAIN = re.compile(r"([-+0-9.eE]+)(?:\((-?\d+)\))?(?:/(\S+))?$")
_FORMAT = re.compile(r"(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?$")
_TO_MILLIVOLT = {"mv": 1.0, "uv": 1e-3, "v": 1e3, "": 1.0}


@dataclass(frozen=True, slots=True)
class _Signal:
    file: str
    format: int
    per_frame: int  # samples in each frame
    skew: int  # frames by which the signal's samples are stored late
    skip: int  # bytes before the first sample
    gain: float  # ADC units per physical unit
    baseline: int  # ADC units at physical zero
    unit: str
    name: str


@dataclass(frozen=True, slots=True)
class _Header:
    fs: float  # frames per second
    count: int | None  # frames
    epoch_s: float | None
    signals: tuple[_Signal, ...]


def load(path: Path, channel: str | int | None = None) -> Recording:
    """Read the WFDB record whose header is `path`, with its `.atr` if there is one.

    One ECG lead is taken (`channel`: its name or its number among the record's signals; by
    default MLII, else the first); it becomes "wfdb/ecg". Pleth and respiration signals come along.
    A record without a date starts at UTC second 0 and is not `dated`.

    Raises
    ------
    RecordingError
        Header, signal or annotation file is damaged or of an unsupported form.
    OSError
        A file is not there or cannot be read.
    """
    header = _read_header(path)
    chosen = _choose(header.signals, channel)
    if not chosen:
        raise RecordingError(f"{path.name}: no signal of a kind we know")
    tracks, ecg_per_frame = [], 1
    for stream, index in chosen.items():
        signal = header.signals[index]
        samples = _samples(path, header, index)
        scale = _TO_MILLIVOLT[signal.unit.lower()] if stream == "ecg" else 1.0
        gain = scale / signal.gain
        unit = "mV" if stream == "ecg" else "1"
        fs = header.fs * signal.per_frame
        epoch_s = header.epoch_s or 0.0
        offset = -signal.baseline * gain
        tracks.append(Track("wfdb", stream, 0, 0, epoch_s, fs, unit, gain, offset, samples))
        if stream == "ecg":
            ecg_per_frame = signal.per_frame
    notes = {}
    if "ecg" in chosen and path.with_suffix(".atr").is_file():
        marks = read_marks(path.with_suffix(".atr"), header.fs)
        notes["wfdb/ecg"] = Marks(marks.samples * ecg_per_frame, marks.symbols, marks.aux)
    beats = {lane: marks.only(BEATS) for lane, marks in notes.items()}
    return Recording(
        path.stem, tuple(tracks), beats=beats, notes=notes, dated=header.epoch_s is not None
    )


def _choose(signals: tuple[_Signal, ...], channel: str | int | None) -> dict[str, int]:
    """Return the number of the signal to take for each stream."""
    kinds = [_kind(signal) for signal in signals]
    chosen: dict[str, int] = {}
    for index, kind in enumerate(kinds):
        if kind and (kind not in chosen or (kind == "ecg" and signals[index].name == "MLII")):
            chosen[kind] = index
    if channel is not None:
        names = [signal.name for signal in signals]
        if isinstance(channel, str) and channel.isdecimal() and channel not in names:
            channel = int(channel)
        found = names.index(channel) if channel in names else channel
        if not isinstance(found, int) or not 0 <= found < len(signals) or kinds[found] != "ecg":
            raise RecordingError("no such ECG channel; the record's signals: " + " ".join(names))
        chosen["ecg"] = found
    return chosen


def _kind(signal: _Signal) -> str:
    name = signal.name.upper()
    if "PLETH" in name or "PPG" in name:
        return "ppg"
    if name.startswith("RESP"):
        return "respiration"
    if signal.unit.lower() in _TO_MILLIVOLT and name not in ("ABP", "ART", "CVP", "PAP", "BP"):
        return "ecg"
    return ""


def _read_header(path: Path) -> _Header:
    if path.stat().st_size > MAX_HEADER:
        raise RecordingError(f"{path.name}: the header is too long")
    text = path.read_bytes().decode("latin-1")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        return _parse_header(lines)
    except (ValueError, IndexError, OverflowError, ZeroDivisionError) as error:
        raise RecordingError(f"{path.name}: not a WFDB header we can read") from error


def _parse_header(lines: list[str]) -> _Header:
    fields = lines[0].split()
    if "/" in fields[0]:
        raise RecordingError("a record of several segments is not supported")
    count = int(fields[1])
    fs = float(fields[2].partition("/")[0].partition("(")[0]) if len(fields) > 2 else 250.0
    if not 0 < fs <= 100_000 or not 0 < count <= MAX_SIGNALS or len(lines) <= count:
        raise ValueError("sampling frequency, or number of signals")
    frames = int(fields[3]) if len(fields) > 3 else 0
    if frames < 0:
        raise ValueError("number of samples")
    signals = tuple(_parse_signal(line) for line in lines[1 : count + 1])
    return _Header(fs, frames or None, _date(fields[4:6]), signals)


def _parse_signal(line: str) -> _Signal:
    fields = line.split(maxsplit=8)
    form = _FORMAT.match(fields[1])
    if not form or form[1] not in ("16", "212"):
        raise RecordingError("signal format not supported: only 16 and 212")
    match = _GAIN.match(fields[2]) if len(fields) > 2 else None
    gain = float(match[1]) if match else 0.0
    zero = int(fields[4]) if len(fields) > 4 else 0
    baseline = int(match[2]) if match and match[2] else zero
    per_frame, skew, skip = int(form[2] or 1), int(form[3] or 0), int(form[4] or 0)
    if not 0 < per_frame <= 1024 or not np.isfinite(gain) or abs(baseline) > 2**31:
        raise ValueError("samples per frame, gain or baseline")
    if not " ".join(line.split()).isprintable():  # names go to a terminal and to the file system
        raise ValueError("a byte that no name may hold")
    if not fields[0] or Path(fields[0]).name != fields[0] or fields[0] in ("-", "~"):
        raise ValueError("a signal file lies beside its header")
    unit = (match[3] or "") if match else ""
    # A gain of 0 means "not calibrated": header(5) says to take 200 per mV.
    return _Signal(
        fields[0],
        int(form[1]),
        per_frame,
        skew,
        skip,
        gain or 200.0,
        baseline,
        unit,
        fields[8].strip() if len(fields) > 8 else "",
    )


def _date(fields: list[str]) -> float | None:
    """Return UTC seconds of the base time and date; None where either is not there."""
    if len(fields) < 2:
        return None
    day, month, year = (int(part) for part in fields[1].split("/"))
    hour, minute, second = fields[0].split(":")
    return datetime(year, month, day, int(hour), int(minute), tzinfo=UTC).timestamp() + float(
        second
    )


def _samples(path: Path, header: _Header, index: int) -> Int16Array:
    """Return the raw samples of one signal, shape (frames * per_frame,)."""
    signal = header.signals[index]
    file = path.with_name(signal.file)
    if file.stat().st_size > MAX_DATA:
        raise RecordingError(f"{file.name}: the signal file is too long")
    data = file.read_bytes()[signal.skip :]
    raw = _unpack16(data) if signal.format == 16 else _unpack212(data)
    group = [i for i, other in enumerate(header.signals) if other.file == signal.file]
    if any(header.signals[i].format != signal.format for i in group):
        raise RecordingError(f"{file.name}: two formats in one file")
    width = sum(header.signals[i].per_frame for i in group)
    held = len(raw) // width
    if held < (header.count or 1):
        raise RecordingError(f"{file.name}: the signal file is cut short")
    first = sum(header.signals[i].per_frame for i in group if i < index)
    table = raw[: (header.count or held) * width].reshape(-1, width)
    late = min(signal.skew, len(table))
    samples = np.full((len(table), signal.per_frame), MISSING, np.int16)
    samples[: len(table) - late] = table[late:, first : first + signal.per_frame]
    return samples.reshape(-1)


def _unpack16(data: bytes) -> Int16Array:
    return np.frombuffer(data, "<i2", count=len(data) // 2).astype(np.int16)


def _unpack212(data: bytes) -> Int16Array:
    """Return the samples of format 212: two of 12 bits, two's complement, in three bytes."""
    triples = np.frombuffer(data, np.uint8, count=len(data) // 3 * 3).reshape(-1, 3)
    low, middle, high = triples.astype(np.int16).T
    samples = np.empty((len(triples), 2), np.int16)
    samples[:, 0] = low | (middle & 0x0F) << 8
    samples[:, 1] = high | (middle & 0xF0) << 4
    samples -= (samples & 0x800) << 1
    samples[samples == -2048] = MISSING
    flat = samples.reshape(-1)
    if len(data) % 3 == 2:  # an odd number of samples ends in two bytes
        last = (data[-2] | (data[-1] & 0x0F) << 8) ^ 0x800
        flat = np.append(flat, np.int16(last - 0x800))
    return flat
