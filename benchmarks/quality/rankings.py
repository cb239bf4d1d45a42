"""Labels ranked without any teacher, by the untouched encoder, by BM25 and by their fusion; computed once for a set and kept in the cache."""

import hashlib
import os
from pathlib import Path

import lmtx
import numpy as np
from common.data import document_text

# Labels of a ranking; where there are fewer the rest is NONE.
DEPTH = 100
NONE = -1
# Of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009).
FUSION_K = 60
# Of the names in each of the two rankings where the noisy teacher errs often.
NEAR = 10
# Tokens of a document and of a label, as the paper's preset reads them in search and tagging.
SEARCH_LENGTH = 430
SHORT_LABEL, LONG_LABEL = 15, 64


def tagger_settings(encoder, names):
    """Lengths as a training run resolves them."""
    tokens = encoder.tokenizer.encode(names, max_length=SHORT_LABEL + 1)
    label_length = LONG_LABEL if 20 * sum(len(ids) > SHORT_LABEL for ids in tokens) > len(names) else SHORT_LABEL
    return lmtx.TaggerSettings(search_length=min(SEARCH_LENGTH, encoder.max_positions), label_length=min(label_length, encoder.max_positions))


def label_set(labels):
    return lmtx.LabelSet([lmtx.Label(label["uid"], label["title"]) for label in labels])


def as_documents(documents):
    return [lmtx.Document(document["uid"], title=document.get("title") or "", content=document.get("content") or "") for document in documents]


def rank_by_tagger(tagger, documents, device):
    """What the tagger tags documents with, int32 [n, DEPTH]; on a card its index searches there, too."""
    settings, texts = tagger.settings, [document_text(document) for document in documents]
    queries = tagger.encoder.encode(texts, max_length=settings.search_length, prompt=settings.document_prompt, normalize=True)
    index = tagger.index if device == "cpu" else tagger.index.to(device)
    return _padded(index.search(queries, min(DEPTH, len(tagger.labels))).labels)


def untouched_tagger(encoder, labels):
    return lmtx.Tagger.from_labels(encoder, label_set(labels), settings=tagger_settings(encoder, [label["title"] for label in labels]))


def rank_by_words(labels, documents):
    """BM25 over the names of labels, int32 [n, DEPTH]."""
    index = lmtx.Bm25Index.build([label["title"] for label in labels])
    found = index.search([document_text(document) for document in documents], DEPTH)
    return _padded([found[i].tolist() for i in range(len(documents))])


def fuse(rankings):
    """Reciprocal rank fusion of rankings of the same documents, int32 [n, DEPTH] each; equal scores by label number."""
    fused = []
    for of_document in zip(*rankings, strict=True):
        scores = {}
        for ranked in of_document:
            for rank, label in enumerate(ranked[ranked != NONE].tolist(), start=1):
                scores[label] = scores.get(label, 0) + 1 / (FUSION_K + rank)
        fused.append(sorted(scores, key=lambda label: (-scores[label], label))[:DEPTH])
    return _padded(fused)


def _padded(rankings):
    rows = np.full((len(rankings), DEPTH), NONE, np.int32)
    for row, ranked in zip(rows, rankings, strict=True):
        row[: len(ranked)] = ranked
    return rows


class Rankings:
    """The rankings of a set's test documents and of the training documents of a seed, from the cache where they are there."""

    def __init__(self, data, encoder, cache, device):
        self._data, self._encoder, self._cache, self._device = data, encoder, Path(cache), device

    def untouched(self, documents):
        rank = lambda: rank_by_tagger(untouched_tagger(self._encoder, self._data.labels), documents, self._device)  # noqa: E731
        return self._cached("untouched", self._encoder.fingerprint(), documents, rank)

    def words(self, documents):
        return self._cached("words", "1", documents, lambda: rank_by_words(self._data.labels, documents))

    def fusion(self, documents):
        return fuse([self.untouched(documents), self.words(documents)])

    def near(self, documents):
        """For each document's uid the uids of the labels that either ranking has at its top."""
        top = np.hstack([self.untouched(documents)[:, :NEAR], self.words(documents)[:, :NEAR]]).tolist()
        uids = self._data.label_uids
        return {document["uid"]: frozenset(uids[label] for label in labels if label != NONE) for document, labels in zip(documents, top, strict=True)}

    def _cached(self, name, version, documents, compute):
        digest = hashlib.blake2b("\n".join(document["uid"] for document in documents).encode(), digest_size=8).hexdigest()
        file = self._cache / "rankings" / f"{self._data.name}-{self._data.digest}-{name}-{version[:8]}-{digest}.npy"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            written = file.with_name(f"{file.name}.{os.getpid()}.npy")
            np.save(written, compute())
            written.rename(file)
        return np.load(file)
