"""Teachers written in Python: functions of all kinds, language models in this process, and people."""

import importlib
from typing import TYPE_CHECKING, Any

from .batches import BatchTeacher, batch
from .functions import Ask, AskAsync, AskBatch
from .identity import callable_identity, source_change_notice
from .later import batch_file, replay
from .make import SPECS, make_teacher
from .person import HumanTeacher, human

if TYPE_CHECKING:
    from .concurrency import ConcurrentTeacher, concurrent
    from .cross_encoder_teacher import CrossEncoderTeacher, cross_encoder
    from .llama_teacher import LlamaCppTeacher, llama_cpp
    from .openai_server import openai
    from .transformers_teacher import TransformersTeacher, transformers

__all__ = [
    "SPECS",
    "Ask",
    "AskAsync",
    "AskBatch",
    "BatchTeacher",
    "ConcurrentTeacher",
    "CrossEncoderTeacher",
    "HumanTeacher",
    "LlamaCppTeacher",
    "TransformersTeacher",
    "batch",
    "batch_file",
    "callable_identity",
    "concurrent",
    "cross_encoder",
    "human",
    "llama_cpp",
    "make_teacher",
    "openai",
    "replay",
    "source_change_notice",
    "transformers",
]

# What is imported when it is first used: asyncio and NumPy take a tenth of a second.
_LATER = {
    "ConcurrentTeacher": "concurrency",
    "concurrent": "concurrency",
    "CrossEncoderTeacher": "cross_encoder_teacher",
    "cross_encoder": "cross_encoder_teacher",
    "LlamaCppTeacher": "llama_teacher",
    "llama_cpp": "llama_teacher",
    "openai": "openai_server",
    "TransformersTeacher": "transformers_teacher",
    "transformers": "transformers_teacher",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
