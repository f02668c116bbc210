"""Which files this process, and all it starts, may still open: the rules of landlock(7).

The rights and structures are those of linux/landlock.h and the kernel's
Documentation/userspace-api/landlock.rst. A kernel that knows fewer rights is asked for those.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from healthslm.sandbox import kernel

CREATE, ADD, RESTRICT = 444, 445, 446  # system calls, the same on every machine
VERSION = 1  # flag of the first: tell which rights there are
PATH_BENEATH, NET_PORT = 1, 2  # kinds of rule

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE = 1 << 4, 1 << 5
MAKE_DIR, MAKE_REG = 1 << 7, 1 << 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
FIRST = (1 << 13) - 1  # of version 1; three came later
LATER = {2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}

READ = READ_FILE | READ_DIR
RUN = READ | EXECUTE
WRITE = READ | WRITE_FILE | TRUNCATE | MAKE_REG | MAKE_DIR | REMOVE_FILE | REMOVE_DIR | REFER
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the others are a folder's

BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
ANY_PORT = 0  # to bind to: one of the kernel's choice, as the MQTT client does before it connects
NET_FROM, SCOPED_FROM = 4, 6  # versions
ABSTRACT_SOCKETS, SIGNALS = 1 << 0, 1 << 1  # scopes: none outside this process and its children


@dataclass(frozen=True, slots=True)
class Rules:
    """What stays allowed; a path that is not there is left out."""

    run: tuple[Path, ...] = ()  # code: read and start
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()  # and read
    port: int | None = None  # the one TCP port to connect to
    abstract: bool = False  # leave sockets without a file: some service managers have one


def version() -> int:
    """Return which version of the rules the kernel has.

    Raises
    ------
    OSError
        None: it was built or started without Landlock.
    """
    return kernel.syscall(CREATE, None, 0, VERSION)


def restrict(rules: Rules) -> int:
    """Hold this thread, and what it starts from now on, to `rules`; return the version.

    It must have given up new privileges, and must be the process's only thread.

    Raises
    ------
    OSError
        The kernel has no Landlock, or refused.
    """
    known = version()
    files = FIRST
    for since, right in LATER.items():
        files |= right if known >= since else 0
    net = BIND_TCP | CONNECT_TCP if known >= NET_FROM else 0
    scopes = SIGNALS | (0 if rules.abstract else ABSTRACT_SOCKETS) if known >= SCOPED_FROM else 0
    wanted = struct.pack("=QQQ", files, net, scopes)
    size = 8 if known < NET_FROM else 16 if known < SCOPED_FROM else 24
    ruleset = kernel.syscall(CREATE, wanted[:size], size, 0)
    try:
        _add(ruleset, rules.run, RUN & files)
        _add(ruleset, rules.read, READ & files)
        _add(ruleset, rules.write, WRITE & files)
        if net and rules.port is not None:
            for right, port in ((CONNECT_TCP, rules.port), (BIND_TCP, ANY_PORT)):
                kernel.syscall(ADD, ruleset, NET_PORT, struct.pack("=QQ", right, port), 0)
        kernel.syscall(RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)
    return known


def _add(ruleset: int, paths: Iterable[Path], rights: int) -> None:
    """Allow `rights` on each path and on all that lies in it."""
    for path in paths:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:  # what cannot be reached now needs no rule
            continue
        try:
            some = rights if path.is_dir() else rights & OF_A_FILE
            kernel.syscall(ADD, ruleset, PATH_BENEATH, struct.pack("=Qi", some, place), 0)
        finally:
            os.close(place)
