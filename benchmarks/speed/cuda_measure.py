"""How each row of cuda.py is measured."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from common.intervals import Figure, median_ratio
from common.workers import Worker, WorkerError
from cuda_flops import forward_flops, peak_of, training_flops
from cuda_rows import TRAININGS
from cuda_texts import SPECIAL_TOKENS, Texts, make_model

CONTESTANTS = Path(__file__).parent / "cuda_contestants.py"
# Batches of the peers' training, which take turns.
BATCHES = 16
DTYPE = "float16"


class NotRun(Exception):
    """Why a row cannot be measured here."""


class Bench:
    """With `peers_only` LMTX is not run, and no row has a figure."""

    def __init__(self, folder, tokenizer, settings, peers_only=False):
        self.folder, self.settings, self.peers_only = Path(folder), settings, peers_only
        self.model = self.folder / "model"
        self.model.mkdir()
        make_model(self.model, tokenizer, settings["shape"], settings["longest_document"], settings["seed"])
        self.texts = Texts(tokenizer, settings)
        with self.worker("pytorch") as worker:
            self.card = worker.call("card")
            self.peak, source = peak_of(self.card["card"], worker.call("product_rate"))
        self.card |= {"peak_tflops": round(self.peak / 1e12), "peak_from": source, "driver": driver_version()}

    def worker(self, kind):
        return Worker([sys.executable, str(CONTESTANTS), kind, str(self.model)], {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"})

    def versions(self):
        found = {"Python": ".".join(map(str, sys.version_info[:3]))}
        for kind in ("pytorch", "sentence-transformers", *([] if self.peers_only else ["lmtx"])):
            with self.worker(kind) as worker:
                found |= worker.call("versions")
        return found

    def measure(self, group, wanted):
        """Results of the wanted rows by name."""
        print(f"== {', '.join(wanted)}", flush=True)
        begin = time.perf_counter()
        try:
            method, *arguments = group
            measured = getattr(self, method)(*arguments, wanted)
        except (NotRun, WorkerError) as reason:
            measured = dict.fromkeys(wanted, {"not_run": str(reason)})
        for name in wanted:
            figure = measured[name].get("figure")
            print(f"{name}: {measured[name].get('not_run') or figure}; peer {measured[name].get('peer')}, LMTX {measured[name].get('lmtx')}", flush=True)
        print(f"({time.perf_counter() - begin:.0f} s)", flush=True)
        return {name: measured[name] for name in wanted}

    def call(self, worker, method, **arguments):
        """With all that the worker wrote where it fails."""
        try:
            return worker.call(method, **arguments)
        except WorkerError:
            print(worker.output(), flush=True)
            raise

    def file_of(self, name, texts):
        file = self.folder / f"{name}.json"
        if not file.exists():
            file.write_text(json.dumps(texts), encoding="utf-8")
        return str(file)

    # -- training

    def training(self, wanted):
        documents, labels = self.training_texts()
        lengths = [tokens_of(texts[: BATCHES * self.settings["batch"]]) for texts in (documents, labels)]
        tokens = self.peer_batches(documents, labels)
        peers = {kind: self.peer_training(kind, tokens) for kind in TRAININGS if f"train-{kind}" in wanted}
        step_flops = training_flops(self.settings["shape"], [length for of_kind in lengths for length in of_kind]) / BATCHES
        if self.peers_only:
            return {f"train-{kind}": peer if "not_run" in peer else self.peer_only(peer["peer"], peer) for kind, peer in peers.items()}
        own = self.own_training(documents, labels)
        speed = self.settings["batch"] / statistics.median(own["step_seconds"])
        share = {"lmtx": speed, "lmtx_peak_share": step_flops * speed / self.settings["batch"] / self.peak, "lmtx_step_seconds": own["step_seconds"]}
        return {f"train-{kind}": peer if "not_run" in peer else self.training_row(peer, own, share, step_flops) for kind, peer in peers.items()}

    def training_row(self, peer, own, share, step_flops):
        figure = median_ratio(peer["peer_step_seconds"], own["step_seconds"])
        peer_share = step_flops * peer["peer"] / self.settings["batch"] / self.peak
        return {"figure": asdict(figure), **peer, "peer_peak_share": peer_share, **share}

    def training_texts(self):
        """Enough documents for all steps in a few passes, and the labels they are trained on."""
        documents = self.texts.documents(40 * self.settings["batch"])
        return documents, self.texts.labels(len(documents))

    def peer_batches(self, documents, labels):
        """A file of the token ids of the first texts, by batches."""
        size = self.settings["batch"]
        with self.worker("sentence-transformers") as worker:
            ids = []
            for name, texts in (("documents", documents), ("labels", labels)):
                self.call(worker, "read", texts=self.file_of(f"training-{name}", texts))
                ids.append(self.call(worker, "token_ids", count=BATCHES * size))
        for found, texts in zip(ids, (documents, labels), strict=True):
            if list(map(len, found)) != tokens_of(texts[: BATCHES * size]):
                raise NotRun("the texts have other numbers of tokens than they were made for")
        return self.file_of("batches", [[of_kind[i * size : (i + 1) * size] for of_kind in ids] for i in range(BATCHES)])

    def peer_training(self, kind, tokens):
        steps, settings = self.settings["peer_steps"], self.settings
        try:
            with self.worker("pytorch") as worker:
                found = self.call(worker, "train", kind=kind, tokens=tokens, longest=settings["longest_document"],
                                  warm_up=settings["peer_warm_up_steps"], steps=steps, repetitions=settings["repetitions"])
        except WorkerError as error:
            return {"not_run": str(error)}
        seconds = [value / steps for value in found["seconds"]]
        speed = settings["batch"] / statistics.median(seconds)
        print(f"{kind}: {speed:,.0f} documents/s after {found['warm_up_seconds']:.0f} s", flush=True)
        return {"peer": speed, "peer_step_seconds": rounded(seconds), "peer_card_bytes": found["card_bytes"]}

    def own_training(self, documents, labels):
        """Seconds a step in each repetition, by the events of the library's own loop. Checkpoints, which have their own time in the row of a cycle, wait."""
        settings = self.settings
        last = settings["warm_up_steps"] + settings["steps"] * settings["repetitions"]
        steps_a_pass = len(documents) // settings["batch"]
        options = {"cycles": 1, "development": 0, "epochs": -(-last // steps_a_pass) + 1, "batch_size": settings["batch"], "checkpoint_every": 10**6,
                   "document_length": settings["longest_document"], "learning_rate": 2e-5, "judgments_per_cycle": 2}
        with self.worker("lmtx") as worker:
            found = self.call(worker, "run_curriculum", documents=self.file_of("training-documents", documents),
                              labels=self.file_of("training-labels", labels), options=options)
        marks = range(settings["warm_up_steps"], last + 1, settings["steps"])
        return {"step_seconds": rounded(seconds_between(found["steps"], marks))}

    # -- encoding

    def encode(self, kind, wanted):
        settings = self.settings
        texts = getattr(self.texts, kind)(settings[kind])
        file = self.file_of(kind, texts)
        with self.worker("sentence-transformers") as peer, contextlib.ExitStack() as stack:
            self.call(peer, "read", texts=file)
            size = self.tune(peer, settings[f"tuning_{kind}"], settings[f"{kind.removesuffix('s')}_batch_sizes"])
            counts = {"peer": settings[f"peer_{kind}"], "lmtx": settings[kind]}
            turns = {"peer": lambda: self.call(peer, "encode", count=counts["peer"], batch_size=size)}
            shared = {"batch_size": size, "texts": counts, "mean_tokens": round(statistics.fmean(tokens_of(texts)), 1)}
            if not self.peers_only:
                own = stack.enter_context(self.worker("lmtx"))
                self.call(own, "read", texts=file)
                self.call(own, "encode", count=settings[kind] // 4, dtype=DTYPE)
                shared["difference"] = self.compare_vectors(peer, own, size)
                turns["lmtx"] = lambda: self.call(own, "encode", count=counts["lmtx"], dtype=DTYPE)
            # One more, which does not count: memory is got for so many texts.
            rounds = [{name: turn() / counts[name] for name, turn in turns.items()} for _ in range(settings["repetitions"] + 1)]
            seconds = {name: [values[name] for values in rounds[1:]] for name in turns}
        return dict.fromkeys(wanted, self.encode_row(seconds, texts, shared))

    def encode_row(self, seconds, texts, shared):
        shared["text_seconds"] = {name: [float(f"{value:.4g}") for value in values] for name, values in seconds.items()}
        speeds = {name: 1 / statistics.median(values) for name, values in seconds.items()}
        if self.peers_only:
            return self.peer_only(speeds["peer"], shared)
        flops = forward_flops(self.settings["shape"], tokens_of(texts)) / len(texts)
        shares = {f"{name}_peak_share": flops * speed / self.peak for name, speed in speeds.items()}
        return {"figure": asdict(median_ratio(seconds["peer"], seconds["lmtx"])), **speeds, **shares, "dtype": DTYPE, **shared}

    def tune(self, worker, count, sizes):
        """The batch size at which the peer is fastest, once it has got its memory."""
        seconds = {}
        for size in sizes:
            _, *later = [self.call(worker, "encode", count=count, batch_size=size) for _ in range(4)]
            seconds[size] = min(later)
        print("  ".join(f"{size}: {count / value:,.0f}/s" for size, value in seconds.items()), flush=True)
        return min(seconds, key=seconds.get)

    def compare_vectors(self, peer, own, size):
        """The largest difference of any number: both do the same work."""
        files = [str(self.folder / f"{name}.npy") for name in ("peer", "own")]
        self.call(peer, "encode", count=256, batch_size=size, out=files[0])
        self.call(own, "encode", count=256, dtype=DTYPE, out=files[1])
        vectors = [np.load(file).astype(np.float64) for file in files]
        return float(f"{np.abs(vectors[0] - vectors[1]).max():.2g}")

    # -- search

    def search(self, labels, wanted):
        try:
            from cuda_search import measure_search
        except ImportError as error:
            raise NotRun(f"the search cannot be measured: {error}") from None
        return measure_search(self, labels, wanted)

    # -- a cycle

    def cycle(self, wanted):
        if self.peers_only:
            raise NotRun("only the peers were measured")
        settings = self.settings
        documents = self.file_of("cycle-documents", self.texts.documents(settings["cycle_documents"]))
        labels = self.file_of("cycle-labels", self.texts.labels(settings["cycle_labels"]))
        options = {"cycles": 1, "batch_size": settings["batch"], "document_length": settings["longest_document"]}
        with self.worker("lmtx") as worker:
            found = self.call(worker, "run_curriculum", documents=documents, labels=labels, options=options)
        seconds = cycle_seconds(found["stages"])
        row = {"figure": asdict(Figure(seconds, seconds, seconds)), "lmtx": seconds, "run": found["seconds"], "timeline": timeline(found["stages"], found["seconds"])}
        return dict.fromkeys(wanted, {**row, "steps": found["steps"][-1][1], "judgments": found["judgments"], "notices": found["notices"]})

    def peer_only(self, peer, more):
        return {"not_run": "only the peers were measured", **more, "peer": peer}


def tokens_of(texts):
    """Of texts of cuda_texts.py, where a word is a token."""
    return [text.count(" ") + 1 + SPECIAL_TOKENS for text in texts]


def seconds_between(times, marks):
    """Seconds a step between marks, which are steps done; from when the first event at or past each came."""
    passed = []
    for mark in marks:
        at_or_past = next(((seconds, done) for seconds, done in times if done >= mark), None)
        if at_or_past is None:
            raise NotRun(f"the training ended before step {mark}")
        passed.append(at_or_past)
    return [(b[0] - a[0]) / (b[1] - a[1]) for a, b in zip(passed, passed[1:], strict=False)]


def cycle_seconds(stages):
    """From the begin of the first shortlists to that of saving the tagger: what a further cycle would take."""
    begin = next(end - lasted for end, stage, lasted in stages if stage == "embed labels")
    return next(end - lasted for end, stage, lasted in stages if stage == "save tagger") - begin


def timeline(stages, seconds):
    """From when to when each stage lasted, in order; what lies between is there, too, where it took a twentieth of a second."""
    found = []
    for end, stage, lasted in [*stages, (seconds, "", 0.0)]:
        before = found[-1][2] if found else 0.0
        if end - lasted - before >= 0.05:
            found.append(["between", before, end - lasted])
        if stage:
            found.append([stage, end - lasted, end])
    return [[stage, round(begin, 2), round(end, 2)] for stage, begin, end in found]


def driver_version():
    try:
        done = subprocess.run(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"], capture_output=True, text=True)
    except OSError:
        return "unknown"
    return (done.stdout.splitlines() or ["unknown"])[0]


def rounded(values):
    return [round(value, 6) for value in values]
