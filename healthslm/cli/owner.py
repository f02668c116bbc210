"""How an owner opens the store at the command line: the passphrase, or the recovery sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from healthslm.cli import console
from healthslm.cli.place import Place, find
from healthslm.errors import ConfigError

if TYPE_CHECKING:
    from healthslm.vault import Store

sheet_file = click.option(
    "--sheet-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read the words of the recovery sheet from this file.  [default: ask]",
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose store it is, and by what they open it."""

    place: Place
    passphrase_file: Path | None = None
    sheet: bool = False
    sheet_file: Path | None = None

    @property
    def by_sheet(self) -> bool:
        """Whether the recovery sheet opens it, and not the passphrase."""
        return self.sheet or self.sheet_file is not None

    def open(self) -> Store:
        """Ask for what opens the store, and open it; it is a context.

        Raises
        ------
        LockedError
            It does not open this store, or cannot be asked for; or the device key is not right.
        IntegrityError
            The store was altered.
        """
        from healthslm.cli import sheet
        from healthslm.vault import Store

        if self.by_sheet:
            return Store.recover(self.place.folder, sheet.read(self.sheet_file))
        return self.place.open(console.passphrase(self.passphrase_file))


def as_owner(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that open a store, and, as `owner`, what they say."""

    @console.store
    @console.passphrase_file
    @click.option(
        "--sheet", is_flag=True, help="Open with the recovery sheet, and not the passphrase."
    )
    @sheet_file
    @wraps(command)
    def wrapped(
        store: Path, passphrase_file: Path | None, sheet: bool, sheet_file: Path | None, **more: Any
    ) -> Any:
        return command(
            owner=Owner(find(store), passphrase_file, sheet=sheet, sheet_file=sheet_file), **more
        )

    return wrapped


@contextmanager
def daemon_stopped(folder: Path, what: str) -> Iterator[None]:
    """Do something that a daemon at work on the store must not see half done.

    Raises
    ------
    ConfigError
        It is at work.
    """
    from healthslm import service

    with ExitStack() as stack:
        try:
            stack.enter_context(service.alone(folder))
        except ConfigError:
            raise ConfigError(
                f"the daemon is at work, and {what} waits for it to stop. Stop it (Ctrl-C, or "
                "systemctl stop healthslm), then do this again"
            ) from None
        yield
