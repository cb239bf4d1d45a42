"""Output that survives a kill: a file that grows beside its place, and a journal of how much of it counts."""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

__all__ = ["PartFile", "Progress"]

FORMAT = 1
CHUNK = 1 << 20


@dataclass(frozen=True)
class Progress:
    """What the journal says, besides what the file is made of."""

    # Where the input stands, as the caller likes.
    input: dict[str, Any]
    counts: dict[str, Any]
    # Bytes of the part file that count, and 128 bits of BLAKE2b over them.
    output_bytes: int = 0
    output_digest: str = ""
    # The part file is complete, and takes its name next.
    finished: bool = False


class PartFile:
    """`OUT.part`, which grows, and `OUT.part.json`, its journal, until OUT is made of it. Belongs to one thread.

    What append() was given counts when the journal says so: bytes are flushed to disk first, then the journal takes the place of the one before. What a kill
    leaves behind them is cut off.

    Args:
        out: What it becomes.
        content: All that decides the bytes, by name: only a call with the same goes on.
        begin: What it says at the begin.
        overwrite: Whether OUT may be there already.

    Raises:
        ValueError: For a place that cannot be written, an OUT that is there, and a journal of other content, naming what differs.
        RuntimeError: Where another process writes it, and for a part file that is damaged.
    """

    def __init__(self, out: Path, content: dict[str, Any], begin: Progress, *, overwrite: bool = False):
        self.out = Path(os.path.realpath(out))
        self.part = Path(f"{self.out}.part")
        self.journal = Path(f"{self.out}.part.json")
        self._content = content
        # What was appended so far; what of it is secured may be less.
        self.progress = begin
        # Whether there is nothing to do: a call before ended while it took its name.
        self.was_finished = False
        self._digest = hashlib.blake2b(digest_size=16)
        self._check_place(overwrite or self.journal.exists())
        self._descriptor = self._open_locked()
        try:
            self._open(overwrite)
        except BaseException:
            self.close()
            raise

    def append(self, data: bytes, progress: Progress) -> None:
        """Adds bytes, and where the input stands behind them."""
        digest = self._digest.copy()
        digest.update(data)
        begin = self.progress.output_bytes
        with _naming(self.part, "write"):
            _write_at(self._descriptor, data, begin)
        # At one go: an exception, Ctrl-C included, finds it as it was before, or as it is afterwards.
        self._digest, self.progress = digest, replace(progress, output_bytes=begin + len(data), output_digest=digest.hexdigest())

    def checkpoint(self) -> None:
        """Secures what was appended."""
        with _naming(self.part, "write"):
            os.fsync(self._descriptor)
        self._write_journal()

    def finish(self, make_out: Callable[[Path, Path], None] | None = None) -> None:
        """Gives the file its name; `make_out(part, target)` makes of it what gets the name instead."""
        self.progress = replace(self.progress, finished=True)
        with _naming(self.part, "write"):
            os.ftruncate(self._descriptor, self.progress.output_bytes)
        self.checkpoint()
        with _naming(self.out, "write"):
            if make_out:
                target = Path(f"{self.out}.part.made")
                make_out(self.part, target)
                os.replace(target, self.out)
                _flush_folder(self.out.parent)
                os.unlink(self.part)
            else:
                os.replace(self.part, self.out)
                _flush_folder(self.out.parent)
            os.unlink(self.journal)

    def close(self) -> None:
        os.close(self._descriptor)

    def _check_place(self, may_be_there: bool) -> None:
        if self.out.is_dir():
            raise ValueError(f"The tags need the name of a file, but {self.out} is a folder.")
        if not self.out.parent.is_dir():
            raise ValueError(f"The folder of {self.out} is not there.")
        if not os.access(self.out.parent, os.W_OK):
            raise ValueError(f"The folder of {self.out} cannot be written.")
        if self.out.exists() and not may_be_there:
            raise ValueError(f"{self.out} is there already; give another name, or `overwrite`.")

    def _open_locked(self) -> int:
        while True:
            with _naming(self.part, "write"):
                descriptor = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise RuntimeError(f"Another process is writing {self.out}.") from None
            # Whoever had the lock may have given the file its name meanwhile.
            if self.part.exists() and os.path.samestat(os.fstat(descriptor), os.stat(self.part)):
                return descriptor
            os.close(descriptor)

    def _open(self, overwrite: bool) -> None:
        there = self._read_journal()
        size = os.fstat(self._descriptor).st_size
        if there is None:
            return self._begin(size, overwrite)
        self._check_content(there.pop("content"))
        self.progress = Progress(**there)
        if self.progress.finished and self.out.exists() and size == 0 < self.progress.output_bytes:
            self._end_what_was_finished()
        elif self.out.exists() and not (overwrite or self.progress.finished):
            raise ValueError(f"{self.out} is there already; give another name, or `overwrite`.")
        else:
            self._go_on(size)

    def _begin(self, size: int, overwrite: bool) -> None:
        if size > 0:
            raise RuntimeError(f"{self.part} is there, but not {self.journal}, which says what it holds; delete it to begin anew.")
        if self.out.exists() and not overwrite:
            os.unlink(self.part)
            raise ValueError(f"{self.out} is there already; give another name, or `overwrite`.")
        self._write_journal()

    def _end_what_was_finished(self) -> None:
        """A call before was killed when OUT had its name already, and only the journal was left: the part file was made just now."""
        self.was_finished = True
        with _naming(self.out, "write"):
            os.unlink(self.part)
            os.unlink(self.journal)

    def _go_on(self, size: int) -> None:
        if size < self.progress.output_bytes or self._digest_of_file() != (self.progress.output_digest or hashlib.blake2b(digest_size=16).hexdigest()):
            raise RuntimeError(f"{self.part} is damaged: it is not what {self.journal.name} says. Delete both to begin anew.")
        with _naming(self.part, "write"):
            os.ftruncate(self._descriptor, self.progress.output_bytes)

    def _digest_of_file(self) -> str:
        at = 0
        while at < self.progress.output_bytes:
            chunk = os.pread(self._descriptor, min(CHUNK, self.progress.output_bytes - at), at)
            self._digest.update(chunk)
            at += len(chunk)
        return self._digest.hexdigest()

    def _check_content(self, there: dict[str, Any]) -> None:
        names = [name for name in {**there, **self._content} if there.get(name) != self._content.get(name)]
        if names:
            clauses = "; ".join(f"`{name}` is {_shown(there.get(name))} there, but {_shown(self._content.get(name))} now" for name in names)
            raise ValueError(f"{self.part} was begun otherwise: {clauses}. Give the same, or delete it and {self.journal} to begin anew.")

    def _read_journal(self) -> dict[str, Any] | None:
        try:
            text = self.journal.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            found = json.loads(text)
            wrong = found.pop("checksum") != _checksum(found)
        except (ValueError, KeyError, AttributeError):
            wrong, found = True, {}
        if wrong:
            raise RuntimeError(f"{self.journal} is damaged. Delete it and {self.part} to begin anew.")
        if found["format"] > FORMAT:
            raise RuntimeError(f"{self.journal}: this file has format {found['format']}, but this LMTX reads formats up to {FORMAT}.")
        del found["format"]
        return dict(found)

    def _write_journal(self) -> None:
        members = {"format": FORMAT, "content": self._content, **vars(self.progress)}
        text = json.dumps({**members, "checksum": _checksum(members)}, indent=1)
        fresh = Path(f"{self.journal}.new")
        with _naming(self.journal, "write"):
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
            try:
                _write_at(descriptor, text.encode(), 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(fresh, self.journal)
            _flush_folder(self.out.parent)


@contextlib.contextmanager
def _naming(path: Path, doing: str) -> Iterator[None]:
    """Says of what an error of the system is."""
    try:
        yield
    except OSError as error:
        raise RuntimeError(f"Cannot {doing} {path}: {error.strerror or error}.") from error


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checksum(members: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(members, separators=(",", ":")).encode(), digest_size=16).hexdigest()


def _shown(value: Any) -> str:
    return "not given" if value is None else json.dumps(value, ensure_ascii=False)[:100]
