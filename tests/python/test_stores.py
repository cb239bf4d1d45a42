"""Stores of judgments from Python and on the command line: looked at, merged, compared, written and read."""

import json
import subprocess
import sys

import pytest

import lmtx
from lmtx.cli import app

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

LABELS = [lmtx.Label("l-tax", "tax"), lmtx.Label("l-army", "army", description="Ground forces"), lmtx.Label("l-ä", "Ä")]


def question(number):
    return lmtx.Question(lmtx.Document(f"d{number}", title=f"Document {number}", content="tax bill"), LABELS)


def fill(store, numbers, run, shift=0.0):
    """Two teachers; every fifth answer fails, and costs something all the same."""
    for number in numbers:
        usage = lmtx.Usage(prompt_tokens=100 + number, completion_tokens=1, cost=0.1, seconds=0.25)
        failed = [lmtx.Verdict.fail("down")] * 3
        verdicts = failed if number % 5 == 4 else [number / 100 + shift, None, number % 2 == 0]
        store.put(f"llm/{1 + number % 2}", question(number), verdicts, usage=usage, run=run, raw="Yes.\nÄ" if number % 3 == 0 else "")
    return store


@pytest.fixture
def store(tmp_path):
    return fill(lmtx.JudgmentStore.open(tmp_path / "judgments.db"), range(20), "first")


def lines_of(store, tmp_path):
    store.export_json_lines(tmp_path / "lines.jsonl")
    return (tmp_path / "lines.jsonl").read_text()


def run(capsys, *arguments):
    """The exit code and what was printed."""
    with pytest.raises(SystemExit) as end:
        app([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return end.value.code, captured.out, captured.err


def test_a_store_that_goes_through_parquet_is_equal(store, tmp_path):
    rows = lmtx.export_parquet(store, tmp_path / "judgments.parquet")
    assert rows == len(store) + 4
    copy = lmtx.JudgmentStore.open(tmp_path / "copy.db")
    counts = lmtx.import_parquet(copy, tmp_path / "judgments.parquet")
    assert (counts.judgments, counts.answers) == (len(store), 20)
    assert lines_of(copy, tmp_path) == lines_of(store, tmp_path)
    assert copy.check()
    assert not (tmp_path / "judgments.parquet.writing").exists()


def test_parquet_holds_what_was_put(store, tmp_path):
    lmtx.export_parquet(store, tmp_path / "judgments.parquet", identity="llm/1")
    rows = parquet.read_table(tmp_path / "judgments.parquet").to_pylist()
    assert {row["identity"] for row in rows} == {"llm/1"}
    for number in range(0, 20, 2):
        found = {row["label"]: row["score"] for row in rows if row["document"] == f"d{number}"}
        assert found == ({None: None} if number % 5 == 4 else {"l-tax": pytest.approx(number / 100), "l-army": None, "l-ä": 1.0})
    usage = {row["answer"]: row["prompt_tokens"] for row in rows}
    assert sum(usage.values()) == store.usage("llm/1").usage.prompt_tokens
    assert {row["raw"] for row in rows if row["document"] == "d6"} == {"Yes.\nÄ"}


def test_rows_of_parquet_may_come_in_any_order(store, tmp_path):
    lmtx.export_parquet(store, tmp_path / "judgments.parquet")
    table = parquet.read_table(tmp_path / "judgments.parquet")
    shuffled = table.take([(7 * i) % table.num_rows for i in range(table.num_rows)]) if table.num_rows % 7 else table.slice(0)
    parquet.write_table(shuffled, tmp_path / "shuffled.parquet")
    copy = lmtx.JudgmentStore.open(tmp_path / "copy.db")
    lmtx.import_parquet(copy, tmp_path / "shuffled.parquet")
    assert lines_of(copy, tmp_path) == lines_of(store, tmp_path)


def test_parquet_that_holds_no_judgments_is_refused(store, tmp_path):
    parquet.write_table(pyarrow.table({"key": [b"1"]}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match=r"other.parquet: a table of judgments must have the columns .* but identity, .* is missing"):
        lmtx.import_parquet(store, tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(ValueError, match="text.parquet: .*[Pp]arquet"):
        lmtx.import_parquet(store, tmp_path / "text.parquet")
    lmtx.export_parquet(store, tmp_path / "newer.parquet")
    table = parquet.read_table(tmp_path / "newer.parquet").replace_schema_metadata({b"lmtx.judgments": b"2"})
    parquet.write_table(table, tmp_path / "newer.parquet")
    with pytest.raises(ValueError, match="newer.parquet: the judgments have format 2, but this version of LMTX reads up to format 1"):
        lmtx.import_parquet(store, tmp_path / "newer.parquet")
    with pytest.raises(FileNotFoundError):
        lmtx.import_parquet(store, tmp_path / "none.parquet")


ROW = {"key": [b"0" * 16], "identity": ["a"], "run": [""], "document": ["d"], "label": ["l"], "score": [0.5], "answer": [1], "time": [0]}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"key": [b"0"]}, "column `key` has 1 bytes in row 0, but must have 16"),
        ({"score": [2.0]}, r"score .*\[0, 1\]"),
        ({"score": ["much"]}, "column `score` has 'much' in row 0, which is of a wrong type"),
        ({"label": []}, "column `label` must have 1 rows, as `key` has, but has 0"),
        ({"cost": [float("nan")]}, "The usage of the answer for document `d` is not finite"),
    ],
)
def test_rows_that_are_wrong_are_refused(tmp_path, change, message):
    rows = lmtx.JudgmentImport(lmtx.JudgmentStore.open(tmp_path / "judgments.db"))
    with pytest.raises(ValueError, match=message):
        rows.add(ROW | change)


