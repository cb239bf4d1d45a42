"""The references that the C++ tests of training compare with: still what PyTorch computes, and right by themselves."""

import json
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
safetensors = pytest.importorskip("safetensors.torch")

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "reference"))

import make_gradient_fixtures  # noqa: E402
import make_optimizer_fixtures  # noqa: E402
from paper_loss import paper_loss  # noqa: E402

DATA = TESTS / "data" / "train"


@pytest.mark.parametrize("name", make_gradient_fixtures.MODELS)
def test_stored_gradients_and_ten_steps_are_what_transformers_computes(name):
    described, tensors = make_gradient_fixtures.compute(name)
    assert described["losses"] == pytest.approx(json.loads((DATA / f"{name}.gradients.json").read_text())["losses"], abs=1e-9)
    stored = safetensors.load_file(DATA / f"{name}.gradients.safetensors")
    assert stored.keys() == tensors.keys()
    for key, tensor in tensors.items():
        torch.testing.assert_close(tensor, stored[key], rtol=0, atol=1e-6)


@pytest.mark.parametrize("index", range(2))
def test_stored_steps_of_adamw_are_what_torch_computes(index):
    stored = json.loads((DATA / "adamw.json").read_text())["cases"][index]
    skip_second = stored["name"] == "decay and zero gradients"
    case = make_optimizer_fixtures.make_case(stored["name"], stored["warmup"], stored["epsilon"], stored["weight_decay"], skip_second)
    for step, expected in zip(case["steps"], stored["steps"], strict=True):
        assert step["rate"] == pytest.approx(expected["rate"])
        for parameter, expected_parameter in zip(step["parameters"], expected["parameters"], strict=True):
            assert parameter == pytest.approx(expected_parameter, abs=1e-12)


def test_stored_losses_are_what_the_definition_gives():
    for case in json.loads((DATA / "triplet_loss.json").read_text()):
        rows = [torch.tensor(case[side], dtype=torch.float64) for side in ("documents", "labels")]
        loss = paper_loss(*rows, torch.tensor(case["is_yes"]) == 1, case["margin"], case["hard_negatives"], case["violator_temperature"])
        assert loss.item() == pytest.approx(case["loss"], abs=1e-12), case["name"]


def test_the_reference_loss_by_hand():
    documents = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    labels = torch.tensor([[0.6, 0.8], [0.8, 0.6]], dtype=torch.float64)
    no = torch.zeros(2, 2, dtype=torch.bool)
    # Each document scores the other's label 0.8 and its own 0.6.
    assert paper_loss(documents, labels, no).item() == pytest.approx(0.2 + 0.3)
    assert paper_loss(documents, labels, ~no).item() == 0
