"""The command lmtx decide."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from .._core import DecisionRule, Interval, Tagger
from .common import Device, checking_input, failing_with, interruptible
from ..decisions import fit_rule
from ..progress import ProgressDisplay

__all__ = ["register"]


def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    commands.command("decide")(decide)


@interruptible
def decide(
    tagger: Annotated[Path, typer.Argument(metavar="TAGGER", help="The folder of a tagger.")],
    documents: Annotated[Path, typer.Option(metavar="FILE", help="Documents that were held out from training.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The tagger with its new rule.")],
    gold: Annotated[Path | None, typer.Option(metavar="FILE", help="What is true of them: as in lmtx audit.")] = None,
    store: Annotated[Path | None, typer.Option(metavar="FILE", help="A teacher's verdicts on them: a store, or recorded verdicts.")] = None,
    teacher: Annotated[str | None, typer.Option(metavar="ID", help="Of a store with several teachers, whose judgments: an identity.")] = None,
    precision: Annotated[float | None, typer.Option(metavar="SHARE", help="Tags that are right with at least this precision, all together.")] = None,
    f1: Annotated[bool, typer.Option("--f1", help="Tags with the highest F1.")] = False,
    number: Annotated[float | None, typer.Option(metavar="N", help="So many tags a text, on average.")] = None,
    coverage: Annotated[float | None, typer.Option(metavar="SHARE", help="At least this share of a text's true labels, on average.")] = None,
    top: Annotated[int | None, typer.Option(metavar="K", help="The K best labels, with probabilities.")] = None,
    k_most: Annotated[int, typer.Option(metavar="N", help="Tags a text at most.", min=1)] = 100,
    confidence: Annotated[float | None, typer.Option(metavar="SHARE", help="Of the promised precision, one-sided; by default 0.975.")] = None,
    yes_above: Annotated[float, typer.Option(metavar="SCORE", help="Verdicts from here up are a yes.", min=0, max=1)] = 0.5,
    device: Device = "cpu",
    json_: Annotated[bool, typer.Option("--json", help="JSON in place of sentences.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Chooses how many tags a text gets, by documents whose labels are known.

    [bold]Examples[/bold]

    lmtx decide run/tagger --documents dev.jsonl --gold dev.jsonl --precision 0.9 --out tagger-precise

    lmtx decide run/tagger --documents dev.jsonl --store run/judgments.db --number 3 --out tagger-three
    """
    with checking_input():
        if gold is None and store is None:
            raise ValueError("give --gold FILE or --store FILE: a rule is fitted to documents of which something is known.")
        aims = {"precision": precision, "f1": f1 or None, "number": number, "coverage": coverage, "top": top}
        chosen = [f"--{name}" for name, value in aims.items() if value is not None]
        if len(chosen) != 1:
            raise ValueError(f"give one of --precision, --f1, --number, --coverage and --top, but {' and '.join(chosen) or 'none'} came.")
        loaded = Tagger.load(tagger, device=device)
        with ProgressDisplay(enabled=not quiet) as display:
            rule = fit_rule(
                loaded, documents, gold=gold, verdicts=store, teacher=teacher, precision=precision, f1=f1 or top is not None, number=number, coverage=coverage,
                k_most=k_most, confidence=confidence, yes_above=yes_above, on_event=display,
            )  # fmt: skip
        if top is not None:
            calibration = rule.calibration
            rule = DecisionRule.top(top) if calibration is None else DecisionRule.top(top).with_calibration(calibration)
    with failing_with(1):
        loaded.with_rule(rule).save(out)
    print(json.dumps(rule_as_json(rule), ensure_ascii=False) if json_ else f"{out}: {rule.describe()}")


def rule_as_json(rule: DecisionRule) -> dict[str, Any]:
    """Numbers as they are; null for NaN and infinities."""
    cuts = [
        {
            "group": cut.group, "score": _number(cut.score), "met": cut.met, "thin": cut.thin, "estimate": _interval(cut.estimate), "pairs": cut.pairs,
            "yeses": cut.yeses, "documents": cut.documents, "pairs_needed": cut.pairs_needed, "documents_needed": cut.documents_needed,
        }
        for cut in rule.cuts
    ]  # fmt: skip
    described = {"rule": rule.kind, "k": rule.k, "aim": _number(rule.aim), "judge": rule.judge, "thin": rule.thin, "gives_tags": rule.gives_tags}
    return {**described, "cuts": cuts, "describe": rule.describe()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _interval(interval: Interval) -> dict[str, float | None]:
    return {"value": _number(interval.value), "low": _number(interval.low), "high": _number(interval.high)}
