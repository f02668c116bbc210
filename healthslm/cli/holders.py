"""Who can open the store, and what of it: as rows for people, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from healthslm.cli import console
from healthslm.review.timeline import iso

if TYPE_CHECKING:
    from healthslm.vault import Store
    from healthslm.vault.keys import Class
    from healthslm.vault.readers import Grantee

HOUR_S, DAY_S = 3600, 86_400

OPENS = {
    "raw": "waveforms",
    "derived": "beats, figures, findings and texts",
    "audit": "who opened the store, and when",
    "state": "what the daemon goes on from",
}
BY = {"owner": "everything, with the passphrase", "recovery": "everything, with the words on paper"}


def gathered(store: Store, zone: str) -> list[dict[str, Any]]:
    """Return every reader that the sealed state names, as plain data.

    Raises
    ------
    IntegrityError
        The public key of one is lost, or was altered.
    """
    from healthslm.vault import consent, identity

    return [
        {
            "name": reader.name or reader.role,
            "role": reader.role,
            "reads": [cls.name.lower() for cls in classes(reader)],
            "since": iso(reader.since_s, zone) if reader.since_s else None,
            "until": None if reader.until_s is None else iso(reader.until_s, zone),
            "fingerprint": identity.fingerprint(store.rows.keys.public_of(reader.id)),
        }
        for reader in consent.readers(store)
    ]


def classes(reader: Grantee) -> list[Class]:
    """Return what a reader may read, waveforms first."""
    from healthslm.vault.keys import Class

    return [cls for cls in Class if reader.classes & 1 << cls]


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Write them for people: name, what they can open, and the fingerprint to compare."""
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        lines = [line for text in told(row) for line in folded(text, 76 - width)]
        first, *rest = [*lines, row["fingerprint"]]
        console.out(f"  {row['name']:<{width}}  {first}")
        for line in rest:
            console.out(f"  {'':<{width}}  {line}")


def told(row: dict[str, Any]) -> list[str]:
    """Return in words what a reader can open."""
    if row["role"] in BY:
        return [BY[row["role"]]]
    if not row["reads"]:
        return ["nothing: no consent stands"]
    lines = [OPENS[name] for name in row["reads"]]
    if row["since"]:
        lines.append(f"of what was recorded since {clock(row['since'])}")
    if row["until"]:
        lines.append(f"until {clock(row['until'])}; from then on nothing")
    return lines


def clock(time: str) -> str:
    """Return an ISO time as people read it, to the minute."""
    return time[:16].replace("T", " ")


def first_key_s(cls: Class, since_s: float) -> int:
    """Return when the first data key that a grant opens begins: an hour or a day, UTC."""
    from healthslm.vault.keys import Class

    span_s = HOUR_S if cls is Class.RAW else DAY_S
    return int(-(-since_s // span_s) * span_s)


def folded(text: str, width: int) -> list[str]:
    """Return a text as lines."""
    return click.wrap_text(text, max(width, 20)).splitlines()
