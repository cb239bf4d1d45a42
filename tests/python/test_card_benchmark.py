"""benchmarks/speed/cuda.py: its texts have the lengths they should, its peers compute the same, and docs/cuda.md shows the committed results."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lmtx

ROOT = Path(__file__).resolve().parents[2]
SPEED = ROOT / "benchmarks" / "speed"
sys.path[:0] = [str(ROOT / "benchmarks"), str(SPEED)]

import cuda  # noqa: E402
import cuda_measure  # noqa: E402
from common import pages, results  # noqa: E402
from cuda_flops import forward_flops, peak_of, training_flops  # noqa: E402
from cuda_rows import NAMES, ROWS, SETTINGS, scaled  # noqa: E402
from cuda_texts import Texts, make_model  # noqa: E402

SMALL = [2, 32, 4, 64]


@pytest.fixture(scope="module")
def tokenizer():
    return lmtx.models.bundled_minilm()


@pytest.fixture(scope="module")
def random_model(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("random") / "model"
    folder.mkdir()
    make_model(folder, tokenizer, SMALL, 450, seed=1)
    return folder


@pytest.fixture(scope="module")
def texts(tokenizer):
    return Texts(tokenizer, SETTINGS)


def test_texts_have_exactly_as_many_tokens_as_they_were_made_for(texts, tokenizer):
    documents, labels = texts.documents(2_000), texts.labels(1_000)
    tokenize = lmtx.Tokenizer.load(tokenizer).encode
    assert [len(ids) for ids in tokenize([*documents, *labels], max_length=512)] == cuda_measure.tokens_of([*documents, *labels])
    assert np.mean(cuda_measure.tokens_of(documents)) == pytest.approx(209, abs=0.01)
    assert max(cuda_measure.tokens_of(documents)) == 450
    assert set(cuda_measure.tokens_of(labels)) == {4, 5, 6, 7, 8} and len(set(labels)) == 1_000
    assert texts.documents(2_000) == documents and texts.labels(1_000) == labels


def test_the_random_model_gives_the_vectors_of_sentence_transformers(random_model, texts):
    from sentence_transformers import SentenceTransformer

    some = texts.documents(3) + texts.labels(3)
    expected = SentenceTransformer(str(random_model), device="cpu").encode(some)
    np.testing.assert_allclose(lmtx.Encoder.load(random_model).encode(some), expected, atol=2e-6)


def test_the_packed_peer_has_the_loss_and_gradients_of_the_padded_one(random_model):
    import torch
    from cuda_peers import Packed, Padded, packed_batch, padded_batch, separate_attention

    generator = np.random.default_rng(1)
    documents, labels = ([generator.integers(5, 30_000, size=size) for size in sizes] for sizes in ([9, 2, 30, 17], [3, 5, 4, 3]))
    padded, packed = Padded(random_model).eval(), Packed(random_model, separate_attention).eval()
    losses = padded(*padded_batch(documents, labels)), packed(*packed_batch(documents, labels, 30))
    assert losses[0].item() == pytest.approx(losses[1].item(), abs=1e-5)
    for loss in losses:
        loss.backward()
    expected = padded.model.embeddings.word_embeddings.weight.grad
    assert expected.abs().max() > 0
    torch.testing.assert_close(packed.words.weight.grad, expected, atol=1e-5, rtol=1e-3)


def test_operations_are_those_of_a_known_shape():
    # 6 layers of 7,077,888 weights; attention of a text of 100 tokens: 4 * 768 * 100 * 100 a layer.
    assert forward_flops([6, 768, 12, 3072], [100]) == 6 * (2 * 7_077_888 * 100 + 4 * 768 * 100 * 100)
    assert training_flops(SMALL, [5, 7]) == 3 * (forward_flops(SMALL, [5]) + forward_flops(SMALL, [7]))
    assert peak_of("NVIDIA H200", 1e12) == (989e12, "data sheet")
    assert peak_of("NVIDIA H100 PCIe", 7e14) == peak_of("NVIDIA L4", 7e14) == (7e14, "largest product measured")


def test_seconds_of_steps_are_those_between_events_however_seldom_these_come():
    times = [(0.0, 0), (1.0, 8), (2.0, 16), (4.0, 24), (6.0, 40)]
    assert cuda_measure.seconds_between(times, [5, 16, 30]) == [1 / 8, 4 / 24]
    with pytest.raises(cuda_measure.NotRun, match="before step 41"):
        cuda_measure.seconds_between(times, [5, 41])


def test_a_timeline_leaves_no_time_out():
    stages = [(1.0, "tokenize", 0.98), (3.0, "embed labels", 1.99), (5.0, "train", 1.5)]
    expected = [["tokenize", 0.02, 1.0], ["embed labels", 1.01, 3.0], ["between", 3.0, 3.5], ["train", 3.5, 5.0], ["between", 5.0, 6.0]]
    assert cuda_measure.timeline(stages, 6.0) == expected
    assert cuda_measure.timeline([], 6.0) == [["between", 0.0, 6.0]]


def result(row):
    return {"name": row.name, "figure": {"value": row.aim.value, "low": row.aim.value, "high": row.aim.value}, "peer": 10.0, "lmtx": 20.0, "lmtx_peak_share": 0.51}


def test_the_table_has_every_row_and_its_share_of_the_peak():
    measured = {"rows": [result(ROWS[0]), {"name": ROWS[1].name, "not_run": "no card"}, {**result(ROWS[-1]), "timeline": [["train", 0.5, 4.0]]}]}
    lines = cuda.table(measured).splitlines()[2:]
    assert len(lines) == len(ROWS)
    assert lines[0] == "| training | PyTorch, bfloat16 autocast, padded | 10 documents/s | 20 documents/s | 51 % | 3.50x | at least 3.50x | met |"
    assert lines[1].endswith("| not measured |")
    assert "| train | 0.5 | 4.0 | 3.5 |" in cuda.cycle_table(measured)


def test_check_needs_neither_packages_nor_lmtx(tmp_path):
    command = [sys.executable, "-I", "-S", SPEED / "cuda.py", "--check", "--out", tmp_path / "none.json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout.endswith(f"0 of {len(ROWS)} aims met\n"), done.stderr


def test_check_judges_results_and_takes_none_of_another_scale(tmp_path, capsys):
    file = tmp_path / "cuda.json"
    file.write_text(json.dumps({"settings": SETTINGS, "rows": [result(row) for row in ROWS]}))
    assert cuda.main(["--check", "--out", str(file)]) == 0
    file.write_text(json.dumps({"settings": scaled(SETTINGS, 0.5), "rows": [result(row) for row in ROWS]}))
    assert cuda.main(["--check", "--out", str(file)]) == 1
    assert f"0 of {len(ROWS)} aims met" in capsys.readouterr().out


def test_an_unknown_row_and_peers_among_committed_results_are_refused(capsys):
    for arguments, message in ((["--rows", "float32-*"], f"there is no row float32-*; the rows are: {', '.join(NAMES)}"), (["--peers-only"], "--peers-only needs --out")):
        with pytest.raises(SystemExit, match="2"):
            cuda.main(arguments)
        assert message in capsys.readouterr().err


def test_the_page_shows_the_committed_results():
    page = cuda.PAGE.read_text(encoding="utf-8")
    assert page == pages.fill_part(page, "cuda.json", cuda.page_part(results.read(cuda.RESULTS))), "python benchmarks/speed/cuda.py --fill-docs"
