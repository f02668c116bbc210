"""The recovery sheet: a second key to everything, written as words on paper.

Pure but for the fresh secret. `docs/store-format.md`, "Recovery", is the specification.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Mapping

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from healthslm.errors import IntegrityError, SheetError
from healthslm.vault.keys import Device
from healthslm.vault.readers import Reader, Unlocked
from healthslm.vault.seal import WrongKey, seal, unseal

SECRET_BYTES = 32
WORDS = 18
_CHECK_BYTES = 4
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"  # proquint, Wilkerson 2009, arXiv:0901.4016


def new_secret() -> bytes:
    """Return what a new sheet holds."""
    return os.urandom(SECRET_BYTES)


def words(secret: bytes) -> list[str]:
    """Return the 18 words that stand on the sheet: the secret, and a check of it."""
    numbers = struct.unpack(f">{WORDS}H", secret + _check(secret))
    return [_word(number) for number in numbers]


def read(text: str) -> bytes:
    """Return the secret in words as a person typed them.

    Raises
    ------
    SheetError
        A word is none of a sheet's, there are not 18, or they do not belong together: says which,
        never what was typed.
    """
    typed = text.casefold().replace("-", " ").split()
    if len(typed) != WORDS:
        raise SheetError(f"the sheet has {WORDS} words, and {len(typed)} were given")
    wrong = [str(n) for n, word in enumerate(typed, 1) if _number(word) is None]
    if wrong:
        raise SheetError(f"word {', '.join(wrong)} is none that stands on a sheet")
    data = struct.pack(f">{WORDS}H", *(_number(word) or 0 for word in typed))
    secret, check = data[:SECRET_BYTES], data[SECRET_BYTES:]
    if not hmac.compare_digest(check, _check(secret)):
        raise SheetError("the words do not belong together: one is wrong, or two are swapped")
    return secret


def is_word(text: str) -> bool:
    """Say whether a word may stand on a sheet."""
    return _number(text.casefold()) is not None


def reader(secret: bytes) -> Reader:
    """Return the reader whose private key a sheet holds."""
    return Reader(_expand(secret, b"healthslm/recovery/1", 96))


def trust_record(device: Device, secret: bytes) -> bytes:
    """Return the record by which a sheet knows the device that it trusts."""
    where = _place(device.store_id, reader(secret).id)
    return seal(_expand(secret, b"healthslm/recovery/trust/1", 32), where, device.public)


def unlock(meta: Mapping[str, bytes], secret: bytes) -> Unlocked:
    """Return the reader that a sheet opens a store for.

    Raises
    ------
    SheetError
        The sheet is not of this store, or a newer one has taken its place.
    IntegrityError
        The device's public key in the header is not the one that the sheet trusts.
    """
    found = reader(secret)
    record = meta.get(f"recovery/{found.id}")
    if record is None and f"reader/{found.id}" in meta:
        raise IntegrityError("recovery: lost: nothing says which device the sheet trusts")
    if record is None:
        raise SheetError("this sheet does not open this store: it is of another, or a newer one is")
    key = _expand(secret, b"healthslm/recovery/trust/1", 32)
    try:
        trusted = unseal(key, _place(meta["store"], found.id), record, "recovery")
    except WrongKey:
        raise IntegrityError("recovery: altered: it no longer says which device to trust") from None
    if trusted != meta["device"]:
        raise IntegrityError("meta device: not the device that this sheet trusts")
    return Unlocked(found, whole=True)


def _place(store_id: bytes, reader_id: int) -> bytes:
    return b"healthslm/recovery/1" + store_id + struct.pack(">Q", reader_id)


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(b"healthslm/sheet/1" + secret).digest()[:_CHECK_BYTES]


def _expand(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, None, info).derive(secret)


def _word(number: int) -> str:
    c1, v1, c2, v2, c3 = (
        number >> 12,
        number >> 10 & 3,
        number >> 6 & 15,
        number >> 4 & 3,
        number & 15,
    )
    return _CONSONANTS[c1] + _VOWELS[v1] + _CONSONANTS[c2] + _VOWELS[v2] + _CONSONANTS[c3]


def _number(word: str) -> int | None:
    """Undo `_word`; None for what is none."""
    if len(word) != 5:
        return None
    number = 0
    for place, letter in enumerate(word):
        letters, bits = (_VOWELS, 2) if place % 2 else (_CONSONANTS, 4)
        if letter not in letters:
            return None
        number = number << bits | letters.index(letter)
    return number
