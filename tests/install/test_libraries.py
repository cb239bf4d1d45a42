"""What the two shared libraries need and show."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ["liblmtx_inference.so", "liblmtx.so"]


def dynamic_entries(library, tag: str) -> list[str]:
    text = subprocess.check_output(["readelf", "--dynamic", "--wide", library], text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    return re.findall(rf"\({tag}\).*\[(.*)\]", text)


def traces_of_teachers(library: Path) -> set[str]:
    """What of SQLite, curl or liblmtx.so a library needs, directly or through others, or holds."""
    linked = re.findall(r"^\s*(\S+) =>", subprocess.check_output(["ldd", library], text=True), flags=re.MULTILINE)
    assert "libtorch_cpu.so" in linked
    symbols = subprocess.check_output(["nm", "--format=posix", library], text=True)
    return {name for name in linked if re.match(r"lib(sqlite|curl|lmtx\.)", name)} | set(re.findall(r"^(sqlite3|curl)_", symbols, flags=re.MULTILINE))


def test_tagging_needs_neither_sqlite_nor_curl(build_dir):
    assert traces_of_teachers(build_dir / "liblmtx_inference.so") == set()
    # They would be seen.
    assert traces_of_teachers(build_dir / "liblmtx.so") >= {"libsqlite3.so.0", "sqlite3"}


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


def headers_below(folder: Path, pattern: str = "*.h") -> set[str]:
    return {str(path.relative_to(folder)) for path in (folder / "lmtx").rglob(pattern)}


def test_the_headers_that_are_listed_are_installed_and_each_is_compiled_alone(build_dir, prefix):
    listed = set(re.findall(r"^  \$\{PROJECT_SOURCE_DIR\}/(lmtx/\S+\.h)\)?$", (ROOT / "cmake" / "LmtxTargets.cmake").read_text(), flags=re.MULTILINE))
    assert len(listed) > 20
    assert headers_below(prefix / "include") == listed
    # CMake makes a source file for each that includes nothing else (target all_verify_interface_header_sets, which `make test` builds).
    alone = [build_dir / f"{target}_verify_interface_header_sets" for target in ("lmtx_inference", "lmtx")]
    assert {name.removesuffix(".cxx") for folder in alone for name in headers_below(folder, "*.h.cxx")} == listed
    assert all(f"#include <{name}>" in source.read_text() for folder in alone for name in listed if (source := folder / f"{name}.cxx").exists())


def test_internal_headers_are_not_installed(prefix):
    folders = {path.relative_to(prefix / "include" / "lmtx").parts[0] for path in prefix.glob("include/lmtx/**/*.h")}
    assert {"tagger.h", "corpus", "teacher", "train"} <= folders
    assert not folders & {"detail", "nn"}
