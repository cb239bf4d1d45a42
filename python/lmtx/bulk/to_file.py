"""A file of texts to a file of tags, whatever its size and whatever comes between."""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .._core import Tagger
from ..arrow import import_pyarrow
from .batches import BatchSizer
from .documents import Columns
from .part_file import PartFile, Progress
from .readers import FORMATS, Position, Reader, format_of_name, open_reader
from .records import SHAPES, RecordEncoder, check_shape, lines_to_parquet
from .tagging import TaggingCounts, add_counts, check_on_error, tag_blocks

__all__ = ["CHECKPOINT_SECONDS", "FileTagging", "Layout", "check_format", "tag_to_file"]

CHECKPOINT_SECONDS = 5.0


def tag_to_file(
    tagger: str | os.PathLike[str],
    documents: str | os.PathLike[str] | BinaryIO,
    file: str | os.PathLike[str],
    *,
    k: int = 0,
    device: str = "cpu",
    in_format: str | None = None,
    out_format: str | None = None,
    tags_as: str | None = None,
    uid: str | None = None,
    text: str | None = None,
    title: str | None = None,
    content: str | None = None,
    on_error: str = "stop",
    overwrite: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_progress: Callable[[int, int], None] | None = None,
) -> TaggingCounts:
    """Tags a file of texts into a file of tags, in memory that does not grow with their number.

    Until all is done the tags are in FILE.part, with the journal FILE.part.json beside it. Whatever ends the work (Ctrl-C, a kill, a full disk), the same call
    goes on behind the last tags that were secured, and FILE gets the same bytes, given the same machine (on a card scores may differ in their last digit).

    Args:
        tagger: The folder of a tagger.
        documents: JSON lines, of which those that do not begin with a brace are texts; CSV with a header; Parquet (needs pyarrow). JSON lines and CSV may be
            .gz, and may come from a stream of bytes.
        file: Where tags go: JSON lines, CSV or Parquet.
        k: Tags a text; 0: the tagger's own.
        in_format, out_format: "jsonl", "csv" or "parquet"; None: by the name's end.
        tags_as: "list", a list of tags a text (JSON lines, Parquet); "rows", a row a tag (all); "joined", a row a text, with tags joined by "|" (CSV). None:
            "list", for CSV "rows".
        uid, text, title, content: What the columns, or members, are called; None: uid or id, title, content or text. `text` stands alone.
        on_error: Where a row is no text: "stop" ends with a ValueError that names its place, "skip" leaves it out, "empty" gives it no tags.
        overwrite: Take the place of a file that is there already, when all is done.
        checkpoint_seconds: How often tags are secured.
        on_progress: Called with the number of rows that are done and of all, which is a guess until the end, and 0 where there is none.

    Returns:
        What came of the texts, those of calls before included.

    Raises:
        ValueError: For wrong arguments and input, a `file` that is there, and a FILE.part of another tagger, input or options, naming what differs.
        RuntimeError: Naming the path, where another process writes it, for a damaged FILE.part, a full disk and damaged input.
        OSError: For input that cannot be opened.
        ModuleNotFoundError: For Parquet without pyarrow.

    Example:
        >>> lmtx.tag_to_file('tagger', 'train.jsonl', 'tags.csv', k=2)
        TaggingCounts(texts=60, skipped=0, empty=0, first_fault='')
        >>> print(open('tags.csv').readline())
        uid,rank,tag,label,score,probability
    """
    columns = Columns.named(uid=uid, text=text, title=title, content=content)
    work = FileTagging(tagger, documents, columns, Layout(in_format, out_format, tags_as), file, device=device, k=k, on_error=on_error)
    return work.run(overwrite=overwrite, checkpoint_seconds=checkpoint_seconds, on_progress=on_progress)


def check_format(name: str, file_format: str | None) -> str | None:
    if file_format is not None and file_format not in FORMATS:
        raise ValueError(f"`{name}` must be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, but is {file_format!r} instead.")
    return file_format


def out_format_of(file: str | os.PathLike[str]) -> str:
    """The format that a name for output ends in; unlike that of input it must be clear."""
    ends = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}
    found = ends.get(Path(file).suffix.lower())
    if found is None:
        raise ValueError(f"The name of {os.fspath(file)} must end in {', '.join(ends)}, or the format be given: {', '.join(SHAPES)}.")
    return found


@dataclass(frozen=True)
class Layout:
    """The formats of input and output, and how tags are laid out; None: what their names and formats say."""

    in_format: str | None
    out_format: str | None
    tags_as: str | None

    def read_as(self, source: Path | BinaryIO) -> str:
        return check_format("in_format", self.in_format) or (format_of_name(source.name) if isinstance(source, Path) else "jsonl")

    def write_as(self, file: str | os.PathLike[str]) -> str:
        return check_format("out_format", self.out_format) or out_format_of(file)


