"""What the egress task counts as a socket, a stranger, and a packet's ports."""

import struct

from benchmarks.capture import ports_of
from benchmarks.reliability_tasks.egress import sockets

BROKER = "/run/healthslm/mqtt.sock"
QUIET = [
    "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 7",
    f'connect(7, {{sa_family=AF_UNIX, sun_path="{BROKER}"}}, 41) = 0',
    'sendto(7, "\\20#\\0\\4MQTT\\4\\0\\0<"..., 37, 0, NULL, 0) = 37',
    "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7} ---",
]


def test_the_brokers_socket_is_no_stranger():
    assert sockets(QUIET, BROKER) == {"unix": 1, "strangers": 0}


def test_every_family_but_unix_is_counted_also_where_the_call_failed_or_was_not_finished():
    lines = [
        "socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 3",
        "socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP) = -1 EAFNOSUPPORT (...)",
        "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE <unfinished ...>",
        "socketpair(AF_INET, SOCK_STREAM, 0, [3, 4]) = 0",
    ]
    assert sockets([*QUIET, *lines], BROKER)["inet"] == 4


def test_whoever_else_is_spoken_to_is_a_stranger():
    lines = [
        'connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (...)',
        'connect(3, {sa_family=AF_UNIX, sun_path=@"hidden"}, 10) = 0',
        "connect(3, {sa_family=AF_INET, sin_port=htons(53), ...}, 16) = 0",
        'sendto(3, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(9)}, 16) = 1',
    ]
    assert sockets([*QUIET, *lines], BROKER)["strangers"] == 4


def packet(protocol, *, options=0):
    head = bytes([0x45 + options, *bytes(8), protocol, *bytes(10 + 4 * options)])
    return head + struct.pack("!HH", 40_000, 53)


def test_ports_are_read_behind_options_and_of_udp_and_tcp_alone():
    assert ports_of(packet(17)) == ports_of(packet(6, options=2)) == (40_000, 53)
    assert ports_of(packet(1)) == ()
    assert ports_of(packet(17)[:22]) == ()
    assert ports_of(b"") == ()
