"""What the daemon gives up for good, when its store is open and before anything comes in.

Whoever takes it over by a message finds a process that may write its own store and nothing
else, reach its broker and nobody else, look into no other process, and leaves no copy of its
memory on the disk. The kernel enforces it, on the language model's process too; where it
cannot, `Isolation` says so in words. What systemd adds is in `deploy/`.
"""

from __future__ import annotations

import errno
import os
import platform
import resource
import site
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from healthslm.resources import resource as bundled
from healthslm.sandbox import kernel, landlock, seccomp

CODE = tuple(map(Path, ("/usr", "/lib", "/lib64", "/bin", "/sbin")))
DATA = tuple(map(Path, ("/etc", "/proc", "/sys/devices/system", "/dev/urandom", "/dev/random")))
SCRATCH = (Path("/dev/null"),)  # written: what a child process says beside its answer
TABLE = Path("/proc/self/task")  # one folder for each thread


@dataclass(frozen=True, slots=True)
class Needs:
    """What the daemon goes on needing beside the system and its own code.

    Parameters
    ----------
    write
        Folders: the store.
    read
        Folders: a model that is not the bundled one.
    port
        TCP port of the broker; None where it has a unix socket.
    """

    write: tuple[Path, ...]
    read: tuple[Path, ...] = ()
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing given up, or why it could not be."""

    name: str
    holds: bool
    words: str  # for people: what holds, or what does not and what to do
    required: bool = True


@dataclass(frozen=True, slots=True)
class Isolation:
    """What holds of a process, and what does not."""

    measures: tuple[Measure, ...]

    @property
    def missing(self) -> tuple[Measure, ...]:
        """What is required and does not hold."""
        return tuple(m for m in self.measures if m.required and not m.holds)

    @property
    def words(self) -> str:
        """What does not hold, for people; "" where all does."""
        return "; ".join(m.words for m in self.measures if not m.holds)


def enter(needs: Needs) -> Isolation:
    """Give up all that the daemon does not need; what the kernel lacks is said, not raised.

    It cannot be taken back. Landlock binds the thread that asks for it and those born later, so
    this comes before NumPy is loaded, which starts threads of its own.
    """
    # SQLite's temporary files, sealed rows all, then lie where the daemon may write.
    os.environ["SQLITE_TMPDIR"] = str(needs.write[0].absolute())
    return Isolation(
        (
            _tried("core", _no_core, "no core file is written", "core files may be written"),
            _tried("memory", _unreadable, "no process of this user reads its memory",
                   "other processes of this user may read its memory"),
            _tried("privileges", _no_new_privileges, "no program it starts gains privileges",
                   "a program it starts may gain privileges"),
            _locked(),
            _user(),
            _files(needs),
            _calls(tcp=needs.port is not None),
        )
    )  # fmt: skip


def _tried(name: str, act: Callable[[], object], yes: str, no: str) -> Measure:
    try:
        act()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        return Measure(name, False, f"{no} ({why})")
    return Measure(name, True, yes)


def _no_core() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _unreadable() -> None:
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def _no_new_privileges() -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)


def _locked() -> Measure:
    """Lock the memory, where that cannot make a later allocation fail: without a limit only."""
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    no = "its memory may be swapped to the disk"
    if not unlimited and os.geteuid() != 0:
        what = "set LimitMEMLOCK=infinity, or turn swap off"
        return Measure("swap", False, f"{no} ({what})", required=False)
    flags = kernel.MCL_CURRENT | kernel.MCL_FUTURE | kernel.MCL_ONFAULT
    told = _tried("swap", lambda: kernel.mlockall(flags), "its memory is never swapped", no)
    return Measure("swap", told.holds, told.words, required=False)


def _user() -> Measure:
    if os.geteuid() == 0:
        return Measure("user", False, "it runs as root: give it a user of its own", required=False)
    return Measure("user", True, "it does not run as root", required=False)


def _files(needs: Needs) -> Measure:
    """Hold it to its files, and its TCP connections to one port."""
    if len(list(TABLE.iterdir())) > 1:
        return Measure("files", False, "it may open any file of this user (threads run already)")
    rules = landlock.Rules(
        run=(*CODE, *_own_code()),
        read=(*DATA, *map(bundled, ("models", "sensors")), *needs.read),
        write=(*SCRATCH, *needs.write),
        port=needs.port,
        abstract=os.environ.get("NOTIFY_SOCKET", "").startswith("@"),
    )
    try:
        version = landlock.restrict(rules)
    except OSError as error:
        return Measure("files", False, f"it may open any file of this user ({_no_rules(error)})")
    words = "it writes its store only, and reads the system, its code and its model"
    if version < landlock.NET_FROM and needs.port is not None:
        words += "; TCP to any port (the kernel's Landlock is older than 6.7)"
    return Measure("files", True, words)


def _no_rules(error: OSError) -> str:
    """Return why Landlock does not bind: see the errors of landlock_create_ruleset(2)."""
    if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP):
        return (
            "the kernel has no Landlock: it needs CONFIG_SECURITY_LANDLOCK, and landlock among "
            "lsm= on its command line"
        )
    return f"Landlock was refused: {error.strerror}; a filter on system calls must let it pass"


def _own_code() -> tuple[Path, ...]:
    """Return where this Python, its packages and this package lie: a checkout, or a package."""
    folders = [sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages()]
    return (*map(Path, folders), Path(__file__).parents[2])


def _calls(*, tcp: bool) -> Measure:
    """Refuse the system calls that it never needs."""
    name, no = platform.machine(), "it may make any system call"
    machine = seccomp.MACHINES.get(name)
    if machine is None or struct.calcsize("P") != 8:
        return Measure("calls", False, f"{no} (no filter is written for {name} yet)")
    try:
        seccomp.install(machine, seccomp.program(machine, tcp=tcp))
    except OSError:
        why = "the kernel refused the filter: it needs CONFIG_SECCOMP_FILTER"
        return Measure("calls", False, f"{no} ({why})")
    return Measure("calls", True, "sockets to its broker only, and no way into other processes")
