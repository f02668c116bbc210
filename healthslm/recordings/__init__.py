"""Recordings: what a sensor once sent, or a simulator made, read back from disk.

Formats: a folder of ours (`folder`), a WFDB record (`wfdb`), a CSV table (`csv`).
Files are taken as hostile: every size is bounded, and whatever is wrong with one
ends in `RecordingError`.
"""

from __future__ import annotations

from pathlib import Path

from healthslm.errors import RecordingError
from healthslm.recordings.tracks import Event, Marks, Recording, Track, checked, frames

__all__ = ["Event", "Marks", "Recording", "Track", "frames", "load"]


def load(path: str | Path, channel: str | int | None = None) -> Recording:
    """Read the recording at `path`, whatever its form.

    Parameters
    ----------
    path
        A folder of ours, a WFDB header (``.hea``, or the record's path without it), or a
        CSV table (``.csv``, ``.csv.xz``).
    channel
        ECG lead to take where a record holds several: its name or its number. By
        default the lead named MLII, else the first.

    Raises
    ------
    RecordingError
        There is no such recording, its form is unknown, or it is damaged.
    """
    path = Path(path)
    try:
        return checked(_load(path, channel))
    except OSError as error:
        at = Path(str(error.filename or path)).name
        raise RecordingError(f"cannot read {at}: {error.strerror}") from error


def _load(path: Path, channel: str | int | None) -> Recording:
    """Find the recording's form and read it."""
    if (path / "recording.json").is_file():
        from healthslm.recordings import folder

        return folder.load(path)
    if path.name.endswith((".csv", ".csv.xz")):
        from healthslm.recordings import csv

        return csv.load(path, channel)
    header = path if path.suffix == ".hea" else Path(f"{path}.hea")
    if header.is_file():
        from healthslm.recordings import wfdb

        return wfdb.load(header, channel)
    raise RecordingError(
        f"no recording at {path.name or path}: want a folder with recording.json, a WFDB .hea, "
        "a .csv or a .csv.xz"
    )
