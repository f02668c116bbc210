"""Where a person's store lies, and what their configuration says of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from healthslm import config
from healthslm.errors import ConfigError

if TYPE_CHECKING:
    from healthslm.vault import Store

CONFIG = "healthslm.toml"
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Place:
    """A store's folder and the configuration beside it, or the defaults where there is none."""

    folder: Path
    config: config.Config

    @property
    def zone(self) -> str:
        """The person's time zone: an IANA name."""
        return self.config.person.timezone

    @property
    def model(self) -> Path | None:
        """The folder of the model that speaks: the person's, or the bundled one; None: none."""
        return config.model(self.config)

    def open(self, passphrase: str | None = None) -> Store:
        """Open the store with the device key, or for its owner; it is a context.

        Raises
        ------
        LockedError
            The passphrase does not open it, or the device key is not here.
        IntegrityError
            The store was altered.
        """
        from healthslm.vault import Store

        if passphrase is None:
            return Store.open(self.folder)
        return Store.unlock(self.folder, passphrase)


def find(folder: Path) -> Place:
    """Return the store in `folder`: what `init` made, or the folder of the sealed files itself.

    Raises
    ------
    ConfigError
        There is no store, or its configuration cannot be used.
    """
    for base in (folder, folder.absolute().parent):
        if (base / CONFIG).is_file():
            loaded = config.load(base / CONFIG, os.environ)
            if base == folder or loaded.store.folder.resolve() == folder.resolve():
                return Place(_existing(loaded.store.folder), loaded)
    return Place(_existing(folder), config.Config())


def _existing(folder: Path) -> Path:
    if not (folder / "vault.db").is_file():
        raise ConfigError(
            f"{folder}: no store here. Name its folder with --store, or make one: "
            "healthslm init FOLDER"
        )
    return folder
