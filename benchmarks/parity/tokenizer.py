#!/usr/bin/env python3
"""Compares token ids with Hugging Face's `tokenizers` on every document and label of data folders.

    python benchmarks/parity/tokenizer.py --model MODEL_FOLDER DATA_FOLDER...

A data folder holds labels.jsonl and any of train, dev, test as .jsonl or .jsonl.gz. Ids are compared uncut and cut at --max-length tokens.
Prints a line for each folder, and the first texts that differ. Exit code 1 if any differ, 2 for wrong input.
"""

import argparse
import gzip
import itertools
import json
import sys
import time
from pathlib import Path

import lmtx
import tokenizers

UNCUT = 2**40
TEXTS_AT_ONCE = 2_000
DIFFERENCES_SHOWN = 5


def read_lines(file):
    opened = gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else open(file, encoding="utf-8")
    with opened as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def document_text(document):
    return "\t".join(part for part in (document.get("title"), document.get("content")) if part)


def label_texts(label):
    yield label["title"]
    yield from label.get("alternatives") or ()
    if label.get("description"):
        yield label["description"]


def texts_of(folder):
    for label in read_lines(folder / "labels.jsonl"):
        yield from label_texts(label)
    for split in ("train", "dev", "test"):
        for file in (folder / f"{split}.jsonl", folder / f"{split}.jsonl.gz"):
            if file.exists():
                yield from map(document_text, read_lines(file))


class Comparison:
    def __init__(self, model, max_length):
        self.max_length = max_length
        self.ours = lmtx.Tokenizer.load(model)
        self.uncut, self.cut = (tokenizers.Tokenizer.from_file(str(model / "tokenizer.json")) for _ in range(2))
        self.uncut.no_padding()
        self.uncut.no_truncation()
        self.cut.no_padding()
        self.cut.enable_truncation(max_length)
        self.texts = self.tokens = self.differing = 0
        self.seconds = {"lmtx": 0.0, "tokenizers": 0.0}

    def timed(self, who, encode):
        start = time.perf_counter()
        result = encode()
        self.seconds[who] += time.perf_counter() - start
        return result

    def add(self, texts):
        for max_length, theirs in ((UNCUT, self.uncut), (self.max_length, self.cut)):
            got = self.timed("lmtx", lambda n=max_length: self.ours.encode(texts, max_length=n))
            want = self.timed("tokenizers", lambda t=theirs: t.encode_batch_fast(texts))
            for text, ids, encoding in zip(texts, got, want, strict=True):
                if ids.tolist() != encoding.ids:
                    self.report(text, ids.tolist(), encoding.ids)
                if max_length == UNCUT:
                    self.tokens += len(ids)
        self.texts += len(texts)

    def report(self, text, got, want):
        self.differing += 1
        if self.differing <= DIFFERENCES_SHOWN:
            place = next(i for i, (a, b) in enumerate(itertools.zip_longest(got, want)) if a != b)
            print(f"differs from token {place} on: lmtx {got[place : place + 5]}, tokenizers {want[place : place + 5]}, text {text[:200]!r}")

    def summary(self):
        speeds = ", ".join(f"{who} {seconds:.1f} s" for who, seconds in self.seconds.items())
        return f"{self.texts:,} texts, {self.tokens:,} tokens, {self.differing} differ ({speeds})"


def compare(model, folder, max_length):
    comparison = Comparison(model, max_length)
    texts = texts_of(folder)
    while block := list(itertools.islice(texts, TEXTS_AT_ONCE)):
        comparison.add(block)
    print(f"{folder.name}: {comparison.summary()}", flush=True)
    return comparison.differing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with tokenizer.json")
    parser.add_argument("--max-length", type=int, default=256, help="tokens at which texts are cut, the second time")
    parser.add_argument("folders", type=Path, nargs="+", metavar="DATA_FOLDER")
    arguments = parser.parse_args()
    for file in (arguments.model / "tokenizer.json", *(folder / "labels.jsonl" for folder in arguments.folders)):
        if not file.is_file():
            parser.error(f"{file} is not there.")
    sys.exit(1 if sum(compare(arguments.model, folder, arguments.max_length) for folder in arguments.folders) else 0)


if __name__ == "__main__":
    main()
