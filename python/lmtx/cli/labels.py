"""The commands lmtx labels …: vocabularies, and which documents other labels change."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .._core import LabelSet, Tag, Tagger
from ..changes import TagChange, compare_tags
from ..label_files import read_labels
from .common import Device, checking_input, failing_with, interruptible

__all__ = ["register"]

label_commands = typer.Typer(name="labels", help="Vocabularies, and which documents other labels change.", no_args_is_help=True, rich_markup_mode="rich")

LabelFile = Annotated[Path, typer.Argument(metavar="FILE", help="SKOS (.ttl, .rdf, .owl, .nt, .n3), CSV (.csv, .tsv) or JSON lines, plain or .gz.")]
Language = Annotated[str, typer.Option(metavar="LANG", help="Of SKOS: the language of names.")]
Scheme = Annotated[str | None, typer.Option(metavar="IRI", help="Of SKOS: only the concepts of this scheme.")]
Deprecated = Annotated[bool, typer.Option("--deprecated", help="Of SKOS: concepts that are deprecated, too.")]


def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    commands.add_typer(label_commands)


@label_commands.command()
@interruptible
def convert(
    file: LabelFile,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A file of JSON lines, as lmtx train takes it.")],
    language: Language = "en",
    scheme: Scheme = None,
    deprecated: Deprecated = False,
) -> None:
    """Makes a file of JSON lines out of a vocabulary in SKOS or CSV."""
    with checking_input():
        labels = _read(file, language, scheme, deprecated)
    with failing_with(1):
        labels.save(out)
    print(f"{out}: {len(labels):,} labels, {sum(bool(label.broader) for label in labels):,} of them with broader ones")


@label_commands.command()
@interruptible
def changed(
    before: Annotated[Path, typer.Argument(metavar="TAGGER_A", help="The folder of a tagger.")],
    after: Annotated[Path, typer.Argument(metavar="TAGGER_B", help="The folder of another, such as the same with other labels.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Documents, one JSON object a line, plain or .gz.")],
    k: Annotated[int, typer.Option("-k", help="Tags a text; 0: as each tagger has it.", min=0)] = 0,
    device: Device = "cpu",
) -> None:
    """Lists the documents whose tags changed, a line of JSON each; how many on standard error."""
    with checking_input():
        first, second = Tagger.load(before, device=device), Tagger.load(after, device=device)
        if not file.is_file():
            raise ValueError(f"{file} is no file.")
    count = 0
    with checking_input():
        for change in compare_tags(first, second, file, k=k):
            print(json.dumps(_as_json(change), ensure_ascii=False), flush=True)
            count += 1
    print(f"{count:,} documents have other tags.", file=sys.stderr)


def _read(file: Path, language: str, scheme: str | None, deprecated: bool) -> LabelSet:
    try:
        return read_labels(file, language=language, scheme=scheme, deprecated=deprecated)
    except ImportError as error:
        raise ValueError(str(error)) from None


def _as_json(change: TagChange) -> dict[str, Any]:
    parts = {"added": change.added, "removed": change.removed, "renamed": change.renamed}
    return {"uid": change.uid, **{name: [_tag_as_json(tag) for tag in tags] for name, tags in parts.items() if tags}}


def _tag_as_json(tag: Tag) -> dict[str, Any]:
    return {"uid": tag.uid, "label": tag.label, "score": round(tag.score, 4)}
