"""The sealed store of one person's records."""

from healthslm.vault.creation import create
from healthslm.vault.readers import PROFILES
from healthslm.vault.store import Store

__all__ = ["PROFILES", "Store", "create"]
