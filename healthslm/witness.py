"""What a reader's machine remembers of each device, so that an old report is known for one.

One small file for each store, written before a report is shown: the device's key, pinned when
its fingerprint was confirmed, and the counter and audit checkpoint of the newest report.
`docs/report-format.md`, "Opening", is the specification.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from healthslm.durable import replace, sync
from healthslm.errors import IntegrityError, ReportError
from healthslm.share import envelope
from healthslm.share.envelope import Head, Opened
from healthslm.share.schema import Body
from healthslm.vault.identity import same_fingerprint

KEPT = 400  # digests of reports that may be shown again: more than a year of daily ones

Confirm = Callable[[bytes], str | None]
"""Asked for the fingerprint that the owner's device shows; given the key that the report names."""


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of one device."""

    device: bytes  # its public key, pinned
    counter: int = 0  # of the newest report
    audit_size: int = 0
    audit_hash: bytes = b""
    reports: tuple[bytes, ...] = ()  # digests of those that were shown, oldest first


@dataclass(frozen=True, slots=True)
class Read:
    """A report that passed every check."""

    head: Head
    body: Body
    seen: Seen  # what is to be remembered from now on
    missing: int  # reports before this one that never came here
    again: bool  # it was shown here before


def judge(opened: Opened, known: Seen | None, told: Confirm, *, again: bool = False) -> Read:
    """Return a report that is genuine and new, with what is to be remembered of it. Pure.

    known  what is remembered of the store that it names; None: nothing.
    again  let a report pass that was shown here before.

    Raises
    ------
    ReportError
        It is refused; the reason says why.
    """
    seen = _pinned(opened, known, told)
    head, body = envelope.verified(opened, seen.device)
    if again and opened.digest in seen.reports:
        return Read(head, body, seen, 0, again=True)
    if head.counter <= seen.counter:
        raise ReportError(
            "replayed", "it, or a newer one, was opened here before. Look for a newer report"
        )
    size, newest = head.audit
    forked = size == seen.audit_size and newest != seen.audit_hash
    if size < seen.audit_size or forked:
        raise ReportError(
            "rolled back",
            "its store is older than it was at the last report: perhaps an old copy was put "
            "back. Ask the owner before you rely on it",
        )
    reports = (*seen.reports, opened.digest)[-KEPT:]
    after = Seen(seen.device, head.counter, size, newest, reports)
    return Read(head, body, after, head.counter - seen.counter - 1, again=False)


def _pinned(opened: Opened, known: Seen | None, told: Confirm) -> Seen:
    if known is not None:
        if opened.device_public != known.device:
            raise ReportError(
                "unknown device",
                "it names a store that is known here, but another device. Ask the owner",
            )
        return known
    fingerprint = told(opened.device_public)
    if fingerprint is None or not same_fingerprint(opened.device_public, fingerprint):
        raise ReportError(
            "unknown device",
            "it was not confirmed. Compare the fingerprint with the one that the owner's device "
            "shows, and give that with --trust",
        )
    return Seen(opened.device_public)


def recall(folder: Path, store_id: bytes) -> Seen | None:
    """Return what is remembered of a store; None where it was never met.

    Raises
    ------
    IntegrityError
        The file is damaged: without it an old report cannot be told from a new one.
    """
    path = _path(folder, store_id)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Seen)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, ValueError):
        raise IntegrityError(
            f"{path}: damaged, so that an old report cannot be told from a new one. Put your copy "
            "back; without one, remove it and confirm the device's fingerprint again"
        ) from None


def remember(folder: Path, store_id: bytes, seen: Seen) -> None:
    """Write what is remembered of a store, durably: the old file or the new, never neither."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _path(folder, store_id)
    replace(path, msgspec.json.format(msgspec.json.encode(seen)) + b"\n", 0o600)
    sync(folder)


def _path(folder: Path, store_id: bytes) -> Path:
    return folder / f"{store_id.hex()}.json"
