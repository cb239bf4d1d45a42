"""The command lmtx: what it prints, and how it refuses."""

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lmtx
import tiny
from runs import environment

HERE = Path(__file__).parent
FAST = ["--preset", "paper", "--set", "cycles=2", "--set", "epochs=4", "--set", "batch_size=10", "--set", "learning_rate=2e-3", "--set", "warmup=0.1",
        "--set", "document_length=32", "--set", "judgments_per_cycle=5", "--set", "development=0"]  # fmt: skip


def lmtx_command(*arguments, cwd=None, text=None, columns=200):
    command = [sys.executable, "-m", "lmtx", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, input=text, env=environment(COLUMNS=str(columns)))


def refusal(*arguments, **keywords):
    """The one line on stderr of a command that refuses its input."""
    result = lmtx_command(*arguments, **keywords)
    assert result.returncode == 2, result
    assert "Traceback" not in result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("lmtx: "), result.stderr
    return lines[0].removeprefix("lmtx: ")


@pytest.fixture
def train(model, data, tmp_path):
    """The arguments of a training run, to be changed by name."""

    def arguments(data=data, base=model, teacher=f"recorded:{data / 'verdicts.jsonl'}", out=tmp_path / "run", extra=()):
        return ["train", data, "--base", base, "--teacher", teacher, "--out", out, *FAST, *extra]

    return arguments


def test_a_run_is_trained_measured_and_used(train, data, tmp_path):
    result = lmtx_command(*train())
    assert result.returncode == 0, result.stderr
    assert f"lmtx tag {tmp_path / 'run' / 'tagger'} FILE" in result.stdout
    assert "cycle 1: train" in result.stderr  # Not a terminal: a line when a stage ends.

    measured = lmtx_command("eval", tmp_path / "run" / "tagger", data, "--json")
    metrics = json.loads(measured.stdout)
    assert metrics["documents"] == 20
    assert {"precision@1", "precision@5", "nDCG@5", "recall@10", "recall@100"} <= metrics.keys()
    assert 0 <= metrics["precision@1"]["low"] <= metrics["precision@1"]["value"] <= metrics["precision@1"]["high"] <= 100
    table = lmtx_command("eval", tmp_path / "run" / "tagger", data)
    assert re.search(rf"precision@1\W+{metrics['precision@1']['value']:.1f}", table.stdout)

    again = lmtx_command(*train())
    assert again.returncode == 0 and again.stdout == result.stdout


def test_a_teacher_of_ones_own_is_named_on_the_command_line(train, tmp_path):
    result = lmtx_command(*train(teacher="python:tiny:topic_answers"))
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["teacher"].startswith("tiny:topic_answers/")


def test_a_teacher_in_the_current_folder_is_found(train, tmp_path):
    (tmp_path / "here.py").write_text("def ask(document, labels):\n    return [label in document for label in labels]\n")
    assert lmtx_command(*train(teacher="python:here:ask"), cwd=tmp_path).returncode == 0


