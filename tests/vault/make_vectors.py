"""Makes tests/vectors/seal.json and wrap.json: `python tests/vault/make_vectors.py`.

`seal.json` comes out the same each time. HPKE is random, so `wrap.json` does not: it is
made once for a version of the format, and from then on only read.
"""

import json
import struct
import sys
from hashlib import sha256
from pathlib import Path

from healthslm.vault.keys import Class, DataKey, Device
from healthslm.vault.readers import Reader, wrap
from healthslm.vault.seal import row_label, seal, split

VECTORS = Path(__file__).parents[1] / "vectors"


def bytes_of(name, n):
    """Return n bytes that anyone can make again from a name."""
    return b"".join(sha256(f"{name} {i}".encode()).digest() for i in range(-(-n // 32)))[:n]


STORE, OTHER = bytes_of("store", 16), bytes_of("another store", 16)
KEY, SALT = bytes_of("key", 32), bytes_of("salt", 24)
LABEL = row_label(STORE, 5, 2048)


def flipped(blob, at):
    return blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]


def seal_vectors():
    text = b"not a word of this is a measurement"
    blob = seal(KEY, LABEL, text, salt=SALT)
    empty = seal(KEY, LABEL, b"", salt=SALT)
    row = seal(KEY, LABEL, split(b"content", 7, 1)[0], salt=SALT)
    cases = [
        ("success", "a text", KEY, LABEL, blob, text),
        ("success", "nothing", KEY, LABEL, empty, b""),
        ("success", "a whole row", KEY, LABEL, row, split(b"content", 7, 1)[0]),
        ("bad marker", "another version", KEY, LABEL, b"HSS2" + blob[4:], None),
        ("bad marker", "the marker alone", KEY, LABEL, blob[:4], None),
        ("bad marker", "one byte short of a tag", KEY, LABEL, empty[:-1], None),
        ("wrong key", "another key", bytes_of("another", 32), LABEL, blob, None),
        ("wrong key", "a flipped salt", KEY, LABEL, flipped(blob, 5), None),
        ("wrong key", "a flipped key check", KEY, LABEL, flipped(blob, 28), None),
        ("wrong label", "another row", KEY, row_label(STORE, 5, 2049), blob, None),
        ("wrong label", "another data key's id", KEY, row_label(STORE, 6, 2048), blob, None),
        ("wrong label", "another store", KEY, row_label(OTHER, 5, 2048), blob, None),
        ("wrong label", "another schema", KEY, LABEL[:-2] + b"\0\2", blob, None),
        ("wrong label", "a flipped label check", KEY, LABEL, flipped(blob, 44), None),
        ("bad tag", "a flipped first byte", KEY, LABEL, flipped(blob, 60), None),
        ("bad tag", "a flipped last byte", KEY, LABEL, flipped(blob, len(blob) - 1), None),
        ("bad tag", "a byte cut off", KEY, LABEL, blob[:-1], None),
        ("bad tag", "sealed without its label", KEY, LABEL, _unlabelled(text), None),
    ]
    return [
        {
            "expect": expect,
            "what": what,
            "key": key.hex(),
            "label": label.hex(),
            "blob": sealed.hex(),
            "plaintext": None if plain is None else plain.hex(),
        }
        for expect, what, key, label, sealed, plain in cases
    ] + [_rolled_back()]


def _unlabelled(text):
    """Return a seal whose checks are right and whose tag does not cover the label."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    from healthslm.vault.seal import _derive

    key, nonce, checks = _derive(KEY, LABEL, SALT)
    return b"HSS1" + SALT + checks + ChaCha20Poly1305(key).encrypt(nonce, text, b"")


def _rolled_back():
    """Return the two rows of one content, the second of the commit before."""
    parts = [split(bytes(1000), 8, 1)[0], split(bytes(1000), 7, 1)[1]]
    return {"expect": "rolled back", "what": "two commits", "parts": [p.hex() for p in parts]}


def wrap_vectors():
    device, reader = Device(STORE, bytes_of("secret", 32)), Reader(bytes_of("private", 96))
    key_id = 7
    blob = wrap(device, reader.public, DataKey(key_id, Class.RAW, 1_700_000_000, KEY))
    stranger, other = Device(STORE, bytes_of("planter", 32)), Reader(bytes_of("other", 96))
    planted = wrap(stranger, reader.public, DataKey(key_id, Class.RAW, 1_700_000_000, KEY))
    forged = b"HSW1" + _signed(device, reader, key_id, blob[68:-1] + bytes([blob[-1] ^ 1]))
    cases = [
        ("success", "a RAW key", STORE, key_id, reader, blob),
        ("bad marker", "another version", STORE, key_id, reader, b"HSW2" + blob[4:]),
        ("bad signature", "for another key id", STORE, 8, reader, blob),
        ("bad signature", "in another store", OTHER, key_id, reader, blob),
        ("bad signature", "for another reader", STORE, key_id, other, blob),
        ("bad signature", "planted by another device", STORE, key_id, reader, planted),
        ("bad signature", "a flipped byte", STORE, key_id, reader, flipped(blob, 500)),
        ("bad tag", "signed, yet altered", STORE, key_id, reader, forged),
    ]
    return [
        {
            "expect": expect,
            "what": what,
            "store": store.hex(),
            "device_public": device.public.hex(),
            "private": who.private.hex(),
            "key_id": number,
            "blob": wrapped.hex(),
            "grant": [1, 1_700_000_000, KEY.hex()] if expect == "success" else None,
        }
        for expect, what, store, number, who, wrapped in cases
    ]


def _signed(device, reader, key_id, sealed):
    place = STORE + struct.pack(">QQ", key_id, reader.id)
    return device.sign(b"healthslm/wrap-signature/1" + place + sealed) + sealed


if __name__ == "__main__":
    VECTORS.mkdir(exist_ok=True)
    for name, made in (("seal", seal_vectors), ("wrap", wrap_vectors)):
        path = VECTORS / f"{name}.json"
        if name == "wrap" and path.exists():
            sys.exit(f"{path.name}: published already; delete it to publish another")
        path.write_text(json.dumps(made(), indent=1) + "\n")
