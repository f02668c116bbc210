"""Records every change that Python and SQLite make to the files below a folder.

The changes are made for real; `Recorder.ops` says which, in order. Whether any was missed is
checked at the end: played back on a `Disk`, they must give the folder as it then is.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import apsw

from benchmarks.apsw_sqlite3 import Connection
from benchmarks.disk import Disk, Kind, Op, Tree
from benchmarks.trees import take

VFS = "recorded"
_BESIDE = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
_UNKNOWN = ("symlink", "truncate", "writev", "pwritev")


class Recorder:
    """What was done below `root`, and what was there before."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.before: Tree = take(root)
        self.ops: list[Op] = []

    def note(self, word: str) -> None:
        """Record a word of the caller's, in its place among the operations."""
        self.ops.append(Op("note", word))

    def below(self, path: str | os.PathLike[str] | int, folder: int | None = None) -> str | None:
        """Return a path, or an open file, as it is below the root; None where it is not."""
        if isinstance(path, int):
            path = Path(f"/proc/self/fd/{path}").readlink()
        elif folder is not None:
            path = Path(f"/proc/self/fd/{folder}").readlink() / path
        whole = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 - resolves no link
        if not whole.is_relative_to(self.root):
            return None
        below = str(whole.relative_to(self.root))
        return "" if below == "." else below

    def add(self, kind: Kind, path: str | None, **rest: Any) -> None:
        """Record a change; `path` is what `below` returned."""
        if path is not None and not path.endswith("-shm"):
            self.ops.append(Op(kind, path, **rest))

    def check(self) -> None:
        """Raise RuntimeError where something changed the files and was not recorded."""
        disk = Disk(self.before)
        for op in self.ops:
            disk.do(op)
        if disk.killed() != take(self.root):
            raise RuntimeError("recorder: the files are not what the recorded operations give")


@contextmanager
def recording(root: Path, instead: Mapping[str, str]) -> Iterator[Recorder]:
    """Record what the block does below `root`.

    instead  pragmas of SQLite that are set so, whatever the program sets them to.

    Raises
    ------
    RuntimeError
        Something was changed in a way that this recorder does not see.
    """
    recorder = Recorder(root)
    vfs = _Vfs(recorder)

    def connect(path: str | os.PathLike[str], /, *, timeout: float = 5.0, **_: Any) -> Connection:
        return Connection(os.fspath(path), VFS, timeout, instead)

    with ExitStack() as stack:
        stack.callback(vfs.unregister)
        for name, recorded in _of_os(recorder).items():
            stack.enter_context(patch.object(os, name, recorded))
        opened = _opening(recorder)
        stack.enter_context(patch.object(io, "open", opened))
        stack.enter_context(patch.object(builtins, "open", opened))
        stack.enter_context(patch.object(sqlite3, "connect", connect))
        yield recorder
    recorder.check()


