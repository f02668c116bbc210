"""What the store gives out for one report: never a key, only what it takes to write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Release:
    """One report that may leave, already counted and on the audit trail."""

    store_id: bytes  # 16
    reader_id: int
    public: bytes  # the reader's, 1216
    counter: int  # 1, 2, 3 ... for this reader
    audit: tuple[int, bytes]  # entries so far, this release among them; hash of the newest (32)
    device_public: bytes  # 32
    sign: Callable[[bytes], bytes] = field(repr=False, compare=False)  # Ed25519, by the device