class FileTagging:
    """An input that is open, a tagger that is loaded, and where its tags go: what tag_to_file does, in two steps.

    Raises:
        ValueError, RuntimeError, OSError: For wrong arguments, input and taggers. What run() raises may be no fault of the input.
    """

    def __init__(
        self,
        tagger: str | os.PathLike[str],
        documents: str | os.PathLike[str] | BinaryIO,
        columns: Columns,
        layout: Layout,
        file: str | os.PathLike[str],
        *,
        device: str,
        k: int,
        on_error: str,
    ):
        check_on_error(on_error)
        source = Path(documents) if isinstance(documents, str | os.PathLike) else documents
        read_as, write_as = layout.read_as(source), layout.write_as(file)
        self._file, self._k, self._on_error = Path(file), k, on_error
        self._encoder = RecordEncoder(write_as, check_shape(layout.tags_as, write_as))
        self._makes_parquet = write_as == "parquet"
        if self._makes_parquet:
            import_pyarrow()  # Missing later it would be missed late.
        self._reader = open_reader(source, read_as, columns)
        self._tagger = Tagger.load(tagger, device=device)
        self._content = {
            "tagger": _fingerprint(Path(tagger)), "k": k, "in_format": read_as, "out_format": write_as, "tags_as": self._encoder.shape, "on_error": on_error,
            "columns": [list(names) for names in (columns.uid, columns.title, columns.content)],
        }  # fmt: skip

    def run(self, *, overwrite: bool, checkpoint_seconds: float, on_progress: Callable[[int, int], None] | None) -> TaggingCounts:
        """Begins, or goes on; once."""
        part = PartFile(self._file, self._content, _progress(self._reader.position(), TaggingCounts()), overwrite=overwrite)
        with contextlib.closing(part), contextlib.closing(self._reader):
            if not part.was_finished:
                _Work(part, self._reader, self._encoder, checkpoint_seconds, on_progress).run(self._tagger, self._k, self._on_error)
                part.finish(self._make_parquet if self._makes_parquet else None)
            return TaggingCounts(**part.progress.counts)

    def _make_parquet(self, lines: Path, target: Path) -> None:
        lines_to_parquet(lines, target, self._encoder.shape)


class _Work:
    """What is between an input and its part file."""

    def __init__(self, part: PartFile, reader: Reader, encoder: RecordEncoder, checkpoint_seconds: float, on_progress: Callable[[int, int], None] | None):
        self._part, self._reader, self._encoder = part, reader, encoder
        self._seconds, self._on_progress = checkpoint_seconds, on_progress
        self._secured = time.monotonic()

    def run(self, tagger: Tagger, k: int, on_error: str) -> None:
        self._begin()
        try:
            for block in tag_blocks(tagger, self._reader, BatchSizer(), k=k, on_error=on_error):
                counts = add_counts(TaggingCounts(**self._part.progress.counts), block)
                self._part.append(self._encoder.encode(block.records(self._encoder.shape, numbered=True)), _progress(block.end, counts))
                self._secure_now_and_then()
                self._report(block.end.rows, is_last=block.is_last)
        except BaseException:
            with contextlib.suppress(Exception):  # Where not even that can be written there is what was secured before.
                self._part.checkpoint()
            raise

    def _begin(self) -> None:
        progress = self._part.progress
        wanted = Position(**progress.input)
        if not self._reader.skip_to(wanted):
            raise ValueError(
                f"{self._part.part} was begun with another input: the first {wanted.rows:,} rows of {self._reader.place} are not those that it has the "
                f"tags of. Give the same, or delete it and {self._part.journal} to begin anew."
            )
        if progress.output_bytes == 0 and (header := self._encoder.header()):
            self._part.append(header, progress)

    def _secure_now_and_then(self) -> None:
        if time.monotonic() - self._secured >= self._seconds:
            self._part.checkpoint()
            self._secured = time.monotonic()

    def _report(self, done: int, *, is_last: bool) -> None:
        if self._on_progress:
            fraction = self._reader.fraction()
            guess = max(done + 1, round(done / fraction)) if fraction else 0
            self._on_progress(done, done if is_last else guess)


def _progress(position: Position, counts: TaggingCounts) -> Progress:
    return Progress(input=dict(vars(position)), counts=dict(vars(counts)))


def _fingerprint(tagger: Path) -> str:
    """Of what decides its tags: settings and manifests, which hold the checksums of all else."""
    digest = hashlib.blake2b(digest_size=16)
    own = tagger / "lmtx"
    for file in sorted([*own.glob("*.json"), *own.glob("index/*.json")]):
        if file.name != "provenance.json":
            data: Any = file.read_bytes()
            digest.update(f"{file.relative_to(own)} {len(data)}\n".encode() + data)
    return digest.hexdigest()
