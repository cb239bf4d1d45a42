"""The command lmtx tag."""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from .._core import Document, Tag, Tagger
from .common import Device, Failure, checking_input, failing_with, interruptible, wrong_values

__all__ = ["register"]



def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    commands.command("tag")(tag)


@interruptible
def tag(
    tagger: Annotated[Path, typer.Argument(metavar="TAGGER", help="The folder of a tagger.")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="One text, or one JSON object with title and content, a line; else standard input.")] = None,
    k: Annotated[int, typer.Option("-k", help="Tags a text.", min=1)] = 5,
    device: Device = "cpu",
) -> None:
    """Tags texts: a line in, a line of JSON out.

    [bold]Examples[/bold]

    echo "How do I get red wine out of a wool carpet?" | lmtx tag run/tagger -k 3

    lmtx tag run/tagger documents.jsonl > tags.jsonl
    """
    with checking_input():
        if file is not None and not file.is_file():
            raise ValueError(f"{file} is no file.")
        loaded = Tagger.load(tagger, device=device)
    with open(file, encoding="utf-8", errors="replace") if file else contextlib.nullcontext(_standard_input()) as lines:
        for block in _blocks(lines, str(file or "standard input"), 1 if file is None and sys.stdin.isatty() else 256):
            for document, tags in zip(block, loaded.tag(block, k=k), strict=True):
                print(json.dumps(_tags_as_json(document, tags), ensure_ascii=False))
            sys.stdout.flush()


def _standard_input() -> Iterator[str]:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    return sys.stdin


def _blocks(lines: Iterator[str], place: str, size: int) -> Iterator[list[Document]]:
    """Documents by the block. What came before a wrong line is still given."""
    block: list[Document] = []
    for number, line in enumerate(lines, 1):
        try:
            block.append(_parse_line(line.rstrip("\r\n")))
        except (ValueError, TypeError) as error:
            yield block
            raise Failure(f"{place}:{number}: {error}", 2) from None
        if len(block) == size:
            yield block
            block = []
    yield block


def _parse_line(line: str) -> Document:
    if not line.startswith("{"):
        return Document(content=line)
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"broken JSON: {error.msg} at column {error.colno}.") from None
    return Document({key: value for key, value in fields.items() if key in ("uid", "title", "content")})


def _tags_as_json(document: Document, tags: list[Tag]) -> dict[str, Any]:
    rows = [{"uid": tag.uid, "label": tag.label, "score": round(tag.score, 4)} for tag in tags]
    return {**({"uid": document.uid} if document.uid else {}), "tags": rows}
