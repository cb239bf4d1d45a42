"""What notebooks show of reports, intervals, options and tags: small tables of HTML."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

from ._core import AskingReport, Comparison, CycleReport, InputReport, Interval, Plan, Tag, TrainerOptions, TrainingReport

__all__ = ["Tags", "show_as_tables"]

INPUTS = ["documents", "labels", "empty_documents", "repeated_documents", "repeated_labels", "cut_documents", "cut_labels"]
PLAN = ["documents", "labels", "development", "cycles", "questions", "pairs_wanted", "judgments"]
ASKING = ["questions", "pairs_wanted", "from_store", "judgments", "abstentions", "missing", "open", "over_budget", "yes"]


class Tags(list[Tag]):
    """The tags of a text, best first: a list that notebooks show as a table.

    Example:
        >>> Tags(tagger.tag('tax', k=1))
        [Tag(label='tax', score=1.00)]
    """

    def _repr_html_(self) -> str:
        return _table(["label", "score", "probability"], [[tag.label, f"{tag.score:.3f}", _fraction(tag.probability)] for tag in self])


def show_as_tables() -> None:
    """Gives the compiled classes their `_repr_html_`."""
    for cls, show in _SHOWN.items():
        setattr(cls, "_repr_html_", show)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Cells are texts, not HTML."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _counts(report: object, names: Sequence[str]) -> str:
    return _table(["", "count"], [[name.replace("_", " "), f"{getattr(report, name):,}"] for name in names])


def _asking(report: AskingReport) -> str:
    rows = [[name.replace("_", " "), f"{getattr(report, name):,}"] for name in ASKING]
    return _table(["", "count"], [*rows, ["yes rate", _per_cent(report.yes_rate)]])


def _training(report: TrainingReport) -> str:
    asked = f"{report.total.judgments:,} judgments, {_per_cent(report.total.yes_rate)} yes"
    caption = f"{report.teacher}: {asked}; ended: {report.ended}; best cycle: {report.best_cycle}"
    notices = "".join(f"<li>{escape(notice)}</li>" for notice in report.notices)
    return _cycles(report.cycles, caption) + (f"<ul>{notices}</ul>" if notices else "")


def _cycles(cycles: Sequence[CycleReport], caption: str = "") -> str:
    header = ["cycle", "judgments", "yes", "documents trained on", "steps", "loss", "development precision@1", "accepted"]
    return _table(header, [_cycle_row(cycle) for cycle in cycles], caption)


def _cycle_row(cycle: CycleReport) -> list[str]:
    precision = cycle.development_precision
    return [
        str(cycle.cycle),
        f"{cycle.training.judgments:,}",
        _per_cent(cycle.training.yes_rate),
        f"{cycle.documents_with_yes:,}",
        f"{cycle.steps:,}",
        f"{cycle.first_loss:.3g} to {cycle.last_loss:.3g}",
        f"{_per_cent(precision.value)} ({_per_cent(precision.low)} to {_per_cent(precision.high)})" if precision else "",
        "yes" if cycle.accepted else "no",
    ]


def _interval(interval: Interval) -> list[str]:
    return [f"{number:.4g}" for number in (interval.value, interval.low, interval.high)]


def _per_cent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def _fraction(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


_SHOWN: dict[type, Callable[[Any], str]] = {
    Plan: lambda plan: _counts(plan, PLAN),
    InputReport: lambda report: _counts(report, INPUTS),
    AskingReport: _asking,
    CycleReport: lambda cycle: _cycles([cycle]),
    TrainingReport: _training,
    Interval: lambda interval: _table(["value", "low", "high"], [_interval(interval)]),
    Comparison: lambda found: _table(["difference", "low", "high", "better"], [[*_interval(found.difference), f"{found.better:.4g}"]]),
    TrainerOptions: lambda options: _table(["option", "value", ""], [[info.name, info.value, info.help] for info in options.describe()]),
}
