"""Runs of MACLR and RTS: no teacher, no verdicts."""

import json
from pathlib import Path

import pytest
from test_cli import lmtx_command, refusal

import lmtx
import tiny

SMALL = {"epochs": 2, "batch_size": 8, "document_length": 32, "learning_rate": 1e-3}


def settings(preset):
    return SMALL | ({"steps": 8, "clusters": "4"} if preset == "maclr" else {"segment_words": 3})


@pytest.mark.parametrize("preset", ["maclr", "rts"])
def test_a_tagger_is_trained_without_a_teacher(model, tmp_path, preset):
    tagger = lmtx.train(tiny.make_documents(), tiny.TOPICS, preset=preset, base=model, out=tmp_path / "run", progress=False, **settings(preset))
    assert tagger.report.teacher == "none"
    assert tagger.report.ended == "stages"
    assert tagger.report.total.judgments == 0
    assert tagger.report.cycles == []
    assert len(tagger.tag("a text", k=3)) == 3
    assert not (tmp_path / "run" / "judgments.db").exists()
    assert json.loads((Path(tagger.report.tagger_folder) / "lmtx" / "provenance.json").read_text())["options"]["method"] == preset
    assert "ended: stages" in tagger.report._repr_html_()


def test_a_teacher_that_is_given_is_left_alone(model, tmp_path):
    def ask(document, labels):
        raise AssertionError("nobody should ask")

    arguments = {"preset": "rts", "base": model, "out": tmp_path / "run", "progress": False} | settings("rts")
    lmtx.train(tiny.make_documents(), tiny.TOPICS, teacher=ask, teacher_identity="never/1", **arguments)
    # The same run.
    assert lmtx.train(tiny.make_documents(), tiny.TOPICS, **arguments).report.teacher == "none"


def test_the_curriculum_needs_a_teacher(model, tmp_path):
    with pytest.raises(ValueError, match="A run needs a teacher, but none was given"):
        lmtx.train(tiny.make_documents(), tiny.TOPICS, base=model, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_the_command_line_needs_no_teacher_for_such_a_preset(model, data, tmp_path):
    changes = [part for name, value in settings("maclr").items() for part in ("--set", f"{name}={value}")]
    command = ["train", data, "--base", model, "--out", tmp_path / "run", *changes]
    assert refusal(*command).startswith("The run needs a teacher: give --teacher recorded:FILE, python:module:function, ")
    plan = lmtx_command(*command, "--preset", "maclr", "--plan")
    assert "judgments" in plan.stdout and not (tmp_path / "run").exists()
    result = lmtx_command(*command, "--preset", "maclr")
    assert result.returncode == 0, result.stderr
    assert "All stages are done." in result.stdout
    assert "The content that is nearest to a title" in result.stdout
    assert lmtx_command("eval", tmp_path / "run" / "tagger", data, "--json").returncode == 0
