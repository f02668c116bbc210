"""`healthslm status`: what the store holds, and how it is protected."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from healthslm import config
from healthslm.cli import console, keystate
from healthslm.cli.model import checked
from healthslm.cli.place import DAY_S, Place, find
from healthslm.errors import ModelError
from healthslm.language import reasons, voice, writer
from healthslm.review.timeline import iso, lasting

if TYPE_CHECKING:
    from healthslm.records import Finding
    from healthslm.vault import Store

RECORDS = {
    "beat": "beats",
    "vital": "vitals",
    "finding": "findings told",
    "gap": "gaps",
    "summary": "summaries",
    "alert": "alerts",
}

# The daemon's words for what it did with a message; every other word is why it refused one.
TAKEN = {
    "taken": "taken",
    "repeat": "came twice, kept once",
    "wait": "came too early, asked for again",
    "gap": "after a gap",
    "overlap": "kept, but from a clock that went back",
    "fault": "kept, but the analysis failed",
}
# ... and with texts.
TEXTS = {"summary": "written", "by template": "by_template", "no summary": "failed"}
KEPT = ("raw_days", "derived_days", "audit_days", "quota_mb", "reserve_mb")
RECENT_S = 2 * DAY_S  # a text a day: that of the day before is among them

NO_MODEL = {"folder": "", "name": "none", "ok": False, "hash": "", "files": {}}


@click.command("status")
@console.store
@console.as_json
def command(store: Path, json_: bool) -> None:
    """Say what the store holds, and how it is protected.

    It needs the board's own key, not your passphrase, and shows no measurement.
    """
    place = find(store)
    data = gathered(place, time.time())
    if json_:
        console.emit("status", data)
    else:
        show(data)


def gathered(place: Place, now_s: float) -> dict[str, Any]:
    """Return everything `status` shows, as plain data."""
    from healthslm import ingest, ledger
    from healthslm.vault import consent

    with place.open() as store:
        counts, state, protection = store.counts(), store.state(), store.protection
        readers, job = len(consent.readers(store)), store.rows.head().job
        texts = told(store, state, place.zone)
    intake, newest_s, words = ingest.Intake(), None, {}
    if state is not None:
        known = ledger.read(state)
        intake.restore(known.intake)
        newest_s, words = known.data_s or None, dict(ledger.counters(state))
    refused = {w: n for w, n in words.items() if w not in TAKEN and w not in TEXTS}
    written_s = (place.folder / "vault.mark").stat().st_mtime
    return {
        "folder": str(place.folder),
        "protection": protection,
        "readers": readers,
        "unfinished": job,
        "kept": {name: getattr(place.config.store, name) for name in KEPT},
        "rows": counts["rows"],
        "bytes_sealed": counts["bytes"],
        "commits": counts["commits"],
        "written_s_ago": round(max(now_s - written_s, 0.0), 1),
        "newest_sample_s_ago": None if newest_s is None else round(now_s - newest_s, 1),
        "frames": counts["frames"],
        "records": {name: counts.get(name, 0) for name in RECORDS},
        "streams": {
            name: {"boot": boot, "frames": due} for name, (boot, due) in intake.due().items()
        },
        "messages": {word: words.get(word, 0) for word in TAKEN},
        "refused": refused,
        "set_aside": counts["set_aside"],
        "model": model(place.model),
        "voice": speaker(place),
        "texts": texts,
    }


def speaker(place: Place) -> dict[str, Any]:
    """Return under which user the model makes its words."""
    socket = config.voice(place.config)
    daemon = (place.folder / "vault.db").stat().st_uid
    uid = voice.user(socket, writer.MODEL_S) if socket else None
    if socket is None:
        words = "made in a child of the daemon, under its user: [voice] names no socket"
    elif uid is None:
        words = (
            "made in a child of the daemon, under its user: nobody answers at the socket of "
            "[voice], or not to this user"
        )
    elif uid == daemon:
        words = f"made behind a socket, but under the daemon's own user ({uid})"
    else:
        words = f"made under a user of their own ({uid}), without store, keys and network"
    apart = uid is not None and uid != daemon
    return {"socket": str(socket or ""), "uid": uid, "own_user": apart, "words": words}


def model(folder: Path | None) -> dict[str, Any]:
    """Return whether the model can speak."""
    if folder is None:
        return NO_MODEL | {"reason": reasons.means("none")}
    data = {k: v for k, v in checked(folder).items() if k != "manifest"}
    if data["ok"]:
        try:
            writer.identity(folder)
        except ModelError as error:
            return data | {"ok": False, "reason": reasons.means(str(error))}
    return data


def told(store: Store, state: bytes | None, zone: str) -> dict[str, Any]:
    """Return how many texts the daemon wrote, and why the template did, where a model should."""
    from healthslm import ledger, summaries

    counted: Mapping[str, int] = ledger.counters(state) if state else {}
    data: dict[str, Any] = {name: counted.get(word, 0) for word, name in TEXTS.items()}
    failed: tuple[Finding, ...] = ()
    if state and data["by_template"]:
        failed = summaries.failed(store.derived(ledger.read(state).data_s - RECENT_S))
    rows = [
        {
            "start": iso(f.t0_s, zone),
            "end": iso(f.t1_s, zone),
            "reason": summaries.why(f),
        }
        for f in failed
    ]
    return data | {"recent": rows}


def show(data: dict[str, Any]) -> None:
    """Write it for people."""
    model = data["model"]
    verdict = "files match their hashes" if model["ok"] else f"not usable: {model['reason']}"
    named = [part for part in (model["name"], model["hash"][:12]) if part]
    ago = lasting(data["written_s_ago"])
    records = [f"{data['records'][name]:,} {words}" for name, words in RECORDS.items()]
    console.out(console.bold(data["folder"]))
    console.pairs(
        [
            *folded("protection", data["protection"]),
            (
                "sealed",
                f"{console.size(data['bytes_sealed'])} in {data['rows']:,} rows; "
                f"{console.count(data['commits'], 'commit')}, the last {ago} ago",
            ),
            *folded("ever sealed", ", ".join([f"{data['frames']:,} frames", *records])),
            *folded("keeps", kept(data["kept"])),
            *opened(data["readers"], data["unfinished"]),
            *folded("model", f"{' '.join(named)}: {verdict}"),
            *folded("words", data["voice"]["words"]),
            *folded("texts", worded(data["texts"])),
        ]
    )
    if data["streams"]:
        console.out()
        rows = [
            (name, f"{line['frames']:,}", str(line["boot"]))
            for name, line in sorted(data["streams"].items())
        ]
        console.table(("stream", "frames", "boot"), rows, right="frames boot")
    traffic(data)


def kept(limits: dict[str, int]) -> str:
    """Return how much the store keeps, in words."""
    return (
        f"{limits['raw_days']} days of waveforms, {limits['derived_days']} of records, "
        f"{limits['audit_days']} of the audit trail; at most {limits['quota_mb']:,} MB, and "
        f"{limits['reserve_mb']:,} MB of the disk stay free"
    )


def opened(readers: int, job: str) -> list[tuple[str, str]]:
    """Return how many can open something, and what was begun and is not done."""
    rows = [("readers", f"{readers}: `healthslm key status` names them")]
    return [*rows, *(folded("unfinished", keystate.unfinished(job)) if job else [])]


def worded(texts: dict[str, Any]) -> str:
    """Return what became of the texts, and why the newest was not the model's, where so."""
    parts = [f"{texts['written']:,} written"]
    if texts["by_template"]:
        parts.append(f"{texts['by_template']:,} by the template where a model should")
    if texts["failed"]:
        parts.append(f"{texts['failed']:,} that could not be written")
    said = ", ".join(parts)
    if not texts["recent"]:
        return said
    newest = texts["recent"][-1]
    return f"{said}; for that to {newest['end'][:16]}: {reasons.means(newest['reason'])}"


def traffic(data: dict[str, Any]) -> None:
    """Write what became of the messages that came, and why some were refused."""
    came = [(f"{n:,}", TAKEN[word]) for word, n in data["messages"].items() if n]
    refused = [(f"{n:,}", f"refused: {word}") for word, n in sorted(data["refused"].items())]
    if came or refused:
        console.out()
        console.table(("messages", ""), [*came, *refused], right="messages")
    if not refused:
        console.out("no message was refused")


def folded(name: str, text: str) -> list[tuple[str, str]]:
    """Return a name and a long text as rows of `console.pairs` that fit 80 columns."""
    first, *rest = click.wrap_text(text, 64).splitlines() or [""]
    return [(name, first), *(("", line) for line in rest)]
