"""pyarrow: a large package, loaded where it is needed."""

import importlib
import os
from pathlib import Path
from typing import Any

__all__ = ["flush_to_disk", "import_pyarrow"]


def import_pyarrow() -> tuple[Any, Any]:
    """pyarrow and its module for Parquet.

    Raises:
        ModuleNotFoundError: Without it, with what installs it.
    """
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("Parquet needs pyarrow: pip install pyarrow, or lmtx[parquet].", name=error.name) from error


def flush_to_disk(file: Path) -> None:
    with open(file, "rb") as stream:
        os.fsync(stream.fileno())
