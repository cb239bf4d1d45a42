"""The cheapest rival: label vectors moved towards the judged documents, with the untouched encoder."""

import lmtx
import numpy as np
from rankings import NONE, label_set, tagger_settings

# How far a label moves with much evidence, how far away from noes, and the evidence at which it moves half as far.
STRENGTH = {"prototype_weight": 0.7, "prototype_no_weight": 0.2, "prototype_shrinkage": 3}


def refined_vectors(labels, documents, judged_documents, judged_labels, scores):
    """Label vectors [L, dim] from unit vectors of labels and of documents [n, dim] and from judged pairs, by number, with scores in [0, 1], each [m].

    A label moves to the mean of its documents, weighted by their scores, and away from that of the others, the farther the more evidence there is; documents
    are centred before, or the means would carry little but what all documents have in common.
    """
    vectors, _ = lmtx.refine_labels(documents, labels, judged_documents, judged_labels, scores, **STRENGTH)
    return vectors


def top_pairs(rankings, count):
    """The first labels of each document, so many pairs in all, spread evenly: document and label numbers [count], by document."""
    documents, ranks = np.nonzero(rankings != NONE)
    first = np.sort(np.lexsort((documents, ranks))[:count])
    documents, ranks = documents[first], ranks[first]
    return documents, rankings[documents, ranks].astype(np.int64)


def pair_scores(oracle, data, documents, pairs):
    """What the oracle says of pairs that are in the order of documents, float64 [m]; NaN where it does not say."""
    numbers, begins = np.unique(pairs[0], return_index=True)
    uids = [[data.label_uids[label] for label in some] for some in np.split(pairs[1], begins[1:])]
    return np.concatenate(oracle.scores([documents[number]["uid"] for number in numbers], uids))


def prototype_tagger(encoder, data, texts, pairs, scores):
    """The tagger, from scores of pairs of a text and a label, by number."""
    names = [label["title"] for label in data.labels]
    settings = tagger_settings(encoder, names)
    label_rows = encoder.encode(names, max_length=settings.label_length, normalize=True)
    text_rows = encoder.encode(texts, max_length=settings.search_length, normalize=True)
    is_known = ~np.isnan(scores)
    rows = refined_vectors(label_rows, text_rows, pairs[0][is_known], pairs[1][is_known], scores[is_known])
    return lmtx.Tagger(encoder, label_set(data.labels), lmtx.LabelIndex.build(rows), settings=settings)
