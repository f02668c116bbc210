"""`healthslm key`: keys, who may open what, and changing them."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from healthslm.cli import console, keystate, sheet
from healthslm.cli.owner import Owner, as_owner, daemon_stopped, sheet_file
from healthslm.cli.place import find
from healthslm.errors import ConfigError

if TYPE_CHECKING:
    from healthslm.vault import Store

key_passphrase_file = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read the passphrase of the reader's key from the first line of this file.  "
    "[default: ask]",
)
new_passphrase_file = click.option(
    "--new-passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read the new passphrase from the first line of this file.  [default: ask twice]",
)

CHOICE = """\
Which key is to be changed? Name one of these.

  --sheet   The paper was seen by others, or is lost. You get new words; the
            old ones open nothing any more. Quick.
  --owner   Somebody may have learnt your passphrase and copied the card. You
            get a new key of your own under a new passphrase. What they copied
            they can still read. (If nobody copied the card, a new passphrase
            is enough: healthslm key change-passphrase.) Quick.
  --device  device.key was copied by others, or is lost. The board gets a new
            key, and you a new sheet. Stop the daemon first. Quick.
  --data    Somebody opened the store with your passphrase or your sheet, and
            so may have had the keys of the data themselves. All is sealed
            anew, which takes as long as reading it all. What they copied they
            can still read.

