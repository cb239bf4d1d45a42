"""Training on the command line, in a process that may be killed, and what comes out of it."""

import hashlib
import json
import os
import sys
from pathlib import Path

import lmtx

# Some seconds of asking and training.
OPTIONS = {"cycles": 3, "epochs": 6, "batch_size": 10, "learning_rate": 2e-3, "warmup": 0.1, "document_length": 32, "judgments_per_cycle": 5, "development": 0,
           "checkpoint_every": 5}  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    """Where a process finds lmtx, and the modules of the tests."""
    path = [str(Path(lmtx.__file__).parents[1]), str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(path)} | more


def command(model: Path, data: Path, out: Path, teacher: str | None = None, **options: object) -> list[str]:
    changes = [part for name, value in (OPTIONS | options).items() for part in ("--set", f"{name}={value}")]
    teacher = teacher or f"recorded:{data / 'verdicts.jsonl'}"
    return [sys.executable, "-m", "lmtx", "train", str(data), "--base", str(model), "--teacher", teacher, "--out", str(out), "--preset", "paper", *changes]


def contents(run: Path) -> dict[str, str]:
    """The digests of all in a run's folder but what differs from run to run: the name that is drawn, and in the store the order of rows and the time."""
    found = {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder" for path in sorted(run.rglob("*"))}
    manifest = json.loads((run / "run.json").read_text())
    return found | {"judgments.db": "the store", "run.json": json.dumps(manifest | {"run": "its name", "checksum": ""})}
