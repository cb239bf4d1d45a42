"""Teachers out of what callers and the command line say."""

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any, cast

from .._core import RecordedOracle, TeacherOracle
from .functions import Ask, AskAsync, is_async, of_function
from .later import batch_file_from_spec, replay

__all__ = ["SPECS", "make_teacher"]

# What a teacher may be called in words, for help texts and messages.
SPECS = (
    "recorded:FILE, python:module:function, openai:URL#MODEL, batch:FOLDER#MODEL, llama_cpp:FILE.gguf, transformers:MODEL, cross_encoder:MODEL, human[:NAME] "
    "or replay:STORE[#IDENTITY]"
)


def make_teacher(teacher: TeacherOracle | Ask | AskAsync | str, identity: str | None = None) -> TeacherOracle:
    """A teacher out of an oracle, a function, or a str such as `recorded:FILE` and `python:module:function`.

    Args:
        teacher: A TeacherOracle is given back as it is. A function ask(document, labels) may be async: then it is called about 16 documents at once. The str
            may also be `openai:URL#MODEL`, `llama_cpp:FILE.gguf`, `transformers:MODEL`, `cross_encoder:MODEL`, `human` or `human:NAME`, for the functions of these
            names in lmtx.teachers.
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
    if is_async(teacher):
        return _function("concurrent")(teacher, identity=identity)
    return of_function(cast(Ask, teacher), identity)


def _teacher_from_spec(spec: str) -> TeacherOracle | Ask:
    kind, _, rest = spec.partition(":")
    if kind == "recorded" and rest:
        return RecordedOracle.open(rest)
    if kind == "openai":
        from .openai_server import openai_from_spec

        return openai_from_spec(rest)
    if kind == "batch":
        return batch_file_from_spec(rest)
    if kind == "replay" and rest:
        store, _, whose = rest.partition("#")
        return replay(store, whose)
    if kind == "human":
        return _made_by(kind, rest)
    if kind in ("llama_cpp", "transformers", "cross_encoder") and rest:
        return _made_by(kind, rest)
    module, _, function = rest.partition(":")
    if kind == "python" and module and function:
        return _import_function(module, function)
    raise ValueError(f"the teacher must be {SPECS}, but is {spec!r} instead.")


def _made_by(kind: str, *arguments: str) -> TeacherOracle:
    try:
        return _function(kind)(*arguments)
    except ImportError as error:
        raise ValueError(str(error)) from None


def _function(name: str) -> Callable[..., TeacherOracle]:
    """A function of this package that is imported only now."""
    return getattr(importlib.import_module(__package__), name)  # type: ignore[no-any-return]


def _import_function(module_name: str, function_name: str) -> TeacherOracle | Ask:
    """The function, or TeacherOracle, of that name; modules of the current folder are found, as with python -m."""
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # A module that is imported may raise anything.
        raise ValueError(f"the teacher's module {module_name} cannot be imported: {type(error).__name__}: {_first_line(error)}") from error
    try:
        found: Any = module
        for part in function_name.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise ValueError(f"the teacher's module {module_name} ({getattr(module, '__file__', None)}) has no {function_name}.") from None
    if inspect.isclass(found) and issubclass(found, TeacherOracle):
        return found()
    if not isinstance(found, TeacherOracle) and not callable(found):
        raise ValueError(f"{function_name} of the teacher's module {module_name} must be a function, but is of type {type(found).__name__} instead.")
    return found  # type: ignore[no-any-return]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
