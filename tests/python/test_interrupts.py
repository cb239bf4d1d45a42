"""Ctrl-C and kill: soon out, nothing lost."""

import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import lmtx
import tiny

HERE = Path(__file__).parent
# Some seconds of asking and training.
OPTIONS = {"cycles": 3, "epochs": 6, "batch_size": 10, "learning_rate": 2e-3, "warmup": 0.1, "document_length": 32, "judgments_per_cycle": 5, "development": 0, "checkpoint_every": 5}


def environment():
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(lmtx.__file__).parents[1]), str(HERE)])}


def command(model, data, out, teacher=None):
    changes = [part for name, value in OPTIONS.items() for part in ("--set", f"{name}={value}")]
    return [sys.executable, "-m", "lmtx", "train", data, "--base", model, "--teacher", teacher or f"recorded:{data / 'verdicts.jsonl'}", "--out", out, *changes]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The tiny task with more documents."""
    folder = tiny.write_data(tmp_path_factory.mktemp("large") / "topics", documents=400)
    tiny.write_recording(folder / "verdicts.jsonl", tiny.make_documents(400))
    return folder


@pytest.fixture(scope="module")
def whole(model, large, tmp_path_factory):
    """An uninterrupted run: its seconds and the digests of its files."""
    out = tmp_path_factory.mktemp("whole") / "run"
    started = time.monotonic()
    subprocess.run(command(model, large, out), check=True, capture_output=True, env=environment())
    return time.monotonic() - started, digests(out)


def digests(out):
    return {str(file.relative_to(out)): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted((out / "tagger").rglob("*")) if file.is_file()}


def weights_of(files):
    return {name: digest for name, digest in files.items() if name.endswith(".safetensors") or "index" in name}


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
    assert weights_of(digests(out)) == weights_of(expected)
    assert len(weights_of(expected)) >= 2


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
    assert weights_of(digests(out)) == weights_of(whole[1])


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
        timers.append(threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)))
        timers[-1].start()

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


def test_a_second_process_is_kept_out(model, large, tmp_path):
    out = tmp_path / "run"
    (tmp_path / "slow.py").write_text("import time\ndef ask(document, labels):\n    time.sleep(0.2)\n    return [True] * len(labels)\n")
    arguments = command(model, large, out, "python:slow:ask")
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(), cwd=tmp_path)
    try:
        wait_for(lambda: (out / "judgments.db").exists())
        second = subprocess.run(arguments, capture_output=True, text=True, env=environment(), cwd=tmp_path)
        assert second.returncode in (1, 2)
        assert re.fullmatch(r"lmtx: .*" + re.escape(str(out)) + r".*\n", second.stderr.splitlines(keepends=True)[-1])
    finally:
        process.kill()
        process.wait()
