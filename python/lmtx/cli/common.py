"""What all commands share: how they fail, and how they are interrupted."""

import contextlib
import functools
import signal
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["Device", "Failure", "checking_input", "failing_with", "interruptible", "working", "wrong_values"]

Device = Annotated[str, typer.Option(metavar="DEVICE", help="Where it is computed: cpu, cuda or cuda:N.")]
INTERRUPTED = "interrupted; the same command goes on from here."


class Failure(Exception):
    """Ends the command with one line on stderr."""

    def __init__(self, message: str, code: int):
        super().__init__(" ".join(str(message).split()))
        self.code = code


@contextlib.contextmanager
def checking_input() -> Iterator[None]:
    """What goes wrong here is wrong input: one line, exit code 2."""
    with failing_with(2):
        yield


@contextlib.contextmanager
def failing_with(code: int) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, OSError, RuntimeError, IndexError) as error:
        raise Failure(str(error), code) from error


@contextlib.contextmanager
def wrong_values() -> Iterator[None]:
    """Of what may also go wrong while it works: a wrong value is wrong input, exit code 2."""
    try:
        yield
    except ValueError as error:
        raise Failure(str(error), 2) from error


def interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Ends a command that was interrupted with one line and exit code 130."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, **keywords: Any) -> None:
        try:
            command(*arguments, **keywords)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # The command is about to end: a second Ctrl-C has nothing left to stop.
            raise Failure(INTERRUPTED, 130) from None

    return wrapped


@contextlib.contextmanager
def working() -> Iterator[None]:
    """What goes wrong here is no fault of the input: one line, with the traceback where it comes from a teacher's own code; exit code 1."""
    try:
        yield
    except Exception as error:
        if not _is_own(error):
            traceback.print_exception(error)
            raise Failure("the teacher failed; what it answered before is kept, and the same command goes on from here.", 1) from error
        raise Failure(str(error), 1) from error


def _is_own(error: Exception) -> bool:
    """Whether an exception came out of LMTX itself: its innermost frame is here, as C++ has none."""
    frames = traceback.extract_tb(error.__traceback__)
    return not frames or Path(frames[-1].filename).resolve().is_relative_to(Path(__file__).resolve().parent.parent)
