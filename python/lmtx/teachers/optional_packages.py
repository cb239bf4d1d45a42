"""Packages that only some teachers need."""

import importlib
from typing import Any

__all__ = ["import_for"]


def import_for(teacher: str, module: str, package: str) -> Any:
    """The module, imported only now: it may take seconds, and most users do without.

    Raises:
        ImportError: Where its package is not installed, with the command that installs it.
    """
    top = module.partition(".")[0]
    try:
        importlib.import_module(top)
    except ModuleNotFoundError as error:
        if error.name != top:  # Something that the package itself lacks.
            raise
        raise ImportError(f"the teacher {teacher} needs the package {package}, which is not installed: pip install {package}") from None
    return importlib.import_module(module)
