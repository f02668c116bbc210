"""Vectors of what holds keys: records of readers, identities, sheets, the device's file."""

import struct
import unicodedata

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from healthslm.vault import recovery
from healthslm.vault.readers import reader_record

from .reproducible import (
    DEVICE,
    OTHER,
    OWNER,
    PASSPHRASE,
    SECOND,
    SECRET,
    SHEET,
    STORE,
    STRANGER,
    THIEF,
    bytes_of,
    flipped,
    sealed,
)

ANOTHER = bytes_of("another", 32)
LEAST = (32, 1, 1)  # KiB, passes and lanes of Argon2id: of the tests


def key_vectors():
    return [
        *reader_vectors(),
        *identity_vectors(),
        *sheet_vectors(),
        *recovery_vectors(),
        *device_vectors(),
    ]


def u64(*numbers):
    return struct.pack(f">{len(numbers)}Q", *numbers)


def reader_vectors():
    record = reader_record(DEVICE, OWNER.public)
    planted = reader_record(THIEF, OWNER.public)
    misnamed = DEVICE.sign(b"healthslm/reader/2" + STORE + u64(SECOND.id) + OWNER.public)
    cases = [
        ("success", "a reader", STORE, OWNER.id, record),
        ("bad marker", "another version", STORE, OWNER.id, b"HSP1" + record[4:]),
        ("bad marker", "a byte cut off", STORE, OWNER.id, record[:-1]),
        ("bad signature", "in another store", OTHER, OWNER.id, record),
        ("bad signature", "as another reader", STORE, SECOND.id, record),
        ("bad signature", "planted by another device", STORE, OWNER.id, planted),
        ("bad signature", "a flipped byte", STORE, OWNER.id, flipped(record, 700)),
        (
            "wrong label",
            "signed for another id",
            STORE,
            SECOND.id,
            b"HSP2" + misnamed + record[68:],
        ),
    ]
    return [
        {
            "kind": "reader",
            "expect": expect,
            "what": what,
            "store": store.hex(),
            "device_public": DEVICE.public.hex(),
            "reader": str(reader),
            "record": made.hex(),
            "public": OWNER.public.hex() if expect == "success" else None,
        }
        for expect, what, store, reader, made in cases
    ]


def identity(*, cost=LEAST, trusted=DEVICE, signer=DEVICE):
    """Return an identity of the owner, made by hand."""
    m, t, p = LEAST if max(cost[1:]) > 16 or cost[0] > 1 << 20 else cost
    salt, packed = bytes_of("argon2 salt", 16), struct.pack(">III", *cost)
    place = STORE + u64(OWNER.id) + packed + salt
    phrase = unicodedata.normalize("NFC", PASSPHRASE).encode()
    kek = Argon2id(salt=salt, length=32, iterations=t, lanes=p, memory_cost=m).derive(phrase)
    body = sealed(kek, b"healthslm/identity/1" + place, OWNER.private + trusted.public)
    signature = signer.sign(b"healthslm/identity-signature/1" + place + body)
    return b"HSI1" + signature + packed + salt + body


def identity_vectors():
    good, apart = identity(), unicodedata.normalize("NFD", PASSPHRASE)
    stolen, wrong = identity(signer=THIEF), "ein Löffel Salz"
    cases = [
        ("success", "an owner", STORE, DEVICE, good, PASSPHRASE),
        ("success", "accents typed apart", STORE, DEVICE, good, apart),
        ("success", "a higher cost", STORE, DEVICE, identity(cost=(64, 2, 2)), PASSPHRASE),
        ("wrong key", "a wrong passphrase", STORE, DEVICE, good, wrong),
        ("bad marker", "another version", STORE, DEVICE, b"HSI2" + good[4:], PASSPHRASE),
        ("bad marker", "cut short", STORE, DEVICE, good[:95], PASSPHRASE),
        ("bad signature", "a flipped cost", STORE, DEVICE, flipped(good, 71), PASSPHRASE),
        ("bad signature", "a flipped salt", STORE, DEVICE, flipped(good, 80), PASSPHRASE),
        ("bad signature", "a flipped seal", STORE, DEVICE, flipped(good, 200), PASSPHRASE),
        ("bad signature", "in another store", OTHER, DEVICE, good, PASSPHRASE),
        ("bad signature", "beside another device's key", STORE, THIEF, good, PASSPHRASE),
        ("another device", "signed anew by a thief's", STORE, THIEF, stolen, PASSPHRASE),
        *(
            ("asks for too much", f"{m} KiB, {t} passes, {p} lanes", STORE, DEVICE,
             identity(cost=(m, t, p)), PASSPHRASE)
            for m, t, p in (((1 << 20) + 1, 1, 1), (32, 17, 1), (1024, 1, 17))
        ),
    ]  # fmt: skip
    return [
        {
            "kind": "identity",
            "expect": expect,
            "what": what,
            "store": store.hex(),
            "device_public": device.public.hex(),
            "reader": str(OWNER.id),
            "record": record.hex(),
            "passphrase": phrase,
            "private": OWNER.private.hex() if expect == "success" else None,
        }
        for expect, what, store, device, record, phrase in cases
    ]


