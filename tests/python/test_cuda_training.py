"""Training on a card. Skipped, and said to be, where the build or the machine has no CUDA."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lmtx
import tiny

pytestmark = [
    pytest.mark.skipif(not lmtx._build_info.CUDA, reason="this LMTX was built without CUDA (LMTX_CUDA=ON)"),
    pytest.mark.skipif(not Path("/dev/nvidiactl").exists(), reason="this machine has no NVIDIA card"),
]

NEXT = dict(zip(tiny.TOPICS, tiny.TOPICS[1:] + tiny.TOPICS[:1], strict=True))


def next_topic_answers(document, labels):
    """Has every label mean another topic's word, which no untouched encoder can know."""
    return [NEXT[label] in document.split() for label in labels]


def train(model, out, fast, device="cuda", teacher=tiny.topic_answers):
    base = lmtx.Encoder.load(model, device=device)
    return lmtx.train(tiny.make_documents(), tiny.TOPICS, teacher=teacher, base=base, out=out, progress=False, **fast)


def weights(tagger):
    return (Path(tagger.report.tagger_folder) / "model.safetensors").read_bytes()


def accuracy(tagger, teacher):
    """Share of unseen documents whose first tag the teacher confirms."""
    texts = [f"{d['title']}\t{d['content']}" for d in tiny.make_documents(40, seed=9)]
    return np.mean([teacher(text, [tags[0].label])[0] for text, tags in zip(texts, tagger.tag(texts, k=1), strict=True)])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_student_learns_on_a_card_what_only_the_teacher_knows(model, tmp_path, fast, dtype):
    fast |= {"epochs": 12, "cycles": 3, "use_all_judgments": True, "dtype": dtype}
    on_card, on_cpu = (train(model, tmp_path / device, fast | ({"dtype": "float32"} if device == "cpu" else {}), device, next_topic_answers) for device in ("cuda", "cpu"))
    print(dtype, "accuracy", accuracy(on_card, next_topic_answers), "on the CPU", accuracy(on_cpu, next_topic_answers))
    print("losses", [(c.first_loss, c.last_loss) for c in on_card.report.cycles], "on the CPU", [(c.first_loss, c.last_loss) for c in on_cpu.report.cycles])
    # Which documents are tagged right depends on the last bits of so small a model; how far it got does not.
    ours, theirs = on_card.report.cycles, on_cpu.report.cycles
    assert ours[0].first_loss == pytest.approx(theirs[0].first_loss, abs=0.02)
    assert ours[0].last_loss == pytest.approx(theirs[0].last_loss, abs=0.08)
    assert ours[0].last_loss < 0.75 * ours[0].first_loss


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_deterministic_runs_on_a_card_are_the_same_bits(model, tmp_path, fast, dtype):
    fast |= {"dtype": dtype, "deterministic": True, "checkpoint_every": 3}
    first, second = (train(model, tmp_path / name, fast) for name in ("first", "second"))
    assert weights(first) == weights(second)
    assert first.report.to_json().replace("first", "second") == second.report.to_json().replace("first", "second")


def test_a_deterministic_run_on_a_card_that_is_stopped_ends_with_the_same_bits(model, tmp_path, fast):
    fast |= {"deterministic": True, "checkpoint_every": 3}
    expected = train(model, tmp_path / "whole", fast)

    class Enough(Exception):
        pass

    def stop_at(step):
        def listen(event):
            if (event.stage, event.cycle, event.done) == ("train", *step):
                raise Enough

        return listen

    def trainer():
        base, labels = lmtx.Encoder.load(model, device="cuda"), lmtx.LabelSet([lmtx.Label(topic, topic) for topic in tiny.TOPICS])
        documents = lmtx.Corpus.from_documents([lmtx.Document(**document) for document in tiny.make_documents()])
        teacher = lmtx.CallbackOracle(tiny.topic_answers, identity="topics/1")
        return lmtx.CurriculumTrainer(base, documents, labels, teacher, folder=tmp_path / "stopped", options=lmtx.TrainerOptions(**fast))

    for step in ((0, 4), (0, 11), (1, 2), (1, 20)):
        with pytest.raises(Enough):
            trainer().run(on_event=stop_at(step))
    report = trainer().run()
    assert (Path(report.tagger_folder) / "model.safetensors").read_bytes() == weights(expected)


