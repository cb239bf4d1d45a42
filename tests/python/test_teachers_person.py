"""A person at the terminal as the teacher, by lines of a file."""

import io
import json
import subprocess
import sys

import pytest
from rich.console import Console

import lmtx
import tiny
from runs import environment
from lmtx.teachers.person import verdicts_of

CONTENT = "A bill on income tax. " * 10


class Sink:
    """Keeps what is put."""

    stop_requested = False

    def __init__(self):
        self.puts = []

    def put(self, question, verdicts, *, usage=None, raw=""):
        self.puts.append((question.uid, [label.name for label in question.labels], [verdict.value for verdict in verdicts]))


def question(*labels, content=CONTENT):
    return lmtx.Question(
        lmtx.Document("d1", title="A title", content=content), [lmtx.Label(f"l-{label}", label, description=f"what {label} is") for label in labels]
    )


def ask(lines, *questions, **options):
    """What came of a person who typed these lines: the puts, what was shown, and how it ended."""
    shown, sink, end = io.StringIO(), Sink(), None
    teacher = lmtx.teachers.human("ann", source=io.StringIO(lines), console=Console(file=shown, width=60), **options)
    try:
        teacher.judge(list(questions), sink)
    except lmtx.TeacherError as error:
        end = str(error)
    return sink.puts, shown.getvalue(), end


def test_yes_no_and_skip_are_stored_one_by_one():
    puts, shown, end = ask("y\nNo\n s \n", question("tax", "army", "water"))
    assert puts == [("d1", ["tax"], [1.0]), ("d1", ["army"], [0.0]), ("d1", ["water"], [None])]
    assert end is None
    for text in ("d1", "A title", "A bill on income tax.", "1/3  tax", "what tax is", "3/3  water", "y yes, n no, s skip"):
        assert text in shown


def test_the_last_answer_can_be_taken_back_once():
    puts, shown, _ = ask("y\nb\nn\ny\n", question("tax", "army"))
    assert puts == [("d1", ["tax"], [0.0]), ("d1", ["army"], [1.0])]
    puts, shown, _ = ask("b\ny\nn\nb\nb\ny\nn\n", question("tax", "army", "water"))
    assert puts == [("d1", ["tax"], [1.0]), ("d1", ["army"], [1.0]), ("d1", ["water"], [0.0])]
    assert shown.count("Only the last answer can be taken back") == 2


def test_what_is_no_key_is_asked_again():
    puts, shown, _ = ask("maybe\n\nyes\n", question("tax"))
    assert puts == [("d1", ["tax"], [1.0])]
    assert "'maybe' is none of: y yes, n no" in shown.replace("\n", " ")


def test_long_documents_are_cut_until_the_whole_is_wanted():
    content = "word " * 100 + "the end"
    _, shown, _ = ask("y\n", question("tax", content=content), characters=50)
    assert "the end" not in shown and f"and {len(content) - 49:,} characters more: ? shows them" in shown
    _, shown, _ = ask("?\ny\n", question("tax", content=content), characters=50)
    assert "the end" in shown.replace("\n", " ")


@pytest.mark.parametrize(("lines", "said"), [("y\nq\n", "stopped by the person"), ("y\n", "the person's input has ended")])
def test_quitting_keeps_what_was_answered(lines, said):
    puts, _, end = ask(lines, question("tax", "army"))
    assert puts == [("d1", ["tax"], [1.0])]
    assert end.startswith(said) and end.endswith("all answers are kept, and the same command asks for the rest.")


def test_all_labels_at_once_take_the_numbers_of_those_that_fit():
    puts, shown, _ = ask("1, 3s\n", question("tax", "army", "water"), at_once=True)
    assert puts == [("d1", ["tax", "army", "water"], [1.0, 0.0, None])]
    assert shown.index("3/3  water") < shown.index("numbers of the tags")
    assert "'4' is none of" in ask("4\n-\n", question("tax", "army"), at_once=True)[1].replace("\n", " ")


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("2", [0, 1, 0]),
        ("1 2,3", [1, 1, 1]),
        ("-", [0, 0, 0]),
        ("s", [None] * 3),
        ("2s 1", [1, None, 0]),
        ("", None),
        ("0", None),
        ("4", None),
        ("x", None),
        ("1 x", None),
        ("999999999999", None),
    ],
)
def test_lines_of_numbers(line, values):
    verdicts = verdicts_of(line, 3)
    assert (verdicts and [verdict.value for verdict in verdicts]) == values


def test_what_a_document_holds_cannot_change_the_terminal():
    hostile = "a\x1b]0;title\x07b\x1b[2Jc\x9b31md\u202ee [red]f[/red] :smile:"
    _, shown, _ = ask("y\n", question("tax\x1b[0m", content=hostile))
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)
    assert "[red]f[/red] :smile:" in shown


def test_a_person_is_named_and_bad_arguments_are_refused():
    assert lmtx.teachers.human().identity() == lmtx.make_teacher("human").identity() == "human"
    assert lmtx.make_teacher("human:ann").identity() == lmtx.teachers.human("ann", at_once=True).identity() == "human/ann"
    with pytest.raises(ValueError, match="`characters` must be 1 or more, but is 0 instead"):
        lmtx.teachers.human(characters=0)


def test_the_same_command_goes_on_where_the_person_stopped(model, data, tmp_path):
    settings = [
        "--preset",
        "paper",
        "--set",
        "cycles=1",
        "--set",
        "epochs=1",
        "--set",
        "batch_size=2",
        "--set",
        "development=0",
        "--set",
        "judgments_per_cycle=2",
    ]
    (tmp_path / "labels.jsonl").write_text((data / "labels.jsonl").read_text())
    tiny.write_lines(tmp_path / "train.jsonl", tiny.make_documents(4))
    command = [sys.executable, "-m", "lmtx", "train", tmp_path, "--base", model, "--teacher", "human", "--out", tmp_path / "run", *settings]

    def type_in(lines):
        return subprocess.run([str(word) for word in command], input=lines, capture_output=True, text=True, env=environment())

    first = type_in("y\nn\ns\nq\n")
    assert (
        first.returncode == 1 and first.stderr.splitlines()[-1] == "lmtx: stopped by the person; all answers are kept, and the same command asks for the rest."
    )
    assert lmtx.JudgmentStore.open(tmp_path / "run" / "judgments.db").size("human") == 3
    second = type_in("y\n" * 5)
    assert second.returncode == 0, second.stderr
    assert second.stdout.count("y yes, n no") == 5
    assert json.loads((tmp_path / "run" / "report.json").read_text())["teacher"] == "human"
