"""Files that are on disk when a call returns, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_new(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file that must not be there yet; raises FileExistsError where it is."""
    _write(path, data, os.O_EXCL, mode)


def replace(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file under another name, and give it its own when it is whole."""
    new = path.with_name(f"{path.name}.new")
    _write(new, data, os.O_TRUNC, mode)
    new.replace(path)


def sync(path: Path) -> None:
    """Make what was written to a file or a folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, data: bytes, how: int, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | how, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
