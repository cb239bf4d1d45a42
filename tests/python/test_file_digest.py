"""Digests of a model's files, and what is kept of them."""

import hashlib
import json
import os

import pytest

from lmtx.teachers import file_digest as module
from lmtx.teachers.file_digest import file_digest


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "lmtx" / "digests.json"


@pytest.fixture
def reads(monkeypatch):
    """How many files were read."""
    read, sha256 = [], module._sha256
    monkeypatch.setattr(module, "_sha256", lambda file: read.append(file) or sha256(file))
    return read


def test_a_file_is_read_once_until_it_changes(tmp_path, cache, reads):
    file = tmp_path / "model.gguf"
    for content in (b"weights" * 300_000, b"others"):
        file.write_bytes(content)
        assert file_digest(file) == file_digest(file) == hashlib.sha256(content).hexdigest()[:16]
    assert len(reads) == 2 and len(json.loads(cache.read_text())) == 2
    os.utime(file, (1, 1))
    file_digest(file)
    assert len(reads) == 3


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', "\0"])
def test_a_broken_cache_is_made_anew(tmp_path, cache, content):
    cache.parent.mkdir(parents=True)
    cache.write_text(content)
    (tmp_path / "model").write_bytes(b"weights")
    assert file_digest(tmp_path / "model") == hashlib.sha256(b"weights").hexdigest()[:16]
    assert len(json.loads(cache.read_text())) == 1


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path, monkeypatch, reads):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "model").write_bytes(b"weights")
    assert file_digest(tmp_path / "model") == file_digest(tmp_path / "model") == hashlib.sha256(b"weights").hexdigest()[:16]
    assert len(reads) == 2
