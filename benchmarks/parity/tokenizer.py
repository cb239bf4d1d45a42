#!/usr/bin/env python3
"""Compares token ids with Hugging Face's `tokenizers`: every document and label of data folders, and generated texts.

    python benchmarks/parity/tokenizer.py --model MODEL_FOLDER DATA_FOLDER...
    python benchmarks/parity/tokenizer.py --kind all --generated 1000000 --out benchmarks/parity/results/tokenizer.json

A data folder holds labels.jsonl and any of train, dev, test as .jsonl or .jsonl.gz; without any named, those in the folder LMTX_DATA are read, if it
is set. Ids are compared uncut, and for one block of texts in eight also cut at --max-length tokens. A --kind is a tokenizer with the settings of a
well-known model, trained here on the bills of the demo and on generated texts, since its own vocabulary needs a network. Prints a line for each, and
the first texts that differ. Exit code 1 if any differ, 2 for wrong input.
"""

import argparse
import itertools
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import lmtx
import tokenizers
from lmtx.models import bundled_minilm

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests/python/text")]
import subword_models
from common.data import data_folders, texts_of
from random_texts import random_texts

KINDS = ("wordpiece", "roberta", "modernbert", "xlm_roberta", "bge_m3", "newly_converted", "sentencepiece_bpe")
# Some of them are special in each kind.
TOKENS = ["[CLS]", "[SEP]", "[MASK]", "[UNK]"]
TOKENS += ["<s>", "</s>", "<mask>", " <mask>", "<unk>", "<pad>", "<|padding|>", "[unused0]", "  ", "    ", "▁", "▁▁", "'s"]
# So that texts of generated blocks are others than those of training.
FIRST_SEED = 1_000

UNCUT = 2**40
TEXTS_AT_ONCE = 2_000
# Of the blocks of texts one in so many is compared cut, too.
BLOCKS_PER_CUT = 8
DIFFERENCES_SHOWN = 5


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

    def add(self, texts, also_cut):
        for max_length, theirs in ((UNCUT, self.uncut), *([(self.max_length, self.cut)] if also_cut else [])):
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

    def row(self, name, source):
        seconds = {who: round(seconds, 1) for who, seconds in self.seconds.items()}
        return {"tokenizer": name, "texts_of": source, "texts": self.texts, "tokens": self.tokens, "differing": self.differing, "seconds": seconds}

    def summary(self):
        speeds = ", ".join(f"{who} {seconds:.1f} s" for who, seconds in self.seconds.items())
        return f"{self.texts:,} texts, {self.tokens:,} tokens, {self.differing} differ ({speeds})"


def make_kind(kind, folder):
    """A folder with a tokenizer of this kind."""
    if kind == "wordpiece":
        return bundled_minilm()
    bills = list(itertools.islice((text for text in texts_of(ROOT / "examples/us-bills-110") if len(text) > 100), 1_000))
    odd = random_texts(2_000, seed=99)
    if kind in ("roberta", "modernbert", "sentencepiece_bpe"):
        tokenizer = getattr(subword_models, kind)(bills + odd, 12_000)
    else:
        tokenizer = getattr(subword_models, kind)(bills, 4_000, more_pieces=subword_models.random_pieces(odd))
    return subword_models.write(tokenizer, folder / kind)


def blocks_of(texts):
    while block := list(itertools.islice(texts, TEXTS_AT_ONCE)):
        yield block


def generated(count):
    for block in range(-(-count // TEXTS_AT_ONCE)):
        yield from random_texts(min(TEXTS_AT_ONCE, count - block * TEXTS_AT_ONCE), seed=FIRST_SEED + block, tokens=TOKENS)


def compare(models, source, texts, max_length):
    """One pass over the texts for all models; their rows."""
    comparisons = {name: Comparison(folder, max_length) for name, folder in models.items()}
    for number, block in enumerate(blocks_of(texts)):
        for comparison in comparisons.values():
            comparison.add(block, also_cut=number % BLOCKS_PER_CUT == 0)
    for name, comparison in comparisons.items():
        print(f"{name}, {source}: {comparison.summary()}", flush=True)
    return [comparison.row(name, source) for name, comparison in comparisons.items()]


def write_results(rows, file):
    """Rows that the file has of other tokenizers or texts stay there."""
    if file.exists():
        ours = {(row["tokenizer"], row["texts_of"]) for row in rows}
        rows = [row for row in json.loads(file.read_text())["rows"] if (row["tokenizer"], row["texts_of"]) not in ours] + rows
    machine = {"machine": platform.machine(), "cores": len(os.sched_getaffinity(0)), "tokenizers": tokenizers.__version__, "lmtx": lmtx.__version__}
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    file.write_text(json.dumps(machine)[:-1] + f', "rows": [\n{rows}\n]}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, action="append", default=[], help="folder with tokenizer.json; repeatable")
    parser.add_argument("--kind", choices=("all", *KINDS), action="append", default=[], help="a tokenizer made here; repeatable")
    parser.add_argument("--generated", type=int, default=0, metavar="N", help="compare N generated texts, too")
    parser.add_argument("--max-length", type=int, default=256, help="tokens at which texts are cut, the second time")
    parser.add_argument("--out", type=Path, help="a file for the figures, JSON")
    parser.add_argument("folders", type=Path, nargs="*", metavar="DATA_FOLDER")
    arguments = parser.parse_args()
    kinds = KINDS if "all" in arguments.kind else arguments.kind
    if not arguments.model and not kinds:
        parser.error("name a --model or a --kind.")
    for file in (*(model / "tokenizer.json" for model in arguments.model), *(folder / "labels.jsonl" for folder in arguments.folders)):
        if not file.is_file():
            parser.error(f"{file} is not there.")
    with tempfile.TemporaryDirectory() as made:
        models = {model.name: model for model in arguments.model} | {kind: make_kind(kind, Path(made)) for kind in kinds}
        sources = [(folder.name, texts_of(folder)) for folder in data_folders(arguments.folders)]
        if arguments.generated:
            sources.append(("generated", generated(arguments.generated)))
        rows = []
        for name, texts in sources:
            rows += compare(models, name, texts, arguments.max_length)
            if arguments.out:
                write_results(rows, arguments.out)
    sys.exit(1 if any(row["differing"] for row in rows) else 0)


if __name__ == "__main__":
    main()
