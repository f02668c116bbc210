"""A disk that remembers what was done to it, and what a power cut may leave of that.

Pure. What was synced stays. Of what was not, anything may have reached the disk: nothing, all,
some of the writes in any order, some of the sectors of a write, sectors of zeros or garbage,
a length without its data; and of names made, moved and deleted in a folder that was not synced,
any. A write harms no byte outside its own range ("powersafe overwrite", which SQLite assumes:
https://www.sqlite.org/psow.html). Names are held to POSIX alone: only the sync of a folder keeps
them, though ext4 and XFS also keep their order (Pillai et al., OSDI 2014, table 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from random import Random
from typing import Literal

SECTOR = 512  # bytes: the least that a disk writes at once
WAYS = ("prefix", "some", "torn", "zeros", "garbage", "longer")

Kind = Literal[
    "write", "truncate", "sync", "create", "folder", "link", "rename", "delete", "entries", "note"
]
Tree = Mapping[str, bytes | None]  # path below the root: content; None is a folder
_Place = tuple[int, str]  # a folder's node, and a name in it


@dataclass(frozen=True, slots=True)
class Op:
    """One thing that was done; `entries` is the sync of a folder, `note` a word of the caller."""

    kind: Kind
    path: str  # below the root; "" is the root
    at: int = 0  # offset of a write, length of a truncation
    data: bytes = b""
    to: str = ""  # of a rename or a link


@dataclass(slots=True)
class _File:
    kept: bytearray  # as of the last sync
    live: bytearray  # as a running program sees it
    pending: list[Op] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Naming:
    """One change of names, which reaches the disk whole or not at all."""

    node: int
    gone: _Place | None
    new: _Place | None


class Disk:
    """Files and folders, the state they are in, and the states they may be found in."""

    def __init__(self, tree: Tree) -> None:
        self._nodes: list[_File | None] = [None]  # None is a folder; 0 is the root
        self._live: dict[_Place, int] = {}
        self._kept: dict[_Place, int] = {}
        self._pending: list[_Naming] = []
        for path in sorted(tree, key=lambda p: p.count("/")):
            content = tree[path]
            file = None if content is None else _File(bytearray(content), bytearray(content))
            self._name(self._made(file), None, path)
        self._kept, self._pending = dict(self._live), []

    def do(self, op: Op) -> None:
        """Go on to the state after one more operation."""
        match op.kind:
            case "create":
                self._name(self._made(_File(bytearray(), bytearray())), None, op.path)
            case "folder":
                self._name(self._made(None), None, op.path)
            case "link":
                self._name(self._live[self._place(op.path)], None, op.to)
            case "rename":
                self._name(self._live[self._place(op.path)], op.path, op.to)
            case "delete":
                self._name(self._live[self._place(op.path)], op.path, None)
            case "entries":
                self._sync_names(self._node(op.path))
            case "sync":
                file = self._file(op.path)
                file.kept, file.pending = bytearray(file.live), []
            case "write" | "truncate":
                file = self._file(op.path)
                file.pending.append(op)
                _apply(file.live, op, "whole", Random(0))  # noqa: S311 - draws nothing

    def killed(self) -> Tree:
        """Return what is there when the program dies and the machine does not."""
        return self._tree(self._live, lambda file: bytes(file.live))

    def synced(self) -> Tree:
        """Return what is there after a cut that took all that was not synced."""
        return self._tree(self._kept, lambda file: bytes(file.kept))

    def cut(self, rng: Random) -> Tree:
        """Return what may be there after a cut."""
        way, share = rng.choice(WAYS), rng.choice((0.0, 0.5, 1.0))
        names = dict(self._kept)
        for naming in self._pending:
            if rng.random() < share:
                _rename(names, naming)
        return self._tree(names, lambda file: _left(file, way, rng))

    def _made(self, file: _File | None) -> int:
        self._nodes.append(file)
        return len(self._nodes) - 1

    def _name(self, node: int, gone: str | None, new: str | None) -> None:
        places = [None if path is None else self._place(path) for path in (gone, new)]
        naming = _Naming(node, *places)
        _rename(self._live, naming)
        self._pending.append(naming)

    def _sync_names(self, folder: int) -> None:
        rest = []
        for naming in self._pending:
            if folder in {place[0] for place in (naming.gone, naming.new) if place}:
                _rename(self._kept, naming)
            else:
                rest.append(naming)
        self._pending = rest

    def _place(self, path: str) -> _Place:
        pure = PurePosixPath(path)
        return self._node(str(pure.parent).removeprefix(".")), pure.name

    def _node(self, path: str) -> int:
        node = 0
        for name in PurePosixPath(path).parts:
            node = self._live[node, name]
        return node

    def _file(self, path: str) -> _File:
        file = self._nodes[self._node(path)]
        if file is None:
            raise ValueError(f"{path}: a folder, not a file")
        return file

    def _tree(self, names: Mapping[_Place, int], content: Callable[[_File], bytes]) -> Tree:
        found: dict[str, bytes | None] = {}
        paths = {0: PurePosixPath()}
        waiting = dict(names)
        while here := [place for place in waiting if place[0] in paths]:
            for place in here:
                node = waiting.pop(place)
                path, file = paths[place[0]] / place[1], self._nodes[node]
                found[str(path)] = None if file is None else content(file)
                if file is None:
                    paths[node] = path
        return found


def _rename(names: dict[_Place, int], naming: _Naming) -> None:
    if naming.gone is not None:
        names.pop(naming.gone, None)
    if naming.new is not None:
        names[naming.new] = naming.node


def _left(file: _File, way: str, rng: Random) -> bytes:
    data = bytearray(file.kept)
    for op, fate in zip(file.pending, _fates(way, len(file.pending), rng), strict=True):
        _apply(data, op, fate, rng)
    return bytes(data)


def _fates(way: str, n: int, rng: Random) -> Iterable[str]:
    """Return what becomes of each of `n` writes."""
    if way == "prefix":
        whole = rng.randrange(n + 1)
        return (["whole"] * whole + ["torn"] + ["none"] * n)[:n]
    return rng.choices(("whole", "none") if way == "some" else ("whole", "none", way), k=n)


def _apply(data: bytearray, op: Op, fate: str, rng: Random) -> None:
    end = op.at + len(op.data)
    if fate == "none":
        return
    if op.kind == "truncate":
        _lengthen(data, op.at)
        del data[op.at :]
    elif fate in {"whole", "longer"}:
        _lengthen(data, end)
        if fate == "whole":
            data[op.at : end] = op.data
    else:
        for sector in range(op.at // SECTOR * SECTOR, end, SECTOR):
            a, b = max(sector, op.at), min(sector + SECTOR, end)
            if rng.random() < 0.5:
                _lengthen(data, b)
                data[a:b] = op.data[a - op.at : b - op.at]
            elif fate != "torn" and rng.random() < 0.5:
                _lengthen(data, b)
                data[a:b] = bytes(b - a) if fate == "zeros" else rng.randbytes(b - a)


def _lengthen(data: bytearray, length: int) -> None:
    data.extend(bytes(max(0, length - len(data))))


def cuts(before: Tree, ops: Iterable[Op], rng: Random, drawn: int) -> Iterator[tuple[int, Tree]]:
    """Yield the states that a cut at each operation may leave, each once.

    drawn  how many are drawn at each, beside that of a killed program and that of what was synced.
    Before each state stands how many notes there were before the cut.
    """
    disk, notes, seen = Disk(before), 0, set[tuple[int, bytes]]()
    for op in ops:
        disk.do(op)
        notes += op.kind == "note"
        for tree in [disk.killed(), disk.synced(), *(disk.cut(rng) for _ in range(drawn))]:
            key = notes, fingerprint(tree)
            if key not in seen:
                seen.add(key)
                yield notes, tree


def fingerprint(tree: Tree) -> bytes:
    """Return 32 bytes that tell one tree from another."""
    parts = ((path, content and sha256(content).digest()) for path, content in tree.items())
    return sha256(repr(sorted(parts)).encode()).digest()
