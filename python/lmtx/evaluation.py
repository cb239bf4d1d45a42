"""How good a tagger is, on documents with true labels."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ._core import (
    Corpus,
    Event,
    LabelSet,
    Tagger,
    bootstrap_mean,
    ndcg_per_document,
    precision_per_document,
    read_targets,
    recall_per_document,
    write_file_atomically,
)

__all__ = ["METRICS", "evaluate", "evaluate_tagger", "read_data"]

# Name, function of (targets, ranked, k=), k. All are computed from the best 100 labels.
METRICS = {
    "precision@1": (precision_per_document, 1),
    "precision@3": (precision_per_document, 3),
    "precision@5": (precision_per_document, 5),
    "nDCG@5": (ndcg_per_document, 5),
    "recall@10": (recall_per_document, 10),
    "recall@100": (recall_per_document, 100),
}

# Documents ranked at once: bounds the memory for tags.
BLOCK = 1024


def evaluate(targets: Sequence[Sequence[int]], ranked: Sequence[Sequence[int]], metrics: Iterable[str] = METRICS) -> dict[str, dict[str, float]]:
    """Each metric in per cent with its 95 % bootstrap interval over documents.

    Args:
        targets: The true label numbers of each document.
        ranked: The label numbers found for each document, best first.

    Example:
        >>> evaluate([[3], [1, 2]], [[3, 0], [0, 1]], ["precision@1"])
        {'precision@1': {'value': 50.0, 'low': 0.0, 'high': 100.0}}
    """
    result = {}
    for name in metrics:
        function, k = METRICS[name]
        interval = bootstrap_mean(function(targets, ranked, k=k))
        result[name] = {"value": round(100 * interval.value, 2), "low": round(100 * interval.low, 2), "high": round(100 * interval.high, 2)}
    return result


def rank_with_tagger(
    tagger: Tagger, documents: Corpus, numbers: Callable[[str, int], int], k: int = 100, on_event: Callable[[Event], None] | None = None
) -> list[list[int]]:
    """The k best labels of each document; `numbers` turns a tag's uid and number into a label number of the data."""
    ranked, block = [], []
    for document in documents:
        block.append(document)
        if len(block) == BLOCK:
            ranked += tagger.tag(block, k=k, on_event=on_event)
            block = []
    ranked += tagger.tag(block, k=k, on_event=on_event) if block else []
    return [[numbers(tag.uid, tag.number) for tag in tags] for tags in ranked]


def evaluate_tagger(tagger: Tagger, data: Path, split: str = "test", on_event: Callable[[Event], None] | None = None) -> dict[str, object]:
    """A tagger on DATA/`split`.jsonl, whose true labels number the labels of DATA/labels.jsonl.

    Raises:
        ValueError, RuntimeError: For files that are missing or wrong, and for labels of the data that the tagger does not know.
    """
    labels, documents, targets = read_data(data, split)
    known = {label.uid for label in tagger.labels}
    for label in labels:
        if label.uid not in known:
            raise ValueError(f"label {label.uid!r} of {data_file(data, 'labels')} is not among the {len(known):,} labels of the tagger.")
    by_uid = {label.uid: number for number, label in enumerate(labels)}
    # A label that only the tagger has is wrong wherever it comes up.
    ranked = rank_with_tagger(tagger, documents, lambda uid, number: by_uid.get(uid, len(labels) + number), on_event=on_event)
    return {"documents": len(documents), "labels": len(labels), "split": split, **evaluate(targets, ranked)}


def read_data(data: Path, split: str) -> tuple[LabelSet, Corpus, list[list[int]]]:
    """Labels, documents and true labels of a data folder."""
    labels = LabelSet.open(data_file(data, "labels"))
    file = data_file(data, split)
    return labels, Corpus.open(file), read_targets(file, len(labels))


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


def write_json(file: Path, value: object) -> None:
    """Writes a file of JSON, whole or not at all."""
    write_file_atomically(file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
