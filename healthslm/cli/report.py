"""`healthslm report`: make a sealed report for a clinician, and open one as that clinician."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthslm.cli import console, period
from healthslm.cli.key import key_passphrase_file
from healthslm.cli.place import DAY_S, find
from healthslm.cli.review import end_s
from healthslm.errors import ConfigError, ReportError

if TYPE_CHECKING:
    from healthslm.share.envelope import Opened
    from healthslm.vault.release import Release
    from healthslm.witness import Read, Seen

MINUTE_S = 60.0
LONGEST_S = 8 * DAY_S + 3600.0
MOST_BYTES = 65_536

files_argument = click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILES",
    type=click.Path(path_type=Path, dir_okay=False),
)
key_option = click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your private key: NAME.key, as `healthslm key init` made it.",
)
seen_option = click.option(
    "--seen",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that remembers the devices.  [default: NAME.seen, beside the key]",
)
trust_option = click.option(
    "--trust",
    metavar="FINGERPRINT",
    help="Fingerprint that the owner's device shows, at its first report: eight groups of "
    "digits.  [default: ask]",
)


@click.group("report")
def command() -> None:
    """Make a sealed report for a clinician, or open one.

    A report holds numbers of 15 minutes and more, and findings: no waveform, no beat, no
    name, no text. Only the reader it is made for can open it.
    """


@command.command("create")
@click.option("--to", "reader", required=True, help="Who may open it: a reader of this store.")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="A day.  [default: that of the newest record]"
)
@click.option("--since", help="HH:MM, or a date or time, until now; at most 8 days.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder for the file.  [default: this folder]",
)
@console.store
@console.passphrase_file
def create(
    reader: str,
    day: datetime | None,
    since: str | None,
    out: Path,
    store: Path,
    passphrase_file: Path | None,
) -> None:
    """Make a report for one reader.

    It needs no passphrase for the last 8 days; older days open with the owner's. The file's
    name is random: it tells neither day nor person.
    """
    from healthslm.share import digest, envelope
    from healthslm.vault import release as releasing

    asked = period.asked(day, None, False, since)
    place, now_s = find(store), time.time()
    words = None if passphrase_file is None else console.passphrase(passphrase_file)
    with place.open(words) as opened:
        newest_s = max((end_s(x) for x in opened.derived()), default=None)
        if newest_s is None:
            raise ConfigError("nothing was recorded yet, so there is nothing to tell")
        t0_s, t1_s = bounds(asked, newest_s, now_s, place.zone, owner=words is not None)
        told = digest.Period(int(t0_s // MINUTE_S), int(t1_s // MINUTE_S))
        records = list(opened.derived(t0_s, t1_s + MINUTE_S))

        def build(release: Release) -> bytes:
            return envelope.write(records, told, release, now_s)

        data = releasing.release(opened, reader, build, now_s=now_s)
    path = saved(out, data)
    console.out(str(path))
    console.note(f"{console.size(len(data))}, for {reader} alone. `healthslm outbox` can carry it")


@command.command("open")
@files_argument
@key_option
@trust_option
@click.option("--again", is_flag=True, help="Also show a report that was opened here before.")
@click.option("--timezone", default="UTC", show_default=True, help="Zone of the times shown.")
@seen_option
@key_passphrase_file
@console.as_json
def open_(
    files: Sequence[Path],
    key_file: Path,
    trust: str | None,
    again: bool,
    timezone: str,
    seen: Path | None,
    passphrase_file: Path | None,
    json_: bool,
) -> None:
    """Open reports that were made for you.

    Each must be genuine, whole and newer than the last from its device; several are opened
    in the order in which they were made. What was seen is remembered beside your key.
    """
    from healthslm import witness
    from healthslm.cli import received

    zone = received.zone(timezone)
    folder = seen or key_file.with_suffix(".seen")
    documents = []
    try:
        for file, opened in unsealed(files, key_file, passphrase_file):
            with about(file):
                known = witness.recall(folder, opened.store_id)
                read = witness.judge(opened, known, asking(trust), again=again)
            witness.remember(folder, opened.store_id, read.seen)  # first: it may not be shown twice
            if json_:
                documents.append(received.document(read, zone))
            else:
                received.show(read, zone)
    finally:  # what was remembered must be shown, even where the next is refused
        if documents:
            console.emit("report", {"reports": documents})


@command.command("verify")
@files_argument
@key_option
@trust_option
@seen_option
@key_passphrase_file
@console.as_json
def verify(
    files: Sequence[Path],
    key_file: Path,
    trust: str | None,
    seen: Path | None,
    passphrase_file: Path | None,
    json_: bool,
) -> None:
    """Check reports without showing their numbers.

    The checks are those of `open`. Nothing is remembered: a report that was only verified
    can still be opened, and a device is not trusted because of it.
    """
    from healthslm import witness

    folder = seen or key_file.with_suffix(".seen")
    rows: list[Read] = []
    states: dict[bytes, Seen | None] = {}
    for file, opened in unsealed(files, key_file, passphrase_file):
        if opened.store_id not in states:
            states[opened.store_id] = witness.recall(folder, opened.store_id)
        with about(file):
            read = witness.judge(opened, states[opened.store_id], asking(trust))
        states[opened.store_id] = read.seen
        rows.append(read)
    if json_:
        checked = [{"counter": r.head.counter, "missing": r.missing} for r in rows]
        console.emit("verified", {"reports": checked})
        return
    for read in rows:
        console.out(f"report {read.head.counter}: genuine, whole, and not opened here before")


def bounds(
    asked: period.Asked, newest_s: float, now_s: float, zone: str, *, owner: bool
) -> tuple[float, float]:
    """Return the period of a report, UTC seconds: as far as it has come, in whole minutes."""
    from healthslm import days

    if owner and asked.day is not None and asked.day < days.day_of(newest_s, zone):
        t0_s, t1_s = days.bounds(asked.day, zone)
    elif owner and asked.since is not None:
        t0_s, t1_s = period.moment(asked.since, days.day_of(newest_s, zone), zone), now_s
    else:
        span = period.period(asked, newest_s, now_s, zone)
        t0_s, t1_s = span.t0_s, span.t1_s
    t1_s -= t1_s % MINUTE_S
    if not MINUTE_S <= t1_s - t0_s <= LONGEST_S:
        raise click.UsageError(
            "a report is on at least a minute and at most 8 days; make several for more"
        )
    return t0_s, t1_s


def saved(folder: Path, data: bytes) -> Path:
    """Write a report under a name that tells nothing; whole, or not at all."""
    from healthslm import durable
    from healthslm.share.envelope import SUFFIX

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{secrets.token_hex(8)}{SUFFIX}"
    durable.replace(path, data)
    return path


def unsealed(
    files: Sequence[Path], key_file: Path, passphrase_file: Path | None
) -> list[tuple[Path, Opened]]:
    """Return reports in the order in which they were made, opened with a reader's key."""
    from healthslm.share import envelope
    from healthslm.vault import identity

    contents = []
    for file in files:
        with file.open("rb") as stream:
            contents.append(stream.read(MOST_BYTES + 1))
    reader = identity.read(key_file, console.passphrase(passphrase_file))
    opened = []
    for file, data in zip(files, contents, strict=True):
        with about(file):
            opened.append((file, envelope.unseal(data, reader.id, reader.open)))
    return sorted(opened, key=lambda pair: (pair[1].store_id, pair[1].counter))


@contextmanager
def about(file: Path) -> Iterator[None]:
    """Let a refusal name the file that is refused."""
    try:
        yield
    except ReportError as error:
        raise ReportError(error.reason, f"{file}: {error.what}") from None


def asking(trust: str | None) -> Callable[[bytes], str | None]:
    """Return what tells a new device's fingerprint: the option, or the person at the terminal."""

    def told(public: bytes) -> str | None:
        from healthslm.vault.identity import fingerprint

        if trust is not None:
            return trust
        shown = fingerprint(public)
        console.note(f"This device was not met before. Its fingerprint:\n\n  {shown}\n")
        if not sys.stdin.isatty():
            return None
        same = click.confirm("Does the owner's device show the same?", default=False, err=True)
        return shown if same else None

    return told
