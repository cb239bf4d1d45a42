"""Runs the notebooks of examples/notebooks from their first cell to their last, and writes each with what came out.

    python scripts/run_notebooks.py [NOTEBOOK ...]

A notebook runs in a folder of its own, which is thrown away, with the data of examples/ beside it as in the checkout. What depends on the machine or the
moment (times, versions, ids) is not written, so that running it again on the same machine changes nothing.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "examples" / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read(file: Path) -> nbformat.NotebookNode:
    return nbformat.read(file, as_version=4)


def execute(notebook: nbformat.NotebookNode, timeout: int = 600) -> nbformat.NotebookNode:
    """The notebook with its outputs, normalised.

    Args:
        timeout: Seconds that a cell may take.

    Raises:
        CellExecutionError: Where a cell fails; it shows the cell and the traceback.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "notebooks"
        place.mkdir()
        for data in (ROOT / "examples").glob("*/README.md"):
            (Path(folder) / data.parent.name).symlink_to(data.parent)
        NotebookClient(notebook, timeout=timeout, kernel_name="python3", coalesce_streams=True, resources={"metadata": {"path": str(place)}}).execute()
    return normalised(notebook)


def normalised(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                output.pop("metadata", None) if output.output_type == "stream" else output.update(metadata={})
    nbformat.validate(notebook)
    return notebook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="all of examples/notebooks where none is named")
    arguments = parser.parse_args()
    for file in arguments.notebooks or sorted(NOTEBOOKS.glob("*.ipynb")):
        print(f"running {file.resolve().relative_to(ROOT)}", flush=True)
        try:
            notebook = execute(read(file))
        except CellExecutionError as error:
            sys.exit(f"{file}: {error}")
        nbformat.write(notebook, file)


if __name__ == "__main__":
    main()
