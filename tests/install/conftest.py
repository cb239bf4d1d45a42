import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))  # tiny.py


@pytest.fixture(scope="session")
def build_dir() -> Path:
    """The build tree under test: build/ in the checkout, or where LMTX_BUILD_DIR says."""
    return Path(os.environ.get("LMTX_BUILD_DIR", ROOT / "build")).resolve()


@pytest.fixture(scope="session")
def prefix(build_dir, tmp_path_factory) -> Path:
    """A prefix that holds the C++ package, installed from the build tree."""
    folder = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", build_dir, "--prefix", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """The folder of a tiny encoder."""
    import tiny

    return tiny.write_model(tmp_path_factory.mktemp("model") / "tiny")
