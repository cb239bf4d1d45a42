"""What the command line wants to know of recorded verdicts."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ._core import Corpus, LabelSet, RecordedOracle

__all__ = ["check_recorded_labels", "count_yeses", "documents_of", "rows_of"]

# A score from here up is a yes.
YES_ABOVE = 0.5


def check_recorded_labels(recording: Path, labels: LabelSet, labels_file: Path) -> None:
    """A recording that RecordedOracle has read; its labels must be those of the task.

    Raises:
        ValueError: Naming the first line with an unknown label.
    """
    known = {label.uid for label in labels}
    for number, row in rows_of(recording):
        for uid in row.get("labels", ()):
            if str(uid) not in known:
                raise ValueError(f"{recording}:{number}: unknown label {uid!r}; it is not among the {len(known):,} labels of {labels_file}.")


def count_yeses(recording: Path, labels: LabelSet, labels_file: Path) -> tuple[list[int], int]:
    """For each label the documents for which it was recorded with a score from 0.5 up, and how many documents there are.

    Raises:
        ValueError, RuntimeError: Naming file and line where the recording is wrong or has an unknown label.
    """
    documents = RecordedOracle.open(recording).documents()
    check_recorded_labels(recording, labels, labels_file)
    yeses = set()
    for _, row in rows_of(recording):
        scored = zip(row.get("labels", ()), row.get("scores", ()), strict=True)
        yeses |= {(row["uid"], str(uid)) for uid, score in scored if score is not None and score >= YES_ABOVE}
    count = Counter(uid for _, uid in yeses)
    return [count[label.uid] for label in labels], len(documents)


def documents_of(documents: Corpus, recording: RecordedOracle) -> Corpus:
    """The documents that a recording holds verdicts for, in the order of the corpus; they are kept in memory.

    Raises:
        ValueError: Where there are none.
    """
    recorded = set(recording.documents())
    chosen = [document for document in documents if document.uid in recorded]
    if not chosen:
        raise ValueError(f"none of the {len(documents):,} documents has recorded verdicts.")
    return Corpus.from_documents(chosen)


def rows_of(recording: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a recording, header included, with their line numbers."""
    with gzip.open(recording, "rt", encoding="utf-8") if _is_gzip(recording) else open(recording, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, json.loads(line)


def _is_gzip(file: Path) -> bool:
    with open(file, "rb") as stream:
        return stream.read(2) == b"\x1f\x8b"