Nothing was changed."""


@click.group("key")
def command() -> None:
    """Make and look after keys.

    "init" is for a clinician, on their own machine; all else is for the owner of a store.
    """


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

    words = console.new_passphrase(passphrase_file)
    if not words:
        raise ConfigError("passphrase: empty; without one anybody could use the key")
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


@command.command("status")
@console.store
@console.as_json
def status(store: Path, json_: bool) -> None:
    """Say which keys there are, and who can open what.

    It needs the board's own key, not your passphrase. Where that key is not right it says
    so, says what to do, and exits with 77.
    """
    place = find(store)
    data, wrong = keystate.gathered(place)
    if json_:
        console.emit("keys", data)
    else:
        keystate.show(data)
    if wrong is not None:
        raise wrong


@command.command("add-reader")
@click.argument("name")
@click.argument("pubfile", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--fingerprint",
    help="What the reader's machine shows, as they told you: eight groups of digits.  "
    "[default: shown, to compare]",
)
@as_owner
def add_reader(owner: Owner, name: str, pubfile: Path, fingerprint: str | None) -> None:
    """Make a clinician's key known to the store.

    PUBFILE is what they made with `healthslm key init` and sent you. It opens nothing until
    you grant it something: healthslm consent grant.
    """
    from healthslm.vault import consent, identity

    public = identity.read_public(pubfile)
    shown = identity.fingerprint(public)
    if fingerprint is not None and not identity.same_fingerprint(public, fingerprint):
        raise click.UsageError(
            "this is not the key with that fingerprint: it may have been exchanged on its way. "
            "Ask for it again, and compare by voice"
        )
    console.out(f"fingerprint  {shown}")
    if fingerprint is None and sys.stdin.isatty():
        console.note(f"Call {name}, on a number you know, and let them read theirs to you.")
        click.confirm("Is it the same?", default=False, abort=True, err=True)
    with owner.open() as store:
        consent.add(store, name, public, now_s=time.time())
    console.out(f"{name} is known, and can open nothing yet.")
    if fingerprint is None and not sys.stdin.isatty():
        console.note(f"compare the fingerprint with {name} by voice before you grant anything")
    console.note(f'next: healthslm consent grant "{name}" --class derived')


@command.command("revoke")
@click.argument("name")
@as_owner
def revoke(owner: Owner, name: str) -> None:
    """Forget a clinician's key, and all it could open.

    To end a consent and keep the key known: healthslm consent revoke.
    """
    from healthslm.vault import consent

    with owner.open() as store:
        consent.remove(store, name, now_s=time.time())
    console.out(f"{name} is not known any more, and can open nothing here.")
    console.note("What they have read, or were sent in reports, stays with them.")


@command.command("change-passphrase")
@console.store
@console.passphrase_file
@new_passphrase_file
def change_passphrase(
    store: Path, passphrase_file: Path | None, new_passphrase_file: Path | None
) -> None:
    """Choose another passphrase.

    The old one opens this card no more. It still opens a copy of the card that was made
    before: if somebody has both, use `healthslm key rotate --owner`.
    """
    from healthslm.vault import rekey

    with Owner(find(store), passphrase_file).open() as opened:
        words = console.new_passphrase(new_passphrase_file)
        rekey.change_passphrase(opened, words, now_s=time.time())
    console.out("The new passphrase opens the store; the old one does not.")


@command.command("recover")
@click.option("--rehearse", is_flag=True, help="Only see that the words open this store.")
@click.option(
    "--device-lost", is_flag=True, help="The board's own key is lost too: make it anew as well."
)
@console.store
@sheet_file
@new_passphrase_file
def recover(
    rehearse: bool,
    device_lost: bool,
    store: Path,
    sheet_file: Path | None,
    new_passphrase_file: Path | None,
) -> None:
    """Open with the recovery sheet, and set a passphrase.

    For when the passphrase is forgotten. You get a new key of your own; the sheet stays as
    it is, but with --device-lost, which ends it and makes a new one. With --rehearse
    nothing is changed.
    """
    from healthslm.vault import rekey

    owner = Owner(find(store), sheet=True, sheet_file=sheet_file)
    if rehearse:
        opened = rekey.rehearse(owner.place.folder, sheet.read(sheet_file))
        console.out(f"The sheet is right: it opens all {console.count(opened, 'data key')}.")
        console.note("nothing was changed; put the paper back where it was")
        return
    with owner.open() as recovered:
        if not device_lost:
            _ = recovered.rows.keys.device  # before a passphrase is asked for: it has to sign
        words = console.new_passphrase(new_passphrase_file)
        if device_lost:
            _new_device(recovered, owner.place.folder, words)
            return
        rekey.change_owner(recovered, words, now_s=time.time())
    console.out("The new passphrase opens the store; the one before it does not.")
    console.note("The sheet stays as it is: put the paper back where it was.")


@command.command("rotate")
@click.option("--owner", "of", flag_value="owner", help="A new key of your own.")
@click.option("--sheet", "of", flag_value="sheet", help="A new recovery sheet.")
@click.option("--device", "of", flag_value="device", help="A new key of the board's own.")
@click.option("--data", "of", flag_value="data", help="New keys for all data: seals it all anew.")
@console.store
@console.passphrase_file
@new_passphrase_file
@click.pass_context
def rotate(
    ctx: click.Context,
    of: str | None,
    store: Path,
    passphrase_file: Path | None,
    new_passphrase_file: Path | None,
) -> None:
    """Change a key that others may have.

    Without an option it explains which, and changes nothing. Each change is whole or not at
    all, whenever it is interrupted; --data that was interrupted is ended by the same again.
    """
    if of is None:
        console.out(CHOICE)
        ctx.exit(2)
    owner = Owner(find(store), passphrase_file)
    if of == "device":
        _rotate_device(owner)
    elif of == "owner":
        _rotate_owner(owner, new_passphrase_file)
    elif of == "sheet":
        with owner.open() as opened:
            keystate.new_sheet(opened, owner.place.folder)
    else:
        _rotate_data(owner)


def _rotate_owner(owner: Owner, new_passphrase_file: Path | None) -> None:
    from healthslm.vault import rekey

    with owner.open() as store:
        words = console.new_passphrase(new_passphrase_file)
        rekey.change_owner(store, words, now_s=time.time())
    console.out("You have a new key, under the new passphrase. The old ones open nothing here.")


def _rotate_device(owner: Owner) -> None:
    from healthslm import vault

    folder = owner.place.folder
    words = console.passphrase(owner.passphrase_file)
    with vault.Store.unlock(folder, words) as store:
        _new_device(store, folder, words)


def _new_device(store: Store, folder: Path, words: str) -> None:
    """Give the board a new key; the sheet ends with the old one, so make a new one too."""
    from healthslm import vault
    from healthslm.vault import consent, identity, rekey

    with daemon_stopped(folder, "a new key of the board"):
        had = any(reader.role == "recovery" for reader in consent.readers(store))
        rekey.change_device(store, folder, words, now_s=time.time())
        with vault.Store.unlock(folder, words) as again:
            console.out("The board has a new key. The old one opens nothing here.")
            console.out(f"fingerprint  {identity.fingerprint(again.rows.device_public)}")
            console.note("Tell it to every clinician who gets reports, by voice.")
            if had:
                console.out()
                console.out("The recovery sheet you had has ended with the old key.")
                keystate.new_sheet(again, folder)


def _rotate_data(owner: Owner) -> None:
    from healthslm.vault import rekey

    with owner.open() as store, console.bar() as progress:
        keys = rekey.change_data_keys(
            store, now_s=time.time(), told=lambda done, of: progress("sealing anew", done, of)
        )
    console.out(f"All is sealed anew: {console.count(keys, 'data key')} changed.")
