"""Tries a wheel out: installs it into an environment of its own and uses it there.

    .venv/bin/python scripts/try_wheel.py dist/lmtx-*.whl

What lmtx depends on (torch, NumPy, ...) is taken from the Python that runs this; lmtx itself is not.
"""

import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

# Run without the checkout in sight: isolated mode ignores PYTHONPATH and the current folder.
USE = """
import importlib.metadata, pathlib, sys
import lmtx
folder = pathlib.Path(lmtx.__file__).parent
assert folder.is_relative_to(sys.prefix), f"lmtx came from {folder}, not from the wheel"
assert lmtx.__version__ == importlib.metadata.version("lmtx"), (lmtx.__version__, importlib.metadata.version("lmtx"))
for name in ("py.typed", "liblmtx.so", "liblmtx_inference.so"):
    assert (folder / name).exists(), f"{name} is not in the wheel"
print(f"lmtx {lmtx.__version__} works from its wheel")
"""


def try_wheel(wheel: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="lmtx-wheel-") as folder:
        environment = Path(folder) / "venv"
        venv.create(environment, with_pip=False)
        python = environment / "bin" / "python"
        site_packages = Path(subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True).strip())
        (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-index", wheel]
        subprocess.run(pip, check=True)
        subprocess.run([python, "-I", "-c", USE], check=True, cwd=folder)
        subprocess.run([environment / "bin" / "lmtx", "--help"], check=True, cwd=folder, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: try_wheel.py WHEEL")
    try_wheel(Path(sys.argv[1]).resolve())
