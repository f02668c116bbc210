"""Where the device key comes from, and what that protects.

systemd hands a service its credentials in a folder that only this service sees, in memory
(systemd.exec(5), systemd-creds(1)). A credential lies sealed on the disk; by what it is sealed
stands in the first 16 bytes of it, in clear. Where there is no credential, the key is a file
beside the store.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from healthslm.vault.database import DEVICE_KEY

Level = Literal["tpm", "host and tpm", "host", "none", "credential", "file"]

SEALED = Path("/etc/credstore.encrypted/healthslm.device.key")  # as deploy/ has it
PRIVATE, LISTED = 0o077, 0o037  # mode bits that a key file, and a credential, may not have

# What systemd-creds seals by: ids of its source, src/shared/creds-util.h
SEALED_BY: dict[str, Level] = {
    "5a1c6a86df9d4096b1d5a65e0862f19a": "host",
    "0c7cc07b117645919c4b0bea08bc20fe": "tpm",
    "faf7eb9341e3412ca1a436f95a29362f": "tpm",  # to signed states of the boot
    "93a894094874449090caf2fc93cab553": "host and tpm",
    "af4950a849134eb1a73846304ff30c05": "host and tpm",  # to signed states of the boot
    "058469daf6f54324800549da0f8ea2fb": "none",  # by no key at all
}

OPENS = (
    "the last 8 days of derived records, and the state with the few seconds of signal that the "
    "analysis is in the middle of"
)
NEVER = "but no raw samples beyond these and nothing older"
PROTECTS: dict[Level, str] = {
    "tpm": (
        "a credential sealed by this board's TPM: whoever takes the disk alone opens nothing; "
        f"whoever takes the whole board and starts it reaches {OPENS}, {NEVER}"
    ),
    "host and tpm": (
        "a credential sealed by this board's TPM and a key on the disk: whoever takes the disk "
        "alone opens nothing; whoever takes the whole board and starts it reaches "
        f"{OPENS}, {NEVER}"
    ),
    "host": (
        "a credential sealed by a key on the same disk: a copy of the store alone opens "
        f"nothing; whoever takes the disk can read {OPENS}, {NEVER}; a TPM would close that"
    ),
    "none": (
        "a credential sealed by no key, because there was no TPM: whoever takes the disk can "
        f"read {OPENS}, {NEVER}; seal it anew with --with-key=tpm2 or host"
    ),
    "credential": (
        "a credential of the service manager; by what it is sealed cannot be seen from here: "
        f"unless a TPM is among it, whoever takes the disk can read {OPENS}, {NEVER}"
    ),
    "file": (
        f"a 0600 key file on the same disk: whoever takes the disk can read {OPENS}, {NEVER}; "
        "a TPM or a boot passphrase would close that"
    ),
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the device key is read from."""

    path: Path
    level: Level

    @property
    def protects(self) -> str:
        """What the device key protects where it is, for `status` to say."""
        return PROTECTS[self.level]

    @property
    def forbidden(self) -> int:
        """Mode bits that the file may not have.

        Of a credential the group's bit to read is the mask of an access list that names the
        service's user: it lets no group in.
        """
        return PRIVATE if self.level == "file" else LISTED


def find(folder: Path, environ: Mapping[str, str], sealed: Path = SEALED) -> Source:
    """Return where the device key of the store in `folder` is, or would be.

    A credential wins over a file: it is there because somebody set it up.

    Parameters
    ----------
    environ
        Of this process: systemd names the folder of its credentials in it.
    sealed
        The credential as it lies on the disk; often not to be read by this user.
    """
    given = environ.get("CREDENTIALS_DIRECTORY", "")
    if given and os.path.lexists(path := Path(given) / DEVICE_KEY):
        return Source(path, _sealed_by(sealed))
    return Source(folder / DEVICE_KEY, "file")


def _sealed_by(sealed: Path) -> Level:
    """Return by what a sealed credential says it is sealed."""
    try:
        with sealed.open("rb") as file:
            head = base64.b64decode(file.read(24))[:16]  # 24 digits: 18 bytes
    except (OSError, binascii.Error):
        return "credential"
    return SEALED_BY.get(head.hex(), "credential")
