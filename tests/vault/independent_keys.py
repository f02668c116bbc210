"""Opens whatever is sealed or signed, written from docs/store-format.md alone.

It shares no code with the package: what this cannot read, the page does not say.
"""

import hashlib
import hmac
import struct
import unicodedata

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand


class Refused(Exception):
    """What the page says must be refused; the text is its word for why."""


def require(true, why):
    if not true:
        raise Refused(why)


def u64(*numbers):
    return struct.pack(f">{len(numbers)}Q", *numbers)


def unseal(key, label, blob):
    require(len(blob) >= 76 and blob[:4] == b"HSS1", "bad marker")
    prk = HKDF.extract(hashes.SHA256(), blob[4:28], key)
    okm = HKDFExpand(hashes.SHA256(), 60, b"healthslm/seal/1").derive(prk)
    label_check = HKDFExpand(hashes.SHA256(), 16, b"healthslm/label/1" + label).derive(prk)
    require(hmac.compare_digest(okm[44:60], blob[28:44]), "wrong key")
    require(hmac.compare_digest(label_check, blob[44:60]), "wrong label")
    try:
        return ChaCha20Poly1305(okm[:32]).decrypt(okm[32:44], blob[60:], label)
    except InvalidTag:
        raise Refused("bad tag") from None


def verify(public, signature, message):
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        raise Refused("bad signature") from None


def expand(secret, info, length=32):
    return HKDF(hashes.SHA256(), length, None, info).derive(secret)


def grant(packed):
    """Return (class, epoch, data key)."""
    return *struct.unpack(">Bq", packed[:9]), packed[9:]


def keys_of(private):
    """Return a reader's id, public key and HPKE private key."""
    seed = mlkem.MLKEM768PrivateKey.from_seed_bytes(private[:64])
    curve = x25519.X25519PrivateKey.from_private_bytes(private[64:])
    public = seed.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
    return reader_id(public), public, hpke.MLKEM768X25519PrivateKey(seed, curve)


def reader_id(public):
    return int.from_bytes(hashlib.sha256(public).digest()[:8], "big") % 2**63


def open_wrap(store, device_public, private, key_id, blob):
    reader, _, key = keys_of(private)
    place = store + u64(key_id, reader)
    require(blob[:4] == b"HSW1", "bad marker")
    verify(device_public, blob[4:68], b"healthslm/wrap-signature/1" + place + blob[68:])
    kem, kdf = hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256
    suite = hpke.Suite(kem, kdf, hpke.AEAD.CHACHA20_POLY1305)
    try:
        return grant(suite.decrypt(blob[68:], key, info=b"healthslm/wrap/1" + place))
    except InvalidTag:
        raise Refused("bad tag") from None


def open_device_key(file):
    """Return store id, device wrap key and device public key."""
    require(len(file) == 52 and file[:4] == b"HSD1", "bad marker")
    signer = expand(file[20:], b"healthslm/device/sign/1")
    public = ed25519.Ed25519PrivateKey.from_private_bytes(signer).public_key().public_bytes_raw()
    return file[4:20], expand(file[20:], b"healthslm/device/wrap/1"), public


def open_device_wrap(store, wrap_key, key_id, blob):
    return grant(unseal(wrap_key, b"healthslm/device-wrap/1" + store + u64(key_id, 0), blob))


def open_reader(store, device_public, reader, record):
    """Return the public key of a reader."""
    require(record[:4] == b"HSP2" and len(record) == 68 + 1216, "bad marker")
    place = b"healthslm/reader/2" + store + u64(reader)
    verify(device_public, record[4:68], place + record[68:])
    require(reader_id(record[68:]) == reader, "wrong label")
    return record[68:]


def open_identity(store, device_public, reader, record, passphrase):
    """Return the owner's private key."""
    require(record[:4] == b"HSI1" and len(record) >= 96, "bad marker")
    m, t, p = struct.unpack(">III", record[68:80])
    place = store + u64(reader) + record[68:96]
    verify(device_public, record[4:68], b"healthslm/identity-signature/1" + place + record[96:])
    require(m <= 2**20 and t <= 16 and p <= 16, "asks for too much")
    phrase = unicodedata.normalize("NFC", passphrase).encode()
    kek = Argon2id(salt=record[80:96], length=32, iterations=t, lanes=p, memory_cost=m)
    secret = unseal(kek.derive(phrase), b"healthslm/identity/1" + place, record[96:])
    require(secret[96:] == device_public, "another device")
    return secret[:96]


def secret_of(words):
    """Return the secret that a recovery sheet holds in words."""
    numbers = []
    for word in words.lower().replace("-", " ").split():
        number, letters = 0, ["bdfghjklmnprstvz", "aiou"] * 2 + ["bdfghjklmnprstvz"]
        require(len(word) == 5 and all(map(str.__contains__, letters, word)), "not a sheet")
        for letter, of in zip(word, letters, strict=True):
            number = number * len(of) + of.index(letter)
        numbers.append(number)
    require(len(numbers) == 18, "not a sheet")
    data = struct.pack(">18H", *numbers)
    check = hashlib.sha256(b"healthslm/sheet/1" + data[:32]).digest()[:4]
    require(data[32:] == check, "not a sheet")
    return data[:32]


def open_recovery(store, device_public, secret, meta):
    """Return the recovery sheet's private key."""
    private = expand(secret, b"healthslm/recovery/1", 96)
    reader, _, _ = keys_of(private)
    require(f"recovery/{reader}" in meta or f"reader/{reader}" not in meta, "lost")
    require(f"recovery/{reader}" in meta, "another sheet")
    key = expand(secret, b"healthslm/recovery/trust/1")
    label = b"healthslm/recovery/1" + store + u64(reader)
    trusted = unseal(key, label, meta[f"recovery/{reader}"])
    require(trusted == device_public, "another device")
    return private


def newest_mark(mark, key, store):
    seen = []
    for at in (0, 4096):
        try:
            slot = unseal(key, b"healthslm/mark/1" + store, mark[at : at + 84])
        except Refused:
            continue
        seen.append(int.from_bytes(slot, "big"))
    require(seen, "lost")
    return max(seen)
