"""Whether the aims of the preset `default` are met. Needs NumPy only."""

import statistics
from dataclasses import dataclass

from board import TEACHERS
from efficiency import needs

# The sets that the aims are about; on the first three the rivals without a teacher and the ceiling are measured.
THREE = ("us-bills-110", "biotools-edam", "gutenberg-lcsh")
SEVEN = (*THREE, "debian-debtags", "onet-work-activities", "pubmed-mesh-drugs", "tibkat-gnd-en")
BUDGET = 10
# Points of precision@1 ahead of the paper's preset, with equal judgments, and of that with our schedule; of both metrics ahead of the others.
AHEAD = {"paper": 5.0, "paper-tuned": 2.5}
RIVALS = ("untouched", "bm25", "fusion", "prototypes", "maclr", "rts")
AHEAD_OF_RIVALS = 5.0
MOST_JUDGMENTS, MOST_TOKENS = 0.30, 0.15
LEAST_OF_CEILING, LEAST_OF_PERFECT = 2 / 3, 0.75
UNMEASURED = ("no set has both rows", "no set has the rows")


@dataclass(frozen=True)
class Verdict:
    name: str
    # "met", "missed" or "not measured".
    outcome: str
    text: str


def judge_all(board, sets=SEVEN):
    """A Verdict for each aim; the sets are those expected."""
    three = [name for name in sets if name in THREE] or list(sets)
    verdicts = []
    for teacher in TEACHERS:
        for rival, ahead in AHEAD.items():
            verdicts.append(judge_ahead(board, rival, ahead, sets, teacher, "precision@1"))
        verdicts += judge_needs(board, sets, teacher)
        for rival in RIVALS:
            expected = three if rival in ("maclr", "rts") else sets
            verdicts += [judge_ahead(board, rival, AHEAD_OF_RIVALS, expected, teacher, metric) for metric in ("precision@1", "recall@10")]
    verdicts = [*verdicts, judge_ceiling(board, three), judge_noise(board, sets)]
    labels = {teacher: board.label("default", BUDGET, teacher) for teacher in TEACHERS}
    return [_labelled(verdict, labels) for verdict in verdicts]


def judge_ahead(board, rival, ahead, sets, teacher, metric):
    name = f"default against {rival}, {metric}, {teacher}, {BUDGET} judgments"
    found = board.compare("default", rival, sets, BUDGET, teacher, metric)
    if not found:
        return Verdict(name, "not measured", UNMEASURED[0])
    figure, below = found.mean.figure(), found.below()
    text = f"{figure.value:+.2f} points ({figure.low:+.2f} to {figure.high:+.2f}), aim +{ahead:g} or more"
    text += f"; wholly below zero on {', '.join(below)}" if below else ""
    return _verdict(name, figure.value >= ahead and not below, text, found.sets, sets, f"by {ahead - figure.value:.2f} points" if figure.value < ahead else "")


def judge_needs(board, sets, teacher):
    found = needs(board, sets, teacher, [budget for of_teacher, budget in board.settings() if of_teacher == teacher])
    verdicts = []
    for what, most, share in (
        ("judgments", MOST_JUDGMENTS, lambda need: need.judgments_share),
        ("prompt tokens", MOST_TOKENS, lambda need: need.tokens_share),
    ):
        name = f"{what} to reach the best of paper, {teacher}"
        if not found:
            verdicts.append(Verdict(name, "not measured", UNMEASURED[1]))
            continue
        value = statistics.fmean(map(share, found.values()))
        behind = [of_set for of_set, need in found.items() if not need.is_reached]
        text = f"{'at least ' if behind else ''}{100 * value:.1f} %, aim at most {100 * most:g} %" + (f"; not reached on {', '.join(behind)}" if behind else "")
        verdicts.append(_verdict(name, value <= most, text, found, sets, f"by {100 * (value - most):.1f} %"))
    return verdicts


def judge_ceiling(board, sets):
    name = f"share of the distance to the ceiling, true, {BUDGET} judgments"
    found = _means(board, sets, [("default", "true"), ("untouched", None), ("ceiling", "true")])
    if not found:
        return Verdict(name, "not measured", UNMEASURED[1])
    default, untouched, ceiling = (statistics.fmean(values) for values in zip(*found.values(), strict=True))
    if ceiling <= untouched:
        return Verdict(name, "missed", f"the ceiling, {ceiling:.2f}, is not above the untouched encoder, {untouched:.2f}")
    share = (default - untouched) / (ceiling - untouched)
    text = f"{100 * share:.1f} % (from {untouched:.2f} to {ceiling:.2f}: {default:.2f}), aim at least {100 * LEAST_OF_CEILING:.1f} %"
    return _verdict(name, share >= LEAST_OF_CEILING, text, found, sets, f"by {100 * (LEAST_OF_CEILING - share):.1f} %")


def judge_noise(board, sets):
    name = f"gain with the noisy teacher as a share of that with the perfect one, {BUDGET} judgments"
    found = _means(board, sets, [("default", "noisy"), ("default", "true"), ("untouched", None)])
    if not found:
        return Verdict(name, "not measured", UNMEASURED[1])
    noisy, true, untouched = (statistics.fmean(values) for values in zip(*found.values(), strict=True))
    if true <= untouched:
        return Verdict(name, "missed", f"there is no gain with the perfect teacher: {true:.2f} against {untouched:.2f}")
    share = (noisy - untouched) / (true - untouched)
    text = f"{share:.2f} (gains {noisy - untouched:+.2f} and {true - untouched:+.2f}), aim at least {LEAST_OF_PERFECT:g}"
    return _verdict(name, share >= LEAST_OF_PERFECT, text, found, sets, f"by {LEAST_OF_PERFECT - share:.2f}")


def _labelled(verdict, labels):
    """Says so where `default` was measured as it was before."""
    teachers = [teacher for teacher in TEACHERS if teacher in verdict.name.split(", ")] or TEACHERS
    label = next((labels[teacher] for teacher in teachers if labels[teacher]), "") if verdict.text not in UNMEASURED else ""
    return Verdict(verdict.name, verdict.outcome, verdict.text + (f"; `default` was measured with {label}" if label else ""))


def _means(board, sets, places):
    """By set precision@1 of each (arm, teacher), where all are there."""
    found = {of_set: [board.mean(arm, of_set, BUDGET, teacher, "precision@1") for arm, teacher in places] for of_set in sets}
    return {of_set: values for of_set, values in found.items() if None not in values}


def _verdict(name, is_met, text, measured, expected, by):
    missing = [of_set for of_set in expected if of_set not in measured]
    if not is_met:
        return Verdict(name, "missed", " ".join(filter(None, [by, f"({text})"])) + (f"; on {len(measured)} of {len(expected)} sets" if missing else ""))
    if missing:
        return Verdict(name, "not measured", f"met on {len(measured)} of {len(expected)} sets ({text}); not measured on {', '.join(missing)}")
    return Verdict(name, "met", text)
