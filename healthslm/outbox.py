"""Carries finished reports off the board: the one part that may, and it can open none of them.

It imports no store, no key and no configuration of the board; it has a file of its own, in
which it is switched off until somebody switches it on. It looks at a report's marker and size
only, tries each once, and leaves it to its caller to try again.
"""

from __future__ import annotations

import http.client
import logging
import os
import ssl
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

import msgspec

from healthslm.errors import ConfigError, DeliveryError

log = logging.getLogger(__name__)

MARKER, SIZES, SUFFIX = b"HSR1", (4096, 16_384, 65_536), ".hsr"  # docs/report-format.md, "File"
SENT = "sent"
TIMEOUT_S = 30.0
TAKEN = (200, 201, 204)  # RFC 9110 section 9.3.4: what a PUT that was done is answered

EXAMPLE = """\
# healthslm outbox: carries finished, sealed reports off this board.

[outbox]
enabled = false             # nothing leaves until this is true
reports = "reports"         # folder of finished reports, relative to this file
to = "/media/clinic"        # a folder, or https://...: each report is PUT beneath it
authority = ""              # PEM file of the server's own authority; empty: those of this system
"""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the outbox's own file says."""

    enabled: bool = False
    reports: str = "reports"
    to: str = ""
    authority: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outbox: Settings = Settings()


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the files in the folder."""

    sent: int = 0
    refused: int = 0  # not a finished report: left where it is
    waiting: int = 0  # could not be handed over: left for the next time


Send = Callable[[str, bytes], None]
"""Hand over one report under a name; raises DeliveryError or OSError."""


def load(path: Path) -> Settings:
    """Read the outbox's file; its folders are relative to it.

    Raises
    ------
    ConfigError
        It cannot be read, has an unknown key, names no destination that is allowed, or does
        not switch the outbox on.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        known = msgspec.convert(tables, _File).outbox
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. `healthslm outbox --example` shows one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{path}: {error}. `healthslm outbox --example` shows every key"
        ) from None
    if not known.enabled:
        raise ConfigError(
            f"{path}: the outbox is off, so nothing leaves. [outbox] enabled = true switches it on"
        )
    _url(known.to)
    return Settings(True, str(path.parent / known.reports), known.to, known.authority)


def run(settings: Settings) -> Counts:
    """Hand over every finished report once; what was handed over moves to `sent`.

    Raises
    ------
    ConfigError
        There is no folder of reports, or the authority cannot be read.
    """
    folder = Path(settings.reports)
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder. [outbox] reports names it")
    send = sender(settings.to, settings.authority)
    sent = refused = waiting = 0
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        data = _finished(path)
        if data is None:
            refused += 1
            continue
        try:
            send(path.name, data)
            _moved(path)
            sent += 1
        except (DeliveryError, OSError) as error:
            log.warning("a report was not handed over: %s", type(error).__name__)
            waiting += 1
    log.info("reports sent: %d; refused: %d; waiting: %d", sent, refused, waiting)
    return Counts(sent, refused, waiting)


def sender(to: str, authority: str = "") -> Send:
    """Return what hands a report over to a folder or an https URL.

    Raises
    ------
    ConfigError
        `to` is neither, or the authority cannot be read.
    """
    parts = _url(to)
    if parts is None:
        return lambda name, data: _copy(Path(to), name, data)
    try:
        context = ssl.create_default_context(cafile=authority or None)
    except (OSError, ssl.SSLError):
        raise ConfigError(
            f"{authority}: no certificates in PEM. [outbox] authority names it"
        ) from None
    return lambda name, data: _put(parts, context, name, data)


def _url(to: str) -> SplitResult | None:
    """Return an https URL, or None where `to` is a folder."""
    if to.startswith("/"):
        return None
    try:
        parts = urlsplit(to)
        whole = parts.scheme == "https" and parts.hostname and (parts.port or 443)
    except ValueError:
        whole = False
    if not whole or parts.query or parts.fragment or parts.username is not None:
        raise ConfigError(
            "[outbox] to: must be a folder (/media/clinic) or an https:// URL without a name, "
            "a query or a fragment; http:// would show who sends to whom"
        )
    return parts


def _finished(path: Path) -> bytes | None:
    """Return a file that has a report's marker and size; None where it is something else."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        data = file.read(SIZES[-1] + 1)
    return data if data[:4] == MARKER and len(data) in SIZES else None


def _copy(folder: Path, name: str, data: bytes) -> None:
    """Write a report to a folder, whole or not at all; one that is there already is the same."""
    new = folder / f"{name}.new"
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / name)


def _put(parts: SplitResult, context: ssl.SSLContext, name: str, data: bytes) -> None:
    """PUT a report beneath a URL. No redirect is followed: it would lead elsewhere."""
    place = f"{parts.path.rstrip('/')}/{quote(name)}"
    server = http.client.HTTPSConnection(
        parts.hostname or "", parts.port, timeout=TIMEOUT_S, context=context
    )
    try:
        server.request("PUT", place, data, {"Content-Type": "application/octet-stream"})
        status = server.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryError(f"the server was not reached: {type(error).__name__}") from None
    finally:
        server.close()
    if status not in TAKEN:
        raise DeliveryError(f"the server answered {status}")


def _moved(path: Path) -> None:
    sent = path.parent / SENT
    sent.mkdir(exist_ok=True)
    path.replace(sent / path.name)
