"""The `companion` command: one module in this folder for each sub-command."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from companion.cli.output import BAD_INPUT
from companion.errors import CompanionError

_INTERRUPTED = 130
_NOBODY_READS = 1  # click and rich end so too

# Each command and its module, which is loaded only when the command is used: ibis and DuckDB
# alone take longer to load than a sync takes to run.
_MODULES = {
    "provision": "provision",
    "sync": "sync",
    "configure": "configure",
    "rotate": "rotate",
    "watch": "watch",
    "import": "import_",
    "reconcile": "reconcile",
    "explain": "explain",
    "breaks": "breaks",
    "case": "case",
    "evidence": "evidence",
    "report": "report",
    "alert": "alert",
    "account": "account",
    "fee": "fee",
    "channel": "channel",
    "own-card": "own_card",
    "journal": "journal",
    "log": "log",
    "escape": "escape",
    "selftest": "selftest",
    "update": "update",
    "host": "host",
    "host-day": "host",
    "inject": "inject",
    "check": "check",
}

_EPILOG = """\b
Exit codes:
  0  done
  1  found, where that was asked: --check, journal verify, journal read; alert send: not delivered
  2  wrong usage, bad input, or something needed is not there; one line on stderr says what
  3  reconcile: the equation does not hold
"""


class Companion(click.Group):
    """A group whose every expected error is one line on stderr and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are used."""
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command's module."""
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"companion.cli.{_MODULES[cmd_name]}")
        name = {"import": "import_"}.get(cmd_name, cmd_name.replace("-", "_"))
        command: click.Command = getattr(module, name)
        return command

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run a command and exit with its code."""
        try:
            result = super().main(
                args, prog_name or "companion", complete_var, standalone_mode=False, **extra
            )
            sys.stdout.flush()
        except click.Abort:
            _fail("interrupted", _INTERRUPTED)
        except click.ClickException as error:
            _fail(error.format_message(), BAD_INPUT)
        except CompanionError as error:
            _fail(str(error), BAD_INPUT)
        except BrokenPipeError:
            # `| head` has seen enough. The interpreter flushes once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(_NOBODY_READS)
        except OSError as error:
            # A full disk, a folder that may not be written.
            what = f"{error.filename}: " if error.filename else ""
            _fail(f"{what}{error.strerror or error}", BAD_INPUT)
        sys.exit(result if isinstance(result, int) else 0)


def _fail(message: str, code: int) -> NoReturn:
    click.echo("companion: " + " ".join(message.split()), err=True)
    sys.exit(code)


@click.group(
    cls=Companion,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 99},
    epilog=_EPILOG,
    invoke_without_command=True,
)
@click.pass_context
def main(context: click.Context) -> None:
    """Pingzhang's companion: sync terminals, reconcile, follow every break.

    \b
    Example:
      companion provision --port /dev/ttyACM0
      companion sync --port /dev/ttyACM0
      companion import DAY.csv
      companion reconcile
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
