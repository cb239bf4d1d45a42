"""Bm25Index against bm25s, where that is installed, and RankedLists and fuse() as Python sees them."""

from pathlib import Path

import numpy as np
import pytest

import lmtx

BILLS = Path(__file__).resolve().parents[2] / "examples" / "us-bills-110"
# What bm25s does by default.
AS_BM25S = {"k3": float("inf"), "stem_plurals": False}


@pytest.fixture(scope="module")
def bills():
    return lmtx.LabelSet.open(BILLS / "labels.jsonl").names, list(lmtx.Corpus.open(BILLS / "test.jsonl.gz"))


def test_scores_and_ranks_are_those_of_bm25s(bills):
    bm25s = pytest.importorskip("bm25s")
    names, texts = bills[0], [document.text for document in bills[1][:60]]
    peer = bm25s.BM25()
    peer.index(bm25s.tokenize(names, stopwords="en", show_progress=False), show_progress=False)
    queries = bm25s.tokenize(texts, stopwords="en", return_ids=False, show_progress=False)
    found = lmtx.Bm25Index.build(names, **AS_BM25S).search(texts, 50)
    for i, query in enumerate(queries):
        scores = peer.get_scores(query)
        # Ties may swap: the scores at each rank, and those that the peer gives our labels.
        np.testing.assert_allclose(found.scores_of(i), np.sort(scores[scores > 0])[::-1][:50], rtol=2e-5)
        np.testing.assert_allclose(found.scores_of(i), scores[found[i]], rtol=2e-5)


def test_singular_forms_and_counts_that_saturate_find_more_on_bills(bills):
    """Why they are the defaults."""
    names, documents = bills
    targets = lmtx.read_targets(BILLS / "test.jsonl.gz", len(names))
    peer, ours = (lmtx.Bm25Index.build(names, **options).search(documents, 100) for options in (AS_BM25S, {}))
    assert lmtx.precision(targets, ours, max_k=1)[0] > lmtx.precision(targets, peer, max_k=1)[0] + 0.02
    assert lmtx.recall(targets, ours, max_k=100)[99] > lmtx.recall(targets, peer, max_k=100)[99] + 0.04


def test_queries_may_be_texts_documents_or_dicts():
    index = lmtx.Bm25Index.build(name for name in ("tax", "army"))
    found = index.search(["the army", lmtx.Document("1", title="A", content="tax"), {"title": "Taxes", "content": ""}], 1)
    assert [labels.tolist() for labels in found] == [[1], [0], [0]]
    with pytest.raises(TypeError):
        index.search("the army", 1)
    with pytest.raises(ValueError, match="`k` must be at least 1, but is 0"):
        index.search(["tax"], 0)
    with pytest.raises(ValueError, match="`k1` must be a finite number from 0 up"):
        lmtx.Bm25Index.build(["tax"], k1=-1)


def test_an_index_says_how_it_was_built():
    index = lmtx.Bm25Index.build(["tax"], k1=1, b=0.5, k3=7, drop_stop_words=False, stem_plurals=False)
    assert (index.k1, index.b, index.k3, index.drop_stop_words, index.stem_plurals, len(index), index.num_texts, index.num_words) == (1, 0.5, 7, False, False, 1, 1, 1)


def test_ranked_lists_are_read_only_arrays_that_outlive_them():
    lists = lmtx.RankedLists(np.array([[3, 1], [2, -1]]), np.array([[0.5, 0.25], [1, -np.inf]]))
    labels, scores, last = lists.labels, lists.scores_of(0), lists[-1]
    with pytest.raises(ValueError):
        labels[0] = 5
    assert lists.offsets.tolist() == [0, 2, 3] and len(lists) == 2
    del lists
    assert (labels.tolist(), scores.tolist(), last.tolist()) == ([3, 1, 2], [0.5, 0.25], [2])


def test_ranked_lists_have_no_lists_beyond_their_ends():
    lists = lmtx.RankedLists([[3]], [[1]])
    for i in (1, -2):
        with pytest.raises(IndexError, match="there are 1 lists"):
            lists[i]
        with pytest.raises(IndexError, match="there are 1 lists"):
            lists.scores_of(i)
    with pytest.raises(ValueError, match="list 0 has 1 labels and 2 scores"):
        lmtx.RankedLists([[3]], [[1, 2]])
    with pytest.raises(ValueError, match="as many lists of scores as of labels, 1, but has 0"):
        lmtx.RankedLists([[3]], [])
    with pytest.raises(TypeError, match="must hold labels as a list of lists"):
        lmtx.RankedLists("ab", [])


def test_all_kinds_of_rankings_fuse_alike():
    matches = lmtx.LabelIndex.build(np.eye(3, dtype=np.float32)).with_removed([0]).search(np.array([[0, 0.6, 0.8]], dtype=np.float32), 3)
    assert matches.labels.tolist() == [[2, 1, -1]]
    pair = ([[2, 1]], [[0.8, 0.6]])
    other = lmtx.RankedLists([[0, 1]], [[1, 0.5]])
    by_rank = [lmtx.fuse([first, other], 2) for first in (matches, pair, lmtx.RankedLists(*pair), [[2, 1]], np.array([[2, 1]]))]
    assert all(fused[0].tolist() == [1, 0] and fused.scores_of(0).tolist() == by_rank[0].scores_of(0).tolist() for fused in by_rank)
    by_score = [lmtx.fuse([first, other], method="score", weights=[0.5, 0.5]) for first in (matches, pair, lmtx.RankedLists(*pair))]
    assert all(fused[0].tolist() == [1, 0, 2] for fused in by_score)
    np.testing.assert_allclose(by_score[0].scores_of(0), [0.55, 0.5, 0.4], rtol=1e-6)


def test_fusion_says_what_is_wrong():
    one = lmtx.RankedLists([[3]], [[1]])
    with pytest.raises(ValueError, match='`method` must be "rank" or "score", but is "best"'):
        lmtx.fuse([one], method="best")
    with pytest.raises(ValueError, match="`weights` must have one entry for each of the 1 rankings, but has 2"):
        lmtx.fuse([one], weights=[1, 2])
    with pytest.raises(TypeError, match="`rankings` entry 1 has no scores"):
        lmtx.fuse([one, [[3]]], method="score")
    with pytest.raises(TypeError, match="`rankings` entry 0 must hold labels as a list of lists"):
        lmtx.fuse([3])
    with pytest.raises(ValueError, match="must have as many lists as the first"):
        lmtx.fuse([one, [[3], [2]]])
