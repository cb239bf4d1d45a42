"""Commands about trust in verdicts: lmtx audit, agree, calibrate and probe."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.table import Table

from .._core import Agreement, Audit, Calibration, Corpus, Interval
from .common import checking_input, failing_with, interruptible, working
from ..data import data_file, labels_file
from ..label_files import read_labels
from ..gold import read_gold
from ..probes import PROBES, WORDING, ProbeResult, check_probes, draw_questions, probe
from ..progress import ProgressDisplay
from ..teachers import make_teacher
from ..trust import GoldMatch, VerdictComparison, compare_verdicts, match_gold
from ..verdicts import Verdicts, read_verdicts

__all__ = ["register"]

# What is reported of an audit, and how it is called.
MEASURES = {
    "precision": "precision",
    "recall": "recall (sensitivity)",
    "specificity": "specificity",
    "f1": "F1",
    "accuracy": "accuracy",
    "auc": "AUC",
    "brier": "Brier score",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
    "yes_rate": "yes rate",
    "gold_rate": "truly yes",
    "abstention_rate": "abstentions",
}
COUNTS = ("pairs", "abstained", "documents", "cut", "true_yes", "false_yes", "false_no", "true_no", "best_cut", "best_f1")
AGREEMENTS = {"agreement": "agreement", "kappa": "Cohen's kappa", "difference": "mean |A - B|", "lean": "mean A - B"}
AGREED = ("pairs", "first_abstained", "second_abstained", "both_abstained", "both_yes", "first_only", "second_only", "both_no")

VerdictsOf = Annotated[Path, typer.Argument(metavar="VERDICTS", help="Recorded verdicts (JSON lines, plain or .gz) or a store of judgments.")]
Teacher = Annotated[str | None, typer.Option(metavar="ID", help="Of a store with several teachers, whose judgments: an identity.")]
GOLD = "What is true: recorded verdicts, documents with target_ind, or pairs (document, label, yes) as CSV or JSON lines."
LabelsFile = Annotated[Path | None, typer.Option(metavar="FILE", help="The labels that target_ind numbers; else labels.jsonl beside the gold.")]
Cut = Annotated[float, typer.Option(metavar="SCORE", help="Scores from here up are a yes.", min=0, max=1)]
AsJson = Annotated[bool, typer.Option("--json", help="JSON in place of tables.")]


def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    for command in (audit, agree, calibrate, probe_teacher):
        commands.command("probe" if command is probe_teacher else command.__name__)(interruptible(command))


def audit(
    verdicts: VerdictsOf,
    gold: Annotated[Path, typer.Option(metavar="FILE", help=GOLD)],
    teacher: Teacher = None,
    labels: LabelsFile = None,
    cut: Cut = 0.5,
    bins: Annotated[int, typer.Option(metavar="N", help="Of the reliability table, of equal width.", min=1)] = 10,
    calibration: Annotated[Path | None, typer.Option(metavar="FILE", help="Audit the scores as this calibration puts them right.")] = None,
    show: Annotated[int, typer.Option(metavar="N", help="The pairs that are most wrong, to look at.", min=0)] = 0,
    json_: AsJson = False,
) -> None:
    """Says how good a teacher's verdicts are, against pairs whose truth is known.

    Intervals hold 95 % and draw documents.

    [bold]Examples[/bold]

    lmtx audit verdicts.jsonl.gz --gold gold.csv

    lmtx audit run/judgments.db --gold bills/test.jsonl --cut 0.6 --json
    """
    with checking_input():
        match = _matched(verdicts, gold, teacher, labels)
        if calibration:
            match = _calibrated(match, Calibration.load(calibration))
        found = match.audit(cut=cut, bins=bins)
    wrong = match.most_wrong(show)
    if json_:
        shown = {"most_wrong": _pairs_as_json(wrong)} if show else {}
        _print_json({"teacher": match.identity, "unjudged": match.unjudged, **audit_as_json(found), **shown})
    else:
        tables = [audit_table(found, match), reliability_table(found)]
        Console().print(Group(*tables, *([_pairs_table("most wrong", wrong, ("score", "truth"))] if wrong else [])))


def agree(
    first: Annotated[Path, typer.Argument(metavar="A", help="Recorded verdicts or a store of judgments.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another teacher's; of the same store with --second-teacher.")],
    teacher: Annotated[str | None, typer.Option(metavar="ID", help="Of a store A with several teachers, whose judgments: an identity.")] = None,
    second_teacher: Annotated[str | None, typer.Option(metavar="ID", help="The same for B.")] = None,
    cut: Cut = 0.5,
    second_cut: Annotated[float | None, typer.Option(metavar="SCORE", help="The cut of B; else that of A.", min=0, max=1)] = None,
    show: Annotated[int, typer.Option(metavar="N", help="The pairs that they differ on most, to look at.", min=0)] = 10,
    json_: AsJson = False,
) -> None:
    """Says how far two teachers agree on the pairs that both judged.

    [bold]Examples[/bold]

    lmtx agree small.jsonl.gz large.jsonl.gz

    lmtx agree run/judgments.db run/judgments.db --teacher llm-a/1 --second-teacher llm-b/1
    """
    with checking_input():
        sources = read_verdicts(first, teacher=teacher), read_verdicts(second, teacher=second_teacher)
        compared = compare_verdicts(*sources, first_cut=cut, second_cut=cut if second_cut is None else second_cut)
    apart = compared.most_apart(show)
    if json_:
        first_identity, second_identity = compared.identities
        found = agreement_as_json(compared.agreement)
        _print_json({"first": first_identity, "second": second_identity, **found, "most_apart": _pairs_as_json(apart)})
    else:
        Console().print(Group(agreement_table(compared), *([_pairs_table("most apart", apart, ("A", "B"))] if apart else [])))


def calibrate(
    verdicts: VerdictsOf,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The calibration, for lmtx train --calibration.")],
    gold: Annotated[Path | None, typer.Option(metavar="FILE", help=GOLD)] = None,
    yes_rate: Annotated[float | None, typer.Option(metavar="RATE", help="Without gold: the share of these pairs that is true, known or believed.")] = None,
    teacher: Teacher = None,
    labels: LabelsFile = None,
    kind: Annotated[str, typer.Option(metavar="KIND", help="platt (from some hundred pairs), isotonic (from thousands), or fit, which chooses.")] = "fit",
) -> None:
    """Fits a calibration, which makes probabilities of a teacher's scores.

    [bold]Examples[/bold]

    lmtx calibrate run/judgments.db --gold gold.csv --out calibration.json

    lmtx calibrate verdicts.jsonl.gz --yes-rate 0.1 --out calibration.json
    """
    with checking_input():
        if (gold is None) == (yes_rate is None):
            raise ValueError("give --gold FILE or --yes-rate RATE, one of the two.")
        fitted = _shift(read_verdicts(verdicts, teacher=teacher), yes_rate) if gold is None else _matched(verdicts, gold, teacher, labels).calibrate(kind)
    with failing_with(1):
        fitted.save(out)
    print(f"{out}: {repr(fitted)[len('Calibration(') : -1]}")


def probe_teacher(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A folder with labels.jsonl and train.jsonl, plain or .gz.")],
    teacher: Annotated[str, typer.Option(metavar="SPEC", help="As in lmtx train.")],
    pairs: Annotated[int, typer.Option(metavar="N", help="To be asked at most; each probe asks as many again.", min=1)] = 200,
    labels_per_document: Annotated[int, typer.Option(metavar="N", help="Of these, how many share a document.", min=1)] = 5,
    probes: Annotated[
        str, typer.Option(metavar="LIST", help="repeat (the same again), order (labels in reverse order), wording (labels called otherwise).")
    ] = ",".join(PROBES),
    wording: Annotated[str, typer.Option(metavar="TEXT", help="What wording calls a label.")] = WORDING,
    paraphrase: Annotated[str | None, typer.Option(metavar="SPEC", help="The same teacher with another prompt: one more probe.")] = None,
    teacher_identity: Annotated[str | None, typer.Option(metavar="ID", help="As in lmtx train.")] = None,
    store: Annotated[Path | None, typer.Option(metavar="PATH", help="Where judgments are kept, and looked up; else nothing is kept.")] = None,
    cut: Cut = 0.5,
    seed: Annotated[int, typer.Option(help="Draws documents and labels.")] = 0,
    json_: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Asks a teacher the same thing again, in other ways, and counts where it changes its mind.

    [bold]Example[/bold]

    lmtx probe bills --teacher python:my_llm:ask --pairs 100 --store probes.db
    """
    with checking_input():
        oracle = make_teacher(teacher, teacher_identity)
        other = None if paraphrase is None else make_teacher(paraphrase)
        documents, label_set = Corpus.open(data_file(data, "train")), read_labels(labels_file(data))
        names = [name.strip() for name in probes.split(",") if name.strip()]
        check_probes(names, wording)
        draw_questions(documents, label_set, pairs, labels_per_document, seed)
    with ProgressDisplay(enabled=not quiet) as display, working():
        results = probe(
            oracle, documents, label_set, probes=names, paraphrase=other, pairs=pairs, labels_per_document=labels_per_document, wording=wording, cut=cut,
            seed=seed, store=store, on_event=display,
        )  # fmt: skip
    if json_:
        _print_json({"teacher": oracle.identity(), "probes": [probe_as_json(result) for result in results]})
    else:
        Console().print(probe_table(oracle.identity(), results))


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False))


