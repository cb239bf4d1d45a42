"""How good the recorded verdicts of examples/us-bills-110 are, and what a calibration makes of them.

    PYTHONPATH=build/python .venv/bin/python benchmarks/teachers/audit.py [--fill-docs | --check]

Audits all recorded pairs against their true terms; then, so many times, draws some documents at random whose pairs are the gold that a user would have,
calibrates by it, and audits the pairs of all other documents. Writes results/audit.json; --fill-docs puts it into docs/trust.md, --check says whether that
page has it. The same seeds give the same figures on any machine.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from common.pages import fill_part  # noqa: E402

DATA = ROOT / "examples" / "us-bills-110"
RESULTS = HERE / "results" / "audit.json"
PAGE = ROOT / "docs" / "trust.md"
REPEATS = 20
# Pairs of gold that are drawn, by whole documents.
GOLD = (100, 300, 1000, 3000)
MEASURES = ("calibration_error", "brier", "log_loss", "auc")


def read():
    import lmtx

    return lmtx.match_gold(DATA / "verdicts.jsonl.gz", DATA / "gold.jsonl.gz")


def draw(match, pairs, seed):
    """Whether each pair is gold: documents at random until there are so many."""
    order = np.random.default_rng(seed).permutation(match.documents.max() + 1)
    counts = np.bincount(match.documents)[order]
    chosen = order[: int(np.searchsorted(np.cumsum(counts), pairs)) + 1]
    return np.isin(match.documents, chosen)


def calibrations(match, gold):
    """Those that a user could fit to this gold; the shift knows its share of yes, and no pair."""
    import lmtx

    pairs = {"scores": match.scores[gold], "gold": match.gold[gold]}
    return {
        "shift": lmtx.Calibration.shift(match.scores, float(match.gold[gold].mean())),
        "platt": lmtx.Calibration.platt(**pairs),
        "isotonic": lmtx.Calibration.isotonic(**pairs),
        "fit": lmtx.Calibration.fit(**pairs, documents=match.documents[gold]),
    }


def measured(scores, match, among):
    import lmtx

    found = lmtx.audit_scores(scores[among], match.gold[among], documents=match.documents[among], resamples=1)
    return [getattr(found, name).value for name in MEASURES]


def calibrated_rows(match):
    for pairs in GOLD:
        drawn = [draw(match, pairs, seed) for seed in range(REPEATS)]
        values = {"raw": [measured(match.scores, match, ~gold) for gold in drawn]}
        for gold in drawn:
            for name, calibration in calibrations(match, gold).items():
                values.setdefault(name, []).append(measured(calibration.apply(match.scores), match, ~gold))
        for name, each in values.items():
            means = np.mean(each, axis=0).tolist()
            yield {"gold": pairs, "calibration": name, **{measure: round(mean, 4) for measure, mean in zip(MEASURES, means, strict=True)}}


def measure():
    from lmtx.cli.trust import audit_as_json

    match = read()
    found = audit_as_json(match.audit())
    return {"teacher": match.identity, "repeats": REPEATS, "audit": found, "rows": list(calibrated_rows(match))}


def audit_part(results):
    found = results["audit"]
    lines = ["| measure | value | 95 % interval |", "|---|---|---|"]
    for name in ("precision", "recall", "specificity", "f1", "auc", "brier", "log_loss", "calibration_error", "yes_rate", "gold_rate"):
        value = found[name]
        lines.append(f"| {name.replace('_', ' ')} | {value['value']:.3f} | {value['low']:.3f} to {value['high']:.3f} |")
    best = f"The best F1 on these pairs is {found['best_f1']:.3f}, with yes from {found['best_cut']:.3f} up."
    lines += ["", f"Of {found['pairs']:,} pairs of {found['documents']:,} bills. {best}"]
    lines += ["", "| scores | pairs | mean score | truly yes |", "|---|---|---|---|"]
    bins = [each for each in found["bins"] if each["weight"]]
    lines += [f"| {b['low']:.1f} to {b['high']:.1f} | {b['weight']:,.0f} | {b['mean_score']:.3f} | {b['share_true']:.3f} |" for b in bins]
    return "\n".join(lines) + "\n"


def calibrated_part(results):
    lines = ["| gold pairs | calibration | calibration error | Brier score | log loss | AUC |", "|---|---|---|---|---|---|"]
    for row in results["rows"]:
        lines.append(f"| {row['gold']:,} | {row['calibration']} | " + " | ".join(f"{row[name]:.3f}" for name in MEASURES) + " |")
    return "\n".join(lines) + "\n"


def fill_page(page, results):
    return fill_part(fill_part(page, "audit.json, audit", audit_part(results)), "audit.json, calibrated", calibrated_part(results))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fill-docs", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if not (arguments.fill_docs or arguments.check):
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
    results, page = json.loads(RESULTS.read_text(encoding="utf-8")), PAGE.read_text(encoding="utf-8")
    if arguments.check:
        sys.exit(0 if fill_page(page, results) == page else f"{PAGE} has other figures than {RESULTS}")
    PAGE.write_text(fill_page(page, results), encoding="utf-8") if arguments.fill_docs else print(audit_part(results) + "\n" + calibrated_part(results))


if __name__ == "__main__":
    main()