def test_torch_computes_gradients_on_a_card_after_a_training_there(model, tmp_path, fast):
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import lmtx, tiny
for device in ("cpu", "cuda"):
    base = lmtx.Encoder.load({str(model)!r}, device=device)
    lmtx.train(tiny.make_documents(), tiny.TOPICS, teacher=tiny.topic_answers, base=base, out={str(tmp_path)!r} + "/" + device, progress=False, **{fast | {"cycles": 1}!r})
import torch
x = torch.ones(3, device="cuda", requires_grad=True)
(x * x).sum().backward()
print(x.grad.tolist())
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "[2.0, 2.0, 2.0]\n"), result.stderr


@pytest.fixture(scope="module")
def large_model(tmp_path_factory):
    """Six layers of BERT's width, with random weights."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HIDDEN": 768, "LAYERS": 6, "HEADS": 12}.items():
            patch.setattr(tiny, name, value)
        return tiny.write_model(tmp_path_factory.mktemp("large") / "model", positions=512)


@pytest.fixture
def little_memory():
    """Gives this process 3 GiB of the card while it lasts."""
    import torch

    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(3 * 2**30 / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


def long_documents(count):
    return [{**document, "content": " ".join([document["content"]] * 40)} for document in tiny.make_documents(count)]


def large_trainer(model, folder, **options):
    options = {"cycles": 1, "epochs": 4, "batch_size": 64, "development": 0, "judgments_per_cycle": 5, "document_length": 450} | options
    labels = lmtx.LabelSet([lmtx.Label(topic, topic) for topic in tiny.TOPICS])
    documents = lmtx.Corpus.from_documents([lmtx.Document(**document) for document in long_documents(128)])
    teacher = lmtx.CallbackOracle(tiny.topic_answers, identity="topics/1")
    return lmtx.CurriculumTrainer(lmtx.Encoder.load(model, device="cuda"), documents, labels, teacher, folder=folder, options=lmtx.TrainerOptions(**options))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_batch_that_a_card_has_no_memory_for_is_computed_in_parts_and_said_to_be(large_model, little_memory, tmp_path, dtype):
    notices, losses = [], []
    report = large_trainer(large_model, tmp_path / "run", dtype=dtype).run(
        on_event=lambda event: notices.append(event.message) if event.kind == "notice" else losses.append(event.message) if event.stage == "train" else None
    )
    print(*notices, sep="\n")
    assert report.cycles[0].steps > 0
    said = [notice for notice in notices if re.search(r"Step 1 does not fit the memory of cuda:0 \(.*\); going on with [0-9,]+ tokens at once\.", notice)]
    assert said


def test_a_deterministic_run_without_memory_names_a_budget_that_fits(large_model, little_memory, tmp_path):
    with pytest.raises(RuntimeError, match=r"Training with `train_token_budget` 65536 does not fit the memory of cuda:0 .* \d+ fits: start again") as caught:
        large_trainer(large_model, tmp_path / "refused", deterministic=True).run()
    print(caught.value)
    fits = int(re.search(r"(\d+) fits", str(caught.value)).group(1))
    notices = []
    report = large_trainer(large_model, tmp_path / "run", deterministic=True, train_token_budget=fits).run(
        on_event=lambda event: notices.append(event.message) if event.kind == "notice" else None
    )
    assert report.cycles[0].steps > 0
    assert not any("does not fit" in notice for notice in notices)


def test_a_batch_of_thousands_trains_on_a_card(model, tmp_path, fast):
    fast |= {"batch_size": 8192, "cycles": 1, "epochs": 3}
    base = lmtx.Encoder.load(model, device="cuda")
    tagger = lmtx.train(tiny.make_documents(8400), tiny.TOPICS, teacher=tiny.topic_answers, base=base, out=tmp_path / "run", progress=False, **fast)
    cycle = tagger.report.cycles[0]
    print(cycle.steps, cycle.documents_with_yes, cycle.first_loss, cycle.last_loss)
    assert cycle.steps >= 1
    assert 0 < cycle.last_loss < 2