def test_a_column_that_is_missing_is_named(tmp_path):
    rows = lmtx.JudgmentImport(lmtx.JudgmentStore.open(tmp_path / "judgments.db"))
    with pytest.raises(ValueError, match="column `time` is missing"):
        rows.add({name: column for name, column in ROW.items() if name != "time"})


def test_many_questions_find_what_each_finds(store):
    questions = [question(number) for number in range(25)]
    for identity in ("llm/1", "nobody"):
        found = store.find_all(identity, questions)
        alone = [store.find(identity, one) for one in questions]
        assert [[judgment and judgment.verdict for judgment in of] for of in found] == [[judgment and judgment.verdict for judgment in of] for of in alone]


def test_usage_adds_up(store):
    assert store.usage().answers == 20
    assert store.usage().usage.prompt_tokens == sum(range(100, 120))
    assert store.usage("llm/2", run="first").usage.cost == pytest.approx(1.0)
    assert store.usage(run="none").answers == 0


def test_info_shows_teachers(store, capsys):
    code, out, _ = run(capsys, "store", "info", store.file, "--json")
    shown = json.loads(out)
    assert (code, shown["judgments"]) == (0, len(store))
    first = shown["teachers"][0]
    scored = [score for number in range(0, 20, 2) if number % 5 != 4 for score in (number / 100, 1)]
    assert first["identity"] == "llm/1"
    assert first["yes_rate"] == pytest.approx(sum(score >= 0.5 for score in scored) / len(scored))
    assert first["usage"]["prompt_tokens"] == store.usage("llm/1").usage.prompt_tokens
    code, out, _ = run(capsys, "store", "info", store.file)
    assert code == 0
    assert f"{len(store)} judgments by 2 teachers" in out
    assert "llm/2" in out


def test_check_says_what_is_wrong(store, capsys, tmp_path):
    code, out, _ = run(capsys, "store", "check", store.file)
    assert (code, "all as they were put" in out) == (0, True)
    file = store.file
    store.flush()
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(file.read_bytes())
    change = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('UPDATE judgments SET score = 0.77 WHERE score = 0'); c.commit()"
    subprocess.run([sys.executable, "-c", change, damaged], check=True)
    code, out, err = run(capsys, "store", "check", damaged)
    assert code == 1
    assert "is damaged." in out
    assert f"{damaged}: the store is damaged" in err


def test_merge_and_diff_count_alike(store, capsys, tmp_path):
    other = fill(lmtx.JudgmentStore.open(tmp_path / "other.db"), range(10, 30), "second", shift=0.001)
    found = store.diff(other)
    code, out, _ = run(capsys, "store", "diff", store.file, other.file, "--json", "--list", 3)
    shown = json.loads(out)
    assert (shown["conflicts"], shown["only_there"]) == (found.conflicts, found.only_there)
    assert len(shown["differences"]) == 9
    code, out, _ = run(capsys, "store", "diff", store.file, other.file)
    assert f"{found.conflicts} with another score" in out
    code, out, _ = run(capsys, "store", "merge", tmp_path / "new.db", store.file, other.file)
    assert code == 0
    assert f"{found.only_there} judgments and 20 answers added, {found.same} were there, {found.conflicts} with another score, which stay" in out
    merged = lmtx.JudgmentStore.open(tmp_path / "new.db")
    assert len(merged) == len(store) + found.only_there
    assert merged.usage().usage.prompt_tokens == store.usage().usage.prompt_tokens + other.usage().usage.prompt_tokens


@pytest.mark.parametrize("name", ["all.jsonl", "all.parquet"])
def test_export_and_import_give_an_equal_store(store, capsys, tmp_path, name):
    assert run(capsys, "store", "export", store.file, tmp_path / name) == (0, "", "")
    code, out, _ = run(capsys, "store", "import", tmp_path / "copy.db", tmp_path / name)
    assert (code, f"{len(store)} judgments and 20 answers added" in out) == (0, True)
    assert lines_of(lmtx.JudgmentStore.open(tmp_path / "copy.db"), tmp_path) == lines_of(store, tmp_path)


def test_export_of_a_recording_needs_one_teacher(store, capsys, tmp_path):
    code, _, err = run(capsys, "store", "export", store.file, tmp_path / "r.jsonl", "--recording")
    assert (code, "has 2 teachers; say which with --teacher: 'llm/1', 'llm/2'." in err) == (2, True)
    assert run(capsys, "store", "export", store.file, tmp_path / "r.jsonl", "--recording", "--teacher", "llm/1")[0] == 0
    assert lmtx.RecordedOracle.open(tmp_path / "r.jsonl").identity() == "llm/1"


@pytest.mark.parametrize("command", [["info"], ["check"], ["export", "x.jsonl"], ["diff", "other.db"]])
def test_what_is_not_there_is_wrong_input(capsys, tmp_path, command):
    code, _, err = run(capsys, "store", command[0], tmp_path / "none.db", *command[1:])
    assert (code, "none.db" in err, err.count("\n")) == (2, True, 1)
    assert not (tmp_path / "none.db").exists()
