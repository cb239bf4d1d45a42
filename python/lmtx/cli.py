"""The command lmtx."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Table

from . import __version__, built_with_torch
from ._core import Budget, Corpus, CurriculumTrainer, Document, Encoder, LabelSet, RecordedOracle, Tag, Tagger, TeacherOracle, TrainerOptions, preset_names
from .commands import Failure, checking_input, failing_with, interruptible, working, wrong_values
from .data import data_file
from .evaluation import METRICS, SCORED_METRICS, evaluate_tagger
from .models import find_model
from .progress import ProgressDisplay
from .propensities import Propensities, read_propensities
from .recordings import check_recorded_labels, documents_of
from .teachers import make_teacher, source_change_notice
from .trust import calibrated
from .trust_commands import register as register_trust_commands

DEFAULT_PRESET = "default"
Device = Annotated[str, typer.Option(metavar="DEVICE", help="Where it is computed: cpu, cuda or cuda:N.")]

commands = typer.Typer(
    name="lmtx",
    help="Tags text from huge label sets, without labelled data: a small encoder learns from the verdicts of a teacher.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def app(arguments: list[str] | None = None) -> None:
    """Runs the command line. Exit codes: 0 done, 1 failed while working, 2 wrong input, 130 interrupted."""
    try:
        code = typer.main.get_command(commands).main(args=arguments, prog_name="lmtx", standalone_mode=False)
        sys.stdout.flush()
    except Failure as failure:
        code = _complain(str(failure), failure.code)
    except BrokenPipeError:  # Whoever read our output has enough.
        _drop(sys.stdout)
        code = 0
    except OSError as error:
        _drop(sys.stdout)
        code = _complain(f"{error.filename or 'standard output'}: {error.strerror}.", 1)
    except Exception as error:
        # Wrong usage: typer's own errors, whose module differs from version to version.
        if not hasattr(error, "format_message"):
            raise
        message = error.format_message()
        if not message:  # No command at all: the help was shown.
            sys.exit(2)
        code = _complain(" ".join(message.split()), 2)
    sys.exit(code if isinstance(code, int) else 0)


def _drop(stream: TextIO) -> None:
    """Python would try to write what is left in it when it ends, and fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _complain(message: str, code: int) -> int:
    try:
        print(f"lmtx: {message}", file=sys.stderr, flush=True)
    except OSError:
        _drop(sys.stderr)
    return code


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"lmtx {__version__} (torch {built_with_torch()})")
        raise typer.Exit()


def _show_options(wanted: bool) -> None:
    if wanted:
        for option in TrainerOptions(DEFAULT_PRESET).describe():
            print(f"{option.name}={option.value}  ({option.type})\n    {option.help}")
        raise typer.Exit()


@commands.callback()
def _main(version: Annotated[bool, typer.Option("--version", help="Show the version and end.", callback=_show_version, is_eager=True)] = False) -> None:
    pass


@commands.command()
@interruptible
def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A folder with labels.jsonl and train.jsonl, plain or .gz.")],
    base: Annotated[str, typer.Option(metavar="MODEL", help="The encoder to start from: a sentence-transformers folder, or a name on the Hugging Face hub.")],
    out: Annotated[Path, typer.Option(metavar="RUN", help="The work folder; the tagger is then in RUN/tagger.")],
    teacher: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="recorded:FILE (recorded verdicts) or python:module:function (called as function(document, labels)); none for the presets maclr and rts."),
    ] = None,
    preset: Annotated[str, typer.Option(help=f"The settings to start from: {', '.join(preset_names())}.")] = DEFAULT_PRESET,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a setting; --list-options shows them all.")] = None,
    budget: Annotated[int | None, typer.Option(metavar="N", help="Judgments to spend at most.")] = None,
    store: Annotated[Path | None, typer.Option(metavar="PATH", help="The file where judgments are kept, to share between runs; else one in RUN.")] = None,
    teacher_identity: Annotated[str | None, typer.Option(metavar="ID", help="The name under which a function's judgments are kept; else its name and a hash of its source.")] = None,
    calibration: Annotated[Path | None, typer.Option(metavar="FILE", help="Puts the teacher's scores right, as lmtx calibrate fitted it.")] = None,
    recorded_only: Annotated[bool, typer.Option("--recorded-only", help="Train only on the documents that a recording holds.")] = False,
    device: Device = "cpu",
    plan: Annotated[bool, typer.Option("--plan", help="Show what the run would ask, and end.")] = False,
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
        oracle, trainer = _make_trainer(data, base, device, teacher, out, preset, set_ or [], budget, store, teacher_identity, recorded_only, calibration)
        expected = trainer.plan()
    if plan:
        print(expected)
        return
    with ProgressDisplay(enabled=not quiet) as display, working():
        notice = oracle and source_change_notice(oracle.identity(), store or out / "judgments.db")
        if notice:
            display.notice(notice)
        report = trainer.run(on_event=display)
    print(report)
    print(f"To tag: lmtx tag {report.tagger_folder} FILE")


