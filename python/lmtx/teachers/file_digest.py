"""What a model's files hold, in a few digits."""

import hashlib
import json
import os
import tempfile
from pathlib import Path

__all__ = ["file_digest"]


def file_digest(file: Path) -> str:
    """16 hexadecimal digits of the SHA-256 of a file.

    Reading a model of many gigabytes takes a while, so digests are kept in the cache folder of the user (XDG_CACHE_HOME, else ~/.cache), under the file's path,
    size and time of change.
    """
    status = file.stat()
    key = f"{file.resolve()}\n{status.st_size}\n{status.st_mtime_ns}"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lmtx" / "digests.json"
    known = _read(cache)
    if key not in known:
        known[key] = _sha256(file)[:16]
        _write(cache, known)
    return known[key]


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _read(cache: Path) -> dict[str, str]:
    try:
        known = json.loads(cache.read_text())
        return {key: value for key, value in known.items() if isinstance(value, str) and len(value) == 16}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(cache: Path, known: dict[str, str]) -> None:
    """Whole or not at all; a folder that cannot be written is no reason to stop."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=cache.parent, delete=False) as file:
            json.dump(known, file)
        os.replace(file.name, cache)
    except OSError:
        pass
