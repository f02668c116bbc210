"""CSV tables: a time column in seconds, and a column for each signal; plain or `.xz`.

Two layouts are understood: the signal and numeric tables of BIDMC
(doi:10.1109/TBME.2016.2613124: "Time [s], RESP, PLETH, V, AVR, II"), and a plain one, with a
column ``time_s`` and columns named for what they hold: ``ecg`` in mV, ``ppg``, ``respiration``,
``heart_rate`` and ``respiratory_rate`` in 1/min, ``spo2`` in %, ``temperature`` in °C,
``activity`` in g. An empty field is a missing sample, a missing row a hole.
"""

from __future__ import annotations

import csv
import io
import lzma
from pathlib import Path

import numpy as np

from healthslm.errors import RecordingError
from healthslm.ingest.native import MAX_SCALE
from healthslm.recordings.tracks import FloatArray, Recording, Track, quantised

MAX_BYTES = 64 * 1024 * 1024  # of text; eight minutes of BIDMC are 3 MB
MAX_COLUMNS = 64
DATED_S = 1e9  # times from here on (2001) are UTC, smaller ones count from the start

_TIME = ("time [s]", "time_s", "time")
# In order of choice.
_LEADS = (
    "ecg",
    "ii",
    "mlii",
    "i",
    "iii",
    "v",
    *(f"v{n}" for n in range(1, 7)),
    "avr",
    "avl",
    "avf",
)
_KINDS = {"pleth": "ppg", "resp": "respiration", "hr": "heart_rate"}
_UNITS = {
    "ecg": "mV",
    "ppg": "1",
    "respiration": "1",
    "heart_rate": "/min",
    "respiratory_rate": "/min",
    "spo2": "%",
    "temperature": "Cel",
    "activity": "g",
}


def load(path: Path, channel: str | int | None = None) -> Recording:
    """Read the table at `path`; its streams become "csv/ecg", "csv/ppg" and so on.

    Of several ECG leads one is taken: the column named `channel`, else by custom (II first).
    Values of more than three decimals are rounded to 1/65,000 of the column's range.

    Raises
    ------
    RecordingError
        There is no time column, a field is not a number, or the times are not even.
    OSError
        The file is not there or cannot be read.
    """
    header, table = _read(path)
    times = table[:, header.index(next(name for name in _TIME if name in header))]
    fs, starts = _spacing(times)
    dated = bool(times[0] >= DATED_S)
    epoch_s = float(times[0]) if dated else 0.0
    tracks = []
    for stream, column in _streams(header, fs, channel).items():
        values = table[:, column]
        if np.isnan(values).all():
            continue
        gain, offset = _scale(values)
        for (first, start), (end, _) in zip(starts, [*starts[1:], (len(times), 0)], strict=True):
            samples = quantised(values[first:end], gain, offset)
            unit = _UNITS[stream]
            tracks.append(Track("csv", stream, 0, start, epoch_s, fs, unit, gain, offset, samples))
    if not tracks:
        raise RecordingError(f"{path.name}: no column of a kind we know: {', '.join(_UNITS)}")
    return Recording(path.name.partition(".")[0], tuple(tracks), dated=dated)


def _read(path: Path) -> tuple[list[str], FloatArray]:
    """Return column names in lower case, and the values, shape (rows, columns)."""
    try:
        with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise RecordingError(f"{path.name}: not an xz file, or cut short") from error
    if len(data) > MAX_BYTES:
        raise RecordingError(f"{path.name}: the table is too long")
    try:
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        header = [name.strip().lower() for name in next(rows, [])]
        body = [[float(x) if x.strip() else np.nan for x in row] for row in rows if row]
    except (ValueError, csv.Error) as error:
        raise RecordingError(f"{path.name}: a field is not a number") from error
    if not set(_TIME) & set(header) or not 1 < len(header) <= MAX_COLUMNS:
        raise RecordingError(f"{path.name}: want a column time_s and one for each signal")
    if len(body) < 2 or any(len(row) != len(header) for row in body):
        raise RecordingError(f"{path.name}: too few rows, or a row of another length")
    table = np.array(body, np.float64)
    table[np.abs(table) > MAX_SCALE] = np.nan  # no signal is so large
    return header, table


def _spacing(times: FloatArray) -> tuple[float, list[tuple[int, int]]]:
    """Return fs, and (row, sample index) at which each run without a hole begins."""
    steps = np.diff(times)
    usual = float(np.median(steps))
    if not np.isfinite(times).all() or not 1e-5 < usual < 3600 or (steps < 0).any():
        raise RecordingError("the times of a table must rise in even steps")
    close = steps < 1.5 * usual  # printed times are rounded: a step may look like 0
    mean = float(steps[close].mean())
    if not mean > 1e-5:  # a time that stands twice, and nothing else near it
        raise RecordingError("the times of a table must rise in even steps")
    fs = _neat(1 / mean)
    rows = [0, *(np.flatnonzero(~close) + 1).tolist()]
    runs = [(row, round(float(times[row] - times[0]) * fs)) for row in rows]
    for (row, start), end in zip(runs, [*rows[1:], len(times)], strict=True):
        due = times[0] + (start + np.arange(end - row)) / fs
        if np.abs(times[row:end] - due).max() * fs > 1:
            raise RecordingError("the times of a table must rise in even steps")
    return fs, runs


def _neat(fs: float) -> float:
    """Return the whole number of Hz, or of seconds, that a rate rounded in print means."""
    for neat in (float(round(fs)), 1 / max(round(1 / fs), 1)):
        if abs(fs - neat) < 1e-3 * fs:
            return neat
    return fs


def _streams(header: list[str], fs: float, channel: str | int | None) -> dict[str, int]:
    """Return the column of each stream."""
    leads = {name: header.index(name) for name in _LEADS if name in header}
    streams = {}
    if channel is not None and str(channel).lower() not in leads:
        raise RecordingError("no such ECG column; the table has: " + ", ".join(leads))
    if leads:
        lead = str(channel).lower() if channel is not None else next(iter(leads))
        streams["ecg"] = leads[lead]
    for column, name in enumerate(header):
        kind = _KINDS.get(name, name)
        if kind == "respiration" and fs <= 1:  # too slow for a waveform: it is the rate
            kind = "respiratory_rate"
        if kind in _UNITS and kind != "ecg":
            streams.setdefault(kind, column)
    return streams


def _scale(values: FloatArray) -> tuple[float, float]:
    """Return gain and offset: exact for values of few decimals, else 1/65,000 of the range."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    for gain in (1.0, 0.1, 0.01, 0.001):
        counts = values / gain
        if max(-low, high) < 32_000 * gain and np.nanmax(np.abs(counts - np.rint(counts))) < 1e-6:
            return gain, 0.0
    gain = (high - low) / 65_000
    return (gain, (low + high) / 2) if gain > 0 and np.isfinite(gain) else (1.0, low)
