"""Ctrl-C and kill: soon out, nothing lost."""

import os
import random
import signal
import subprocess
import threading
import time

import numpy as np
import pytest

import lmtx
import tiny
from runs import command, contents, environment

@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The tiny task with more documents."""
    folder = tiny.write_data(tmp_path_factory.mktemp("large") / "topics", documents=400)
    tiny.write_recording(folder / "verdicts.jsonl", tiny.make_documents(400))
    return folder


@pytest.fixture(scope="module")
def whole(model, large, tmp_path_factory):
    """An uninterrupted run: its seconds and what came out."""
    out = tmp_path_factory.mktemp("whole") / "run"
    started = time.monotonic()
    subprocess.run(command(model, large, out), check=True, capture_output=True, env=environment())
    return time.monotonic() - started, contents(out)


def test_killed_at_random_moments_a_run_ends_with_the_same_bytes(model, large, whole, tmp_path):
    seconds, expected = whole
    draw = random.Random(5)
    out = tmp_path / "run"
    for _ in range(5):
        process = subprocess.Popen(command(model, large, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
        try:
            process.wait(timeout=draw.uniform(0.2, 0.9) * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    subprocess.run(command(model, large, out), check=True, capture_output=True, env=environment())
    assert contents(out) == expected


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_ctrl_c_ends_the_command_soon_in_one_line_and_the_same_command_goes_on(model, large, whole, tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(command(model, large, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    wait_for(lambda: (out / "report.json").exists() or any(out.rglob("*checkpoint*")) or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - sent < 5
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "lmtx: interrupted; the same command goes on from here."
    assert "Traceback" not in errors
    subprocess.run(command(model, large, out), check=True, capture_output=True, env=environment())
    assert contents(out) == whole[1]


def test_ctrl_c_raises_inside_a_python_teacher_and_nothing_is_asked_twice(model, large, tmp_path):
    (tmp_path / "slow.py").write_text(
        "import time, tiny\n"
        "def ask(document, labels):\n"
        "    time.sleep(0.01)\n"
        "    with open('asked', 'a') as asked:\n"
        "        for label in labels: print(hash_of(document), label, file=asked)\n"
        "    return tiny.topic_answers(document, labels)\n"
        "def hash_of(text):\n"
        "    import hashlib\n"
        "    return hashlib.sha256(text.encode()).hexdigest()\n"
    )
    asked = tmp_path / "asked"
    arguments = command(model, large, tmp_path / "run", "python:slow:ask")
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path)
    wait_for(lambda: asked.exists() and len(asked.read_text().splitlines()) > 200)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130, errors
    first = asked.read_text().splitlines()
    subprocess.run(arguments, check=True, capture_output=True, env=environment(), cwd=tmp_path)
    pairs = asked.read_text().splitlines()
    # At most the call that was interrupted is made again.
    assert len(pairs) - len(set(pairs)) <= 5
    assert len(pairs) > len(first)


@pytest.fixture
def interrupt_after():
    """Sends SIGINT to this process after a while."""
    timers = []

    def start(seconds):
        sent = threading.Event()

        def send():
            sent.set()
            os.kill(os.getpid(), signal.SIGINT)

        timers.append(threading.Timer(seconds, send))
        timers[-1].start()
        return sent

    yield start
    for timer in timers:
        timer.cancel()
        timer.join()


def test_ctrl_c_ends_a_long_call_without_events(model, interrupt_after):
    encoder = lmtx.Encoder.load(model)
    texts = [f"tax {i} " + "army water " * 20 for i in range(60_000)]
    interrupt_after(0.5)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        encoder.encode(texts)
    assert time.monotonic() - started < 5
    # Afterwards all is as before.
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    encoder.encode("tax")


LONG_CALLS = {
    "tag": lambda lmtx_tagger, texts: lmtx_tagger.tag(texts),
    "tokenize": lambda lmtx_tagger, texts: lmtx_tagger.encoder.tokenizer.encode(texts * 20, max_length=512),
    "search": lambda _, __: lmtx.LabelIndex.build(np.ones((50_000, 64), np.float32)).search(np.ones((60_000, 64), np.float32), 10),
    "metrics": lambda _, __: lmtx.ndcg([[1]] * 2000, np.tile(np.arange(100), (2000, 1)), max_k=60_000),
    "scored metrics": lambda _, __: lmtx.psprecision([[1]] * 2000, np.tile(np.arange(100), (2000, 1)), np.ones(100), max_k=60_000),
    "bootstrap": lambda _, __: lmtx.bootstrap_mean(np.ones(2000), resamples=2_000_000),
    "comparison": lambda _, __: lmtx.compare_ratios(np.ones(2000), np.zeros(2000), np.ones(2000), resamples=2_000_000),
}


@pytest.mark.parametrize("name", LONG_CALLS)
def test_ctrl_c_ends_every_long_call_soon(tagger_folder, interrupt_after, name):
    tagger = lmtx.Tagger.load(tagger_folder)
    texts = [f"tax {i} " + "army water " * 20 for i in range(60_000)]
    started = time.monotonic()
    sent = interrupt_after(0.6)
    with pytest.raises(KeyboardInterrupt):
        LONG_CALLS[name](tagger, texts)
    assert sent.is_set(), "the call was over before Ctrl-C"
    # A second, plus one operator, on a machine that does other things besides.
    assert time.monotonic() - started < 0.6 + 3
    assert len(tagger.tag("tax", k=1)) == 1


def test_ctrl_c_ends_training_which_the_same_call_goes_on_with(model, data, fast, tmp_path):
    def train(out, on_event):
        teacher = f"recorded:{data / 'verdicts.jsonl'}"
        return lmtx.train(data / "train.jsonl", data / "labels.jsonl", teacher=teacher, base=model, out=out, progress=on_event, **fast)

    def interrupt_in_training(event):
        if event.stage == "train" and event.done == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", interrupt_in_training)
    train(tmp_path / "run", lambda event: None)
    train(tmp_path / "whole", lambda event: None)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_ctrl_c_that_a_teacher_swallows_ends_the_run_all_the_same(model, data, fast, tmp_path):
    asked, pairs = [], []

    def ask(document, labels):
        asked.append(document)
        pairs.extend((document, label) for label in labels)
        if len(asked) == 5:
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)
            except KeyboardInterrupt:
                pass
        time.sleep(0.02)
        return tiny.topic_answers(document, labels)

    def train():
        options = fast | {"out": tmp_path / "run", "progress": False}
        return lmtx.train(data / "train.jsonl", data / "labels.jsonl", teacher=ask, teacher_identity="deaf/1", base=model, **options)

    with pytest.raises(KeyboardInterrupt):
        train()
    assert len(asked) < 20
    train()
    # At most the call that was interrupted is made again.
    assert len(pairs) - len(set(pairs)) <= 5
    assert len(asked) > 60


def test_a_second_ctrl_c_changes_nothing(model, large, whole, tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(command(model, large, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    wait_for(lambda: any(out.rglob("*checkpoint*")) or process.poll() is not None)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "lmtx: interrupted; the same command goes on from here."
    assert "Traceback" not in errors
    subprocess.run(command(model, large, out), check=True, capture_output=True, env=environment())
    assert contents(out) == whole[1]


def test_a_handler_of_ones_own_decides(model, interrupt_after):
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        interrupt_after(0.2)
        lmtx.Encoder.load(model).encode([f"tax {i} " + "army water " * 20 for i in range(5_000)])
        wait_for(lambda: seen)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT]


def test_calls_in_other_threads_leave_signals_alone(model):
    results = []
    thread = threading.Thread(target=lambda: results.append(lmtx.Encoder.load(model).encode(["tax"] * 10)))
    thread.start()
    thread.join()
    assert results[0].shape == (10, 32)


def test_a_second_process_is_kept_out_until_the_first_is_gone(model, large, tmp_path):
    # With a helper that is forked off, as multiprocessing does, and outlives the run.
    (tmp_path / "slow.py").write_text(
        "import os, time\n"
        "def ask(document, labels):\n"
        "    if os.path.exists('helper') or os.fork():\n"
        "        print(document, file=open('asked', 'a'))\n"
        "        time.sleep(0.2)\n"
        "        return [True] * len(labels)\n"
        "    print(os.getpid(), file=open('helper', 'w'))\n"
        "    time.sleep(60)\n"
        "    os._exit(0)\n"
    )
    out, asked, helper = tmp_path / "run", tmp_path / "asked", tmp_path / "helper"
    arguments = command(model, large, out, "python:slow:ask")

    def start():
        before = asked.stat().st_size if asked.exists() else 0
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(), cwd=tmp_path)
        wait_for(lambda: process.poll() is not None or (asked.exists() and asked.stat().st_size > before))
        return process

    first = start()
    try:
        wait_for(lambda: helper.exists() and helper.read_text().strip())
        second = subprocess.run(arguments, capture_output=True, text=True, env=environment(), cwd=tmp_path)
        assert second.returncode == 1
        assert second.stderr == f"lmtx: Another process is running in the work folder {out}.\n"
    finally:
        first.kill()
        first.wait()
    third = start()
    try:
        os.kill(int(helper.read_text()), 0)  # The helper is still there.
        assert third.poll() is None
    finally:
        third.kill()
        third.wait()
        os.kill(int(helper.read_text()), signal.SIGKILL)
