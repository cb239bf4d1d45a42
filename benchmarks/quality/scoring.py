"""The final score: metrics of rankings against true labels."""

import kept
import lmtx
import numpy as np
from lmtx.evaluation import METRICS, SCORED_METRICS

PLAIN = ("precision@1", "precision@3", "precision@5", "recall@10", "recall@100")
SCORED = ("PSP@1", "PSP@5")
ALL = PLAIN + SCORED


def label_weights(data):
    """What labels count in PSP@k: by how often they are true in the whole training split."""
    frequencies = lmtx.label_frequencies([document["target_ind"] for document in data.train], num_labels=len(data.labels))
    return lmtx.inverse_propensities(frequencies, len(data.train))


def measure(targets, ranked, weights):
    """Each metric in per cent. `ranked`: int [n, depth], -1 where there is no label."""
    ranked = [row[row >= 0].tolist() for row in ranked]
    measured = {name: METRICS[name][0](targets, ranked, k=METRICS[name][1]).mean() for name in PLAIN}
    for name in SCORED:
        found, best = SCORED_METRICS[name][0](targets, ranked, weights, k=SCORED_METRICS[name][1])
        measured[name] = found.sum() / best.sum() if best.sum() else 0.0
    return {name: round(100 * float(value), 4) for name, value in measured.items()}


def hits(targets, ranked, k):
    """True labels among the first k of each document, uint8 [n]."""
    return np.array([len(set(true).intersection(row[:k].tolist())) for true, row in zip(targets, ranked, strict=True)], np.uint8)


def kept_values(targets, ranked):
    return {name: kept.pack(hits(targets, ranked, k)) for name, k in kept.HITS.items()}
