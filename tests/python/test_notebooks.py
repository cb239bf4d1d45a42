"""The notebooks of examples/, run from their first cell to their last."""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def run_notebooks():
    spec = importlib.util.spec_from_file_location("run_notebooks", ROOT / "scripts" / "run_notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(notebook) -> list[str]:
    """What its cells print and show, one blank for each gap."""
    texts = [output.get("text") or output["data"]["text/plain"] for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [re.sub(r"\s+", " ", text) for text in texts]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs_and_is_committed_with_what_comes_out(run_notebooks, file):
    committed = run_notebooks.read(file)
    counts = [cell.execution_count for cell in committed.cells if cell.cell_type == "code"]
    assert counts == list(range(1, 1 + len(counts)))
    executed = run_notebooks.execute(run_notebooks.read(file))
    before, after = shown(committed), shown(executed)
    assert len(after) == len(before)
    # What does not go through an encoder is the same on every machine; after training the last digits of vectors, and so a rank, may differ.
    trained = next(i for i, text in enumerate(before) if text.startswith("Teacher: "))
    assert after[:trained] == before[:trained]


def test_the_bills_are_tagged_better_than_before(run_notebooks):
    # In what is committed; the test above sees to it that it is what comes out.
    text = " ".join(shown(run_notebooks.read(ROOT / "examples" / "notebooks" / "bills.ipynb")))
    before, after = (float(re.search(rf"\b{name} (\d+\.\d)", text)[1]) for name in ("before", "after"))
    assert after > before


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_committed_notebook_is_as_the_script_writes_it(run_notebooks, file, tmp_path):
    notebook = run_notebooks.normalised(run_notebooks.read(file))
    nbformat.write(notebook, tmp_path / file.name)
    assert (tmp_path / file.name).read_text(encoding="utf-8") == file.read_text(encoding="utf-8")
