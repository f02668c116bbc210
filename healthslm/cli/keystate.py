"""Which keys a store has: what `healthslm key status` shows, and a sheet made anew."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthslm.cli import console, holders, sheet
from healthslm.cli.place import Place
from healthslm.errors import DeviceKeyError

if TYPE_CHECKING:
    from healthslm.vault import Store

UNFINISHED = {
    "": "nothing",
    "erasure": "an erasure stopped half way: the same `healthslm erase` again ends it",
    "new data keys": "new data keys stopped half way: `healthslm key rotate --data` ends it",
}


def gathered(place: Place) -> tuple[dict[str, Any], DeviceKeyError | None]:
    """Return what there is to say, and what is wrong with the board's own key.

    Raises
    ------
    LockedError, IntegrityError, ConfigError
        There is no store, or it was altered.
    """
    from healthslm.vault import Store

    try:
        store = Store.open(place.folder)
    except DeviceKeyError as error:
        return _header(place.folder, error), error
    with store:
        return _whole(store, place), None


def _whole(store: Store, place: Place) -> dict[str, Any]:
    from healthslm.vault import identity
    from healthslm.vault.keys import Class

    head = store.rows.head()
    known = store.rows.chapters(head)
    keys = {cls.name.lower(): sum(c.cls == cls for c in known) for cls in Class}
    readers = holders.gathered(store, place.zone)
    return {
        "folder": str(place.folder),
        "device_key": "right",
        "device_fingerprint": identity.fingerprint(store.rows.device_public),
        "protection": store.protection,
        "data_keys": keys | {"state": 1},
        "sheet": any(row["role"] == "recovery" for row in readers),
        "readers": readers,
        "unfinished": head.job,
    }


def _header(folder: Path, error: DeviceKeyError) -> dict[str, Any]:
    """Return what can be said without the board's own key: the clear header names nobody."""
    from healthslm.vault import identity
    from healthslm.vault.database import DATABASE, connect, read_meta

    with closing(connect(folder / DATABASE)) as db:
        meta = read_meta(db)
    return {
        "folder": str(folder),
        "device_key": error.state,
        "device_fingerprint": identity.fingerprint(meta["device"]),
        "protection": None,
        "data_keys": None,
        "sheet": any(name.startswith("recovery/") for name in meta),
        "readers": None,
        "unfinished": None,
    }


def show(data: dict[str, Any]) -> None:
    """Write it for people."""
    keys = data["data_keys"]
    console.out(console.bold(data["folder"]))
    rows = [("board's key", data["device_key"]), ("fingerprint", data["device_fingerprint"])]
    if keys is not None:
        words = (
            f"{sum(keys.values()):,}: {keys['raw']:,} of waveforms, {keys['derived']:,} of "
            f"records, {keys['audit']:,} of the audit trail, 1 of the state"
        )
        rows += [
            *_rows("kept in", data["protection"]),
            *_rows("data keys", words),
        ]
    paper = "there is one; `healthslm key recover --rehearse` tries it"
    rows.append(("sheet", paper if data["sheet"] else "none: `healthslm key rotate --sheet`"))
    if data["unfinished"] is not None:
        rows += _rows("unfinished", unfinished(data["unfinished"]))
    console.pairs(rows)
    console.out()
    if data["readers"] is None:
        console.out("Who can open it is sealed: the board's own key is needed to tell.")
        return
    console.out(console.bold("Who can open it"))
    holders.show(data["readers"])


def unfinished(job: str) -> str:
    """Return in words what was begun and is not done."""
    return UNFINISHED.get(job, job)


def _rows(name: str, text: str) -> list[tuple[str, str]]:
    first, *rest = holders.folded(text, 64)
    return [(name, first), *(("", line) for line in rest)]


def new_sheet(store: Store, folder: Path) -> None:
    """Show a new sheet, have two of its words read back, and let it open the store from now on."""
    from healthslm.vault import recovery, rekey

    secret = recovery.new_secret()
    sheet.hand_over(secret, folder)
    rekey.change_sheet(store, secret, now_s=time.time())
    console.out("The new sheet opens the store. Burn the old one, if there was one.")
