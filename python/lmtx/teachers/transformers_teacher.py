"""A causal language model of transformers as the teacher."""

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core import AnswerSink, Prompt, Question, TeacherTraits, Usage
from .file_digest import file_digest
from .optional_packages import import_for
from .prompted_model import AnswerTokens, Frame, PromptedModel, chat_frame, common_prefix, completion_frame
from .transformers_engine import TransformersEngine

__all__ = ["TransformersTeacher", "model_name", "transformers"]


class TransformersTeacher(PromptedModel):
    """A causal language model that judges in this process. See transformers()."""

    def __init__(self, model: Any, tokenizer: Any, name: str, prompt: Prompt, frame: Frame, documents_per_batch: int, rows_per_batch: int):
        super().__init__("transformers", name, prompt, frame, lambda text, special: _encode(tokenizer, text, special))
        self._answers = AnswerTokens((piece or "" for piece in tokenizer.convert_ids_to_tokens(range(len(tokenizer)))), prompt.answer)
        self._engine = TransformersEngine(model, self._answers.ids, rows_per_batch)
        self._documents_per_batch = documents_per_batch

    def traits(self) -> TeacherTraits:
        return TeacherTraits(questions_per_call=self._documents_per_batch)

    def judge(self, questions: list[Question], answers: AnswerSink) -> None:
        questions = [question for question in questions if len(question)]
        for begin in range(0, len(questions), self._documents_per_batch):
            if answers.stop_requested:
                return
            self._judge_together(questions[begin : begin + self._documents_per_batch], answers)

    def _judge_together(self, questions: list[Question], answers: AnswerSink) -> None:
        started = time.monotonic()
        rows = [self.tokens(question) for question in questions]
        shared = [common_prefix(of_document) for of_document in rows]
        found = self._logprobs(rows, shared)
        seconds = (time.monotonic() - started) / len(questions)
        for question, of_document, length, logprobs in zip(questions, rows, shared, found, strict=True):
            usage = Usage(prompt_tokens=sum(map(len, of_document)), cached_tokens=length * (len(of_document) - 1), seconds=seconds)
            answers.put(question, [self._answers.score(row) for row in logprobs], usage=usage)

    def _logprobs(self, rows: list[list[list[int]]], shared: list[int]) -> list[npt.NDArray[np.float32]]:
        prefixes = [of_document[0][:length] for of_document, length in zip(rows, shared, strict=True)]
        return self._engine.logprobs_after(prefixes, [[row[length:] for row in of_document] for of_document, length in zip(rows, shared, strict=True)])


def transformers(
    model: Any,
    *,
    tokenizer: Any = None,
    prompt: Prompt | None = None,
    chat: bool | None = None,
    device: str = "cpu",
    dtype: str = "auto",
    documents_per_batch: int = 0,
    rows_per_batch: int = 256,
    **options: Any,
) -> TransformersTeacher:
    """A causal language model of transformers in this process as the teacher, on the CPU or a card.

    What the prompts about a document's labels share is computed once. The score is P(yes) / (P(yes) + P(no)) of the first answer token, over all spellings in
    the vocabulary; a label is abstained where neither is likely. The prompts are those that a server would get over HTTP.

    Args:
        model: A folder, a file .gguf (with the packages gguf and accelerate), the name of a model on the Hugging Face hub, or a PreTrainedModel that is loaded
            already.
        tokenizer: The model's own; needed with a PreTrainedModel alone.
        prompt: What is asked; None: lmtx.Prompt().
        chat: Whether the model's chat template is put around the prompt; None: where it has one.
        device: "cpu", "cuda" or "cuda:N". A PreTrainedModel stays where it is.
        dtype: What is computed in: "float32", "bfloat16", "float16", or "auto": as the weights are. Part of the identity.
        documents_per_batch: Documents that are computed together; 0: 16 on a card, 1 on the CPU.
        rows_per_batch: Pairs of document and label that are computed together at most. Each needs room for what the model keeps of a whole prompt.
        **options: For AutoModelForCausalLM.from_pretrained.

    Raises:
        ImportError: Without the package transformers.
        ValueError: For a model that cannot be loaded, or a vocabulary without yes and no.

    Example:
        >>> lmtx.teachers.transformers('Qwen2.5-0.5B-Instruct/', device='cuda')  # doctest: +SKIP
        TransformersTeacher(identity='transformers/Qwen2.5-0.5B-Instruct-3b2a4c5d6e7f8091-bfloat16/0b8a3b1c5e7f9d20')
    """
    prompt = prompt or Prompt()
    if isinstance(model, str | os.PathLike):
        name, (model, tokenizer) = str(model), _load(model, tokenizer, device, dtype, options)
    elif tokenizer is None:
        raise ValueError("with a model that is loaded already its `tokenizer` must be given, too.")
    else:
        name = str(getattr(model.config, "_name_or_path", "")) or type(model).__name__
    if chat and not tokenizer.chat_template:
        raise ValueError(f"the tokenizer of {name} has no chat template; give chat=False.")
    if tokenizer.chat_template and chat is not False:
        frame = chat_frame(lambda messages: _render(tokenizer, messages), prompt.system)
    else:
        frame = completion_frame(prompt.system, tokenizer("").input_ids)
    on_card = model.device.type != "cpu"
    return TransformersTeacher(model, tokenizer, model_name(name, model), prompt, frame, documents_per_batch or (16 if on_card else 1), rows_per_batch)


def _load(model: str | os.PathLike[str], tokenizer: Any, device: str, dtype: str, options: dict[str, Any]) -> tuple[Any, Any]:
    library = import_for("transformers", "transformers", "transformers")
    path, file = Path(model), {}
    if path.suffix == ".gguf":
        path, file = path.parent, {"gguf_file": path.name}
    where = str(path) if path.exists() else str(model)
    try:
        tokenizer = tokenizer or library.AutoTokenizer.from_pretrained(where, **file)
        loaded = library.AutoModelForCausalLM.from_pretrained(where, dtype=dtype, **file, **options)
    except (OSError, ValueError) as error:
        raise ValueError(f"transformers cannot load the model {model}: {' '.join(str(error).split())}") from error
    return loaded.to(device), tokenizer


def _render(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=False)  # type: ignore[no-any-return]


def _encode(tokenizer: Any, text: str, special: bool) -> list[int]:
    return tokenizer(text, add_special_tokens=False, split_special_tokens=not special).input_ids  # type: ignore[no-any-return]


def model_name(name: str, model: Any) -> str:
    """A name with what tells the weights of a torch module apart, and their number format: for identities."""
    path = Path(name)
    dtype = str(getattr(model, "dtype", "")).removeprefix("torch.")
    commit = getattr(getattr(model, "config", None), "_commit_hash", None)
    if path.is_file():
        digest = file_digest(path)
    elif path.is_dir():
        digest = _folder_digest(path)
    else:
        digest = str(commit)[:16] if commit else _weights_digest(model)
    return f"{path.stem if path.is_file() else path.name}-{digest}" + (f"-{dtype}" if dtype else "")


def _folder_digest(folder: Path) -> str:
    """Over weights, settings and vocabularies."""
    kinds = (".safetensors", ".bin", ".json", ".model", ".txt", ".jinja")
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix in kinds)
    lines = [f"{file.relative_to(folder).as_posix()} {file_digest(file)}" for file in files]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _weights_digest(model: Any) -> str:
    digest = hashlib.sha256()
    torch = import_for("transformers", "torch", "torch")
    for name, weights in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(weights.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]
