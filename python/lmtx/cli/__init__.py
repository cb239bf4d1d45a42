"""The command lmtx."""

import os
import sys
from typing import Annotated, TextIO

import typer

from .. import __version__, built_with_torch
from . import batch, encode, labels, measure, run, show, store, tag, trust
from .common import Failure

__all__ = ["app", "commands"]

commands = typer.Typer(
    name="lmtx",
    help="Tags text from huge label sets, without labelled data: a small encoder learns from the verdicts of a teacher.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def app(arguments: list[str] | None = None) -> None:
    """Runs the command line. Exit codes: 0 done, 1 failed while working, 2 wrong input, 130 interrupted."""
    try:
        code = typer.main.get_command(commands).main(args=arguments, prog_name="lmtx", standalone_mode=False)
        sys.stdout.flush()
    except Failure as failure:
        code = _complain(str(failure), failure.code)
    except BrokenPipeError:  # Whoever read our output has enough.
        _drop(sys.stdout)
        code = 0
    except OSError as error:
        _drop(sys.stdout)
        code = _complain(f"{error.filename or 'standard output'}: {error.strerror}.", 1)
    except Exception as error:
        # Wrong usage: typer's own errors, whose module differs from version to version.
        if not hasattr(error, "format_message"):
            raise
        message = error.format_message()
        if not message:  # No command at all: the help was shown.
            sys.exit(2)
        code = _complain(" ".join(message.split()), 2)
    sys.exit(code if isinstance(code, int) else 0)


def _drop(stream: TextIO) -> None:
    """Python would try to write what is left in it when it ends, and fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _complain(message: str, code: int) -> int:
    try:
        print(f"lmtx: {message}", file=sys.stderr, flush=True)
    except OSError:
        _drop(sys.stderr)
    return code


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"lmtx {__version__} (torch {built_with_torch()})")
        raise typer.Exit()


@commands.callback()
def _main(version: Annotated[bool, typer.Option("--version", help="Show the version and end.", callback=_show_version, is_eager=True)] = False) -> None:
    pass


# In the order in which `lmtx --help` shows them.
for module in (run, measure, tag, labels, encode, trust, store, batch, show):
    module.register(commands)
