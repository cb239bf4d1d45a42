"""What a teacher said, as pairs of a document's and a label's uid with their scores."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ._core import JudgmentStore, RecordedOracle
from .recordings import rows_of

__all__ = ["Pair", "Verdicts", "read_verdicts"]

# The uids of a document and a label.
Pair = tuple[str, str]


@dataclass(frozen=True, repr=False)
class Verdicts:
    """What one teacher said. Immutable.

    Args:
        identity: The teacher's; empty where it is not known.
        scores: By (document uid, label uid) a score in [0, 1], None where the teacher abstained.

    Example:
        >>> verdicts = lmtx.Verdicts('llm/1', {('d1', 'l-tax'): 0.9, ('d1', 'l-army'): None})
        >>> verdicts
        Verdicts('llm/1', 2 pairs)
        >>> verdicts.scores['d1', 'l-tax']
        0.9
    """

    identity: str
    scores: Mapping[Pair, float | None]

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        return f"Verdicts({self.identity!r}, {len(self.scores):,} pairs)"


def read_verdicts(source: str | os.PathLike[str] | JudgmentStore, *, teacher: str | None = None) -> Verdicts:
    """Verdicts from a recording (JSON lines, plain or .gz), or from a store of judgments.

    Args:
        source: A file of either kind, or an open store.
        teacher: Of a store with judgments of several teachers, whose: an identity. Where the same uids were judged with several texts, the newest verdict is
            taken.

    Raises:
        ValueError: For a teacher that the source does not have, naming those that it has.
        RuntimeError: For a file that is missing or wrong.

    Example:
        >>> lmtx.read_verdicts('verdicts.jsonl')
        Verdicts('perfect/1', 720 pairs)
        >>> store = lmtx.JudgmentStore.open('read.db')
        >>> store.put('llm/1', lmtx.Question(lmtx.Document('d1'), [lmtx.Label('l-tax', 'tax')]), [0.9])
        >>> lmtx.read_verdicts(store).scores
        {('d1', 'l-tax'): 0.9}
    """
    if isinstance(source, JudgmentStore):
        return _of_store(source, "the store", teacher)
    file = Path(str(source).removeprefix("recorded:")) if isinstance(source, str) else Path(source)
    if is_store(file):
        return _of_store(JudgmentStore.open(file), str(file), teacher)
    identity = RecordedOracle.open(file).identity()
    if teacher not in (None, identity):
        raise ValueError(f"{file} has verdicts of {identity!r} only, none of {teacher!r}.")
    return Verdicts(identity, _scores(file))


def is_store(file: Path) -> bool:
    """Whether a file is an SQLite database."""
    try:
        with open(file, "rb") as stream:
            return stream.read(15) == b"SQLite format 3"
    except IsADirectoryError:
        return False
    except FileNotFoundError:
        raise ValueError(f"{file} is no file.") from None


def _of_store(store: JudgmentStore, name: str, teacher: str | None) -> Verdicts:
    identities = store.identities()
    if not identities:
        raise ValueError(f"{name} has no judgments.")
    if teacher is None and len(identities) > 1:
        raise ValueError(f"{name} has judgments of {len(identities)} teachers; say whose are meant: {_named(identities)}.")
    identity = teacher or identities[0]
    if identity not in identities:
        raise ValueError(f"{name} has no judgments of {identity!r}; it has those of {_named(identities)}.")
    with tempfile.TemporaryDirectory(prefix="lmtx-") as folder:
        file = Path(folder) / "verdicts.jsonl"
        store.export_recording(identity, file)
        return Verdicts(identity, _scores(file))


def _scores(recording: Path) -> dict[Pair, float | None]:
    scores: dict[Pair, float | None] = {}
    for _, row in rows_of(recording):
        document = str(row.get("uid"))
        for label, score in zip(row.get("labels", ()), row.get("scores", ()), strict=True):
            scores[document, str(label)] = None if score is None else float(score)
    return scores


def _named(identities: list[str]) -> str:
    shown = ", ".join(repr(identity) for identity in identities[:5])
    return shown + (f" and {len(identities) - 5} more" if len(identities) > 5 else "")
