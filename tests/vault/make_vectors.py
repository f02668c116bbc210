"""Makes the vectors of the store format: `python -m tests.vault.make_vectors`.

All come out the same each time but what HPKE makes, which is random: `wrap.json`, and the wraps
in `store.json`, are made once for a version of the format, and from then on only read.
"""

import json
import struct
from pathlib import Path

from healthslm.vault.keys import Class, DataKey
from healthslm.vault.readers import wrap
from healthslm.vault.seal import row_label, seal, split

from .reproducible import (
    DEVICE,
    KEY,
    LABEL,
    OTHER,
    OWNER,
    SALT,
    STORE,
    STRANGER,
    THIEF,
    bytes_of,
    flipped,
)
from .vectors_of_contents import content_vectors
from .vectors_of_keys import key_vectors
from .vectors_of_store import store_vectors

VECTORS = Path(__file__).parents[1] / "vectors"


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
    device, reader, key_id = DEVICE, OWNER, 7
    blob = wrap(device, reader.public, DataKey(key_id, Class.RAW, 1_700_000_000, KEY))
    planted = wrap(THIEF, reader.public, DataKey(key_id, Class.RAW, 1_700_000_000, KEY))
    forged = b"HSW1" + _signed(device, reader, key_id, blob[68:-1] + bytes([blob[-1] ^ 1]))
    cases = [
        ("success", "a RAW key", STORE, key_id, reader, blob),
        ("bad marker", "another version", STORE, key_id, reader, b"HSW2" + blob[4:]),
        ("bad signature", "for another key id", STORE, 8, reader, blob),
        ("bad signature", "in another store", OTHER, key_id, reader, blob),
        ("bad signature", "for another reader", STORE, key_id, STRANGER, blob),
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


def published(name):
    """Return what stands in a file of vectors; None where there is none."""
    path = VECTORS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def text_of(vectors):
    return json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"


def all_vectors():
    """Return the vectors of each file; what is random in them is kept where it is published."""
    return {
        "seal": seal_vectors(),
        "wrap": published("wrap") or wrap_vectors(),
        "keys": key_vectors(),
        "content": content_vectors(),
        "store": store_vectors(published("store")),
    }


if __name__ == "__main__":
    for name, vectors in all_vectors().items():
        (VECTORS / f"{name}.json").write_text(text_of(vectors))
