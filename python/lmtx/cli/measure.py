"""The command lmtx eval."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from .._core import Tagger
from ..data import labels_file
from ..label_files import read_labels
from ..evaluation import METRICS, SCORED_METRICS, evaluate_tagger
from ..progress import ProgressDisplay
from ..propensities import Propensities, read_propensities
from .common import Device, checking_input, interruptible

__all__ = ["register"]



def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    commands.command("eval")(evaluate)


@interruptible
def evaluate(
    tagger: Annotated[Path, typer.Argument(metavar="TAGGER", help="The folder of a tagger.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A folder with labels.jsonl and SPLIT.jsonl, whose documents have target_ind.")],
    split: Annotated[str, typer.Option(help="Which documents.")] = "test",
    against: Annotated[Path | None, typer.Option(metavar="TAGGER", help="Another tagger of the same labels to compare with, document by document.")] = None,
    propensity: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC", help="Propensity-scored metrics, too, by label frequencies: gold:SPLIT (true labels), recorded:FILE (a teacher's yeses) or uniform."
        ),
    ] = None,
    propensity_constants: Annotated[
        str, typer.Option(metavar="A,B", help="Of the inverse propensities; 0.5,0.4 for Wikipedia, 0.6,2.6 for Amazon.")
    ] = "0.55,1.5",
    device: Device = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measures a tagger on documents with true labels: per cent, with 95 % bootstrap intervals.

    [bold]Examples[/bold]

    lmtx eval run/tagger bills --split test --json

    lmtx eval new/tagger bills --against old/tagger --propensity gold:train
    """
    with checking_input(), ProgressDisplay(enabled=not as_json) as display:
        propensities = _find_propensities(propensity, propensity_constants, data)
        first, second = Tagger.load(tagger, device=device), Tagger.load(against, device=device) if against else None
        result = evaluate_tagger(first, data, split, on_event=display, against=second, propensities=propensities)
    if as_json:
        print(json.dumps(result))
    else:
        Console().print(_metrics_table(result, data) if against is None else _comparison_table(result, data, tagger, against))


def _find_propensities(spec: str | None, constants: str, data: Path) -> Propensities | None:
    if spec is None:
        return None
    try:
        a, b = map(float, constants.split(","))
    except ValueError:
        raise ValueError(f"--propensity-constants takes two numbers A,B, but {constants!r} came instead.") from None
    return read_propensities(spec, data, read_labels(labels_file(data)), a, b)


def _title(result: dict[str, Any], data: Path) -> str:
    title = f"{result['documents']:,} documents of {data}, {result['labels']:,} labels"
    return title + (f"\nlabel frequencies: {result['propensity']['source']}" if "propensity" in result else "")


def _reported(result: dict[str, Any]) -> list[str]:
    return [name for name in (*METRICS, *SCORED_METRICS) if name in result]


def _metrics_table(result: dict[str, Any], data: Path) -> Table:
    table = Table(title=_title(result, data))
    table.add_column("metric")
    table.add_column("per cent", justify="right")
    table.add_column("95 % interval", justify="right")
    for name in _reported(result):
        table.add_row(name, f"{result[name]['value']:.1f}", _range(result[name]))
    return table


def _comparison_table(result: dict[str, Any], data: Path, first: Path, second: Path) -> Table:
    table = Table(title=f"{_title(result, data)}\nA: {first}\nB: {second}", caption="per cent, with 95 % intervals; A ahead: share of paired bootstrap resamples")
    table.add_column("metric")
    for column in ("A", "B", "A - B", "A ahead"):
        table.add_column(column, justify="right", no_wrap=True)
    for name in _reported(result):
        mine, other, difference = result[name], result["against"][name], result["difference"][name]
        table.add_row(
            name,
            *(f"{value['value']:{sign}.1f}\n[dim]{_range(value, sign)}[/dim]" for value, sign in ((mine, ""), (other, ""), (difference, "+"))),
            f"{difference['better']:.1f} %",
        )
    return table


def _range(value: dict[str, float], sign: str = "") -> str:
    return f"{value['low']:{sign}.1f} to {value['high']:{sign}.1f}"
