"""Teachers that are asked about several documents at the same time."""

import asyncio
import threading
import time
from concurrent import futures
from typing import cast

from .._core import AnswerSink, Question, TeacherError, TeacherOracle, TeacherTraits, Usage
from .event_loop import EventLoop
from .functions import Ask, AskAsync, arguments_of, is_async, named, of_function, wants_descriptions

__all__ = ["ConcurrentTeacher", "concurrent"]

# Seconds between two looks at whether the run wants to end.
TICK = 0.05
# Seconds that calls get to come back when it does; the trainer waits for one.
GRACE = 0.7


class ConcurrentTeacher(TeacherOracle):
    """A teacher made of an async function. See concurrent()."""

    def __init__(self, function: AskAsync, identity: str, concurrency: int):
        super().__init__()
        self._function, self._identity, self._concurrency = function, identity, concurrency
        self._described = wants_descriptions(function)
        self._loop = EventLoop()
        # What follows belongs to the loop's thread.
        self._slots: asyncio.Semaphore | None = None
        self._slots_of: asyncio.AbstractEventLoop | None = None
        self._num_judging = 0
        self._failed = False

    def identity(self) -> str:
        return self._identity

    def traits(self) -> TeacherTraits:
        """Two calls at once, each with enough to do, so that slow answers at the end of one leave no slot empty."""
        return TeacherTraits(questions_per_call=4 * self._concurrency, concurrent_calls=2)

    def judge(self, questions: list[Question], answers: AnswerSink) -> None:
        if not questions:
            return
        future = self._loop.start(self._judge(questions, answers))
        try:
            # Ctrl-C comes to the main thread, and only while it runs Python: it is awake now and then. Others are not, so that one that is left behind never
            # asks for the interpreter while that ends.
            tick = TICK if threading.current_thread() is threading.main_thread() else None
            while not future.done():
                futures.wait([future], timeout=tick)
        except BaseException:
            future.cancel()
            raise
        future.result()

    async def _judge(self, questions: list[Question], answers: AnswerSink) -> None:
        if self._num_judging == 0:
            self._failed = False
        self._num_judging += 1
        tasks = {asyncio.ensure_future(self._answer(question, answers)) for question in questions}
        try:
            await self._wait(tasks, answers)
        finally:
            self._num_judging -= 1
            errors = await _end(tasks)
        if errors:
            raise errors[0]

    async def _wait(self, tasks: "set[asyncio.Task[None]]", answers: AnswerSink) -> None:
        """Until all have ended, or the run wants to end and those that wait for an answer had time to get it. After a failure they have all the time: their
        answers are paid for."""
        pending, end = tasks, float("inf")
        while pending and time.monotonic() < end:
            _, pending = await asyncio.wait(pending, timeout=TICK)
            if end == float("inf") and answers.stop_requested and not self._failed:
                end = time.monotonic() + GRACE

    async def _answer(self, question: Question, answers: AnswerSink) -> None:
        async with self._get_slots():
            if self._failed or answers.stop_requested:
                return
            started = time.monotonic()
            try:
                verdicts = await self._function(*arguments_of(question, described=self._described))
                answers.put(question, verdicts, usage=Usage(seconds=time.monotonic() - started))
            except (KeyboardInterrupt, SystemExit) as error:  # They would end the loop's thread, and nobody would hear of it.
                self._failed = True
                raise TeacherError(f"the teacher raised {type(error).__name__}") from error
            except Exception:
                self._failed = True
                raise

    def _get_slots(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if self._slots is None or self._slots_of is not loop:
            self._slots, self._slots_of = asyncio.Semaphore(self._concurrency), loop
        return self._slots


async def _end(tasks: "set[asyncio.Task[None]]") -> list[BaseException]:
    """Cancels what still runs and waits a moment for it. Returns what the others ended with."""
    for task in tasks:
        task.cancel()
    done, _ = await asyncio.wait(tasks, timeout=0.2)
    return [error for task in done if not task.cancelled() and (error := task.exception())]


def concurrent(function: Ask | AskAsync, *, concurrency: int = 16, identity: str | None = None) -> TeacherOracle:
    """A teacher out of a function that is called about several documents at the same time.

    Args:
        function: An `async def` with the arguments and answers of a function ask(document, labels); it runs on an event loop of its own, the same one for as
            long as the teacher lives. Or a plain function, which is then called from several threads. The answers of each call are kept when it returns. An
            exception ends the run: no call starts after it, those that have started are waited for, and their answers are kept.
        concurrency: Calls that run at once. It is not part of the identity.
        identity: The name under which the judgments are kept; by default callable_identity().

    Raises:
        ValueError: For a concurrency below 1, and as callable_identity().
        TypeError: For what cannot be called.

    Example:
        >>> async def ask(document: str, labels: list[str]) -> list[float]:
        ...     return [float(label in document) for label in labels]  # Or await a client's answer.
        >>> lmtx.teachers.concurrent(ask, concurrency=64, identity='substring/1')
        ConcurrentTeacher(identity='substring/1')
    """
    if not callable(function):
        raise TypeError(f"`function` must be a function ask(document, labels), but is of type {type(function).__name__} instead.")
    if concurrency < 1:
        raise ValueError(f"`concurrency` must be 1 or more, but is {concurrency} instead.")
    if not is_async(function):
        return of_function(cast(Ask, function), identity, concurrency)
    return ConcurrentTeacher(cast(AskAsync, function), named(function, identity), concurrency)
