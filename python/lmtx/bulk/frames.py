"""Tags of the texts of a DataFrame."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import Document, Event, Tag, Tagger
from ..tables import Tags
from .documents import Columns
from .tagging import check_on_error

__all__ = ["tag_frame"]

# What an exploded tag adds to its row, besides its rank.
FIELDS: dict[str, Callable[[Tag], Any]] = {
    "tag": lambda tag: tag.uid, "label": lambda tag: tag.label, "score": lambda tag: tag.score, "probability": lambda tag: tag.probability
}  # fmt: skip


def tag_frame(
    tagger: Tagger,
    frame: Any,
    *,
    text: str | None = None,
    title: str | None = None,
    content: str | None = None,
    k: int = 0,
    explode: bool = False,
    column: str = "tags",
    on_error: str = "stop",
    on_event: Callable[[Event], None] | None = None,
) -> Any:
    """The tags of the texts of a pandas DataFrame; also the method `Tagger.tag_frame`.

    Args:
        frame: A DataFrame, which stays as it is.
        text: The column with the texts, where they are in one.
        title, content: The columns with titles and contents, where they are in two. None of the three: title, content or text, whichever there are.
        k: Tags a text; 0: the tagger's own.
        explode: A row for each tag instead of a list in each row.
        column: The name of the new column of lists of Tag, best first; unused by `explode`.
        on_error: Where a row has no text: "stop" raises, "skip" leaves it out, "empty" gives it no tags (with `explode`: no rows).
        on_event: Called with an Event after each batch.

    Returns:
        A new DataFrame: that of `frame` with one more column; or, exploded, its rows and index repeated, with the columns rank (from 1), tag (the label's uid),
        label, score and probability (None until the tagger is calibrated).

    Raises:
        ValueError: For a column that is missing or is there already, and for a row without text, naming it.
        TypeError: For what is no DataFrame, and for cells that are no str.

    Example:
        >>> import pandas
        >>> frame = pandas.DataFrame({'body': ['tax', 'army'], 'from': ['us', 'them']})
        >>> tagger = lmtx.Tagger.load('tagger')
        >>> tagger.tag_frame(frame, text='body', k=1)['tags'].tolist()
        [[Tag(label='tax', score=1.00)], [Tag(label='army', score=1.00)]]
        >>> tagger.tag_frame(frame, text='body', k=1, explode=True)[['from', 'rank', 'label']].values.tolist()
        [['us', 1, 'tax'], ['them', 1, 'army']]
    """
    if not (hasattr(frame, "columns") and hasattr(frame, "iloc")):
        raise TypeError(f"`frame` must be a pandas DataFrame, but is of type {type(frame).__name__} instead.")
    check_on_error(on_error)
    columns = _columns(frame, text, title, content)
    _check_new(frame, ["rank", *FIELDS] if explode else [column])
    documents = _documents(frame, columns, on_error)
    rows = [i for i, document in enumerate(documents) if document or on_error == "empty"]
    found = iter(tagger.tag([document for document in documents if document], k=k, on_event=on_event))
    tags: list[list[Tag]] = [next(found) if documents[i] else Tags() for i in rows]
    return _exploded(frame, rows, tags) if explode else _with_lists(frame, rows, tags, column)


def _columns(frame: Any, text: str | None, title: str | None, content: str | None) -> Columns:
    columns = Columns.named(text=text, title=title, content=content)
    for name in (text, title, content):
        if name is not None:
            columns.check_has(name, list(map(str, frame.columns)), "`frame`")
    columns.check(list(map(str, frame.columns)), "`frame`")
    return columns


def _check_new(frame: Any, names: list[str]) -> None:
    for name in names:
        if name in frame.columns:
            raise ValueError(f"`frame` has a column `{name}` already: rename it, or name the new one otherwise.")


def _documents(frame: Any, columns: Columns, on_error: str) -> list[Document | None]:
    names = [name for name in columns.title + columns.content if name in frame.columns]
    documents: list[Document | None] = []
    for i, cells in enumerate(zip(*(_cells(frame[name]) for name in names), strict=True)):
        try:
            documents.append(columns.document(dict(zip(names, cells, strict=True))))
        except (ValueError, TypeError) as error:
            if on_error == "stop":
                raise type(error)(f"row {frame.index[i]}: {error}") from None
            documents.append(None)
    return documents


def _cells(series: Any) -> list[Any]:
    """None for what is missing, which may be NaN or NA."""
    return list(series.astype(object).where(series.notna(), None))


def _with_lists(frame: Any, rows: list[int], tags: list[list[Tag]], column: str) -> Any:
    cells = np.empty(len(tags), dtype=object)  # Of lists, which pandas would else take apart where all have one length.
    for i, of_text in enumerate(tags):
        cells[i] = of_text
    return frame.iloc[rows].assign(**{column: cells})


def _exploded(frame: Any, rows: list[int], tags: list[list[Tag]]) -> Any:
    repeated = frame.iloc[[row for row, of_text in zip(rows, tags, strict=True) for _ in of_text]].copy()
    flat = [tag for of_text in tags for tag in of_text]
    repeated["rank"] = [rank for of_text in tags for rank in range(1, len(of_text) + 1)]
    for name, value in FIELDS.items():
        repeated[name] = [value(tag) for tag in flat]
    return repeated
