"""Trees of files: taken from a folder, and put into one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.disk import Tree

MEMORY = Path("/dev/shm")  # noqa: S108 - faster than a disk, where there is one


@contextmanager
def scratch() -> Iterator[Path]:
    """Give an empty folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


def put(tree: Tree, root: Path) -> Path:
    """Write a tree below `root`, which is made; return `root`."""
    root.mkdir(mode=0o700)
    for path in sorted(tree, key=lambda p: p.count("/")):
        content = tree[path]
        if content is None:
            (root / path).mkdir(mode=0o700)
        else:
            (root / path).write_bytes(content)
            (root / path).chmod(0o600)
    return root


def take(root: Path) -> Tree:
    """Return what lies below `root`, but SQLite's `-shm`, which it makes anew."""
    return {
        str(path.relative_to(root)): None if path.is_dir() else path.read_bytes()
        for path in sorted(root.rglob("*"))
        if not path.name.endswith("-shm")
    }
