"""The cheapest rival: label vectors moved towards the judged documents, with the untouched encoder."""

import lmtx
import numpy as np
from rankings import NONE, label_set, tagger_settings

# How far a label moves with much evidence, how far away from noes, and the evidence at which it moves half as far.
WEIGHT, NO_WEIGHT, SHRINKAGE = 0.7, 0.2, 3


def unit(rows):
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def refine(labels, documents, judged_documents, judged_labels, scores):
    """Label vectors [L, dim] from unit vectors of labels and of documents [n, dim] and from judged pairs, by number, with scores in [0, 1], each [m].

    A label moves to the mean of its documents, weighted by their scores, and away from that of the others; documents are centred before, or the means would
    carry little but what all documents have in common.
    """
    centred = documents - documents.mean(axis=0)
    refined = labels.copy()
    for weight, of_pair in ((WEIGHT, scores), (-NO_WEIGHT, 1 - scores)):
        sums, evidence = np.zeros_like(labels), np.zeros(len(labels))
        np.add.at(sums, judged_labels, of_pair[:, None] * centred[judged_documents])
        np.add.at(evidence, judged_labels, of_pair)
        refined += weight * (evidence / (evidence + SHRINKAGE))[:, None] * unit(sums)
    return unit(refined)


def top_pairs(rankings, count):
    """The first labels of each document, so many pairs in all, spread evenly: document and label numbers [count]."""
    documents, ranks = np.nonzero(rankings != NONE)
    order = np.lexsort((documents, ranks))[:count]
    documents, ranks = documents[order], ranks[order]
    return documents, rankings[documents, ranks].astype(np.int64)


def prototype_tagger(encoder, data, documents, texts, pairs, oracle):
    """The tagger, from the oracle's answers to these pairs."""
    settings = tagger_settings(encoder, [label["title"] for label in data.labels])
    label_rows = encoder.encode([label["title"] for label in data.labels], max_length=settings.label_length, normalize=True)
    document_rows = encoder.encode(texts, max_length=settings.search_length, normalize=True)
    judged_documents, judged_labels = pairs
    order = np.argsort(judged_documents, kind="stable")
    judged_documents, judged_labels = judged_documents[order], judged_labels[order]
    numbers, begins = np.unique(judged_documents, return_index=True)
    uids = [[data.label_uids[label] for label in some] for some in np.split(judged_labels, begins[1:])]
    scores = np.concatenate(oracle.scores([documents[number]["uid"] for number in numbers], uids))
    rows = refine(label_rows, document_rows, judged_documents, judged_labels, scores)
    return lmtx.Tagger(encoder, label_set(data.labels), lmtx.LabelIndex.build(rows), settings=settings)
