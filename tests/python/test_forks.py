"""A process that was forked from one that used LMTX works, on one thread, or says why it does not; it never hangs."""

import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import lmtx
import tiny
from runs import environment

CARD = lmtx._build_info.CUDA and os.path.exists("/dev/nvidiactl")
WHILE_COMPUTING = "This process was forked while LMTX computed in its parent"


def in_child(work, seconds=60):
    """What work() gives in a forked child, or the exception that it raises."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result = work()
        except BaseException as error:
            result = f"{type(error).__name__}: {error}"
        with open(writing, "wb") as pipe:
            pickle.dump(result, pipe)
        os._exit(0)
    os.close(writing)
    killer = threading.Timer(seconds, os.kill, (child, 9))
    killer.start()
    with open(reading, "rb") as pipe:
        answer = pipe.read()
    killer.cancel()
    assert os.waitpid(child, 0)[1] == 0, "the child hung or died"
    return pickle.loads(answer)


@pytest.fixture(scope="module")
def encoder(model):
    return lmtx.Encoder.load(model)


@pytest.fixture(scope="module")
def texts():
    return [f"tax {i} army water" for i in range(2000)]


@pytest.fixture(scope="module")
def tagger(encoder):
    return lmtx.Tagger.from_labels(encoder, lmtx.LabelSet([lmtx.Label(topic, topic) for topic in tiny.TOPICS]))


def test_a_child_loads_tensors_that_torch_would_share_out_among_threads(tmp_path):
    large = tiny.write_model(tmp_path / "large", positions=2000)
    vectors = lmtx.Encoder.load(large).encode(["tax"])
    np.testing.assert_allclose(in_child(lambda: lmtx.Encoder.load(large).encode(["tax"])), vectors, atol=1e-6)


def test_a_child_encodes_searches_tags_and_measures_as_its_parent(encoder, tagger, texts, rng):
    rows = rng.standard_normal((5000, 32)).astype(np.float32)
    index = lmtx.LabelIndex.build(rows)
    targets = [[i % 7] for i in range(500)]

    def work():
        vectors = encoder.encode(texts)
        return {
            "vectors": vectors,
            "tokens": [ids.tolist() for ids in encoder.tokenizer.encode(texts, max_length=20)],
            "found": index.search(rows[:300], 5).labels,
            "added": len(index.with_added(rows, range(5000, 10000))),
            "approximate": lmtx.LabelIndex.build(rows, method="hnsw").search(rows[:50], 1).labels,
            "scores": [[tag.score for tag in tags] for tags in tagger.tag(texts[:100])],
            "metrics": lmtx.precision(targets, [[3, 4]] * 500, max_k=2),
            "interval": repr(lmtx.bootstrap_mean(np.arange(100))),
        }

    expected, found = work(), in_child(work)
    assert isinstance(found, dict), found
    for name in ("vectors", "scores"):
        np.testing.assert_allclose(found.pop(name), expected.pop(name), atol=1e-5)
    for name, value in expected.items():
        np.testing.assert_equal(found[name], value, err_msg=name)


def test_a_child_of_a_child_and_a_thread_of_a_child_encode(encoder, texts):
    expected = encoder.encode(texts)

    def in_a_thread():
        results = []
        thread = threading.Thread(target=lambda: results.append(encoder.encode(texts)))
        thread.start()
        thread.join()
        return results[0]

    np.testing.assert_allclose(in_child(in_a_thread), expected, atol=1e-5)
    np.testing.assert_allclose(in_child(lambda: encoder.encode(texts) if len(encoder.encode(texts)) else None), expected, atol=1e-5)
    np.testing.assert_allclose(in_child(lambda: in_child(lambda: encoder.encode(texts))), expected, atol=1e-5)
    # The parent is as it was.
    np.testing.assert_array_equal(encoder.encode(texts), expected)


def test_multiprocessing_forks_workers_that_encode(encoder, texts):
    expected = encoder.encode(texts)
    global encode_in_worker

    def encode_in_worker(begin):
        return encoder.encode(texts[begin : begin + 500])

    with multiprocessing.get_context("fork").Pool(2) as pool:
        parts = pool.map_async(encode_in_worker, range(0, 2000, 500)).get(timeout=60)
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-5)


def test_a_child_of_a_program_that_used_torch_encodes(model):
    program = f"""
import os, torch, lmtx
encoder = lmtx.Encoder.load({str(model)!r})
torch.ones(2000, 2000) @ torch.ones(2000, 2000)
torch.ones(4_000_000).exp()
child = os.fork()
if child == 0:
    os._exit(0 if encoder.encode(['tax', 'army'] * 50).shape == (100, 32) else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100, env=environment())


def test_a_child_forked_while_another_thread_computed_says_so(encoder, tagger, texts):
    ends = threading.Event()

    def compute():
        while not ends.is_set():
            encoder.encode(texts)

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        time.sleep(0.1)
        for _ in range(20):  # Between two calls a fork may be harmless.
            found = in_child(lambda: encoder.encode(["tax"]))
            if isinstance(found, str):
                break
        assert WHILE_COMPUTING in found
        assert found.startswith("RuntimeError") and 'start a process that is no fork ("spawn" in Python\'s multiprocessing)' in found
    finally:
        ends.set()
        thread.join()


def test_a_teacher_may_fork_but_its_child_not_compute(encoder, data, model, fast, tmp_path):
    found = []

    def ask(document, labels):
        if not found:
            found.append(in_child(lambda: encoder.encode(["tax"])))
        return tiny.topic_answers(document, labels)

    options = fast | {"cycles": 1, "out": tmp_path / "run", "progress": False}
    lmtx.train(data / "train.jsonl", data / "labels.jsonl", teacher=ask, teacher_identity="forks/1", base=model, **options)
    assert WHILE_COMPUTING in found[0]


def test_a_child_trains_and_refuses_a_run_of_more_threads(data, model, fast, tmp_path):
    def train(out):
        teacher = f"recorded:{data / 'verdicts.jsonl'}"
        return repr(lmtx.train(data / "train.jsonl", data / "labels.jsonl", teacher=teacher, base=model, out=out, progress=False, **fast))

    found = in_child(lambda: train(tmp_path / "of-the-child"))
    if CARD and "Unable to handle autograd's threading in combination with fork" in found:
        return  # Torch's own words: its threads for the card were there before the fork.
    assert found.startswith("Tagger(12 labels")
    manifest = (tmp_path / "of-the-child" / "run.json").read_text()
    assert '"threads": 1' in manifest
    # A run that began with two threads and is not finished.
    out = tmp_path / "of-two"
    parts = lmtx.Encoder.load(model), lmtx.Corpus.open(data / "train.jsonl"), lmtx.LabelSet.open(data / "labels.jsonl")

    def run_asking(teacher):
        return lmtx.CurriculumTrainer(*parts, teacher, folder=out, options=lmtx.TrainerOptions(**fast)).run()

    with pytest.raises(lmtx.TeacherError):
        run_asking(lmtx.ScriptedOracle(lambda *_: True, throw_after=3))
    run = out / "run.json"
    run.write_text(manifest_with_threads(run.read_text(), 2))
    said = in_child(lambda: run_asking(lmtx.ScriptedOracle(lambda *_: True)))
    assert f"The run in {out} computes with 2 threads, but this process was forked and has one" in said


def manifest_with_threads(text, threads):
    changed, count = re.subn(r'"threads": \d+', f'"threads": {threads}', text)
    assert count == 1
    return changed
