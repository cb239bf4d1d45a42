"""Language models behind OpenAI-compatible servers: vLLM, llama.cpp, hosted ones."""

import inspect
import ipaddress
import os
from typing import Any
from urllib.parse import urlsplit

from .._core import ChatProtocol, HttpOracle, Prompt
from .spec_options import read_options, split_spec

__all__ = ["openai", "openai_from_spec"]

# Holds a key for any server, and the one that belongs to OpenAI's customers.
KEY, OPENAI_KEY = "LMTX_API_KEY", "OPENAI_API_KEY"


def openai(
    url: str,
    model: str,
    *,
    prompt: Prompt | None = None,
    key_variable: str | None = None,
    chat: bool = True,
    labels_per_prompt: int = 1,
    top_logprobs: int = 20,
    answer_tokens: int = 0,
    extra: str = "",
    seed: int = 0,
    **limits: Any,
) -> HttpOracle:
    """A teacher behind an OpenAI-compatible server. Nothing is sent before the first question.

    Args:
        url: The server's base address with its version, such as 'http://localhost:8000/v1'.
        model: The model's name as the server has it.
        prompt: What is asked; None: Prompt().
        key_variable: The environment variable that holds the key; '': no key. None: LMTX_API_KEY where that is set; else OPENAI_API_KEY where that is set and the
            address begins with https:// and is not of this machine or a private network; else no key.
        chat: Chat (/chat/completions) or plain completion (/completions).
        labels_per_prompt: Labels in one prompt; log-probabilities are not used with more than one.
        top_logprobs: Ask for the log-probabilities of the first answer token, so many alternatives; 0: read the text alone.
        answer_tokens: Tokens that an answer may have for each label, where the text is read; 0: as many as are needed.
        extra: A JSON object whose members are put into every request; a null takes a member out.
        seed: Of the order of labels in a prompt, and of the random parts of waits.
        limits: Concurrency, rates, time-outs, retries, prices and more, as HttpOracle takes them.

    Raises:
        ValueError: Naming the option that makes no sense, or the environment variable that is not set.
        RuntimeError: Where LMTX was built without libcurl.

    Example:
        >>> teacher = openai('http://localhost:8000/v1', 'llama', prompt=lmtx.Prompt(task='Tags are subjects of laws.'), max_concurrency=16)
        >>> teacher
        HttpOracle('http://localhost:8000/v1', identity='openai/llama/...')
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
    return HttpOracle(url, protocol, key_variable=_default_key(url) if key_variable is None else key_variable, seed=seed, **limits)


def openai_from_spec(rest: str) -> HttpOracle:
    """What stands after `openai:` on a command line: URL#MODEL, or URL#MODEL?name=value&name=value with options of openai() and of Prompt.

    Raises:
        ValueError: Saying what is wrong.

    Example:
        >>> openai_from_spec('http://localhost:8000/v1#llama?max_concurrency=16&task=Tags%20of%20laws')
        HttpOracle('http://localhost:8000/v1', identity='openai/llama/...')
    """
    url, model, options = split_spec(rest)
    if not url or not model:
        raise ValueError("the teacher must be openai:URL#MODEL, such as openai:http://localhost:8000/v1#llama, but URL or MODEL is missing.")
    return openai(url, model, **read_options("openai", options, _openai_options()))


def _openai_options() -> dict[str, type]:
    """What openai() takes beside url, model and prompt, with the types of the values."""
    named: dict[str, type] = {name: type(one.default) for name, one in inspect.signature(openai).parameters.items() if isinstance(one.default, int | str)}
    limits: dict[str, type] = {
        **dict.fromkeys(("max_concurrency", "starting_concurrency", "min_concurrency", "attempts"), int),
        **dict.fromkeys(("warm_prefix", "keep_raw"), bool),
        **dict.fromkeys(("requests_per_minute", "tokens_per_minute", "connect_seconds", "response_seconds", "body_seconds"), float),
        **dict.fromkeys(("backoff_seconds", "max_backoff_seconds", "give_up_seconds", "stop_seconds"), float),
        **dict.fromkeys(("prompt_price", "cached_price", "completion_price"), float),
    }
    return named | limits | {"key_variable": str}


def _default_key(url: str) -> str:
    if os.environ.get(KEY):
        return KEY
    return OPENAI_KEY if os.environ.get(OPENAI_KEY) and _is_hosted(url) else ""


def _is_hosted(url: str) -> bool:
    """Whether a key for OpenAI may go there: encrypted, and to no machine of one's own."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False  # HttpOracle says what is wrong with it.
    if parts.scheme != "https" or host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True
