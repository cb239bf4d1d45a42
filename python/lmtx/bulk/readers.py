"""Texts out of files of any size, row by row, with the place up to which they were read."""

import csv
import gzip
import hashlib
import io
import json
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from .._core import Document
from ..arrow import import_pyarrow
from .documents import Columns

__all__ = ["FORMATS", "Position", "Reader", "Row", "format_of_name", "open_reader"]

FORMATS = ("jsonl", "csv", "parquet")
LONGEST_LINE = 256 << 20
CHUNK = 1 << 20
csv.field_size_limit(LONGEST_LINE)


@dataclass(frozen=True)
class Row:
    """A text, or why it is none: "FILE:12: broken JSON …"."""

    document: Document | None
    fault: str = ""


@dataclass(frozen=True)
class Position:
    """How far an input was read, and what it was up to there."""

    # Texts.
    rows: int = 0
    # Of the input when unpacked; 0 for Parquet, which is read by rows.
    bytes: int = 0
    # 128 bits of BLAKE2b over these bytes; of Parquet's metadata.
    digest: str = ""


class Reader(Protocol):
    """Gives the texts of an input once, in order."""

    place: str

    def rows(self) -> Iterator[Row]:
        """The texts from where it stands. What comes next is read only when it is asked for."""

    def position(self) -> Position:
        """Behind the text that rows() gave last."""

    def skip_to(self, position: Position) -> bool:
        """Goes where position() was once, before rows() is called; False where the input was another one up to there."""

    def fraction(self) -> float:
        """How much of the input lies behind; 0 where that is not known."""

    def close(self) -> None:
        """Closes a file; a stream is left to whoever opened it."""


def format_of_name(name: str) -> str:
    """The format that a name ends in, such as "csv" of "texts.csv.gz"; else "jsonl", which any text is."""
    suffix = Path(name.lower().removesuffix(".gz")).suffix.lstrip(".")
    return {"csv": "csv", "parquet": "parquet", "pq": "parquet"}.get(suffix, "jsonl")


def open_reader(source: Path | BinaryIO, file_format: str, columns: Columns) -> Reader:
    """Opens a file, or a stream of bytes such as standard input.

    Raises:
        ValueError: For a file that is no Parquet, or a table without texts.
        OSError: For a file that cannot be read.
    """
    if file_format == "parquet":
        if not isinstance(source, Path):
            raise ValueError("Parquet is read from a file, not from standard input.")
        return ParquetReader(source, columns)
    lines = ByteLines(source)
    return CsvReader(lines, columns) if file_format == "csv" else LineReader(lines, columns)


class ByteLines:
    """Lines of a plain or gzip stream, counted and digested."""

    def __init__(self, source: Path | BinaryIO):
        self.place = str(source) if isinstance(source, Path) else "standard input"
        self._raw = open(source, "rb") if isinstance(source, Path) else source  # noqa: SIM115
        self._is_own = isinstance(source, Path)
        self._opened = self._raw if isinstance(self._raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, self._raw))
        packed = self._opened.peek(2)[:2] == b"\x1f\x8b"
        self._stream = cast(BinaryIO, gzip.GzipFile(fileobj=self._opened) if packed else self._opened)
        self._size = _size(self._raw)
        self._digest = hashlib.blake2b(digest_size=16)
        # What was read so far.
        self.bytes = self.lines = 0
        self._ends_in_a_line = False

    def next(self) -> bytes:
        """The next line with its end; empty at the end of the stream. RuntimeError for damaged gzip and endless lines."""
        line = self._read(lambda: self._stream.readline(LONGEST_LINE))
        if line and self._ends_in_a_line:
            raise RuntimeError(f"{self.place}: grew in the middle of line {self.lines}, which was read already as if it ended there.")
        if len(line) == LONGEST_LINE:
            raise RuntimeError(f"{self.place}:{self.lines + 1}: a line is longer than {LONGEST_LINE >> 20} MiB.")
        self.lines += bool(line)
        self._count(line)
        return line

    def skip_to(self, num_bytes: int) -> None:
        """Reads on until so many bytes were read, or to the end of the stream."""
        while self.bytes < num_bytes:
            wanted = min(CHUNK, num_bytes - self.bytes)
            chunk = self._read(lambda: self._stream.read(wanted))  # noqa: B023
            if not chunk:
                return
            self.lines += chunk.count(b"\n")
            self._count(chunk)
        self.lines += self._ends_in_a_line

    def digest(self) -> str:
        return self._digest.hexdigest()

    def close(self) -> None:
        if self._is_own:
            self._raw.close()
        elif self._opened is not self._raw:
            self._opened.detach()  # It would close the stream.

    def fraction(self) -> float:
        return min(1.0, self._raw.tell() / self._size) if self._size else 0.0

    def _count(self, data: bytes) -> None:
        self.bytes += len(data)
        self._digest.update(data)
        if data:
            self._ends_in_a_line = not data.endswith(b"\n")

    def _read(self, read: Any) -> bytes:
        try:
            return cast(bytes, read())
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise RuntimeError(f"{self.place}: the gzip stream is damaged or cut off behind line {self.lines} ({error}).") from error


