"""Makes tests/data/eval/metrics.json: random targets and rankings with what metrics they have.

The values come from the definitions that pyxclib implements (xclib/evaluation/xc_metrics.py), written here with NumPy and SciPy in float64 from the
formulas; pyxclib itself is not on PyPI and rounds nDCG to float32. compare_with_pyxclib.py beside this file checks the values against it. Run from
the root of the checkout:

    python tests/reference/metrics.py
"""

import json
from pathlib import Path

import numpy as np
import scipy.sparse as sp

OUT = Path(__file__).parents[1] / "data" / "eval" / "metrics.json"


def with_padding(columns: np.ndarray, value: float = 0.0) -> np.ndarray:
    """One more entry in the last axis, which a rank without a label points to."""
    return np.concatenate([columns, np.full((*columns.shape[:-1], 1), value)], axis=-1)


def labels_by_rank(ranked: list[list[int]], k: int, num_labels: int) -> np.ndarray:
    """[documents, k]; `num_labels` where nothing was ranked."""
    columns = np.full((len(ranked), k), num_labels)
    for row, labels in enumerate(ranked):
        columns[row, : len(labels[:k])] = labels[:k]
    return columns


def best_order(targets: np.ndarray, weights: np.ndarray, k: int) -> np.ndarray:
    """Labels by falling weight among the true ones: [documents, k], padded as above."""
    weighted = np.where(targets > 0, weights, 0)
    order = np.argsort(-weighted, axis=1, kind="stable")[:, :k]
    return np.where(np.take_along_axis(targets, order, axis=1) > 0, order, targets.shape[1])


def per_document(targets: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Metrics of each document for k = 1.. as [documents, k], where a hit counts the weight of its label."""
    gains = np.take_along_axis(with_padding(targets), columns, axis=1) * with_padding(weights)[columns]
    ranks = np.arange(1, columns.shape[1] + 1)
    discounts = 1 / np.log2(ranks + 1)
    true = targets.sum(axis=1, keepdims=True)
    ideal = np.cumsum(discounts * (ranks <= true), axis=1)
    found = np.cumsum(gains * discounts, axis=1)
    return {
        "precision": np.cumsum(gains, axis=1) / ranks,
        "recall": np.cumsum(gains, axis=1) / np.maximum(true, 1),
        "ndcg": np.divide(found, ideal, out=np.zeros_like(found), where=ideal > 0),
    }


def metrics(targets: sp.csr_matrix, ranked: list[list[int]], k: int) -> dict:
    dense = targets.toarray()
    values = per_document(dense, labels_by_rank(ranked, k, dense.shape[1]), np.ones(dense.shape[1]))
    return {
        "per_document": {name: value[:, -1].tolist() for name, value in values.items()},
        "means": {name: value.mean(axis=0).tolist() for name, value in values.items()},
    }


def inverse_propensities(frequencies: np.ndarray, documents: int, a: float, b: float) -> np.ndarray:
    """Jain, Prabhu and Varma 2016, equation 8, inverted."""
    return 1 + (np.log(documents) - 1) * (b + 1) ** a * np.exp(-a * np.log(frequencies + b))


def scored_metrics(targets: sp.csr_matrix, ranked: list[list[int]], weights: np.ndarray, k: int) -> dict:
    dense = targets.toarray()
    found = per_document(dense, labels_by_rank(ranked, k, dense.shape[1]), weights)
    order = best_order(dense, weights, k)
    best = per_document(dense, with_columns(order, k, dense.shape[1]), weights)
    ratio = {name: np.divide(found[name].mean(0), best[name].mean(0), out=np.zeros(k), where=best[name].mean(0) > 0) for name in found}
    return {
        "found": {name: value[:, -1].tolist() for name, value in found.items()},
        "best": {name: value[:, -1].tolist() for name, value in best.items()},
        "ratios": {name: value.tolist() for name, value in ratio.items()},
    }


def with_columns(columns: np.ndarray, k: int, padding: int) -> np.ndarray:
    """Exactly k columns."""
    return np.pad(columns, ((0, 0), (0, k - columns.shape[1])), constant_values=padding)


def draw_targets(rng: np.random.Generator, documents: int, labels: int, empty: float) -> list[list[int]]:
    counts = np.where(rng.random(documents) < empty, 0, rng.integers(1, min(labels, 12) + 1, documents))
    return [sorted(rng.choice(labels, n, replace=False).tolist()) for n in counts]


def to_matrix(rows: list[list[int]], labels: int) -> sp.csr_matrix:
    columns = np.concatenate([np.array(row, dtype=np.int64) for row in rows])
    return sp.csr_matrix((np.ones(len(columns)), (np.repeat(np.arange(len(rows)), [len(row) for row in rows]), columns)), shape=(len(rows), labels))


def case(rng: np.random.Generator, documents: int, labels: int, k: int, empty: float, short: float) -> dict:
    targets = draw_targets(rng, documents, labels, empty)
    scores = rng.random((documents, labels)) + 0.6 * np.array([[c in t for c in range(labels)] for t in targets])
    depth = np.where(rng.random(documents) < short, rng.integers(0, k + 1, documents), k)
    ranked = [np.argsort(-row, kind="stable")[:n].tolist() for row, n in zip(scores, depth)]
    return {"num_labels": labels, "k": k, "targets": targets, "ranked": ranked, **metrics(to_matrix(targets, labels), ranked, k)}


def tied_case(rng: np.random.Generator, documents: int, labels: int, k: int) -> dict:
    """Scores of few values, so that most ranks are ties: the smaller label number comes first."""
    targets = draw_targets(rng, documents, labels, empty=0.2)
    scores = rng.integers(1, 4, (documents, labels)) / 4
    stored = rng.random((documents, labels)) < 0.7
    ranked = [[label for label in np.lexsort((np.arange(labels), -row)).tolist() if there[label]][:k] for row, there in zip(scores, stored)]
    entries = [[[label, row[label]] for label in np.flatnonzero(there).tolist()] for row, there in zip(scores.tolist(), stored)]
    return {"num_labels": labels, "k": k, "targets": targets, "scores": entries, "ranked": ranked, **metrics(to_matrix(targets, labels), ranked, k)}


def with_propensities(rng: np.random.Generator, made: dict, a: float, b: float) -> dict:
    """Label frequencies as they are: most labels rare, a fifth never seen."""
    labels = made["num_labels"]
    frequencies = np.where(rng.random(labels) < 0.2, 0, np.floor(200 / np.arange(1, labels + 1)))
    rng.shuffle(frequencies)
    weights = inverse_propensities(frequencies, 1000, a, b)
    scored = scored_metrics(to_matrix(made["targets"], labels), made["ranked"], weights, made["k"])
    return made | {"propensity": {"frequencies": frequencies.tolist(), "num_documents": 1000, "a": a, "b": b, "weights": weights.tolist(), **scored}}


def main() -> None:
    rng = np.random.default_rng(7)
    cases = [
        case(rng, documents=40, labels=60, k=5, empty=0.0, short=0.0),
        case(rng, documents=50, labels=200, k=10, empty=0.3, short=0.4),
        case(rng, documents=15, labels=6, k=6, empty=0.2, short=0.5),
        case(rng, documents=8, labels=30, k=1, empty=1.0, short=0.0),
        tied_case(rng, documents=30, labels=25, k=8),
    ]
    constants = [(0.55, 1.5), (0.5, 0.4), (0.6, 2.6), (0.55, 1.5), (0.55, 1.5)]
    cases = [with_propensities(rng, made, a, b) for made, (a, b) in zip(cases, constants)]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()
