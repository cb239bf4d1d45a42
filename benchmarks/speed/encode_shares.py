#!/usr/bin/env python3
"""Where the time of encoding on the CPU goes: shares of one thread's samples, as `perf record` takes them.

    python benchmarks/speed/encode_shares.py --data FOLDER [--labels] [--dtype int8] [--seconds 20]

Encodes the documents of a data folder (with --labels the names of its labels) with all-MiniLM-L6-v2 for so long, and prints a share for each kind of work.
Needs perf (Debian: linux-perf) and a build whose libraries have their symbols, as the build tree has them.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common.data import distinct_texts

# Seconds after its start at which the process begins to encode, and perf to look.
DELAY = 8
# Kinds of work by what stands in a symbol; the first that fits counts.
KINDS = {
    "products in int8 or bfloat16": r"cpu::.*multiply.*Dot(Int8|Bfloat16)",
    "products in float32, of attention in every dtype": r"cpu::.*(multiply|product)",
    "softmax": r"cpu::.*softmax",
    "activation": r"cpu::.*(activate|gate)",
    "norms": r"cpu::.*(layer_norm|normalize_rows)",
    "rounding of activations": r"cpu::.*(quantize|to_bfloat16)",
    "copies and loops around attention": r"cpu::.*attend|cpu::.*Attention|memcpy|memmove|memset",
    "embedding, pooling": r"cpu::.*(embed|pool)",
    "tokenization": r"Segmenter|Tokenizer|WordCache|word_cache|Normalizer|Splitter|utf8",
}

PROGRAM = """
import json, sys, time
started = time.monotonic()
import lmtx
texts, seconds, delay, dtype, model = json.load(sys.stdin)
encoder = lmtx.Encoder.load(model)
encoder.encode(texts[:8], dtype=dtype)
time.sleep(max(0, started + delay - time.monotonic()))
until = time.monotonic() + seconds
place = 0
while time.monotonic() < until:
    encoder.encode(texts[place : place + 256], dtype=dtype)
    place = (place + 256) % len(texts)
"""


def sampled(texts, options, recording):
    from lmtx.models import bundled_minilm

    given = json.dumps([texts, options.seconds, DELAY, options.dtype, str(bundled_minilm())])
    command = ["perf", "record", "-q", "-F", "499", "-D", str(1000 * (DELAY + 1)), "-o", recording, "--", sys.executable, "-c", PROGRAM]
    subprocess.run(command, input=given, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    report = ["perf", "report", "-i", recording, "--stdio", "--no-children", "-g", "none", "-F", "overhead,sym"]
    return subprocess.run(report, capture_output=True, text=True, check=True).stdout


def shares(report):
    """Per cent by kind, of lines such as '12.3%  [.] function'."""
    found = dict.fromkeys([*KINDS, "all else"], 0.0)
    for share, symbol in re.findall(r"^\s*([\d.]+)%\s+\[.\]\s+(.*)$", report, re.MULTILINE):
        found[next((kind for kind, pattern in KINDS.items() if re.search(pattern, symbol)), "all else")] += float(share)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="a data folder")
    parser.add_argument("--labels", action="store_true", help="names of labels instead of documents")
    parser.add_argument("--dtype", default="float32", help="as Encoder.encode takes it")
    parser.add_argument("--seconds", type=float, default=20, help="how long to encode")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = shares(sampled(distinct_texts(options.data, options.labels), options, f"{folder}/perf.data"))
    what = "labels" if options.labels else "documents"
    print(f"{options.dtype}, {what} of {options.data.name}: per cent of one thread's time")
    for kind, share in found.items():
        print(f"{share:6.1f}  {kind}")


if __name__ == "__main__":
    main()
