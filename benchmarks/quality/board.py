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
TEACHERS = ("true", "noisy")


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

    `differences(row)` says in what options a row differs from its arm of today. Rows of today count first. Of the others those count that have the options of
    the arm's newest: where a teacher and budget has no row of today they stand for the arm, elsewhere they are arms of their own. `all_rows` has all.
    """

    def __init__(self, records, train=4000, test=None, differences=lambda row: {}):
        rows = [row for row in records.rows.values() if row["key"]["test"] == test and row["key"]["train"] in (train, None)]
        bases = Counter(row["key"]["base"] for row in rows)
        rows = sorted((row for row in rows if row["key"]["base"] == bases.most_common(1)[0][0]), key=lambda row: row.get("time", 0))
        self.all_rows = rows
        self._labels = {id(row): ", ".join(f"{name}={value}" for name, value in differences(row).items()) for row in rows}
        newest = {(_arm_and_budget(row), bool(self._labels[id(row)])): row["key"]["options"] for row in rows}
        self.rows = [row for row in rows if row["key"]["options"] == newest[_arm_and_budget(row), bool(self._labels[id(row)])]]
        self.stale = len(rows) - len(self.rows)
        self._today = {_setting(row) for row in self.rows if not self._labels[id(row)]}
        self._true = {(record["set"], record["data"]): kept.unpack(record["true"]) for record in records.sets.values() if record["test"] == test}
        self._sets = {record["set"]: record for record in records.sets.values() if record["test"] == test}
        self._by_place = {(self.shown(row), key["set"], key["seed"], key["budget"], key["teacher"]): row for row in self.rows for key in [row["key"]]}

    def set_record(self, name):
        return self._sets[name]

    def shown(self, row):
        """The arm's name, with what differs from it where rows of today are there, too."""
        label = self._labels[id(row)]
        return f"{row['key']['arm']} ({label})" if label and _setting(row) in self._today else row["key"]["arm"]

    def label(self, arm, budget, teacher):
        """In what the rows that stand for an arm differ from it; empty where they are those of today."""
        rows = [row for row in self.rows if self.shown(row) == row["key"]["arm"] == arm and self._labels[id(row)]]
        return next((self._labels[id(row)] for row in rows if (row["key"]["budget"], row["key"]["teacher"]) == (budget, teacher)), "")

    def arms(self):
        return list(dict.fromkeys(map(self.shown, self.rows)))

    def sets(self):
        return list(dict.fromkeys(row["key"]["set"] for row in self.rows))

    def settings(self):
        """Each (teacher, budget) of the arms with a budget: the perfect teacher first, then the noisy one, and the largest budget first."""
        keys = {(row["key"]["teacher"], row["key"]["budget"]) for row in self.rows}
        order = lambda setting: (TEACHERS.index(setting[0]) if setting[0] in TEACHERS else len(TEACHERS), setting[0], -setting[1])  # noqa: E731
        return sorted((setting for setting in keys if isinstance(setting[1], int)), key=order)

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


def _setting(row):
    return row["key"]["arm"], row["key"]["budget"], row["key"]["teacher"]
