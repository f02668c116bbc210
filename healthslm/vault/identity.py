"""A reader's identity on the reader's own machine: a private key in one file, a public one to mail.

`docs/report-format.md`, "A reader's identity", is the specification.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
import unicodedata
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from healthslm.durable import write_new
from healthslm.errors import ConfigError, IntegrityError, ReaderLockedError
from healthslm.vault.readers import Profile, Reader
from healthslm.vault.seal import OVERHEAD, WrongKey, seal, unseal

KEY_SUFFIX, PUBLIC_SUFFIX = ".key", ".pub"

_MARKER = b"HSK1"
_PREFIX = "healthslm-reader-1:"
_COST = struct.Struct(">III")
_PRIVATE, _PUBLIC, _SALT, _CHECK, _SHORT = 96, 1216, 16, 16, 8
_HEAD = len(_MARKER) + _COST.size + _SALT
_BYTES = _HEAD + OVERHEAD + _PRIVATE + _CHECK


def fingerprint(public: bytes) -> str:
    """Return a public key as people compare it: eight groups of five digits, 132 bits.

    Digits, because they are read aloud alike in every language and over a bad line.

    >>> fingerprint(bytes(32))
    '59076 26765 63719 22900 91090 84953 57930 42499'
    """
    digest = hashlib.sha256(b"healthslm/fingerprint/1" + public).digest()
    return " ".join(f"{number % 100_000:05}" for number in struct.unpack(">8I", digest))


def same_fingerprint(public: bytes, told: str) -> bool:
    """Say whether a person told the whole fingerprint of a key, however they spaced it."""
    return "".join(told.replace("-", " ").split()) == fingerprint(public).replace(" ", "")


def write(base: Path, reader: Reader, passphrase: str, profile: Profile) -> tuple[Path, Path]:
    """Write BASE.key and BASE.pub, both new, durably; return their paths.

    Raises
    ------
    ConfigError
        One of them is there already: a key is never written over.
    """
    key, public = base.with_name(base.name + KEY_SUFFIX), base.with_name(base.name + PUBLIC_SUFFIX)
    for path in (key, public):
        if path.exists():
            raise ConfigError(f"{path}: is there already. Use it, or choose another name")
    key.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as undo:
        write_new(key, seal_key(reader, passphrase, profile), 0o600)
        undo.callback(key.unlink)  # a key whose public half nobody has is of no use
        write_new(public, public_line(reader.public).encode(), 0o644)
        undo.pop_all()
    return key, public


def read(path: Path, passphrase: str) -> Reader:
    """Return the reader whose private key a file holds.

    Raises
    ------
    ConfigError
        There is no such file.
    ReaderLockedError
        Wrong passphrase; or others may read the file.
    IntegrityError
        The file is damaged, or not a reader's key.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such key. `healthslm key init` makes one") from None
    if mode & 0o077:
        raise ReaderLockedError(f"{path}: others may read it; chmod 600 it first")
    return open_key(data, passphrase)


def read_public(path: Path) -> bytes:
    """Return the public key in a file that a reader sent.

    Raises
    ------
    ConfigError
        There is no such file.
    IntegrityError
        The file is damaged, or not a reader's public key.
    """
    try:
        with path.open("rb") as file:
            text = file.read(1 << 16)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file. The reader makes one: `healthslm key init`"
        ) from None
    return public_of(text.decode("ascii", "replace"))


def seal_key(reader: Reader, passphrase: str, profile: Profile) -> bytes:
    """Return a private key under a passphrase, as its file holds it."""
    head = _MARKER + profile.packed() + os.urandom(_SALT)
    body = head + seal(_kek(passphrase, head), _label(head), reader.private)
    return body + hashlib.sha256(body).digest()[:_CHECK]


def open_key(data: bytes, passphrase: str) -> Reader:
    """Undo `seal_key`; raises ReaderLockedError and IntegrityError as `read` does."""
    if data[:4] != _MARKER or len(data) != _BYTES:
        raise IntegrityError("reader's key: bad marker: not a whole key file. Use your copy of it")
    body, check = data[:-_CHECK], data[-_CHECK:]
    if hashlib.sha256(body).digest()[:_CHECK] != check:
        raise IntegrityError("reader's key: bad checksum: it is damaged. Use your copy of it")
    head = body[:_HEAD]
    if not _profile(head).acceptable():
        raise IntegrityError("reader's key: asks for more than 1 GiB, 16 passes or 16 lanes")
    try:
        secret = unseal(_kek(passphrase, head), _label(head), body[_HEAD:], "reader's key")
    except WrongKey:
        raise ReaderLockedError("wrong passphrase: it does not open this key. Try again") from None
    return Reader(secret)


def public_line(public: bytes) -> str:
    """Return a public key as one line of text that may be mailed."""
    return _PREFIX + base64.b64encode(public + _short_check(public)).decode() + "\n"


def public_of(text: str) -> bytes:
    """Undo `public_line`, white space that mail put in ignored; raises IntegrityError."""
    line = "".join(text.split())
    if not line.startswith(_PREFIX):
        raise IntegrityError("reader's public key: bad marker: not a reader's public key")
    try:
        data = base64.b64decode(line.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    public, check = data[:_PUBLIC], data[_PUBLIC:]
    if len(public) != _PUBLIC or check != _short_check(public):
        raise IntegrityError(
            "reader's public key: bad checksum: damaged on its way. Ask for it again"
        )
    return public


def _short_check(public: bytes) -> bytes:
    return hashlib.sha256(b"healthslm/reader-public/1" + public).digest()[:_SHORT]


def _profile(head: bytes) -> Profile:
    return Profile(*_COST.unpack_from(head, len(_MARKER)))


def _label(head: bytes) -> bytes:
    return b"healthslm/reader-key/1" + head[len(_MARKER) :]


def _kek(passphrase: str, head: bytes) -> bytes:
    profile = _profile(head)
    return Argon2id(
        salt=head[-_SALT:],
        length=32,
        iterations=profile.passes,
        lanes=profile.lanes,
        memory_cost=profile.memory_kib,
    ).derive(unicodedata.normalize("NFC", passphrase).encode())
