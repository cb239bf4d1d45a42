"""The command lmtx demo."""

from pathlib import Path
from typing import Annotated

import typer

from .common import checking_input, failing_with, interruptible

__all__ = ["register"]



def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    commands.command("demo")(demo)


@interruptible
def demo(
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the run and report.json go; else build/demo in the checkout.")] = None,
    # Named, since some versions of typer call an option like its metavar.
    data: Annotated[Path | None, typer.Option("--data", metavar="DATA", help="The data of the demo; else examples/us-bills-110 in the checkout.")] = None,
) -> None:
    """Teaches a small encoder to tag bills of Congress from an LLM's recorded verdicts, and compares.

    Takes some minutes on two cores. After an interruption the same command goes on; a finished demo is shown again.
    """
    from ..demo import Demo

    with checking_input():
        made = Demo(out, data)
    with failing_with(1):
        made.run()
