"""`healthslm key`: keys, and who may read what."""

from __future__ import annotations

from pathlib import Path

import click

from healthslm.cli import console
from healthslm.errors import ConfigError

key_passphrase_file = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read the passphrase of the reader's key from the first line of this file.  "
    "[default: ask]",
)


@click.group("key")
def command() -> None:
    """Make and look after keys."""


@command.command("init")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@key_passphrase_file
def init(file: Path, passphrase_file: Path | None) -> None:
    """Make a reader's key, on the reader's own machine.

    FILE.key is the private key, under a passphrase: it stays here. FILE.pub is the public
    one, to send to the owner of a board. Existing files are never overwritten.
    """
    from healthslm.vault import identity
    from healthslm.vault.readers import PROFILES, Reader

    words = console.passphrase(passphrase_file, new=True)
    if not words:
        raise ConfigError("passphrase: empty; without one anybody could use the key")
    why = console.weakness(words)
    if why:
        console.note(f"healthslm: warning: this passphrase is weak: {why}.")
        if passphrase_file is None:
            click.confirm("Use it all the same?", abort=True, err=True)
    reader = Reader.new()
    private, public = identity.write(file, reader, words, PROFILES["standard"])
    console.out(console.bold("Made"))
    console.pairs(
        [
            (str(private), "your key: keep it here, and a copy of it elsewhere"),
            (str(public), "send this to the owner of the board"),
            ("fingerprint", identity.fingerprint(reader.public)),
        ]
    )
    console.note("let the owner compare the fingerprint with you, by voice: mail can be altered")
