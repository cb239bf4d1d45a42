"""Metrics from Python; their values are tested in C++ against pyxclib's."""

import numpy as np
import pytest

import lmtx


def test_metrics_of_a_case_done_by_hand():
    targets = [[0, 2], [1], []]
    ranked = [[2, 1], [0, 1], [0, 1]]
    np.testing.assert_allclose(lmtx.precision_per_document(targets, ranked, k=2), [0.5, 0.5, 0])
    np.testing.assert_allclose(lmtx.recall_per_document(targets, ranked, k=2), [0.5, 1, 0])
    np.testing.assert_allclose(lmtx.precision(targets, ranked, max_k=2), [1 / 3, 1 / 3])


def test_searches_can_be_measured_as_they_are():
    ranked = np.array([[3, -1], [0, 3]])
    np.testing.assert_allclose(lmtx.ndcg_per_document([[3], [3]], ranked, k=2), [1, 1 / np.log2(3)])


def test_an_interval_contains_its_mean(rng):
    interval = lmtx.bootstrap_mean(rng.random(200))
    assert interval.low < interval.value < interval.high
    with pytest.raises(ValueError):
        lmtx.bootstrap_mean([1.0], level=1.5)
