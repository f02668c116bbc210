"""`healthslm model`: whether the weights are those of the manifest, and how good they are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import click

from healthslm.cli import console
from healthslm.errors import ModelError

folder_option = click.option(
    "--model",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="HEALTHSLM_MODEL_FOLDER",
    show_envvar=True,
    help="Folder of a model.  [default: the bundled one]",
)


@click.group("model", cls=console.ListFirst)
def command() -> None:
    """Check the language models and show their figures.

    Without a command it shows the figures.
    """


@command.command("check")
@folder_option
@console.as_json
def check(folder: Path | None, json_: bool) -> None:
    """Compare a model's files with their hashes.

    The hashes stand in its manifest. It exits with 1 if one differs or is missing; then
    the plain template speaks.
    """
    data = checked(folder or bundled())
    if json_:
        console.emit("model", data)
    else:
        for name, verdict in data["files"].items():
            colour = "green" if verdict == "ok" else "red"
            console.out(f"{click.style(f'{verdict:<8}', fg=colour)} {name}")
    if not data["ok"]:
        raise ModelError(f"{data['folder']}: {data['reason']}")
    if not json_:
        console.out(f"{data['name']}: {len(data['files'])} files are what the manifest says")


@command.command("list")
@folder_option
@console.as_json
def list_(folder: Path | None, json_: bool) -> None:
    """Show a model's figures.

    Its size and how it was made, as its manifest states them; its card tells what was
    measured of it.
    """
    data = checked(folder or bundled())
    if json_:
        console.emit("model", data)
        return
    if not data["manifest"]:
        raise ModelError(f"{data['folder']}: {data['reason']}")
    verdict = "files match their hashes" if data["ok"] else data["reason"]
    console.out(f"{console.bold(data['name'])}  {data['hash'][:12]}  {verdict}")
    console.pairs(flat(data["manifest"]))
    if "CARD.md" in data["files"]:
        console.note(f"what was measured: {data['folder']}/CARD.md")


def bundled() -> Path:
    """Return the folder of the model that comes with the program."""
    from healthslm.config import resource

    return resource("models/mini")


def checked(folder: Path) -> dict[str, Any]:
    """Return whether a model can speak: its manifest, and a verdict on each file.

    `hash` is the SHA-256 of the weights, by which a summary names its writer.
    """
    data: dict[str, Any] = {"folder": str(folder), "name": folder.name, "ok": False}
    data |= {"hash": "", "reason": "", "files": {}, "manifest": {}}
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        expected = dict(manifest["files"])
    except OSError:
        return data | {"reason": "there is no model here"}
    except (ValueError, KeyError, TypeError):
        return data | {"reason": "the manifest is not one of ours"}
    verdicts = {name: _verdict(folder / name, wanted) for name, wanted in expected.items()}
    wrong = [name for name, verdict in verdicts.items() if verdict != "ok"]
    reason = f"{wrong[0]} is {verdicts[wrong[0]]}" if wrong else ""
    data |= {"name": manifest.get("name", folder.name), "hash": expected.get("model.onnx", "")}
    return data | {"ok": not wrong, "reason": reason, "files": verdicts, "manifest": manifest}


def _verdict(path: Path, wanted: object) -> str:
    try:
        with path.open("rb") as content:
            return (
                "ok" if hashlib.file_digest(content, "sha256").hexdigest() == wanted else "altered"
            )
    except OSError:
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
