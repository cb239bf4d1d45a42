"""The type stubs are those of the compiled module."""

import ast
import importlib.util
from pathlib import Path

import lmtx._core

ROOT = Path(__file__).resolve().parents[2]


def make_stubs():
    spec = importlib.util.spec_from_file_location("make_stubs", ROOT / "scripts" / "make_stubs.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.make_stubs(lmtx._core)


def test_the_stubs_are_up_to_date():
    assert (ROOT / "python" / "lmtx" / "_core.pyi").read_text() == make_stubs(), "run: PYTHONPATH=build/python python scripts/make_stubs.py"


def test_the_stubs_are_python_and_name_every_class():
    tree = ast.parse((ROOT / "python" / "lmtx" / "_core.pyi").read_text())
    names = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assert names == {name for name in vars(lmtx._core) if not name.startswith("_")}
