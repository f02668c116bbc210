"""`healthslm model`: the models that can speak, whether they are whole, and how good they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from healthslm.cli import console, shelf
from healthslm.cli.place import CONFIG
from healthslm.cli.shelf import bundled as bundled
from healthslm.cli.shelf import checked as checked
from healthslm.cli.shelf import flat
from healthslm.errors import CheckpointError, ConfigError, ModelError

folder_option = click.option(
    "--model",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="HEALTHSLM_MODEL_FOLDER",
    show_envvar=True,
    help="Folder of a model.  [default: the one in use]",
)
into_option = click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that holds imported models.  [default: models, beside the configuration]",
)
name_argument = click.argument("name", required=False)


@click.group("model", cls=console.ListFirst)
def command() -> None:
    """Check the language models and show their figures.

    One comes with the program; others can be imported. Without a command it lists them.
    """


@command.command("list")
@console.store
@into_option
@click.option(
    "--model",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Show the figures of the model in this folder.",
)
@console.as_json
def list_(store: Path, into: Path | None, folder: Path | None, json_: bool) -> None:
    """List the models, or show one model's figures.

    The figures are its size and how it was made, as its manifest states them; its card, if
    it has one, tells what was measured of it.
    """
    if folder is not None:
        _figures(folder, json_)
        return
    found = shelf.find(store, into)
    models = [found.row(name) for name in found.models]
    if json_:
        console.emit("models", {"folder": str(found.folder or ""), "models": models})
        return
    head = ("", "name", "kind", "parameters", "bits", "size")
    rows = [
        (
            "*" if row["used"] else "",
            row["name"],
            row["kind"],
            f"{row['parameters'] / 1e6:.1f} M" if row["parameters"] else "",
            str(row["bits"] or ""),
            console.size(row["bytes"]),
        )
        for row in models
    ]
    console.table(head, rows, right="parameters bits size")
    if not any(row["used"] for row in models):
        console.note(f"in use is another: {found.used}")


@command.command("check")
@name_argument
@console.store
@into_option
@folder_option
@console.as_json
def check(
    name: str | None, store: Path, into: Path | None, folder: Path | None, json_: bool
) -> None:
    """Compare a model's files with their hashes.

    The hashes stand in its manifest. It exits with 1 if one differs or is missing; then
    the plain template speaks.
    """
    data = checked(_chosen(name, store, into, folder))
    if json_:
        console.emit("model", data)
    else:
        for file, verdict in data["files"].items():
            colour = "green" if verdict == "ok" else "red"
            console.out(f"{click.style(f'{verdict:<8}', fg=colour)} {file}")
    if not data["ok"]:
        raise ModelError(f"{data['folder']}: {data['reason']}")
    if not json_:
        console.out(f"{data['name']}: {len(data['files'])} files are what the manifest says")


@command.command("import")
@click.argument("checkpoint", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--name", help="What to call it.  [default: the folder's name]")
@click.option(
    "--bits",
    type=click.Choice(["4", "8"]),
    default="4",
    help="Bits for each weight: 4 is smaller and faster, 8 nearer to the original.  [default: 4]",
)
@click.option(
    "--context",
    type=click.IntRange(64, 32_768),
    default=1024,
    help="Tokens of prompt and text together; each costs memory.  [default: 1024]",
)
@console.store
@into_option
@console.as_json
def import_(
    checkpoint: Path,
    name: str | None,
    bits: str,
    context: int,
    store: Path,
    into: Path | None,
    json_: bool,
) -> None:
    """Turn published weights into a model for this board.

    CHECKPOINT is a folder with config.json, safetensors and tokenizer.json, of a Llama,
    MobileLLM, Mistral, Qwen 2 or Qwen 3. The weights are kept in fewer bits, and the result
    is held to the original; the test's figures stand in the manifest. Nothing is fetched.
    """
    called = shelf.named(name or checkpoint.resolve().name.lower())
    found = shelf.find(store, into)
    if found.folder is None:
        raise ConfigError(
            "there is no configuration here to put models beside. Name its folder with --store, "
            "or a folder for models with --into"
        )
    if called in found.models:
        raise CheckpointError(f"there is a model {called!r} already. Give another --name")
    from healthslm.language import checkpoint as reader
    from healthslm.language import importing

    read = reader.read(checkpoint, context)
    with console.bar() as progress:
        importing.convert(read, found.folder / called, bits=int(bits), progress=progress)
    _figures(found.folder / called, json_)
    if not json_:
        console.note(f"`healthslm model use {called}` lets it speak")


@command.command("use")
@click.argument("name")
@console.store
@into_option
def use(name: str, store: Path, into: Path | None) -> None:
    """Let a model speak: write it into the configuration.

    Only the folder in its [model] table is changed. The model has to be whole.
    """
    found = shelf.find(store, into)
    folder = found.find(name)
    data = checked(folder)
    if not data["ok"]:
        raise ModelError(f"{data['folder']}: {data['reason']}")
    named = "" if folder == bundled() else str(folder.resolve())
    line = f"folder = {json.dumps(named, ensure_ascii=False)}"
    if found.home is None:
        raise ConfigError(
            f"there is no configuration here. Name its folder with --store, or write this line "
            f"into its [model]: {line}"
        )
    path = found.home / CONFIG
    shelf.use(path, named)
    console.out(f"{path}: [model] {line}")
    console.note("the daemon reads it when it starts again")


@command.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@console.store
@into_option
def remove(name: str, yes: bool, store: Path, into: Path | None) -> None:
    """Delete an imported model.

    The bundled one stays, and so does the one in use.
    """
    found = shelf.find(store, into)
    folder = found.find(name)
    if folder == bundled():
        raise ModelError(f"{name} comes with the program and stays")
    if found.uses(folder):
        raise ModelError(f"{name} is in use. Choose another first: healthslm model use NAME")
    if not yes:
        size = console.size(sum(f.stat().st_size for f in folder.iterdir() if f.is_file()))
        click.confirm(f"Delete {folder} ({size})?", abort=True, err=True)
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)
    console.out(f"{name}: deleted")


@command.command("bench")
@name_argument
@click.option(
    "--threads", type=click.IntRange(1, 64), default=1, help="Threads to use.  [default: 1]"
)
@console.store
@into_option
@folder_option
@console.as_json
def bench(
    name: str | None,
    threads: int,
    store: Path,
    into: Path | None,
    folder: Path | None,
    json_: bool,
) -> None:
    """Measure a model's speed and memory on this machine.

    Beside each speed stands what the weights lost to it: the largest error of a logit, and
    how often the likeliest token is the same, as tested when it was imported.
    """
    chosen = _chosen(name, store, into, folder)
    data = checked(chosen)
    if not data["ok"]:
        raise ModelError(f"{data['folder']}: {data['reason']}")
    from healthslm.language import pace

    measured = pace.measure(chosen, threads)
    parity = data["manifest"].get("parity")
    known = parity if isinstance(parity, dict) else {}
    rows = {
        "name": data["name"],
        "threads": threads,
        **measured,
        "logit_error": known.get("error"),
        "logit_std": known.get("logit_std"),
        "top1": known.get("top1"),
    }
    if json_:
        console.emit("pace", rows)
    else:
        console.pairs(
            [(key, "not tested" if value is None else f"{value}") for key, value in rows.items()]
        )


def _figures(folder: Path, json_: bool) -> None:
    """Show what one model's manifest states."""
    data = checked(folder)
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


def _chosen(name: str | None, store: Path, into: Path | None, folder: Path | None) -> Path:
    """Return the folder of the model that is meant: named, pointed at, or in use."""
    if name is not None:
        return shelf.find(store, into).find(name)
    return folder or shelf.find(store, into).used
