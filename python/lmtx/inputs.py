"""Documents and labels in the shapes in which Python programs have them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ._core import Corpus, Document, Label, LabelSet
from .label_files import read_labels

__all__ = ["iterate_documents", "make_corpus", "make_labels"]


def make_corpus(documents: Any) -> Corpus:
    """A Corpus out of a path to JSON lines, a DataFrame, or an iterable of str, dict or Document.

    Texts without a uid get their position. DataFrames and dicts have `title`, `content` (or `text`) or both, and `uid` (or `id`).

    Raises:
        ValueError, TypeError: Naming the position of what is no document.

    Example:
        >>> make_corpus(["Red wine on a wool carpet", {"title": "Stains", "content": "How to get rid of them"}])
        Corpus(2 documents)
    """
    if isinstance(documents, Corpus):
        return documents
    if isinstance(documents, str | os.PathLike):
        return Corpus.open(documents)
    return Corpus.from_documents([_document(item, i) for i, item in enumerate(_items(documents, "documents"))])


def iterate_documents(documents: Any) -> Iterator[Document]:
    """The Documents of the same, one after the other; of an iterable without keeping them."""
    if isinstance(documents, str | os.PathLike):
        documents = Corpus.open(Path(documents))
    if isinstance(documents, Corpus):
        return iter(documents)
    return (_document(item, i) for i, item in enumerate(_items(documents, "documents")))


def make_labels(labels: Any) -> LabelSet:
    """A LabelSet out of a path to a file that `read_labels` reads, a DataFrame, or an iterable of str, dict or Label.

    A name serves as uid where none is given. Dicts have `title` (or `name`), and may have `uid`, `description`, `alternatives` and `broader`.
    """
    if isinstance(labels, LabelSet):
        return labels
    if isinstance(labels, str | os.PathLike):
        return read_labels(labels)
    return LabelSet([_label(item, i) for i, item in enumerate(_items(labels, "labels"))])


def _items(data: Any, what: str) -> Iterable[Any]:
    """Rows of a DataFrame as dicts without the cells that are missing; other iterables as they are."""
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        return ({key: value for key, value in row.items() if _is_there(value)} for row in data.to_dict("records"))
    if not isinstance(data, Iterable) or isinstance(data, Mapping | bytes):
        raise TypeError(f"`{what}` must be a path, a DataFrame, or a list of str or dict, but is of type {type(data).__name__} instead.")
    return data


def _is_there(value: Any) -> bool:
    """False for None and NaN, which pandas has where a cell is empty."""
    return value is not None and not (isinstance(value, float) and value != value)


def _document(item: Any, position: int) -> Document:
    if isinstance(item, Document):
        return item
    place = f"document {position}"
    if isinstance(item, str):
        return Document(str(position), content=item)
    fields = _fields(item, place)
    if not any(key in fields for key in ("title", "content", "text")):
        raise ValueError(f"{place} must have a `title` or a `content`, but has {_names(fields)} instead.")
    return Document(
        str(fields.get("uid", fields.get("id", position))),
        title=_text(fields, "title", place),
        content=_text(fields, "content" if "content" in fields else "text", place),
    )


def _label(item: Any, position: int) -> Label:
    if isinstance(item, Label):
        return item
    if isinstance(item, str):
        return Label(item, item)
    place = f"label {position}"
    fields = _fields(item, place)
    name = _text(fields, "title" if "title" in fields else "name", place)
    if not name:
        raise ValueError(f"{place} must have a `title`, but has {_names(fields)} instead.")
    return Label(
        str(fields.get("uid", fields.get("id", name))),
        name,
        description=_text(fields, "description", place),
        other_names=list(fields.get("alternatives", ())),
        broader=[str(uid) for uid in fields.get("broader", ())],
    )


def _fields(item: Any, place: str) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise TypeError(f"{place} must be a str or a dict, but is of type {type(item).__name__} instead.")
    return {key: value for key, value in item.items() if value is not None}


def _text(fields: Mapping[str, Any], key: str, place: str) -> str:
    value = fields.get(key, "")
    if not isinstance(value, str):
        raise TypeError(f"{place}: `{key}` must be a str, but is of type {type(value).__name__} instead.")
    return value


def _names(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"`{key}`" for key in fields) or "nothing"
