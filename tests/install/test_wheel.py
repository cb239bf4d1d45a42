"""The wheel, out of the build tree that was tested."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(build_dir, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", f"--config-settings=build-dir={build_dir}", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_works_where_the_checkout_is_not_in_sight(wheel):
    output = subprocess.check_output([sys.executable, ROOT / "scripts" / "try_wheel.py", wheel], text=True)
    assert re.fullmatch(r"lmtx [0-9.]+ works from its wheel\n", output)


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {str(path.relative_to(ROOT / "python")) for path in (ROOT / "python" / "lmtx").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    data = {f"lmtx/us-bills-110/{name}" for name in ["README.md", "gold.jsonl.gz", "labels.jsonl", "test.jsonl.gz", "train.jsonl.gz", "verdicts.jsonl.gz"]}
    built = {re.sub(r"\.cpython-\S*\.so", ".so", name) for name in names - sources - data}
    assert sources | data <= names
    assert built == {"lmtx/_core.so", "lmtx/_build_info.py", "lmtx/liblmtx.so", "lmtx/liblmtx_inference.so"}


def test_building_the_wheel_leaves_nothing_to_compile(wheel, build_dir):
    output = subprocess.check_output(["ninja", "-C", build_dir, "lmtx_core"], text=True)
    assert "no work to do" in output
