"""The command lmtx tag."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import typer

from .._core import Tagger
from ..bulk.batches import BatchSizer
from ..bulk.documents import Columns
from ..bulk.readers import open_reader
from ..bulk.records import RecordEncoder, check_shape
from ..bulk.tagging import Block, check_on_error, describe_faults, tag_blocks
from ..bulk.to_file import CHECKPOINT_SECONDS, FileTagging, Layout, check_format
from ..progress import ProgressDisplay
from .common import Device, Failure, checking_input, failing_with, interruptible, wrong_values

__all__ = ["register"]

Name = Annotated[str | None, typer.Option(metavar="NAME", help="What it is called in the input.", rich_help_panel="Columns, or members of JSON objects")]


def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    commands.command("tag")(tag)


@interruptible
def tag(
    tagger: Annotated[Path, typer.Argument(metavar="TAGGER", help="The folder of a tagger.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="One text, or one JSON object with title and content, a line; or CSV, Parquet. Else standard input.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Tags a text; 0: as the tagger says, which is 5 unless it was made otherwise.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where tags go, JSON lines, CSV or Parquet; else standard output. Goes on after a kill.")
    ] = None,
    in_format: Annotated[
        str | None, typer.Option("--format", metavar="FORMAT", help="Of the input: jsonl, csv or parquet; else by the end of its name.")
    ] = None,
    out_format: Annotated[str | None, typer.Option(metavar="FORMAT", help="The same of the output.")] = None,
    tags_as: Annotated[
        str | None, typer.Option(metavar="HOW", help="list: a row a text with a list of tags; rows: a row a tag; joined: a row a text, tags joined by | (CSV).")
    ] = None,
    on_error: Annotated[str, typer.Option(metavar="WHAT", help="Where a row is no text: stop; skip it; or give it empty tags.")] = "stop",
    uid: Name = None,
    text: Name = None,
    title: Name = None,
    content: Name = None,
    device: Device = "cpu",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Take the place of a file that is there already, when all is done.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Tags texts, in memory that does not grow with their number.

    Without --out a line in is a line out. With it, after any interruption the same command goes on, and the file gets the same bytes; until then the tags
    are in FILE.part.

    [bold]Examples[/bold]

    echo "How do I get red wine out of a wool carpet?" | lmtx tag run/tagger -k 3

    lmtx tag run/tagger documents.jsonl.gz --out tags.jsonl

    lmtx tag run/tagger tickets.csv --text body --out tags.parquet --on-error skip
    """
    with checking_input():
        if file is not None and not file.is_file():
            raise ValueError(f"{file} is no file.")
        source = file or cast(BinaryIO, sys.stdin.buffer)
        columns = Columns.named(uid=uid, text=text, title=title, content=content)
        layout = Layout(in_format, out_format, tags_as)
        check_on_error(on_error)
    if out is None:
        with checking_input():
            encoder = _make_encoder(layout)
            reader = open_reader(source, layout.read_as(source), columns)
            loaded = Tagger.load(tagger, device=device)
        _write_tags(encoder, tag_blocks(loaded, reader, _sizer(source), k=k, on_error=on_error))
        return
    with checking_input():
        work = FileTagging(tagger, source, columns, layout, out, device=device, k=k, on_error=on_error)
    with ProgressDisplay(enabled=not quiet) as display, failing_with(1), wrong_values():
        counts = work.run(overwrite=overwrite, checkpoint_seconds=CHECKPOINT_SECONDS, on_progress=lambda done, total: display.show("tag", done, total))
    print(f"{out}: the tags of {counts.texts:,} texts{describe_faults(counts)}")


def _make_encoder(layout: Layout) -> RecordEncoder:
    write_as = check_format("out_format", layout.out_format) or "jsonl"
    if write_as == "parquet":
        raise ValueError("Parquet is written to a file: give --out FILE.")
    return RecordEncoder(write_as, check_shape(layout.tags_as, write_as))


def _write_tags(encoder: RecordEncoder, blocks: Iterator[Block]) -> None:
    """Records on standard output, a block at once."""
    try:
        _write(encoder.header())
        for data in _encoded(encoder, blocks):
            _write(data)
    except KeyboardInterrupt:
        raise Failure("interrupted; with --out the same command would go on from here.", 130) from None


def _encoded(encoder: RecordEncoder, blocks: Iterator[Block]) -> Iterator[bytes]:
    with failing_with(1), wrong_values():
        for block in blocks:
            yield encoder.encode(block.records(encoder.shape, numbered=encoder.shape != "list"))


def _sizer(source: Path | BinaryIO) -> BatchSizer:
    """Whoever types gets an answer to each line."""
    typed = not isinstance(source, Path) and source.isatty()
    return BatchSizer(first=1, most=1) if typed else BatchSizer()


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
