"""What the two shared libraries need and show."""

import re
import subprocess
import sys

import pytest

LIBRARIES = ["liblmtx_inference.so", "liblmtx.so"]


def dynamic_entries(library, tag: str) -> list[str]:
    text = subprocess.check_output(["readelf", "--dynamic", "--wide", library], text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    return re.findall(rf"\({tag}\).*\[(.*)\]", text)


def test_tagging_needs_neither_sqlite_nor_curl(build_dir):
    needed = dynamic_entries(build_dir / "liblmtx_inference.so", "NEEDED")
    assert "libtorch_cpu.so" in needed
    assert not [name for name in needed if re.match(r"lib(sqlite|curl|lmtx\.)", name)]


@pytest.mark.parametrize("library", LIBRARIES)
def test_only_names_of_lmtx_are_exported(build_dir, library):
    lines = subprocess.check_output(["nm", "--dynamic", "--demangle", "--defined-only", "--format=posix", build_dir / library], text=True).splitlines()
    assert lines
    ours = re.compile(r"(typeinfo for |typeinfo name for |vtable for |VTT for |(non-)?virtual thunk to )?lmtx::")
    assert [line for line in lines if not ours.match(line)] == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_installed_library_finds_its_neighbours_and_torch(prefix, library):
    (runpath,) = dynamic_entries(prefix / "lib" / library, "RUNPATH")
    assert runpath.split(":")[:2] == ["$ORIGIN", "$ORIGIN/../torch/lib"]
    linked = subprocess.check_output(["ldd", prefix / "lib" / library], text=True)
    assert "not found" not in linked


@pytest.mark.parametrize("imports", ["lmtx", "lmtx, torch", "torch, lmtx"])
def test_one_openmp_runtime_is_loaded(imports):
    program = f"import {imports}, re\nprint(*sorted(set(re.findall(r'/\\S*/lib(?:gomp|iomp|omp)[^/\\s]*', open('/proc/self/maps').read()))), sep='\\n')"
    runtimes = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert len(runtimes) == 1, runtimes


def test_internal_headers_are_not_installed(prefix):
    folders = {path.relative_to(prefix / "include" / "lmtx").parts[0] for path in prefix.glob("include/lmtx/**/*.h")}
    assert {"tagger.h", "corpus", "teacher", "train"} <= folders
    assert not folders & {"detail", "nn"}
