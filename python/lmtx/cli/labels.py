"""The commands lmtx labels …: vocabularies in and out, and what becomes of a tagger's labels."""

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

label_commands = typer.Typer(name="labels", help="Vocabularies in and out, and what becomes of a tagger's labels.", no_args_is_help=True, rich_markup_mode="rich")

TaggerFolder = Annotated[Path, typer.Argument(metavar="TAGGER", help="The folder of a tagger.")]
LabelFile = Annotated[Path, typer.Argument(metavar="FILE", help="SKOS (.ttl, .rdf, .owl, .nt, .n3), CSV (.csv, .tsv) or JSON lines, plain or .gz.")]
Language = Annotated[str, typer.Option(metavar="LANG", help="Of SKOS: the language of names.")]
Scheme = Annotated[str | None, typer.Option(metavar="IRI", help="Of SKOS: only the concepts of this scheme.")]
Deprecated = Annotated[bool, typer.Option("--deprecated", help="Of SKOS: concepts that are deprecated, too.")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Where the changed tagger goes; else it takes the old one's place.")]


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
def add(
    tagger: TaggerFolder, file: LabelFile, out: Out = None, language: Language = "en", scheme: Scheme = None, deprecated: Deprecated = False, device: Device = "cpu"
) -> None:
    """Adds the labels of a file to a tagger, without training."""
    with checking_input():
        loaded, labels = Tagger.load(tagger, device=device), _read(file, language, scheme, deprecated)
        loaded.labels.add(list(labels))
    _save(loaded, tagger, out)


@label_commands.command()
@interruptible
def remove(
    tagger: TaggerFolder, uids: Annotated[list[str], typer.Argument(metavar="UID...", help="Uids of labels.")], out: Out = None, device: Device = "cpu"
) -> None:
    """Removes labels from a tagger."""
    with checking_input():
        loaded = Tagger.load(tagger, device=device)
        loaded.labels.remove(uids)
    _save(loaded, tagger, out)


@label_commands.command()
@interruptible
def rename(
    tagger: TaggerFolder,
    uid: Annotated[str, typer.Argument(metavar="UID", help="The uid of a label.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")],
    keep_name: Annotated[bool, typer.Option("--keep-name", help="Keep the old name as another name.")] = False,
    out: Out = None,
    device: Device = "cpu",
) -> None:
    """Gives a label of a tagger another name."""
    with checking_input():
        loaded = Tagger.load(tagger, device=device)
        loaded.labels.rename(uid, name, keep_name=keep_name)
    _save(loaded, tagger, out)


@label_commands.command()
@interruptible
def merge(
    tagger: TaggerFolder,
    uid: Annotated[str, typer.Argument(metavar="UID", help="The uid of the label that goes away.")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The uid of the label that gets its names.")],
    out: Out = None,
    device: Device = "cpu",
) -> None:
    """Makes one label of two: the names of the first become other names of the second."""
    with checking_input():
        loaded = Tagger.load(tagger, device=device)
        loaded.labels.merge(uid, into=into)
    _save(loaded, tagger, out)


@label_commands.command()
@interruptible
def duplicates(
    tagger: TaggerFolder,
    least_cosine: Annotated[float, typer.Option("--cosine", metavar="X", help="Labels are near from this cosine of their vectors on; above 1: by names only.")] = 0.95,
    by_names: Annotated[bool, typer.Option("--names/--no-names", help="Labels are near, too, where they share a name but for case, accents and the like.")] = True,
    device: Device = "cpu",
) -> None:
    """Lists labels that may mean the same, a line of JSON a pair: each is compared with each."""
    with checking_input():
        loaded = Tagger.load(tagger, device=device)
    labels = loaded.labels
    for pair in labels.near_duplicates(least_cosine=least_cosine, by_names=by_names):
        first, second = labels[pair.first], labels[pair.second]
        row = {"first": first.uid, "first_name": first.name, "second": second.uid, "second_name": second.name, "cosine": round(pair.cosine, 4)}
        print(json.dumps(row | ({"shared_name": pair.shared_name} if pair.shared_name else {}), ensure_ascii=False))


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


def _save(tagger: Tagger, source: Path, out: Path | None) -> None:
    """With the provenance of the tagger that it was made of."""
    provenance, folder = source / "lmtx" / "provenance.json", out or source
    with failing_with(1):
        tagger.save(folder, provenance=provenance.read_text(encoding="utf-8") if provenance.is_file() else "{}")
    print(f"{folder}: {len(tagger.labels):,} labels")


def _as_json(change: TagChange) -> dict[str, Any]:
    parts = {"added": change.added, "removed": change.removed, "renamed": change.renamed}
    return {"uid": change.uid, **{name: [_tag_as_json(tag) for tag in tags] for name, tags in parts.items() if tags}}


def _tag_as_json(tag: Tag) -> dict[str, Any]:
    return {"uid": tag.uid, "label": tag.label, "score": round(tag.score, 4)}
