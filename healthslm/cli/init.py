"""`healthslm init`: a sealed store and its configuration."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from pathlib import Path

import click

from healthslm.cli import console
from healthslm.cli.place import CONFIG
from healthslm.errors import ConfigError

PROTECTS = """\
What protects it
{keys}
  device.key, a file on this board, lets the board work without you: it opens
  the findings and figures of the last 8 days, and of waveforms only the few
  seconds that the analysis is in the middle of. Whoever takes the whole card
  takes this key too: keep the board where nobody can take it.
"""
BOTH = """\
  Your passphrase opens everything, and so does your sheet of 18 words. They
  are kept nowhere here: lose both, and the waveforms are gone."""
ALONE = """\
  Your passphrase opens everything. It is kept nowhere: lose it, and the
  waveforms are gone. (`healthslm key rotate --sheet` makes a recovery sheet.)"""

# Debian's package starts a broker on 1883 that keeps its messages in a file.
TAKEN = """
healthslm: warning: a broker answers on port {port} already.
  If it is another than mosquitto.conf sets up, it may keep samples in clear.
  Stop it (Debian: sudo systemctl disable --now mosquitto), or make the store
  anew with another --port."""


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--person", default="me", show_default=True, help="Name in topics: a-z, 0-9, -, _.")
@click.option("--lang", default="en", show_default=True, help="Language of the summaries: en, es.")
@click.option(
    "--timezone", help="The person's zone, e.g. Europe/Madrid.  [default: this machine's]"
)
@click.option(
    "--emergency", default="112", show_default=True, help="Number to call in an emergency."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=1883,
    show_default=True,
    help="Port of the broker, on this machine.",
)
@click.option("--no-sheet", is_flag=True, help="Make no recovery sheet.")
@console.passphrase_file
def command(
    folder: Path,
    person: str,
    lang: str,
    timezone: str | None,
    emergency: str,
    port: int,
    no_sheet: bool,
    passphrase_file: Path | None,
) -> None:
    """Make a sealed store and its configuration.

    FOLDER gets healthslm.toml, mosquitto.conf and the store. An existing store is never
    overwritten. It shows a recovery sheet of 18 words, which open the store when the
    passphrase is forgotten, and at a terminal asks for two of them.
    """
    from healthslm import broker, config, vault
    from healthslm.cli import sheet
    from healthslm.vault import recovery

    if (folder / CONFIG).exists():
        raise ConfigError(f"{folder / CONFIG} exists. Choose another folder, or remove it")
    text = config.default_toml(
        person, lang, timezone or local_zone(), emergency, f"mqtt://127.0.0.1:{port}"
    )
    try:
        config.parse(text)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    words = console.new_passphrase(passphrase_file)
    secret = None if no_sheet else recovery.new_secret()
    if secret is not None:
        sheet.hand_over(secret, folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / CONFIG
    with ExitStack() as undo:
        made.write_text(text, "utf-8")
        undo.callback(made.unlink)  # what is half made is taken back
        settings = config.load(made)
        vault.create(settings.store.folder, words, now_s=time.time(), sheet=secret)
        (folder / "mosquitto.conf").write_text(broker.settings(f"{port} 127.0.0.1"), "utf-8")
        undo.pop_all()
    report(folder, settings.store.folder, broker.mosquitto(), sheet=secret is not None)
    if broker.listens(port):
        console.note(TAKEN.format(port=port))


def report(folder: Path, store: Path, mosquitto: str | None, *, sheet: bool) -> None:
    """Say what was made, what protects it, and what comes next."""
    console.out(console.bold("Made"))
    console.pairs(
        [
            (str(folder / CONFIG), "settings, each explained"),
            (str(folder / "mosquitto.conf"), "a broker for this machine only"),
            (str(store / "vault.db"), "the sealed store"),
            (str(store / "device.key"), "the board's own key"),
        ]
    )
    console.out()
    console.out(PROTECTS.format(keys=BOTH if sheet else ALONE))
    console.out(console.bold("Next"))
    if mosquitto is None:
        console.out("  install mosquitto, the broker (Debian: apt install mosquitto)")
    program = "mosquitto" if shutil.which("mosquitto") else mosquitto or "/usr/sbin/mosquitto"
    console.out(f"  {program} -c {folder / 'mosquitto.conf'} &")
    console.out(f"  healthslm run --config {folder / CONFIG} &")
    console.out(f"  healthslm status --store {folder}")


def local_zone() -> str:
    """Return this machine's time zone as an IANA name, or UTC where it does not say."""
    from zoneinfo import available_timezones

    name = Path("/etc/timezone")
    candidates = [str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]]
    if name.is_file():
        candidates.append(name.read_text("utf-8").strip())
    known = available_timezones()
    return next((zone for zone in candidates if zone in known), "UTC")
