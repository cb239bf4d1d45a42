"""How each row of encode_cpu.py is measured."""

import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from common.data import distinct_texts, document_text, documents_of, read_lines
from common.intervals import Figure, mean_difference, median_ratio
from common.results import ROOT
from common.workers import Worker, WorkerError
from contestants import FIRST_TEXT, environment
from encode_rows import LABEL_SET, SETS

CONTESTANTS = Path(__file__).parent / "contestants.py"
# Before a turn: threads of the last one that still wait actively have given up by then.
PAUSE = 0.1
# What users write. The vector is printed, so that it is there.
PEER_PROGRAM = """
import sys
from sentence_transformers import SentenceTransformer
print(SentenceTransformer(sys.argv[1], device="cpu", backend=sys.argv[2]).encode(sys.argv[3])[0], flush=True)
"""
OWN_PROGRAM = """
import sys
import lmtx
print(lmtx.Encoder.load(sys.argv[1]).encode(sys.argv[2])[0], flush=True)
"""


class NotRun(Exception):
    """Why a row cannot be measured here."""


class Bench:
    def __init__(self, model, folders, threads, onnx_python, settings):
        self.model = str(model or bundled_model())
        self.folders, self.threads, self.settings = folders, threads, settings
        self.pythons = {"onnx": str(onnx_python)}
        self.environment = environment(threads)

    def worker(self, kind):
        return Worker([self.pythons.get(kind, sys.executable), str(CONTESTANTS), kind, self.model, str(self.threads)], self.environment)

    def versions(self):
        """Of everything that runs; the ONNX Runtime backend may have to live with an older sentence-transformers."""
        found = {"Python": ".".join(map(str, sys.version_info[:3]))}
        for kind in ("lmtx", "pytorch"):
            with self.worker(kind) as worker:
                found |= worker.call("versions")
        self.onnx_lacks = ""
        try:
            with self.worker("onnx") as worker:
                found |= {f"{name} (ONNX backend)" if name in found else name: version for name, version in worker.call("versions").items()}
        except (WorkerError, OSError) as error:
            self.onnx_lacks = f"the ONNX Runtime backend does not run: {error}"
            print(self.onnx_lacks, flush=True)
        return found

    def measure(self, group, wanted):
        """Results of the wanted rows by name."""
        print(f"== {', '.join(wanted)}", flush=True)
        try:
            method, *arguments = group
            measured = getattr(self, method)(*arguments, wanted)
        except (NotRun, WorkerError) as reason:
            measured = dict.fromkeys(wanted, {"not_run": str(reason)})
        for name in wanted:
            print(f"{name}: {measured[name].get('not_run') or measured[name]['figure']}", flush=True)
        return {name: measured[name] for name in wanted}

    # -- text to vectors

    def encode(self, data, wanted):
        texts = self.texts_of(data)
        kinds = ["pytorch", *([] if self.onnx_lacks else ["onnx"]), "lmtx"]
        with contextlib.ExitStack() as stack:
            workers = {kind: stack.enter_context(self.worker(kind)) for kind in kinds}
            return self.encode_with(workers, texts, data, wanted)

    def encode_with(self, workers, texts, data, wanted):
        short = data == LABEL_SET
        tuning, size = (self.settings[name] for name in (("tuning_labels", "labels") if short else ("tuning_documents", "documents")))
        batch_sizes = {kind: self.tune(workers[kind], texts[:tuning]) for kind in workers if kind != "lmtx"}
        lacks = self.warm_up(workers["lmtx"], texts[:tuning])
        blocks = [texts[tuning + i * size : tuning + (i + 1) * size] for i in range(self.settings["repetitions"])]
        turns = {kind: lambda block, kind=kind, **out: workers[kind].call("encode", texts=block, batch_size=batch_sizes[kind], **out) for kind in batch_sizes}
        own = ("float32", *([] if lacks else ["int8"]))
        turns |= {dtype: lambda block, dtype=dtype, **out: workers["lmtx"].call("encode", texts=block, dtype=dtype, **out) for dtype in own}
        differences = self.compare_vectors(turns, texts[:tuning])
        tokens = [workers["lmtx"].call("count_tokens", texts=block) for block in blocks]
        seconds = take_turns(turns, blocks)
        seconds["products"] = [workers["pytorch"].call("products", tokens=count) for count in tokens]
        shared = {"texts": size, "tokens": round(sum(tokens) / len(blocks) / size, 1), "batch_sizes": batch_sizes, "seconds": rounded(seconds)}
        return {name: self.encode_row(name.split("-")[0], seconds, size, {**shared, "difference": differences}, lacks) for name in wanted}

    def encode_row(self, dtype, seconds, size, shared, lacks):
        if self.onnx_lacks:
            return {"not_run": self.onnx_lacks, **shared}
        if dtype == "int8" and lacks:
            return {"not_run": lacks}
        peer = fastest(seconds, ("pytorch", "onnx"))
        speeds = {name: size / statistics.median(values) for name, values in seconds.items()}
        return {**ratio_row(seconds[peer], seconds[dtype], speeds[peer], speeds[dtype]), "against": peer, "products": speeds["products"], **shared}

    def tune(self, worker, texts):
        """The batch size at which a peer is fastest."""
        worker.call("encode", texts=texts, batch_size=32)
        return min(self.settings["batch_sizes"], key=lambda size: worker.call("encode", texts=texts, batch_size=size))

    def warm_up(self, worker, texts):
        """Why int8 cannot be measured; empty where it can."""
        worker.call("encode", texts=texts, dtype="float32")
        try:
            worker.call("encode", texts=texts, dtype="int8")
        except WorkerError as error:
            return f"LMTX has no int8 here: {error}"
        return ""

    @staticmethod
    def compare_vectors(turns, texts):
        """The largest difference of each contestant's vectors to those of PyTorch: all do the same work."""
        with tempfile.TemporaryDirectory() as folder:
            vectors = {}
            for name, turn in turns.items():
                turn(texts, out=f"{folder}/{name}.npy")
                vectors[name] = np.load(f"{folder}/{name}.npy").astype(np.float64)
        return {name: float(f"{np.abs(got - vectors['pytorch']).max():.2g}") for name, got in vectors.items() if name != "pytorch"}

    # -- precision of int8

    def precision(self, wanted):
        folders = {data: self.folder(data) for data in SETS}
        with self.worker("lmtx") as worker:
            hits = {data: {dtype: self.hits(worker, folder, dtype) for dtype in ("float32", "int8")} for data, folder in folders.items()}
        differences = [[100.0 * (b - a) for a, b in zip(*found.values(), strict=True)] for found in hits.values()]
        precision = {data: {dtype: round(100 * statistics.fmean(values), 2) for dtype, values in found.items()} for data, found in hits.items()}
        mean = {dtype: statistics.fmean(found[dtype] for found in precision.values()) for dtype in ("float32", "int8")}
        figure = asdict(mean_difference(differences))
        return dict.fromkeys(wanted, {"figure": figure, "peer": mean["float32"], "lmtx": mean["int8"], "precision": precision})

    def hits(self, worker, folder, dtype):
        """Whether the nearest label is right, for each document of the test split."""
        labels = [label["title"] for label in read_lines(folder / "labels.jsonl")]
        documents = [document for document in documents_of(folder, "test") if document["target_ind"]][: self.settings["precision_documents"]]
        found = worker.call("first_labels", labels=labels, documents=[document_text(document) for document in documents], dtype=dtype)
        return [label in document["target_ind"] for label, document in zip(found, documents, strict=True)]

    # -- tokenization

    def tokens(self, data, wanted):
        kinds = ("encode_batch", "encode_batch_fast", "lmtx-tokenizer")
        texts = self.texts_of(data)[: self.settings["tokenized_documents"]]
        tokens = {}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(texts, file)
            file.flush()

            def turn(kind):
                with self.worker(kind) as worker:
                    worker.call("read", texts=file.name)
                    seconds, tokens[kind] = worker.call("tokenize")
                    return seconds

            seconds = take_turns({kind: lambda _, kind=kind: turn(kind) for kind in kinds}, range(self.settings["repetitions"]))
        if len(set(tokens.values())) > 1:
            raise NotRun(f"the numbers of tokens differ: {tokens}")
        peer = fastest(seconds, kinds[:2])
        speeds = {kind: tokens[kind] / statistics.median(values) for kind, values in seconds.items()}
        row = ratio_row(seconds[peer], seconds["lmtx-tokenizer"], speeds[peer], speeds["lmtx-tokenizer"])
        return dict.fromkeys(wanted, {**row, "against": peer, "texts": len(texts), "tokens": tokens[peer], "seconds": rounded(seconds)})

    # -- start

    def start(self, wanted):
        python = [sys.executable, "-c"]
        commands = {"pytorch": [*python, PEER_PROGRAM, self.model, "torch", FIRST_TEXT], "python": [*python, OWN_PROGRAM, self.model, FIRST_TEXT]}
        with tempfile.TemporaryDirectory() as folder:
            lacks = {"start-python": self.onnx_lacks, "start-cpp": self.onnx_lacks}
            if not self.onnx_lacks:
                with self.worker("onnx") as worker:
                    worker.call("export", out=f"{folder}/onnx")
                commands["onnx"] = [self.pythons["onnx"], "-c", PEER_PROGRAM, f"{folder}/onnx", "onnx", FIRST_TEXT]
            if "start-cpp" in wanted:
                try:
                    commands["cpp"] = [str(build_example("embed", Path(folder))), self.model]
                except NotRun as reason:
                    lacks["start-cpp"] = str(reason)
            for command in commands.values():  # files into memory
                self.seconds_to_first_line(command)
            turns = {name: lambda _, command=command: self.seconds_to_first_line(command) for name, command in commands.items()}
            seconds = take_turns(turns, range(self.settings["starts"]))
        return {name: self.start_row(name.removeprefix("start-"), seconds, lacks[name]) for name in wanted}

    @staticmethod
    def start_row(own, seconds, lacks):
        if lacks:
            return {"not_run": lacks}
        peer = fastest(seconds, [name for name in ("pytorch", "onnx") if name in seconds])
        row = ratio_row(seconds[peer], seconds[own], statistics.median(seconds[peer]), statistics.median(seconds[own]))
        return {**row, "against": peer, "seconds": rounded({name: values for name, values in seconds.items() if name in ("pytorch", "onnx", own)})}

    def seconds_to_first_line(self, command):
        with tempfile.TemporaryFile("w+") as errors:
            start = time.perf_counter()
            with subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
                with contextlib.suppress(BrokenPipeError):
                    print(FIRST_TEXT, file=process.stdin, flush=True)
                line = process.stdout.readline()
                seconds = time.perf_counter() - start
                process.communicate()
            if not line:
                errors.seek(0)
                raise WorkerError(f"{command[0]}: {(errors.read().splitlines() or ['no output'])[-1]}")
        return seconds

    # -- memory

    def memory(self, wanted):
        counts = self.settings["memory_texts"]
        texts = self.short_texts(max(counts))
        peaks = {count: {kind: self.peak(kind, texts[:count]) for kind in ("pytorch", "lmtx")} for count in counts}
        growth = 100 * (peaks[counts[1]]["lmtx"] / peaks[counts[0]]["lmtx"] - 1)
        found = {"memory-growth": {"figure": single(growth), "lmtx": (peaks[counts[1]]["lmtx"] - peaks[counts[0]]["lmtx"]) / 1e6}}
        for name, count in zip(("memory-50000", "memory-200000"), counts):
            peak = peaks[count]
            found[name] = {"figure": single(peak["pytorch"] / peak["lmtx"]), "peer": peak["pytorch"] / 1e6, "lmtx": peak["lmtx"] / 1e6, "against": "pytorch"}
        return {name: {**found[name], "bytes": {str(count): peak for count, peak in peaks.items()}} for name in wanted}

    def peak(self, kind, texts):
        """Bytes that a fresh process held at most while it made a file of vectors of a file of documents."""
        with tempfile.TemporaryDirectory() as folder, self.worker(kind) as worker:
            documents = Path(folder, "documents.jsonl")
            documents.write_text("".join(f"{json.dumps({'uid': str(i), 'content': text})}\n" for i, text in enumerate(texts)), encoding="utf-8")
            peak = worker.call("encode_file", documents=str(documents), out=f"{folder}/vectors.npy")
        print(f"{kind}, {len(texts):,} texts: {peak / 1e6:,.0f} MB", flush=True)
        return peak

    def short_texts(self, count):
        """Distinct runs of a few words out of the documents of the set with labels."""
        size, found = self.settings["memory_words"], {}
        for document in documents_of(self.folder(LABEL_SET)):
            words = document_text(document).split()
            found |= dict.fromkeys(" ".join(words[i : i + size]) for i in range(0, len(words) - size + 1, size))
            if len(found) >= count:
                return list(found)[:count]
        raise NotRun(f"{LABEL_SET} has only {len(found):,} distinct short texts")

    # -- data

    def folder(self, data):
        if data not in self.folders:
            raise NotRun(f"the data folder {data} is not there: name it with --data, or the folder that it is in with LMTX_DATA")
        return self.folders[data]

    def texts_of(self, data):
        """Distinct documents, or labels of the set with labels, in random order."""
        distinct = distinct_texts(self.folder(data), labels=data == LABEL_SET)
        random.Random(self.settings["seed"]).shuffle(distinct)
        return distinct


