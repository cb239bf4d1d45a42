#!/usr/bin/env python3
"""What int8 and bfloat16 cost: vectors and precision@1 of the untouched MiniLM beside those of float32.

    python benchmarks/quality/encoder_dtypes.py [--data FOLDER ...]
    python benchmarks/quality/encoder_dtypes.py --check

A FOLDER has labels.jsonl and test.jsonl or test.jsonl.gz. The three sets of the table are looked for by name among the given folders, in the folder of sets
that LMTX_DATA names, and in examples/; one that is nowhere is listed as not run. Of a set at most 5,000 test documents are drawn (seeded); each gets the label whose
name's vector is nearest to its own, of all labels of the set, both in the same dtype. Writes results/encoder_dtypes.json beside this file.

`--check` computes nothing: it judges those results and ends with exit code 1 naming what is missed or was not measured. The aim: with int8 the mean
precision@1 of the three sets is lower by at most 0.3 points.
"""

import argparse
import json
import os
import platform
import random
import sys
import time
from pathlib import Path

import numpy as np

import lmtx
from lmtx.models import bundled_minilm

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from common.data import document_text, read_lines
from common.results import cpu_field

RESULTS = HERE / "results" / "encoder_dtypes.json"
SETS = ("us-bills-110", "debian-debtags", "tibkat-gnd-en")
DTYPES = ("float32", "bfloat16", "int8")
MOST_DOCUMENTS = 5000
SEED = 1
RESAMPLES = 10_000
# Points that the mean precision@1 may be lower with int8.
MOST_LOST = 0.3


def test_file(folder):
    return next((folder / name for name in ("test.jsonl.gz", "test.jsonl") if (folder / name).exists()), None)


def find_sets(given):
    """The folder of each set by its name: those given, then those of the table that are found elsewhere; None where a set is nowhere."""
    folders = {folder.resolve().name: folder for folder in given}
    places = [Path(os.environ["LMTX_DATA"])] if "LMTX_DATA" in os.environ else []
    places.append(HERE.parents[1] / "examples")
    for name in SETS:
        found = (place / name for place in places if (place / name / "labels.jsonl").exists())
        folders.setdefault(name, next(found, None))
    return folders


def nearest_label(documents, labels):
    """The row of `labels` with the largest product, for each row of `documents`."""
    blocks = (documents[i : i + 256] @ labels.T for i in range(0, len(documents), 256))
    return np.concatenate([block.argmax(axis=1) for block in blocks])


def measure_dtypes(encoder, documents, labels):
    """Vectors of documents, and labels that they get, by dtype."""
    vectors, found = {}, {}
    for dtype in DTYPES:
        vectors[dtype] = encoder.encode([document_text(document) for document in documents], dtype=dtype, normalize=True)
        found[dtype] = nearest_label(vectors[dtype], encoder.encode(labels, dtype=dtype, normalize=True))
    return vectors, found


def interval_of(interval):
    return {"points": round(100 * interval.value, 3), "low": round(100 * interval.low, 3), "high": round(100 * interval.high, 3)}


def measure_set(encoder, folder):
    labels = [label["title"] for label in read_lines(folder / "labels.jsonl")]
    documents = list(read_lines(test_file(folder)))
    if len(documents) > MOST_DOCUMENTS:
        documents = random.Random(SEED).sample(documents, MOST_DOCUMENTS)
    vectors, found = measure_dtypes(encoder, documents, labels)
    targets = [document["target_ind"] for document in documents]
    correct = {dtype: lmtx.precision_per_document(targets, found[dtype][:, None], k=1) for dtype in DTYPES}
    rows = {}
    for dtype in DTYPES:
        cosines = (vectors["float32"].astype(np.float64) * vectors[dtype]).sum(axis=1)
        change = lmtx.compare_means(correct[dtype], correct["float32"], resamples=RESAMPLES, seed=SEED).difference
        rows[dtype] = {
            "cosine_mean": round(min(float(cosines.mean()), 1.0), 6),
            "cosine_min": round(min(float(cosines.min()), 1.0), 6),
            "precision_at_1": round(100 * float(correct[dtype].mean()), 2),
            "change": interval_of(change),
            "same_label": round(100 * float((found[dtype] == found["float32"]).mean()), 2),
        }
    return {"documents": len(documents), "labels": len(labels), "dtypes": rows}


def machine():
    flags = set(cpu_field("flags").split())
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16")
    processor = cpu_field("model name") or platform.machine()
    return {"processor": processor, "cores": os.cpu_count(), "instructions": [flag for flag in wanted if flag in flags]}


def show(results):
    for name, row in results["sets"].items():
        if "not_run" in row:
            print(f"{name}: not run, {row['not_run']}")
            continue
        print(f"{name}: {row['documents']} documents, {row['labels']} labels")
        for dtype, found in row["dtypes"].items():
            change = found["change"]
            cosines = f"cosine {found['cosine_mean']:.5f} (least {found['cosine_min']:.5f})"
            print(f"  {dtype:9} {cosines}, precision@1 {found['precision_at_1']:.2f} ({change['points']:+.2f}, {change['low']:+.2f} to {change['high']:+.2f})")


def check(results):
    """What is missed or was not measured, one line each."""
    rows = results.get("sets", {})
    missing = [name for name in SETS if "dtypes" not in rows.get(name, {})]
    if missing:
        return [f"precision@1 with int8: not measured on {name}" for name in missing]
    lost = -sum(rows[name]["dtypes"]["int8"]["change"]["points"] for name in SETS) / len(SETS)
    return [f"precision@1 with int8: mean lower by {lost:.2f} points, aim at most {MOST_LOST}"] if lost > MOST_LOST else []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", default=[], metavar="FOLDER", help="a set; may be given several times")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE", help="the results, JSON")
    parser.add_argument("--check", action="store_true", help="judge the results, compute nothing")
    arguments = parser.parse_args()
    if arguments.check:
        problems = check(json.loads(arguments.out.read_text())) if arguments.out.exists() else [f"{arguments.out} is not there"]
        print("\n".join(problems or ["all aims are met"]))
        sys.exit(1 if problems else 0)

    start = time.perf_counter()
    encoder = lmtx.Encoder.load(bundled_minilm())
    settings = {"most_documents": MOST_DOCUMENTS, "seed": SEED, "resamples": RESAMPLES, "level": 0.95, "max_length": encoder.max_length}
    versions = {"lmtx": lmtx.__version__, "numpy": np.__version__, "python": platform.python_version()}
    results = {"model": "all-MiniLM-L6-v2", "machine": machine(), "versions": versions, "settings": settings, "sets": {}}
    for name, folder in find_sets(arguments.data).items():
        ready = folder is not None and (folder / "labels.jsonl").exists() and test_file(folder) is not None
        results["sets"][name] = measure_set(encoder, folder) if ready else {"not_run": "its folder is absent"}
    results["seconds"] = round(time.perf_counter() - start)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    show(results)


if __name__ == "__main__":
    main()
