"""scripts/test_long.py, with parts that end at once."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def test_long():
    spec = importlib.util.spec_from_file_location("test_long", ROOT / "scripts" / "test_long.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["test_long"] = module  # where dataclasses looks
    spec.loader.exec_module(module)
    yield module
    del sys.modules["test_long"]


def run(test_long, monkeypatch, capfd, parts, *names):
    monkeypatch.setattr(test_long, "parts", lambda build: parts)
    monkeypatch.setattr(sys, "argv", ["test_long.py", "build", *names])
    with pytest.raises(SystemExit) as ended:
        test_long.main()
    out, err = capfd.readouterr()
    return ended.value.code, out, err


def test_a_part_that_fails_keeps_no_other_from_running(test_long, monkeypatch, capfd):
    parts = [
        test_long.Part("first", [sys.executable, "-c", "print('one'); raise SystemExit(3)"]),
        test_long.Part("second", [sys.executable, "-c", "print('two')"]),
        test_long.Part("third", ["no-such-program"], lacks="nothing is here"),
        test_long.Part("fourth", ["no-such-program"]),
    ]
    code, out, _ = run(test_long, monkeypatch, capfd, parts)
    assert code == 1
    assert "\none\n" in out and "\ntwo\n" in out
    lines = [line.split(maxsplit=3) for line in out.rstrip().splitlines()[-4:]]
    assert lines[0] == ["first", "0:00", "min", "FAILED (exit code 3)"]
    assert lines[1] == ["second", "0:00", "min", "passed"]
    assert " ".join(lines[2]) == "third not run: nothing is here"
    assert "FAILED (there is no program no-such-program)" in out.splitlines()[-1]


def test_all_is_well_where_nothing_failed_and_only_what_is_named_is_run(test_long, monkeypatch, capfd):
    parts = [test_long.Part("first", ["false"]), test_long.Part("second", ["true"])]
    code, out, _ = run(test_long, monkeypatch, capfd, parts, "second")
    assert (code, len(out.strip().splitlines())) == (0, 3)
    code, _, err = run(test_long, monkeypatch, capfd, parts, "secnd")
    assert code == 2
    assert "there is no part secnd; the parts are: first, second" in err


def test_parity_is_checked_on_each_folder_of_LMTX_DATA(test_long, monkeypatch, tmp_path):
    for name in ("b", "a", "no-data"):
        (tmp_path / name).mkdir()
    for name in ("a", "b"):
        (tmp_path / name / "labels.jsonl").touch()
    monkeypatch.delenv("LMTX_DATA", raising=False)
    lacking = {part.name: part.lacks for part in test_long.parts(Path("build"))}
    assert lacking["tokenizer-data"] == lacking["encoder-data"] == "LMTX_DATA names no folder that holds data folders"
    monkeypatch.setenv("LMTX_DATA", str(tmp_path))
    commands = {part.name: part.command for part in test_long.parts(Path("build"))}
    assert commands["tokenizer-data"][-2:] == commands["encoder-data"][-2:] == [tmp_path / "a", tmp_path / "b"]
    assert {"c++", "python", "tokenizer-sample", "encoder-sample", "address", "thread"} <= commands.keys()
