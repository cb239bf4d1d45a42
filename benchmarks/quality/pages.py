"""docs/quality.md out of the results, and whether the aims are met. Needs NumPy only."""

import statistics

import aims
import tables
import today
from board import UNTRAINED, Board
from common.pages import fill_part
from common.results import ROOT
from svg import Chart, Line, draw

PAGE = ROOT / "docs" / "quality.md"
COLORS = {
    "default": "#d62728",
    "paper": "#1f77b4",
    "paper-free": "#17becf",
    "paper-tuned": "#9467bd",
    "prototypes": "#2ca02c",
    "untouched": "#7f7f7f",
    "bm25": "#bcbd22",
    "fusion": "#ff7f0e",
    "ceiling": "#000000",
}


def check(records, sets, train, test):
    """Prints a line for each aim; 1 where one is missed or not measured."""
    verdicts = aims.judge_all(make_board(records, train, test), sets or aims.SEVEN)
    for verdict in verdicts:
        print(f"{verdict.name}: {verdict.outcome}: {verdict.text}")
    bad = [verdict for verdict in verdicts if verdict.outcome != "met"]
    print(f"{len(verdicts) - len(bad)} of {len(verdicts)} aims met")
    return 1 if bad else 0


def make_board(records, train, test):
    published = today.published()
    return Board(records, train, test, lambda row: today.differences(row, published))


def fill(records, sets, train, test):
    """Writes tables and plots into the page."""
    board = make_board(records, train, test)
    sets = [of_set for of_set in (sets or [*aims.SEVEN, *board.sets()]) if of_set in board.sets()]
    sets = list(dict.fromkeys(sets))
    teachers = list(dict.fromkeys(teacher for teacher, _ in board.settings()))
    plots = {teacher: plot(board, sets, teacher) for teacher in teachers}
    page = PAGE.read_text(encoding="utf-8")
    page = fill_part(page, "results", results_part(board, sets, plots))
    page = fill_part(page, "ablations", ablations_part(board))
    page = fill_part(page, "aims", aims_part(board))
    PAGE.write_text(page, encoding="utf-8")
    for teacher, drawing in plots.items():
        plot_file(teacher).write_text(drawing, encoding="utf-8")
    print(f"{PAGE}: {len(board.rows)} rows on {len(sets)} sets; {board.stale} older rows of other options left out")
    return 0


def results_part(board, sets, plots):
    parts = [how_far(board, sets)]
    arms = tables.listed_arms(board)
    for teacher, budget in compared_settings(board):
        parts += [f"### {tables.heading(teacher, budget)}\n", tables.precision_table(board, arms, sets, budget, teacher)]
        parts += [tables.footnote(board, arms, budget, teacher), tables.metrics_table(board, arms, sets, budget, teacher)]
        parts += [tables.difference_table(board, sets, budget, teacher, metric) for metric in ("precision@1", "recall@10")]
    for teacher in plots:
        name = {"true": "perfect", "noisy": "noisy"}.get(teacher, teacher)
        parts += [f"### What `default` needs, {name} teacher\n", tables.needs_table(board, sets, teacher), f"![Learning curves]({plot_file(teacher).name})\n"]
    return "\n".join(part for part in parts if part)


def compared_settings(board):
    """Those with a row of `paper`; further budgets of `default` alone are for its curve."""
    of_paper = {(row["key"]["teacher"], row["key"]["budget"]) for row in board.rows if row["key"]["arm"] == "paper"}
    return [setting for setting in board.settings() if setting in of_paper] or board.settings()


def how_far(board, sets):
    """A table of the sets, and how many rows of how many seeds there are."""
    rows = []
    for of_set in sets:
        record = board.set_record(of_set)
        seeds = sorted({row["key"]["seed"] for row in board.rows if row["key"]["set"] == of_set and row["key"]["seed"] is not None})
        trained = max((row["documents"] for row in board.rows if row["key"]["set"] == of_set and row.get("documents")), default=0)
        count = sum(row["key"]["set"] == of_set for row in board.rows)
        rows.append([of_set, f"{record['labels']:,}", f"{trained:,}", f"{record['test_documents']:,}", ", ".join(map(str, seeds)), str(count)])
    return tables.markdown(["set", "labels", "training documents", "test documents", "seeds", "rows"], rows)


def ablations_part(board):
    published, parts = today.published(), []
    for teacher, budget in board.settings():
        table = tables.ablation_table(board, published, teacher, budget)
        parts += [f"**{tables.heading(teacher, budget)}**\n", table] if table else []
    return "\n".join(parts) or "None was measured.\n"


def aims_part(board):
    rows = [[verdict.name, verdict.outcome, verdict.text.replace("|", "\\|")] for verdict in aims.judge_all(board)]
    return tables.markdown(["aim", "", ""], rows).replace("| --- | ---: | ---: |", "| --- | --- | --- |")


def plot_file(teacher):
    return PAGE.with_name(f"quality-{'recorded' if teacher.startswith('recorded') else teacher}.svg")


def plot(board, sets, teacher):
    """precision@1 against judgments a document: what runs would have kept after each cycle, and with each budget; levels of what asks nothing."""
    charts = [Chart(tables.short(of_set), lines_of(board, of_set, teacher)) for of_set in sets]
    return draw([chart for chart in charts if chart.lines], "distinct judgments a document", "precision@1")


def lines_of(board, of_set, teacher):
    budgets = sorted(budget for of_teacher, budget in board.settings() if of_teacher == teacher)
    levels = [(arm, board.mean(arm, of_set, None, teacher, "precision@1")) for arm in (*UNTRAINED, "ceiling")]
    lines = [Line(arm, [(0, value)], COLORS[arm], is_dashed=True) for arm, value in levels if value is not None]
    begin = board.mean("untouched", of_set, None, None, "precision@1")
    for arm in ("prototypes", "paper", "paper-tuned", "default"):
        points = [point for budget in budgets for point in _mean_points(board, arm, of_set, budget, teacher)]
        if points and begin is not None:
            lines.append(Line(arm, [(0, begin), *sorted(points)], COLORS[arm]))
    free = _cycle_points(board, of_set, teacher)
    return lines + ([Line("paper-free", [(0, begin), *free], COLORS["paper-free"])] if free and begin is not None else [])


def _mean_points(board, arm, of_set, budget, teacher):
    rows = [board.find(arm, of_set, seed, budget, teacher) for seed in board.seeds(arm, of_set, budget, teacher)]
    if not rows:
        return []
    return [(statistics.fmean(row["costs"]["distinct"] / row["documents"] for row in rows), board.mean(arm, of_set, budget, teacher, "precision@1"))]


def _cycle_points(board, of_set, teacher):
    """The cycles of the free run of the first seed."""
    seeds = board.seeds("paper-free", of_set, None, teacher)
    row = board.find("paper-free", of_set, seeds[0], None, teacher) if seeds else None
    cycles = [cycle for cycle in row["cycles"] if cycle["metrics"]] if row else []
    return [(cycle["costs"]["distinct"] / row["documents"], cycle["metrics"]["precision@1"]) for cycle in cycles]