class _OfLines:
    """What readers of lines have in common: where they stand."""

    def __init__(self, lines: ByteLines, columns: Columns):
        self.place = lines.place
        self._lines, self._columns = lines, columns
        self._rows = 0

    def position(self) -> Position:
        return Position(self._rows, self._lines.bytes, self._lines.digest())

    def skip_to(self, position: Position) -> bool:
        self._lines.skip_to(position.bytes)
        self._rows = position.rows
        return self.position() == position

    def fraction(self) -> float:
        return self._lines.fraction()

    def close(self) -> None:
        self._lines.close()


class LineReader(_OfLines):
    """Lines: JSON objects where they begin with a brace, else texts."""

    def rows(self) -> Iterator[Row]:
        while line := self._lines.next():
            self._rows += 1
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            yield _row(lambda: self._parse(text), f"{self.place}:{self._lines.lines}")  # noqa: B023

    def _parse(self, line: str) -> Document:
        if self._lines.lines == 1:
            line = line.removeprefix("\ufeff")
        if not line.startswith("{"):
            return Document(content=line)
        try:
            return self._columns.document(json.loads(line))
        except json.JSONDecodeError as error:
            raise ValueError(f"broken JSON: {error.msg} at column {error.colno}.") from None
        except RecursionError:
            raise ValueError("broken JSON: nested too deeply.") from None


class CsvReader(_OfLines):
    """Rows of a table in CSV, whose first row names the columns. An empty cell is a missing one."""

    def __init__(self, lines: ByteLines, columns: Columns):
        super().__init__(lines, columns)
        # It takes the lines of one row at a time, so that `lines` stands behind the row that it gave last.
        self._table = csv.reader(self._texts(), strict=True)
        try:
            self._header = next(self._table, [])
        except csv.Error as error:
            raise ValueError(f"{self.place}:1: {error}.") from error
        columns.check(self._header, self.place)

    def _texts(self) -> Iterator[str]:
        while line := self._lines.next():
            yield line.decode("utf-8", "replace").removeprefix("\ufeff" if self._lines.lines == 1 else "")

    def rows(self) -> Iterator[Row]:
        while True:
            place = f"{self.place}:{self._lines.lines + 1}"
            try:
                cells = next(self._table)
            except StopIteration:
                return
            except csv.Error as error:
                cells, fault = [], f"{place}: {error}."
            else:
                fault = ""
                if not cells:  # A blank line.
                    continue
            self._rows += 1
            yield Row(None, fault) if fault else _row(lambda: self._parse(cells), place)  # noqa: B023

    def _parse(self, cells: list[str]) -> Document:
        if len(cells) != len(self._header):
            raise ValueError(f"a row of {len(cells)} cells, where the header has {len(self._header)}.")
        return self._columns.document({name: cell for name, cell in zip(self._header, cells, strict=True) if cell})


class ParquetReader:
    """Rows of a Parquet file, of which only the columns with texts are read."""

    def __init__(self, file: Path, columns: Columns):
        arrow, parquet = import_pyarrow()
        self.place = str(file)
        self._columns = columns
        try:
            self._file = parquet.ParquetFile(file)
        except arrow.ArrowInvalid as error:
            raise ValueError(f"{file}: {' '.join(str(error).split())}") from error
        names = self._file.schema_arrow.names
        columns.check(names, self.place)
        self._names = [name for name in columns.uid + columns.title + columns.content if name in names]
        self._digest = _digest_of_parquet(file)
        self._rows = 0

    def rows(self) -> Iterator[Row]:
        for record in self._records():
            number = self._rows
            self._rows += 1
            yield _row(lambda: self._columns.document(record), f"{self.place}: row {number}")  # noqa: B023

    def _records(self) -> Iterator[dict[str, Any]]:
        first, skip = self._group_of(self._rows)
        groups = range(first, self._file.metadata.num_row_groups)
        for batch in self._file.iter_batches(batch_size=1024, row_groups=groups, columns=self._names):
            yield from batch.slice(skip).to_pylist()
            skip = max(0, skip - batch.num_rows)

    def _group_of(self, row: int) -> tuple[int, int]:
        """The row group that has it, and how far behind the group's begin it lies."""
        for group in range(self._file.metadata.num_row_groups):
            rows = self._file.metadata.row_group(group).num_rows
            if row < rows:
                return group, row
            row -= rows
        return self._file.metadata.num_row_groups, 0

    def position(self) -> Position:
        return Position(self._rows, 0, self._digest)

    def skip_to(self, position: Position) -> bool:
        self._rows = position.rows
        return self.position() == position

    def fraction(self) -> float:
        total = self._file.metadata.num_rows
        return self._rows / total if total else 1.0

    def close(self) -> None:
        self._file.close()


def _row(make: Any, place: str) -> Row:
    try:
        return Row(make())
    except (ValueError, TypeError) as error:
        return Row(None, f"{place}: {error}")


def _size(stream: BinaryIO) -> int:
    """Of a file; 0 for a pipe."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _digest_of_parquet(file: Path) -> str:
    """Of its size and its metadata, which has the size, place and range of every column: the last bytes but eight say how long it is."""
    with open(file, "rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(size - 8)
        length = int.from_bytes(stream.read(4), "little")
        stream.seek(max(0, size - 8 - length))
        return hashlib.blake2b(size.to_bytes(8, "little") + stream.read(), digest_size=16).hexdigest()
