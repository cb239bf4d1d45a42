"""Label search on a card. Skipped, and said to be, where the build or the machine has no CUDA."""

from pathlib import Path

import numpy as np
import pytest

import lmtx

pytestmark = [
    pytest.mark.skipif(not lmtx._build_info.CUDA, reason="this LMTX was built without CUDA (LMTX_CUDA=ON)"),
    pytest.mark.skipif(not Path("/dev/nvidiactl").exists(), reason="this machine has no NVIDIA card"),
]


def unit_rows(rng, count, dim):
    rows = rng.standard_normal((count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def check_same(found, expected):
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.scores, expected.scores)


@pytest.mark.parametrize("queries", [1, 50])
def test_a_card_finds_what_the_cpu_finds(rng, queries):
    index = lmtx.LabelIndex.build(unit_rows(rng, 20_000, 96))
    on_card = index.to("cuda")
    assert on_card.device == "cuda:0" and repr(on_card) == "LabelIndex(20,000 labels, 20,000 rows, dim=96, exact, cuda:0)"
    some = unit_rows(rng, queries, 96)
    check_same(on_card.search(some, 30), index.search(some, 30))
    check_same(on_card.search(some, 30, deny=range(15_000)), index.search(some, 30, deny=range(15_000)))
    check_same(on_card.to("cpu").search(some, 30), index.search(some, 30))


def test_exact_search_on_a_card_matches_numpy(rng):
    labels, queries = unit_rows(rng, 9000, 64), unit_rows(rng, 20, 64)
    scores = queries.astype(np.float64) @ labels.astype(np.float64).T
    matches = lmtx.LabelIndex.build(labels, normalize=False).to("cuda").search(queries, 10)
    np.testing.assert_array_equal(matches.labels, np.argsort(-scores, axis=1)[:, :10])
    np.testing.assert_allclose(matches.scores, np.sort(scores, axis=1)[:, ::-1][:, :10], rtol=1e-6)


def test_changed_indexes_stay_on_the_card(rng, tmp_path):
    index = lmtx.LabelIndex.build(unit_rows(rng, 5000, 32))
    more, queries = unit_rows(rng, 300, 32), unit_rows(rng, 7, 32)
    changed = [i.with_added(more, range(4900, 5200)).with_removed([1, 2, 5000]).with_bias([3], [0.25]) for i in (index, index.to("cuda"))]
    assert changed[1].device == "cuda:0" and changed[1].compact().device == "cuda:0"
    check_same(changed[1].search(queries, 20), changed[0].search(queries, 20))
    check_same(changed[1].compact().search(queries, 20), changed[0].search(queries, 20))
    changed[1].save(tmp_path / "index")
    loaded = lmtx.LabelIndex.load(tmp_path / "index")
    assert loaded.device == "cpu"
    check_same(loaded.search(queries, 20), changed[0].search(queries, 20))


def test_a_graph_is_not_used_on_a_card(rng):
    rows, queries = unit_rows(rng, 4000, 32), unit_rows(rng, 50, 32)
    try:
        index = lmtx.LabelIndex.build(rows, method="hnsw")
    except ValueError as error:
        pytest.skip(str(error))
    check_same(index.to("cuda").search(queries, 10), lmtx.LabelIndex.build(rows).search(queries, 10))


@pytest.mark.parametrize("limit", [1, 1_000_000, 1_000_000_000])
def test_rows_that_do_not_fit_are_searched_too(rng, limit):
    index = lmtx.LabelIndex.build(unit_rows(rng, 30_000, 40))
    queries = unit_rows(rng, 60, 40)
    check_same(index.to("cuda", memory_limit=limit).search(queries, 10), index.search(queries, 10))


def test_tensors_on_the_card_are_searched_with_there(rng):
    import torch

    index = lmtx.LabelIndex.build(unit_rows(rng, 9000, 40))
    queries = unit_rows(rng, 60, 40)
    expected = index.search(queries, 10)
    for device in ("cpu", "cuda"):
        matches = index.to(device).search(torch.from_numpy(queries).cuda(), 10)
        assert matches.labels.device.type == matches.scores.device.type == "cuda"
        assert matches.labels.dtype == torch.int64 and matches.scores.dtype == torch.float32
        np.testing.assert_array_equal(matches.labels.cpu(), expected.labels)
        np.testing.assert_array_equal(matches.scores.cpu(), expected.scores)
    with pytest.raises(ValueError, match="`queries` must be float32, but is Half instead"):
        index.to("cuda").search(torch.from_numpy(queries).cuda().half(), 10)


def test_a_card_that_is_not_there_is_refused(rng):
    index = lmtx.LabelIndex.build(unit_rows(rng, 3, 4))
    with pytest.raises(RuntimeError, match='`device` is "cuda:99", but of CUDA devices this machine has '):
        index.to("cuda:99")
    with pytest.raises(ValueError, match="`memory_limit` must not be negative, but is -5"):
        index.to("cuda", memory_limit=-5)
