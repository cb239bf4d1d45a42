#!/usr/bin/env python3
"""Compares the encoder with sentence-transformers, and with itself in other batches, on real documents.

    python benchmarks/parity/encoder.py --model FOLDER DATA...

Each DATA is a folder with labels.jsonl, train.jsonl.gz and test.jsonl.gz; 1,000 documents are drawn from all of them together (seeded), and texts are
title, tab, content. Ends with exit code 1 where a difference is over its limit: 1e-5 to sentence-transformers, 1e-6 to itself.
"""

import argparse
import itertools
import random
import sys
import time
from pathlib import Path

import numpy as np

import lmtx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common.data import document_text, documents_of

PEER_LIMIT, OWN_LIMIT = 1e-5, 1e-6


def draw_texts(folders, count, seed):
    """An equal share of each folder, and of the largest folders what smaller ones lack."""
    draw = random.Random(seed)
    texts = [draw.sample(documents, len(documents)) for documents in (list(map(document_text, documents_of(Path(folder), "train", "test"))) for folder in folders)]
    interleaved = (text for row in itertools.zip_longest(*texts) for text in row if text is not None)
    return list(itertools.islice(interleaved, count))


def timed(function):
    start = time.perf_counter()
    return function(), time.perf_counter() - start


def largest_difference(a, b):
    return float(np.abs(a.astype(np.float64) - b).max())


def own_differences(encoder, texts, expected, seed):
    for token_budget in (1, 300, 1024, 4096, 32768):
        yield f"token budget {token_budget}", largest_difference(encoder.encode(texts, token_budget=token_budget), expected)
    for i in range(3):
        order = random.Random(seed + i).sample(range(len(texts)), len(texts))
        yield f"shuffled, order {i}", largest_difference(encoder.encode([texts[j] for j in order]), expected[order])
    some = range(0, len(texts), max(1, len(texts) // 100))
    yield f"{len(some)} alone", max(largest_difference(encoder.encode(texts[j]), expected[j]) for j in some)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="a sentence-transformers folder")
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("data", nargs="+", help="folders with train.jsonl.gz and test.jsonl.gz")
    arguments = parser.parse_args()

    from sentence_transformers import SentenceTransformer

    texts = draw_texts(arguments.data, arguments.documents, arguments.seed)
    encoder = lmtx.Encoder.load(arguments.model)
    vectors, seconds = timed(lambda: encoder.encode(texts))
    peer, peer_seconds = timed(lambda: SentenceTransformer(arguments.model, device="cpu").encode(texts))
    print(f"{len(texts)} documents, up to {encoder.max_length} tokens; LMTX {seconds:.1f} s, sentence-transformers {peer_seconds:.1f} s")

    results = [("sentence-transformers", largest_difference(vectors, peer), PEER_LIMIT)]
    results += [(name, difference, OWN_LIMIT) for name, difference in own_differences(encoder, texts, vectors, arguments.seed)]
    for name, difference, limit in results:
        print(f"{name:24} largest difference {difference:.2e}  {'ok' if difference <= limit else f'OVER {limit:.0e}'}")
    sys.exit(any(difference > limit for _, difference, limit in results))


if __name__ == "__main__":
    main()
