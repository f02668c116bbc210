"""The page on commands says what they say; `python tests/test_docs.py` brings it up to date."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from healthslm.cli import COMMANDS, console, main
from healthslm.language import reasons

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
MARKS = "<!-- help: begin (written by tests/test_docs.py) -->\n", "<!-- help: end -->\n"

REASONS = "<!-- reasons: begin (written by tests/test_docs.py) -->\n", "<!-- reasons: end -->\n"


def commands(group: click.Group = main, path: str = "") -> Iterator[str]:
    """Yield every command and command of a command: "status", "review", "review list" ..."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path}{name}"
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} ")


def help_of(path: str) -> str:
    """Return what `healthslm PATH --help` prints."""
    width = {k: v for k, v in os.environ.items() if not k.startswith("HEALTHSLM")}
    result = CliRunner(env=width).invoke(
        main, [*path.split(), "--help"], prog_name="healthslm", terminal_width=80
    )
    assert result.exit_code == 0, result.output
    return result.stdout


def section() -> str:
    """Return the part of the page that the commands write themselves."""
    blocks = [f"### `healthslm {path}`\n\n```\n{help_of(path)}```\n" for path in commands()]
    return "\n".join(blocks)


def table() -> str:
    """Return why the template may speak, as rows."""
    head = "\n| number | word | why |\n|---|---|---|\n"
    return (
        head
        + "".join(
            f"| {row.code} | `{word}` | {row.means} |\n" for word, row in reasons.REASONS.items()
        )
        + "\n"
    )


def test_every_reason_of_the_template_is_documented_as_it_is() -> None:
    """Where this fails: `python tests/test_docs.py` writes it anew."""
    begin, end = REASONS
    assert PAGE.read_text("utf-8").partition(begin)[2].partition(end)[0] == table()


def test_every_command_and_option_is_documented_as_it_is() -> None:
    """Where this fails: `python tests/test_docs.py` writes it anew."""
    begin, end = MARKS
    written = PAGE.read_text("utf-8").partition(begin)[2].partition(end)[0]
    assert written == f"\n{section()}\n"


def test_the_list_of_commands_says_what_each_command_says_of_itself() -> None:
    context = click.Context(main)
    for name, words in COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(limit=200) == words
        assert (command.help or "").startswith(words)


def test_help_fits_eighty_columns_and_cuts_nothing_off() -> None:
    for path in commands():
        text = help_of(path)
        assert max(map(len, text.splitlines())) <= 80, path
        assert "..." not in text.replace("[ARGS]...", ""), path


def test_every_option_says_what_it_does() -> None:
    for path in commands():
        command: click.Command = main
        for name in path.split():
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), name)
            assert found is not None
            command = found
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or getattr(parameter, "help", ""), path


def test_every_schema_has_a_section() -> None:
    """A document without its meaning is no interface."""
    source = Path(console.__file__).parent
    emitted = {
        name
        for path in source.glob("*.py")
        for name in re.findall(r'console\.emit\(\s*"([a-z]+)"', path.read_text("utf-8"))
    }
    described = set(re.findall(r"^### `healthslm/([a-z]+)/1`", PAGE.read_text("utf-8"), re.M))
    assert emitted == described


def keys_of(schema: str) -> set[str]:
    """Return the keys that the page describes for a schema's document."""
    text = (
        PAGE.read_text("utf-8").partition(f"### `healthslm/{schema}/1`")[2].partition("\n### ")[0]
    )
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.M)
    return {key for row in rows for key in re.findall(r"`([a-z_]+)`", row)}


if __name__ == "__main__":
    page = PAGE.read_text("utf-8")
    for (begin, end), inside in ((MARKS, f"\n{section()}\n"), (REASONS, table())):
        before, rest = page.split(begin)
        page = f"{before}{begin}{inside}{end}{rest.split(end)[1]}"
    PAGE.write_text(page, "utf-8")
