"""The labels that the untouched encoder ranks first for test documents, with their scores; computed once for a set and kept in the cache."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common.data import document_text
from rankings import untouched_tagger


@dataclass(frozen=True)
class Candidates:
    """Best first; `true` marks true labels, and `outside` counts those of each document that are no candidates."""

    # int64, float64 and bool [num_documents, k]; int64 [num_documents].
    labels: np.ndarray
    scores: np.ndarray
    true: np.ndarray
    outside: np.ndarray

    def pairs(self, documents):
        """Scores, gold and documents as rules are fitted to them: the candidates of these documents, and -inf for each true label beside them."""
        outside = np.repeat(documents, self.outside[documents])
        scores = np.concatenate([self.scores[documents].ravel(), np.full(len(outside), -np.inf)])
        gold = np.concatenate([self.true[documents].ravel(), np.ones(len(outside), bool)]).astype(np.float64)
        return scores, gold, np.concatenate([np.repeat(documents, self.labels.shape[1]), outside])


def candidates_of(data, encoder, k, cache):
    """The k best labels of each test document."""
    k = min(k, len(data.labels))
    texts = [document_text(document) for document in data.test]
    digest = hashlib.blake2b("\n".join(document["uid"] for document in data.test).encode(), digest_size=8).hexdigest()
    file = Path(cache) / "candidates" / f"{data.name}-{data.digest}-{encoder.fingerprint()[:8]}-{digest}-{k}.npz"
    if not file.exists():
        _write(file, *_rank(untouched_tagger(encoder, data.labels), texts, k))
    with np.load(file) as kept:
        labels, scores = kept["labels"], kept["scores"].astype(np.float64)
    true = np.array([np.isin(row, targets) for row, targets in zip(labels, data.test_targets, strict=True)])
    return Candidates(labels, scores, true, np.array([len(targets) for targets in data.test_targets]) - true.sum(1))


def _rank(tagger, texts, k):
    settings = tagger.settings
    queries = tagger.encoder.encode(texts, max_length=settings.search_length, prompt=settings.document_prompt, normalize=True)
    found = tagger.index.search(queries, k)
    return np.asarray(found.labels), np.asarray(found.scores)


def _write(file, labels, scores):
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_name(f"{file.stem}.{os.getpid()}.npz")
    np.savez(written, labels=labels, scores=scores)
    written.rename(file)
