"""The command `healthslm`: one module for each command, loaded when it is asked for.

Data goes to stdout, everything said about it to stderr. Errors end in one line that
says what went wrong and what to do, and in an exit code:

0 ok · 1 failed · 2 wrong usage · 3 findings are present (where asked for) · 75 try again
later · 77 locked · 78 bad configuration · 130 stopped from the keyboard.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import click

from healthslm import __version__
from healthslm.errors import (
    BrokerError,
    DeviceKeyError,
    HealthslmError,
    IntegrityError,
    LockedError,
    ModelError,
    PassphraseError,
    ReaderLockedError,
    SheetError,
)

# Each is the command of that name in the module `healthslm.cli.NAME`. The words stand here so
# that --help loads none of them; a test holds them equal to what the command says of itself.
COMMANDS = {
    "init": "Make a sealed store and its configuration.",
    "run": "Watch: take in samples, find, seal, and write the day.",
    "demo": "Play a day through the whole system and prove what it promises.",
    "simulate": "Make a labelled recording from a seed.",
    "replay": "Play a recording through the pipeline, or to a broker.",
    "status": "Say what the store holds, and how it is protected.",
    "summary": "Say a day in plain words.",
    "ask": "Answer a question from what was measured.",
    "review": "Read the findings as a clinician.",
    "key": "Make and look after keys.",
    "consent": "Say which clinician may read what.",
    "audit": "Show who opened the store, and what was changed.",
    "erase": "Erase a day, a class, a stream or everything.",
    "backup": "Keep a sealed copy elsewhere, and restore it.",
    "report": "Make a sealed report for a clinician, or open one.",
    "outbox": "Carry finished reports off the board.",
    "store": "Check the sealed store, and repair it after damage.",
    "validate": "Hold the detectors against annotated recordings.",
    "model": "Check the language models and show their figures.",
    "bench": "Measure this machine.",
}

NEXT: tuple[tuple[type[Exception], str], ...] = (
    (ReaderLockedError, "the passphrase is the one that was chosen at `healthslm key init`"),
    (
        PassphraseError,
        "try again; who has forgotten it takes the recovery sheet: healthslm key recover",
    ),
    (SheetError, "look at the paper again; `healthslm key recover --rehearse` tries a sheet"),
    (DeviceKeyError, ""),  # they say themselves what to do
    (
        LockedError,
        "name a file with --passphrase-file, or work at a terminal, where it is asked for; "
        "`healthslm key status` says who can open what",
    ),
    (BrokerError, "start the broker and the daemon (`healthslm run`), then try again"),
    (
        IntegrityError,
        "nothing was changed: copy the folder before you do anything else; "
        "`healthslm store check` says what is whole",
    ),
    (ModelError, "without a model the plain template writes the text"),
)


class Commands(click.Group):
    """Commands that load when used, and errors that say what to do."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"healthslm.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command; what goes wrong becomes one line on stderr and an exit code."""
        run = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        try:
            code: object = run()
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(2)
        except click.Abort:
            click.echo("healthslm: stopped.", err=True)
            sys.exit(130)
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            where = f"`{context.command_path} --help` shows what is possible" if context else ""
            fail(error.format_message(), error.exit_code, where)
        except HealthslmError as error:
            hint = next((words for kind, words in NEXT if isinstance(error, kind)), "")
            fail(str(error), error.exit_code, hint)
        except OSError as error:
            fail(_os(error), 1)
        sys.exit(code if isinstance(code, int) else 0)


def fail(message: str, code: int, hint: str = "") -> None:
    """Say what went wrong on stderr, with what to do next, and leave."""
    message = message[:1].lower() + message[1:] if not message[:2].isupper() else message
    click.echo(f"healthslm: error: {message.rstrip('.')}.", err=True)
    if hint:
        click.echo(f"healthslm: next: {hint}.", err=True)
    sys.exit(code)


def _os(error: OSError) -> str:
    reason = (error.strerror or type(error).__name__).lower()
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{reason}. Check the path, its permissions and the free space"


BEGIN = """\
Health monitoring on a board you own: nothing raw leaves it.

\b
Begin:   healthslm init ~/health && healthslm run --config ~/health/healthslm.toml
See it:  healthslm demo
"""


@click.command(
    cls=Commands,
    help=BEGIN,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="A monitor for yourself and for research; not a medical device.",
)
@click.version_option(__version__, message="healthslm %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Decide about colours, and let no log line out: `run` alone writes one."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold values and keys
    logging.getLogger("healthslm").addHandler(logging.NullHandler())
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    elif os.environ.get("FORCE_COLOR"):
        ctx.color = True
