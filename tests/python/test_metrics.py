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


def test_a_ratio_and_its_parts():
    targets, ranked, weights = [[0, 2], [], [1]], [[0], [3], [1]], [1, 2, 5, 9]
    found, best = lmtx.psprecision_per_document(targets, ranked, weights, k=1)
    np.testing.assert_allclose(found, [1, 0, 2])
    np.testing.assert_allclose(best, [5, 0, 2])
    np.testing.assert_allclose(lmtx.psprecision(targets, ranked, weights, max_k=1), [3 / 7])
    np.testing.assert_allclose(lmtx.psrecall(targets, [[2], [], [1]], weights, max_k=2), [(2.5 + 2) / (2.5 + 2), (2.5 + 2) / (3 + 2)])
    found, best = lmtx.psndcg_per_document(targets, np.array([[1, 2], [0, -1], [1, -1]]), weights, k=2)
    ideal = 1 + 1 / np.log2(3)
    np.testing.assert_allclose(found, [5 / np.log2(3) / ideal, 0, 2])
    np.testing.assert_allclose(best, [(5 + 1 / np.log2(3)) / ideal, 0, 2])


def test_propensities_are_those_of_jain_and_others():
    frequencies = lmtx.label_frequencies([[0, 2], [2], []], num_labels=4)
    np.testing.assert_array_equal(frequencies, [1, 0, 2, 0])
    weights = lmtx.inverse_propensities(frequencies, 1000, a=0.5, b=0.4)
    np.testing.assert_allclose(weights, 1 + (np.log(1000) - 1) * np.sqrt(1.4 / (frequencies + 0.4)))
    with pytest.raises(ValueError, match="`num_documents` must be at least 1"):
        lmtx.inverse_propensities(frequencies, 0)
    with pytest.raises(IndexError, match="Document 0 has label number 2 among its targets, but there are 2 labels"):
        lmtx.psprecision([[0, 2]], [[0]], [1.0, 1.0], max_k=1)


def test_a_comparison_is_paired(rng):
    first = rng.random(300)
    comparison = lmtx.compare_means(first + 0.01, first)
    assert comparison.difference.low == pytest.approx(0.01) == comparison.difference.high
    assert comparison.better == 1
    assert repr(comparison) == "Comparison(difference=Interval(0.01, from 0.01 to 0.01), better=1)"
    best = rng.random(300)
    ratio = lmtx.compare_ratios(first * best, 0 * best, best)
    assert ratio.difference.value == pytest.approx(lmtx.bootstrap_ratio(first * best, best).value)


def test_intervals_are_those_of_numpys_resampling(rng):
    """The percentile bootstrap by other means, up to the noise of resampling."""
    found, best = rng.random(400), rng.random(400) + 0.5
    draws = rng.integers(0, 400, (8000, 400))
    low, high = np.quantile(found[draws].sum(1) / best[draws].sum(1), [0.025, 0.975])
    interval = lmtx.bootstrap_ratio(found, best, resamples=8000)
    assert interval.value == pytest.approx(found.sum() / best.sum())
    assert (interval.low, interval.high) == (pytest.approx(low, abs=0.003), pytest.approx(high, abs=0.003))