def bundled_model():
    from lmtx.models import bundled_minilm

    return bundled_minilm()


def take_turns(turns, blocks):
    """Seconds of each contestant in each repetition; who begins changes."""
    seconds = {name: [] for name in turns}
    names = list(turns)
    for i, block in enumerate(blocks):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            time.sleep(PAUSE)
            seconds[name].append(turns[name](block))
        print("  ".join(f"{name} {values[-1]:.3f} s" for name, values in seconds.items()), flush=True)
    return seconds


def fastest(seconds, names):
    return min(names, key=lambda name: statistics.median(seconds[name]))


def ratio_row(peer_seconds, own_seconds, peer, own):
    return {"figure": asdict(median_ratio(peer_seconds, own_seconds)), "peer": peer, "lmtx": own}


def single(value):
    return asdict(Figure(value, value, value))


def rounded(seconds):
    return {name: [round(value, 5) for value in values] for name, values in seconds.items()}


def build_example(name, folder):
    """A program of examples/cpp, built as users build it, against the package installed from the build tree that this lmtx is of."""
    import lmtx

    build = Path(lmtx._core.__file__).resolve().parents[2]
    if not (build / "CMakeCache.txt").is_file():
        raise NotRun(f"{build} is no build tree, which the C++ program needs")
    configure = ["cmake", "-S", ROOT / "examples/cpp", "-B", folder / "examples", f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}"]
    for command in (["cmake", "--install", build, "--prefix", folder / "prefix"], configure, ["cmake", "--build", folder / "examples", "--target", name]):
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
        if done.returncode:
            raise NotRun(f"{command[0]} {command[1]} failed: {(done.stderr.splitlines() or ['no output'])[-1]}")
    return folder / "examples" / name
