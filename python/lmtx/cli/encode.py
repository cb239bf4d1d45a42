"""The command lmtx encode."""

from pathlib import Path
from typing import Annotated

import typer

from .._core import Corpus, Encoder, LabelSet
from ..models import find_model
from ..progress import ProgressDisplay
from .common import Device, checking_input, failing_with, interruptible, wrong_values

__all__ = ["register"]



def register(commands: typer.Typer) -> None:
    """Adds the commands."""
    commands.command("encode")(encode)


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
