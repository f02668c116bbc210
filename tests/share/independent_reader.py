"""Opens reports, written from docs/report-format.md alone.

It shares no code with the package: what this cannot read, the page does not say.
"""

import base64
import hashlib
import re
import struct
from itertools import pairwise
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519

PAGE = Path(__file__).parents[2] / "docs" / "report-format.md"
LIMIT, FAR = 1_000_000, 44_640


class Refused(Exception):
    """What the page says must be refused; the text is its word for why."""


def sizes_of(table):
    """Return how many rows one of the page's tables has: the numbers that it knows."""
    text = PAGE.read_text("utf-8").partition(f"**{table}**")[2].partition("**")[0]
    return len(re.findall(r"^\| \d+ \|", text, re.M))


def identify(private):
    seed = mlkem.MLKEM768PrivateKey.from_seed_bytes(private[:64])
    curve = x25519.X25519PrivateKey.from_private_bytes(private[64:])
    public = seed.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
    number = int.from_bytes(hashlib.sha256(public).digest()[:8], "big") % 2**63
    return number, hpke.MLKEM768X25519PrivateKey(seed, curve)


def open_report(file, private, pinned, seen):
    """Return (counter, audit size, audit hash, created, begin, end, body).

    pinned  the device's public key; seen  counter, audit size and hash of the newest, or None.
    """
    if file[:4] != b"HSR1" or len(file) not in (4096, 16384, 65536):
        raise Refused("bad marker")
    reader, key = identify(private)
    kem, kdf = hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256
    suite = hpke.Suite(kem, kdf, hpke.AEAD.CHACHA20_POLY1305)
    try:
        text = suite.decrypt(file[4:], key, info=b"healthslm/report/1" + struct.pack(">Q", reader))
    except InvalidTag:
        raise Refused("bad tag") from None
    signature, signed = text[:64], text[64:]
    _store, device, to, counter, size, newest = struct.unpack(">16s32sQQQ32s", signed[:104])
    created, begin, end, length = struct.unpack(">IIII", signed[104:120])
    if to != reader:
        raise Refused("wrong reader")
    if device != pinned:
        raise Refused("unknown device")
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(pinned)
        key.verify(signature, b"healthslm/report/1" + signed)
    except InvalidSignature:
        raise Refused("bad signature") from None
    body, zeros = signed[120 : 120 + length], signed[120 + length :]
    if not 1 <= end - begin <= 11580 or len(body) != length or set(zeros) - {0}:
        raise Refused("bad body")
    content = check(body, end - begin)
    if seen and counter <= seen[0]:
        raise Refused("replayed")
    if seen and (size < seen[1] or (size == seen[1] and newest != seen[2])):
        raise Refused("rolled back")
    return counter, size, newest, created, begin, end, content


def check(data, minutes):
    """Return the body, all of which is as the page has it."""
    try:
        body = msgspec.msgpack.decode(data)
        assert msgspec.msgpack.encode(body) == data
        slot, measures, findings, coverage = body
        assert slot in (15, 30, 60, 120, 240, 480, 1440)
        ascend([kind for kind, _ in measures], sizes_of("Measures"))
        for _, slots in measures:
            assert slots
            ascend([at for at, *_ in slots], -(-minutes // slot))
            for at, of, least, median, greatest in slots:
                whole(of, 1, min(slot, minutes - at * slot))
                assert -LIMIT <= whole(least) <= whole(median) <= whole(greatest) <= LIMIT
        keys = [(-f[1], f[2], f[0], f[3], *f[4:]) for f in findings]
        assert keys == sorted(keys)
        for kind, severity, start, stop, ongoing, count, evidence in findings:
            whole(kind, 0, sizes_of("Findings") - 1)
            whole(severity, 0, 2)
            assert -FAR <= whole(start) <= whole(stop) <= FAR
            assert type(ongoing) is bool
            whole(count, 1, LIMIT)
            ascend([name for name, _ in evidence], sizes_of("Evidence"))
            for _, value in evidence:
                whole(value, -LIMIT, LIMIT)
        ascend([kind for kind, _, _ in coverage], sizes_of("Streams"))
        for _, measured, gaps in coverage:
            whole(measured, 0, minutes), whole(gaps, 0, minutes)
    except (AssertionError, TypeError, ValueError, IndexError, msgspec.DecodeError):
        raise Refused("bad body") from None
    return body


def whole(number, least=-LIMIT, greatest=LIMIT):
    assert type(number) is int and least <= number <= greatest
    return number


def ascend(numbers, fewer_than):
    for number in numbers:
        whole(number, 0, fewer_than - 1)
    assert all(a < b for a, b in pairwise(numbers))


def fingerprint(public):
    digest = hashlib.sha256(b"healthslm/fingerprint/1" + public).digest()
    numbers = [int.from_bytes(digest[i : i + 4], "big") % 100_000 for i in range(0, 32, 4)]
    return " ".join(str(n).rjust(5, "0") for n in numbers)


def public_key(text):
    """Return the public key in NAME.pub."""
    prefix, _, rest = "".join(text.split()).partition(":")
    data = base64.b64decode(rest)
    check = hashlib.sha256(b"healthslm/reader-public/1" + data[:1216]).digest()[:8]
    if prefix != "healthslm-reader-1" or data[1216:] != check:
        raise Refused("bad checksum")
    return data[:1216]
