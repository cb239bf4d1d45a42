"""The package's types, as mypy sees them: py.typed promises them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).parent / "typed_program.py"


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """Runs mypy as pyproject.toml says; what it learned of NumPy and the package is kept for the next call."""
    cache = tmp_path_factory.mktemp("mypy")

    def run(*files):
        command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(cache), *map(str, files)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"MYPYPATH": str(ROOT / "python"), "PATH": ""})

    return run


def test_the_package_and_a_program_that_uses_it_are_typed(mypy):
    result = mypy(ROOT / "python" / "lmtx", PROGRAM)
    assert result.returncode == 0, result.stdout + result.stderr


def test_mistakes_of_a_program_are_seen(mypy, tmp_path):
    mistakes = {
        "lmtx.Encoder.load('model').encode('tax', max_lenght=3)": "call-overload",
        "lmtx.Tagger.load('tagger').tag('tax')[0].name": "attr-defined",
        "lmtx.Budget(judgments='many')": "arg-type",
        "x: str = lmtx.TrainerOptions().describe()": "assignment",
        "lmtx.encode('tax')": "attr-defined",
        "lmtx.LabelSet(['tax'])": "list-item",
    }
    program = tmp_path / "wrong.py"
    program.write_text("import lmtx\n" + "\n".join(mistakes) + "\n")
    errors = [line for line in mypy(program).stdout.splitlines() if ": error: " in line]
    # mypy says more than one thing of some.
    assert {(int(line.split(":")[1]), line.rpartition("[")[2][:-1]) for line in errors} >= set(enumerate(mistakes.values(), 2))
    assert {int(line.split(":")[1]) for line in errors} == set(range(2, 2 + len(mistakes)))
