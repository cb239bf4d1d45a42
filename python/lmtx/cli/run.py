"""Commands of a run: lmtx train and lmtx plan."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .._core import Budget, Corpus, CurriculumTrainer, Encoder, Rates, RecordedOracle, TeacherOracle, TrainerOptions, preset_names
from ..data import data_file, labels_file
from ..label_files import read_labels
from ..models import find_model
from ..progress import ProgressDisplay
from ..recordings import check_recorded_labels, documents_of
from ..teachers import SPECS, HumanTeacher, make_teacher, source_change_notice
from ..trust import calibrated
from .common import Device, checking_input, interruptible, working

__all__ = ["register"]

DEFAULT_PRESET = "default"


def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    commands.command("train")(train)
    commands.command("plan")(plan_run)


def _show_options(wanted: bool) -> None:
    if wanted:
        for option in TrainerOptions(DEFAULT_PRESET).describe():
            print(f"{option.name}={option.value}  ({option.type})\n    {option.help}")
        raise typer.Exit()


def _make_trainer(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A folder with labels.jsonl and train.jsonl, plain or .gz.")],
    base: Annotated[str, typer.Option(metavar="MODEL", help="The encoder to start from: a sentence-transformers folder, or a name on the Hugging Face hub.")],
    out: Annotated[Path, typer.Option(metavar="RUN", help="The work folder; the tagger is then in RUN/tagger.")],
    teacher: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help=f"Who judges: {SPECS}. A function is called as function(document, labels). None for the presets maclr and rts."),
    ] = None,
    preset: Annotated[str, typer.Option(help=f"The settings to start from: {', '.join(preset_names())}.")] = DEFAULT_PRESET,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a setting; --list-options shows them all.")] = None,
    budget: Annotated[int | None, typer.Option(metavar="N", help="Judgments to spend at most.")] = None,
    max_tokens: Annotated[int | None, typer.Option(metavar="N", help="Tokens of prompts and answers to spend at most.")] = None,
    max_cost: Annotated[float | None, typer.Option(metavar="AMOUNT", help="Money to spend at most, as the teacher says it or --prices come to.")] = None,
    max_hours: Annotated[float | None, typer.Option(metavar="HOURS", help="Time of asking to spend at most.")] = None,
    prices: Annotated[
        str | None, typer.Option(metavar="PROMPT[,CACHED],ANSWER", help="What the teacher charges for a million tokens: of prompts, of prompts from its cache, of answers.")
    ] = None,
    tokens_per_second: Annotated[float, typer.Option(metavar="N", help="How fast the teacher is, all calls together, to plan the time; 0: unknown.")] = 0,
    store: Annotated[Path | None, typer.Option(metavar="PATH", help="The file where judgments are kept, to share between runs; else one in RUN.")] = None,
    teacher_identity: Annotated[str | None, typer.Option(metavar="ID", help="The name under which a function's judgments are kept; else its name and a hash of its source.")] = None,
    calibration: Annotated[Path | None, typer.Option(metavar="FILE", help="Puts the teacher's scores right, as lmtx calibrate fitted it.")] = None,
    recorded_only: Annotated[bool, typer.Option("--recorded-only", help="Train only on the documents that a recording holds.")] = False,
    device: Device = "cpu",
) -> tuple[TeacherOracle | None, CurriculumTrainer]:
    """Opens and checks all that a run needs, the cheap things first."""
    options = TrainerOptions(preset, **_parse_changes(set_ or []))
    label_file, documents_file = labels_file(data), data_file(data, "train")
    labels = read_labels(label_file)
    if teacher is None and options.method == "curriculum":
        raise ValueError(f"The run needs a teacher: give --teacher {SPECS}, or a --preset that asks nothing, such as maclr.")
    oracle = None if teacher is None else make_teacher(teacher, teacher_identity)
    if teacher and isinstance(oracle, RecordedOracle):
        check_recorded_labels(Path(teacher.partition(":")[2]), labels, label_file)
    elif recorded_only:
        raise ValueError("--recorded-only needs a teacher recorded:FILE.")
    documents = Corpus.open(documents_file)
    if recorded_only and isinstance(oracle, RecordedOracle):
        documents = documents_of(documents, oracle)
    judge = calibrated(oracle, calibration, store or out / "judgments.db")
    limits = Budget(budget, tokens=max_tokens, cost=max_cost, seconds=None if max_hours is None else max_hours * 3600)
    rates = _parse_prices(prices, tokens_per_second)
    encoder = Encoder.load(find_model(base), device=device)
    return oracle, CurriculumTrainer(encoder, documents, labels, judge, folder=out, options=options, store=store, budget=limits, rates=rates)


def _parse_prices(prices: str | None, tokens_per_second: float) -> Rates:
    if prices is None:
        return Rates(tokens_per_second=tokens_per_second)
    try:
        numbers = [float(price) for price in prices.split(",")]
        prompt, *cached, completion = numbers
    except ValueError:
        raise ValueError(f"--prices takes two or three numbers PROMPT[,CACHED],ANSWER, but {prices!r} came instead.") from None
    if len(cached) > 1:
        raise ValueError(f"--prices takes two or three numbers PROMPT[,CACHED],ANSWER, but {prices!r} has {len(numbers)}.")
    return Rates(prompt=prompt, cached=cached[0] if cached else None, completion=completion, tokens_per_second=tokens_per_second)


def _with_options_of_a_run(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command all that _make_trainer() takes; its first argument makes the trainer of it, its second is what came."""
    shared = inspect.signature(_make_trainer).parameters
    own = list(inspect.signature(command).parameters.values())[2:]

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in shared}
        command(functools.partial(_make_trainer, **given), given, **arguments)

    parameters = [*shared.values(), *own]
    setattr(wrapped, "__signature__", inspect.Signature(parameters))
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


