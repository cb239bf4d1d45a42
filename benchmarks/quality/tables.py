"""Tables of the results, in Markdown. Needs NumPy only."""

import statistics

import ablated
from board import UNTRAINED
from efficiency import needs

METRICS = ("precision@1", "precision@3", "precision@5", "recall@10", "recall@100", "PSP@1", "PSP@5")
ORDER = (*UNTRAINED, "prototypes", "maclr", "rts", "paper", "paper-free", "paper-tuned", "paper-tuned-free", "default", "ceiling")
RIVALS = ("untouched", "bm25", "fusion", "prototypes", "maclr", "rts", "paper", "paper-tuned")
# Of its pairs that a recording must have for a row to be comparable.
RECORDED_SHARE = 0.95
SHORT = {
    "us-bills-110": "bills",
    "biotools-edam": "EDAM",
    "gutenberg-lcsh": "LCSH",
    "debian-debtags": "debtags",
    "onet-work-activities": "O*NET",
    "pubmed-mesh-drugs": "MeSH",
    "tibkat-gnd-en": "GND",
}


def short(of_set):
    return SHORT.get(of_set, of_set)


def markdown(head, rows):
    return "\n".join(["| " + " | ".join(row) + " |" for row in [head, ["---"] + ["---:"] * (len(head) - 1), *rows]]) + "\n"


def heading(teacher, budget):
    name = {"true": "Perfect teacher", "noisy": "Noisy teacher"}.get(teacher, f"Teacher {teacher}")
    return f"{name}, {budget} judgments a document"


def footnote(board, arms, budget, teacher):
    """What an asterisk means."""
    labels = {arm: board.label(arm, budget, teacher) for arm in arms}
    notes = [f"\\* `{arm}` was measured with {label}." for arm, label in labels.items() if label]
    return " ".join(notes) + "\n" if notes else ""


def listed_arms(board):
    """The main table's, in its order, then rows of other options that are no ablations."""
    found = board.arms()
    return [arm for arm in ORDER if arm in found] + [arm for arm in found if arm not in ORDER and ":" not in arm]


def precision_table(board, arms, sets, budget, teacher, metric="precision@1"):
    """An arm a row, a set a column, and the mean of those measured."""
    rows = []
    for arm in arms:
        values = {of_set: comparable_mean(board, arm, of_set, budget, teacher, metric) for of_set in sets}
        known = [value for value in values.values() if value is not None]
        if known:
            mean = f"{statistics.fmean(known):.2f}" + (f" ({len(known)} sets)" if len(known) < len(sets) else "")
            rows.append([_shown(board, arm, budget, teacher), *(_number(values[of_set]) for of_set in sets), mean])
    return markdown([metric, *map(short, sets), "mean"], rows) if rows else ""


def comparable_mean(board, arm, of_set, budget, teacher, metric):
    """None also where a recording lacks too many of the arm's pairs."""
    rows = [board.find(arm, of_set, seed, budget, teacher) for seed in board.seeds(arm, of_set, budget, teacher)]
    if any(row["costs"]["missing"] > (1 - RECORDED_SHARE) * row["costs"]["distinct"] for row in rows if row.get("costs")):
        return None
    return board.mean(arm, of_set, budget, teacher, metric)


def metrics_table(board, arms, sets, budget, teacher):
    """Means over the sets that all these arms have, and what was asked for them."""
    measured = [arm for arm in arms if any(comparable_mean(board, arm, of_set, budget, teacher, "precision@1") is not None for of_set in sets)]
    rows = []
    for arm in measured:
        of_sets = [of_set for of_set in sets if comparable_mean(board, arm, of_set, budget, teacher, "precision@1") is not None]
        means = [statistics.fmean(board.mean(arm, of_set, budget, teacher, metric) for of_set in of_sets) for metric in METRICS]
        name = _shown(board, arm, budget, teacher) + (f" ({len(of_sets)} sets)" if len(of_sets) < len(sets) else "")
        rows.append([name, *(f"{mean:.2f}" for mean in means), *_asked(board, arm, of_sets, budget, teacher)])
    return markdown(["means", *METRICS, "judgments", "tokens", "seconds"], rows) if rows else ""


def _asked(board, arm, sets, budget, teacher):
    """Per training document distinct judgments and prompt tokens, and seconds of a run."""
    rows = [board.find(arm, of_set, seed, budget, teacher) for of_set in sets for seed in board.seeds(arm, of_set, budget, teacher)]
    rows = [row for row in rows if row and row.get("costs") and row["costs"]["distinct"]]
    if not rows:
        return ["", "", ""]
    tokens = "tokens_by_pair" if arm.startswith("paper") else "tokens_by_question"
    seconds = [row["seconds"] for row in rows if row.get("seconds")]
    each = [statistics.fmean(row["costs"][what] / row["documents"] for row in rows) for what in ("distinct", tokens)]
    return [f"{each[0]:.2f}", f"{each[1]:,.0f}", f"{statistics.fmean(seconds):.0f}" if seconds else ""]


def difference_table(board, sets, budget, teacher, metric):
    """`default` minus each rival."""
    rows = []
    for rival in RIVALS:
        found = board.compare("default", rival, sets, budget, teacher, metric)
        if found:
            cells = [_interval(found.sets[of_set]) if of_set in found.sets else "" for of_set in sets]
            rows.append([rival, *cells, _interval(found.mean) + (f" ({len(found.sets)} sets)" if len(found.sets) < len(sets) else "")])
    return markdown([f"`default` minus, {metric}", *map(short, sets), "mean"], rows) if rows else ""


def needs_table(board, sets, teacher):
    budgets = [budget for of_teacher, budget in board.settings() if of_teacher == teacher]
    found = needs(board, sets, teacher, budgets)
    mark = lambda need: "" if need.is_reached else "not reached, at least "  # noqa: E731
    shares = lambda need: [f"{100 * share:.1f} %" for share in (need.judgments_share, need.tokens_share, need.strict_tokens_share)]  # noqa: E731
    rows = [[short(of_set), f"{need.target:.2f}", f"{need.judgments:,.0f}", mark(need) + shares(need)[0], *shares(need)[1:]] for of_set, need in found.items()]
    head = ["", "best of `paper`", "its judgments", "judgments `default` needs", "prompt tokens", "with one prompt a question for both"]
    return markdown(head, rows) if rows else ""


def ablation_table(board, published, teacher, budget):
    """What each change of `default` does, on the sets where both were measured."""
    rows = []
    for found in ablated.effects(board, published, teacher, budget):
        options = ", ".join(f"`{name}={value}`" for name, value in found.ablation.options.items())
        of_sets = ", ".join(short(of_set) for of_set in found.sets)
        beside = ", ".join(f"`{name}={value}`" for name, value in found.beside.items())
        rows.append([found.ablation.title, options, *(_interval(estimate) for estimate in found.means.values()), of_sets, beside])
    return markdown(["instead", "options", *ablated.METRICS, "sets", "measured beside"], rows) if rows else ""


def _interval(estimate):
    figure = estimate.figure()
    return f"{figure.value:+.1f} ({figure.low:+.1f} to {figure.high:+.1f})"


def _number(value):
    return "" if value is None else f"{value:.2f}"


def _shown(board, arm, budget, teacher):
    """The arm's name; with an asterisk where it is what it was before."""
    return (f"**{arm}**" if arm == "default" else arm) + (" \\*" if board.label(arm, budget, teacher) else "")
