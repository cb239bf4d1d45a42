"""Teachers out of functions and of what the command line says."""

import hashlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path

from ._core import CallbackOracle, JudgmentStore, RecordedOracle, TeacherOracle, TeacherTraits

__all__ = ["Ask", "callable_identity", "make_teacher", "source_change_notice"]

# ask(document, labels): for each label the probability that it fits, True, False, or None to abstain.
Ask = Callable[[str, list[str]], "list[float | bool | None]"]


def make_teacher(teacher: TeacherOracle | Ask | str, identity: str | None = None) -> TeacherOracle:
    """A teacher out of an oracle, a function, `recorded:FILE` or `python:module:function`.

    Args:
        teacher: A TeacherOracle is given back as it is.
        identity: The name under which a function's judgments are kept; by default callable_identity().

    Raises:
        ValueError: For a teacher that cannot be made, saying why.
        TypeError: For what is neither.

    Example:
        >>> make_teacher(lambda document, labels: [label in document for label in labels], identity="substring/1")
        CallbackOracle(identity='substring/1')
    """
    if isinstance(teacher, str):
        teacher = _teacher_from_spec(teacher)
    if isinstance(teacher, TeacherOracle):
        if identity is not None:
            raise ValueError(f"teacher_identity is for functions; {type(teacher).__name__} names itself {teacher.identity()!r}.")
        return teacher
    if not callable(teacher):
        raise TypeError(f"the teacher must be a function ask(document, labels), a TeacherOracle or a str, but is of type {type(teacher).__name__} instead.")
    return CallbackOracle(teacher, identity=identity or callable_identity(teacher), traits=TeacherTraits())


def callable_identity(function: Ask) -> str:
    """`module:qualname/hash of the source`: changes when the function's own source does. What it calls or reads is not seen.

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
    return f"{_name(function)}/{hashlib.sha256(source.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def source_change_notice(identity: str, store: str | os.PathLike[str]) -> str | None:
    """What to tell when the store knows the teacher's name, but only with another source."""
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
    most = max(before, key=judgments.size)
    return (
        f"The source of the teacher {name} has changed: {sum(map(judgments.size, before)):,} judgments that it gave before will be asked again where they are needed. "
        f"If it still answers the same, keep them with teacher_identity={most!r}."
    )


def _name(function: Ask) -> str:
    return f"{function.__module__}:{function.__qualname__}"


def _article(function: object) -> str:
    if inspect.ismethod(function):
        return f"the bound method {function.__qualname__}"
    return f"an object of type {type(function).__name__}"


def _teacher_from_spec(spec: str) -> TeacherOracle | Ask:
    kind, _, rest = spec.partition(":")
    if kind == "recorded" and rest:
        return RecordedOracle.open(rest)
    module, _, function = rest.partition(":")
    if kind == "python" and module and function:
        return _import_function(module, function)
    raise ValueError(f"the teacher must be recorded:FILE or python:module:function, but is {spec!r} instead.")


def _import_function(module_name: str, function_name: str) -> TeacherOracle | Ask:
    """The function, or TeacherOracle, of that name; modules of the current folder are found, as with python -m."""
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # A module that is imported may raise anything.
        raise ValueError(f"the teacher's module {module_name} cannot be imported: {type(error).__name__}: {_first_line(error)}") from error
    try:
        found = module
        for part in function_name.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise ValueError(f"the teacher's module {module_name} ({getattr(module, '__file__', None)}) has no {function_name}.") from None
    if inspect.isclass(found) and issubclass(found, TeacherOracle):
        return found()
    if not isinstance(found, TeacherOracle) and not callable(found):
        raise ValueError(f"{function_name} of the teacher's module {module_name} must be a function, but is of type {type(found).__name__} instead.")
    return found


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
