"""Opens vectors and whole stores, written from docs/store-format.md alone.

It shares no code with the package: what this cannot read, the page does not say.
"""

import hashlib
import hmac
import sqlite3
import struct
import unicodedata
import zlib

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand


class Refused(Exception):
    """What the page says must be refused; the text is its word for why."""


def unseal(key, label, blob):
    if len(blob) < 76 or blob[:4] != b"HSS1":
        raise Refused("bad marker")
    prk = HKDF.extract(hashes.SHA256(), blob[4:28], key)
    okm = HKDFExpand(hashes.SHA256(), 60, b"healthslm/seal/1").derive(prk)
    check = HKDFExpand(hashes.SHA256(), 16, b"healthslm/label/1" + label).derive(prk)
    if not hmac.compare_digest(okm[44:60], blob[28:44]):
        raise Refused("wrong key")
    if not hmac.compare_digest(check, blob[44:60]):
        raise Refused("wrong label")
    try:
        return ChaCha20Poly1305(okm[:32]).decrypt(okm[32:44], blob[60:], label)
    except InvalidTag:
        raise Refused("bad tag") from None


def unpack(msgpack):
    return msgspec.msgpack.decode(msgpack)


def inflate(data):
    return zlib.decompress(data, wbits=-15)


def open_wrap(store, device_public, private, key_id, blob):
    """Return (class, epoch, data key)."""
    reader, key = reader_of(private)
    place = store + struct.pack(">QQ", key_id, reader)
    if blob[:4] != b"HSW1":
        raise Refused("bad marker")
    check(device_public, blob[4:68], b"healthslm/wrap-signature/1" + place + blob[68:])
    kem, kdf = hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256
    suite = hpke.Suite(kem, kdf, hpke.AEAD.CHACHA20_POLY1305)
    try:
        grant = suite.decrypt(blob[68:], key, info=b"healthslm/wrap/1" + place)
    except InvalidTag:
        raise Refused("bad tag") from None
    return *struct.unpack(">Bq", grant[:9]), grant[9:]


def reader_of(private):
    seed = mlkem.MLKEM768PrivateKey.from_seed_bytes(private[:64])
    curve = x25519.X25519PrivateKey.from_private_bytes(private[64:])
    public = seed.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
    number = struct.unpack(">Q", hashlib.sha256(public).digest()[:8])[0] % 2**63
    return number, hpke.MLKEM768X25519PrivateKey(seed, curve)


def check(public, signature, message):
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        raise Refused("bad signature") from None


def open_identity(store, device_public, reader, record, passphrase):
    m, t, p = struct.unpack(">III", record[68:80])
    salt, place = record[80:96], store + struct.pack(">Q", reader) + record[68:96]
    check(device_public, record[4:68], b"healthslm/identity-signature/1" + place + record[96:])
    phrase = unicodedata.normalize("NFC", passphrase).encode()
    kek = Argon2id(salt=salt, length=32, iterations=t, lanes=p, memory_cost=m).derive(phrase)
    secret = unseal(kek, b"healthslm/identity/1" + place, record[96:])
    if secret[96:] != device_public:
        raise Refused("another device")
    return secret[:96]


def join(parts):
    """Return the content of opened rows."""
    heads = [struct.unpack(">QHHH", part[:14]) for part in parts]
    if len({number for number, *_ in heads}) != 1:
        raise Refused("rolled back")
    if [(i, len(parts)) for i in range(len(parts))] != [(part, n) for _, part, n, _ in heads]:
        raise Refused("lost")
    return b"".join(p[14 : 14 + used] for p, (*_, used) in zip(parts, heads, strict=True))


def samples_of(block):
    """Return the int16 samples of a block, one by one, the slow obvious way."""
    if block[0] == 0:
        return list(struct.unpack(f"<{len(block) // 2}h", block[1:]))
    planes = inflate(block[1:])
    n = len(planes) // 2
    x = [planes[i] | planes[n + i] << 8 for i in range(n)]
    x = [z >> 1 ^ -(z & 1) for z in x]
    for _ in range(block[0]):
        total, out = 0, []
        for d in x:
            total = (total + d + 2**15) % 2**16 - 2**15
            out.append(total)
        x = out
    return x


class Reader:
    """A store, read with the owner's passphrase."""

    def __init__(self, folder, passphrase):
        self.db = sqlite3.connect(folder / "vault.db")
        meta = dict(self.db.execute("SELECT name, value FROM meta"))
        if meta["format"] != b"healthslm vault 1":
            raise Refused("bad marker")
        self.store, self.device = meta["store"], meta["device"]
        (name,) = [name for name in meta if name.startswith("identity/")]
        self.reader = int(name[9:])
        self.private = open_identity(self.store, self.device, self.reader, meta[name], passphrase)
        rows = self.db.execute("SELECT id, key_id, blob FROM row WHERE id < 64 ORDER BY id")
        content = self.content(list(rows))
        self.state = unpack(inflate(content[1:]))
        key = self.key(next(self.db.execute("SELECT key_id FROM row WHERE id = 1"))[0])
        mark = (folder / "vault.mark").read_bytes()
        label = b"healthslm/mark/1" + self.store
        slots = [unseal(key, label, mark[at : at + 84]) for at in (0, 4096)]
        self.seen = max(int.from_bytes(slot, "big") for slot in slots)

    def key(self, key_id):
        query = "SELECT blob FROM wrap WHERE key_id = ? AND reader = ?"
        blob = next(self.db.execute(query, (key_id, self.reader)))[0]
        return open_wrap(self.store, self.device, self.private, key_id, blob)[2]

    def content(self, rows):
        return join([
            unseal(
                self.key(key_id),
                b"healthslm/row/1" + self.store + struct.pack(">QQH", key_id, row_id, 1),
                blob,
            )
            for row_id, key_id, blob in rows
        ])  # fmt: skip

    def contents(self, cls):
        """Yield every content of a class, oldest first."""
        levels = self.state[2].get(cls, [])
        for level in range(len(levels) - 1, -1, -1):
            for entry in levels[level]:
                yield from self.under(entry, level)

    def under(self, entry, level):
        first, parts, _, _, digest = entry
        query = "SELECT id, key_id, blob FROM row WHERE id >= ? AND id < ? ORDER BY id"
        rows = list(self.db.execute(query, (first, first + parts)))
        known = struct.pack(">Q", rows[0][1]) + b"".join(blob for _, _, blob in rows)
        if hashlib.sha256(known).digest()[:16] != digest:
            raise Refused("rolled back")
        content = self.content(rows)
        if level == 0:
            yield content
            return
        for child in unpack(inflate(content[1:])):
            yield from self.under(child, level - 1)

    def frames(self):
        """Yield (device, stream, seq, samples) of every frame."""
        for content in self.contents(1):
            lanes, blocks = unpack(content[1:])
            for lane, block in zip(unpack(inflate(lanes)), blocks, strict=True):
                samples = samples_of(block)
                for seq, _start, _t_s, _kept, count in lane[7]:
                    yield lane[0], lane[1], seq, samples[:count]
                    samples = samples[count:]

    def records(self):
        """Yield every derived record as [tag, field ...]."""
        for content in self.contents(2):
            yield from unpack(inflate(content[1:]))
