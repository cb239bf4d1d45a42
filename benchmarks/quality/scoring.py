"""The final score: metrics of rankings against true labels, and what each document contributes, in few bytes."""

import base64
import zlib

import lmtx
import numpy as np
from lmtx.evaluation import METRICS, SCORED_METRICS

PLAIN = ("precision@1", "precision@3", "precision@5", "recall@10", "recall@100")
SCORED = ("PSP@1", "PSP@5")
ALL = PLAIN + SCORED
# Of which the values of single documents are kept: hits among so many labels.
KEPT = {"precision@1": 1, "recall@10": 10}


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
    return {name: pack(hits(targets, ranked, k)) for name, k in KEPT.items()}


def pack(values):
    """uint8 [n] as text."""
    return base64.b85encode(zlib.compress(values.astype(np.uint8).tobytes(), 9)).decode()


def unpack(text):
    return np.frombuffer(zlib.decompress(base64.b85decode(text)), np.uint8)


def per_document(name, hit, true):
    """A kept metric of each document in per cent, from its hits and its number of true labels, both [n]."""
    if name == "precision@1":
        return 100.0 * hit
    return 100.0 * np.divide(hit, true, out=np.zeros(len(hit)), where=np.asarray(true) > 0)