def test_a_plan_of_its_own_takes_the_arguments_of_a_run(train, tmp_path):
    arguments = train(extra=["--max-tokens", "7", "--prices", "1,0.5,2"])
    (tmp_path / "metered.py").write_text(
        "import lmtx\nclass Metered(lmtx.TeacherOracle):\n"
        "    def identity(self): return 'metered/1'\n"
        "    def judge(self, questions, answers): raise AssertionError\n"
        "    def estimate(self, question): return lmtx.Usage(prompt_tokens=1000 * len(question), completion_tokens=len(question))\n"
    )
    arguments[arguments.index("--teacher") + 1] = "python:metered:Metered"
    result = lmtx_command("plan", *arguments[1:], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "600,000" in result.stdout and "The budget's limit of tokens is reached first." in result.stdout
    assert re.search(r"cost +0\.6012", result.stdout)
    assert result.stdout == lmtx_command(*arguments, "--plan", cwd=tmp_path).stdout
    assert not (tmp_path / "run").exists()
    assert refusal("plan", *train(extra=["--prices", "cheap"])[1:]) == "--prices takes two or three numbers PROMPT[,CACHED],ANSWER, but 'cheap' came instead."


def test_a_plan_asks_and_makes_nothing(train, tmp_path):
    result = lmtx_command(*train(extra=["--plan"]))
    assert result.returncode == 0 and "600" in result.stdout
    assert not (tmp_path / "run").exists()


def test_only_recorded_documents_train_on_request(train, data, model, tmp_path):
    tiny.write_recording(tmp_path / "few.jsonl", tiny.make_documents()[:15])
    result = lmtx_command(*train(teacher=f"recorded:{tmp_path / 'few.jsonl'}", extra=["--recorded-only", "--plan"]))
    assert "150" in result.stdout, result.stderr
    assert "--recorded-only needs a teacher recorded:FILE" in refusal(*train(teacher="python:tiny:topic_answers", extra=["--recorded-only"]))


def test_a_teachers_exception_shows_its_traceback_and_the_run_goes_on(train, tmp_path):
    (tmp_path / "shaky.py").write_text(
        "from pathlib import Path\n"
        "def ask(document, labels):\n"
        "    with open('calls', 'a') as calls: print(document, file=calls)\n"
        "    if len(Path('calls').read_text().splitlines()) == 20: raise ConnectionError('the line is down')\n"
        "    return [label in document.split() for label in labels]\n"
    )
    first = lmtx_command(*train(teacher="python:shaky:ask"), cwd=tmp_path)
    assert first.returncode == 1
    assert "shaky.py" in first.stderr and "ConnectionError: the line is down" in first.stderr
    assert first.stderr.splitlines()[-1] == "lmtx: the teacher failed; what it answered before is kept, and the same command goes on from here."
    assert lmtx_command(*train(teacher="python:shaky:ask"), cwd=tmp_path).returncode == 0


def test_a_wrong_answer_is_one_line(train, tmp_path):
    (tmp_path / "wrong.py").write_text("def ask(document, labels):\n    return [2.0] * len(labels)\n")
    result = lmtx_command(*train(teacher="python:wrong:ask"), cwd=tmp_path)
    assert result.returncode == 1
    assert re.match(r"lmtx: the teacher's answer for document 'd\d+' and label '\w+' must be a score in \[0, 1\], a boolean or None, but is 2\.0 instead\.", result.stderr.splitlines()[-1])
    assert "Traceback" not in result.stderr


@pytest.fixture
def broken(data, tmp_path):
    """A copy of the data folder, to be broken."""

    def copy(name, change):
        folder = tmp_path / "broken"
        folder.mkdir()
        for file in data.iterdir():
            (folder / file.name).write_text(change(file.read_text().splitlines()) if file.name == name else file.read_text())
        return folder

    return copy


def test_missing_files_are_named(train, data, tmp_path):
    (tmp_path / "empty").mkdir()
    assert refusal(*train(data=tmp_path / "none")) == f"{tmp_path / 'none'} is no folder; it should hold labels.jsonl and train.jsonl."
    assert refusal(*train(data=tmp_path / "empty")) == f"{tmp_path / 'empty'} has neither labels.jsonl nor labels.jsonl.gz."
    assert str(tmp_path / "none.jsonl") in refusal(*train(teacher=f"recorded:{tmp_path / 'none.jsonl'}"))


def test_broken_json_is_named_by_its_line(train, broken):
    folder = broken("train.jsonl", lambda lines: "\n".join(lines[:4] + ['{"uid": "x", "title": '] + lines[4:]) + "\n")
    assert re.match(rf"{folder / 'train.jsonl'}:5: ", refusal(*train(data=folder)))


def test_a_label_that_is_given_twice_is_named_by_its_lines(train, broken):
    folder = broken("labels.jsonl", lambda lines: "\n".join([*lines, lines[2]]) + "\n")
    message = refusal(*train(data=folder))
    assert f"{folder / 'labels.jsonl'}:13" in message and "3" in message


def test_an_unknown_label_in_a_recording_is_named_by_its_line(train, broken):
    folder = broken("verdicts.jsonl", lambda lines: "\n".join(lines[:3] + [lines[3].replace("l-army", "l-navy")] + lines[4:]) + "\n")
    message = refusal(*train(teacher=f"recorded:{folder / 'verdicts.jsonl'}"))
    assert message.startswith(f"{folder / 'verdicts.jsonl'}:4: unknown label 'l-navy'; it is not among the 12 labels of ")


def test_unknown_options_are_named(train):
    assert "'epoch'" in refusal(*train(extra=["--set", "epoch=3"])) or "`epoch`" in refusal(*train(extra=["--set", "epoch=3"]))
    assert refusal(*train(extra=["--set", "epochs"])) == "--set takes NAME=VALUE, but 'epochs' came instead."
    assert "epochs" in refusal(*train(extra=["--set", "epochs=many"]))
    assert "paper" in refusal(*train(extra=["--preset", "best"]))
    assert refusal(*train(extra=["--colour"])).startswith("No such option: --colour")
    assert refusal("trane").startswith("No such command 'trane'.")
    assert refusal("train", "x") .startswith("Missing option")


def test_a_folder_that_is_no_model_is_named(train, tmp_path):
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in refusal(*train(base=tmp_path / "empty"))
    assert refusal(*train(base=tmp_path / "none")) == f"{tmp_path / 'none'} is no folder of a model."


def test_a_teacher_that_cannot_be_imported_is_named(train, tmp_path):
    assert refusal(*train(teacher="python:no_such:ask")) == "the teacher's module no_such cannot be imported: ModuleNotFoundError: No module named 'no_such'"
    assert refusal(*train(teacher="python:tiny:nobody")) == f"the teacher's module tiny ({HERE / 'tiny.py'}) has no nobody."
    assert refusal(*train(teacher="gpt")) == f"the teacher must be {lmtx.teachers.SPECS}, but is 'gpt' instead."
    (tmp_path / "lambda_teacher.py").write_text("ask = lambda document, labels: []\n")
    assert "the teacher is a lambda" in refusal(*train(teacher="python:lambda_teacher:ask"), cwd=tmp_path)


def test_every_command_that_computes_takes_a_device(train, tagger_folder, data, model, tmp_path):
    for arguments in (train(), ["eval", tagger_folder, data], ["tag", tagger_folder, data / "train.jsonl"],
                      ["encode", "--model", model, "--documents", data / "train.jsonl", "--out", tmp_path / "vectors.npy"]):  # fmt: skip
        assert refusal(*arguments, "--device", "tpu") == '`device` must be "cpu", "cuda" or "cuda:N", but is "tpu" instead.'
    assert lmtx_command("tag", tagger_folder, "--device", "cpu", text="tax\n").returncode == 0


def test_nothing_is_made_for_wrong_input(train, tmp_path):
    refusal(*train(extra=["--set", "epochs=0"]))
    refusal(*train(extra=["--budget", "-1"]))
    assert not (tmp_path / "run").exists()


def test_another_run_in_the_folder_is_refused_naming_what_differs(train):
    assert lmtx_command(*train()).returncode == 0
    assert "epochs" in refusal(*train(extra=["--set", "epochs=5"]))


def test_eval_refuses_labels_that_the_tagger_does_not_know(tagger_folder, broken, data, tmp_path):
    folder = broken("labels.jsonl", lambda lines: "\n".join([*lines, json.dumps({"uid": "l-navy", "title": "navy"})]) + "\n")
    assert refusal("eval", tagger_folder, folder) == f"label 'l-navy' of {folder / 'labels.jsonl'} is not among the 12 labels of the tagger."
    assert refusal("eval", tagger_folder, data, "--split", "dev") == f"{data} has neither dev.jsonl nor dev.jsonl.gz."
    assert str(tmp_path) in refusal("eval", tmp_path, data)


def test_eval_compares_two_taggers(tagger_folder, model, data, tmp_path):
    trained = lmtx.Tagger.load(tagger_folder)
    lmtx.Tagger.from_labels(lmtx.Encoder.load(model), trained.labels, settings=trained.settings).save(tmp_path / "untouched")
    arguments = ["eval", tagger_folder, data, "--against", tmp_path / "untouched", "--propensity", "gold:test", "--propensity-constants", "0.5,0.4"]
    result = json.loads(lmtx_command(*arguments, "--json").stdout)
    assert result["propensity"] == {"source": "gold:test", "documents": 20, "a": 0.5, "b": 0.4}
    assert result["difference"].keys() == result["against"].keys() >= {"precision@1", "nDCG@5", "PSP@1", "PSP@5", "PSnDCG@5"}
    alone = json.loads(lmtx_command("eval", tmp_path / "untouched", data, "--json").stdout)
    assert result["against"]["precision@3"] == alone["precision@3"]
    table = lmtx_command(*arguments).stdout
    difference = result["difference"]["PSP@5"]
    assert re.search(rf"PSP@5\W+{result['PSP@5']['value']:.1f}\W+{result['against']['PSP@5']['value']:.1f}\W+{difference['value']:.1f}\W+{difference['better']:.1f} %", table)
    # The lines below a table are cut at its width, wherever that falls.
    said = "".join(table.split())
    assert "labelfrequencies:gold:test" in said and f"B:{tmp_path / 'untouched'}" in said
    # As wide as a terminal mostly is.
    narrow = lmtx_command(*arguments, columns=80).stdout
    assert "…" not in narrow.split("metric", 1)[1]


def test_eval_refuses_what_it_cannot_compare_or_weigh(tagger_folder, data, tmp_path):
    labels = [*lmtx.Tagger.load(tagger_folder).labels, lmtx.Label("l-navy", "navy")]
    lmtx.Tagger.from_labels(lmtx.Encoder.load(tagger_folder), lmtx.LabelSet(labels), settings=lmtx.TaggerSettings(search_length=32)).save(tmp_path / "other")
    assert refusal("eval", tagger_folder, data, "--against", tmp_path / "other").startswith("the taggers cannot be compared: of the 13 labels of the second 1 are not among")
    assert str(tmp_path / "none") in refusal("eval", tagger_folder, data, "--against", tmp_path / "none")
    assert refusal("eval", tagger_folder, data, "--propensity", "true").startswith("the propensity must be gold:SPLIT, recorded:FILE or uniform, but is 'true'")
    assert refusal("eval", tagger_folder, data, "--propensity", "uniform", "--propensity-constants", "1") == "--propensity-constants takes two numbers A,B, but '1' came instead."


def test_prompts_are_set_with_their_spaces(train, tmp_path):
    assert lmtx_command(*train(extra=["--set", "document_prompt=study : ", "--set", "label_prompt= a ", "--set", " epochs = 1 "])).returncode == 0
    settings = lmtx.Tagger.load(tmp_path / "run" / "tagger").settings
    assert (settings.document_prompt, settings.label_prompt) == ("study : ", " a ")


def test_eval_refuses_true_labels_out_of_range(tagger_folder, broken):
    folder = broken("test.jsonl", lambda lines: "\n".join([lines[0], json.dumps({**json.loads(lines[1]), "target_ind": [12]})]) + "\n")
    assert refusal("eval", tagger_folder, folder).startswith(f"{folder / 'test.jsonl'}:2")


def test_tag_gives_a_line_for_a_line(tagger_folder, tmp_path):
    lines = ["tax office", "", '{"uid": "x", "title": "tax", "content": "army"}', "snow\ufffdman \u2603"]
    from_input = lmtx_command("tag", tagger_folder, "-k", 2, text="\n".join(lines))
    rows = [json.loads(line) for line in from_input.stdout.splitlines()]
    assert len(rows) == 4 and all(len(row["tags"]) == 2 for row in rows)
    assert [row.get("uid") for row in rows] == [None, None, "x", None]
    tags = lmtx.Tagger.load(tagger_folder).tag("tax office", k=2)
    assert rows[0]["tags"] == [{"uid": tag.uid, "label": tag.label, "score": round(tag.score, 4)} for tag in tags]
    (tmp_path / "texts").write_text("\n".join(lines) + "\n")
    assert lmtx_command("tag", tagger_folder, tmp_path / "texts", "-k", 2).stdout == from_input.stdout


def test_tag_takes_bytes_that_are_no_utf8(tagger_folder, tmp_path):
    (tmp_path / "texts").write_bytes(b"tax \xff\xfe\n" * 300)
    assert len(lmtx_command("tag", tagger_folder, tmp_path / "texts").stdout.splitlines()) == 300


def test_tag_names_the_line_that_is_wrong_and_gives_those_before(tagger_folder, tmp_path):
    (tmp_path / "texts").write_text('tax\n{"title": "tax"\n')
    result = lmtx_command("tag", tagger_folder, tmp_path / "texts")
    assert result.returncode == 2 and len(result.stdout.splitlines()) == 1
    assert result.stderr == f"lmtx: {tmp_path / 'texts'}:2: broken JSON: Expecting ',' delimiter at column 16.\n"
    assert refusal("tag", tagger_folder, tmp_path / "none") == f"{tmp_path / 'none'} is no file."
    assert str(tmp_path) in refusal("tag", tmp_path, text="tax\n")
    assert lmtx_command("tag", tagger_folder, text='{"uid": "x"}\n').stderr == "lmtx: standard input:1: a document needs a `title` or a `content`, but has neither.\n"


def test_tag_ends_quietly_when_nobody_reads_on(tagger_folder):
    command = f"yes tax army | head -n 5000 | {sys.executable} -m lmtx tag {tagger_folder} | head -n 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert len(result.stdout.splitlines()) == 1 and result.stderr == ""


def test_gzip_data_is_read(train, data, tmp_path):
    folder = tmp_path / "zipped"
    folder.mkdir()
    for name in ("labels.jsonl", "train.jsonl"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((data / name).read_bytes()))
    assert lmtx_command(*train(data=folder, extra=["--plan"])).returncode == 0


def test_help_teaches():
    result = lmtx_command("train", "--help")
    assert result.returncode == 0
    assert "--teacher recorded:verdicts.jsonl.gz" in result.stdout and "ask(document: str, labels: list[str])" in result.stdout
    assert all(name in lmtx_command("--help").stdout for name in ("train", "eval", "tag", "encode", "demo"))
    options = lmtx_command("train", "--list-options").stdout
    assert all(f"{name}=" in options for name in lmtx.TrainerOptions().to_dict())


def test_the_version_names_torch():
    assert lmtx_command("--version").stdout == f"lmtx {lmtx.version()} (torch {lmtx.built_with_torch()})\n"
