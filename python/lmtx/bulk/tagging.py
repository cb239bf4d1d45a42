"""Rows to tags, block by block."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .._core import Document, Tag, Tagger
from .batches import BatchSizer
from .readers import Position, Reader, Row
from .records import records_of

__all__ = ["Block", "TaggingCounts", "add_counts", "check_on_error", "describe_faults", "tag_blocks"]

ON_ERROR = ("stop", "skip", "empty")
# Of one block, at most and roughly; the sizer mostly asks for less.
TOKENS_AT_ONCE = 1 << 17
CHARACTERS_AT_ONCE = 1 << 24
# Texts that come more slowly than they are tagged are not kept waiting for others, but for the next.
FILL_SECONDS = 1.0


@dataclass(frozen=True)
class TaggingCounts:
    """What came of the texts of a file.

    Args:
        texts: Those that were tagged.
        skipped: Rows that are no texts, and were left out.
        empty: Rows that are no texts, and got no tags.
        first_fault: What the first of these was, with its place.

    Example:
        >>> lmtx.TaggingCounts(texts=3, skipped=1, first_fault='texts.jsonl:2: broken JSON')
        TaggingCounts(texts=3, skipped=1, empty=0, first_fault='texts.jsonl:2: broken JSON')
    """

    texts: int = 0
    skipped: int = 0
    empty: int = 0
    first_fault: str = ""


@dataclass
class Block:
    """Rows that were tagged together."""

    # The number of its first row in the input, from 0.
    first: int
    # Whether rows that are no texts are left out.
    skips: bool
    rows: list[Row] = field(default_factory=list)
    # Of each row; none of those that are no texts.
    tags: list[list[Tag]] = field(default_factory=list)
    # What the work ends with behind these rows.
    fault: str = ""
    is_last: bool = False
    # Behind its rows: before the one that the work ends with.
    end: Position = field(default_factory=Position)

    def records(self, shape: str, *, numbered: bool) -> Iterator[dict[str, Any]]:
        """What is written; as the uid of a text that has none its number, if `numbered`."""
        for i, (row, tags) in enumerate(zip(self.rows, self.tags, strict=True)):
            uid = (row.document.uid if row.document else "") or (str(self.first + i) if numbered else "")
            if row.document or not self.skips:
                yield from records_of(uid, tags, shape)


def add_counts(counts: TaggingCounts, block: Block) -> TaggingCounts:
    faults = [row.fault for row in block.rows if row.fault]
    skipped = len(faults) if block.skips else 0
    first = counts.first_fault or (faults[0] if faults else "")
    return TaggingCounts(counts.texts + len(block.rows) - len(faults), counts.skipped + skipped, counts.empty + len(faults) - skipped, first)


def describe_faults(counts: TaggingCounts) -> str:
    """What a sentence about the counts ends with: ", 3 skipped (the first: …)"; nothing where there are none."""
    clauses = [f"{count:,} {what}" for count, what in ((counts.skipped, "skipped"), (counts.empty, "without tags for their faults")) if count]
    return "".join(f", {clause}" for clause in clauses) + (f" (the first: {counts.first_fault})" if clauses else "")


def check_on_error(on_error: str) -> None:
    if on_error not in ON_ERROR:
        raise ValueError(f"`on_error` must be stop, skip or empty, but is {on_error!r} instead.")


def tag_blocks(tagger: Tagger, reader: Reader, sizer: BatchSizer, *, k: int, on_error: str) -> Iterator[Block]:
    """The rest of the input, tagged.

    Raises:
        ValueError: With `on_error` "stop", for a row that is no text, when those before it were given.
    """
    rows = reader.rows()
    length = tagger.settings.search_length
    while True:
        block = Block(reader.position().rows, skips=on_error == "skip")
        tokens = _fill(block, reader, rows, sizer.size, length, stops=on_error == "stop")
        _tag(block, tagger, sizer, k, tokens)
        yield block
        if block.fault:
            raise ValueError(block.fault)
        if block.is_last:
            return


def _fill(block: Block, reader: Reader, rows: Iterator[Row], size: int, length: int, *, stops: bool) -> int:
    """Takes rows for a block; about how many tokens they have."""
    tokens = characters = 0
    block.end = reader.position()
    started = time.monotonic()
    while len(block.rows) < size and tokens < TOKENS_AT_ONCE and characters < CHARACTERS_AT_ONCE:
        row = next(rows, None)
        if row is None or (row.fault and stops):
            block.is_last, block.fault = row is None, row.fault if row else ""
            break
        block.rows.append(row)
        block.end = reader.position()
        if row.document:
            count = len(row.document.title) + len(row.document.content)
            tokens, characters = tokens + min(length, 2 + count // 4), characters + count
        if time.monotonic() - started > FILL_SECONDS:
            break
    return tokens


def _tag(block: Block, tagger: Tagger, sizer: BatchSizer, k: int, tokens: int) -> None:
    documents: list[Document] = [row.document for row in block.rows if row.document]
    with sizer.timing(len(block.rows), tokens):
        found = iter(tagger.tag(documents, k=k) if documents else [])
    block.tags = [next(found) if row.document else [] for row in block.rows]
