"""How good a tagger is, on documents with true labels."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ._core import (
    Comparison,
    Corpus,
    Event,
    Interval,
    LabelSet,
    Tagger,
    bootstrap_mean,
    bootstrap_ratio,
    compare_means,
    compare_ratios,
    ndcg_per_document,
    precision_per_document,
    psndcg_per_document,
    psprecision_per_document,
    recall_per_document,
    write_file_atomically,
)
from .data import labels_file, read_data
from .propensities import Propensities

__all__ = ["METRICS", "SCORED_METRICS", "evaluate", "evaluate_tagger"]

# Name, function of (targets, ranked, k=), k. All are computed from the best 100 labels.
METRICS = {
    "precision@1": (precision_per_document, 1),
    "precision@3": (precision_per_document, 3),
    "precision@5": (precision_per_document, 5),
    "nDCG@3": (ndcg_per_document, 3),
    "nDCG@5": (ndcg_per_document, 5),
    "recall@10": (recall_per_document, 10),
    "recall@100": (recall_per_document, 100),
}

# The same with (targets, ranked, weights, k=); measured where there are propensities.
SCORED_METRICS = {
    "PSP@1": (psprecision_per_document, 1),
    "PSP@3": (psprecision_per_document, 3),
    "PSP@5": (psprecision_per_document, 5),
    "PSnDCG@3": (psndcg_per_document, 3),
    "PSnDCG@5": (psndcg_per_document, 5),
}

# Documents ranked at once: bounds the memory for tags.
BLOCK = 1024


@dataclass(frozen=True)
class Measured:
    """One metric over documents: a mean, or the ratio of two sums."""

    found: np.ndarray
    best: np.ndarray | None = None

    def interval(self) -> Interval:
        return bootstrap_mean(self.found) if self.best is None else bootstrap_ratio(self.found, self.best)

    def against(self, other: "Measured") -> Comparison:
        return compare_means(self.found, other.found) if self.best is None else compare_ratios(self.found, other.found, self.best)


def measure(
    targets: Sequence[Sequence[int]], ranked: Sequence[Sequence[int]], metrics: Iterable[str] = METRICS, weights: Sequence[float] | np.ndarray | None = None
) -> dict[str, Measured]:
    """Each metric for each document; with the weights of labels the propensity-scored ones, too."""
    measured = {name: Measured(METRICS[name][0](targets, ranked, k=METRICS[name][1])) for name in metrics}
    if weights is not None:
        measured |= {name: Measured(*function(targets, ranked, weights, k=k)) for name, (function, k) in SCORED_METRICS.items()}
    return measured


def evaluate(targets: Sequence[Sequence[int]], ranked: Sequence[Sequence[int]], metrics: Iterable[str] = METRICS) -> dict[str, dict[str, float]]:
    """Each metric in per cent with its 95 % bootstrap interval over documents.

    Args:
        targets: The true label numbers of each document.
        ranked: The label numbers found for each document, best first.

    Example:
        >>> evaluate([[3], [1, 2]], [[3, 0], [0, 1]], ["precision@1"])
        {'precision@1': {'value': 50.0, 'low': 0.0, 'high': 100.0}}
    """
    return {name: per_cent(measured.interval()) for name, measured in measure(targets, ranked, metrics).items()}


def per_cent(interval: Interval) -> dict[str, float]:
    return {"value": round(100 * interval.value, 2), "low": round(100 * interval.low, 2), "high": round(100 * interval.high, 2)}


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


def evaluate_tagger(
    tagger: Tagger,
    data: Path,
    split: str = "test",
    on_event: Callable[[Event], None] | None = None,
    *,
    against: Tagger | None = None,
    propensities: Propensities | None = None,
) -> dict[str, object]:
    """A tagger on DATA/`split`.jsonl, whose true labels number the labels of DATA/labels.jsonl.

    Args:
        against: Another tagger of the same labels; "against" is then what it reaches, and "difference" how far the first is ahead of it, each with the
            share of resamples in which it is.
        propensities: What labels count in the propensity-scored metrics, which are left out without.

    Raises:
        ValueError, RuntimeError: For files that are missing or wrong, for labels of the data that the tagger does not know, and for taggers whose labels
            differ.
    """
    if against is not None:
        _check_same_labels(tagger, against)
    labels, documents, targets = read_data(data, split)
    _check_knows(tagger, labels, data)
    by_uid = {label.uid: number for number, label in enumerate(labels)}

    def measure_tagger(measured: Tagger) -> dict[str, Measured]:
        # A label that only the tagger has is wrong wherever it comes up.
        ranked = rank_with_tagger(measured, documents, lambda uid, number: by_uid.get(uid, len(labels) + number), on_event=on_event)
        return measure(targets, ranked, weights=propensities.padded(len(labels) + len(measured.labels)) if propensities else None)

    first = measure_tagger(tagger)
    result: dict[str, object] = {"documents": len(documents), "labels": len(labels), "split": split}
    if propensities is not None:
        result["propensity"] = propensities.description
    result |= _intervals(first)
    if against is not None:
        second = measure_tagger(against)
        result["against"] = _intervals(second)
        result["difference"] = {name: _compared(first[name].against(second[name])) for name in first}
    return result


def _intervals(measured: dict[str, Measured]) -> dict[str, dict[str, float]]:
    return {name: per_cent(metric.interval()) for name, metric in measured.items()}


def _compared(comparison: Comparison) -> dict[str, float]:
    return {**per_cent(comparison.difference), "better": round(100 * comparison.better, 2)}


def _check_knows(tagger: Tagger, labels: LabelSet, data: Path) -> None:
    known = {label.uid for label in tagger.labels}
    for label in labels:
        if label.uid not in known:
            raise ValueError(f"label {label.uid!r} of {labels_file(data)} is not among the {len(known):,} labels of the tagger.")


def _check_same_labels(first: Tagger, second: Tagger) -> None:
    uids = [{label.uid for label in tagger.labels} for tagger in (first, second)]
    for (these, those), (one, other) in ((uids, ("first", "second")), (uids[::-1], ("second", "first"))):
        missing = these - those
        if missing:
            raise ValueError(
                f"the taggers cannot be compared: of the {len(these):,} labels of the {one} {len(missing):,} are not among the {len(those):,} of the {other},"
                f" such as {min(missing)!r}."
            )


def write_json(file: Path, value: object) -> None:
    """Writes a file of JSON, whole or not at all."""
    write_file_atomically(file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
