"""A model's folder as it was sealed: a manifest that states the hash of each other file.

It needs nothing of this package and nothing but the standard library, so that the child that
runs a model can use it, and whoever only lists models pays for no NumPy.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

FORM = 1  # of a model's folder
GRAPH, TOKENIZER, MANIFEST = "model.onnx", "tokenizer.json", "manifest.json"


class Spoilt(Exception):
    """A model's folder is not as it was sealed; `reason` is one fixed word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def digest(path: Path) -> str:
    """Return a file's SHA-256.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """Return the hash of each file of a folder but the manifest, by name."""
    return {f.name: digest(f) for f in sorted(folder.iterdir()) if f.name != MANIFEST}


def sealed(folder: Path) -> dict[str, Any]:
    """Return the manifest of the model in `folder`, once each file has the hash that it states.

    Raises
    ------
    Spoilt
        "missing": a file is not there. "form": the manifest is not one of ours.
        "hash": a file is not the one that was sealed.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        files = {str(name): str(wanted) for name, wanted in manifest["files"].items()}
        known = manifest["form"] == FORM and {GRAPH, TOKENIZER} <= files.keys()
        if not known or any(name != Path(name).name for name in files):
            raise Spoilt("form")
        if any(digest(folder / name) != wanted for name, wanted in files.items()):
            raise Spoilt("hash")
        if {path.name for path in folder.glob(f"{GRAPH}*")} - files.keys():
            raise Spoilt("form")  # constants that nothing vouches for
    except OSError:
        raise Spoilt("missing") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise Spoilt("form") from None
    return manifest
