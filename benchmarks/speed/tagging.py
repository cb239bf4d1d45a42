#!/usr/bin/env python
"""Files to tags: what writing a file that survives a kill costs beside the tagging itself, and how much memory it takes.

    PYTHONPATH=build/python .venv/bin/python benchmarks/speed/tagging.py

tags bills of examples/us-bills-110 with the untouched MiniLM of `lmtx demo`, and writes results/tagging.json. Peaks are those of fresh processes (VmHWM); times
are processor seconds, which other work on the machine disturbs less than the clock.
"""

import argparse
import functools
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import lmtx
from common import results
from lmtx.models import bundled_minilm

DATA = results.ROOT / "examples" / "us-bills-110"
TEXTS, SHORT, REPETITIONS = 200, (10_000, 40_000), 3

PEAK = """
import sys, lmtx
lmtx.tag_to_file(*sys.argv[1:])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def make_tagger(folder):
    tagger = lmtx.Tagger.from_labels(lmtx.Encoder.load(bundled_minilm()), lmtx.LabelSet.open(DATA / "labels.jsonl"))
    tagger.save(folder)
    return tagger


def seconds_of(work):
    started = time.process_time()
    work()
    return time.process_time() - started


def measure_cost(tagger, folder, scratch):
    """Processor seconds of the whole call, less the opening of the tagger, and of Tagger.tag on documents that are in memory."""
    with gzip.open(DATA / "test.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines][:TEXTS]
    file = scratch / "bills.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    documents = [lmtx.Document({"title": row["title"], "content": row["content"]}) for row in rows]
    tagger.tag(documents[:32])
    ratios = []
    for i in range(REPETITIONS):
        alone = seconds_of(lambda: tagger.tag(documents))
        opening = seconds_of(lambda: lmtx.Tagger.load(folder))
        whole = seconds_of(functools.partial(lmtx.tag_to_file, folder, file, scratch / f"{i}.jsonl"))
        ratios.append({"alone": alone, "file": whole - opening})
    return ratios


def measure_peaks(folder, scratch):
    peaks = {}
    for count in SHORT:
        file = scratch / f"{count}.jsonl"
        file.write_text("".join(f'{{"uid": "{i}", "title": "A bill about the number {i:x}"}}\n' for i in range(count)))
        arguments = [sys.executable, "-c", PEAK, str(folder), str(file), str(scratch / f"{count}.tags.jsonl")]
        peaks[str(count)] = int(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout) / 1024
    return peaks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "tagging.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "tagger"
        tagger = make_tagger(folder)
        times = measure_cost(tagger, folder, Path(scratch))
        peaks = measure_peaks(folder, Path(scratch))
    found = {
        "machine": results.machine(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))), "commit": results.commit(),
        "versions": {"python": sys.version.split()[0], "lmtx": lmtx.__version__, "torch": lmtx.built_with_torch()},
        "settings": {"texts": TEXTS, "repetitions": REPETITIONS}, "processor_seconds": times, "peak_mb": peaks,
    }  # fmt: skip
    arguments.out.write_text(json.dumps(found, indent=1) + "\n")
    print(f"file / memory: {statistics.median(row['file'] / row['alone'] for row in times):.3f} (median of {REPETITIONS})")
    print("peak: " + ", ".join(f"{peak:.0f} MB with {int(count):,} texts" for count, peak in peaks.items()))


if __name__ == "__main__":
    main()
