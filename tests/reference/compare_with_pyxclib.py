"""Compares tests/data/eval/metrics.json with pyxclib, which is not on PyPI: python tests/reference/compare_with_pyxclib.py CHECKOUT_OF_PYXCLIB

Needs numba, scikit-learn and SciPy. pyxclib is given the rankings as they stand in the file, filled up with a label that does not exist. It rounds nDCG to
float32, which is switched off here, so that the definitions are compared.
"""

import json
import sys
import types
from pathlib import Path

import numpy as np
from metrics import OUT, labels_by_rank, to_matrix

METRICS = ("precision", "recall", "ndcg")
LIMIT = 1e-9


def import_xc_metrics(checkout: Path) -> types.ModuleType:
    """Without its part in Cython, which metrics do not need."""
    sys.path.insert(0, str(checkout))
    stub = types.ModuleType("xclib.utils._sparse")
    stub._rank = stub.read_file = stub.read_file_safe = stub._topk = None
    sys.modules[stub.__name__] = stub
    from xclib.evaluation import xc_metrics

    xc_metrics.np = types.SimpleNamespace(**vars(np) | {"float32": np.float64})
    return xc_metrics


def largest_difference(ours: list[float], theirs: np.ndarray) -> float:
    return float(np.abs(np.array(ours) - theirs).max())


def compare(case: dict, xc: types.ModuleType) -> dict[str, float]:
    """Largest differences. A case in which no document has a label is 0/0 to pyxclib's scored metrics, and left out there."""
    targets = to_matrix(case["targets"], case["num_labels"])
    ranked, k, propensity = labels_by_rank(case["ranked"], case["k"], case["num_labels"]), case["k"], case["propensity"]
    differences = {name: largest_difference(case["means"][name], getattr(xc, name)(ranked, targets, k=k, sorted=True)) for name in METRICS}
    for name in METRICS if targets.nnz else ():
        theirs = getattr(xc, "ps" + name)(ranked, targets, np.array(propensity["weights"]), k=k, sorted=True)
        differences["ps" + name] = largest_difference(propensity["ratios"][name], theirs)
    frequencies = np.array(propensity["frequencies"], dtype=int)
    training = to_matrix([np.flatnonzero(frequencies > i).tolist() for i in range(propensity["num_documents"])], case["num_labels"])
    differences["propensities"] = largest_difference(propensity["weights"], xc.compute_inv_propesity(training, propensity["a"], propensity["b"]))
    return differences


def main() -> None:
    xc = import_xc_metrics(Path(sys.argv[1]))
    failed = False
    for number, case in enumerate(json.loads(OUT.read_text())):
        for name, difference in compare(case, xc).items():
            failed |= difference > LIMIT
            print(f"case {number}: {name} differs by {difference:.1e}{' TOO MUCH' if difference > LIMIT else ''}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
