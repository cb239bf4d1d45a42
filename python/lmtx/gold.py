"""Pairs whose truth is known."""

import csv
import gzip
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._core import Corpus, LabelSet, RecordedOracle, read_targets
from .data import labels_file
from .label_files import read_labels
from .recordings import YES_ABOVE, rows_of
from .verdicts import Pair

__all__ = ["Gold", "read_gold"]

SHAPES = "recorded verdicts, documents with target_ind, or pairs (document, label, yes and, where the sample is not even, weight) as JSON lines, CSV or TSV"


@dataclass(frozen=True, repr=False)
class Gold:
    """Pairs whose truth is known: one by one, or as the true labels of documents, whose other labels are all wrong. Immutable.

    Args:
        pairs: By (document uid, label uid) whether the label fits.
        true_labels: By document uid the uids of its labels.
        weights: How many pairs a pair stands for; 1 where it is not named.

    Example:
        >>> gold = lmtx.Gold({('d1', 'l-tax'): True}, {'d2': frozenset(['l-army'])})
        >>> gold
        Gold(1 pairs, the labels of 1 documents)
        >>> gold.truth('d2', 'l-tax'), gold.truth('d1', 'l-army')
        (False, None)
    """

    pairs: Mapping[Pair, bool] = field(default_factory=dict)
    true_labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    weights: Mapping[Pair, float] = field(default_factory=dict)

    def truth(self, document: str, label: str) -> bool | None:
        """Whether the label fits; None where that is not known.

        Example:
            >>> lmtx.Gold({('d1', 'l-tax'): True}).truth('d1', 'l-tax')
            True
        """
        known = self.pairs.get((document, label))
        if known is None and document in self.true_labels:
            return label in self.true_labels[document]
        return known

    def __repr__(self) -> str:
        return f"Gold({len(self.pairs):,} pairs, the labels of {len(self.true_labels):,} documents)"


def read_gold(file: str | os.PathLike[str], *, labels: str | os.PathLike[str] | LabelSet | None = None) -> Gold:
    """Gold from a file: recorded verdicts (scores from 0.5 up are yes, null is not known), documents with target_ind, or pairs as JSON lines or CSV.

    Pairs have `document` and `label`, uids, `yes` (1 or 0, true or false, yes or no) and may have `weight`. A table has them in its first line, separated by
    commas or tabs, or three columns without names.

    Args:
        file: Plain or .gz.
        labels: The labels that target_ind numbers; None: labels.jsonl beside the file.

    Raises:
        ValueError: Naming file and line where it is none of these.
        RuntimeError: For a file that is missing or broken.

    Example:
        >>> lmtx.read_gold('test.jsonl', labels='labels.jsonl')
        Gold(0 pairs, the labels of 20 documents)
        >>> lmtx.read_gold('verdicts.jsonl').truth('d0', 'l-tax')
        False
    """
    file = Path(file)
    if not file.is_file():
        raise ValueError(f"{file} is no file; gold is {SHAPES}.")
    first = _first_line(file)
    if not first.lstrip().startswith("{"):
        return _of_rows(file, _table_rows(file))
    fields = _parse(first, f"{file}:1")
    if "format" in fields:
        return _of_recording(file)
    if "document" in fields and "label" in fields:
        return _of_rows(file, ((number, row) for number, row in _json_rows(file)))
    if "uid" in fields:
        return _of_documents(file, labels)
    raise ValueError(f"{file}:1: gold must be {SHAPES}, but this line has {', '.join(map(repr, fields)) or 'nothing'}.")


def _of_recording(file: Path) -> Gold:
    RecordedOracle.open(file)  # Checks it.
    pairs = {}
    for _, row in rows_of(file):
        for label, score in zip(row.get("labels", ()), row.get("scores", ()), strict=True):
            if score is not None:
                pairs[str(row["uid"]), str(label)] = score >= YES_ABOVE
    return Gold(pairs)


def _of_documents(file: Path, labels: str | os.PathLike[str] | LabelSet | None) -> Gold:
    if not isinstance(labels, LabelSet):
        labels = read_labels(labels_file(file.parent) if labels is None else labels)
    uids = [label.uid for label in labels]
    targets = read_targets(file, len(uids))
    return Gold(true_labels={document.uid: frozenset(uids[number] for number in row) for document, row in zip(Corpus.open(file), targets, strict=True)})


def _of_rows(file: Path, rows: Iterator[tuple[int, Mapping[str, Any]]]) -> Gold:
    pairs: dict[Pair, bool] = {}
    weights: dict[Pair, float] = {}
    for number, row in rows:
        place = f"{file}:{number}"
        pair, yes, weight = _uid(row, "document", place), _truth(row, place), _weight(row, place)
        key = (pair, _uid(row, "label", place))
        if pairs.setdefault(key, yes) != yes:
            raise ValueError(f"{place}: document {key[0]!r}, label {key[1]!r} is both yes and no.")
        if weight != 1:
            weights[key] = weight
    return Gold(pairs, weights=weights)


def _uid(row: Mapping[str, Any], name: str, place: str) -> str:
    value = row.get(name)
    if not isinstance(value, str | int) or value == "":
        raise ValueError(f"{place}: `{name}` must be a uid, but is {value!r} instead.")
    return str(value)


def _truth(row: Mapping[str, Any], place: str) -> bool:
    value = row.get("yes")
    text = str(value).strip().lower()
    if text in ("1", "1.0", "true", "yes"):
        return True
    if text in ("0", "0.0", "false", "no"):
        return False
    raise ValueError(f"{place}: `yes` must be 1 or 0, but is {value!r} instead.")


def _weight(row: Mapping[str, Any], place: str) -> float:
    value = row.get("weight")
    try:
        weight = 1.0 if value in (None, "") else float(str(value))
    except ValueError:
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise ValueError(f"{place}: `weight` must be a number from 0 up, but is {value!r} instead.")
    return weight


def _open(file: Path) -> Any:
    with open(file, "rb") as stream:
        is_gzip = stream.read(2) == b"\x1f\x8b"
    return gzip.open(file, "rt", encoding="utf-8", newline="") if is_gzip else open(file, encoding="utf-8", newline="")


def _first_line(file: Path) -> str:
    with _open(file) as lines:
        for line in lines:
            if line.strip():
                return str(line).removeprefix("\ufeff")
    raise ValueError(f"{file} is empty; gold is {SHAPES}.")


def _parse(line: str, place: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{place}: broken JSON: {error.msg} at column {error.colno}.") from None
    if not isinstance(fields, dict):
        raise ValueError(f"{place}: must be an object.")
    return fields


def _json_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with _open(file) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, _parse(line, f"{file}:{number}")


def _table_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with _open(file) as lines:
        text = _first_line(file)
        reader = csv.reader(lines, delimiter="\t" if "\t" in text else ",")
        names = ["document", "label", "yes", "weight"]
        for number, cells in enumerate(reader, 1):
            cells = [cell.strip().removeprefix("\ufeff") for cell in cells]
            if not any(cells):
                continue
            if number == 1 and {"document", "label", "yes"} <= set(cells):
                names = cells
            elif len(cells) < 3:
                raise ValueError(f"{file}:{number}: a line must have a document, a label and yes (1 or 0), but has {len(cells)} columns; gold is {SHAPES}.")
            else:
                yield number, dict(zip(names, cells, strict=False))
