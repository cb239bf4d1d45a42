"""Makes tests/data/eval/metrics.json: random targets and rankings with their precision, recall and nDCG.

The values come from the definitions that pyxclib implements (xclib/evaluation/xc_metrics.py), written here with SciPy in
float64 from the formulas; pyxclib itself is not on PyPI and rounds nDCG to float32. Run from the root of the checkout:

    python tests/reference/metrics.py
"""

import json
from pathlib import Path

import numpy as np
import scipy.sparse as sp

OUT = Path(__file__).parents[1] / "data" / "eval" / "metrics.json"


def hit_matrix(targets: sp.csr_matrix, ranked: list[list[int]], k: int) -> np.ndarray:
    """1 where the label at that rank is true; 0 also where nothing was ranked (pyxclib pads with an empty column)."""
    padded = sp.hstack([targets, sp.csr_matrix((targets.shape[0], 1))]).toarray()
    columns = np.full((len(ranked), k), targets.shape[1])
    for row, labels in enumerate(ranked):
        columns[row, : len(labels[:k])] = labels[:k]
    return np.take_along_axis(padded, columns, axis=1)


def metrics(targets: sp.csr_matrix, ranked: list[list[int]], k: int) -> dict:
    hits = hit_matrix(targets, ranked, k)
    ranks = np.arange(1, k + 1)
    true = np.asarray(targets.sum(axis=1))
    gains = 1 / np.log2(ranks + 1)
    ideal_hits = ranks[None, :] <= true
    ideal = np.cumsum(gains * ideal_hits, axis=1)
    found = np.cumsum(gains * hits, axis=1)
    per_document = {
        "precision": np.cumsum(hits, axis=1) / ranks,
        "recall": np.cumsum(hits, axis=1) / np.maximum(true, 1),
        "ndcg": np.divide(found, ideal, out=np.zeros_like(found), where=ideal > 0),
    }
    return {
        "per_document": {name: values[:, -1].tolist() for name, values in per_document.items()},
        "means": {name: values.mean(axis=0).tolist() for name, values in per_document.items()},
    }


def case(rng: np.random.Generator, documents: int, labels: int, k: int, empty: float, short: float) -> dict:
    counts = np.where(rng.random(documents) < empty, 0, rng.integers(1, min(labels, 12) + 1, documents))
    targets = [sorted(rng.choice(labels, n, replace=False).tolist()) for n in counts]
    scores = rng.random((documents, labels)) + 0.6 * np.array([[c in t for c in range(labels)] for t in targets])
    depth = np.where(rng.random(documents) < short, rng.integers(0, k + 1, documents), k)
    ranked = [np.argsort(-row, kind="stable")[:n].tolist() for row, n in zip(scores, depth)]
    rows = np.repeat(np.arange(documents), counts)
    columns = np.concatenate([np.array(t, dtype=np.int64) for t in targets])
    matrix = sp.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(documents, labels))
    return {"num_labels": labels, "k": k, "targets": targets, "ranked": ranked, **metrics(matrix, ranked, k)}


def main() -> None:
    rng = np.random.default_rng(7)
    cases = [
        case(rng, documents=40, labels=60, k=5, empty=0.0, short=0.0),
        case(rng, documents=50, labels=200, k=10, empty=0.3, short=0.4),
        case(rng, documents=15, labels=6, k=6, empty=0.2, short=0.5),
        case(rng, documents=8, labels=30, k=1, empty=1.0, short=0.0),
    ]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()
