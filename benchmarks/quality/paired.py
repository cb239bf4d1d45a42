"""Differences between two arms on the same documents, with intervals over documents and seeds. Needs NumPy only."""

import math
import statistics
from dataclasses import dataclass

import numpy as np
from common.intervals import CONFIDENCE, Figure

# Standard errors that an interval reaches to each side.
REACH = statistics.NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error."""

    value: float
    error: float

    def figure(self):
        return Figure(self.value, self.value - REACH * self.error, self.value + REACH * self.error, CONFIDENCE)


def paired(differences):
    """The mean of differences [seeds, documents] with a standard error for other documents and other seeds.

    Documents and seeds are crossed: the variance is that of the documents' means over seeds, and that of the seeds' means over documents, each over their
    number.
    One seed says nothing about others: its interval is over documents alone.
    """
    differences = np.atleast_2d(differences)
    seeds, documents = differences.shape
    variance = differences.mean(axis=0).var(ddof=1) / documents if documents > 1 else 0.0
    if seeds > 1:
        variance += differences.mean(axis=1).var(ddof=1) / seeds
    return Estimate(float(differences.mean()), math.sqrt(variance))


def mean_over_sets(estimates):
    """Every set counts the same; the sets themselves are taken as given."""
    estimates = list(estimates)
    return Estimate(statistics.fmean(one.value for one in estimates), math.sqrt(sum(one.error**2 for one in estimates)) / len(estimates))
