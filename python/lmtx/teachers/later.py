"""Teachers that answer later, through files, and those that answered before, out of a store."""

import inspect
import os

from .._core import BatchFileOracle, ChatProtocol, Prompt, StoreOracle
from .spec_options import read_options, split_spec

__all__ = ["batch_file", "batch_file_from_spec", "replay"]


def batch_file(
    folder: str | os.PathLike[str],
    model: str,
    *,
    prompt: Prompt | None = None,
    chat: bool = True,
    labels_per_prompt: int = 1,
    top_logprobs: int = 20,
    answer_tokens: int = 0,
    extra: str = "",
    seed: int = 0,
    requests_per_file: int = 50_000,
    bytes_per_file: int = 200_000_000,
    keep_raw: bool = False,
    prompt_price: float = 0.0,
    completion_price: float = 0.0,
) -> BatchFileOracle:
    """A language model that answers later, through files of OpenAI's batch interface, which vLLM has, too.

    A run writes its questions into FOLDER/requests and ends with PairsOpen. Put the answers into FOLDER/answers, in any order, in parts, in several files, and run it
    again, until it is done. Judgments are those of lmtx.teachers.openai() with the same model, prompt and options.

    Args:
        folder: Holds requests/ and answers/; made at the first question.
        model: The model's name as the provider has it.
        prompt: What is asked; None: Prompt().
        chat: Chat (/v1/chat/completions) or plain completion (/v1/completions).
        labels_per_prompt: Labels in one prompt; log-probabilities are not used with more than one.
        top_logprobs: Ask for the log-probabilities of the first answer token, so many alternatives; 0: read the text alone.
        answer_tokens: Tokens that an answer may have for each label, where the text is read; 0: as many as are needed.
        extra: A JSON object whose members are put into every request; a null takes a member out.
        seed: Of the order of labels in a prompt.
        requests_per_file: Requests that a file holds at most.
        bytes_per_file: Bytes that a file holds at most.
        keep_raw: Keep the text of answers beside the verdicts.
        prompt_price: Per million tokens, for costs.
        completion_price: The same for tokens of answers.

    Raises:
        ValueError: Naming the option that makes no sense, or a folder that cannot be written.

    Example:
        >>> batch_file('batch', 'gpt-4.1-mini', prompt=lmtx.Prompt(task='Tags are subjects of laws.'))
        BatchFileOracle('batch', identity='openai/gpt-4.1-mini/...')
    """
    protocol = ChatProtocol(
        model,
        prompt=prompt or Prompt(),
        chat=chat,
        labels_per_prompt=labels_per_prompt,
        top_logprobs=top_logprobs,
        answer_tokens=answer_tokens,
        extra=extra,
        seed=seed,
    )
    return BatchFileOracle(
        folder,
        protocol,
        requests_per_file=requests_per_file,
        bytes_per_file=bytes_per_file,
        keep_raw=keep_raw,
        prompt_price=prompt_price,
        completion_price=completion_price,
    )


def batch_file_from_spec(rest: str) -> BatchFileOracle:
    """What stands after `batch:` on a command line: FOLDER#MODEL, or FOLDER#MODEL?name=value&name=value with options of batch_file() and of Prompt.

    Raises:
        ValueError: Saying what is wrong.

    Example:
        >>> batch_file_from_spec('batch#gpt-4.1-mini?labels_per_prompt=10&task=Tags%20of%20laws')
        BatchFileOracle('batch', identity='openai/gpt-4.1-mini/...')
    """
    folder, model, options = split_spec(rest)
    if not folder or not model:
        raise ValueError("the teacher must be batch:FOLDER#MODEL, such as batch:bills-batch#gpt-4.1-mini, but FOLDER or MODEL is missing.")
    own: dict[str, type] = {name: type(one.default) for name, one in inspect.signature(batch_file).parameters.items() if isinstance(one.default, int | float | str)}
    return batch_file(folder, model, **read_options("batch", options, own))


def replay(store: str | os.PathLike[str], identity: str = "") -> StoreOracle:
    """The judgments that a store has of one teacher: a run with the same options and data ends with the same model, without the teacher.

    The store is only read. A pair that it lacks counts as abstained for the run.

    Args:
        store: The file, such as judgments.db in the run's folder.
        identity: Whose judgments; '': those of the only teacher in the store.

    Raises:
        RuntimeError: For a file that is no store.
        ValueError: Naming the teachers in the store, where it has nothing of this one, or none or several to choose from.

    Example:
        >>> lmtx.train('train.jsonl', 'labels.jsonl', teacher='recorded:verdicts.jsonl', base='model', out='first', progress=False, preset='paper', cycles=1)
        Tagger(...)
        >>> replay('first/judgments.db')
        StoreOracle(identity='perfect/1', ... judgments)
    """
    return StoreOracle.open(store, identity)
