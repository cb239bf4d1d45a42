"""Teachers written in Python: functions of all kinds, language models in this process, and people."""

from .batches import BatchTeacher, batch
from .concurrency import ConcurrentTeacher, concurrent
from .cross_encoder_teacher import CrossEncoderTeacher, cross_encoder
from .functions import Ask, AskAsync, AskBatch
from .identity import callable_identity, source_change_notice
from .llama_teacher import LlamaCppTeacher, llama_cpp
from .make import SPECS, make_teacher
from .person import HumanTeacher, human
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
    "callable_identity",
    "concurrent",
    "cross_encoder",
    "human",
    "llama_cpp",
    "make_teacher",
    "source_change_notice",
    "transformers",
]
