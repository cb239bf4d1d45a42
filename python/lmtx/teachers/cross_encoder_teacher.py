"""A cross-encoder of sentence-transformers as the teacher."""

import os
import re
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core import AnswerSink, Label, Question, TeacherOracle, TeacherTraits, Usage
from .optional_packages import import_for
from .transformers_teacher import model_name

__all__ = ["CrossEncoderTeacher", "cross_encoder"]


class CrossEncoderTeacher(TeacherOracle):
    """A cross-encoder that scores documents with labels. See cross_encoder()."""

    def __init__(self, model: Any, identity: str, label_format: str, output: int, batch_size: int, documents_per_batch: int):
        super().__init__()
        self._model, self._identity, self._label_format, self._output = model, identity, label_format, output
        self._batch_size, self._documents_per_batch = batch_size, documents_per_batch

    def identity(self) -> str:
        return self._identity

    def traits(self) -> TeacherTraits:
        return TeacherTraits(questions_per_call=self._documents_per_batch)

    def judge(self, questions: list[Question], answers: AnswerSink) -> None:
        if answers.stop_requested:
            return
        started = time.monotonic()
        pairs = [(question.text.replace("\t", "\n", 1), self._label_text(label)) for question in questions for label in question.labels]
        scores = self._scores(pairs).tolist() if pairs else []
        seconds = (time.monotonic() - started) / len(questions)
        for question in questions:
            answers.put(question, scores[: len(question)], usage=Usage(seconds=seconds))
            del scores[: len(question)]

    def _label_text(self, label: Label) -> str:
        texts = {"label": label.name, "description": label.description}
        return re.sub(r"\{(label|description)\}", lambda field: texts[field[1]], self._label_format).strip(" :")

    def _scores(self, pairs: list[tuple[str, str]]) -> npt.NDArray[np.float64]:
        """Float64 [pairs], in [0, 1]."""
        torch = import_for("cross_encoder", "torch", "torch")
        logits = self._model.predict(pairs, batch_size=self._batch_size, show_progress_bar=False, activation_fn=torch.nn.Identity(), convert_to_numpy=True)
        logits = np.asarray(logits, dtype=np.float64)
        if logits.ndim == 1:
            return 1 / (1 + np.exp(-logits))  # type: ignore[no-any-return]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True))[:, self._output]  # type: ignore[no-any-return]


def cross_encoder(
    model: str | os.PathLike[str] | Any,
    *,
    device: str = "cpu",
    label_format: str = "{label}: {description}",
    output: int | str = -1,
    batch_size: int = 32,
    documents_per_batch: int = 8,
    **options: Any,
) -> CrossEncoderTeacher:
    """A cross-encoder of sentence-transformers as the teacher: it reads document and label together, and gives a score.

    The score is the sigmoid of its output, whatever activation the model names; a model with several outputs, such as one for inference, gives the probability
    of one.

    Args:
        model: A folder, the name of a model on the Hugging Face hub, or a CrossEncoder that is loaded already.
        device: "cpu", "cuda" or "cuda:N". A CrossEncoder stays where it is.
        label_format: What is put beside the document: {label} and {description}, such as "This text is about {label}." for models of inference. A colon that is
            left over without a description goes.
        output: Of a model with several outputs the one that means yes, by number or name, such as "entailment".
        batch_size: Pairs that are computed at once.
        documents_per_batch: Documents that are taken together.
        **options: For CrossEncoder.

    Raises:
        ImportError: Without the package sentence-transformers.
        ValueError: For a model that cannot be loaded, a label_format without {label}, or an output that the model does not have.

    Example:
        >>> lmtx.teachers.cross_encoder('ms-marco-MiniLM-L6-v2/')  # doctest: +SKIP
        CrossEncoderTeacher(identity='cross_encoder/ms-marco-MiniLM-L6-v2-1c2d3e4f50617283-float32/{label}: {description}/0')
    """
    if "{label}" not in label_format:
        raise ValueError(f"`label_format` must have the field {{label}}, but is {label_format!r} instead.")
    name = str(model)
    if isinstance(model, str | os.PathLike):
        library = import_for("cross_encoder", "sentence_transformers", "sentence-transformers")
        try:
            model = library.CrossEncoder(name, device=device, **options)
        except (OSError, ValueError) as error:
            raise ValueError(f"sentence-transformers cannot load the cross-encoder {name}: {' '.join(str(error).split())}") from error
    else:
        name = str(getattr(model.config, "_name_or_path", "")) or "model"
    number = _output_number(model, output)
    return CrossEncoderTeacher(model, f"cross_encoder/{model_name(name, model)}/{label_format}/{number}", label_format, number, batch_size, documents_per_batch)


def _output_number(model: Any, output: int | str) -> int:
    count = int(model.config.num_labels)
    names = {str(name).lower(): int(number) for number, name in model.config.id2label.items()}
    if isinstance(output, str):
        if output.lower() not in names:
            raise ValueError(f"the model has no output {output!r}; it has {', '.join(names)}.")
        return names[output.lower()]
    if count == 1:
        return 0
    if not 0 <= output < count:
        raise ValueError(f"the model has {count} outputs ({', '.join(names)}); give the one that means yes: output=…, by number or name.")
    return output
