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
