"""Results looked up by what they are of. Needs NumPy only."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import kept
import numpy as np
from paired import mean_over_sets, paired

# Arms that no teacher has a part in, and of these those without a seed.
UNTRAINED = ("untouched", "bm25", "fusion")
UNTAUGHT = (*UNTRAINED, "maclr", "rts")
FREE = "free"


@dataclass(frozen=True)
class Comparison:
    """One arm against another in one metric: an Estimate for each set, and their mean."""

    sets: dict
    mean: object

    def below(self):
        """Sets where the whole interval is below zero."""
        return [name for name, estimate in self.sets.items() if estimate.figure().high < 0]


class Board:
    """Rows of one configuration: so many training and test documents at most, and of one base encoder.

    Of an arm with a budget only those rows count that have the options of its newest row, since the arm has changed since the others; `all_rows` has those,
    too.
    """

    def __init__(self, records, train=4000, test=None):
        rows = [row for row in records.rows.values() if row["key"]["test"] == test and row["key"]["train"] in (train, None)]
        bases = Counter(row["key"]["base"] for row in rows)
        rows = sorted((row for row in rows if row["key"]["base"] == bases.most_common(1)[0][0]), key=lambda row: row.get("time", 0))
        self.all_rows = rows
        newest = {_arm_and_budget(row): row["key"]["options"] for row in rows}
        self.rows = [row for row in rows if row["key"]["options"] == newest[_arm_and_budget(row)]]
        self.stale = len(rows) - len(self.rows)
        self._true = {(record["set"], record["data"]): kept.unpack(record["true"]) for record in records.sets.values() if record["test"] == test}
        self._sets = {record["set"]: record for record in records.sets.values() if record["test"] == test}
        self._by_place = {(key["arm"], key["set"], key["seed"], key["budget"], key["teacher"]): row for row in self.rows for key in [row["key"]]}

    def set_record(self, name):
        return self._sets[name]

    def arms(self):
        return list(dict.fromkeys(row["key"]["arm"] for row in self.rows))

    def sets(self):
        return list(dict.fromkeys(row["key"]["set"] for row in self.rows))

    def settings(self):
        """Each (teacher, budget) of the arms with a budget, in the order of the results."""
        keys = [row["key"] for row in self.rows]
        return list(dict.fromkeys((key["teacher"], key["budget"]) for key in keys if isinstance(key["budget"], int)))

    def find(self, arm, of_set, seed, budget, teacher):
        """The row, or None. What an arm does not depend on is ignored."""
        if arm in UNTAUGHT:
            seed, budget, teacher = None if arm in UNTRAINED else seed, None, None
        elif arm == "ceiling":
            budget, teacher = None, "true"
        elif arm.endswith("-free"):
            budget = FREE
        return self._by_place.get((arm, of_set, seed, budget, teacher))

    def seeds(self, arm, of_set, budget, teacher):
        """Seeds with a row, of any that there are."""
        seeds = dict.fromkeys(row["key"]["seed"] for row in self.rows if row["key"]["seed"] is not None)
        return sorted(seed for seed in seeds if self.find(arm, of_set, seed, budget, teacher))

    def mean(self, arm, of_set, budget, teacher, metric):
        """Over seeds, or None."""
        if arm in UNTRAINED:
            row = self.find(arm, of_set, None, None, None)
            return row and row["metrics"][metric]
        values = [self.find(arm, of_set, seed, budget, teacher)["metrics"][metric] for seed in self.seeds(arm, of_set, budget, teacher)]
        return float(np.mean(values)) if values else None

    def values(self, row, metric):
        """Of each test document, float64 [n], in per cent."""
        return _values(metric, row["kept"][metric], self._true[row["key"]["set"], row["key"]["data"]].tobytes())

    def compare(self, first, second, sets, budget, teacher, metric, other_teacher=None):
        """`first` minus `second` on the sets and seeds that both have; None where there are none. `other_teacher`: of the second, where it is another."""
        found = {}
        for of_set in sets:
            differences = []
            for seed in self.seeds(first, of_set, budget, teacher):
                rows = self.find(first, of_set, seed, budget, teacher), self.find(second, of_set, seed, budget, other_teacher or teacher)
                if rows[1]:
                    differences.append(self.values(rows[0], metric) - self.values(rows[1], metric))
            if differences:
                found[of_set] = paired(np.array(differences))
        return Comparison(found, mean_over_sets(found.values())) if found else None


@lru_cache(maxsize=4096)
def _values(metric, packed, true):
    return kept.per_document(metric, kept.unpack(packed), np.frombuffer(true, np.uint8))


def _arm_and_budget(row):
    return row["key"]["arm"], row["key"]["budget"]
