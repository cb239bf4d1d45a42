"""The commands lmtx store …: what is in a store of judgments, and how it goes in and out."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from .._core import JudgmentStore, MergeCounts, StoreDiff, StoreDifference, TeacherSummary, Verdict
from .common import Failure, checking_input, failing_with, interruptible
from ..stores import export_parquet, import_parquet

__all__ = ["register"]

store_commands = typer.Typer(name="store", help="What is in a store of judgments, and how it goes in and out.", no_args_is_help=True, rich_markup_mode="rich")

StoreFile = Annotated[Path, typer.Argument(metavar="STORE", help="A store of judgments.")]
OutFile = Annotated[Path, typer.Argument(metavar="FILE", help="FILE.parquet is Parquet, anything else JSON lines.")]
InFile = Annotated[Path, typer.Argument(metavar="FILE", help="FILE.parquet is Parquet, anything else JSON lines, plain or .gz.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON in place of words.")]
Teacher = Annotated[str | None, typer.Option(metavar="ID", help="Only the judgments of the teacher that uses this identity.")]


def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    commands.add_typer(store_commands)


@store_commands.command()
@interruptible
def info(store: StoreFile, as_json: AsJson = False) -> None:
    """Shows the teachers of a store, how much each judged, how often it said yes, and what it cost."""
    with checking_input():
        opened = JudgmentStore.open_read_only(store)
        teachers = opened.teachers()
    if as_json:
        print(json.dumps({"file": str(store), "judgments": len(opened), "bytes": store.stat().st_size, "teachers": [_teacher_as_json(teacher) for teacher in teachers]}))
        return
    print(f"{store}: {len(opened):,} judgments by {len(teachers):,} teachers, {store.stat().st_size / 1e6:,.1f} MB")
    Console().print(_teachers_table(teachers))


@store_commands.command()
@interruptible
def check(store: StoreFile, as_json: AsJson = False) -> None:
    """Looks through a whole store: SQLite's own check, every checksum, every reference. Exit code 1 where something is wrong."""
    with checking_input():
        opened = JudgmentStore.open_read_only(store)
    with failing_with(1):
        found = opened.check()
    if as_json:
        print(json.dumps({name: getattr(found, name) for name in ("answers", "judgments", "without_sum", "faults")}))
    else:
        print(*found.faults, sep="\n", end="\n" if found.faults else "")
    if not found:
        raise Failure(f"{store}: the store is damaged; sqlite3 {store} .recover may bring back what it still holds.", 1)
    if not as_json:
        print(f"{store}: {found.judgments:,} judgments in {found.answers:,} answers, all as they were put.")


@store_commands.command()
@interruptible
def merge(
    into: Annotated[Path, typer.Argument(metavar="INTO", help="A store, which is made where it is not there.")],
    sources: Annotated[list[Path], typer.Argument(metavar="FROM...", help="Stores to be added.")],
) -> None:
    """Adds the judgments of other stores, and what they cost, to a store. What is there already stays; conflicts are counted."""
    with checking_input():
        target, others = JudgmentStore.open(into), [JudgmentStore.open(_there(source)) for source in sources]
    for other in others:
        with failing_with(1):
            print(f"{other.file}: {_in_words(target.merge_from(other))}")


