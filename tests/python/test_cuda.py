"""The same on a card. Skipped, and said to be, where the build or the machine has no CUDA."""

from pathlib import Path

import numpy as np
import pytest

import lmtx
import tiny

pytestmark = [
    pytest.mark.skipif(not lmtx._build_info.CUDA, reason="this LMTX was built without CUDA (LMTX_CUDA=ON)"),
    pytest.mark.skipif(not Path("/dev/nvidiactl").exists(), reason="this machine has no NVIDIA card"),
]

MODELS = Path(__file__).parents[1] / "data" / "models"
TEXTS = ["tax bill", "", "a study of army housing and water", "tax bill", "prison " * 40]


def train(model, out, fast, device):
    base = lmtx.Encoder.load(model, device=device)
    return lmtx.train(tiny.make_documents(), tiny.TOPICS, teacher=tiny.topic_answers, base=base, out=out, progress=False, **fast)


def weights(tagger):
    return (Path(tagger.report.tagger_folder) / "model.safetensors").read_bytes()


def test_a_card_gives_the_vectors_of_the_cpu(model):
    on_cpu, on_card = lmtx.Encoder.load(model), lmtx.Encoder.load(model, device="cuda")
    np.testing.assert_allclose(on_card.encode(TEXTS), on_cpu.encode(TEXTS), atol=1e-5)


@pytest.mark.parametrize("name", sorted(file.parent.name for file in MODELS.glob("*/modules.json")))
def test_a_card_gives_the_vectors_of_the_cpu_for_each_architecture(name):
    on_cpu, on_card = lmtx.Encoder.load(MODELS / name), lmtx.Encoder.load(MODELS / name, device="cuda")
    np.testing.assert_allclose(on_card.encode(TEXTS), on_cpu.encode(TEXTS), atol=1e-5)


def test_training_without_dropout_takes_the_same_way_on_a_card(model, tmp_path, fast):
    fast |= {"dropout": False, "cycles": 1}
    on_cpu, on_card = (train(model, tmp_path / device, fast, device) for device in ("cpu", "cuda"))
    ours, theirs = on_card.report.cycles[0], on_cpu.report.cycles[0]
    assert (ours.steps, ours.training.judgments) == (theirs.steps, theirs.training.judgments)
    assert ours.first_loss == pytest.approx(theirs.first_loss, abs=1e-4)
    texts = [f"{d['title']}\t{d['content']}" for d in tiny.make_documents(20, seed=7)]
    np.testing.assert_allclose(on_card.encoder.encode(texts), on_cpu.encoder.encode(texts), atol=5e-2)


def test_training_on_a_card_is_the_same_twice(model, tmp_path, fast):
    first, second = (train(model, tmp_path / name, fast, "cuda") for name in ("first", "second"))
    assert weights(first) == weights(second)


def test_deterministic_vectors_of_a_card_are_the_same_bits_in_any_batch(model):
    on_card = lmtx.Encoder.load(model, device="cuda")
    vectors = on_card.encode(TEXTS, deterministic=True)
    np.testing.assert_array_equal(on_card.encode(TEXTS[::-1], deterministic=True, token_budget=7), vectors[::-1])
    np.testing.assert_array_equal(on_card.encode(TEXTS[2], deterministic=True), vectors[2])
