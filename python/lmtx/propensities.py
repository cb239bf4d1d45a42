"""What labels count in propensity-scored metrics, and where that is known from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ._core import LabelSet, inverse_propensities, label_frequencies, read_targets
from .data import data_file, labels_file
from .recordings import count_yeses

__all__ = ["Propensities", "read_propensities"]


@dataclass(frozen=True)
class Propensities:
    """The weight of each label, float64 [num_labels], with what a report says of it."""

    weights: np.ndarray
    description: dict[str, object]

    def padded(self, size: int) -> np.ndarray:
        """With weights for labels that no document has, up to `size`; they decide nothing."""
        return np.concatenate([self.weights, np.ones(size - len(self.weights))])


def read_propensities(spec: str, data: Path, labels: LabelSet, a: float, b: float) -> Propensities:
    """Weights by how often labels are true.

    Args:
        spec: "gold:SPLIT" counts the true labels of DATA/SPLIT.jsonl; "recorded:FILE" the yeses (scores from 0.5 up) of recorded verdicts, an estimate where
            nothing is labelled; "uniform" lets every label count the same.
        labels: Those of the data.
        a, b: The constants of `inverse_propensities`.

    Raises:
        ValueError, RuntimeError: For another spec, and for files that are missing or wrong.
    """
    kind, colon, name = spec.partition(":")
    if spec == "uniform":
        return Propensities(np.ones(len(labels)), {"source": spec})
    if kind not in ("gold", "recorded") or not name:
        raise ValueError(f"the propensity must be gold:SPLIT, recorded:FILE or uniform, but is {spec!r} instead.")
    frequencies, documents = _gold(data, name, labels) if kind == "gold" else count_yeses(Path(name), labels, labels_file(data))
    weights = inverse_propensities(frequencies, documents, a=a, b=b)
    return Propensities(weights, {"source": spec, "documents": documents, "a": a, "b": b})


def _gold(data: Path, split: str, labels: LabelSet) -> tuple[np.ndarray, int]:
    targets = read_targets(data_file(data, split), len(labels))
    return label_frequencies(targets, num_labels=len(labels)), len(targets)
