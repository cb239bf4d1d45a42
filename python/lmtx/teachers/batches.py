"""Teachers that are asked about several documents at once."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from .._core import AnswerSink, Question, TeacherOracle, TeacherTraits, Usage
from .functions import Answers, AskBatch, arguments_of, is_async, named, wants_descriptions

__all__ = ["BatchTeacher", "batch"]


class BatchTeacher(TeacherOracle):
    """A teacher made of a function that answers several questions in one call. See batch()."""

    def __init__(self, function: AskBatch, identity: str, questions_per_call: int):
        super().__init__()
        self._function, self._identity, self._questions_per_call = function, identity, questions_per_call
        self._described = wants_descriptions(function)

    def identity(self) -> str:
        return self._identity

    def traits(self) -> TeacherTraits:
        return TeacherTraits(questions_per_call=self._questions_per_call)

    def judge(self, questions: list[Question], answers: AnswerSink) -> None:
        started = time.monotonic()
        given = self._ask(questions)
        for question, verdicts in zip(questions, _one_each(given, len(questions)), strict=True):
            answers.put(question, verdicts, usage=Usage(seconds=time.monotonic() - started))
            if isinstance(given, Iterator) and answers.stop_requested:  # What is in a list is paid for; what is yet to be yielded is not.
                return
            started = time.monotonic()

    def _ask(self, questions: list[Question]) -> Iterable[Answers]:
        asked: list[tuple[Any, ...]] = [arguments_of(question, described=False) for question in questions]
        if not self._described:
            return self._function(asked)
        return self._function(asked, [arguments_of(question, described=True)[2] for question in questions])


def _one_each(given: Iterable[Answers], count: int) -> Iterator[Answers]:
    """The answers to each question as they come, and an error where there are not so many."""
    wanted = f"the teacher was asked {count} questions and must give a list of answers for each, but gave"
    came = 0
    for verdicts in given:
        if came == count:
            raise ValueError(f"{wanted} more instead.")
        yield verdicts
        came += 1
    if came < count:
        raise ValueError(f"{wanted} {came} instead.")


def batch(function: AskBatch, *, questions_per_call: int = 16, identity: str | None = None) -> TeacherOracle:
    """A teacher out of a function that answers several questions in one call.

    Args:
        function: function(questions) gets a list of (document, labels), and returns, or yields, for each of them a list of answers, one a label, as a function
            ask(document, labels) would. What it yields is kept at once. With a parameter `descriptions` it gets those of the labels, too:
            a list of str a question.
        questions_per_call: Questions that one call gets at most; 0: as many as there are, up to 64 MB of text. It is not part of the identity.
        identity: The name under which the judgments are kept; by default callable_identity().

    Raises:
        ValueError: For a negative questions_per_call, and as callable_identity().
        TypeError: For what cannot be called, or is async.

    Example:
        >>> def ask(questions: list[tuple[str, list[str]]]) -> list[list[bool]]:
        ...     return [[label in document for label in labels] for document, labels in questions]
        >>> lmtx.teachers.batch(ask, questions_per_call=32, identity='substring/1')
        BatchTeacher(identity='substring/1')
    """
    if not callable(function) or is_async(function):
        raise TypeError(f"`function` must be a plain function of a list of questions, but is {function!r} instead; lmtx.teachers.concurrent takes async ones.")
    if questions_per_call < 0:
        raise ValueError(f"`questions_per_call` must be 0 (all there are) or more, but is {questions_per_call} instead.")
    return BatchTeacher(function, named(function, identity), questions_per_call)
