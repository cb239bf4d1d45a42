"""What encode_cpu.py compares, each in a process of its own: `contestants.py KIND MODEL THREADS` answers calls on standard input."""

import gc
import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common.workers import peak_memory, serve

# Tokens a product of matrices when these are measured alone: about the fastest size.
PRODUCT_ROWS = 1024
FIRST_TEXT = "A first text"


def timed(function):
    gc.collect()
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def pieces(count, size):
    return [size] * (count // size) + [count % size] * (count % size > 0)


def versions(*packages):
    return {package: importlib.metadata.version(package) for package in packages}


def save(vectors, file):
    import numpy

    if file:
        numpy.save(file, vectors)


class SentenceTransformers:
    """The PyTorch backend."""

    packages = ("sentence-transformers", "transformers", "tokenizers", "torch", "numpy")

    def __init__(self, folder, threads):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self.model = SentenceTransformer(folder, device="cpu", **self.backend(threads))

    def backend(self, threads):
        return {}

    def versions(self):
        return versions(*self.packages)

    def encode(self, texts, batch_size, out=None):
        vectors, seconds = timed(lambda: self.model.encode(texts, batch_size=batch_size))
        save(vectors, out)
        return seconds

    def encode_file(self, documents, out):
        """A file of documents to a file of vectors; bytes of memory. The encoder takes a list and gives an array, so all of both is in memory."""
        import numpy

        with open(documents, encoding="utf-8") as lines:
            texts = [json.loads(line)["content"] for line in lines]
        numpy.save(out, self.model.encode(texts))
        return peak_memory()

    def products(self, tokens):
        """Seconds that the matrix products of so many tokens take alone, by torch.nn.functional.linear."""
        import torch

        layers, weights, inputs = self.shapes()
        with torch.inference_mode():
            _, seconds = timed(lambda: [self.layer(inputs, weights, rows) for rows in pieces(tokens, PRODUCT_ROWS) for _ in range(layers)])
        return seconds

    def shapes(self):
        import torch

        config = self.model[0].auto_model.config
        width, inner = config.hidden_size, config.intermediate_size
        sizes = ((3 * width, width), (width, width), (inner, width), (width, inner))
        return config.num_hidden_layers, [torch.randn(size) for size in sizes], {size: torch.randn(PRODUCT_ROWS, size) for size in (width, inner)}

    @staticmethod
    def layer(inputs, weights, rows):
        import torch

        for weight in weights:
            torch.nn.functional.linear(inputs[weight.shape[1]][:rows], weight)


class Onnx(SentenceTransformers):
    """The ONNX Runtime backend, with its defaults besides the number of threads."""

    packages = (*SentenceTransformers.packages, "onnxruntime", "optimum-onnx")

    def backend(self, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        return {"backend": "onnx", "model_kwargs": {"provider": "CPUExecutionProvider", "session_options": options}}

    def export(self, out):
        """A folder that loads without another export."""
        self.model.save_pretrained(out)


class Lmtx:
    def __init__(self, folder, threads):
        # Takes its threads from OMP_NUM_THREADS, as any program that has no Python torch.
        import lmtx

        self.encoder = lmtx.Encoder.load(folder)

    def versions(self):
        import lmtx

        return {"lmtx": lmtx.__version__}

    def vectors(self, texts, dtype):
        return self.encoder.encode(texts) if dtype == "float32" else self.encoder.encode(texts, dtype=dtype)

    def encode(self, texts, dtype, out=None):
        vectors, seconds = timed(lambda: self.vectors(texts, dtype))
        save(vectors, out)
        return seconds

    def encode_file(self, documents, out):
        """A file of documents to a file of vectors; bytes of memory."""
        import lmtx

        self.encoder.encode_to_file(lmtx.Corpus.open(documents), out)
        return peak_memory()

    def count_tokens(self, texts):
        return sum(map(len, self.encoder.tokenizer.encode(texts, max_length=self.encoder.max_length)))

    def first_labels(self, labels, documents, dtype):
        """The number of the label nearest to each document."""
        label_vectors, document_vectors = (self.vectors(texts, dtype) for texts in (labels, documents))
        return [int((label_vectors @ vector).argmax()) for vector in document_vectors]


class Texts:
    """Tokenization alone, of the texts in a JSON file."""

    def read(self, texts):
        self.texts = json.loads(Path(texts).read_text(encoding="utf-8"))

    def tokenize(self):
        """Seconds and tokens. One text goes before, which imports NumPy and starts threads: that is part of the start, not of tokenization."""
        texts, self.texts = self.texts, [FIRST_TEXT]
        self.ids()
        self.texts = texts
        tokens, seconds = timed(self.ids)
        return seconds, sum(map(len, tokens))


class Tokenizers(Texts):
    method = "encode_batch"

    def __init__(self, folder, threads):
        import tokenizers

        self.tokenizer = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def ids(self):
        return getattr(self.tokenizer, self.method)(self.texts)


class TokenizersFast(Tokenizers):
    """Without offsets."""

    method = "encode_batch_fast"


class LmtxTokenizer(Texts):
    def __init__(self, folder, threads):
        import lmtx

        self.tokenizer = lmtx.Tokenizer.load(folder)

    def ids(self):
        return self.tokenizer.encode(self.texts, max_length=2**40)


KINDS = {
    "pytorch": SentenceTransformers,
    "onnx": Onnx,
    "lmtx": Lmtx,
    "encode_batch": Tokenizers,
    "encode_batch_fast": TokenizersFast,
    "lmtx-tokenizer": LmtxTokenizer,
}


def environment(threads):
    """The same for all of them. How threads wait is left as it is, since that is how users have it."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads)), "TOKENIZERS_PARALLELISM": "true", "HF_HUB_OFFLINE": "1"}


if __name__ == "__main__":
    kind, folder, threads = sys.argv[1:]
    serve(lambda: KINDS[kind](folder, int(threads)))