def _make_trainer(
    data: Path, base: str, device: str, spec: str | None, out: Path, preset: str, changes: list[str], budget: int | None, store: Path | None, identity: str | None,
    recorded_only: bool, calibration: Path | None = None,
) -> tuple[TeacherOracle | None, CurriculumTrainer]:
    """Opens and checks all that a run needs, the cheap things first."""
    options = TrainerOptions(preset, **_parse_changes(changes))
    labels_file, documents_file = data_file(data, "labels"), data_file(data, "train")
    labels = LabelSet.open(labels_file)
    if spec is None and options.method == "curriculum":
        raise ValueError("The run needs a teacher: give --teacher recorded:FILE or python:module:function, or a --preset that asks nothing, such as maclr.")
    oracle = None if spec is None else make_teacher(spec, identity)
    if spec and isinstance(oracle, RecordedOracle):
        check_recorded_labels(Path(spec.partition(":")[2]), labels, labels_file)
    elif recorded_only:
        raise ValueError("--recorded-only needs a teacher recorded:FILE.")
    documents = Corpus.open(documents_file)
    if recorded_only and isinstance(oracle, RecordedOracle):
        documents = documents_of(documents, oracle)
    judge = calibrated(oracle, calibration, store or out / "judgments.db")
    encoder = Encoder.load(find_model(base), device=device)
    limit = Budget() if budget is None else Budget(budget)
    return oracle, CurriculumTrainer(encoder, documents, labels, judge, folder=out, options=options, store=store, budget=limit)


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


@commands.command("eval")
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
    return read_propensities(spec, data, LabelSet.open(data_file(data, "labels")), a, b)


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


@commands.command()
@interruptible
def tag(
    tagger: Annotated[Path, typer.Argument(metavar="TAGGER", help="The folder of a tagger.")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="One text, or one JSON object with title and content, a line; else standard input.")] = None,
    k: Annotated[int, typer.Option("-k", help="Tags a text.", min=1)] = 5,
    device: Device = "cpu",
) -> None:
    """Tags texts: a line in, a line of JSON out.

    [bold]Examples[/bold]

    echo "How do I get red wine out of a wool carpet?" | lmtx tag run/tagger -k 3

    lmtx tag run/tagger documents.jsonl > tags.jsonl
    """
    with checking_input():
        if file is not None and not file.is_file():
            raise ValueError(f"{file} is no file.")
        loaded = Tagger.load(tagger, device=device)
    with open(file, encoding="utf-8", errors="replace") if file else contextlib.nullcontext(_standard_input()) as lines:
        for block in _blocks(lines, str(file or "standard input"), 1 if file is None and sys.stdin.isatty() else 256):
            for document, tags in zip(block, loaded.tag(block, k=k), strict=True):
                print(json.dumps(_tags_as_json(document, tags), ensure_ascii=False))
            sys.stdout.flush()


def _standard_input() -> Iterator[str]:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    return sys.stdin


def _blocks(lines: Iterator[str], place: str, size: int) -> Iterator[list[Document]]:
    """Documents by the block. What came before a wrong line is still given."""
    block: list[Document] = []
    for number, line in enumerate(lines, 1):
        try:
            block.append(_parse_line(line.rstrip("\r\n")))
        except (ValueError, TypeError) as error:
            yield block
            raise Failure(f"{place}:{number}: {error}", 2) from None
        if len(block) == size:
            yield block
            block = []
    yield block


