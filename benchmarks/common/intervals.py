"""What a benchmark states: a figure with its interval."""

import math
import statistics
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Figure:
    value: float
    low: float
    high: float
    # The chance that the interval holds the true figure; None where there is one measurement and no interval.
    confidence: float | None = None


def interval_ranks(count, confidence=CONFIDENCE):
    """The innermost ranks (from 0) of `count` sorted values that hold the median with at least this confidence, and the confidence they have.

    Exact for independent values of any distribution: each lies below the median with a chance of one half. Six values are the fewest for 95 %; the
    outermost ranks serve below that, with the confidence that they have.
    """
    best = None
    for low in range((count + 1) // 2):
        covered = 1 - 2 * sum(math.comb(count, i) for i in range(low + 1)) / 2**count
        if best is None or covered >= confidence:
            best = (low, count - 1 - low, covered)
    return best


def median_ratio(numerators, denominators):
    """The median of the ratios of values measured in the same repetition, and its interval by order statistics."""
    ratios = sorted(a / b for a, b in zip(numerators, denominators, strict=True))
    low, high, confidence = interval_ranks(len(ratios))
    return Figure(statistics.median(ratios), ratios[low], ratios[high], confidence)


def mean_difference(groups):
    """The mean over groups of the mean difference within each, and its 95 % interval; a group is a list of paired differences."""
    mean = statistics.fmean(statistics.fmean(group) for group in groups)
    error = math.sqrt(sum(statistics.variance(group) / len(group) for group in groups)) / len(groups)
    reach = statistics.NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * error
    return Figure(mean, mean - reach, mean + reach, CONFIDENCE)
