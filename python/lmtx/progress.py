"""Progress bars out of events."""

import sys
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ._core import Event

__all__ = ["ProgressDisplay"]


class ProgressDisplay:
    """Shows events on stderr: a bar for each stage on a terminal, one line when a stage ends elsewhere. A context manager, to be called with each event.

    Args:
        console: Where to draw; None means stderr.
        on_event: Gets the events instead; nothing is drawn.
        enabled: False shows nothing.
        bars: False shows lines on a terminal, too: bars would be drawn over what a person is asked there.
    """

    def __init__(self, console: Console | None = None, *, on_event: Callable[[Event], None] | None = None, enabled: bool = True, bars: bool = True):
        self._console = console or Console(stderr=True)
        self._on_event = on_event
        self._enabled = enabled and on_event is None
        self._bars = _make_bars(self._console) if self._enabled and bars and self._console.is_terminal else None
        self._tasks: dict[tuple[int, str], TaskID] = {}
        self._started: dict[tuple[int, str], float] = {}

    @classmethod
    def for_argument(cls, progress: bool | Callable[[Event], None], *, bars: bool = True) -> "ProgressDisplay":
        """For an argument `progress`: True, False, or a function that gets the events."""
        return cls(on_event=progress) if callable(progress) else cls(enabled=bool(progress), bars=bars)

    def __enter__(self) -> "ProgressDisplay":
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._bars:
            self._bars.stop()

    def __call__(self, event: Event) -> None:
        if self._on_event:
            self._on_event(event)
        elif self._enabled and event.kind == "progress":
            if not event.done and not event.total:  # Nothing to do, such as asking about no held-out documents.
                return
            name = event.stage if event.cycle < 0 else f"cycle {event.cycle}: {event.stage}"
            self._show_progress((event.cycle, event.stage), name, event.done, event.total)
        elif event.message:
            self.notice(event.message)

    def named(self, name: str) -> Callable[[Event], None]:
        """Shows events as progress of `name`, whatever their stage is called."""
        return lambda event: self.show(name, event.done, event.total) if self._enabled and event.kind == "progress" else self(event)

    def show(self, name: str, done: int, total: int) -> None:
        """Shows progress of work that has no events; a `total` of 0 is one that is not known."""
        if self._enabled:
            self._show_progress((-1, name), name, done, total)

    def notice(self, message: str) -> None:
        """Prints a sentence above the bars."""
        if not self._enabled:
            return
        try:
            self._console.print(message, style="dim", highlight=False, markup=False, soft_wrap=True)
            sys.stderr.flush()
        except OSError:  # The disk that it goes to is full: no reason for the work to end.
            self._enabled = False

    def _show_progress(self, stage: tuple[int, str], name: str, done: int, total: int) -> None:
        if self._bars:
            self._move_bar(self._bars, stage, name, done, total)
        else:
            self._print_when_done(stage, name, done, total)

    def _move_bar(self, bars: Progress, stage: tuple[int, str], name: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = bars.add_task(name, total=total or None)
        bars.update(self._tasks[stage], completed=done, total=total or None)

    def _print_when_done(self, stage: tuple[int, str], name: str, done: int, total: int) -> None:
        started = self._started.setdefault(stage, time.monotonic())
        if total and done >= total and started >= 0:
            self._started[stage] = -1.0
            self.notice(f"{name}: {total:,} in {time.monotonic() - started:.0f} s")


def _make_bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), console=console, refresh_per_second=5
    )
