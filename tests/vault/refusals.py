"""The page's words for why something is refused, from what the package says of it."""

import re

from healthslm.errors import HealthslmError

WORDS = {
    "bad marker", "wrong key", "wrong label", "bad tag", "bad signature", "lost", "rolled back",
}  # fmt: skip
SAID = {  # where the package tells a person more than the page's word
    "wrong key": r"^wrong passphrase$|^recovery: altered",
    "another device": r"not the device that this (owner|sheet) trusts",
    "another store": r"belongs to another store",
    "altered": r"^meta: altered",
    "another sheet": r"^this sheet does not open this store",
    "not a sheet": r"^the sheet has 18 words|is none that stands on a sheet|do not belong together",
    "asks for too much": r"asks for more than 1 GiB",
    "another kind": r"holds another kind of content",
    "unknown codec": r"unknown codec",
    "broken chain": r"the chain is broken",
    "lost or planted": r"not the newest: rows lost or planted|^\d+ rows (are lost|planted)$",
    "lost": r"the wrap of its key is lost",
    "locked": r"only the owner's passphrase opens them",
}


def word_for(error: HealthslmError) -> str:
    """Return the page's word; what no word fits comes back whole, so that a test shows it."""
    told = str(error)
    for word, pattern in SAID.items():
        if re.search(pattern, told):
            return word
    _, _, rest = told.partition(": ")
    return next((word for word in WORDS if re.match(rf"{word}\b", rest)), told)
