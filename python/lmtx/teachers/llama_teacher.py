"""A GGUF model in llama.cpp as the teacher."""

import os
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core import AnswerSink, Prompt, Question, TeacherError, Usage
from .file_digest import file_digest
from .llama_engine import LlamaEngine
from .optional_packages import import_for
from .prompted_model import AnswerTokens, Frame, PromptedModel, chat_frame, common_prefix, completion_frame

__all__ = ["LlamaCppTeacher", "llama_cpp"]


class LlamaCppTeacher(PromptedModel):
    """A GGUF model that judges in this process. See llama_cpp()."""

    def __init__(self, engine: LlamaEngine, model: str, prompt: Prompt, frame: Frame):
        super().__init__("llama_cpp", model, prompt, frame, engine.encode)
        self._engine = engine
        self._answers = AnswerTokens(engine.pieces(), prompt.answer)

    def judge(self, questions: list[Question], answers: AnswerSink) -> None:
        for question in questions:
            if answers.stop_requested:
                return
            if not len(question):
                continue
            started, computed = time.monotonic(), self._engine.num_computed
            rows = self.tokens(question)
            scores = self._scores(question, rows)
            total = sum(map(len, rows))
            cached = total - (self._engine.num_computed - computed)
            answers.put(question, scores, usage=Usage(prompt_tokens=total, cached_tokens=cached, seconds=time.monotonic() - started))

    def _scores(self, question: Question, rows: list[list[int]]) -> list[float | None]:
        shared = common_prefix(rows)
        try:
            logits = self._engine.logits_after(rows[0][:shared], [row[shared:] for row in rows])
        except ValueError as error:
            raise TeacherError(f"document {question.uid!r}: {error}") from None
        return [self._answers.score(row) for row in log_softmax(logits)[:, self._answers.ids]]


def llama_cpp(
    gguf: str | os.PathLike[str],
    *,
    prompt: Prompt | None = None,
    chat: bool | None = None,
    n_ctx: int = 4096,
    n_batch: int = 512,
    n_threads: int = 0,
    n_gpu_layers: int = 0,
) -> LlamaCppTeacher:
    """A GGUF model in this process as the teacher, by llama.cpp (package llama-cpp-python).

    A document is computed once, and the ends of the prompts about all its labels in one batch. The score is P(yes) / (P(yes) + P(no)) of the first answer token,
    over all spellings in the vocabulary; a label is abstained where neither is likely. The prompts are those that a server would get over HTTP.

    Args:
        gguf: The file of the model.
        prompt: What is asked; None: lmtx.Prompt().
        chat: Whether the model's chat template is put around the prompt; None: where the file has one.
        n_ctx: Tokens that are held at once: a document's and those of its labels that are computed together.
        n_batch: Tokens that are computed at once.
        n_threads: 0: as llama.cpp does by default.
        n_gpu_layers: Layers on the card, where llama-cpp-python was built for it; -1: all.

    Raises:
        ImportError: Without the package llama-cpp-python.
        ValueError: For a file that is no model, or a vocabulary without yes and no.

    Example:
        >>> lmtx.teachers.llama_cpp('model.gguf')  # doctest: +SKIP
        LlamaCppTeacher(identity='llama_cpp/Qwen2.5-0.5B-Instruct-74a4da8c9fdbcd15/0b8a3b1c5e7f9d20')
    """
    file, prompt = Path(gguf), prompt or Prompt()
    engine = LlamaEngine(file, n_ctx=n_ctx, n_batch=n_batch, n_threads=n_threads, n_gpu_layers=n_gpu_layers)
    template = engine.metadata("tokenizer.chat_template")
    if chat and not template:
        raise ValueError(f"{file} has no chat template; give chat=False.")
    if template and chat is not False:
        frame = chat_frame(lambda messages: _render(engine, template, messages), prompt.system)
    else:
        frame = completion_frame(prompt.system, engine.first_tokens())
    name = re.sub(r"[^A-Za-z0-9._]+", "-", engine.metadata("general.name")).strip("-") or "model"
    return LlamaCppTeacher(engine, f"{name}-{file_digest(file)}", prompt, frame)


def _render(engine: LlamaEngine, template: str, messages: list[dict[str, str]]) -> str:
    """As llama-cpp-python and transformers render templates."""
    formatter: Any = import_for("llama_cpp", "llama_cpp.llama_chat_format", "llama-cpp-python").Jinja2ChatFormatter
    render = formatter(template=template, bos_token=engine.special_piece("bos"), eos_token=engine.special_piece("eos"))
    return render(messages=messages, enable_thinking=False).prompt  # type: ignore[no-any-return]


def log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Natural logarithms of the probabilities of each row, float32 [rows, tokens]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # type: ignore[no-any-return]
