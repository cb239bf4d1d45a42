#!/usr/bin/env python3
"""Where a card's time goes in training and encoding: milliseconds and shares of its kernels by kind, and how long it had nothing to do.

    python benchmarks/speed/cuda_shares.py [--tokenizer FOLDER] [--work train documents labels] [--kernels]

The model, texts and settings are those of cuda.py. What is traced is a stretch in the middle, after everything is warm.
"""

import argparse
import collections
import re
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]
from cuda_rows import SETTINGS
from cuda_texts import Texts, make_model

# Kinds of work by what stands in a kernel's name; the first that fits counts.
KINDS = {
    "attention": r"flash|fmha|short_attention",
    "products": r"gemm|nvjet|cutlass|cublas|splitK",
    "norms with residual and dropout": r"add_norm|embed_norm",
    "activations": r"activate|gate_",
    "query, key, value side by side": r"join_kernel|rotate",
    "sums of columns": r"sum_rows",
    "gradients of embeddings": r"gather_kernel|join_chunks|[Ss]ort|Onesweep|Histogram|ExclusiveSum|cub",
    "optimizer": r"[Aa]dam|multi_tensor",
    "pooling": r"pool_",
    "loss": r"triplet|coefficient",
    "copies to and from the card": r"Memcpy (HtoD|DtoH)",
    "copies and zeros on the card": r"Memcpy DtoD|Memset|copy_kernel|fill|FillFunctor|direct_copy|CatArray",
}


def kind_of(name):
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, name)), "other")


def traced(work):
    """Events of the card, as (name, begin, end) in microseconds, while `work` runs."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as trace:
        work()
    found = []
    for event in trace.events():
        if event.device_type.name == "CUDA":
            found.append((event.name, event.time_range.start, event.time_range.end))
    return sorted(found, key=lambda event: event[1])


def busy_time(events):
    """Microseconds in which at least one of them ran."""
    busy, until = 0.0, float("-inf")
    for _, begin, end in events:
        busy += max(0.0, end - max(begin, until))
        until = max(until, end)
    return busy


def table(title, events, per):
    begin, end = events[0][1], max(event[2] for event in events)
    spans = collections.Counter()
    counts = collections.Counter()
    for name, start, stop in events:
        spans[kind_of(name)] += stop - start
        counts[kind_of(name)] += 1
    span = end - begin
    print(f"\n{title}: {span / 1e3:.1f} ms, the card busy for {100 * busy_time(events) / span:.1f} %")
    for kind, micros in spans.most_common():
        print(f"  {kind:36} {micros / 1e3 / per:8.3f} ms each, {100 * micros / span:5.1f} %, {counts[kind] / per:.0f} kernels")


def kernels(events, per):
    spans, counts = collections.Counter(), collections.Counter()
    for name, start, stop in events:
        spans[name] += stop - start
        counts[name] += 1
    for name, micros in spans.most_common(45):
        print(f"  {micros / 1e3 / per:8.3f} ms {counts[name] / per:6.1f}x  {kind_of(name)[:20]:20} {name[:150]}")


def middle(events, share=0.5):
    """Events of the middle of the trace."""
    begin, end = events[0][1], events[-1][2]
    cut = (1 - share) / 2 * (end - begin)
    return [event for event in events if event[1] >= begin + cut and event[2] <= end - cut]


def training(folder, texts, settings):
    import lmtx

    size = settings["batch"]
    documents, labels = texts.documents(40 * size), texts.labels(40 * size)
    first = [{"uid": str(i), "title": "", "content": text} for i, text in enumerate(documents)]
    names = [{"uid": str(i), "title": text} for i, text in enumerate(labels)]
    base = lmtx.Encoder.load(folder, device="cuda")
    with tempfile.TemporaryDirectory() as out:
        lmtx.train(first, names, teacher=lambda document, labels: [True, *[False] * (len(labels) - 1)], teacher_identity="first/1", base=base, out=f"{out}/run", preset="paper",
                   progress=False, cycles=1, development=0, epochs=3, batch_size=size, checkpoint_every=10**6, document_length=settings["longest_document"],
                   learning_rate=2e-5, judgments_per_cycle=2)


def steps_of(events):
    """The part of a training's trace between optimizer steps of its middle, and how many steps that is."""
    ends = [end for name, _, end in events if re.search("[Aa]dam", name)]
    # One step launches several; a pause of a millisecond parts steps.
    bounds = [a for a, b in zip(ends, [*ends[1:], float("inf")], strict=True) if b - a > 1000]
    first, last = len(bounds) // 4, 3 * len(bounds) // 4
    chosen = [event for event in events if bounds[first] <= event[1] and event[2] <= bounds[last]]
    return chosen, last - first


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", required=True, help="a folder with the files of a WordPiece tokenizer")
    parser.add_argument("--work", nargs="+", default=["train", "documents", "labels"], choices=["train", "documents", "labels"])
    parser.add_argument("--kernels", action="store_true", help="each kernel, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        folder.mkdir()
        make_model(folder, options.tokenizer, SETTINGS["shape"], SETTINGS["longest_document"], SETTINGS["seed"])
        texts = Texts(options.tokenizer, SETTINGS)
        for work in options.work:
            report(work, folder, texts, options.kernels)


def report(work, folder, texts, with_kernels):
    import lmtx

    if work == "train":
        events, per = steps_of(traced(lambda: training(folder, texts, SETTINGS)))
        print(f"\na step of {SETTINGS['batch']} documents: {(events[-1][2] - events[0][1]) / per / 1e3:.2f} ms, mean of {per}")
    else:
        chosen = texts.documents(20_000) if work == "documents" else texts.labels(200_000)
        encoder = lmtx.Encoder.load(folder, device="cuda")
        encoder.encode(chosen[:20_000], dtype="float16")
        events, per = middle(traced(lambda: encoder.encode(chosen, dtype="float16"))), 1
    table(work, events, per)
    if with_kernels:
        kernels(events, per)


if __name__ == "__main__":
    main()
