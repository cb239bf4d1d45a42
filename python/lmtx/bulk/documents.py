"""Records, such as JSON objects and rows of a table, to documents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core import Document

__all__ = ["Columns"]


@dataclass(frozen=True)
class Columns:
    """What a text's parts are called: for each the names it may have, of which the first that is there counts."""

    uid: tuple[str, ...] = ("uid", "id")
    title: tuple[str, ...] = ("title",)
    content: tuple[str, ...] = ("content", "text")

    @classmethod
    def named(cls, *, uid: str | None = None, text: str | None = None, title: str | None = None, content: str | None = None) -> "Columns":
        """The usual names, where none is given. `text` is all that there is to tag; it takes neither `title` nor `content` beside it."""
        ids = (uid,) if uid else cls.uid
        if text and (title or content):
            raise ValueError("`text` is all that is tagged: give it alone, or `title` and `content`.")
        if text:
            return cls(ids, (), (text,))
        if not title and not content:
            return cls(ids)
        return cls(ids, (title,) if title else (), (content,) if content else ())

    @staticmethod
    def check_has(name: str, names: list[str], place: str) -> None:
        """Raises ValueError where a column is missing that was named."""
        if name not in names:
            raise ValueError(f"{place} has no column `{name}`, but {', '.join(f'`{other}`' for other in names) or 'none'}.")

    def check(self, names: list[str], place: str) -> None:
        """Raises ValueError where a table has nothing to tag."""
        wanted = self.title + self.content
        if not any(name in names for name in wanted):
            raise ValueError(f"{place} must have a column {_either(wanted)}, but has {', '.join(f'`{name}`' for name in names) or 'none'} instead.")

    def document(self, record: Mapping[str, Any]) -> Document:
        """Raises ValueError or TypeError for a record that is no document. Its uid may be missing."""
        title, content = self._text(record, self.title), self._text(record, self.content)
        if title is None and content is None:
            wanted = self.title + self.content[:1]
            raise ValueError(f"a document needs a {_either(wanted)}, but has {'neither' if len(wanted) > 1 else 'none'}.")
        return Document(self._uid(record), title=title or "", content=content or "")

    def _uid(self, record: Mapping[str, Any]) -> str:
        name, value = _first(record, self.uid)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise TypeError(f"`{name}` must be a str or an int, but is of type {type(value).__name__} instead.")
        return str(value)

    def _text(self, record: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
        name, value = _first(record, names)
        if value is not None and not isinstance(value, str):
            raise TypeError(f"`{name}` must be a str, but is of type {type(value).__name__} instead.")
        return value


def _first(record: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, Any]:
    for name in names:
        value = record.get(name)
        if value is not None:
            return name, value
    return "", None


def _either(names: tuple[str, ...]) -> str:
    return " or a ".join(f"`{name}`" for name in names)
