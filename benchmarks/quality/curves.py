"""Learning curves: how much has to be asked to be as good as another arm. Needs the standard library only."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Point:
    judgments: float
    # Prompt tokens with one prompt for every question, and with one for every pair.
    by_question: float
    by_pair: float
    value: float


def point(costs, value):
    return Point(costs["distinct"], costs["tokens_by_question"], costs["tokens_by_pair"], value)


def kept_curve(row, untouched, metric):
    """What a run would have kept after each cycle, beginning with the untouched encoder: Points."""
    points = [Point(0, 0, 0, untouched)]
    for cycle in row["cycles"]:
        value = cycle["metrics"][metric] if cycle["accepted"] and cycle["metrics"] else points[-1].value
        points.append(point(cycle["costs"], value))
    return points


def final_curve(rows, untouched, metric):
    """The results of one arm with several budgets, beginning with the untouched encoder: Points by rising judgments."""
    return [Point(0, 0, 0, untouched), *sorted((point(row["costs"], row["metrics"][metric]) for row in rows), key=lambda one: one.judgments)]


def reach(points, target):
    """The point where a curve, straight between its points, first has the target; None where it has not."""
    if points[0].value >= target:
        return points[0]
    for before, after in pairwise(points):
        if after.value >= target:
            share = (target - before.value) / (after.value - before.value)
            asked = ((getattr(before, name), getattr(after, name)) for name in ("judgments", "by_question", "by_pair"))
            return Point(*(low + share * (high - low) for low, high in asked), target)
    return None


def first_reach(curves, target):
    """The cheapest in judgments of the points where any of the curves has the target; None where none has."""
    found = [place for place in (reach(points, target) for points in curves) if place]
    return min(found, key=lambda place: place.judgments, default=None)


def best_cycle(row, metric):
    """The Point of a run's best cycle by the true labels, kept or not: the hardest to reach."""
    points = [point(cycle["costs"], cycle["metrics"][metric]) for cycle in row["cycles"] if cycle["metrics"]]
    return max(points, key=lambda one: one.value, default=None)
