"""Loads torch's shared libraries, which LMTX computes with, without importing the torch package."""

import ctypes
import importlib.util
import re
from pathlib import Path

from . import _build_info


def load_torch_libraries() -> None:
    """Makes torch's libraries known to the loader, from the torch package that `import torch` would take.

    Raises:
        ImportError: In a full sentence, when torch is missing or is not the one that LMTX was built with.
    """
    package = _torch_package()
    _check_version(package)
    names = ["libc10.so", "libtorch_cpu.so"]
    if _build_info.CUDA:
        names += ["libc10_cuda.so", "libtorch_cuda.so"]
    try:
        for library in sorted(package.glob("lib/libgomp*.so*")) + [package / "lib" / name for name in names]:
            ctypes.CDLL(str(library))
    except OSError as error:
        raise ImportError(f"LMTX could not load torch's libraries from {package / 'lib'}: {error}. {_what_to_do()}") from error


def _what_to_do() -> str:
    kind = " with CUDA" if _build_info.CUDA else ""
    return f"Install torch {_public(_build_info.TORCH)}{kind}, or build LMTX with the torch that is there."


def _torch_package() -> Path:
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(
            f"LMTX computes with PyTorch's libraries, but the package torch is not installed; install torch {_public(_build_info.TORCH)}, which it was built with."
        )
    return Path(spec.submodule_search_locations[0])


def _check_version(package: Path) -> None:
    version = _version(package)
    if _public(version) != _public(_build_info.TORCH):
        raise ImportError(
            f"LMTX was built with torch {_build_info.TORCH}, but torch {version} is installed in {package}; their libraries do not fit together. "
            f"{_what_to_do()}"
        )


def _version(package: Path) -> str:
    try:
        found = re.search(r"__version__ = '([^']*)'", (package / "version.py").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found.group(1) if found else "of an unknown version"


def _public(version: str) -> str:
    """"2.13.0" of "2.13.0+cpu": builds for other devices have the same interface."""
    return version.split("+")[0]
