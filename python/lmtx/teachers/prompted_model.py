"""What teachers have in common that are language models in this process: prompts as tokens, and answers out of the probabilities of the next token."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._core import Prompt, PromptText, Question, TeacherOracle, Usage, read_logprobs

__all__ = ["AnswerTokens", "Frame", "PromptedModel", "chat_frame", "common_prefix", "completion_frame"]

# encode(text, special): the ids of a text; with `special` its marks, such as "<|im_end|>", become the tokens that they stand for.
Encode = Callable[[str, bool], list[int]]
# render(messages): the text of a chat up to where the model is to answer.
Render = Callable[[list[dict[str, str]]], str]

# Stands for the prompt while the chat's template is rendered. With spaces around it, as some templates take them away.
_MARK = " 7Q-prompt-Q7 "


@dataclass(frozen=True)
class Frame:
    """What stands around a prompt, marks of a chat among it."""

    before: str
    after: str
    # Of a plain completion: tokens that the model wants at the beginning of every text.
    first: tuple[int, ...] = ()


def chat_frame(render: Render, system: str) -> Frame:
    """The frame that a model's chat template makes. A template that has no place for a system message gets it as the beginning of the user's.

    Raises:
        ValueError: For a template that does not show the user's message as it is.
    """
    user = {"role": "user", "content": _MARK}
    try:
        text = render([{"role": "system", "content": system}, user] if system else [user])
    except Exception:  # Templates raise errors of their own for roles that they do not know.
        if not system:
            raise
        text = render([{"role": "user", "content": f"{system}\n\n{_MARK.strip()}"}])
    mark = _MARK if _MARK in text else _MARK.strip()
    before, found, after = text.partition(mark)
    if not found or mark in after:
        raise ValueError("the model's chat template does not show the user's message as it is, once; give chat=False for a plain completion.")
    return Frame(before, after)


def completion_frame(system: str, first: Iterable[int] = ()) -> Frame:
    """The frame for models without a chat template."""
    return Frame(f"{system}\n\n" if system else "", "\nAnswer:", tuple(first))


class AnswerTokens:
    """Those tokens of a vocabulary that are answers: the spellings of yes and no, or digits.

    Args:
        pieces: The text of every token, in order; as tokenizers show them ("\u0120yes") will do.
        answer: Of the prompt.

    Raises:
        ValueError: Where there are none.
    """

    def __init__(self, pieces: Iterable[str], answer: str):
        self._answer = answer
        found = [(id, piece) for id, piece in enumerate(pieces) if len(piece) < 16 and read_logprobs([(piece, 0.0)], answer=answer) is not None]
        if not found:
            raise ValueError(f"the model's vocabulary has no token that is an answer of the kind {answer!r}.")
        # int64 [num_answers].
        self.ids = np.array([id for id, _ in found])
        self.pieces = [piece for _, piece in found]

    def score(self, logprobs: npt.NDArray[np.float32]) -> float | None:
        """The answer out of natural logarithms of the probabilities of these tokens, float32 [num_answers]; None where they are unlikely altogether."""
        return read_logprobs(list(zip(self.pieces, np.minimum(logprobs, 0).tolist(), strict=True)), answer=self._answer)


def common_prefix(rows: Sequence[Sequence[int]]) -> int:
    """How many tokens at the beginning all rows share, but for the last of each: something must be left to compute."""
    shortest = min(len(row) for row in rows) - 1
    first = rows[0]
    return next((i for i in range(shortest) if any(row[i] != first[i] for row in rows)), shortest)


class PromptedModel(TeacherOracle):
    """A language model that is shown a prompt for each label.

    Args:
        kind: What runs the model, such as "llama_cpp".
        model: Which model it is, down to its weights and number format.
        prompt: What is asked.
        frame: What stands around it.
        encode: The model's tokenizer.
    """

    def __init__(self, kind: str, model: str, prompt: Prompt, frame: Frame, encode: Encode):
        super().__init__()
        self._prompt, self._frame, self._encode = prompt, frame, encode
        self._before, self._after = [*frame.first, *encode(frame.before, True)], encode(frame.after, True)
        digest = hashlib.sha256(repr(("frame 1", prompt.identity, frame)).encode("utf-8", "surrogatepass")).hexdigest()
        self._identity = f"{kind}/{model}/{digest[:16]}"

    def identity(self) -> str:
        return self._identity

    def estimate(self, question: Question) -> Usage:
        rows = self.tokens(question)
        shared = common_prefix(rows) if rows else 0
        return Usage(prompt_tokens=sum(map(len, rows)), cached_tokens=shared * max(0, len(rows) - 1))

    def tokens(self, question: Question) -> list[list[int]]:
        """The prompt about each label. What documents and labels say never becomes a mark of the chat: the prompt's text is read without them."""
        document = self._prompt.document(question)
        texts = [self._prompt.one(document, label) for label in question.labels]
        return [self._before + row + self._after for row in self._encode_all(texts)]

    def _encode_all(self, texts: list[PromptText]) -> list[list[int]]:
        """The tokens of each whole text. Most tokenizers give the same in two parts where a line ends; then what all have in common is read once."""
        if not texts:
            return []
        prefix = texts[0].prefix
        head = self._encode(prefix, False) if prefix.endswith("\n") else []
        whole = self._encode(texts[0].text, False)
        in_parts = bool(head) and head + self._encode(texts[0].suffix, False) == whole
        return [
            whole,
            *(head + self._encode(text.suffix, False) if in_parts and text.suffix[:1].strip() else self._encode(text.text, False) for text in texts[1:]),
        ]
