"""Checks on recorded verdicts that the command line makes before a run."""

import gzip
import json
from pathlib import Path

from ._core import Corpus, LabelSet, RecordedOracle

__all__ = ["check_recorded_labels", "documents_of"]


def check_recorded_labels(recording: Path, labels: LabelSet, labels_file: Path) -> None:
    """A recording that RecordedOracle has read; its labels must be those of the task.

    Raises:
        ValueError: Naming the first line with an unknown label.
    """
    known = {label.uid for label in labels}
    with gzip.open(recording, "rt", encoding="utf-8") if _is_gzip(recording) else open(recording, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            for uid in json.loads(line).get("labels", ()) if line.strip() else ():
                if str(uid) not in known:
                    raise ValueError(f"{recording}:{number}: unknown label {uid!r}; it is not among the {len(known):,} labels of {labels_file}.")


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


def _is_gzip(file: Path) -> bool:
    with open(file, "rb") as stream:
        return stream.read(2) == b"\x1f\x8b"
