"""The header of a damaged store: which versions of its records are true.

Pure. The device signed who reads and who owns; that tells a true record from a damaged one, and
which store and device belong together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from healthslm.errors import IntegrityError, LockedError
from healthslm.vault.database import FORMAT
from healthslm.vault.keys import Device
from healthslm.vault.readers import Unlocked, check_identity, read_reader
from healthslm.vault.rows import Unlock

Versions = Mapping[str, Sequence[bytes]]


def true_headers(found: Versions, device: Device | None) -> Iterator[dict[str, bytes]]:
    """Yield the header; several where a recovery record, which nobody signed, differs.

    found   what the files hold under each name, the newest version first.
    device  what else says which store this is.

    Raises
    ------
    IntegrityError
        Nothing that the device signed is left.
    """
    stores = [*found.get("store", ()), *([device.store_id] if device else [])]
    publics = [*found.get("device", ()), *([device.public] if device else [])]
    tried = [_signed(found, *pair) for pair in product(stores, publics)]
    best = max(tried, key=len, default={})
    if len(best) <= len(_BARE):
        raise IntegrityError(
            "the header is lost, in both its copies: no key opens a store without it; "
            "a backup can be restored"
        )
    names = [name for name in found if name.startswith("recovery/")]
    for values in product(*(found[name] for name in names)):
        yield best | dict(zip(names, values, strict=True))


_BARE = ("format", "store", "device")


def _signed(found: Versions, store_id: bytes, public: bytes) -> dict[str, bytes]:
    """Return the header of one store and device: the newest true version of each record."""
    meta = {"format": FORMAT, "store": store_id, "device": public}
    if len(store_id) != 16 or len(public) != 32:
        return {}
    for name, versions in found.items():
        kind, _, number = name.partition("/")
        check = {"reader": read_reader, "identity": check_identity}.get(kind)
        for record in versions:
            if check is None:
                break
            try:
                check(store_id, public, int(number), record)
            except IntegrityError:
                continue
            meta[name] = record
            break
    return meta


def unlocked(
    headers: Iterator[dict[str, bytes]], unlock: Unlock
) -> tuple[dict[str, bytes], Unlocked]:
    """Return the header that a secret opens, and whom it opens it for.

    Raises
    ------
    LockedError
        It is not the secret of this store.
    IntegrityError
        It could be, but its record is lost or altered in every version.
    """
    failed: IntegrityError | None = None
    for meta in headers:
        try:
            return meta, unlock(meta)
        except LockedError:
            raise
        except IntegrityError as error:
            failed = error
    raise failed or IntegrityError("the header is lost")
