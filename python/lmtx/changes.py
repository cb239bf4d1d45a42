"""Which documents get other tags from one tagger than from another."""

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ._core import Document, Tag, Tagger
from .inputs import iterate_documents

__all__ = ["TagChange", "compare_tags"]

# Documents tagged at once.
BLOCK = 1024


@dataclasses.dataclass(frozen=True)
class TagChange:
    """A document whose tags changed. Labels are the same where their uids are.

    Attributes:
        uid: The document's uid.
        added: Tags that only the second tagger gives, best first.
        removed: Tags that only the first one gives.
        renamed: Tags of both, as the second one gives them, of labels whose name changed.

    Example:
        >>> lmtx.TagChange("d1", added=[], removed=[], renamed=[])
        TagChange(uid='d1', added=[], removed=[], renamed=[])
    """

    uid: str
    added: list[Tag]
    removed: list[Tag]
    renamed: list[Tag]


def compare_tags(before: Tagger, after: Tagger, documents: Any, *, k: int = 0) -> Iterator[TagChange]:
    """The documents whose tags changed, one after the other, in memory for a block of them.

    Args:
        before, after: Two taggers, such as those of two runs, or with other labels.
        documents: A path to JSON lines, a Corpus, a DataFrame, or an iterable of str, dict or Document; it is read once.
        k: Tags a text; 0: as each tagger has it.

    Raises:
        ValueError, TypeError, RuntimeError: Naming the position or line of what is no document.

    Example:
        >>> before = lmtx.Tagger.load('tagger')
        >>> fewer = lmtx.LabelSet([label for label in before.labels if label.uid != 'l-army'])
        >>> after = lmtx.Tagger.from_labels(before.encoder, fewer, settings=before.settings)
        >>> change = next(lmtx.compare_tags(before, after, [{'uid': 'd7', 'title': 'army'}], k=1))
        >>> change.uid, [tag.label for tag in change.removed], len(change.added)
        ('d7', ['army'], 1)
    """
    for block in _blocks(iterate_documents(documents)):
        pairs = zip(before.tag(block, k=k), after.tag(block, k=k), strict=True)
        for document, (first, second) in zip(block, pairs, strict=True):
            change = _change(document.uid, first, second)
            if change is not None:
                yield change


def _change(uid: str, before: list[Tag], after: list[Tag]) -> TagChange | None:
    first, second = ({tag.uid: tag for tag in tags} for tags in (before, after))
    change = TagChange(
        uid,
        added=[tag for tag in after if tag.uid not in first],
        removed=[tag for tag in before if tag.uid not in second],
        renamed=[tag for tag in after if tag.uid in first and first[tag.uid].label != tag.label],
    )
    return change if change.added or change.removed or change.renamed else None


def _blocks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    iterator = iter(documents)
    while block := list(islice(iterator, BLOCK)):
        yield block
