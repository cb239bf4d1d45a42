"""Several Python threads use the same objects at once, and long calls leave the others running."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import lmtx
from runs import environment


@pytest.fixture(scope="module")
def tagger(tagger_folder):
    return lmtx.Tagger.load(tagger_folder)


def at_once(work, inputs):
    """work() of each input, in as many threads, which start together."""
    gate = threading.Barrier(len(inputs))

    def wait_and_work(item):
        gate.wait()
        return work(item)

    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(wait_and_work, inputs))


def test_threads_encode_tokenize_search_and_tag_as_one_after_the_other(tagger, rng):
    encoder = tagger.encoder
    rows = rng.standard_normal((2000, 32)).astype(np.float32)
    index = lmtx.LabelIndex.build(rows)

    def work(thread):
        texts = [f"tax {i} army {thread % 3}" for i in range(300)]
        vectors = encoder.encode(texts, token_budget=512 * (1 + thread % 2))
        tokens = encoder.tokenizer.encode(texts, max_length=5 + thread)
        tags = [[(tag.label, tag.score) for tag in tags] for tags in tagger.tag(texts)]
        return vectors, [ids.tolist() for ids in tokens], tags, index.search(vectors, 7).labels

    threads = range(6)
    expected = [work(thread) for thread in threads]
    for _ in range(2):
        for (vectors, tokens, tags, found), wanted in zip(at_once(work, threads), expected, strict=True):
            np.testing.assert_array_equal(vectors, wanted[0])
            assert (tokens, tags) == (wanted[1], wanted[2])
            np.testing.assert_array_equal(found, wanted[3])


def test_threads_share_a_store(tmp_path):
    store = lmtx.JudgmentStore.open(tmp_path / "judgments.db")
    labels = [lmtx.Label(str(i), f"label {i}") for i in range(5)]

    def put(thread):
        for i in range(20):
            store.put("many/1", lmtx.Question(lmtx.Document(f"{thread}-{i}", content=f"text {thread} {i}"), labels), [True] * 5)

    at_once(put, range(4))
    assert len(store) == store.size("many/1") == 4 * 20 * 5


CALLS = {
    "encode": lambda tagger, texts: tagger.encoder.encode(texts),
    "tag": lambda tagger, texts: tagger.tag(texts),
    "tokenize": lambda tagger, texts: tagger.encoder.tokenizer.encode(texts * 20, max_length=64),
    "search": lambda tagger, texts: lmtx.LabelIndex.build(np.ones((20_000, 32), np.float32)).search(np.ones((1000, 32), np.float32), 5),
    "bootstrap": lambda tagger, texts: lmtx.bootstrap_mean(np.ones(5000), resamples=4000),
}


@pytest.mark.parametrize("name", CALLS)
def test_other_threads_go_on_during_a_call(tagger, name):
    """Without the GIL's release a thread that waits for it would count nothing until the call is over."""
    texts = [f"tax {i} " + "army water school " * 10 for i in range(3000)]
    moments, ends = [], threading.Event()

    def count():
        while not ends.is_set():
            moments.append(time.monotonic())
            time.sleep(0.001)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)  # The interpreter itself takes the GIL from nobody.
    thread = threading.Thread(target=count)
    thread.start()
    try:
        started = time.monotonic()
        CALLS[name](tagger, texts)
        ended = time.monotonic()
    finally:
        sys.setswitchinterval(interval)
        ends.set()
        thread.join()
    during = [moment for moment in moments if started < moment < ended]
    assert len(during) >= 5, (len(during), ended - started)


# Which share of a call's CPU time each thread had that had a part in it, in the thread that calls, or in a new one.
SHARES = """
import json, os, sys, threading
import numpy as np
import lmtx

threads, place, tagger_folder, out = sys.argv[1:]
if threads != "environment":
    import torch
    torch.set_num_threads(int(threads))
tagger = lmtx.Tagger.load(tagger_folder)
encoder = tagger.encoder
texts = [f"tax {i} " + "army water school " * (i % 10) for i in range(1500)]
rng = np.random.default_rng(0)
rows, queries = rng.standard_normal((20_000, 64), dtype=np.float32), rng.standard_normal((256, 64), dtype=np.float32)
index = lmtx.LabelIndex.build(rows)

def nanoseconds():
    found = {}
    for thread in os.listdir("/proc/self/task"):
        try:
            found[thread] = int(open(f"/proc/self/task/{thread}/schedstat").read().split()[0])
        except OSError:  # It has ended meanwhile.
            pass
    return found

def shares(call):
    before = nanoseconds()
    call()
    spent = [now - before.get(thread, 0) for thread, now in nanoseconds().items()]
    return sorted((round(time / sum(spent), 3) for time in spent if time > 0), reverse=True)

calls = {
    "encode": lambda: encoder.encode(texts),
    "encode_to_file": lambda: encoder.encode_to_file(texts, out, overwrite=True),
    "tokenize": lambda: [encoder.tokenizer.encode(texts, max_length=48) for _ in range(40)],
    "tag": lambda: tagger.tag(texts),
    "search": lambda: [index.search(queries, 10) for _ in range(8)],
}
found = {}
def work():
    found.update({name: shares(call) for name, call in calls.items()})
if place == "main":
    work()
else:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print(json.dumps(found))
"""
# Of the CPU time of a call: what watches for Ctrl-C, and what hands over.
LITTLE = 0.02


def shares_of(tagger_folder, out, threads, place, **variables):
    arguments = [sys.executable, "-c", SHARES, threads, place, str(tagger_folder), str(out)]
    result = subprocess.run(arguments, capture_output=True, text=True, env=environment(**variables))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("place", ["main", "other"])
@pytest.mark.parametrize("threads", ["1", "environment"])
def test_where_one_thread_is_allowed_one_thread_does_all(tagger_folder, tmp_path, threads, place):
    """As torch.set_num_threads says, else OMP_NUM_THREADS; also in a thread that is new to torch."""
    found = shares_of(tagger_folder, tmp_path / "vectors.npy", threads, place, OMP_NUM_THREADS="1" if threads == "environment" else "4")
    assert {name: shares for name, shares in found.items() if sum(share > LITTLE for share in shares) != 1} == {}


def test_as_many_threads_work_as_are_allowed(tagger_folder, tmp_path):
    found = shares_of(tagger_folder, tmp_path / "vectors.npy", "3", "other", OMP_NUM_THREADS="1")
    # One more reads and tokenizes ahead of encode_to_file.
    assert {name: shares for name, shares in found.items() if sum(share > LITTLE for share in shares) > 3 + (name == "encode_to_file")} == {}
    # Even tiny work is shared by two of them, so that the measure is one.
    assert {name: shares for name, shares in found.items() if shares[1] < LITTLE} == {}
