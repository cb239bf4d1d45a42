#!/usr/bin/env python
"""A store of ten million judgments: how fast it opens, finds and takes judgments, and how large it is.

    ninja -C build lmtx_bench_store && python benchmarks/speed/store.py

builds one (700 MB, deleted afterwards) in --folder, measures, and writes results/store.json; --check judges the committed results and measures nothing.
"""

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import results
from common.intervals import Figure, interval_ranks
from common.results import Aim

RESULTS = Path(__file__).parent / "results" / "store.json"
PROGRAM = results.ROOT / "build" / "tests" / "cpp" / "lmtx_bench_store"
# Questions of ten labels each, documents of 500 bytes. `batch`: pairs a call.
SETTINGS = {"judgments": 10_000_000, "labels_a_question": 10, "pairs": 500_000, "batch": 100_000, "puts": 20_000, "repetitions": 5}


@dataclass(frozen=True)
class Row:
    name: str
    # None: told, and not judged.
    aim: Aim | None
    unit: str
    # What is measured, and the field of what the program prints.
    arguments: tuple[str, ...]
    field: str
    cold: bool = False


FIND = ("find", "{file}", "{judgments}", "{pairs}", "{seed}")
ROWS = [
    Row("open", Aim(0.1, "s", at_most=True), "s", ("open", "{file}"), "seconds"),
    Row("open-cold", Aim(0.1, "s", at_most=True), "s", ("open", "{file}"), "seconds", cold=True),
    Row("find-there", Aim(200_000, "pairs/s"), "pairs/s", (*FIND, "there", "{batch}"), "pairs_per_second"),
    Row("find-absent", Aim(200_000, "pairs/s"), "pairs/s", (*FIND, "absent", "{batch}"), "pairs_per_second"),
    Row("find-there-cold", None, "pairs/s", (*FIND, "there", "{batch}"), "pairs_per_second", cold=True),
    Row("find-by-question", None, "pairs/s", (*FIND, "there", "0"), "pairs_per_second"),
    Row("put-1-thread", Aim(2000, "puts/s"), "puts/s", ("put", "{file}", "{puts}", "1"), "puts_per_second"),
    Row("put-64-threads", Aim(2000, "puts/s"), "puts/s", ("put", "{file}", "{puts}", "64"), "puts_per_second"),
    Row("check", None, "s", ("check", "{file}"), "seconds"),
]
# Name, unit, and what the program calls it.
BUILD = [("build", "s", "seconds"), ("build-memory", "MB", "peak_mb")]
SIZE = Row("bytes-a-judgment", Aim(100, "bytes", at_most=True), "bytes", (), "")


def call(program, arguments):
    """A process of its own; what it prints."""
    return json.loads(subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout)


def forget(file):
    """Takes a file out of the page cache, as far as the system listens."""
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def measure(row, file, program, settings):
    """The median of the repetitions, and its interval by order statistics."""
    values = []
    repetitions = 1 if row.name == "check" else settings["repetitions"]
    for seed in range(repetitions):
        if row.cold:
            forget(file)
        arguments = [argument.format(file=file, seed=seed + 1, **settings) for argument in row.arguments]
        values.append(call(program, arguments)[row.field])
    ordered = sorted(values)
    low, high, confidence = interval_ranks(len(ordered)) if len(ordered) > 1 else (0, 0, None)
    figure = Figure(statistics.median(ordered), ordered[low], ordered[high], confidence)
    return {"name": row.name, "unit": row.unit, "figure": asdict(figure), "values": values}


def built_rows(built, file):
    """What building the store tells by itself."""
    size = file.stat().st_size / built["judgments"]
    told = [(SIZE.name, SIZE.unit, size), *((name, unit, built[field]) for name, unit, field in BUILD)]
    return [{"name": name, "unit": unit, "figure": asdict(Figure(value, value, value))} for name, unit, value in told]


def run(options):
    settings = {**SETTINGS, "judgments": options.judgments}
    rows = []
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="lmtx-store-") as folder:
        file = Path(folder) / "judgments.db"
        rows += built_rows(call(options.program, ["build", file, str(settings["judgments"])]), file)
        for row in results.chosen(ROWS, options.rows):
            # The load of the machine says how far a figure can be trusted.
            rows.append({**measure(row, file, options.program, settings), "load": round(os.getloadavg()[0], 1)})
            print(f"{row.name}: {rows[-1]['figure']['value']:,.4g} {row.unit}", flush=True)
    versions = {"sqlite": sqlite3.sqlite_version}
    new = {"commit": results.commit(), "machine": results.machine(len(os.sched_getaffinity(0))), "versions": versions, "settings": settings, "rows": rows}
    old = results.read(options.out)
    if options.rows:
        results.refuse_to_mix("store.py", old, new, options.out)
    names = [SIZE.name, *(name for name, _, _ in BUILD), *(row.name for row in ROWS)]
    results.write(options.out, results.merged(old if options.rows else {}, new, names))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="judge the committed results; exit code 1 where an aim is missed or not measured")
    parser.add_argument("--rows", nargs="+", metavar="PATTERN", help="measure these anew, such as 'find-*', and leave the others")
    parser.add_argument("--judgments", type=int, default=SETTINGS["judgments"], help="in the store; results of another number are not judged")
    parser.add_argument("--folder", help="where the store is built; else the one for temporary files")
    parser.add_argument("--program", default=PROGRAM, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.check:
        sys.exit(results.check([row for row in [SIZE, *ROWS] if row.aim], options.out, SETTINGS))
    run(options)


if __name__ == "__main__":
    main()