MakeTrainer = Callable[[], tuple[TeacherOracle | None, CurriculumTrainer]]


@_with_options_of_a_run
@interruptible
def train(
    make_trainer: MakeTrainer,
    given: dict[str, Any],
    plan: Annotated[bool, typer.Option("--plan", help="Show what the run would ask and take, and end, as lmtx plan does.")] = False,
    list_options: Annotated[bool, typer.Option("--list-options", help="Show every setting with its value in the preset default and end.", callback=_show_options, is_eager=True)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    r"""Trains a tagger from a teacher's verdicts, or, with the presets maclr and rts, without any.

    Everything is checked before the teacher is asked. After any interruption the same command goes on; on a finished RUN it prints its report.

    [bold]Examples[/bold]

    lmtx train bills --base all-MiniLM-L6-v2/ --teacher recorded:verdicts.jsonl.gz --out run

    lmtx train bills --base all-MiniLM-L6-v2/ --preset maclr --out run

    lmtx train shop --base sentence-transformers/all-MiniLM-L6-v2 --teacher python:my_llm:ask --out run --budget 20000 --set cycles=3

    where my_llm.py holds ask(document: str, labels: list\[str]) -> list\[float | bool | None]; None abstains.
    """
    with checking_input():
        oracle, trainer = make_trainer()
    if plan:
        _show_plan(trainer)
        return
    with ProgressDisplay(enabled=not quiet, bars=not isinstance(oracle, HumanTeacher)) as display, working():
        notice = oracle and source_change_notice(oracle.identity(), given["store"] or given["out"] / "judgments.db")
        if notice:
            display.notice(notice)
        report = trainer.run(on_event=display)
    print(report)
    print(f"To tag: lmtx tag {report.tagger_folder} FILE")


@_with_options_of_a_run
@interruptible
def plan_run(make_trainer: MakeTrainer, given: dict[str, Any]) -> None:
    """Says what lmtx train, given the same, would ask at most, and what that takes in tokens, money and hours. Nothing is asked.

    Tokens are estimated from a sample of documents, with a 95 % interval, or from what earlier answers of the same teacher in the store took.

    [bold]Example[/bold]

    lmtx plan shop --base all-MiniLM-L6-v2/ --teacher openai:https://api.example.com/v1#small --out run --prices 0.15,0.075,0.6 --max-cost 5
    """
    with checking_input():
        _, trainer = make_trainer()
    _show_plan(trainer)


def _show_plan(trainer: CurriculumTrainer) -> None:
    with working():
        print(str(trainer.plan()).rstrip("\n"))


def _parse_changes(changes: list[str]) -> dict[str, str]:
    """Settings by name. Spaces around a value go, unless it is a text."""
    texts = {option.name for option in TrainerOptions().describe() if option.type == "text"}
    values = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or not name:
            raise ValueError(f"--set takes NAME=VALUE, but {change!r} came instead.")
        name = name.strip()
        values[name] = value if name in texts else value.strip()
    return values
