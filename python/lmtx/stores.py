"""Stores of judgments as Parquet files, which pandas, Polars, DuckDB and Spark read."""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ._core import JudgmentImport, JudgmentRows, JudgmentStore, MergeCounts

__all__ = ["export_parquet", "import_parquet"]

# In the metadata of the file's schema.
FORMAT_KEY, NEWEST_FORMAT = b"lmtx.judgments", 1
REQUIRED = ["key", "identity", "run", "document", "label", "score", "answer", "time"]
OPTIONAL = ["prompt_tokens", "cached_tokens", "completion_tokens", "cost", "seconds", "raw"]
ROWS_AT_ONCE = 65536


def export_parquet(store: JudgmentStore, file: str | os.PathLike[str], *, identity: str | None = None) -> int:
    """Writes what a store has as a Parquet file, a row for each judgment; nothing is lost on the way. Needs pyarrow.

    Rows with the same `answer` were put at one go and have the same usage, so that sums over usage count each answer once. An answer none of whose verdicts was
    kept has one row, with `key`, `label` and `score` null; elsewhere a null score stands for an abstention.

    Args:
        store: What it has when the call begins is written.
        file: Is there whole or not at all.
        identity: Of the one teacher to be written; None means all.

    Returns:
        The number of rows.

    Raises:
        ValueError: Where the store has nothing of this identity.
        ModuleNotFoundError: Without pyarrow.
        OSError, RuntimeError: Naming the file that could not be written, or is damaged.

    Example:
        >>> store = lmtx.JudgmentStore.open('parquet.db')
        >>> store.put('my-llm/1', lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax')]), [0.9])
        >>> lmtx.export_parquet(store, 'judgments.parquet')
        1
    """
    arrow, parquet = _pyarrow()
    schema = _schema(arrow)
    rows = 0
    target, partial = Path(os.path.realpath(file)), Path(f"{os.path.realpath(file)}.writing")
    try:
        with parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
            for columns in JudgmentRows(store, identity, at_once=ROWS_AT_ONCE):
                rows += len(columns["key"])
                writer.write_table(arrow.table(columns, schema=schema))
        _flush(partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return rows


def import_parquet(store: JudgmentStore, file: str | os.PathLike[str]) -> MergeCounts:
    """Adds what a Parquet file has, as export_parquet writes it, to a store, as JudgmentStore.merge_from does. Needs pyarrow.

    Columns of usage and `raw` may be missing, and rows may come in any order.

    Raises:
        ValueError: Naming the file where it is no such file, or of a newer format, before anything is added.
        ModuleNotFoundError: Without pyarrow.

    Example:
        >>> store = lmtx.JudgmentStore.open('from-parquet.db')
        >>> lmtx.import_parquet(store, 'judgments.parquet')  # Of the example above.
        MergeCounts(judgments=1, answers=1, same=0, conflicts=0)
    """
    arrow, parquet = _pyarrow()
    path = os.fspath(file)
    rows = JudgmentImport(store)
    try:
        with parquet.ParquetFile(path) as opened:
            _check_schema(opened.schema_arrow, path)
            for columns in _batches(opened):
                rows.add(columns)
    except (arrow.ArrowInvalid, OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) or str(error).startswith(path):
            raise
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error
    return rows.finish()


def _pyarrow() -> tuple[Any, Any]:
    """pyarrow and its module for Parquet: a large package, loaded where it is needed."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("Parquet needs pyarrow: pip install pyarrow, or lmtx[parquet].", name=error.name) from error


def _schema(arrow: Any) -> Any:
    texts = arrow.dictionary(arrow.int32(), arrow.string())
    types = {
        "key": arrow.binary(16), "identity": texts, "run": texts, "document": arrow.string(), "label": arrow.string(), "score": arrow.float64(),
        "answer": arrow.int64(), "time": arrow.int64(), "prompt_tokens": arrow.int64(), "cached_tokens": arrow.int64(), "completion_tokens": arrow.int64(),
        "cost": arrow.float64(), "seconds": arrow.float64(), "raw": arrow.string(),
    }  # fmt: skip
    nullable = {"key", "label", "score", "raw"}
    fields = [arrow.field(name, kind, nullable=name in nullable) for name, kind in types.items()]
    return arrow.schema(fields, metadata={FORMAT_KEY: str(NEWEST_FORMAT).encode()})


def _check_schema(schema: Any, path: str) -> None:
    found = (schema.metadata or {}).get(FORMAT_KEY, str(NEWEST_FORMAT).encode()).decode()
    if not found.isdecimal() or int(found) > NEWEST_FORMAT:
        raise ValueError(f"{path}: the judgments have format {found}, but this version of LMTX reads up to format {NEWEST_FORMAT}; a newer version is needed.")
    missing = [name for name in REQUIRED if name not in schema.names]
    if missing:
        raise ValueError(f"{path}: a table of judgments must have the columns {', '.join(REQUIRED)}, but {', '.join(missing)} is missing.")


def _batches(opened: Any) -> Iterator[dict[str, list[object]]]:
    names = [name for name in REQUIRED + OPTIONAL if name in opened.schema_arrow.names]
    for batch in opened.iter_batches(batch_size=ROWS_AT_ONCE, columns=names):
        yield {name: batch.column(name).to_pylist() for name in names}


def _flush(file: Path) -> None:
    with open(file, "rb") as stream:
        os.fsync(stream.fileno())
