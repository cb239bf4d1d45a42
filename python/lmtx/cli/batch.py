"""The commands lmtx batch …: what waits in a folder of batches, and how answers come in."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .._core import BatchImport, BatchStatus, batch_status, import_batch_answers
from .common import checking_input, interruptible

__all__ = ["register"]

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a teacher batch:FOLDER#MODEL.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="What the provider gave: JSON lines, plain or .gz; files of errors, too.")]


def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    batch = typer.Typer(name="batch", help="What waits in a folder of batches, and how answers come in.", no_args_is_help=True, rich_markup_mode="rich")
    batch.command("status")(interruptible(status))
    batch.command("import")(interruptible(import_answers))
    commands.add_typer(batch)


def status(folder: Folder, as_json: AsJson = False) -> None:
    """Says how many requests are answered, failed and open.

    [bold]Example[/bold]

    lmtx batch status bills-batch
    """
    with checking_input():
        found = batch_status(folder)
    names = ("requests", "answered", "failed", "open", "unknown", "request_files", "answer_files")
    print(json.dumps({name: getattr(found, name) for name in names}) if as_json else _describe(found, folder))


def import_answers(folder: Folder, files: Files, as_json: AsJson = False) -> None:
    """Checks files of answers and copies them into FOLDER/answers; then the command that asked goes on.

    Each file is taken whole or not at all. One that is there already changes nothing.

    [bold]Example[/bold]

    lmtx batch import bills-batch batch_68a1_output.jsonl batch_68a1_error.jsonl
    """
    lines = []
    for file in files:
        with checking_input():
            lines.append((file, import_batch_answers(folder, file)))
        if not as_json:
            print(_describe_import(*lines[-1]))
    with checking_input():
        found = batch_status(folder)
    if as_json:
        print(json.dumps({"files": [_import_as_json(*line) for line in lines], "open": found.open, "failed": found.failed}))
    else:
        print(_describe(found, folder))


def _describe(found: BatchStatus, folder: Path) -> str:
    text = f"{found.requests:,} requests in {_files(found.request_files)}: {found.answered:,} answered, {found.failed:,} failed, {found.open:,} open."
    if found.unknown:
        text += f" {_files(found.answer_files)} of answers hold {found.unknown:,} for requests that are not here."
    if found.open:
        return f"{text}\nPut answers into {folder / 'answers'}, or import them, and run the command that asked again."
    return f"{text}\nRun the command that asked again: it uses the answers" + (", and writes what failed once more." if found.failed else ".")


def _describe_import(file: Path, done: BatchImport) -> str:
    if done.known:
        return f"{file}: there already, as {done.file}."
    others = {"to requests that had one": done.repeated, "errors": done.failed, "to requests that are not here": done.unknown}
    return f"{file}: {done.answers:,} answers" + "".join(f", {count:,} {what}" for what, count in others.items() if count) + f"; now {done.file}."


def _import_as_json(file: Path, done: BatchImport) -> dict[str, str | int | bool]:
    counts = {name: getattr(done, name) for name in ("lines", "answers", "repeated", "failed", "unknown")}
    return {"file": str(file), "imported": str(done.file), "known": done.known, **counts}


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
