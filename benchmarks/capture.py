"""Counts the packets on every interface of this network namespace that are not the broker's.

Run as a program in a namespace of its own: it makes a veth pair with a default route, so that
what wants to leave finds a way and is seen. Then it runs the day it is told, and a control that
sends one datagram and one DNS query, and writes its counts as JSON on stdout.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import field

AWAY = "192.0.2.53"  # RFC 5737: an address for documentation, nobody's
DNS = 53
_ALL, _IPV4 = 0x0003, 0x0800  # linux/if_ether.h
_SOL_PACKET, _STATISTICS, _RCVBUFFORCE = 263, 6, 33  # packet(7), socket(7)
_BUFFER = 64 << 20  # bytes: no packet may be missed while the day uses the processor


def interfaces() -> None:
    """Bring loopback up, and a veth pair by which everything else would leave."""
    with suppress(OSError):  # a kernel without IPv6 needs no word
        Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")  # its own probes
        Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
    field.must("ip", "link", "set", "lo", "up")
    field.must("ip", "link", "add", "out0", "type", "veth", "peer", "name", "out1")
    for name in ("out0", "out1"):
        field.must("ip", "link", "set", name, "up")
    field.must("ip", "address", "add", "198.51.100.1/24", "dev", "out0")  # RFC 5737 too
    router = ("198.51.100.2", "lladdr", "02:00:00:00:00:02", "dev", "out0")
    field.must("ip", "neighbour", "add", *router)
    field.must("ip", "route", "add", "default", "via", router[0])


class Capture:
    """Every packet of every interface, from `start` to `stop`."""

    def __init__(self) -> None:
        self.port = 0  # of the broker: its packets on loopback are the only ones allowed
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _BUFFER)
        self._socket.settimeout(0.1)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._count)
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Begin to count."""
        self._thread.start()

    def stop(self) -> dict[str, int]:
        """Return "broker", "packets" (any other), "dns", and "missed" by the capture itself."""
        self._ending.set()
        self._thread.join()
        statistics = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8)
        self.counts["missed"] = struct.unpack("II", statistics)[1]
        self._socket.close()
        return {name: self.counts[name] for name in ("broker", "packets", "dns", "missed")}

    def _count(self) -> None:
        while True:
            try:
                data, (name, protocol, *_) = self._socket.recvfrom(128)
            except TimeoutError:
                if self._ending.is_set():
                    return
                continue
            ports = ports_of(data) if protocol == _IPV4 else ()
            ours = name == "lo" and data[9:10] == bytes([socket.IPPROTO_TCP]) and self.port in ports
            self.counts["broker" if ours else "packets"] += 1
            self.counts["dns"] += DNS in ports


def ports_of(packet: bytes) -> tuple[int, ...]:
    """Return the two ports of an IPv4 packet, RFC 791; none where it has none."""
    if len(packet) < 20 or packet[9] not in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
        return ()
    at = 4 * (packet[0] & 15)
    return struct.unpack_from("!HH", packet, at) if len(packet) >= at + 4 else ()


def leave() -> None:
    """Send one datagram and one DNS query away: what the capture must see."""
    query = (
        struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + b"\x07example\x00" + struct.pack("!2H", 1, 1)
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"away", (AWAY, 9))
        sock.sendto(query, (AWAY, DNS))


def main() -> int:
    """Capture a day of `hours` in `folder`, then the control."""
    folder, seed, hours = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    from benchmarks.reliability_tasks import egress

    interfaces()
    seen = []
    capture = Capture()
    capture.start()
    egress.lived(folder, seed, hours, capture=capture)
    seen.append(capture.stop())
    capture = Capture()
    capture.start()
    leave()
    seen.append(capture.stop())
    sys.stdout.write(json.dumps(seen) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
