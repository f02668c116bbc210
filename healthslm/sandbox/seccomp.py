"""A filter on system calls: what this process, and all it starts, may never ask the kernel again.

Written by hand for seccomp(2), so that nothing has to be installed. It is a list of what is
refused, not of what is allowed: Python, SQLite and the model's runtime need hundreds of calls
that differ from board to board. A call that is newer than this list does not exist for us.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
from dataclasses import dataclass

from healthslm.sandbox import kernel

# Numbers from the kernel's tables: arch/x86/entry/syscalls/syscall_64.tbl and, for aarch64,
# scripts/syscall.tbl. 0 where the machine has no such call: as a number it is never refused.
REFUSED: dict[str, tuple[int, int]] = {  # (x86_64, aarch64)
    # to read or steer another process
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # to go round this filter, or to attack the kernel
    "io_uring_setup": (425, 425),  # it opens sockets without a call that a filter sees
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "personality": (135, 92),
    "modify_ldt": (154, 0),
    "iopl": (172, 0),
    "ioperm": (173, 0),
    "uselib": (134, 0),
    # keys of the kernel
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # another view of the files
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "unshare": (272, 97),
    "setns": (308, 268),
    # the machine
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "vhangup": (153, 58),
    "lookup_dcookie": (212, 18),
    # to let anybody in: we connect, and nobody connects to us
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
}
NEWEST = 469  # file_setattr, Linux 6.17: later calls are not there. Nor are x32's, from 2^30 on

# clone(2)'s flags for new namespaces: CGROUP, UTS, IPC, USER, PID, NET, and mounts
NAMESPACES = 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x20000

# bpf(4)'s instructions, linux/bpf_common.h: load a word, jump, and, return
LOAD, IS, FROM, ANY, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000  # linux/seccomp.h
EPERM, ENOSYS = ERROR | errno.EPERM, ERROR | errno.ENOSYS
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, (16, 24, 32)  # offsets in struct seccomp_data; low words

SET_MODE_FILTER, ALL_THREADS = 1, 1  # seccomp(2)
STREAM = 1  # SOCK_STREAM; the four lowest bits are the type, the others are flags
TYPE_BITS = 0xF
TCP_OR_DEFAULT = (0, socket.IPPROTO_TCP)  # not MPTCP, nor SCTP


@dataclass(frozen=True, slots=True)
class Machine:
    """What the filter has to know of a kind of machine."""

    audit: int  # AUDIT_ARCH_ of linux/audit.h
    column: int  # of `REFUSED`
    socket: int
    socketpair: int
    clone: int
    seccomp: int
    clone3: int = 435


MACHINES = {
    "x86_64": Machine(0xC000003E, 0, socket=41, socketpair=53, clone=56, seccomp=317),
    "aarch64": Machine(0xC00000B7, 1, socket=198, socketpair=199, clone=220, seccomp=277),
}

Instruction = tuple[int, int, int, int]
"""What to do, how many to jump over if so, how many if not, and a number: struct sock_filter."""


def program(machine: Machine, *, tcp: bool) -> list[Instruction]:
    """Return the filter.

    Parameters
    ----------
    tcp
        The broker is behind a TCP port: stream sockets of IPv4 and IPv6 may be made. Nothing
        but AF_UNIX else: no UDP, so no DNS, no netlink, no raw packets, no virtual machine's.
    """
    numbers = sorted(filter(None, (row[machine.column] for row in REFUSED.values())))
    return [
        (LOAD, 0, 0, ARCHITECTURE),
        (IS, 1, 0, machine.audit),  # 32-bit calls have other numbers
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (FROM, 0, 1, NEWEST + 1),
        (RETURN, 0, 0, ENOSYS),
        # its flags lie in memory, where no filter can read; without it libc takes clone
        *_at(machine.clone3, [(RETURN, 0, 0, ENOSYS)]),
        *_at(machine.clone, _no_namespaces()),
        *_at(machine.socket, _sockets(tcp=tcp)),
        *_at(machine.socketpair, _unix_only()),
        *(step for number in numbers for step in _at(number, [(RETURN, 0, 0, EPERM)])),
        (RETURN, 0, 0, ALLOW),
    ]


def _at(number: int, block: list[Instruction]) -> list[Instruction]:
    """Return `block` for one system call; every way through it ends in a return."""
    return [(IS, 0, len(block), number), *block]


def _no_namespaces() -> list[Instruction]:
    return [
        (LOAD, 0, 0, ARGUMENTS[0]),
        (ANY, 0, 1, NAMESPACES),
        (RETURN, 0, 0, EPERM),
        (RETURN, 0, 0, ALLOW),
    ]


def _unix_only() -> list[Instruction]:
    return [
        (LOAD, 0, 0, ARGUMENTS[0]),
        (IS, 0, 1, socket.AF_UNIX),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, EPERM),
    ]


def _sockets(*, tcp: bool) -> list[Instruction]:
    if not tcp:
        return _unix_only()
    default, named = TCP_OR_DEFAULT
    return [
        *_unix_only()[:-1],
        (IS, 2, 0, socket.AF_INET),
        (IS, 1, 0, socket.AF_INET6),
        (RETURN, 0, 0, EPERM),
        (LOAD, 0, 0, ARGUMENTS[1]),
        (AND, 0, 0, TYPE_BITS),
        (IS, 1, 0, STREAM),
        (RETURN, 0, 0, EPERM),
        (LOAD, 0, 0, ARGUMENTS[2]),
        (IS, 1, 0, default),
        (IS, 0, 1, named),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, EPERM),
    ]


def install(machine: Machine, steps: list[Instruction]) -> None:
    """Put the filter on every thread of this process; it must have given up new privileges.

    Raises
    ------
    OSError
        The kernel has no such filters, or refused this one; or a thread has another.
    """
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    held = ctypes.create_string_buffer(code, len(code))
    described = struct.pack("@HP", len(steps), ctypes.addressof(held))  # struct sock_fprog
    odd = kernel.syscall(machine.seccomp, SET_MODE_FILTER, ALL_THREADS, described)
    if odd:  # the thread that could not follow
        raise OSError(errno.EBUSY, "a thread has another filter")
