"""`healthslm validate`: the detectors against annotated recordings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from healthslm.cli import console

if TYPE_CHECKING:
    import pandas as pd

# What each task's table shows: column -> (heading, decimals).
COUNTS = {"tp": ("TP", 0), "fp": ("FP", 0), "fn": ("FN", 0)}
SHARES = {"se": ("Se %", 2), "ppv": ("+P %", 2), "f1": ("F1 %", 2)}
SHOWN = {
    "qrs": {**COUNTS, **SHARES, "jitter_ms": ("jitter ms", 1)},
    "ventricular": {**COUNTS, **SHARES, "fpr": ("FPR %", 3), "s_se": ("S Se", 1)}
    | {"s_ppv": ("S +P", 1)},
    "af": {**COUNTS, **SHARES, "duration_se": ("time Se", 1), "duration_ppv": ("time +P", 1)}
    | {"beat_se": ("beat Se", 1), "beat_sp": ("beat Sp", 1), "beat_ppv": ("beat +P", 1)},
}


@click.command("validate")
@click.argument("task", type=click.Choice(list(SHOWN)))
@click.argument(
    "paths",
    metavar="PATH [PATH]",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True),
)
@click.option("--channel", metavar="LEAD", help="Its name or number.  [default: MLII, else 0]")
@click.option(
    "--jobs",
    type=click.IntRange(min=1, max=256),
    default=1,
    show_default=True,
    help="Processes that share the work.",
)
@console.as_json
def command(
    task: str, paths: tuple[Path, ...], channel: str | None, jobs: int, json_: bool
) -> None:
    """Hold the detectors against annotated recordings.

    PATH is a WFDB header (.hea) with annotations beside it (.atr), or a folder of such.
    Counted as ANSI/AAMI EC57 and the programs bxb and epicmp do: pairs within 150 ms,
    the first 5 minutes not counted. For `af`, an episode overlapped at all is found.
    """
    from healthslm import validate

    listed = validate.headers(paths)
    frame = validate.TASKS[task](listed, channel=channel, jobs=jobs, done=progress)
    if json_:
        console.emit("validate", document(task, paths, frame))
    else:
        show(task, frame)
    if left := frame.attrs["left_out"]:
        console.note(f"left out, as EC57 does with paced beats: {', '.join(left)}")


def progress(done: int, whole: int) -> None:
    """Say on a terminal's stderr how many recordings are done."""
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done == whole else f"\r{done} of {whole} recordings "
        click.echo(end, err=True, nl=False)


def show(task: str, frame: pd.DataFrame) -> None:
    """Write a line for each recording, the gross figures and the average."""
    from healthslm import validate

    if frame.empty:
        console.out("No recording that counts.")
        return
    columns = SHOWN[task]
    lines = [(str(row["record"]), row) for row in frame.to_dict("records")]
    lines += [("gross", validate.gross(frame)), ("average", validate.average(frame))]
    rows = [
        (name, *(cell(row.get(c), digits) for c, (_, digits) in columns.items()))
        for name, row in lines
    ]
    heads = [heading for heading, _ in columns.values()]
    console.table(("record", *heads), rows, right=heads)


def cell(value: float | None, digits: int) -> str:
    """Return a figure; "-" for a share of nothing."""
    return "-" if value is None or value != value else f"{value:,.{digits}f}"


def document(task: str, paths: tuple[Path, ...], frame: pd.DataFrame) -> dict[str, Any]:
    """Return everything as plain data."""
    from healthslm import validate

    return {
        "task": task,
        "dataset": ", ".join(dict.fromkeys(_dataset(path) for path in paths)),
        "records": [_plain(row) for row in frame.to_dict("records")],
        "left_out": frame.attrs["left_out"],
        "gross": {} if frame.empty else _plain(validate.gross(frame)),
        "average": {} if frame.empty else _plain(validate.average(frame)),
    }


def _dataset(path: Path) -> str:
    """Return the folder's name with the one above it: "mitdb/dev"."""
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    return "/".join(folder.parts[-2:])


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Return a row with None for what JSON has no word for."""
    return {str(k): None if v != v else v for k, v in row.items()}
