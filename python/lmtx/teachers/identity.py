"""Under which name the judgments of a function are kept."""

import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._core import JudgmentStore

__all__ = ["callable_identity", "source_change_notice"]


def callable_identity(function: Callable[..., Any]) -> str:
    """`module:qualname/hash of the source`: changes when the function's own source does. What it calls or reads is not seen.

    Args:
        function: A teacher of any kind: plain, async, or one that takes several questions.

    Raises:
        ValueError: For lambdas, bound methods, closures and objects, whose source does not tell what they do.

    Example:
        >>> callable_identity(tiny.topic_answers)  # A function of the module tiny.
        'tiny:topic_answers/...'
    """
    needs_name = "; pass teacher_identity=, a name that changes whenever a verdict might."
    if not inspect.isfunction(function):
        raise ValueError(f"the teacher is {_article(function)}, whose source does not tell what it will answer{needs_name}")
    if function.__name__ == "<lambda>":
        raise ValueError(f"the teacher is a lambda, which has no name of its own{needs_name}")
    if function.__closure__:
        names = ", ".join(function.__code__.co_freevars)
        raise ValueError(f"the teacher {function.__qualname__} uses variables of the function around it ({names}), which its source does not show{needs_name}")
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        raise ValueError(f"the source of the teacher {function.__qualname__} cannot be read{needs_name}") from None
    return f"{function.__module__}:{function.__qualname__}/{hashlib.sha256(source.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _article(function: object) -> str:
    if inspect.ismethod(function):
        return f"the bound method {function.__qualname__}"
    return f"an object of type {type(function).__name__}"


def source_change_notice(identity: str, store: str | os.PathLike[str]) -> str | None:
    """What to tell when the store knows the teacher's name, but only with another source; None where there is nothing to tell.

    Example:
        >>> store = lmtx.JudgmentStore.open('changed.db')
        >>> _ = store.put('my_llm:ask/0123456789abcdef', lmtx.Question(lmtx.Document('d1'), [lmtx.Label('l1', 'tax')]), [True])
        >>> lmtx.teachers.source_change_notice('my_llm:ask/fedcba9876543210', 'changed.db')[:78]
        'The source of the teacher my_llm:ask has changed: 1 judgments that it gave bef'
    """
    name, slash, digest = identity.rpartition("/")
    if not slash or ":" not in name or len(digest) != 16 or not Path(store).is_file():
        return None
    try:
        judgments = JudgmentStore.open(store)
    except RuntimeError:  # A run that needs the store will say it; a finished one, on a read-only disk, does not.
        return None
    before = [other for other in judgments.identities() if other != identity and other.rpartition("/")[0] == name]
    if not before or judgments.size(identity):
        return None
    most, count = max(before, key=judgments.size), sum(map(judgments.size, before))
    return (
        f"The source of the teacher {name} has changed: {count:,} judgments that it gave before will be asked again where they are needed. "
        f"If it still answers the same, keep them with teacher_identity={most!r}."
    )
