"""What each ablation does: rows paired by their options, whatever their arms are called. Needs NumPy only."""

from dataclasses import dataclass

import numpy as np
from ablations import ABLATIONS, Ablation
from paired import mean_over_sets, paired

METRICS = ("precision@1", "recall@10")


@dataclass(frozen=True)
class Effect:
    ablation: Ablation
    # An Estimate for each metric, over the sets.
    means: dict
    sets: list
    # Options in which the rows it was measured on differ from `default` as it is now.
    beside: dict


def effects(board, published, teacher, budget):
    """The Effect of each ablation that was measured, rows with the change minus rows without.

    The options of a row are `published`, those of the preset `paper`, with what departs from them. Two rows with the same set, seed, budget and teacher that
    differ in the ablation's options and no other are a pair; rows that have the options of `default` as it is now are taken before those of earlier days.
    """
    now = [row for row in board.rows if row["key"]["arm"] == "default" and row["key"]["budget"] == budget]
    places = {}
    for row in board.all_rows:
        key = row["key"]
        if key["arm"].split(":")[0].split("[")[0] == "default" and (key["teacher"], key["budget"]) == (teacher, budget):
            places.setdefault((key["set"], key["seed"]), {})[frozenset(_options(row, published).items())] = row
    newest = _options(now[-1], published) if now else {}
    for ablation in ABLATIONS.values():
        found = _effect(board, ablation, places, published, newest)
        if found:
            yield found


def _options(row, published):
    """By name; those of the ablation in the arm's name count even where they are what is published."""
    named = ABLATIONS.get(row["key"]["arm"].partition(":")[2])
    changed = named.options if named else {}
    return {name: value for name, value in {**published, **row["key"]["options"], **changed}.items() if name != "seed"}


def _effect(board, ablation, places, published, newest):
    differences, beside = {}, {}
    for (of_set, _), rows in places.items():
        pair = _pair(ablation, rows, published, newest)
        if pair:
            differences.setdefault(of_set, []).append({metric: board.values(pair[0], metric) - board.values(pair[1], metric) for metric in METRICS})
            beside |= {name: value for name, value in _options(pair[1], published).items() if newest and value != newest[name]}
    if not differences:
        return None
    of_sets = {metric: [paired(np.array([of_seed[metric] for of_seed in some])) for some in differences.values()] for metric in METRICS}
    return Effect(ablation, {metric: mean_over_sets(estimates) for metric, estimates in of_sets.items()}, list(differences), beside)


def _pair(ablation, rows, published, newest):
    """(with the change, without), or None."""
    pairs = []
    for without in rows.values():
        options = _options(without, published)
        changed = rows.get(frozenset({**options, **ablation.options}.items()))
        if changed and changed is not without:
            pairs.append((changed, without, options == newest))
    return max(pairs, key=lambda pair: pair[2], default=None)