def _parse_line(line: str) -> Document:
    if not line.startswith("{"):
        return Document(content=line)
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"broken JSON: {error.msg} at column {error.colno}.") from None
    return Document({key: value for key, value in fields.items() if key in ("uid", "title", "content")})


def _tags_as_json(document: Document, tags: list[Tag]) -> dict[str, Any]:
    rows = [{"uid": tag.uid, "label": tag.label, "score": round(tag.score, 4)} for tag in tags]
    return {**({"uid": document.uid} if document.uid else {}), "tags": rows}


@commands.command()
@interruptible
def encode(
    model: Annotated[str, typer.Option(metavar="MODEL", help="The encoder: a sentence-transformers folder, or a name on the Hugging Face hub.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The NumPy file of vectors, usually NAME.npy; while it is being made it is FILE.partial.")],
    documents: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON lines with uid, title, content, plain or .gz: title and content are encoded.")] = None,
    labels: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON lines with uid and title, plain or .gz: the titles are encoded.")] = None,
    dtype: Annotated[str, typer.Option(metavar="TYPE", help="What the model computes in: float32 or bfloat16; on the CPU int8, on a card float16.")] = "float32",
    device: Device = "cpu",
    file_dtype: Annotated[str, typer.Option(metavar="TYPE", help="Of the numbers in the file: float32, or float16.")] = "float32",
    max_length: Annotated[int, typer.Option(metavar="N", help="Tokens a text, special tokens included; 0: the model's own.", min=0)] = 0,
    prompt: Annotated[str | None, typer.Option(metavar="TEXT", help="Put before each text; else the model's default prompt.")] = None,
    prompt_name: Annotated[str | None, typer.Option(metavar="NAME", help="The same, by the name that the model has for it.")] = None,
    normalize: Annotated[bool | None, typer.Option("--normalize/--no-normalize", help="Whether to scale vectors to unit length; else as the model says.")] = None,
    token_budget: Annotated[int, typer.Option(metavar="N", help="Tokens computed at once; 0: what suits the device.", min=0)] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Take the place of a file that is there already, when all is done.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Encodes documents or labels to a NumPy file of vectors, a row each, in memory that does not grow with their number.

    After any interruption the same command goes on, and the file gets the same bytes.

    [bold]Examples[/bold]

    lmtx encode --model all-MiniLM-L6-v2/ --documents bills/train.jsonl --out train.npy

    lmtx encode --model intfloat/multilingual-e5-small --labels shop/labels.jsonl.gz --prompt-name query --file-dtype float16 --out labels.npy

    lmtx encode --model all-MiniLM-L6-v2/ --documents bills/train.jsonl --device cuda --dtype float16 --out train.npy
    """
    with checking_input():
        source = _open_texts(documents, labels)
        encoder = Encoder.load(find_model(model), device=device)
    with ProgressDisplay(enabled=not quiet) as display, failing_with(1), wrong_values():
        vectors = encoder.encode_to_file(
            source, out, max_length=max_length, prompt=prompt, prompt_name=prompt_name, normalize=normalize, token_budget=token_budget,
            dtype=dtype, file_dtype=file_dtype, overwrite=overwrite, on_event=display
        )  # fmt: skip
    print(f"{out}: {vectors.dtype} [{vectors.shape[0]:,}, {vectors.shape[1]}]")


def _open_texts(documents: Path | None, labels: Path | None) -> Corpus | LabelSet:
    if documents and not labels:
        return Corpus.open(documents)
    if labels and not documents:
        return LabelSet.open(labels)
    raise ValueError("give --documents FILE or --labels FILE, one of the two.")


@commands.command()
@interruptible
def demo(
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the run and report.json go; else build/demo in the checkout.")] = None,
    # Named, since some versions of typer call an option like its metavar.
    data: Annotated[Path | None, typer.Option("--data", metavar="DATA", help="The data of the demo; else examples/us-bills-110 in the checkout.")] = None,
) -> None:
    """Teaches a small encoder to tag bills of Congress from an LLM's recorded verdicts, and compares.

    Takes some minutes on two cores. After an interruption the same command goes on; a finished demo is shown again.
    """
    from .demo import Demo

    with checking_input():
        made = Demo(out, data)
    with failing_with(1):
        made.run()


register_trust_commands(commands)


if __name__ == "__main__":
    app()