def _of_os(recorder: Recorder) -> dict[str, Callable[..., Any]]:
    """Return the functions of `os` that change files, each with its record."""
    plain = {name: getattr(os, name) for name in dir(os)}

    def opened(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        below = recorder.below(path, dir_fd)
        there = plain["path"].lexists(path) if dir_fd is None else True
        handle: int = plain["open"](path, flags, mode, dir_fd=dir_fd)
        if flags & os.O_CREAT and not there:
            recorder.add("create", below)
        elif flags & os.O_TRUNC:
            recorder.add("truncate", below)
        return handle

    def write(handle: int, data: Any) -> int:
        n: int = plain["write"](handle, data)
        at = os.lseek(handle, 0, os.SEEK_CUR) - n
        recorder.add("write", recorder.below(handle), at=at, data=bytes(data)[:n])
        return n

    def pwrite(handle: int, data: Any, at: int) -> int:
        n: int = plain["pwrite"](handle, data, at)
        recorder.add("write", recorder.below(handle), at=at, data=bytes(data)[:n])
        return n

    def ftruncate(handle: int, length: int) -> None:
        plain["ftruncate"](handle, length)
        recorder.add("truncate", recorder.below(handle), at=length)

    def fsync(handle: int) -> None:
        plain["fsync"](handle)
        folder = plain["path"].isdir(f"/proc/self/fd/{handle}")
        recorder.add("entries" if folder else "sync", recorder.below(handle))

    def rename(old: Any, new: Any, **folders: Any) -> None:
        plain["replace"](old, new, **folders)
        below = recorder.below(new, folders.get("dst_dir_fd"))
        if below is None:
            raise NotImplementedError("recorder: moved out of the folder that is recorded")
        recorder.add("rename", recorder.below(old, folders.get("src_dir_fd")), to=below)

    def link(old: Any, new: Any) -> None:
        plain["link"](old, new)
        recorder.add("link", recorder.below(old), to=recorder.below(new))

    def posix_fallocate(handle: int, at: int, length: int) -> None:
        before = os.fstat(handle).st_size
        plain["posix_fallocate"](handle, at, length)
        recorder.add("truncate", recorder.below(handle), at=max(before, at + length))

    def mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        plain["mkdir"](path, mode, dir_fd=dir_fd)
        recorder.add("folder", recorder.below(path, dir_fd))

    def removing(name: str) -> Callable[..., None]:
        def removed(path: Any, *, dir_fd: int | None = None) -> None:
            plain[name](path, dir_fd=dir_fd)
            recorder.add("delete", recorder.below(path, dir_fd))

        return removed

    def unseen(name: str) -> Callable[..., Any]:
        def refused(*_: Any, **__: Any) -> Any:
            raise NotImplementedError(f"recorder: os.{name} is not recorded yet")

        return refused

    def sendfile(*_: Any, **__: Any) -> int:
        raise OSError(errno.ENOTSOCK, "not recorded: shutil then copies by reading and writing")

    return {
        "open": opened,
        "write": write,
        "pwrite": pwrite,
        "ftruncate": ftruncate,
        "fsync": fsync,
        "fdatasync": fsync,
        "rename": rename,
        "replace": rename,
        "link": link,
        "posix_fallocate": posix_fallocate,
        "mkdir": mkdir,
        "sendfile": sendfile,
        **{name: removing(name) for name in ("unlink", "remove", "rmdir")},
        **{name: unseen(name) for name in _UNKNOWN},
    }


def _opening(recorder: Recorder) -> Callable[..., Any]:
    """Return `open`, whose files record what is written to them."""
    plain = io.open

    class Raw(io.FileIO):
        def write(self, data: Any) -> int:
            n = super().write(data)
            where = recorder.below(self.fileno())
            recorder.add("write", where, at=self.tell() - n, data=bytes(data)[:n])
            return n

        def truncate(self, size: int | None = None) -> int:
            length = super().truncate(size)
            recorder.add("truncate", recorder.below(self.fileno()), at=length)
            return length

    def opened(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **more: Any) -> Any:
        if not set(mode) & set("wax+") or recorder.below(file) is None:
            return plain(file, mode, buffering, *rest, **more)
        closes = more.pop("closefd", True)
        opener = more.pop("opener", None) or (lambda path, flags: os.open(path, flags, 0o666))
        binary = mode.replace("b", "").replace("t", "")
        raw = Raw(file, binary, closefd=closes, opener=opener)
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *rest, **more)

    return opened


class _Vfs(apsw.VFS):
    """The file system of the machine, whose changes are recorded."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        super().__init__(VFS, "")

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        below = None if path is None else self._recorder.below(path)
        new = below is not None and not Path(path).exists()
        file = _VfsFile(name, flags, self._recorder, below)
        if new:
            self._recorder.add("create", below)
            file.folder_waits = bool(flags[0] & _BESIDE)
        return file

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        below = self._recorder.below(filename)
        self._recorder.add("delete", below)
        if syncdir and below is not None:
            self._recorder.add("entries", self._recorder.below(Path(filename).parent))


class _VfsFile(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], recorder: Recorder, below: str | None) -> None:
        super().__init__("", name, flags)
        self._recorder, self._below = recorder, below
        self.folder_waits = False  # os_unix.c syncs the folder of a new journal with its first sync

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._recorder.add("write", self._below, at=offset, data=bytes(data))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._recorder.add("truncate", self._below, at=newsize)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._recorder.add("sync", self._below)
        if self.folder_waits and self._below is not None:
            folder = self._recorder.root / self._below
            self._recorder.add("entries", self._recorder.below(folder.parent))
            self.folder_waits = False
