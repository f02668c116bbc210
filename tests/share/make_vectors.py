"""Makes tests/vectors/report.json: `python -m tests.share.make_vectors`.

HPKE is random, so it is made once for a version of the format, and from then on only read;
the plaintext of the first comes out the same each time.
"""

import json
import sys
from pathlib import Path

from healthslm.share import digest, envelope
from healthslm.vault.keys import Device

from .given import BEGIN, CREATED_S, DAY, DEVICE, OTHER, READER, bytes_of, day, release

PATH = Path(__file__).parents[1] / "vectors" / "report.json"
THIEF = Device(DEVICE.store_id, bytes_of("planter", 32))
SEEN = (4, 9, bytes_of("entry 9", 32))  # counter, audit size and hash of the newest report


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def text(body=None, period=DAY, **more):
    """Return a plaintext, signed."""
    content = digest.body(day(), DAY, envelope.ROOM) if body is None else body
    return envelope.plaintext(
        content, period, release(**{"counter": 5, "size": 12} | more), CREATED_S
    )


def resigned(plain):
    """Return a plaintext whose signed part was changed by who holds the device key."""
    return DEVICE.sign(b"healthslm/report/1" + plain[64:]) + plain[64:]


def sealed(plain, reader=READER):
    return envelope.seal(plain, reader.public, reader.id)


def vectors():
    whole, longest = sealed(text()), digest.Period(BEGIN, BEGIN + 11_581 - 1)
    beyond = bytearray(text()[64:])
    beyond[112:116] = (BEGIN + 11_581).to_bytes(4, "big")
    unpadded = text()[64:-1] + b"\1"
    body = digest.body(day(), DAY, envelope.ROOM)
    cases = [
        ("success", "the first from this device", None, whole),
        ("success", "a later one", SEEN, whole),
        ("success", "of the longest period", SEEN, sealed(text(period=longest))),
        ("success", "of the same audit trail", SEEN, sealed(text(size=9))),
        ("bad marker", "another version", None, b"HSR2" + whole[4:]),
        ("bad marker", "a byte cut off", None, whole[:-1]),
        ("bad tag", "a flipped byte of the key exchange", None, flipped(whole, 4)),
        ("bad tag", "a flipped byte", None, flipped(whole, 4000)),
        ("bad tag", "made for another reader", None, sealed(text(reader=OTHER), OTHER)),
        ("wrong reader", "passed on by another reader", None, sealed(text(reader=OTHER))),
        ("unknown device", "by another device", None, sealed(text(device=THIEF))),
        ("bad signature", "claims to be by the device", None, sealed(_claimed())),
        ("bad signature", "a flipped byte, sealed anew", None, sealed(flipped(text(), 170))),
        ("bad body", "padding that says something", None, sealed(resigned(bytes(64) + unpadded))),
        ("bad body", "of too long a period", None, sealed(resigned(bytes(64) + bytes(beyond)))),
        ("bad body", "with a text", None, sealed(text(b"\x95" + body[1:] + b"\xa4text"))),
        ("bad body", "cut short", None, sealed(text(body[:-1]))),
        ("replayed", "the same again", (5, 12, bytes_of("entry 12", 32)), whole),
        ("replayed", "an older one", (6, 13, bytes_of("entry 13", 32)), whole),
        ("rolled back", "a shorter audit trail", SEEN, sealed(text(size=8))),
        ("rolled back", "another audit trail", SEEN, sealed(text(size=9, newest=bytes(32)))),
    ]
    return [
        {
            "expect": expect,
            "what": what,
            "private": READER.private.hex(),
            "device": DEVICE.public.hex(),
            "seen": seen and [seen[0], seen[1], seen[2].hex()],
            "file": file.hex(),
        }
        for expect, what, seen, file in cases
    ]


def _claimed():
    """Return what another device signed in this device's name."""
    plain = text()[64:]
    return THIEF.sign(b"healthslm/report/1" + plain) + plain


if __name__ == "__main__":
    if PATH.exists():
        sys.exit(f"{PATH.name}: published already; delete it to publish another")
    first = {"plaintext": text().hex()}
    listed = vectors()
    listed[0] |= first
    PATH.write_text(json.dumps(listed, indent=1) + "\n")