def _matched(verdicts: Path, gold: Path, teacher: str | None, labels: Path | None) -> GoldMatch:
    return match_gold(read_verdicts(verdicts, teacher=teacher), read_gold(gold, labels=labels))


def _calibrated(match: GoldMatch, calibration: Calibration) -> GoldMatch:
    if calibration.teacher not in ("", match.identity):
        raise ValueError(f"the calibration was fitted to the teacher {calibration.teacher!r}, but these are verdicts of {match.identity!r}.")
    name = f"{match.identity}+{calibration.identity()}"
    return GoldMatch(name, match.pairs, calibration.apply(match.scores), match.gold, match.weights, match.documents, match.unjudged)


def _shift(verdicts: Verdicts, yes_rate: float | None) -> Calibration:
    assert yes_rate is not None
    scores = [math.nan if score is None else score for score in verdicts.scores.values()]
    return Calibration.shift(scores, yes_rate).for_teacher(verdicts.identity)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _interval(interval: Interval) -> dict[str, float | None]:
    return {"value": _number(interval.value), "low": _number(interval.low), "high": _number(interval.high)}


def audit_as_json(found: Audit) -> dict[str, Any]:
    """Numbers as they are, null for NaN."""
    bins = [{name: _number(getattr(each, name)) for name in ("low", "high", "weight", "mean_score", "share_true")} for each in found.bins]
    return {**{name: _number(getattr(found, name)) for name in COUNTS}, **{name: _interval(getattr(found, name)) for name in MEASURES}, "bins": bins}


