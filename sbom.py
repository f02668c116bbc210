"""The software bill of materials of a build: what is in it, and what it needs, by hash.

CycloneDX 1.6 as JSON, made of pyproject.toml, requirements.lock and the models that the wheel
carries: the same tree gives the same bytes, on every machine. Hatchling runs the hook below for
each wheel and sdist; `./dev sbom [FILE]` writes the same document.

In the wheel it lies where PEP 770 says, in `*.dist-info/sboms/`; in the sdist beside PKG-INFO. A
locked package lists every file that `--require-hashes` would take, so its hashes stand at a
reference of the type `distribution`, whose address is a package URL and no server's. Which
package needs which the lock does not say, so they have no entry among `dependencies`: by the
specification that means unknown, and not none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import tomllib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
NAME = "healthslm.cdx.json"  # the ending that CycloneDX recommends
SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"  # an identifier; nothing fetches it
MARKER = "healthslm:lock:marker"  # where a package is installed only on some machines

_PINNED = re.compile(r"([A-Za-z0-9._-]+)==(\S+)(?: *; *(.+?))?((?:\s+--hash=sha256:[0-9a-f]{64})+)")


class Pin(NamedTuple):
    """One locked package: a version, where it applies, and the hashes of its files."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Package URL, which names it in the whole document."""
        return f"pkg:pypi/{self.name}@{self.version}"


def normal(name: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str) -> Iterator[Pin]:
    """Yield what a lock file pins.

    Raises
    ------
    ValueError
        A line is no pin with a hash: what it would bring nobody has vouched for.
    """
    for line in lock.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            found = _PINNED.fullmatch(line.strip())
            if found is None:
                what = line.split(" ")[0]
                raise ValueError(f"{what}: no pin with a hash; lock it with its hashes")
            name, version, marker, hashes = found.groups()
            yield Pin(
                normal(name), version, marker or "", tuple(re.findall("[0-9a-f]{64}", hashes))
            )


def library(pin: Pin) -> dict[str, Any]:
    """Return the component of a locked package."""
    files = {
        "type": "distribution",
        "url": pin.purl,
        "comment": "the files that the lock accepts",
        "hashes": [sha256(found) for found in sorted(pin.hashes)],
    }
    return {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "scope": "required",
        "purl": pin.purl,
        "externalReferences": [files],
        **({"properties": [{"name": MARKER, "value": pin.marker}]} if pin.marker else {}),
    }


def model(folder: Path, place: str, licence: str) -> dict[str, Any]:
    """Return the component of a model's folder, which the wheel holds at `place`.

    Raises
    ------
    ValueError
        A file is not the one that the folder's manifest states.
    """
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = folder / "manifest.json"
    stated = json.loads(manifest.read_bytes())["files"] if manifest.exists() else {}
    for name, wanted in stated.items():
        if found.get(name) != wanted:
            raise ValueError(f"{folder.name}/{name}: not the file of its manifest; make it anew")
    ref = f"model:{folder.name}"
    whole = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    return {
        "type": "machine-learning-model",
        "bom-ref": ref,
        "name": folder.name,
        "version": f"sha256:{whole}",
        "scope": "required",
        "licenses": [{"license": {"id": licence}}],
        "externalReferences": [{"type": "model-card", "url": f"{place}/CARD.md"}],
        "components": [
            {
                "type": "file",
                "bom-ref": f"{ref}/{name}",
                "name": f"{place}/{name}",
                "hashes": [sha256(digest)],
            }
            for name, digest in found.items()
        ],
    }


def sha256(digest: str) -> dict[str, str]:
    """Return a hash as the document has it."""
    return {"alg": "SHA-256", "content": digest}


def document(root: Path, epoch: str | None) -> bytes:
    """Return the bill of materials of the tree at `root`.

    Parameters
    ----------
    root
        Holds pyproject.toml, requirements.lock and the models.
    epoch
        SOURCE_DATE_EPOCH, seconds UTC, which the document then bears; without it none.

    Raises
    ------
    ValueError
        The lock lacks a dependency or a hash, or a model is not that of its manifest.
    """
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    project = settings["project"]
    carried = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    models = [
        model(root / source, place, project["license"])
        for source, place in sorted(carried.items())
        if source.startswith("models/")
    ]
    locked = list(pins((root / "requirements.lock").read_text("utf-8")))
    needed = {required(line) for line in project["dependencies"]}
    if lacking := needed - {pin.name for pin in locked}:
        raise ValueError(f"requirements.lock lacks {', '.join(sorted(lacking))}; lock it anew")
    own, parts = product(project), [each["bom-ref"] for each in models]
    direct = parts + [pin.purl for pin in locked if pin.name in needed]
    body = {
        "metadata": {
            **({} if epoch is None else {"timestamp": instant(epoch)}),
            "lifecycles": [{"phase": "build"}],
            "component": own,
        },
        "components": [*map(library, locked), *models],
        "dependencies": [
            {"ref": own["bom-ref"], "dependsOn": sorted(direct)},
            *({"ref": part} for part in parts),  # which need nothing
        ],
    }
    return numbered(body)


def required(line: str) -> str:
    """Return the package that a line of `dependencies` asks for: "numpy>=2.4,<3" is numpy."""
    return normal(re.split("[^A-Za-z0-9._-]", line, maxsplit=1)[0])


def instant(epoch: str) -> str:
    """Return seconds UTC as ISO 8601."""
    return datetime.fromtimestamp(int(epoch), UTC).isoformat()


def product(project: dict[str, Any]) -> dict[str, Any]:
    """Return the component that everything else is a part of."""
    purl = f"pkg:pypi/{project['name']}@{project['version']}"
    return {
        "type": "application",
        "bom-ref": purl,
        "name": project["name"],
        "version": project["version"],
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"]}}],
        "purl": purl,
    }


def numbered(body: dict[str, Any]) -> bytes:
    """Return a document as bytes, whose serial number says what is in it."""
    content = json.dumps(body, sort_keys=True).encode()
    serial = uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(content).hexdigest())
    head = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial.urn,
        "version": 1,
    }
    return (json.dumps(head | body, indent=1, ensure_ascii=False) + "\n").encode()


class Sbom(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the document into each wheel and sdist as it is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the document beside the tree, which a build must not change, and name it."""
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name, NAME)
        path.write_bytes(document(Path(self.root), os.environ.get("SOURCE_DATE_EPOCH")))
        if self.target_name == "wheel":
            # Hatchling 1.28 takes `sbom-files` from the target's settings and from nowhere else.
            self.build_config.target_config["sbom-files"] = [str(path)]
        else:
            build_data["force_include"][str(path)] = NAME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what `initialize` wrote."""
        self._folder.cleanup()


def main(arguments: list[str]) -> int:
    """Write the document to the file that is named, or to stdout."""
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        sys.stderr.write("usage: ./dev sbom [FILE]\n")
        return 2
    content = document(ROOT, os.environ.get("SOURCE_DATE_EPOCH"))
    if arguments:
        Path(arguments[0]).write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
