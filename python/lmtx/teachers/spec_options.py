"""What stands after a teacher's name on a command line: a place, a model, and options."""

from typing import Any
from urllib.parse import parse_qsl

from .._core import Prompt

__all__ = ["read_options", "split_spec"]

# Options of the prompt that a spec may have, too.
PROMPT_OPTIONS: dict[str, type] = {"task": str, "system": str, "answer": str, "document_tokens": int}


def split_spec(rest: str) -> tuple[str, str, str]:
    """PLACE, MODEL and OPTIONS out of PLACE#MODEL?OPTIONS; empty where they are missing.

    Example:
        >>> split_spec('batch#llama?seed=1')
        ('batch', 'llama', 'seed=1')
    """
    place, _, model = rest.partition("#")
    model, _, options = model.partition("?")
    return place, model, options


def read_options(teacher: str, text: str, known: dict[str, type]) -> dict[str, Any]:
    """name=value&name=value as keyword arguments, those of the prompt as `prompt`.

    Args:
        teacher: Its name, for messages.
        known: The teacher's own options, with the types of their values.

    Raises:
        ValueError: Naming the option that is unknown or has a wrong value.

    Example:
        >>> read_options('batch', 'seed=1&document_tokens=300', {'seed': int})
        {'prompt': Prompt(identity=..., answer='yes_no', document_tokens=300), 'seed': 1}
    """
    options: dict[str, Any] = {}
    of_prompt: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        kind = PROMPT_OPTIONS.get(name) or known.get(name)
        if kind is None:
            raise ValueError(f"the teacher {teacher} has no option {name!r}; it has {', '.join(sorted({*PROMPT_OPTIONS, *known}))}.")
        (of_prompt if name in PROMPT_OPTIONS else options)[name] = _value(teacher, name, value, kind)
    return {"prompt": Prompt(**of_prompt)} | options


def _value(teacher: str, name: str, text: str, kind: type) -> Any:
    try:
        return {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        what = "true or false" if kind is bool else {int: "a whole number", float: "a number"}[kind]
        raise ValueError(f"the option {name} of the teacher {teacher} must be {what}, but is {text!r} instead.") from None