def sheet_vectors():
    words, zeros = recovery.words(SHEET), recovery.words(bytes(32))
    cases = [
        ("success", "a secret", " ".join(words), SHEET),
        ("success", "nothing but zeros", " ".join(zeros), bytes(32)),
        ("success", "capitals, hyphens and lines", "-\n".join(words).upper(), SHEET),
        ("not a sheet", "a word too few", " ".join(words[:-1]), None),
        ("not a sheet", "a word too many", " ".join([*words, "babab"]), None),
        ("not a sheet", "a letter that none has", " ".join(["babac", *words[1:]]), None),
        ("not a sheet", "a vowel for a consonant", " ".join(["abbab", *words[1:]]), None),
        ("not a sheet", "two words changed over", " ".join([words[1], words[0], *words[2:]]), None),
        ("not a sheet", "another last word", " ".join([*words[:-1], "babab"]), None),
    ]
    return [
        {
            "kind": "sheet",
            "expect": expect,
            "what": what,
            "words": typed,
            "secret": None if secret is None else secret.hex(),
        }
        for expect, what, typed, secret in cases
    ]


def trust(store=STORE, trusted=DEVICE, sheet=SHEET):
    """Return by hand what says which device a sheet trusts."""
    key = HKDF(SHA256(), 32, None, b"healthslm/recovery/trust/1").derive(sheet)
    return sealed(key, b"healthslm/recovery/1" + store + u64(SECOND.id), trusted.public)


def recovery_vectors():
    good = trust()
    cases = [
        ("success", "a sheet", DEVICE, good, SECOND.id),
        ("another device", "the device's key changed", THIEF, good, SECOND.id),
        ("another sheet", "a record of another's", DEVICE, good, STRANGER.id),
        ("wrong key", "the seal of another sheet", DEVICE, trust(sheet=ANOTHER), SECOND.id),
        ("wrong label", "the seal of another store", DEVICE, trust(store=OTHER), SECOND.id),
        ("bad tag", "a flipped byte", DEVICE, flipped(good, 80), SECOND.id),
        ("bad marker", "another version", DEVICE, b"HSS2" + good[4:], SECOND.id),
    ]
    return [
        {
            "kind": "recovery",
            "expect": expect,
            "what": what,
            "store": STORE.hex(),
            "device_public": device.public.hex(),
            "secret": SHEET.hex(),
            "reader": str(reader),
            "record": record.hex(),
            "private": SECOND.private.hex() if expect == "success" else None,
        }
        for expect, what, device, record, reader in cases
    ]


def device_vectors():
    file = b"HSD1" + STORE + SECRET
    blob = sealed(
        DEVICE.wrap_key,
        b"healthslm/device-wrap/1" + STORE + u64(7, 0),
        struct.pack(">Bq", 2, 86_400) + ANOTHER,
    )
    cases = [
        ("success", "a wrap of the device's own", file, 7, blob),
        ("wrong label", "for another key id", file, 8, blob),
        ("wrong label", "of another store", b"HSD1" + OTHER + SECRET, 7, blob),
        ("wrong key", "of another device", file[:-1] + b"\0", 7, blob),
        ("bad tag", "a flipped byte", file, 7, flipped(blob, 100)),
        ("bad marker", "a reader's wrap", file, 7, b"HSW1" + blob[4:]),
        ("bad marker", "another version of the file", b"HSD2" + file[4:], 7, blob),
        ("bad marker", "a file cut short", file[:-1], 7, blob),
        ("bad marker", "a file too long", file + b"\n", 7, blob),
    ]
    return [
        {
            "kind": "device",
            "expect": expect,
            "what": what,
            "file": held.hex(),
            "key_id": key_id,
            "blob": wrapped.hex(),
            "public": DEVICE.public.hex() if expect == "success" else None,
            "grant": [2, 86_400, ANOTHER.hex()] if expect == "success" else None,
        }
        for expect, what, held, key_id, wrapped in cases
    ]
