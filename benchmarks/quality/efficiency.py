"""How many judgments and prompt tokens `default` needs to be as good as the best cycle of a free run. Needs NumPy only."""

import statistics
from dataclasses import dataclass

import curves

METRIC = "precision@1"


@dataclass(frozen=True)
class Need:
    """On one set, means over seeds."""

    # The best of the other arm, and its distinct judgments.
    target: float
    judgments: float
    # Shares of what the other arm took: distinct judgments; prompt tokens as it was published (a prompt for every pair); and with one for every question.
    judgments_share: float
    tokens_share: float
    strict_tokens_share: float
    # False where a seed did not get there; it then counts with all it asked, but at least 1.
    is_reached: bool


def need_of_seed(board, of_set, seed, teacher, budgets, rival):
    """(target, judgments, three shares, whether it was reached), or None where rows are missing."""
    rows = [row for row in (board.find("default", of_set, seed, budget, teacher) for budget in budgets) if row]
    other, untouched = board.find(rival, of_set, seed, None, teacher), board.find("untouched", of_set, None, None, None)
    best = curves.best_cycle(other, METRIC) if other else None
    if not rows or not best or not untouched:
        return None
    begin = untouched["metrics"][METRIC]
    of_runs = [curves.kept_curve(row, begin, METRIC) for row in rows]
    place = curves.first_reach([*of_runs, curves.final_curve(rows, begin, METRIC)], best.value)
    is_reached = place is not None
    place = place or max((points[-1] for points in of_runs), key=lambda one: one.judgments)
    shares = place.judgments / best.judgments, place.by_question / best.by_pair, place.by_question / best.by_question
    return best.value, best.judgments, *(share if is_reached else max(1.0, share) for share in shares), is_reached


def needs(board, sets, teacher, budgets, rival="paper-free"):
    """By set, where it was measured."""
    found = {}
    for of_set in sets:
        seeds = board.seeds(rival, of_set, None, teacher)
        of_seeds = [one for one in (need_of_seed(board, of_set, seed, teacher, budgets, rival) for seed in seeds) if one]
        if of_seeds:
            *numbers, reached = zip(*of_seeds, strict=True)
            found[of_set] = Need(*map(statistics.fmean, numbers), all(reached))
    return found
