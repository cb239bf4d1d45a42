"""LabelIndex from Python."""

import gc

import numpy as np
import pytest

import lmtx


def unit_rows(rng, count, dim):
    rows = rng.standard_normal((count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_exact_search_matches_brute_force(rng):
    labels, queries = unit_rows(rng, 500, 32), unit_rows(rng, 20, 32)
    expected = np.sort(queries @ labels.T, axis=1)[:, ::-1][:, :10]
    matches = lmtx.LabelIndex.build(labels).search(queries, 10)
    np.testing.assert_allclose(matches.scores, expected, rtol=1e-5)
    assert matches.labels.dtype == np.int64 and matches.labels.shape == (20, 10)
    assert repr(matches) == "LabelMatches(20 queries, k=10)"


def test_results_outlive_what_they_came_from(rng):
    matches = lmtx.LabelIndex.build(unit_rows(rng, 5, 8)).search(unit_rows(rng, 2, 8), 3)
    labels = matches.labels
    before = labels.copy()
    del matches
    gc.collect()
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("layout", ["transposed", "every second", "backwards", "read-only"])
def test_layouts_of_arrays_do_not_matter(rng, layout):
    labels, queries = unit_rows(rng, 30, 8), unit_rows(rng, 4, 8)
    index = lmtx.LabelIndex.build(labels)
    expected = index.search(queries, 5).labels
    if layout == "transposed":
        queries = np.asfortranarray(queries)
    elif layout == "every second":
        queries = np.repeat(queries, 2, axis=0)[::2]
    elif layout == "backwards":
        queries = queries[::-1].copy()[::-1]
    else:
        queries.setflags(write=False)
    np.testing.assert_array_equal(index.search(queries, 5).labels, expected)


def test_torch_tensors_are_taken(rng):
    import torch

    labels = unit_rows(rng, 30, 8)
    np.testing.assert_array_equal(lmtx.LabelIndex.build(torch.from_numpy(labels)).search(torch.from_numpy(labels), 1).labels[:, 0], np.arange(30))


def test_another_dtype_is_refused(rng):
    with pytest.raises(ValueError, match=r"`rows` must be a float32 array, but has dtype float64 instead; use \.astype\(np\.float32\)\."):
        lmtx.LabelIndex.build(rng.standard_normal((3, 4)))
    with pytest.raises((ValueError, TypeError), match="`queries` must be a float32 array"):
        lmtx.LabelIndex.build(unit_rows(rng, 3, 4)).search([["a"]], 1)


def test_labels_come_and_go_without_changing_the_index(rng):
    rows = unit_rows(rng, 4, 8)
    index = lmtx.LabelIndex.build(rows[:3], [10, 11, 10])
    assert (len(index), index.num_rows) == (2, 3)
    more = index.with_added(rows[3:], [12])
    assert more.search(rows[3:], 1).labels.tolist() == [[12]]
    assert more.with_removed([12]).search(rows[3:], 3).labels.tolist()[0][-1] == -1
    assert index.with_bias([11], [5.0]).search(rows[:1], 1).labels.tolist() == [[11]]
    assert index.search(rows[:1], 2, deny=[10]).labels.tolist() == [[11, -1]]
    assert index.search(rows[:1], 2, allow=[10]).labels.tolist() == [[10, -1]]
    assert len(index) == 2


def test_an_index_is_saved_and_loaded(rng, tmp_path):
    index = lmtx.LabelIndex.build(unit_rows(rng, 9, 8))
    index.save(tmp_path / "index")
    queries = unit_rows(rng, 3, 8)
    np.testing.assert_array_equal(lmtx.LabelIndex.load(tmp_path / "index").search(queries, 4).scores, index.search(queries, 4).scores)
    assert repr(index) == "LabelIndex(9 labels, 9 rows, dim=8, exact)"


def test_an_index_on_the_cpu_says_so(rng):
    index = lmtx.LabelIndex.build(unit_rows(rng, 9, 8))
    queries = unit_rows(rng, 3, 8)
    assert index.device == index.to("cpu").device == "cpu"
    np.testing.assert_array_equal(index.to("cpu").search(queries, 4).labels, index.search(queries, 4).labels)


def test_an_unknown_device_is_refused(rng):
    index = lmtx.LabelIndex.build(unit_rows(rng, 3, 4))
    with pytest.raises(ValueError, match='`device` must be "cpu", "cuda" or "cuda:N", but is "gpu" instead'):
        index.to("gpu")
    with pytest.raises(ValueError, match="`memory_limit` must not be negative, but is -1"):
        index.to("cpu", memory_limit=-1)


@pytest.mark.skipif(lmtx._build_info.CUDA, reason="this LMTX was built with CUDA")
def test_without_cuda_a_card_is_refused(rng):
    with pytest.raises(ValueError, match='`device` is "cuda", but this LMTX was built without CUDA; build it with LMTX_CUDA=ON, or use "cpu"'):
        lmtx.LabelIndex.build(unit_rows(rng, 3, 4)).to("cuda")
