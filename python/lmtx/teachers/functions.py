"""Teachers out of plain functions, and what all functions may take and give."""

import inspect
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from .._core import AnswerSink, CallbackOracle, Question, TeacherOracle, TeacherTraits, Usage, Verdict
from .identity import callable_identity

__all__ = ["Answers", "Ask", "AskAsync", "AskBatch", "FunctionTeacher", "arguments_of", "is_async", "named", "of_function", "wants_descriptions"]

# For each label the probability that it fits, True, False, a Verdict, or None to abstain.
Answers = Sequence["float | bool | Verdict | None"]
# ask(document, labels), or ask(document, labels, descriptions).
Ask = Callable[..., Answers]
# The same as `async def`.
AskAsync = Callable[..., Awaitable[Answers]]
# ask([(document, labels), …]), or ask([(document, labels), …], descriptions): the answers for each question, in order.
AskBatch = Callable[..., Iterable[Answers]]


def of_function(function: Ask, identity: str | None = None, concurrency: int = 1) -> TeacherOracle:
    """A teacher that calls a plain function once a question, from `concurrency` threads at once."""
    traits = TeacherTraits(concurrent_calls=concurrency)
    if wants_descriptions(function):
        return FunctionTeacher(function, named(function, identity), traits)
    return CallbackOracle(function, identity=named(function, identity), traits=traits)


class FunctionTeacher(TeacherOracle):
    """A teacher made of a function ask(document, labels, descriptions)."""

    def __init__(self, function: Ask, identity: str, traits: TeacherTraits):
        super().__init__()
        self._function, self._identity, self._traits = function, identity, traits

    def identity(self) -> str:
        return self._identity

    def traits(self) -> TeacherTraits:
        return self._traits

    def judge(self, questions: list[Question], answers: AnswerSink) -> None:
        for question in questions:
            if answers.stop_requested:
                return
            started = time.monotonic()
            verdicts = self._function(*arguments_of(question, described=True))
            answers.put(question, verdicts, usage=Usage(seconds=time.monotonic() - started))


def arguments_of(question: Question, *, described: bool) -> tuple[Any, ...]:
    """What a function is called with: the document's text, the labels' names and, where it wants them, their descriptions ("" where there is none)."""
    names = [label.name for label in question.labels]
    return (question.text, names, [label.description for label in question.labels]) if described else (question.text, names)


def wants_descriptions(function: Callable[..., Any]) -> bool:
    """Whether a function has a parameter `descriptions`."""
    try:
        return "descriptions" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # Some that are written in C have no signature.
        return False


def is_async(function: object) -> bool:
    """Whether it is an `async def`, or an object whose __call__ is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


def named(function: Callable[..., Any], identity: str | None) -> str:
    return identity or callable_identity(function)
