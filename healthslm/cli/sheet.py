"""The recovery sheet on the screen and from a person's hands: 18 words in three rows of six."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from healthslm.cli import console
from healthslm.errors import LockedError
from healthslm.vault import recovery

ROWS, ACROSS = 3, 6
ASKED_BACK = 2  # of the words: enough to see that they were written down

BEFORE = """\
Write these 18 words on paper, with their numbers, and keep the paper where you
keep your papers. Do not photograph them and do not keep them on a computer.
They open everything without the passphrase: who has them needs nothing more.
"""
AFTER = """\
They are shown this once. Clear the screen when you have them. See that what you
wrote down is right: healthslm key recover --rehearse --store {folder}"""


def lines(words: Sequence[str]) -> list[str]:
    """Return the words as the sheet shows them."""
    return [
        "  ".join(f"{n + 1:>2} {words[n]}" for n in range(row * ACROSS, (row + 1) * ACROSS))
        for row in range(ROWS)
    ]


def hand_over(secret: bytes, folder: Path) -> None:
    """Show a new sheet, and ask a person at the terminal for two of its words.

    Raises
    ------
    click.Abort
        The person gave up.
    """
    words = recovery.words(secret)
    console.out(console.bold("Recovery sheet"))
    console.out(BEFORE)
    for line in lines(words):
        console.out(f"  {line}")
    console.out()
    if sys.stdin.isatty():
        _ask_back(words)
    console.out(AFTER.format(folder=folder))
    console.out()


def _ask_back(words: Sequence[str]) -> None:
    console.note("Read two of them from your paper.")
    for n in sorted(secrets.SystemRandom().sample(range(len(words)), ASKED_BACK)):
        while _asked(f"Word {n + 1}") != words[n]:
            console.note(f"That is not word {n + 1}. Look at your paper, and at the screen.")


def _asked(what: str) -> str:
    typed: str = click.prompt(what, hide_input=True, err=True)
    return typed.strip().casefold()


def read(file: Path | None) -> bytes:
    """Return the secret of a sheet, from a file or asked for row by row without echo.

    Raises
    ------
    SheetError
        The words are none of a sheet's, or do not belong together.
    LockedError
        There is neither a file nor a terminal to ask on.
    """
    if file is not None:
        console.warn_if_open(file)
        return recovery.read(file.read_text("utf-8"))
    if not sys.stdin.isatty():
        raise LockedError(
            "the words of the sheet cannot be asked for: this is no terminal. Name a file that "
            "holds them with --sheet-file"
        )
    console.note("The 18 words of the recovery sheet, six at a time. They are not shown.")
    return recovery.read(" ".join(_row(number) for number in range(ROWS)))


def _row(number: int) -> str:
    first = number * ACROSS + 1
    while True:
        typed = _asked(f"Words {first} to {first + ACROSS - 1}").replace("-", " ").split()
        wrong = [str(first + n) for n, word in enumerate(typed) if not recovery.is_word(word)]
        if len(typed) != ACROSS:
            console.note(f"There are six words in this row; {len(typed)} came. Once more.")
        elif wrong:
            console.note(f"Word {', '.join(wrong)} stands on no sheet. Once more.")
        else:
            return " ".join(typed)