def agreement_as_json(found: Agreement) -> dict[str, Any]:
    """Numbers as they are, null for NaN."""
    return {**{name: getattr(found, name) for name in AGREED}, **{name: _interval(getattr(found, name)) for name in AGREEMENTS}}


def probe_as_json(result: ProbeResult) -> dict[str, Any]:
    usage = {name: getattr(result.usage, name) for name in ("prompt_tokens", "cached_tokens", "completion_tokens", "cost", "seconds")}
    return {"probe": result.probe, "flip_rate": _interval(result.flip_rate), **agreement_as_json(result.agreement), "asked": result.asked, "usage": usage}


def _pairs_as_json(rows: list[tuple[tuple[str, str], float, Any]]) -> list[list[Any]]:
    return [[document, label, one, other] for (document, label), one, other in rows]


def _shown(value: float, digits: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _range(interval: Interval) -> str:
    return "" if math.isnan(interval.low) else f"{interval.low:.3f} to {interval.high:.3f}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", overflow="fold")
    return table


def audit_table(found: Audit, match: GoldMatch) -> Table:
    table = _table(f"{match.identity}\n{found.pairs:,} pairs of {found.documents:,} documents, yes from {found.cut:g} up", "measure", "value", "95 % interval")
    for name, title in MEASURES.items():
        table.add_row(title, _shown(getattr(found, name).value), _range(getattr(found, name)))
    table.caption = (
        f"yes: {found.true_yes:,.10g} right, {found.false_yes:,.10g} wrong; no: {found.true_no:,.10g} right, {found.false_no:,.10g} wrong\n"
        f"best F1 on these pairs: {_shown(found.best_f1)}, from {_shown(found.best_cut)} up"
    )
    if match.unjudged:
        table.caption += f"\n{match.unjudged:,} gold pairs have no verdict"
    return table


def reliability_table(found: Audit) -> Table:
    table = _table("what it says, and what is true", "scores", "pairs", "mean score", "truly yes")
    for each in found.bins:
        if each.weight:
            table.add_row(f"{each.low:.2g} to {each.high:.2g}", f"{each.weight:,.10g}", _shown(each.mean_score), _shown(each.share_true))
    return table


def agreement_table(compared: VerdictComparison) -> Table:
    found = compared.agreement
    table = _table(f"A: {compared.identities[0]}\nB: {compared.identities[1]}\n{found.pairs:,} pairs", "measure", "value", "95 % interval")
    for name, title in AGREEMENTS.items():
        table.add_row(title, _shown(getattr(found, name).value), _range(getattr(found, name)))
    table.caption = (
        f"both yes {found.both_yes:,.10g}, only A {found.first_only:,.10g}, only B {found.second_only:,.10g}, both no {found.both_no:,.10g}\n"
        f"abstained: A alone {found.first_abstained:,}, B alone {found.second_abstained:,}, both {found.both_abstained:,}"
    )
    return table


def probe_table(identity: str, results: list[ProbeResult]) -> Table:
    title = f"{identity}\n{results[0].agreement.pairs:,} pairs, asked again" if results else identity
    table = _table(title, "probe", "flipped", "95 % interval", "mean |change|", "kappa", "asked")
    for result in results:
        found = result.agreement
        flips = _shown(result.flip_rate.value), _range(result.flip_rate)
        table.add_row(result.probe, *flips, _shown(found.difference.value), _shown(found.kappa.value), f"{result.asked:,}")
    return table


def _pairs_table(title: str, rows: list[tuple[tuple[str, str], float, Any]], columns: tuple[str, str]) -> Table:
    table = _table(title, "document", "label", *columns)
    for (document, label), one, other in rows:
        table.add_row(document, label, _shown(one), ("yes" if other else "no") if isinstance(other, bool) else _shown(other))
    return table
