"""Corpora to files of vectors: what is in them, resuming, refusing, memory."""

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import lmtx
import tiny
from runs import environment

# Small windows and batches, and each window is secured.
SMALL = {"token_budget": 64, "window_tokens": 1024, "checkpoint_seconds": 0}


@pytest.fixture(scope="module")
def encoder(model):
    return lmtx.Encoder.load(model)


@pytest.fixture(scope="module")
def corpus_file(tmp_path_factory):
    """800 documents, some of them equal, some of no text."""
    documents = tiny.make_documents(700)
    documents += [{"uid": f"twin-{i}", "title": documents[i]["title"], "content": documents[i]["content"]} for i in range(80)]
    documents += [{"uid": f"empty-{i}", "title": ""} for i in range(20)]
    random.Random(3).shuffle(documents)
    return tiny.write_lines(tmp_path_factory.mktemp("corpus") / "documents.jsonl", documents)


@pytest.fixture(scope="module")
def corpus(corpus_file):
    return lmtx.Corpus.open(corpus_file)


def texts_of(corpus):
    """Title, tab, content."""
    return ["\t".join(part for part in (document.title, document.content) if part) for document in corpus]


@pytest.fixture(scope="module")
def expected(encoder, corpus):
    """Each text in a call of its own."""
    return np.stack([encoder.encode(text) for text in texts_of(corpus)])


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_rows_are_the_vectors_of_the_documents(encoder, corpus, expected, tmp_path):
    vectors = encoder.encode_to_file(corpus, tmp_path / "vectors.npy", **SMALL)
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-6)
    assert isinstance(vectors, np.memmap) and vectors.dtype == np.dtype("<f4") and vectors.flags.c_contiguous and not vectors.flags.writeable
    assert names_in(tmp_path) == ["vectors.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / "vectors.npy"), vectors)


def test_float16_is_float32_rounded(encoder, corpus, tmp_path):
    whole = encoder.encode_to_file(corpus, tmp_path / "whole.npy", **SMALL)
    half = encoder.encode_to_file(corpus, tmp_path / "half.npy", file_dtype="float16", **SMALL)
    assert half.dtype == np.dtype("<f2")
    np.testing.assert_array_equal(half, np.asarray(whole).astype(np.float16))


def test_int8_rows_are_the_vectors_of_int8_to_the_last_bit(encoder, corpus, tmp_path):
    rows = encoder.encode_to_file(corpus, tmp_path / "rows.npy", dtype="int8", deterministic=True, **SMALL)
    np.testing.assert_array_equal(rows, encoder.encode(texts_of(corpus), dtype="int8"))
    assert np.abs(rows - encoder.encode(texts_of(corpus))).max() > 1e-5


def test_options_are_those_of_encode(encoder, corpus, tmp_path):
    options = {"max_length": 9, "prompt": "army ", "normalize": False}
    vectors = encoder.encode_to_file(corpus, tmp_path / "vectors.npy", **options, **SMALL)
    np.testing.assert_allclose(vectors, encoder.encode(texts_of(corpus), **options), rtol=0, atol=1e-6)
    named = encoder.with_prompts({"query": "army "}).encode_to_file(corpus, tmp_path / "named.npy", max_length=9, prompt_name="query", normalize=False, **SMALL)
    np.testing.assert_array_equal(named, vectors)


def test_labels_and_lists_are_encoded(encoder, data, tmp_path):
    labels = encoder.encode_to_file(lmtx.LabelSet.open(data / "labels.jsonl"), tmp_path / "labels.npy")
    np.testing.assert_allclose(labels, encoder.encode(tiny.TOPICS), rtol=0, atol=1e-6)
    texts = encoder.encode_to_file(["tax", "water", "tax"], tmp_path / "texts.npy")
    np.testing.assert_allclose(texts, encoder.encode(["tax", "water", "tax"]), rtol=0, atol=1e-6)
    from_path = encoder.encode_to_file(data / "train.jsonl", tmp_path / "train.npy")
    assert from_path.shape == (60, 32)


def test_nothing_becomes_no_rows(encoder, tmp_path):
    vectors = encoder.encode_to_file([], tmp_path / "vectors.npy")
    assert vectors.shape == (0, 32) and vectors.dtype == np.float32
    assert np.load(tmp_path / "vectors.npy").shape == (0, 32)


def test_progress_counts_documents(encoder, corpus, tmp_path):
    events = []
    encoder.encode_to_file(corpus, tmp_path / "vectors.npy", on_event=events.append, **SMALL)
    done = [event.done for event in events]
    assert done == sorted(done) and (done[0], done[-1]) == (0, 800) and len(set(done)) > 50
    assert {(event.kind, event.stage, event.total) for event in events} == {("progress", "embed", 800)}


# --- refusing, resuming ---


def test_a_file_that_is_there_is_left_alone_unless_told_otherwise(encoder, tmp_path):
    file = tmp_path / "vectors.npy"
    first = np.array(encoder.encode_to_file(["tax"], file))
    with pytest.raises(ValueError, match=r"vectors\.npy is there already; give another name, or `overwrite`\."):
        encoder.encode_to_file(["water"], file)
    np.testing.assert_array_equal(np.load(file), first)
    second = encoder.encode_to_file(["water", "army"], file, overwrite=True)
    assert second.shape == (2, 32) and names_in(tmp_path) == ["vectors.npy"]


def test_wrong_arguments_are_named(encoder, corpus, tmp_path):
    with pytest.raises(ValueError, match="`file_dtype` must be 'float32' or 'float16', but is 'int8' instead"):
        encoder.encode_to_file(corpus, tmp_path / "vectors.npy", file_dtype="int8")
    with pytest.raises(ValueError, match="give `prompt` or `prompt_name`, not both"):
        encoder.encode_to_file(corpus, tmp_path / "vectors.npy", prompt="a", prompt_name="query")
    with pytest.raises(ValueError, match=r"The folder of .*/no/vectors\.npy is not there\."):
        encoder.encode_to_file(corpus, tmp_path / "no" / "vectors.npy")
    with pytest.raises(TypeError, match="document 1 must be a str or a dict, but is of type int instead"):
        encoder.encode_to_file(["tax", 1], tmp_path / "vectors.npy")
    assert names_in(tmp_path) == []


def test_numbers_that_float16_cannot_hold_are_refused(encoder, model, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    modules = json.loads((folder / "modules.json").read_text())
    modules[2] = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "2_Dense").mkdir()
    config = {"in_features": 32, "out_features": 32, "bias": False, "activation_function": "torch.nn.modules.linear.Identity"}
    (folder / "2_Dense" / "config.json").write_text(json.dumps(config))
    from safetensors.numpy import save_file

    save_file({"linear.weight": np.full((32, 32), 1e6, np.float32) * np.eye(32, dtype=np.float32)}, folder / "2_Dense" / "model.safetensors")
    large = lmtx.Encoder.load(folder)
    assert np.abs(large.encode_to_file(["tax"], tmp_path / "large.npy")).max() > 65504
    with pytest.raises(RuntimeError, match=r"The vectors of texts 0 to 0 have numbers that float16 cannot hold \(above 65,504\); write float32, or `normalize`\."):
        large.encode_to_file(["tax"], tmp_path / "half.npy", file_dtype="float16")


def test_a_call_that_was_interrupted_goes_on(encoder, corpus, tmp_path):
    whole, file = tmp_path / "whole.npy", tmp_path / "vectors.npy"
    encoder.encode_to_file(corpus, whole, **SMALL)

    def interrupt(event):
        if event.done > 300:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        encoder.encode_to_file(corpus, file, on_event=interrupt, **SMALL)
    assert names_in(tmp_path) == ["vectors.npy.partial", "vectors.npy.partial.json", "whole.npy"]
    with pytest.raises(ValueError, match=r"begun otherwise: `max_length` is 48 there, but 9 now\. Give the same, or delete it and .*partial\.json to begin anew\."):
        encoder.encode_to_file(corpus, file, max_length=9, **SMALL)
    with pytest.raises(ValueError, match=r"begun otherwise: `dtype` is .* there, but \"int8\" now\."):
        encoder.encode_to_file(corpus, file, dtype="int8", **SMALL)
    events = []
    encoder.encode_to_file(corpus, file, on_event=events.append, **SMALL)
    assert "of 800 vectors; going on from there." in events[0].message and events[1].done > 200
    assert file.read_bytes() == whole.read_bytes()
    assert names_in(tmp_path) == ["vectors.npy", "whole.npy"]


def test_what_a_handler_raises_comes_through(encoder, corpus, tmp_path):
    def fail(event):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        encoder.encode_to_file(corpus, tmp_path / "vectors.npy", on_event=fail)
    assert encoder.encode_to_file(corpus, tmp_path / "vectors.npy").shape == (800, 32)


# --- memory, threads ---

PEAK = """
import sys, lmtx
lmtx.Encoder.load(sys.argv[1]).encode_to_file(lmtx.Corpus.open(sys.argv[2]), sys.argv[3])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_memory_does_not_grow_with_the_number_of_documents(model, tmp_path):
    def peak(count):
        documents = tiny.write_lines(tmp_path / f"{count}.jsonl", [{"uid": str(i), "title": f"tax {i:x}"} for i in range(count)])
        arguments = [sys.executable, "-c", PEAK, str(model), str(documents), str(tmp_path / f"{count}.npy")]
        result = run(arguments)
        assert result.returncode == 0, result
        return int(result.stdout) / 1024

    few, many = peak(20_000), peak(100_000)
    # In MB: the vectors alone are 10 more. Opening a corpus takes 16 bytes a document for a while.
    assert many - few < 5


def test_files_may_be_made_in_several_threads_at_once(encoder, corpus, tmp_path):
    whole = tmp_path / "whole.npy"
    encoder.encode_to_file(corpus, whole, **SMALL)
    files = [tmp_path / f"{i}.npy" for i in range(3)]
    threads = [threading.Thread(target=encoder.encode_to_file, args=(corpus, file), kwargs=SMALL) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for file in files:
        np.testing.assert_allclose(np.load(file), np.load(whole), rtol=0, atol=1e-6)


# --- the command ---


def encode_command(model, out, *more):
    return [sys.executable, "-m", "lmtx", "encode", "--model", str(model), "--out", str(out), *map(str, more)]


def run(arguments, **keywords):
    return subprocess.run(arguments, capture_output=True, text=True, **{"env": environment()} | keywords)


def refusal(arguments, code=2):
    result = run(arguments)
    assert result.returncode == code and len(result.stderr.splitlines()) == 1, result
    return result.stderr.removeprefix("lmtx: ").rstrip()


def test_the_command_encodes_documents_and_labels(encoder, model, data, tmp_path):
    packed = tmp_path / "documents.jsonl.gz"
    packed.write_bytes(gzip.compress((data / "train.jsonl").read_bytes()))
    result = run(encode_command(model, tmp_path / "vectors.npy", "--documents", packed, "--max-length", 9, "--prompt", "tax ", "--no-normalize"))
    assert (result.returncode, result.stdout) == (0, f"{tmp_path / 'vectors.npy'}: float32 [60, 32]\n"), result
    assert result.stderr.startswith("embed: 60 in ")
    expected = encoder.encode(texts_of(lmtx.Corpus.open(packed)), max_length=9, prompt="tax ", normalize=False)
    np.testing.assert_allclose(np.load(tmp_path / "vectors.npy"), expected, rtol=0, atol=1e-6)
    result = run(encode_command(model, tmp_path / "labels.npy", "--labels", data / "labels.jsonl", "--file-dtype", "float16", "--quiet"))
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{tmp_path / 'labels.npy'}: float16 [12, 32]\n", "")


def test_the_command_refuses_wrong_input_in_one_line(model, data, tmp_path):
    out, documents = tmp_path / "vectors.npy", ["--documents", data / "train.jsonl"]
    assert refusal(encode_command(model, out)) == "give --documents FILE or --labels FILE, one of the two."
    assert "`max_length` must be from 2" in refusal(encode_command(model, out, *documents, "--max-length", 100))
    assert names_in(tmp_path) == []
    out.write_text("mine")
    assert refusal(encode_command(model, out, *documents)) == f"{out} is there already; give another name, or `overwrite`."


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Documents that take some seconds."""
    return tiny.write_lines(tmp_path_factory.mktemp("large") / "documents.jsonl", tiny.make_documents(60_000, seed=9))


def started(arguments, condition):
    """A process that runs the command, from when the condition holds."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    end = time.monotonic() + 60
    while not condition():
        assert process.poll() is None and time.monotonic() < end, process.communicate(timeout=1)
        time.sleep(0.01)
    return process


def test_ctrl_c_ends_the_command_within_a_second_and_a_second_process_is_refused(model, large, tmp_path):
    out = tmp_path / "vectors.npy"
    # One by one, so that there is enough to do.
    arguments = encode_command(model, out, "--documents", large, "--token-budget", 1)
    sidecar = Path(f"{out}.partial.json")
    process = started(arguments, sidecar.exists)
    try:
        assert refusal(arguments, code=1) == f"Another process is writing {out}."
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        _, errors = process.communicate(timeout=30)
        # A second, and the end of Python, on a machine that does other things besides.
        assert time.monotonic() - sent < 3
        assert process.returncode == 130 and errors.splitlines()[-1] == "lmtx: interrupted; the same command goes on from here."
    finally:
        process.kill()
        process.wait()
    assert sidecar.exists() and not out.exists()


@pytest.mark.long
def test_killed_at_random_moments_the_command_ends_with_the_same_bytes(model, large, tmp_path):
    whole, out = tmp_path / "whole.npy", tmp_path / "vectors.npy"
    begun = time.monotonic()
    assert run(encode_command(model, whole, "--documents", large)).returncode == 0
    seconds = time.monotonic() - begun
    seed = int(os.environ.get("LMTX_TEST_SEED", random.SystemRandom().randrange(10**9)))
    print(f"LMTX_TEST_SEED={seed}")  # Shown where the test fails.
    draw = random.Random(seed)
    kills = 0
    while not out.exists():
        process = subprocess.Popen(encode_command(model, out, "--documents", large), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
        try:
            process.wait(timeout=draw.uniform(0.1, 1.0) * seconds if kills < 20 else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert kills > 0
    assert out.read_bytes() == whole.read_bytes()
    assert names_in(tmp_path) == ["vectors.npy", "whole.npy"]


@pytest.mark.long
def test_a_disk_that_is_really_full_is_one_line_and_the_same_command_goes_on_when_there_is_room(model, data, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(disk)])
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        arguments = encode_command(model, disk / "vectors.npy", "--documents", data / "train.jsonl")
        assert "No space left on device" in refusal(arguments, code=1)
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        assert run(arguments).returncode == 0
        assert names_in(disk) == ["vectors.npy"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
