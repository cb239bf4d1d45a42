"""Folders of data: labels.jsonl and a file of documents for each split."""

from pathlib import Path

from ._core import Corpus, LabelSet, read_targets

__all__ = ["data_file", "read_data"]


def read_data(data: Path, split: str) -> tuple[LabelSet, Corpus, list[list[int]]]:
    """Labels, documents and true labels of a data folder."""
    labels = LabelSet.open(data_file(data, "labels"))
    file = data_file(data, split)
    return labels, Corpus.open(file), read_targets(file, len(labels))


def data_file(data: Path, name: str) -> Path:
    """DATA/name.jsonl, plain or .gz.

    Raises:
        ValueError: Where neither is there.
    """
    data = Path(data)
    if not data.is_dir():
        raise ValueError(f"{data} is no folder; it should hold labels.jsonl and {name if name != 'labels' else 'train'}.jsonl.")
    for file in (data / f"{name}.jsonl", data / f"{name}.jsonl.gz"):
        if file.is_file():
            return file
    raise ValueError(f"{data} has neither {name}.jsonl nor {name}.jsonl.gz.")
