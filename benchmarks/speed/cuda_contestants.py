"""What cuda.py compares, each in a process of its own: `cuda_contestants.py KIND MODEL` answers calls on standard input."""

import gc
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]
from common.workers import serve
from contestants import timed, versions


def read(file):
    return json.loads(Path(file).read_text(encoding="utf-8"))


class Texts:
    """The texts of a JSON file, encoded from the first on."""

    def read(self, texts):
        self.texts = read(texts)

    def encode(self, count, begin=0, out=None, **how):
        chosen = self.texts[begin : begin + count]
        vectors, seconds = timed(lambda: self.vectors(chosen, **how))
        if out:
            np.save(out, vectors)
        return seconds


class PyTorch:
    def __init__(self, folder):
        self.folder = folder

    def versions(self):
        import torch

        return {**versions("torch", "transformers"), "CUDA": torch.version.cuda}

    def card(self):
        import torch

        card = torch.cuda.get_device_properties(0)
        return {"card": card.name, "card_memory_gib": round(card.total_memory / 2**30), "card_multiprocessors": card.multi_processor_count}

    def product_rate(self, size=8192, repetitions=20):
        """FLOP/s of a large bfloat16 product."""
        import torch

        a, b = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
        for count in (3, repetitions):
            torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(count):
                a @ b
            torch.cuda.synchronize()
        return 2 * size**3 * repetitions / (time.perf_counter() - start)

    def train(self, kind, tokens, longest, warm_up, steps, repetitions):
        """Seconds of each repetition; `tokens` is a file of batches, each of documents and labels."""
        import torch
        from cuda_peers import Training

        training = Training(kind, self.folder, read(tokens), longest)
        start = time.perf_counter()
        training.run(warm_up)
        first = time.perf_counter() - start
        seconds = [training.run(steps) for _ in range(repetitions)]
        peak = torch.cuda.max_memory_allocated()
        del training
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        return {"seconds": seconds, "warm_up_seconds": first, "card_bytes": peak}


class SentenceTransformers(Texts):
    def __init__(self, folder):
        import torch
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(folder, device="cuda", model_kwargs={"torch_dtype": torch.float16})

    def versions(self):
        return versions("sentence-transformers", "transformers", "tokenizers", "torch", "numpy")

    def vectors(self, texts, batch_size):
        return self.model.encode(texts, batch_size=batch_size)

    def token_ids(self, count):
        """Of the first texts, special tokens included."""
        return self.model.tokenizer(self.texts[:count], truncation=True, max_length=self.model.max_seq_length)["input_ids"]


class Lmtx(Texts):
    def __init__(self, folder):
        import lmtx

        self.folder = folder
        self.encoder = lmtx.Encoder.load(folder, device="cuda")

    def versions(self):
        import lmtx

        return {"lmtx": lmtx.__version__}

    def vectors(self, texts, dtype):
        return self.encoder.encode(texts, dtype=dtype)

    def run_curriculum(self, documents, labels, options):
        """A run of the curriculum with a teacher that says yes to the first label at once.

        `steps` says when so many steps of training were told to be done, `stages` when a stage had ended and how long it took, both in seconds from the begin.
        """
        import lmtx

        documents, labels = read(documents), read(labels)
        steps, stages, notices = [], [], []

        def on_event(event):
            now = time.perf_counter() - begin
            if event.kind == "progress" and event.stage == "train":
                steps.append((now, event.done))
            if event.kind == "stage":
                stages.append((now, event.stage, event.seconds))
            if event.kind == "notice":
                notices.append(event.message)

        with tempfile.TemporaryDirectory() as out:
            begin = time.perf_counter()
            tagger = lmtx.train(documents, labels, teacher=first_is_right, teacher_identity="first/1", base=self.encoder, out=f"{out}/run", preset="paper",
                                progress=on_event, **options)
            seconds = time.perf_counter() - begin
        return {"seconds": seconds, "steps": steps, "stages": stages, "notices": notices, "judgments": tagger.report.total.judgments}


def first_is_right(document, labels):
    return [True, *[False] * (len(labels) - 1)]


KINDS = {"pytorch": PyTorch, "sentence-transformers": SentenceTransformers, "lmtx": Lmtx}


if __name__ == "__main__":
    kind, folder = sys.argv[1:]
    serve(lambda: KINDS[kind](folder))
