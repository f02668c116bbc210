"""Which models there are: the bundled one, and those imported beside the configuration."""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from healthslm import config
from healthslm.cli.place import CONFIG
from healthslm.errors import CheckpointError, ConfigError, ModelError
from healthslm.language.seal import GRAPH, MANIFEST, digest

FOLDER = "models"  # of imported models, beside the configuration; one folder each
TABLE = re.compile(r"\s*\[")
MODEL_TABLE = re.compile(r"\s*\[\s*model\s*\]\s*(#.*)?$")
FOLDER_LINE = re.compile(
    r"""(?P<key>\s*folder\s*=\s*)("(?:[^"\\]|\\.)*"|'[^']*')(?P<rest>\s*(?:\#.*)?)$"""
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where models lie; `home` is the folder of the configuration, None where there is none."""

    home: Path | None
    folder: Path | None  # of the imported ones
    used: Path  # the folder of the model that speaks

    @property
    def models(self) -> dict[str, Path]:
        """The folder of each model by its name, the bundled one first."""
        found = {bundled().name: bundled()}
        if self.folder is not None and self.folder.is_dir():
            for path in sorted(self.folder.iterdir()):
                if path.name not in found and (path / MANIFEST).is_file():
                    found[path.name] = path
        return found

    def find(self, name: str) -> Path:
        """Return the folder of a model.

        Raises
        ------
        ModelError
            There is none of that name.
        """
        models = self.models
        if name not in models:
            raise ModelError(f"there is no model {name!r}; there are: {', '.join(models)}")
        return models[name]

    def row(self, name: str) -> dict[str, Any]:
        """Return what a list tells of a model; its files are not read."""
        folder = self.models[name]
        manifest = manifest_of(folder)
        kept = manifest.get("quantisation")
        return {
            "name": name,
            "folder": str(folder),
            "kind": "bundled" if folder == bundled() else str(manifest.get("source", "unknown")),
            "parameters": manifest.get("parameters"),
            "bits": kept.get("bits") if isinstance(kept, dict) else None,
            "bytes": sum(f.stat().st_size for f in folder.iterdir() if f.is_file()),
            "used": self.uses(folder),
        }

    def uses(self, folder: Path) -> bool:
        """Return whether a folder is that of the model that speaks."""
        return folder.resolve() == self.used.resolve()


def bundled() -> Path:
    """Return the folder of the model that comes with the program."""
    return config.resource("models/mini")


def find(store: Path, into: Path | None = None) -> Shelf:
    """Return the models of a store, or those in the folder `into`.

    Raises
    ------
    ConfigError
        The configuration cannot be used.
    """
    homes = (base for base in (store, store.absolute().parent) if (base / CONFIG).is_file())
    home = next(homes, None)
    named = config.load(home / CONFIG, os.environ).model.folder if home else ""
    used = Path(named).expanduser() if named else bundled()
    return Shelf(home, into or (home / FOLDER if home else None), used)


def named(name: str) -> str:
    """Return a name for a model, if it can be one: it becomes a folder's.

    Raises
    ------
    CheckpointError
        It cannot.
    """
    try:
        return msgspec.convert(name, config.Name)
    except msgspec.ValidationError:
        raise CheckpointError(
            f"{name[:60]!r} cannot be a model's name. Give a --name of a-z, 0-9, - and _, at most "
            "32, a letter or digit first"
        ) from None


def manifest_of(folder: Path) -> dict[str, Any]:
    """Return what a model's manifest states; empty where it is none."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def use(path: Path, folder: str) -> None:
    """Write the folder of a model into a configuration, and change nothing else of it.

    Raises
    ------
    ConfigError
        It is written in a way that this cannot edit: says the line to write by hand.
    """
    path = path.resolve()  # a link stays a link
    text = path.read_bytes().decode()  # ends of lines as they are
    line = f"folder = {json.dumps(folder, ensure_ascii=False)}"
    edited = _edited(text, line)
    wanted = tomllib.loads(text)
    wanted["model"] = {**wanted.get("model", {}), "folder": folder}
    try:
        same = tomllib.loads(edited) == wanted
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise ConfigError(
            f"{path}: [model] is written in a way that is not edited here. Write this line into "
            f"it by hand: {line}"
        )
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(edited.encode())
    part.chmod(path.stat().st_mode & 0o777)
    part.replace(path)


def _edited(text: str, line: str) -> str:
    """Return a TOML text with a line in [model], which is added where it is not there."""
    lines = text.splitlines(keepends=True)
    start = next((n for n, each in enumerate(lines) if MODEL_TABLE.match(each)), None)
    if start is None:
        end = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{end}\n[model]\n{line}\n"
    for n in range(start + 1, len(lines)):
        if TABLE.match(lines[n]):
            break
        if found := FOLDER_LINE.match(lines[n].rstrip("\r\n")):
            ending = lines[n][len(lines[n].rstrip("\r\n")) :]
            value = line.partition("= ")[2]
            lines[n] = f"{found['key']}{value}{found['rest']}{ending}"
            return "".join(lines)
    header = lines[start]
    lines[start] = f"{header}{'' if header.endswith(chr(10)) else chr(10)}{line}\n"
    return "".join(lines)


def checked(folder: Path) -> dict[str, Any]:
    """Return whether a model can speak: its manifest, and a verdict on each file.

    `hash` is the SHA-256 of the weights, by which a summary names its writer.
    """
    data: dict[str, Any] = {"folder": str(folder), "name": folder.name, "ok": False}
    data |= {"hash": "", "reason": "", "files": {}, "manifest": {}}
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        expected = {Path(name).name: wanted for name, wanted in manifest["files"].items()}
        if expected.keys() != manifest["files"].keys():  # /dev/zero would be read for ever
            raise ValueError("a file lies beside its manifest")
    except OSError:
        return data | {"reason": "there is no model here"}
    except (AttributeError, ValueError, KeyError, TypeError, RecursionError):
        return data | {"reason": "the manifest is not one of ours"}
    verdicts = {name: _verdict(folder / name, wanted) for name, wanted in expected.items()}
    wrong = [name for name, verdict in verdicts.items() if verdict != "ok"]
    reason = f"{wrong[0]} is {verdicts[wrong[0]]}" if wrong else ""
    data |= {"name": manifest.get("name", folder.name), "hash": expected.get(GRAPH, "")}
    return data | {"ok": not wrong, "reason": reason, "files": verdicts, "manifest": manifest}


def _verdict(path: Path, wanted: object) -> str:
    try:
        return "ok" if digest(path) == wanted else "altered"
    except (OSError, ValueError):  # a name that no file can have
        return "missing"


def flat(manifest: dict[str, Any], path: str = "") -> list[tuple[str, str]]:
    """Return nested figures as rows of a dotted name and a value; hashes are left out."""
    rows: list[tuple[str, str]] = []
    for name, value in manifest.items():
        if isinstance(value, dict):
            if name != "files":
                rows += flat(value, f"{path}{name}.")
        else:
            listed = isinstance(value, list)
            rows.append((f"{path}{name}", ", ".join(map(str, value)) if listed else str(value)))
    return rows
