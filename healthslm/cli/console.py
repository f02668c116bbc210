"""What every command shares: how it prints, asks, and counts its cost."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from healthslm.errors import LockedError
from healthslm.records import Severity

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

as_json = click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")

store = click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    envvar="HEALTHSLM_STORE",
    show_envvar=True,
    help="Folder made by `healthslm init`.  [default: this folder]",
)

passphrase_file = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="HEALTHSLM_PASSPHRASE_FILE",
    show_envvar=True,
    help="Read the owner's passphrase from the first line of this file.  [default: ask]",
)

watts = click.option(
    "--watts",
    type=click.FloatRange(min=0, min_open=True),
    envvar="HEALTHSLM_BOARD_WATTS",
    show_envvar=True,
    help="Power of the busy board, for the joules.  [default: the configuration's, or 5]",
)


class ListFirst(click.Group):
    """A group of commands that does "list" where no other is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put "list" before options that stand alone."""
        named = args and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else ["list", *args])


LOOKS: dict[Severity, dict[str, Any]] = {
    "red": {"fg": "red", "bold": True},
    "amber": {"fg": "yellow"},
    "info": {"dim": True},
}


def out(text: str = "") -> None:
    """Write a line of data to stdout; colours only where a terminal shows them."""
    click.echo(text)


def note(text: str = "") -> None:
    """Write a line about the data to stderr."""
    click.echo(text, err=True)


def emit(schema: str, data: dict[str, Any]) -> None:
    """Write one JSON document, its schema first: "healthslm/status/1"."""
    document = {"schema": f"healthslm/{schema}/1", **data}
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def bold(text: str) -> str:
    """Return text as a heading."""
    return click.style(text, bold=True)


def dim(text: str) -> str:
    """Return text that may be overlooked."""
    return click.style(text, dim=True)


def graded(severity: Severity, text: str | None = None) -> str:
    """Return text in the colour of a severity; by default its name, padded to one width."""
    return click.style(text or f"{severity:<5}", **LOOKS[severity])


def pairs(rows: Iterable[tuple[str, str]]) -> None:
    """Write names and values in two columns."""
    listed = list(rows)
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        out(f"  {dim(name.ljust(width))}  {value}".rstrip())


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: str | Sequence[str] = ""
) -> None:
    """Write columns as wide as they need; `right` names the headings that align right."""
    rightwards = right.split() if isinstance(right, str) else right
    widths = [max(len(click.unstyle(line[n])) for line in [head, *rows]) for n in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = []
        for cell, title, width in zip(cells, head, widths, strict=True):
            space = " " * (width - len(click.unstyle(cell)))
            padded.append(space + cell if title and title in rightwards else cell + space)
        return "  ".join(padded).rstrip()

    out(dim(line(head)))
    for row in rows:
        out(line(row))


@contextmanager
def bar() -> Iterator[Callable[[str, int, int], None]]:
    """Give what shows, on a terminal, what is being done and how far it is."""
    shown = sys.stderr.isatty()
    stage = [""]

    def progress(what: str, done: int, whole: int) -> None:
        if shown:
            end = "\n" if stage[0] not in ("", what) else "\r"
            click.echo(end if stage[0] else "", nl=False, err=True)
            stage[0] = what
            click.echo(f"{what:<20} {done * 100 // max(whole, 1):>3} %", nl=False, err=True)

    try:
        yield progress
    finally:
        if stage[0]:
            click.echo(err=True)


def count(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: "1 finding", "12,345 frames"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(octets: float) -> str:
    """Return a number of bytes as people read it: "3.4 MB"."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if octets < 1000 or unit == "GB":
            break
        octets /= 1000
    return f"{octets:.0f} {unit}" if unit == "bytes" else f"{octets:.1f} {unit}"


def cpu_s() -> float:
    """Return the CPU seconds of this process and of the children it has waited for."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in used)


def cost(seconds: float, watts: float) -> str:
    """Return CPU time, and the energy it means on a board: "812 ms of CPU, 3.2 J at 4 W"."""
    spent = f"{seconds * 1000:,.0f} ms" if seconds < 10 else f"{seconds:,.0f} s"
    joules = seconds * watts
    return f"{spent} of CPU, {joules:,.{1 if joules < 10 else 0}f} J at {watts:g} W"


def passphrase(file: Path | None, *, new: bool = False) -> str:
    """Return the owner's passphrase, from a file or asked for without echo.

    It is never taken from an argument or the environment, where other processes could
    read it. A new one is asked for twice.

    Raises
    ------
    LockedError
        There is neither a file nor a terminal to ask on, or the file's first line is empty.
    """
    if file is not None:
        with file.open(encoding="utf-8") as lines:
            words = lines.readline().rstrip("\r\n")
        if not words:
            raise LockedError(f"the first line of {file} is empty: it should be the passphrase")
        warn_if_open(file)
        return words
    if not sys.stdin.isatty():
        raise LockedError("the passphrase cannot be asked for: this is no terminal")
    asked: str = click.prompt(
        "New passphrase" if new else "Passphrase",
        hide_input=True,
        confirmation_prompt="The same again" if new else False,
        err=True,
    )
    return asked


def warn_if_open(file: Path) -> None:
    """Say it where a file with a secret may be read by others."""
    if file.stat().st_mode & 0o077:
        note(f"healthslm: warning: others may read {file}; `chmod 600` keeps it yours")


def new_passphrase(file: Path | None) -> str:
    """Return a new passphrase, named as weak where it is; a person may then take it back.

    Raises
    ------
    LockedError
        As `passphrase`.
    click.Abort
        The person would rather choose another.
    """
    words = passphrase(file, new=True)
    why = weakness(words)
    if why:
        note(f"healthslm: warning: this passphrase is weak: {why}.")
        note("  Who copies what it seals can try words for years. Five random words hold.")
        if file is None:
            click.confirm("Use it all the same?", abort=True, err=True)
    return words


TRIED_FIRST = ("password", "contraseña", "contrasena", "123456", "qwerty", "letmein", "healthslm")


def weakness(words: str) -> str | None:
    """Return why a passphrase is weak, or None.

    15 characters is the least that NIST SP 800-63B-4 asks of a secret that stands alone.
    """
    if any(common in words.casefold() for common in TRIED_FIRST):
        return "it holds one of the first words that anyone tries"
    if len(words) < 15:
        return f"it has {count(len(words), 'character')}; 15 is the least that holds"
    if len(set(words)) < 6:
        return "it repeats a few characters"
    if words.isdigit():
        return "it is only digits"
    return None
