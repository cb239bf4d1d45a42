"""Folders of data: labels.jsonl and a file of documents for each split."""

from pathlib import Path

from ._core import Corpus, LabelSet, read_targets
from .label_files import RDF_FORMATS, read_labels

__all__ = ["data_file", "labels_file", "read_data"]


def read_data(data: Path, split: str) -> tuple[LabelSet, Corpus, list[list[int]]]:
    """Labels, documents and true labels of a data folder."""
    labels = read_labels(labels_file(data))
    file = data_file(data, split)
    return labels, Corpus.open(file), read_targets(file, len(labels))


def labels_file(data: Path) -> Path:
    """DATA/labels.jsonl, plain or .gz; where neither is there, labels in another format that `read_labels` knows by the file's name.

    Raises:
        ValueError: Where there is none.
    """
    for ending in (".csv", ".tsv", *RDF_FORMATS):
        file = Path(data) / f"labels{ending}"
        if file.is_file() and not any((Path(data) / f"labels.jsonl{gz}").is_file() for gz in ("", ".gz")):
            return file
    return data_file(data, "labels")


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
