"""Tags as records, and records as bytes of a file."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .._core import Tag
from ..arrow import flush_to_disk, import_pyarrow

__all__ = ["SHAPES", "RecordEncoder", "check_shape", "lines_to_parquet", "records_of", "tag_fields"]

# How the tags of a text are laid out, by the format of the file; the first is what happens unless it is said.
SHAPES = {"jsonl": ("list", "rows"), "csv": ("rows", "joined"), "parquet": ("list", "rows")}
COLUMNS = {"rows": ["uid", "rank", "tag", "label", "score", "probability"], "joined": ["uid", "tags", "labels", "scores"]}
SEPARATOR = "|"
# Of a row group in Parquet: not of what is in memory otherwise.
RECORDS_AT_ONCE = 16384


def check_shape(shape: str | None, out_format: str) -> str:
    """The shape that was asked for, or the format's own."""
    shapes = SHAPES[out_format]
    if shape is not None and shape not in shapes:
        raise ValueError(f"tags in {out_format} can be laid out as {' or '.join(shapes)}, but {shape!r} came instead.")
    return shape or shapes[0]


def tag_fields(tag: Tag, uid: str) -> dict[str, Any]:
    """A tag with four decimals, its uid by the name of `uid`; a probability only where the tagger knows any."""
    fields = {uid: tag.uid, "label": tag.label, "score": round(tag.score, 4)}
    return fields if tag.probability is None else {**fields, "probability": round(tag.probability, 4)}


def records_of(uid: str, tags: Sequence[Tag], shape: str) -> list[dict[str, Any]]:
    """What is written of a text: one record, or as "rows" one for each tag. Without a uid there is no member of that name."""
    named = {"uid": uid} if uid else {}
    if shape == "list":
        return [{**named, "tags": [tag_fields(tag, "uid") for tag in tags]}]
    if shape == "rows":
        return [{**named, "rank": rank, **tag_fields(tag, "tag")} for rank, tag in enumerate(tags, 1)]
    columns = {"tags": [tag.uid for tag in tags], "labels": [tag.label for tag in tags], "scores": [f"{tag.score:.4f}" for tag in tags]}
    return [{**named, **{name: SEPARATOR.join(values) for name, values in columns.items()}}]


class RecordEncoder:
    """Records as lines of JSON, or of CSV."""

    def __init__(self, out_format: str, shape: str):
        self.shape = shape
        self._columns = COLUMNS[shape] if out_format == "csv" else None

    def header(self) -> bytes:
        return self._csv([self._columns]) if self._columns else b""

    def encode(self, records: Iterable[dict[str, Any]]) -> bytes:
        if self._columns:
            return self._csv([record.get(name, "") for name in self._columns] for record in records)
        return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode("utf-8", "replace")

    @staticmethod
    def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode("utf-8", "replace")


def lines_to_parquet(lines: Path, target: Path, shape: str) -> None:
    """Makes a Parquet file of JSON lines, RECORDS_AT_ONCE at once, and flushes it to disk."""
    arrow, parquet = import_pyarrow()
    schema = _schema(arrow, shape)
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer, open(lines, "rb") as source:
        while group := [json.loads(line) for _, line in zip(range(RECORDS_AT_ONCE), source)]:
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))
    flush_to_disk(target)


def _schema(arrow: Any, shape: str) -> Any:
    def tag(uid: str) -> list[Any]:
        return [(uid, arrow.string()), ("label", arrow.string()), ("score", arrow.float64()), ("probability", arrow.float64())]

    if shape == "list":
        return arrow.schema([("uid", arrow.string()), ("tags", arrow.list_(arrow.struct(tag("uid"))))])
    return arrow.schema([("uid", arrow.string()), ("rank", arrow.int32()), *tag("tag")])