@store_commands.command()
@interruptible
def diff(
    first: Annotated[Path, typer.Argument(metavar="A", help="A store.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    listed: Annotated[int, typer.Option("--list", metavar="N", help="Differences of each kind to be listed.", min=0)] = 10,
    as_json: AsJson = False,
) -> None:
    """Compares two stores: judgments that both have, with the same score or another, and those that one has alone."""
    with checking_input():
        here, there = JudgmentStore.open_read_only(first), JudgmentStore.open_read_only(second)
    with failing_with(1):
        found = here.diff(there, max_listed=listed)
    if as_json:
        print(json.dumps(_diff_as_json(found)))
        return
    print(f"{found.same:,} the same, {found.conflicts:,} with another score, {found.only_here:,} only in {first}, {found.only_there:,} only in {second}")
    if found.differences:
        Console().print(_differences_table(found.differences))


@store_commands.command("export")
@interruptible
def export(
    store: StoreFile,
    file: OutFile,
    teacher: Teacher = None,
    recording: Annotated[bool, typer.Option("--recording", help="Recorded verdicts, which --teacher recorded:FILE reads, in place of everything.")] = False,
) -> None:
    """Writes a store as JSON lines or Parquet, so that nothing is lost, or the verdicts of one teacher as a recording."""
    with checking_input():
        opened = JudgmentStore.open_read_only(store)
        if recording:
            opened.export_recording(_the_teacher(opened, teacher), file)
        elif file.suffix == ".parquet":
            export_parquet(opened, file, identity=teacher)
        else:
            opened.export_json_lines(file, identity=teacher)


@store_commands.command("import")
@interruptible
def import_(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="A store, which is made where it is not there.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What lmtx store export wrote: FILE.parquet is Parquet, anything else JSON lines, plain or .gz.")],
) -> None:
    """Adds what was exported to a store. What is there already stays; conflicts are counted."""
    with checking_input():
        opened = JudgmentStore.open(store)
        for file in files:
            counts = import_parquet(opened, file) if file.suffix == ".parquet" else opened.import_json_lines(file)
            print(f"{file}: {_in_words(counts)}")


def _there(file: Path) -> Path:
    if not file.is_file():
        raise ValueError(f"{file}: there is no such file.")
    return file


def _the_teacher(store: JudgmentStore, identity: str | None) -> str:
    """A recording has one teacher."""
    identities = store.identities()
    if identity is None and len(identities) != 1:
        raise ValueError(f"{store.file} has {len(identities)} teachers; say which with --teacher: {', '.join(map(repr, identities[:5]))}.")
    return identities[0] if identity is None else identity


def _in_words(counts: MergeCounts) -> str:
    return f"{counts.judgments:,} judgments and {counts.answers:,} answers added, {counts.same:,} were there, {counts.conflicts:,} with another score, which stay"


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _teacher_as_json(teacher: TeacherSummary) -> dict[str, Any]:
    names = ("identity", "judgments", "abstained", "yes", "yes_rate", "first_time", "last_time")
    usage = {name: getattr(teacher.totals.usage, name) for name in ("prompt_tokens", "cached_tokens", "completion_tokens", "cost", "seconds")}
    return {name: getattr(teacher, name) for name in names} | {"answers": teacher.totals.answers, "usage": usage}


def _teachers_table(teachers: list[TeacherSummary]) -> Table:
    table = Table()
    for name in ("teacher", "judgments", "abstained", "yes", "answers", "tokens in", "out", "cost", "first", "last"):
        table.add_column(name, justify="left" if name == "teacher" else "right", overflow="fold")
    for teacher in teachers:
        usage = teacher.totals.usage
        numbers = [f"{number:,}" for number in (teacher.totals.answers, usage.prompt_tokens, usage.completion_tokens)]
        table.add_row(
            teacher.identity, f"{teacher.judgments:,}", f"{teacher.abstained:,}", f"{teacher.yes_rate:.1%}", *numbers, f"{usage.cost:,.2f}", _day(teacher.first_time),
            _day(teacher.last_time),
        )  # fmt: skip
    return table


def _score(verdict: Verdict | None) -> str:
    if verdict is None:
        return "-"
    return "abstained" if verdict.value is None else f"{verdict.value:g}"


def _differences_table(differences: list[StoreDifference]) -> Table:
    table = Table("document", "label", "teacher", "A", "B")
    for difference in differences:
        table.add_row(difference.document, difference.label, difference.identity, _score(difference.here), _score(difference.there))
    return table


def _diff_as_json(found: StoreDiff) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in ("same", "conflicts", "only_here", "only_there")}
    return counts | {"differences": [_difference_as_json(difference) for difference in found.differences]}


def _difference_as_json(difference: StoreDifference) -> dict[str, Any]:
    row = {name: getattr(difference, name) for name in ("key", "identity", "document", "label")}
    return row | {side: None if verdict is None else {"score": verdict.value} for side, verdict in (("here", difference.here), ("there", difference.there))}
